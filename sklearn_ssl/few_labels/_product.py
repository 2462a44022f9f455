"""A product of class probabilities, each to a power that explains labels it has not seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp, softmax

RIDGE = 3.0  # nats: how much speaks for equal weights, however many labels there are
LEAST_SUM = 0.1  # of the weights: with none at all, every row would get the first class
LEAST_SHARE = 0.01  # of all classes together: a log-probability must not be infinite


def log_probabilities(P: np.ndarray) -> np.ndarray:
    """Return log-probabilities ``(n, n_classes)``, of which none is infinite."""
    return np.log((1 - LEAST_SHARE) * P + LEAST_SHARE / P.shape[1])


def product(log_p: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the log-probabilities ``(n, n_classes)`` of a product.

    Parameters
    ----------
    log_p : ndarray of shape (n_members, n, n_classes)
    weights : ndarray of shape (n_members,)
        Powers. Their sum says how sure the product is.
    """
    return log_softmax(np.tensordot(weights, log_p, axes=1), axis=1)


def likelihood_weights(log_p: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the weights of the product under which labels are most likely, drawn towards equal ones.

    Parameters
    ----------
    log_p : ndarray of shape (n_members, n, n_classes)
        Predicted without the labels of these rows.
    codes : ndarray of int of shape (n,)
        Labels.

    Returns
    -------
    ndarray of shape (n_members,)
        Not negative, with a sum of at least 0.1: where nothing predicts labels that it has not seen, probabilities
        are nearly equal, and the likeliest class is that of all members together. Equal, with a sum of 1, if there is
        no row.
    """
    n_members, n, _ = log_p.shape
    equal = np.full(n_members, 1 / n_members)
    if not n:
        return equal
    own = log_p[:, np.arange(n), codes].sum(axis=1)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        logits = np.tensordot(w, log_p, axes=1)
        value = logsumexp(logits, axis=1).sum() - w @ own + RIDGE * ((w - equal) ** 2).sum()
        slope = (log_p * softmax(logits, axis=1)).sum(axis=(1, 2)) - own + 2 * RIDGE * (w - equal)
        return float(value), slope

    w = minimize(loss, equal, jac=True, method="L-BFGS-B", bounds=[(0, None)] * n_members).x
    return w + max(0.0, LEAST_SUM - w.sum()) * equal


def splits_of(
    codes: np.ndarray, cv: int, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows that are learned from and those that are left out.

    Each class is spread over as many folds as it can be. The only row of a class is never left
    out, since nothing would be known of the class.

    Parameters
    ----------
    codes : ndarray of int of shape (n,)
        Classes.
    cv : int
        Number of folds.
    rng : numpy.random.Generator
    """
    folds, start = np.full(len(codes), -1), 0
    for code in np.unique(codes):
        rows = rng.permutation(np.flatnonzero(codes == code))
        if len(rows) > 1:
            folds[rows] = (start + np.arange(len(rows))) % cv
            start += len(rows)
    for fold in range(cv):
        test = np.flatnonzero(folds == fold)
        if len(test):
            yield np.flatnonzero(folds != fold), test


def probabilities(model: Any, Z: Any, n_classes: int) -> np.ndarray:
    """Return the probabilities of all classes ``(n, n_classes)`` by a model that may know some of them only."""
    P = np.asarray(model.predict_proba(Z), dtype=np.float64)
    full = np.zeros((len(P), n_classes))
    full[:, model.classes_] = P
    return full


def given_weights(weights: Any, n_members: int) -> np.ndarray | None:
    """Return the powers that do not depend on labels; None if they are to be found.

    Parameters
    ----------
    weights : {"likelihood", "equal"} or array of shape (n_members,)
    n_members : int

    Raises
    ------
    ValueError
        If there are not as many finite numbers that are not negative, and not all zero.
    """
    if isinstance(weights, str):
        return np.full(n_members, 1 / n_members) if weights == "equal" else None
    given = np.asarray(weights, dtype=float)
    if given.shape != (n_members,) or not np.isfinite(given).all() or (given < 0).any() or not given.any():
        raise ValueError(
            f"weights={weights!r} must be 'likelihood', 'equal', or a number for each of the {n_members} estimators, "
            "none of them negative."
        )
    return given


def mean_loss_of(log_p: np.ndarray, codes: np.ndarray) -> float:
    """Return the log loss of labels, in nats; NaN if there are none."""
    return float(-log_p[np.arange(len(codes)), codes].mean()) if len(codes) else float("nan")
