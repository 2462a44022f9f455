"""What is known of all rows before the network learns: a head on frozen features, and soft labels of the pool."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.optimize import nnls
from scipy.special import log_softmax, softmax
from sklearn.linear_model import Ridge, RidgeCV

from ..few_labels import class_shares, neighbour_graph, propagate
from ._heads import Head, exponents_of, in_their_span, log_losses, soft_logistic, sureness_of

N_FOLDS = 5
ALPHAS = (0.9, 0.99)
RIDGES = np.logspace(-1, 4, 11)  # penalties of ridge regression
HEAD_ROWS = 6000  # of the pool, that a soft head learns from
LEAST_SHARE = 1e-3  # of a class in propagated labels: a log-probability must not be infinite
LEAST_GAIN = 2.0  # in nats over all labels: what two parameters that mean nothing gain


class Lesson(NamedTuple):
    """What the network begins with, and what it is to learn.

    Attributes
    ----------
    head : Head
        On frozen features.
    targets : ndarray of shape (n, n_outputs)
        Of the labelled rows, and of those of the pool if it is used.
    errors : ndarray of shape (n_labelled,)
        Errors of a head on labelled rows that it has not seen; of those that are never left out they mean nothing.
    mixture : tuple of two floats
        What propagated labels and the head count in the targets of the pool.
    """

    head: Head
    targets: np.ndarray
    errors: np.ndarray
    mixture: tuple[float, float]

    @property
    def uses_pool(self) -> bool:
        """Whether the pool has targets."""
        return self.mixture[0] > 0


def folds_of(codes: np.ndarray, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    """Return a fold for each row, so that each class is spread over as many folds as it can be.

    The only row of a class is in none, since nothing would be known of the class without it.

    Parameters
    ----------
    codes : ndarray of int of shape (n,)
        Classes.
    n_folds : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int of shape (n,)
        From 0, and -1 for a row that is never left out.
    """
    _, which, counts = np.unique(codes, return_inverse=True, return_counts=True)
    order = rng.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    order = order[counts[which[order]] > 1]
    folds = np.full(len(codes), -1)
    folds[order] = np.arange(len(order)) % max(1, min(n_folds, len(order)))
    return folds


def parts_of(folds: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield which rows are left out, and which are learned from, for each fold."""
    for fold in range(folds.max() + 1):
        yield folds == fold, folds != fold


def lesson_of_classes(
    Z: np.ndarray, Q: np.ndarray, weight: np.ndarray, pool: np.ndarray | None, rng: np.random.Generator
) -> Lesson:
    """Fit logistic regression to labelled features; teach the pool by a mixture of it and of propagated labels.

    The mixture is ``q ∝ propagation^a · logistic^b``; a and b maximise the likelihood of labels that neither has
    seen. The pool is left alone if the mixture explains them no better than logistic regression does.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
    Q : ndarray of shape (n, n_classes)
        One-hot labels.
    weight : ndarray of shape (n,)
    pool : ndarray of shape (m, d) or None
    rng : numpy.random.Generator
    """
    folds = folds_of(Q.argmax(axis=1), N_FOLDS, rng)
    coordinates, basis = in_their_span(Z)
    unseen = np.zeros_like(Q)
    for test, rest in parts_of(folds):
        unseen[test] = soft_logistic(coordinates[rest], Q[rest], weight[rest])(coordinates[test])
    unseen = log_softmax(unseen, axis=1)
    counted = np.where(folds >= 0, weight, 0)
    sure = sureness_of(unseen, Q, counted)
    found = soft_logistic(coordinates, Q, weight)
    head = (found if basis is None else found._replace(coef=basis @ found.coef)).times(sure)
    alone = Lesson(head, Q, log_losses(sure * unseen, Q), (0.0, sure))
    if pool is None or not counted.any():
        return alone
    shares, graph_errors, mixture = _propagated(Z, Q, weight, pool, folds, unseen, counted, rng)
    if (counted * (alone.errors - graph_errors)).sum() < LEAST_GAIN:
        return alone
    logits = mixture[0] * np.log(shares) + mixture[1] / sure * head(pool)
    targets = np.vstack([Q, softmax(logits, axis=1)])
    some = np.r_[: len(Q), len(Q) + rng.permutation(len(pool))[:HEAD_ROWS]]
    both = np.vstack([Z, pool])[some]
    each = np.r_[weight / weight.mean(), np.ones(len(some) - len(Q))]
    soft = soft_logistic(both, targets[some], each, start=head, max_iter=50)
    return Lesson(soft, targets, graph_errors, mixture)


def _propagated(
    Z: np.ndarray,
    Q: np.ndarray,
    weight: np.ndarray,
    pool: np.ndarray,
    folds: np.ndarray,
    unseen: np.ndarray,
    counted: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
    """Return propagated labels of the pool, the errors of the best mixture on unseen labels, and its exponents."""
    graph = neighbour_graph(np.vstack([Z, pool]), seed=int(rng.integers(2**31)))
    n, (_, k) = len(Q), Q.shape
    given = weight[:, None] * Q
    best: tuple[float, float, np.ndarray, np.ndarray] | None = None
    for alpha in ALPHAS:
        # all folds at once: the graph is the same
        Y = np.zeros((len(folds) + len(pool), k * (folds.max() + 1)))
        for fold, (_, rest) in enumerate(parts_of(folds)):
            Y[:n, k * fold : k * (fold + 1)] = given * rest[:, None]
        received = propagate(graph, Y, alpha)
        log_shares = np.zeros_like(Q)
        for fold, (test, rest) in enumerate(parts_of(folds)):
            block = received[:, k * fold : k * (fold + 1)]
            log_shares[test] = _log(class_shares(block, _frequencies(given[rest])))[:n][test]
        w = exponents_of([log_shares, unseen], Q, counted, [0.0, 1.0])
        errors = log_losses(w[0] * log_shares + w[1] * unseen, Q)
        total = float((counted * errors).sum())
        if best is None or total < best[0]:
            best = total, alpha, w, errors
    assert best is not None  # for mypy: there are alphas
    _, alpha, w, errors = best
    received = propagate(graph, np.vstack([given, np.zeros((len(pool), k))]), alpha)
    shares = np.exp(_log(class_shares(received, _frequencies(given))))[n:]
    return shares, errors, (float(w[0]), float(w[1]))


def _frequencies(given: np.ndarray) -> np.ndarray:
    return given.sum(axis=0) / max(given.sum(), 1e-12)


def _log(shares: np.ndarray) -> np.ndarray:
    k = shares.shape[1]
    return np.log((1 - LEAST_SHARE) * shares + LEAST_SHARE / k)


def lesson_of_numbers(
    Z: np.ndarray,
    Y: np.ndarray,
    weight: np.ndarray,
    pool: np.ndarray | None,
    strata: np.ndarray,
    rng: np.random.Generator,
) -> Lesson:
    """Fit ridge regression to labelled features; teach the pool by a sum of it and of propagated targets.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
    Y : ndarray of shape (n, n_outputs)
        Standardised targets.
    weight : ndarray of shape (n,)
    pool : ndarray of shape (m, d) or None
    strata : ndarray of int of shape (n,)
        Folds have a share of each.
    rng : numpy.random.Generator
    """
    Z, folds = np.asarray(Z, dtype=float), folds_of(strata, N_FOLDS, rng)
    ridge = RidgeCV(alphas=RIDGES).fit(Z, Y, sample_weight=weight)
    strength = float(ridge.alpha_)
    unseen = np.zeros_like(Y)
    for test, rest in parts_of(folds):
        part = Ridge(alpha=strength).fit(Z[rest], Y[rest], sample_weight=weight[rest])
        unseen[test] = part.predict(Z[test]).reshape(-1, Y.shape[1])
    alone = Lesson(_head_of(ridge, Y), Y, _squared(unseen, Y), (0.0, 1.0))
    if pool is None or not (folds >= 0).any():
        return alone
    graph = neighbour_graph(np.vstack([Z, pool]), seed=int(rng.integers(2**31)))
    spread = np.zeros_like(Y)
    for test, rest in parts_of(folds):
        spread[test] = _spread(graph, Y, weight * rest)[: len(Y)][test]
    root = np.sqrt(np.repeat(weight, Y.shape[1]))
    both = np.stack([spread.ravel(), unseen.ravel()], axis=1)
    (a, b), _ = nnls(both * root[:, None], Y.ravel() * root)
    errors = _squared(a * spread + b * unseen, Y)
    gains, w = alone.errors - errors, weight / weight.sum()
    mean = (w * gains).sum()
    if not mean > np.sqrt((w**2 * (gains - mean) ** 2).sum()):
        return alone
    targets = np.vstack([Y, a * _spread(graph, Y, weight)[len(Y) :] + b * alone.head(pool)])
    some = np.r_[: len(Y), len(Y) + rng.permutation(len(pool))[:HEAD_ROWS]]
    each = np.r_[weight / weight.mean(), np.ones(len(some) - len(Y))]
    soft = Ridge(alpha=strength).fit(np.vstack([Z, pool])[some], targets[some], sample_weight=each)
    return Lesson(_head_of(soft, Y), targets, errors, (float(a), float(b)))


def _spread(graph: sp.csr_array, Y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the mean target that reaches each row."""
    given = np.zeros((graph.shape[0], Y.shape[1] + 1))
    given[: len(Y), :-1], given[: len(Y), -1] = Y * weight[:, None], weight
    sums = propagate(graph, given, ALPHAS[-1], signed=True)
    return sums[:, :-1] / np.maximum(sums[:, -1:], 1e-12)


def _head_of(ridge: Ridge | RidgeCV, Y: np.ndarray) -> Head:
    coef = np.asarray(ridge.coef_).reshape(Y.shape[1], -1).T
    return Head(coef, np.broadcast_to(ridge.intercept_, Y.shape[1]).astype(float), [])


def _squared(outputs: np.ndarray, Y: np.ndarray) -> np.ndarray:
    return ((outputs - Y) ** 2).mean(axis=1)
