"""Rows that stay on a GPU once they have been there, if all of them fit."""

from __future__ import annotations

import numpy as np
import torch

from ._loader import Batch, Store, in_blocks, lengths_of, move, take, targets_of

SHARE = 0.25  # of the memory that the device has free


def on_device(store: Store, device: torch.device | str) -> Store:
    """Return a store whose rows stay on a CUDA device, so that none is prepared and copied twice.

    The store itself is returned on a CPU, if its rows differ in length (batches then differ in padding), if it reads
    them in blocks, and if they would take more than `SHARE` of the device's free memory. Their batches are copied one
    by one, while the device computes: see :func:`move`.
    """
    device, lengths = torch.device(device), lengths_of(store)
    if device.type != "cuda" or in_blocks(store) or (lengths is not None and np.ptp(lengths)):
        return store
    room, _ = torch.cuda.mem_get_info(device)
    fits = n_bytes(store[np.zeros(1, dtype=np.int64)]) * len(store) <= SHARE * room
    return RowsOnDevice(store, device) if fits else store


class RowsOnDevice:
    """The rows of a store, each of which is prepared and copied to a device when it is first asked for.

    Targets stay where they are.

    Parameters
    ----------
    store : Store
        Its rows have one length.
    device : torch.device
    """

    def __init__(self, store: Store, device: torch.device):
        self.store = store
        self.device = device
        self.rows: Batch | None = None
        self.are_there = np.zeros(len(store), dtype=bool)

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: np.ndarray) -> Batch:
        missing = index[~self.are_there[index]]
        if len(missing):
            batch = move(self.store[missing], self.device)
            if self.rows is None:
                self.rows = empty_like(batch, len(self))
            put(self.rows, self._there(missing), batch)
            self.are_there[missing] = True
        return take(self.rows, self._there(index))

    def targets_at(self, index: np.ndarray) -> Batch | None:
        """Return the targets of some rows; None if they have none."""
        return targets_of(self.store, index)

    @property
    def lengths(self) -> np.ndarray | None:
        """The lengths of the rows, if the store knows them."""
        return lengths_of(self.store)

    def _there(self, index: np.ndarray) -> torch.Tensor:
        there: torch.Tensor = move(torch.from_numpy(index), self.device)
        return there


def n_bytes(batch: Batch) -> int:
    """Return how much memory a batch takes."""
    return batch.nbytes if isinstance(batch, torch.Tensor) else sum(map(n_bytes, batch))


def empty_like(batch: Batch, n: int) -> Batch:
    """Return room for n rows like those of a batch."""
    if isinstance(batch, torch.Tensor):
        return batch.new_empty((n, *batch.shape[1:]))
    return type(batch)(*(empty_like(part, n) for part in batch))


def put(rows: Batch, index: torch.Tensor, batch: Batch) -> None:
    """Write a batch to some rows."""
    if isinstance(rows, torch.Tensor):
        rows[index] = batch
    else:
        for part, new in zip(rows, batch, strict=True):
            put(part, index, new)
