"""Rows that lie on a GPU throughout training, if they fit there."""

from __future__ import annotations

import numpy as np
import torch

from ._loader import Batch, Store, in_blocks, lengths_of, move, n_rows, take, targets_of

SHARE = 0.25  # of the memory that the device has free
CHUNK = 4096  # rows that are prepared at a time


def on_device(store: Store, device: torch.device | str) -> Store:
    """Return a store whose batches are cut on a CUDA device, so that no row is prepared and copied twice.

    The store itself is returned on a CPU, if its rows differ in length (batches then differ in padding), if it reads
    them in blocks, and if they would take more than `SHARE` of the device's free memory. Their batches are copied one
    by one, while the device computes: see :func:`move`.
    """
    device, lengths = torch.device(device), lengths_of(store)
    if device.type != "cuda" or in_blocks(store) or (lengths is not None and np.ptp(lengths)):
        return store
    n, first = len(store), store[np.arange(min(len(store), CHUNK))]
    room, _ = torch.cuda.mem_get_info(device)
    if n_bytes(first) / n_rows(first) * n > SHARE * room:
        return store
    rows = empty_like(move(first, device), n)
    for start in range(0, n, CHUNK):
        index = np.arange(start, min(start + CHUNK, n))
        put(rows, index, move(store[index] if start else first, device))
    targets = targets_of(store, np.arange(n))
    return RowsOnDevice(rows, None if targets is None else move(targets, device), lengths)


class RowsOnDevice:
    """A store of rows that are prepared and on a device.

    Parameters
    ----------
    rows : Batch
        All of them.
    targets : Batch or None
    lengths : ndarray of int or None
    """

    def __init__(self, rows: Batch, targets: Batch | None, lengths: np.ndarray | None):
        self.rows = rows
        self.targets = targets
        self.lengths = lengths

    def __len__(self) -> int:
        return n_rows(self.rows)

    def __getitem__(self, index: np.ndarray) -> Batch:
        return taken(self.rows, index)

    def targets_at(self, index: np.ndarray) -> Batch | None:
        """Return the targets of some rows; None if they have none."""
        return None if self.targets is None else taken(self.targets, index)


def taken(batch: Batch, index: np.ndarray) -> Batch:
    """Return some rows of a batch that is on a device."""
    first = batch if isinstance(batch, torch.Tensor) else batch[0]
    return take(batch, move(torch.from_numpy(index), first.device))


def n_bytes(batch: Batch) -> int:
    """Return how much memory a batch takes."""
    return batch.nbytes if isinstance(batch, torch.Tensor) else sum(map(n_bytes, batch))


def empty_like(batch: Batch, n: int) -> Batch:
    """Return room for n rows like those of a batch."""
    if isinstance(batch, torch.Tensor):
        return batch.new_empty((n, *batch.shape[1:]))
    return type(batch)(*(empty_like(part, n) for part in batch))


def put(rows: Batch, index: np.ndarray, batch: Batch) -> None:
    """Write a batch to consecutive rows."""
    if isinstance(rows, torch.Tensor):
        rows[index[0] : index[-1] + 1] = batch
    else:
        for part, new in zip(rows, batch, strict=True):
            put(part, index, new)
