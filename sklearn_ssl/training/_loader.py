"""Stores of rows, and batches that are sliced as a whole, never row by row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeGuard

import numpy as np
import torch

from ._seed import RandomStream

BUCKET = 50  # number of batches whose rows are sorted by length together

Batch = Any
"""A tensor, or a NamedTuple of tensors whose first axis are the rows."""


def move(batch: Batch, device: torch.device | str) -> Batch:
    """Return `batch` on `device`, whether it is a tensor or a NamedTuple of tensors.

    A copy to a GPU goes through pinned memory, so that the host goes on at once. The next batch is prepared while the
    device computes.
    """
    if isinstance(batch, torch.Tensor):
        to_gpu = torch.device(device).type == "cuda" and batch.device.type == "cpu"
        return (batch.pin_memory() if to_gpu else batch).to(device, non_blocking=to_gpu)
    return type(batch)(*(move(part, device) for part in batch))


def n_rows(batch: Batch) -> int:
    """Return the number of rows of a tensor or of a NamedTuple of tensors."""
    return len(batch) if isinstance(batch, torch.Tensor) else len(batch[0])


def take(batch: Batch, index: Any) -> Batch:
    """Return some rows of a tensor or of a NamedTuple of tensors."""
    if isinstance(batch, torch.Tensor):
        return batch[index]
    return type(batch)(*(take(part, index) for part in batch))


class Store(Protocol):
    """Rows that are returned as batches; any torch Dataset that can be indexed by an array of row numbers is one.

    The same numbers always give the same rows. If rows differ in length, the store has ``lengths``, an array of int,
    and batches are made of rows of similar length. If rows have targets, it has ``targets_at(index)``, which returns a
    tensor or a NamedTuple of tensors.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: np.ndarray) -> Batch: ...


class StoreInBlocks(Store, Protocol):
    """A store that reads its rows in blocks.

    ``rows_of_pass(shuffle)`` yields the row numbers of a pass, ``split(fraction, seed)`` sets rows of each block aside,
    and ``sample`` is a store of random rows.
    """

    @property
    def sample(self) -> Store: ...

    def rows_of_pass(self, shuffle: bool) -> Iterator[np.ndarray]: ...

    def split(self, fraction: float, seed: int) -> tuple[Store, Store]: ...


class Rows:
    """The user's rows, turned into batches on demand.

    Parameters
    ----------
    rows : ndarray, memmap, CSR matrix or tensor
        Anything that can be indexed by an array of row numbers. It is never written to.
    prepare : callable
        Maps ``rows[index]`` to a batch. The slice is a copy, so it may be changed.
    """

    def __init__(self, rows: Any, prepare: Callable[[Any], Batch]):
        self.rows = rows
        self.prepare = prepare

    def __len__(self) -> int:
        return int(self.rows.shape[0])

    def __getitem__(self, index: np.ndarray) -> Batch:
        return self.prepare(self.rows[index])

    def in_memory(self, chunk: int = 8192) -> Rows:
        """Prepare all rows once, into one float32 tensor, in chunks, so that there is no second copy."""
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
        The rows, in the desired order.
    """

    def __init__(self, store: Store, index: np.ndarray):
        self.store = store
        self.index = index

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, index: np.ndarray) -> Batch:
        return self.store[self.index[index]]

    def targets_at(self, index: np.ndarray) -> Batch | None:
        """Return the targets of some rows; None if the store has none."""
        return targets_of(self.store, self.index[index])

    @property
    def lengths(self) -> np.ndarray | None:
        """The lengths of the rows, if the store knows them."""
        lengths = lengths_of(self.store)
        return None if lengths is None else lengths[self.index]


class LabeledStore:
    """A store whose rows have targets: labels, and whatever else the loss needs, such as weights.

    Parameters
    ----------
    store : Store
    targets : Tensor or NamedTuple of tensors
        Row i belongs to row i of the store.
    """

    def __init__(self, store: Store, targets: Batch):
        if n_rows(targets) != len(store):
            raise ValueError(
                f"X has {len(store)} rows and y has {n_rows(targets)}. Pass one target for each row."
            )
        self.store = store
        self.targets = targets

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: np.ndarray) -> Batch:
        return self.store[index]

    def targets_at(self, index: np.ndarray) -> Batch:
        """Return the targets of some rows."""
        return take(self.targets, torch.from_numpy(index))

    @property
    def lengths(self) -> np.ndarray | None:
        """The lengths of the rows, if the store knows them."""
        return lengths_of(self.store)


def lengths_of(store: Store) -> np.ndarray | None:
    """Return the length of each row; None if all are equal."""
    return getattr(store, "lengths", None)


def in_blocks(store: Store) -> TypeGuard[StoreInBlocks]:
    """Return whether a store reads its rows in blocks."""
    return hasattr(store, "rows_of_pass")


def targets_of(store: Store, index: np.ndarray) -> Batch | None:
    """Return the targets of some rows; None if rows have none."""
    give = getattr(store, "targets_at", None)
    return None if give is None else give(index)


class BatchLoader:
    """Iterate over a store in batches of nearly equal size.

    No batch has a single row: batch norm and contrastive losses would have nothing to compare it with. Yields
    ``(batch, targets)``, as skorch expects; targets are None if rows have none.

    Rows of different lengths come in batches of similar length, which need little padding. Without shuffling they
    come from the shortest to the longest. With it, the rows of some batches at a time are sorted, and the batches
    come in random order.

    Parameters
    ----------
    store : Store
    batch_size : int
        Rows in a batch. Some batches are smaller, and one may be larger if a single row would be left.
    shuffle : bool
        Draw a new order from torch's global generator in every pass.
    part : callable, optional
        Maps the row numbers of a batch to those that are wanted of it: those of one of several processes.
    """

    def __init__(
        self,
        store: Store,
        batch_size: int,
        shuffle: bool = False,
        part: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self.store = store
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.part = part

    def __len__(self) -> int:
        n = len(self.store)
        # rather one larger batch than one of a single row
        return max(1, min(-(-n // self.batch_size), n // 2))

    def __iter__(self) -> Iterator[tuple[Batch, Batch | None]]:
        for batch in self.indices():
            index = batch if self.part is None else self.part(batch)
            yield self.store[index], targets_of(self.store, index)

    def indices(self) -> Iterable[np.ndarray]:
        """Return the row numbers of each batch of a pass."""
        n, lengths = len(self.store), lengths_of(self.store)
        if in_blocks(self.store):  # there may be too many rows to number them all
            return cut(self.store.rows_of_pass(self.shuffle), n, len(self))
        order = torch.randperm(n).numpy() if self.shuffle else np.arange(n)
        if lengths is not None:
            # sorting all rows would show the network short rows first in every pass; sorting a few batches at a time
            # keeps passes random and saves nearly as much padding
            parts = np.array_split(order, -(-n // (BUCKET * self.batch_size)) if self.shuffle else 1)
            order = np.concatenate([part[np.argsort(lengths[part], kind="stable")] for part in parts])
        batches = np.array_split(order, len(self))
        if lengths is not None and self.shuffle:
            batches = [batches[i] for i in torch.randperm(len(batches))]
        return batches


def cut(chunks: Iterable[np.ndarray], n: int, n_batches: int) -> Iterator[np.ndarray]:
    """Yield `n` row numbers, which come in chunks, in batches of nearly equal size."""
    sizes = (n // n_batches + (i < n % n_batches) for i in range(n_batches))
    rest, chunks = np.empty(0, dtype=np.int64), iter(chunks)
    for size in sizes:
        while len(rest) < size:
            rest = np.concatenate([rest, next(chunks)])
        yield rest[:size]
        rest = rest[size:]


def sample_of(store: Store) -> Store:
    """Return random rows that stand for all, if the store reads its rows in blocks; else the store."""
    return store.sample if in_blocks(store) else store


def some_of(store: Store, n: int, seed: int) -> Store:
    """Return n random rows of a store; if it reads its rows in blocks, about n."""
    if in_blocks(store):
        return store.split(n / len(store), seed)[1]
    return Selection(store, np.random.default_rng(seed).permutation(len(store))[:n])


def fixed_order(store: Store, seed: int) -> np.ndarray:
    """Return all row numbers in random order, always the same; blocks are mixed as in training."""
    if not in_blocks(store):
        return np.random.default_rng(seed).permutation(len(store))
    return np.concatenate(list(RandomStream(seed).each(store.rows_of_pass(True))))


def auto_epochs(store: Store | int, budget: int) -> int:
    """Return the number of passes that ``max_epochs="auto"`` stands for, by default 5000 / sqrt(n).

    Few rows are seen often, many rows rarely: 500 times for 100 rows, 5 times for a million.

    Parameters
    ----------
    store : Store or int
        The rows, or their number. If they differ in length, as texts do, n is the sum of their lengths.
    budget : int
        The numerator.
    """
    if not isinstance(store, int):
        lengths = lengths_of(store)
        store = len(store) if lengths is None else int(lengths.sum())
    return math.ceil(budget / math.sqrt(store))
