"""Label propagation: labels spread over a graph of neighbours."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import cg
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

TOLERANCE = 1e-4  # relative, of the linear systems
LEAST = 1e-12
PCA_ROWS = 4000  # that principal components are found from


def neighbour_graph(
    Z: np.ndarray, n_neighbors: int = 20, n_components: int = 128, power: float = 3.0, seed: int = 0
) -> sp.csr_array:
    """Return the normalised graph of the nearest neighbours by cosine similarity.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
        Features.
    n_neighbors : int, default=20
        Edges of each row; an edge in one direction is one in both.
    n_components : int, default=128
        Principal components in which similarity is measured.
    power : float, default=3.0
        Edges weigh the similarity to this power; negative similarities weigh nothing.
    seed : int, default=0
        Of the principal components of many rows, which are found at random.

    Returns
    -------
    csr_array of shape (n, n)
        ``D^-1/2 W D^-1/2``, symmetric.
    """
    n = len(Z)
    some = np.random.default_rng(seed).permutation(n)[:PCA_ROWS]
    kept = min(n_components, len(some), Z.shape[1])
    P = PCA(kept, random_state=seed).fit(Z[some]).transform(Z) if kept < Z.shape[1] else Z - Z.mean(axis=0)
    n_neighbors = min(n_neighbors, n - 1)
    search = NearestNeighbors(n_neighbors=n_neighbors, metric="cosine", algorithm="brute").fit(P)
    distances, columns = search.kneighbors()
    weights = np.clip(1 - distances, 0, None) ** power
    starts = np.arange(0, n * n_neighbors + 1, n_neighbors)
    W = sp.csr_array((weights.ravel().astype(float), columns.ravel(), starts), shape=(n, n))
    W = (W + W.T) / 2
    scale = sp.diags_array(1 / np.sqrt(np.maximum(W.sum(axis=1), LEAST)))
    return sp.csr_array(scale @ W @ scale)


def propagate(graph: sp.csr_array, Y: np.ndarray, alpha: float = 0.99, signed: bool = False) -> np.ndarray:
    """Return what each row receives of the labels: ``(I - alpha S)^-1 Y``.

    Parameters
    ----------
    graph : csr_array of shape (n, n)
        As `neighbour_graph` returns it.
    Y : ndarray of shape (n, n_classes)
        One-hot labels, times weights; 0 for rows without a label.
    alpha : float, default=0.99
        From 0, where labels stay where they are, to 1, where they spread over the whole graph.
    signed : bool, default=False
        Whether Y may be negative. If not, nor is the result.

    Returns
    -------
    ndarray of shape (n, n_classes)

    References
    ----------
    .. [1] D. Zhou, O. Bousquet, T. N. Lal, J. Weston, B. Schölkopf. "Learning with Local and Global
       Consistency." NIPS 2003.
    """
    system = sp.csr_array(sp.eye_array(graph.shape[0]) - alpha * graph)
    received = [cg(system, column, rtol=TOLERANCE)[0] for column in np.asarray(Y, dtype=float).T]
    both = np.stack(received, axis=1)
    return both if signed else np.clip(both, 0, None)


def class_shares(received: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """Return class probabilities: all columns weigh as the classes are frequent, then all rows sum to one.

    Parameters
    ----------
    received : ndarray of shape (n, n_classes)
    frequencies : ndarray of shape (n_classes,)
        Shares of the classes among the labels. A row that received nothing gets these.

    Returns
    -------
    ndarray of shape (n, n_classes)

    References
    ----------
    .. [1] X. Zhu, Z. Ghahramani, J. Lafferty. "Semi-Supervised Learning Using Gaussian Fields and Harmonic
       Functions." ICML 2003. (Class mass normalization.)
    """
    scaled = received * (frequencies / np.maximum(received.sum(axis=0), LEAST))
    total = scaled.sum(axis=1, keepdims=True)
    return np.where(total > LEAST, scaled / np.maximum(total, LEAST), frequencies)
