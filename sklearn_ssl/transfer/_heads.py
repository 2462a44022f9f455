"""Linear heads on features, and how sure their probabilities should be."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp, softmax


class Head(NamedTuple):
    """A linear map of features to outputs.

    Attributes
    ----------
    coef : ndarray of shape (d, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    losses : list of float
        Loss after each iteration; empty if it was found in one step.
    """

    coef: np.ndarray
    intercept: np.ndarray
    losses: list[float]

    def __call__(self, Z: np.ndarray) -> np.ndarray:
        """Return the outputs for features ``(n, d)``."""
        return Z @ self.coef + self.intercept

    def times(self, factor: float) -> Head:
        """Return the head whose outputs are `factor` times as large."""
        return self._replace(coef=self.coef * factor, intercept=self.intercept * factor)


def in_their_span(Z: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Return rows in coordinates of the space that they span, if it is smaller, and the way back.

    A head with a penalty on the squares of its weights lies in the span of its rows. So it is found there, with a
    hundred weights for a hundred rows instead of thousands.

    Returns
    -------
    coordinates : ndarray of shape (n, min(n, d))
    basis : ndarray of shape (d, n), or None
        ``basis @ coef`` is a head for the features themselves.
    """
    if len(Z) >= Z.shape[1]:
        return Z, None
    basis, coordinates = np.linalg.qr(np.asarray(Z, dtype=float).T)
    return coordinates.T, basis


def soft_logistic(
    Z: np.ndarray,
    Q: np.ndarray,
    weight: np.ndarray,
    *,
    C: float = 1.0,
    start: Head | None = None,
    max_iter: int = 300,
) -> Head:
    """Fit multinomial logistic regression to class probabilities.

    With one-hot targets it minimises what scikit-learn's ``LogisticRegression(C=C)`` does.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
    Q : ndarray of shape (n, n_classes)
        Probabilities; each row sums to one.
    weight : ndarray of shape (n,)
    C : float, default=1.0
        Inverse of the strength of the penalty on squared weights.
    start : Head, optional
    max_iter : int, default=300

    Returns
    -------
    Head
    """
    d, k = Z.shape[1], Q.shape[1]
    # of two classes scikit-learn has one column of weights, which is the difference of ours
    strength = (2.0 if k == 2 else 1.0) / C
    total = weight.sum()

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        W = flat.reshape(d + 1, k)
        logits = Z @ W[:-1].astype(Z.dtype) + W[-1]
        log_p = log_softmax(logits, axis=1)
        value = -(weight * (Q * log_p).sum(axis=1)).sum() + 0.5 * strength * (W[:-1] ** 2).sum()
        slope = weight[:, None] * (np.exp(log_p) - Q)
        gradient = np.vstack([Z.T @ slope.astype(Z.dtype) + strength * W[:-1], slope.sum(axis=0)])
        return value / total, gradient.ravel() / total

    losses: list[float] = []
    first = np.zeros((d + 1, k)) if start is None else np.vstack([start.coef, start.intercept])
    found = minimize(
        loss,
        first.ravel(),
        jac=True,
        method="L-BFGS-B",
        callback=lambda intermediate_result: losses.append(float(intermediate_result.fun)),
        options={"maxiter": max_iter, "gtol": 1e-6, "ftol": 1e-10},
    )
    W = found.x.reshape(d + 1, k)
    return Head(W[:-1], W[-1], losses)


def sureness_of(log_p: np.ndarray, Q: np.ndarray, weight: np.ndarray) -> float:
    """Return the exponent of class probabilities that fits labels best: temperature scaling, drawn towards 1.

    See :func:`exponents_of`. Ten labels that happen to be predicted badly would make all probabilities nearly equal.
    """
    (sure,) = exponents_of([log_p], Q, weight, [1.0], spread=0.5)
    return float(sure)


def exponents_of(
    log_p: list[np.ndarray], Q: np.ndarray, weight: np.ndarray, prior: list[float], spread: float = 1.0
) -> np.ndarray:
    """Return the exponents of a product of class probabilities that fit labels best.

    Parameters
    ----------
    log_p : list of ndarray of shape (n, n_classes)
        Log-probabilities, predicted without the labels of these rows.
    Q : ndarray of shape (n, n_classes)
        One-hot labels.
    weight : ndarray of shape (n,)
    prior : list of float
        Exponents from which few labels do not move far.
    spread : float, default=1.0
        The standard deviation that they are expected to have around these.

    Returns
    -------
    ndarray of shape (len(log_p),)
        Not negative.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun, K. Weinberger. "On Calibration of Modern Neural Networks." ICML 2017.
       https://arxiv.org/abs/1706.04599
    """
    stacked = np.stack(log_p)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        logits = np.tensordot(w, stacked, axes=1)
        value = (weight * (logsumexp(logits, axis=1) - (Q * logits).sum(axis=1))).sum()
        slope = weight[:, None] * (softmax(logits, axis=1) - Q)
        distance = (w - prior) / spread
        return value + 0.5 * (distance**2).sum(), (stacked * slope).sum(axis=(1, 2)) + distance / spread

    bounds = [(0.0 if p == 0 else 0.01, 20.0) for p in prior]
    return minimize(loss, np.array(prior), jac=True, method="L-BFGS-B", bounds=bounds).x


def log_losses(logits: np.ndarray, Q: np.ndarray) -> np.ndarray:
    """Return the cross-entropy of each row, ``(n,)``."""
    return -(Q * log_softmax(logits, axis=1)).sum(axis=1)
