"""Batches by one index: a whole batch is sliced at once, never row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import torch

BUCKET = 50  # batches whose rows are sorted by length together

Batch = Any
"""A tensor, or a NamedTuple of tensors whose first axis are the rows."""


def move(batch: Batch, device: torch.device | str) -> Batch:
    """Return `batch` on `device`, whether it is a tensor or a NamedTuple of tensors."""
    if isinstance(batch, torch.Tensor):
        return batch.to(device, non_blocking=True)
    return type(batch)(*(move(part, device) for part in batch))


def n_rows(batch: Batch) -> int:
    """Return the number of rows of a tensor or of a NamedTuple of tensors."""
    return len(batch) if isinstance(batch, torch.Tensor) else len(batch[0])


class Store(Protocol):
    """Rows that come out as batches; any torch Dataset that takes an array of row numbers is one.

    One whose rows differ in length has ``lengths``, an array of int: batches are made of rows of like length.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: np.ndarray) -> Batch: ...


class Rows:
    """Rows as the user keeps them, made into batches when asked for.

    Parameters
    ----------
    rows : ndarray, memmap, CSR matrix or tensor
        Whatever slices with an array of row numbers. It is never written to.
    prepare : callable
        ``rows[index]`` -> batch. The slice is a copy of its own, so it may be changed.
    """

    def __init__(self, rows: Any, prepare: Callable[[Any], Batch]):
        self.rows = rows
        self.prepare = prepare

    def __len__(self) -> int:
        return int(self.rows.shape[0])

    def __getitem__(self, index: np.ndarray) -> Batch:
        return self.prepare(self.rows[index])

    def in_memory(self, chunk: int = 8192) -> Rows:
        """Prepare every row once, into one float32 tensor (a chunk at a time: no second copy)."""
        first = self[np.arange(min(len(self), chunk))]
        tensor = torch.empty((len(self), *first.shape[1:]), dtype=first.dtype)
        tensor[: len(first)] = first
        for start in range(len(first), len(self), chunk):
            stop = min(start + chunk, len(self))
            tensor[start:stop] = self.prepare(self.rows[np.arange(start, stop)])
        return Rows(tensor, lambda batch: batch)


class Selection:
    """Some of the rows of a store.

    Parameters
    ----------
    store : Store
    index : ndarray of int
        The rows, in the order wanted.
    """

    def __init__(self, store: Store, index: np.ndarray):
        self.store = store
        self.index = index

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, index: np.ndarray) -> Batch:
        return self.store[self.index[index]]

    @property
    def lengths(self) -> np.ndarray | None:
        """The lengths of the rows, if the store knows them."""
        lengths = lengths_of(self.store)
        return None if lengths is None else lengths[self.index]


def lengths_of(store: Store) -> np.ndarray | None:
    """Return how long each row is; None where all are alike."""
    return getattr(store, "lengths", None)


class BatchLoader:
    """Iterate over a store in batches of nearly equal size.

    No batch is left with a single row: batch norm and contrastive losses have nothing to compare it
    to. Yields ``(batch, None)``: skorch expects a target in second place.

    Rows of different lengths come in batches of like length, so that little is filled up: from the shortest
    to the longest, or, shuffled, sorted within some batches at a time, which come in random order.

    Parameters
    ----------
    store : Store
    batch_size : int
        Rows in a batch; some batches are smaller, and one may be larger where fewer than two rows
        would be left.
    shuffle : bool
        Draw a new order from torch's global generator in every pass.
    """

    def __init__(self, store: Store, batch_size: int, shuffle: bool = False):
        self.store = store
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __len__(self) -> int:
        n = len(self.store)
        return max(1, min(-(-n // self.batch_size), n // 2))

    def __iter__(self) -> Iterator[tuple[Batch, None]]:
        for index in self.indices():
            yield self.store[index], None

    def indices(self) -> list[np.ndarray]:
        """Return the row numbers of each batch of a pass."""
        n, lengths = len(self.store), lengths_of(self.store)
        order = torch.randperm(n).numpy() if self.shuffle else np.arange(n)
        if lengths is not None:
            parts = np.array_split(order, -(-n // (BUCKET * self.batch_size)) if self.shuffle else 1)
            order = np.concatenate([part[np.argsort(lengths[part], kind="stable")] for part in parts])
        batches = np.array_split(order, len(self))
        if lengths is not None and self.shuffle:
            batches = [batches[i] for i in torch.randperm(len(batches))]
        return batches
