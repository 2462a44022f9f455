"""Rows whose cells are spread over the marginal distribution of each column, from what fit has kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._numbers import zero_and_one


def marginal_rows(table: Any, n: int) -> Tensor:
    """Return n rows of cells ``(n, d)``, float32: scaled numbers and codes, NaN where missing.

    The cells of a column are independent of those of other columns. Numbers lie at even quantiles between the cuts of
    its bins; a binary column has its share of ones. Categories are equally frequent, since fit keeps no frequencies.
    As many cells are missing as in fit.

    Parameters
    ----------
    table : Tabular
        Fitted.
    n : int
    """
    rng = np.random.default_rng(0)
    even = (np.arange(n) + 0.5) / n
    ones = even < table.mean_[:, np.newaxis]  # the mean of a binary column is its share of ones
    low, high = zero_and_one(table.mean_, table.scale_, table.binary_, table.clip)
    columns = [
        np.where(ones[j], high[j], low[j]) if table.binary_[j] else _quantiles(table.edges_[j], even)
        for j in range(len(table.numeric_))
    ]
    columns += [np.floor(even * size) for size in table.cells.sizes]
    cells = np.array([rng.permutation(column) for column in columns]).T
    missing = rng.random(cells.shape) < table.missing_
    return torch.from_numpy(np.where(missing, np.nan, cells).astype(np.float32))


def _quantiles(edges: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the values at some shares of a column, given its cuts; zeros if it has none, as a constant one."""
    cuts = edges[np.isfinite(edges)]
    return np.quantile(cuts, shares) if len(cuts) else np.zeros(len(shares))
