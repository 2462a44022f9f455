"""The layout of the cells of a table in a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from sklearn.utils import gen_batches
from torch import Tensor

CHUNK_CELLS = 2**19  # cells of which there are several copies at a time


@dataclass(frozen=True)
class Cells:
    """The layout of the cells of a table in a batch of floats ``(n, width)``.

    A batch starts with the numbers, 0 where missing. Then come missing indicators, 0 or 1, for the columns
    with missing cells in fit. Last come the categories of each categorical column, one-hot, all zeros where
    missing. The d cells of a row are numbered in this order: numbers, categories.

    Parameters
    ----------
    n_numbers : int
        Number of numeric columns.
    lacking : tuple of int
        Numbers of the cells with an indicator, ascending.
    sizes : tuple of int
        Number of categories of each categorical column, including the rare one if there is one.
    """

    n_numbers: int
    lacking: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def width(self) -> int:
        """Number of floats in a row of a batch."""
        return self.n_numbers + len(self.lacking) + sum(self.sizes)

    @property
    def is_plain(self) -> bool:
        """Whether a batch holds numbers only."""
        return not self.lacking and not self.sizes

    @property
    def n_cells(self) -> int:
        """Number of cells in a row."""
        return self.n_numbers + len(self.sizes)

    def owners(self, device: torch.device | str = "cpu") -> Tensor:
        """Return which cell each float of a batch belongs to, int64 ``(width,)``; do not write to it."""
        return _owners(self, torch.device(device))

    def expand(self, cells: Tensor) -> Tensor:
        """Return the batch ``(n, width)`` for cells ``(n, d)``: numbers and codes, NaN where missing."""
        if self.is_plain:
            return cells
        missing = cells.isnan()
        cells = cells.nan_to_num(0.0)
        indicators = missing[:, list(self.lacking)].to(cells.dtype)
        hot = cells.new_zeros(len(cells), sum(self.sizes))
        codes = cells[:, self.n_numbers :].long() + _starts(self)
        hot.scatter_(1, codes, (~missing[:, self.n_numbers :]).to(cells.dtype))
        return torch.cat([cells[:, : self.n_numbers], indicators, hot], dim=1)

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return the numbers, the indicators and each column's categories of a batch ``(n, width)``."""
        numbers, indicators, *blocks = x.split([self.n_numbers, len(self.lacking), *self.sizes], dim=1)
        return numbers, indicators, blocks

    def present(self, x: Tensor) -> Tensor:
        """Return 1 for each cell ``(n, d)`` of a batch that is present, 0 for missing ones."""
        numbers, indicators, blocks = self.parts(x)
        there = torch.ones_like(numbers)
        columns = _lacking_numbers(self, x.device)
        there.index_copy_(1, columns, 1 - indicators[:, : len(columns)])
        return torch.cat([there, *(block.sum(1, keepdim=True) for block in blocks)], dim=1)


# Computed and copied to a device once, not for each batch, and cached outside of Cells: an attribute would be pickled
# and hashed.
@lru_cache(maxsize=32)
def _owners(cells: Cells, device: torch.device) -> Tensor:
    hot = np.repeat(cells.n_numbers + np.arange(len(cells.sizes)), cells.sizes)
    owners = np.concatenate([np.arange(cells.n_numbers), cells.lacking, hot]).astype(int)
    return torch.from_numpy(owners).to(device, non_blocking=True)


@lru_cache(maxsize=32)
def _lacking_numbers(cells: Cells, device: torch.device) -> Tensor:
    """Return the numbers of the numeric cells with an indicator, int64."""
    lacking = [cell for cell in cells.lacking if cell < cells.n_numbers]
    return torch.tensor(lacking, dtype=torch.int64).to(device, non_blocking=True)


@lru_cache(maxsize=32)
def _starts(cells: Cells) -> Tensor:
    """Return the index of each column's first category among those of all columns, ``(n_categorical,)``."""
    return torch.tensor(np.cumsum([0, *cells.sizes])[:-1], dtype=torch.int64)


def chunk_of(d: int) -> int:
    """Return how many rows of d numbers to scale at a time: scaling makes several copies in float64."""
    return max(256, CHUNK_CELLS // max(1, d))


def side_by_side(numbers: Any, codes: list[np.ndarray], scale: Callable[[Any], Tensor]) -> Tensor:
    """Return the cells ``(n, d)`` of a table with categories: scaled numbers and codes, NaN where missing."""
    n, n_numbers = numbers.shape
    cells = torch.empty((n, n_numbers + len(codes)), dtype=torch.float32)
    if n_numbers:
        for rows in gen_batches(n, chunk_of(n_numbers)):
            cells[rows, :n_numbers] = scale(numbers[rows])
    for j, column in enumerate(codes):
        cells[:, n_numbers + j] = torch.from_numpy(column)
    return cells


def replace_cells(x: Tensor, rate: float, cells: Cells | None = None) -> tuple[Tensor, Tensor]:
    """Replace each cell, with probability `rate`, by the cell of a random row in the same column.

    Parameters
    ----------
    x : Tensor of shape (n, width)
    rate : float in [0, 1]
    cells : Cells, optional
        The layout, if cells have several floats. The floats of a cell stay together: a category is replaced by that
        of another row.

    Returns
    -------
    corrupted : Tensor of shape (n, width)
        A draw from SCARF's corruption: from each column's marginal distribution.
    replaced : Tensor of bool of shape (n, d)
    """
    shape = x.shape if cells is None else (len(x), cells.n_cells)
    donor = torch.randint(len(x), shape, device=x.device)
    replaced = torch.rand(shape, device=x.device) < rate
    if cells is None:
        return torch.where(replaced, x.gather(0, donor), x), replaced
    owners = cells.owners(x.device)
    return torch.where(replaced[:, owners], x.gather(0, donor[:, owners]), x), replaced
