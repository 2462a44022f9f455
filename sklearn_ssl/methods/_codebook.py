"""Rows and the points nearest to them, by matrix products."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from sklearn.utils import gen_batches

CHUNK = 512  # rows per product: their distances to all units fit into the cache


def nearest(X: np.ndarray, codebook: np.ndarray) -> np.ndarray:
    """Return the index of the nearest row of `codebook` for each row of `X`, by matrix products."""
    half = (codebook**2).sum(1) / 2
    winners = np.empty(len(X), dtype=np.int32)
    for rows in gen_batches(len(X), CHUNK):
        winners[rows] = (half - X[rows] @ codebook.T).argmin(1)
    return winners


def sums_by_unit(X: np.ndarray, winners: np.ndarray, n_units: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum ``(n_units, d)`` and the number ``(n_units,)`` of the rows that each unit won."""
    ones, rows = np.ones(len(X), dtype=X.dtype), np.arange(len(X))
    membership = sp.csr_array((ones, (winners, rows)), shape=(n_units, len(X)))
    return membership @ X, np.bincount(winners, minlength=n_units).astype(X.dtype)


def distances_to_nearest(X: np.ndarray, codebook: np.ndarray) -> np.ndarray:
    """Return the distance of each row of `X` to the nearest row of `codebook`, ``(n,)`` float64."""
    winners = nearest(X, codebook)
    parts = [np.linalg.norm(X[i] - codebook[winners[i]], axis=1) for i in gen_batches(len(X), CHUNK)]
    return np.concatenate(parts).astype(np.float64)
