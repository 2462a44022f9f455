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

    def owners(self) -> Tensor:
        """Return which cell each float of a batch belongs to, int64 ``(width,)``; do not write to it."""
        return _owners(self)

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
        columns = [cell for cell in self.lacking if cell < self.n_numbers]
        there[:, columns] = 1 - indicators[:, : len(columns)]
        return torch.cat([there, *(block.sum(1, keepdim=True) for block in blocks)], dim=1)


# Computed once, not for each batch, and cached outside of Cells: an attribute would be pickled and hashed.
@lru_cache(maxsize=32)
def _owners(cells: Cells) -> Tensor:
    hot = np.repeat(cells.n_numbers + np.arange(len(cells.sizes)), cells.sizes)
    return torch.from_numpy(np.concatenate([np.arange(cells.n_numbers), cells.lacking, hot]).astype(int))


@lru_cache(maxsize=32)
def _starts(cells: Cells) -> Tensor:
    """Return the index of each column's first category among those of all columns, ``(n_categorical,)``."""
    return torch.tensor(np.cumsum([0, *cells.sizes])[:-1], dtype=torch.int64)


def side_by_side(numbers: Any, codes: list[np.ndarray], scale: Callable[[Any], Tensor]) -> Tensor:
    """Return the cells ``(n, d)`` of a table with categories: scaled numbers and codes, NaN where missing."""
    n, n_numbers = numbers.shape
    cells = torch.empty((n, n_numbers + len(codes)), dtype=torch.float32)
    if n_numbers:
        for rows in gen_batches(n, 8192):
            cells[rows, :n_numbers] = scale(numbers[rows])
    for j, column in enumerate(codes):
        cells[:, n_numbers + j] = torch.from_numpy(column)
    return cells


def replace_cells(x: Tensor, rate: float, owners: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Replace each cell, with probability `rate`, by the cell of a random row in the same column.

    Parameters
    ----------
    x : Tensor of shape (n, width)
    rate : float in [0, 1]
    owners : Tensor of int of shape (width,), optional
        Which cell each float belongs to, if cells have several floats. The floats of a cell stay together: a
        category is replaced by that of another row.

    Returns
    -------
    corrupted : Tensor of shape (n, width)
        A draw from SCARF's corruption: from each column's marginal distribution.
    replaced : Tensor of bool of shape (n, d)
    """
    shape = x.shape if owners is None else (len(x), int(owners.max()) + 1)
    donor = torch.randint(len(x), shape, device=x.device)
    replaced = torch.rand(shape, device=x.device) < rate
    if owners is None:
        return torch.where(replaced, x.gather(0, donor), x), replaced
    owners = owners.to(x.device)
    return torch.where(replaced[:, owners], x.gather(0, donor[:, owners]), x), replaced
