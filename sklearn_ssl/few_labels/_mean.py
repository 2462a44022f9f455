"""A weighted mean of predictions, with weights that explain numbers it has not seen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.optimize import nnls

from ._product import RIDGE

LEAST_VARIANCE = 1e-6  # of errors, as a share of that of the numbers: none must weigh infinitely
HOPELESS = 1e8  # times the variance of errors of the best member: another one with so much weighs nothing
FIRM = 1e3  # how much more it costs if the sum is not 1


def least_squares_weights(said: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the weights of the mean under which numbers are most likely, drawn towards equal ones.

    Errors are normal. Their variance is the least of those of the members and of the mean with equal weights: where one
    member fails badly, that of the mean would be so large that it kept the member.

    Parameters
    ----------
    said : ndarray of shape (n_members, n)
        Predicted without the numbers of these rows.
    targets : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n_members,)
        Not negative, with a sum of 1.
    """
    equal = np.full(len(said), 1 / len(said))
    if not len(targets):
        return equal
    mean = targets.mean()
    A, b = (said - mean).T, targets - mean
    size = np.abs(b).max()
    if not size:  # all numbers are the same
        return equal
    A, b = A / size, b / size
    errors = ((A - b[:, None]) ** 2).mean(axis=0)
    least = LEAST_VARIANCE * (b**2).mean()
    variance = max(min(*errors, ((A @ equal - b) ** 2).mean()), least)
    kept = errors <= HOPELESS * max(errors.min(), least)
    A, near = A[:, kept], equal[kept]
    # minus the log-likelihood is half of the squares over the variance
    drawn = np.sqrt(2 * RIDGE * variance)
    sum_to_one = FIRM * np.sqrt(1 + (A**2).sum(axis=0).max()) * np.ones((1, len(near)))
    rows = np.vstack([A, drawn * np.eye(len(near)), sum_to_one])
    weights = np.zeros(len(said))
    weights[kept] = nnls(rows, np.concatenate([b, drawn * near, sum_to_one[0, :1]]))[0]
    return weights / weights.sum()


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


def mean_and_scale(targets: np.ndarray) -> tuple[float, float]:
    """Return the mean of numbers, and their standard deviation, or 1 if they are the same but for rounding."""
    size = np.abs(targets).max() or 1.0  # squares of large numbers are too large
    mean, scale = (targets / size).mean(), (targets / size).std()
    return float(size * mean), float(size * scale) if scale > 1e-12 * abs(mean) else 1.0
