"""A weighted sum of predictions, with weights that explain numbers it has not seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.optimize import nnls
from sklearn.model_selection import check_cv

from ._product import RIDGE

LEAST_VARIANCE = (
    1e-6  # of errors, as a share of that of the numbers: a perfect prediction must not weigh infinitely
)


def least_squares_weights(said: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the weights of the sum under which numbers are most likely, drawn towards equal ones.

    Errors are normal. Their variance is that of the sum with equal weights.

    Parameters
    ----------
    said : ndarray of shape (n_members, n)
        Predicted without the numbers of these rows.
    targets : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n_members,)
        Not negative.
    """
    n_members = len(said)
    equal = np.full(n_members, 1 / n_members)
    spread = (targets**2).mean() if len(targets) else 0.0
    if not spread:  # all numbers are the same, or there is none
        return equal
    variance = max(((equal @ said - targets) ** 2).mean(), LEAST_VARIANCE * spread)
    # minus the log-likelihood is half of the squares over the variance
    drawn = np.sqrt(2 * RIDGE * variance)
    A = np.vstack([said.T, drawn * np.eye(n_members)])
    return nnls(A / np.sqrt(spread), np.concatenate([targets, drawn * equal]) / np.sqrt(spread))[0]


def folds_of(
    targets: np.ndarray, cv: Any, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows that are learned from and those that are left out.

    Parameters
    ----------
    targets : ndarray of shape (n,)
    cv : int or splitter
        Of a number of folds there are n at most.
    rng : numpy.random.Generator
    """
    n = len(targets)
    if not isinstance(cv, (int, np.integer)):
        yield from check_cv(cv).split(np.zeros((n, 1)), targets)
        return
    folds = rng.permutation(n) % min(cv, n)
    for fold in range(min(cv, n)):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


def error_of(said: np.ndarray, targets: np.ndarray) -> float:
    """Return the root of the mean squared error; NaN if there are no numbers."""
    return float(np.sqrt(((said - targets) ** 2).mean())) if len(targets) else float("nan")
