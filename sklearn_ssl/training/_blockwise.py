"""A store whose rows are read in blocks, a few of which are in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
import torch

from ._loader import Batch, Selection, Store, take


class BlockStore:
    """Rows in blocks of consecutive ones. A pass goes through blocks in random order and mixes the rows of several.

    Parameters
    ----------
    starts : ndarray of int64 of shape (n_blocks + 1,)
        The first row of each block, and the number of rows.
    read : callable
        Maps the number of a block to a store of its rows.
    n_mixed : int
        Number of blocks in memory.
    draw : callable
        Returns a store of random rows, which stand for all where a pass over all would take too long.
    """

    def __init__(
        self, starts: np.ndarray, read: Callable[[int], Store], n_mixed: int, draw: Callable[[], Store]
    ):
        self.starts, self.read, self.n_mixed, self.draw = starts, read, n_mixed, draw
        self._held: OrderedDict[int, Store] = OrderedDict()

    def __len__(self) -> int:
        return int(self.starts[-1])

    @cached_property
    def sample(self) -> Store:
        """Random rows."""
        return self.draw()

    def __getitem__(self, index: np.ndarray) -> Batch:
        block = np.searchsorted(self.starts, index, side="right") - 1
        wanted = np.unique(block).tolist()
        if len(wanted) == 1:
            return self._block(wanted[0])[index - self.starts[wanted[0]]]
        # those in memory first: reading others may put them out of it
        wanted.sort(key=lambda one: one not in self._held)
        places = [np.flatnonzero(block == one) for one in wanted]
        parts = [
            self._block(one)[index[at] - self.starts[one]] for one, at in zip(wanted, places, strict=True)
        ]
        return take(_joined(parts), torch.from_numpy(np.argsort(np.concatenate(places))))

    def rows_of_pass(self, shuffle: bool) -> Iterator[np.ndarray]:
        """Yield the row numbers of a pass, those of a few blocks at a time.

        Parameters
        ----------
        shuffle : bool
            Draw the order of the blocks, and that of the rows of some blocks at a time, from torch's global generator.
        """
        order = torch.randperm(len(self.starts) - 1).numpy() if shuffle else np.arange(len(self.starts) - 1)
        for start in range(0, len(order), self.n_mixed):
            some = order[start : start + self.n_mixed]
            rows = np.concatenate([np.arange(self.starts[one], self.starts[one + 1]) for one in some])
            yield rows[torch.randperm(len(rows)).numpy()] if shuffle else rows

    def split(self, fraction: float, seed: int) -> tuple[BlockStore, BlockStore]:
        """Return two stores: without a share of the rows of each block, chosen at random, and of this share."""
        sizes = np.diff(self.starts)
        # what is lost in one block by rounding is made up for in the next
        taken = np.diff(np.round(fraction * self.starts).astype(np.int64))

        def part(block: int, kept: bool) -> Store:
            order = np.random.default_rng([seed, block]).permutation(sizes[block])
            chosen = order[taken[block] :] if kept else order[: taken[block]]
            return Selection(self._block(block), np.sort(chosen))

        return (
            BlockStore(_starts(sizes - taken), lambda block: part(block, True), self.n_mixed, self.draw),
            BlockStore(_starts(taken), lambda block: part(block, False), self.n_mixed, self.draw),
        )

    def _block(self, block: int) -> Store:
        """Return a block, and keep it in place of the one that was not used for longest."""
        if block in self._held:
            self._held.move_to_end(block)
            return self._held[block]
        if len(self._held) >= self.n_mixed:
            self._held.popitem(last=False)
        self._held[block] = self.read(block)
        return self._held[block]


def _starts(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)])


def _joined(parts: list[Any]) -> Batch:
    if isinstance(parts[0], torch.Tensor):
        return torch.cat(parts)
    return type(parts[0])(*(_joined(list(fields)) for fields in zip(*parts, strict=True)))
