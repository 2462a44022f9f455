"""A weighted sum of predictions, with weights that explain numbers it has not seen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.optimize import nnls

from ._product import RIDGE

LEAST_VARIANCE = (
    1e-6  # of errors, as a share of that of the numbers: a perfect prediction must not weigh infinitely
)


def least_squares_weights(said: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the weights of the sum under which numbers are most likely, drawn towards equal ones.

    Errors are normal. Their variance is the least of those of the members, of the sum with equal weights, and of the
    mean: where one member fails badly, that of the sum alone would be so large that it kept the member.

    Parameters
    ----------
    said : ndarray of shape (n_members, n)
        Predicted without the numbers of these rows, as differences from the mean.
    targets : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n_members,)
        Not negative.
    """
    n_members = len(said)
    equal = np.full(n_members, 1 / n_members)
    size = np.abs(targets).max(initial=0.0)
    if not size:  # all numbers are the same, or there is none
        return equal
    A, b = said.T / size, targets / size
    spread = (b**2).mean()
    errors = [((column - b) ** 2).mean() for column in (*A.T, A @ equal)]
    variance = max(min(*errors, spread), LEAST_VARIANCE * spread)
    # minus the log-likelihood is half of the squares over the variance
    drawn = np.sqrt(2 * RIDGE * variance)
    return nnls(np.vstack([A, drawn * np.eye(n_members)]), np.concatenate([b, drawn * equal]))[0]


def folds_of(
    targets: np.ndarray, cv: int, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows that are learned from and those that are left out.

    Parameters
    ----------
    targets : ndarray of shape (n,)
    cv : int
        Number of folds; there are n at most.
    rng : numpy.random.Generator
    """
    n = len(targets)
    folds = rng.permutation(n) % min(cv, n)
    for fold in range(min(cv, n)):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


def error_of(said: np.ndarray, targets: np.ndarray) -> float:
    """Return the root of the mean squared error; NaN if there are no numbers."""
    size = max(np.abs(targets).max(initial=0.0), np.abs(said).max(initial=0.0)) or 1.0
    return float(size * np.sqrt((((said - targets) / size) ** 2).mean())) if len(targets) else float("nan")
