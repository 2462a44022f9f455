"""The closed form of ESZSL, and what is learned from rows and classes that are left out of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.linalg import solve
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax


def centred_unit_rows(S: np.ndarray) -> np.ndarray:
    """Return descriptions ``(n_classes, a)`` without their mean, each of length 1; one that is the mean stays 0."""
    C = S - S.mean(0)
    length = np.linalg.norm(C, axis=1, keepdims=True)
    return C / np.where(length > 1e-12 * max(1.0, float(np.abs(S).max())), length, np.inf)


def ridge(X: np.ndarray, Y: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """Solve ridge regression without an intercept, in the smaller of two forms.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    Y : ndarray of shape (n, k)
    penalty : float

    Returns
    -------
    coef : ndarray of shape (d, k)
        ``(X'X + penalty I)^-1 X'Y``
    leverage : ndarray of shape (n,)
        How much the prediction of a row follows its own Y, from 0 to 1.
    """
    n, d = X.shape
    if d <= n:
        inverse_of_rows = solve(X.T @ X + penalty * np.eye(d), X.T, assume_a="pos")
        return inverse_of_rows @ Y, np.einsum("ij,ji->i", X, inverse_of_rows)
    # the hat matrix is I - penalty (XX' + penalty I)^-1
    inverse = solve(X @ X.T + penalty * np.eye(n), np.eye(n), assume_a="pos")
    return X.T @ (inverse @ Y), 1 - penalty * np.diag(inverse)


def eszsl(
    X: np.ndarray, Y: np.ndarray, S: np.ndarray, feature_penalty: float, description_penalty: float
) -> np.ndarray:
    """Return the bilinear map of ESZSL between features and descriptions, in closed form.

    It minimises ``|X V S' - Y|^2 + g |V S'|^2 + l |X V|^2 + g l |V|^2`` over V.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    Y : ndarray of shape (n, n_seen)
        1 for the class of a row, and -1 for the others.
    S : ndarray of shape (n_seen, a)
        Descriptions of the classes.
    feature_penalty, description_penalty : float
        g and l.

    Returns
    -------
    ndarray of shape (d, a)
        ``(X'X + g I)^-1 X' Y S (S'S + l I)^-1``; the score of a row x for a description s is ``x V s``.
    """
    return ridge(X, Y, feature_penalty)[0] @ description_map(S, description_penalty)


def description_map(S: np.ndarray, penalty: float) -> np.ndarray:
    """Return ``S (S'S + penalty I)^-1``, which turns scores of the seen classes into descriptions, ``(n_seen, a)``."""
    return solve(S.T @ S + penalty * np.eye(S.shape[1]), S.T, assume_a="pos").T


def left_out_places(
    X: np.ndarray, Y: np.ndarray, S: np.ndarray, feature_penalty: float, description_penalty: float
) -> np.ndarray:
    """Return the place of each row in the space of descriptions, ``(n, a)``, by the fit to all other rows.

    Its product with a description is the score of that class.

    Parameters
    ----------
    X, Y, S, feature_penalty, description_penalty
        As for `eszsl`.
    """
    coef, leverage = ridge(X, Y, feature_penalty)
    return without_themselves(X @ coef, Y, leverage) @ description_map(S, description_penalty)


def without_themselves(fitted: np.ndarray, Y: np.ndarray, leverage: np.ndarray) -> np.ndarray:
    """Return what ridge regression predicts for each row if it is fitted to all others, ``(n, k)``."""
    h = np.minimum(leverage, 1 - 1e-9)[:, np.newaxis]
    return (fitted - h * Y) / (1 - h)


class Trial(NamedTuple):
    """Scores of rows for classes, some of which were held out.

    Attributes
    ----------
    scores : ndarray of shape (n, n_classes)
    codes : ndarray of int of shape (n,)
        The true classes.
    held_out : ndarray of bool of shape (n_classes,)
    """

    scores: np.ndarray
    codes: np.ndarray
    held_out: np.ndarray


def best_seen_penalty(trials: Sequence[Trial]) -> float:
    """Return the constant to subtract from seen classes that gives the best harmonic mean of two accuracies.

    They are the mean accuracy of the seen classes and that of the classes held out, as in calibrated stacking.

    Parameters
    ----------
    trials : sequence of Trial
    """
    margins, gains, losses = [], [], []
    for scores, codes, held_out in trials:
        size = np.bincount(codes, minlength=len(held_out))[codes]
        seen, other = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        margins.append(scores[:, seen].max(1) - scores[:, other].max(1))
        right = np.where(held_out[codes], other[scores[:, other].argmax(1)], seen[scores[:, seen].argmax(1)])
        # every class of every trial weighs the same
        share = (right == codes) / size / len(trials)
        gains.append(np.where(held_out[codes], share / len(other), 0.0))
        losses.append(np.where(held_out[codes], 0.0, share / len(seen)))
    margin, gain, loss = (np.concatenate(parts) for parts in (margins, gains, losses))
    order = np.argsort(margin, kind="stable")
    # with the i-th smallest margins below the penalty, i rows are given to classes held out
    unseen = np.r_[0.0, gain[order].cumsum()]
    seen = loss.sum() - np.r_[0.0, loss[order].cumsum()]
    harmonic = 2 * unseen * seen / np.maximum(unseen + seen, 1e-12)
    edges = np.r_[margin[order[0]] - 1, margin[order], margin[order[-1]] + 1]
    best = int(harmonic.argmax())
    return max(0.0, float(edges[best] + edges[best + 1]) / 2)


def best_temperature(scores: np.ndarray, codes: np.ndarray) -> float:
    """Return the temperature at which the softmax of scores ``(n, n_classes)`` makes the true classes likeliest."""
    if scores.shape[1] < 2:
        return 1.0

    def loss(log_temperature: float) -> float:
        return -log_softmax(scores / np.exp(log_temperature), axis=1)[np.arange(len(codes)), codes].mean()

    return float(np.exp(minimize_scalar(loss, bounds=(-6.0, 6.0), method="bounded").x))


def one_against_others(codes: np.ndarray, n_classes: int) -> np.ndarray:
    """Return 1 for the class of each row, and -1 for the others, ``(n, n_classes)``."""
    return np.where(codes[:, np.newaxis] == np.arange(n_classes), 1.0, -1.0)


def trial(
    X: np.ndarray, codes: np.ndarray, S: np.ndarray, held_out: np.ndarray, penalties: tuple[float, float]
) -> Trial:
    """Return scores for all seen classes where some were held out; the rows of the others were left out in turn."""
    rows = ~held_out[codes]
    number = np.cumsum(~held_out) - 1
    Y = one_against_others(number[codes[rows]], int((~held_out).sum()))
    X = X - X[rows].mean(0)  # there is no intercept, and the rows held out would move it
    coef, leverage = ridge(X[rows], Y, penalties[0])
    predicted = X @ coef
    predicted[rows] = without_themselves(predicted[rows], Y, leverage)
    return Trial(predicted @ description_map(S[~held_out], penalties[1]) @ S.T, codes, held_out)
