"""How the cells of a table lie in a batch, and the networks that rebuild them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._base import Decoder, ValueDecoder


@dataclass(frozen=True)
class Cells:
    """Where the cells of a table are in a batch of floats ``(n, width)``.

    A batch begins with the numbers, 0 where one is missing; then come indicators of what is missing, 0 or
    1, for the columns that lacked something in fit; then each categorical column's categories, one-hot,
    all zeros where it is missing. The d cells of a row are counted in this order: numbers, categories.

    Parameters
    ----------
    n_numbers : int
        Columns of numbers.
    lacking : tuple of int
        Cells with an indicator, ascending.
    sizes : tuple of int
        Number of categories of each categorical column.
    """

    n_numbers: int
    lacking: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def width(self) -> int:
        """Floats in a row of a batch."""
        return self.n_numbers + len(self.lacking) + sum(self.sizes)

    @property
    def is_plain(self) -> bool:
        """Whether a batch holds numbers, and no more."""
        return not self.lacking and not self.sizes

    def owners(self) -> Tensor:
        """Return which cell each float of a batch belongs to, int64 ``(width,)``; not to be written to."""
        return _owners(self)

    def expand(self, cells: Tensor) -> Tensor:
        """Return the batch ``(n, width)`` of cells ``(n, d)``: numbers and codes, NaN where missing."""
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
        """Return 1 for the cells ``(n, d)`` of a batch that hold something, 0 for others."""
        numbers, indicators, blocks = self.parts(x)
        there = torch.ones_like(numbers)
        columns = [cell for cell in self.lacking if cell < self.n_numbers]
        there[:, columns] = 1 - indicators[:, : len(columns)]
        return torch.cat([there, *(block.sum(1, keepdim=True) for block in blocks)], dim=1)


# Computed once, not for each batch, and beside the cells: as an attribute of theirs it would be pickled and hashed.
@lru_cache(maxsize=32)
def _owners(cells: Cells) -> Tensor:
    hot = np.repeat(cells.n_numbers + np.arange(len(cells.sizes)), cells.sizes)
    return torch.from_numpy(np.concatenate([np.arange(cells.n_numbers), cells.lacking, hot]).astype(int))


@lru_cache(maxsize=32)
def _starts(cells: Cells) -> Tensor:
    """Return where each column's categories begin among all, ``(n_categorical,)``."""
    return torch.tensor(np.cumsum([0, *cells.sizes])[:-1], dtype=torch.int64)


class CellLoss(nn.Module):
    """What the decoders of tables share: cross-entropy for categories, and no error where a cell is missing.

    Parameters
    ----------
    cells : Cells
    missing : Tensor of shape (d,)
        Share of each cell that was missing in fit; the others count for more, so that the mean error is
        that of the cells that are there.
    """

    weight: Tensor

    def __init__(self, cells: Cells, missing: Tensor):
        super().__init__()
        self.cells = cells
        self.register_buffer("weight", 1 / (1 - missing).clamp(min=0.01))

    def forward(self, of_numbers: Tensor, logits: list[Tensor], x: Tensor) -> Tensor:
        """Return the error of each cell ``(n, d)``, given that of the numbers and logits of categories."""
        if self.cells.is_plain:
            return of_numbers
        blocks = self.cells.parts(x)[2]
        of_categories = [
            F.cross_entropy(logit.float(), block.argmax(1), reduction="none")[:, None]
            for logit, block in zip(logits, blocks, strict=True)
        ]
        return torch.cat([of_numbers, *of_categories], dim=1) * self.cells.present(x) * self.weight


class TableDecoder(ValueDecoder):
    """The cells themselves: squared error for numbers, cross-entropy for categories and for zeros and ones.

    Parameters
    ----------
    n_components : int
        Width of the features.
    low_high : Tensor of shape (2, n_numbers)
        A zero and a one of each column of numbers, as the encoder sees them.
    binary : Tensor of bool of shape (n_numbers,)
        Columns of zeros and ones; their output is the log-odds of a one.
    cells : Cells
    missing : Tensor of shape (d,)
        Share of each cell that was missing in fit.
    """

    low_high: Tensor

    def __init__(self, n_components: int, low_high: Tensor, binary: Tensor, cells: Cells, missing: Tensor):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_components, 256), nn.ReLU(), nn.Linear(256, cells.width))
        self.cells, self.cell_loss = cells, CellLoss(cells, missing)
        self.register_buffer("low_high", low_high)
        self.register_buffer("numeric", torch.cat([~binary, torch.zeros(len(cells.sizes), dtype=torch.bool)]))

    def forward(self, z: Tensor) -> Tensor:
        """Map features ``(n, n_components)`` to ``(n, width)``."""
        return self.net(z)

    def loss(self, output: Tensor, x: Tensor) -> Tensor:
        """Return the error of each cell, ``(n, d)``."""
        numbers, _, logits = self.cells.parts(output)
        x_numbers = self.cells.parts(x)[0]
        numbers, ones = numbers.float(), (x_numbers > 0).float()
        wrong = F.binary_cross_entropy_with_logits(numbers, ones, reduction="none")
        errors = torch.where(self.numeric[: self.cells.n_numbers], (numbers - x_numbers) ** 2, wrong)
        return self.cell_loss(errors, logits, x)

    def values(self, output: Tensor) -> Tensor:
        """Return a batch ``(n, width)`` as the encoder sees it; probabilities of categories and of holes."""
        numbers, indicators, logits = self.cells.parts(output)
        low, high = self.low_high
        numbers = numbers.float()
        between = torch.lerp(low, high, numbers.sigmoid())
        numbers = torch.where(self.numeric[: self.cells.n_numbers], numbers, between)
        if self.cells.is_plain:
            return numbers
        hot = [logit.float().softmax(1) for logit in logits]
        return torch.cat([numbers, indicators.float().sigmoid(), *hot], dim=1)


class BinDecoder(Decoder):
    """The quantile bin of each number, and each category, by cross-entropy.

    Parameters
    ----------
    n_components : int
        Width of the features.
    edges : Tensor of shape (n_numbers, n_bins - 1)
        Cut points, as the encoder sees the columns.
    cells : Cells
    missing : Tensor of shape (d,)
        Share of each cell that was missing in fit.
    """

    edges: Tensor

    def __init__(self, n_components: int, edges: Tensor, cells: Cells, missing: Tensor):
        super().__init__()
        n_columns, n_cuts = edges.shape
        self.n_odds = n_columns * (n_cuts + 1)
        self.net = nn.Linear(n_components, self.n_odds + sum(cells.sizes))
        self.cells, self.cell_loss = cells, CellLoss(cells, missing)
        self.register_buffer("edges", edges)

    def forward(self, z: Tensor) -> Tensor:
        """Map features ``(n, n_components)`` to log-odds ``(n, n_numbers * n_bins + n_categories)``."""
        return self.net(z)

    def loss(self, output: Tensor, x: Tensor) -> Tensor:
        """Return the cross-entropy of each cell, ``(n, d)``."""
        odds, *logits = output.split([self.n_odds, *self.cells.sizes], dim=1)
        odds = odds.unflatten(1, (len(self.edges), self.edges.shape[1] + 1))
        bins = torch.searchsorted(self.edges, self.cells.parts(x)[0].T.contiguous()).T
        errors = F.cross_entropy(odds.float().transpose(1, 2), bins, reduction="none")
        return self.cell_loss(errors, logits, x)


def cut_points(column: np.ndarray, n_bins: int) -> np.ndarray:
    """Return where to cut a column into up to `n_bins` bins of nearly equal numbers of rows.

    Cuts lie halfway between neighbouring distinct values, so that equal values share a bin, and two
    values that make up a whole column never do.

    Parameters
    ----------
    column : ndarray of shape (n,)
        NaN is left out.
    n_bins : int

    Returns
    -------
    ndarray of shape (n_bins - 1,)
        Ascending; infinite where the column has too few values for as many cuts.
    """
    values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
    cuts = np.full(n_bins - 1, np.inf)
    if len(values) > 1:
        below = counts.cumsum()[:-1] / counts.sum()
        wanted = np.arange(1, n_bins) / n_bins
        nearest = np.unique(np.abs(below - wanted[:, np.newaxis]).argmin(1))
        cuts[: len(nearest)] = (values[nearest] + values[nearest + 1]) / 2
    return cuts
