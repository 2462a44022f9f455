"""Networks that reconstruct the cells of a table from features, and their losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.utils import gen_batches
from torch import Tensor, nn

from .._base import Decoder, ValueDecoder, unknown_target
from ._cells import Cells, chunk_of
from ._numbers import zero_and_one

SAMPLE_CELLS = 10**7  # in the sample from which quantiles are computed


def critic_of(width: int, n_components: int) -> nn.Sequential:
    """Return two layers without batch normalisation that map a batch ``(n, width)`` to ``(n, n_components)``."""
    return nn.Sequential(
        nn.Linear(width, 256), nn.LeakyReLU(0.2), nn.Linear(256, n_components), nn.LeakyReLU(0.2)
    )


class CellLoss(nn.Module):
    """Loss shared by the decoders of tables: cross-entropy for categories, and zero for missing cells.

    Parameters
    ----------
    cells : Cells
    missing : Tensor of shape (d,)
        Share of missing cells of each column in fit. Present cells get a larger weight in return, so that
        the mean error is that of the present cells.
    """

    weight: Tensor

    def __init__(self, cells: Cells, missing: Tensor):
        super().__init__()
        self.cells = cells
        self.register_buffer("weight", 1 / (1 - missing).clamp(min=0.01))

    def forward(self, of_numbers: Tensor, logits: list[Tensor], x: Tensor) -> Tensor:
        """Return the error of each cell ``(n, d)``, given the errors of numbers and the logits of categories."""
        if self.cells.is_plain:
            return of_numbers
        blocks = self.cells.parts(x)[2]
        of_categories = [
            F.cross_entropy(logit.float(), block.argmax(1), reduction="none")[:, None]
            for logit, block in zip(logits, blocks, strict=True)
        ]
        return torch.cat([of_numbers, *of_categories], dim=1) * self.cells.present(x) * self.weight


class TableDecoder(ValueDecoder):
    """Decoder of cells: squared error for numbers, cross-entropy for categories and binary columns.

    Parameters
    ----------
    n_components : int
        Width of the features.
    low_high : Tensor of shape (2, n_numbers)
        A zero and a one of each numeric column, as the encoder sees them.
    binary : Tensor of bool of shape (n_numbers,)
        Which numeric columns are binary; their output is the log-odds of a one.
    cells : Cells
    missing : Tensor of shape (d,)
        Share of missing cells of each column in fit.
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
        """Return a batch ``(n, width)`` as the encoder sees it, with probabilities of categories and of holes."""
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
    """Decoder of the quantile bins of numbers, and of categories, by cross-entropy.

    Parameters
    ----------
    n_components : int
        Width of the features.
    edges : Tensor of shape (n_numbers, n_bins - 1)
        Cut points between the bins, on the scale that the encoder sees.
    cells : Cells
    missing : Tensor of shape (d,)
        Share of missing cells of each column in fit.
    """

    edges: Tensor

    def __init__(self, n_components: int, edges: Tensor, cells: Cells, missing: Tensor):
        super().__init__()
        n_columns, n_cuts = edges.shape
        self.n_logits = n_columns * (n_cuts + 1)
        self.net = nn.Linear(n_components, self.n_logits + sum(cells.sizes))
        self.cells, self.cell_loss = cells, CellLoss(cells, missing)
        self.register_buffer("edges", edges)

    def forward(self, z: Tensor) -> Tensor:
        """Map features ``(n, n_components)`` to logits ``(n, n_numbers * n_bins + n_categories)``."""
        return self.net(z)

    def loss(self, output: Tensor, x: Tensor) -> Tensor:
        """Return the cross-entropy of each cell, ``(n, d)``."""
        bin_logits, *category_logits = output.split([self.n_logits, *self.cells.sizes], dim=1)
        bin_logits = bin_logits.unflatten(1, (len(self.edges), self.edges.shape[1] + 1))
        bins = torch.searchsorted(self.edges, self.cells.parts(x)[0].T.contiguous()).T
        # not F.cross_entropy, which CUDA refuses for columns side by side where bits are to repeat
        log_p = bin_logits.float().transpose(1, 2).log_softmax(1)
        errors = -log_p.gather(1, bins[:, None])[:, 0]
        return self.cell_loss(errors, category_logits, x)


def edges_of(numbers: Any, scale: Callable[[Any], Tensor], n_bins: int, d: int) -> np.ndarray:
    """Return the cut points between bins of each column, from a sample of the rows if there are many cells.

    Parameters
    ----------
    numbers : array or CSR matrix of shape (n, n_numeric)
    scale : callable
        Maps rows of `numbers` to scaled values.
    n_bins : int
    d : int
        Number of columns of the table.

    Returns
    -------
    ndarray of shape (n_numeric, n_bins - 1), float32
    """
    n = numbers.shape[0]
    sample = np.unique(np.linspace(0, n - 1, min(10_000, max(100, SAMPLE_CELLS // d))).astype(int))
    parts = [scale(numbers[sample[rows]]) for rows in gen_batches(len(sample), chunk_of(d))]
    edges = [cut_points(column, n_bins) for column in torch.cat(parts).numpy().T]
    return np.array(edges, dtype=np.float32).reshape(-1, n_bins - 1)


def cut_points(column: np.ndarray, n_bins: int) -> np.ndarray:
    """Return the cut points that split a column into up to `n_bins` bins with nearly equal numbers of rows.

    Cuts lie halfway between neighbouring distinct values. So equal values share a bin, and the two values
    of a column with only two never do.

    Parameters
    ----------
    column : ndarray of shape (n,)
        NaN is ignored.
    n_bins : int

    Returns
    -------
    ndarray of shape (n_bins - 1,)
        Ascending; padded with infinity if the column has too few distinct values for so many cuts.
    """
    values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
    cuts = np.full(n_bins - 1, np.inf)
    if len(values) > 1:
        below = counts.cumsum()[:-1] / counts.sum()
        wanted = np.arange(1, n_bins) / n_bins
        nearest = np.unique(np.abs(below - wanted[:, np.newaxis]).argmin(1))
        cuts[: len(nearest)] = (values[nearest] + values[nearest + 1]) / 2
    return cuts


def decoder_of(table: Any, n_components: int, target: str) -> Decoder:
    """Build a network that maps features to the columns of a fitted ``Tabular``, or to their bins.

    Parameters
    ----------
    table : Tabular
    n_components : int
        Width of the features.
    target : {"value", "bin"}
    """
    missing = torch.from_numpy(table.missing_.astype(np.float32))
    if target == "bin":
        return BinDecoder(n_components, torch.from_numpy(table.edges_), table.cells, missing)
    if target != "value":
        raise unknown_target(target, ("value", "bin"), table)
    low_high = zero_and_one(table.mean_, table.scale_, table.binary_, table.clip).astype(np.float32)
    binary = torch.from_numpy(table.binary_)
    return TableDecoder(n_components, torch.from_numpy(low_high), binary, table.cells, missing)
