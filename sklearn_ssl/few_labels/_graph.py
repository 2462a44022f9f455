"""Graphs of nearest neighbours whose edges weigh what the density around both ends makes of a distance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

EXACT_ROWS = 20_000  # up to which all pairs of rows are compared
PROBES = 8  # cells in which neighbours are searched, beyond that
PCA_ROWS = 4000  # that principal components are found from
LEAST = 1e-12


class Directions(NamedTuple):
    """A linear map of features to the directions in which they vary most.

    Attributes
    ----------
    mean : ndarray of shape (d,)
    axes : ndarray of shape (n_components, d)
    """

    mean: np.ndarray
    axes: np.ndarray

    def __call__(self, Z: np.ndarray) -> np.ndarray:
        """Return features ``(n, d)`` along the axes, ``(n, n_components)`` float64."""
        # row by row the same, whatever the others are
        return (np.asarray(Z, dtype=np.float64) - self.mean) @ self.axes.T


def principal_directions(Z: np.ndarray, n_components: int | None, seed: int) -> Directions:
    """Return the first principal components of features ``(n, d)``, or all columns if there are no more.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
    n_components : int or None
        None keeps all columns.
    seed : int
        Of the rows that components are found from, if there are many.
    """
    n, d = Z.shape
    some = Z if n <= PCA_ROWS else Z[np.random.default_rng(seed).permutation(n)[:PCA_ROWS]]
    kept = d if n_components is None else min(n_components, d, len(some))
    if kept == d:
        return Directions(np.asarray(Z, dtype=np.float64).mean(axis=0), np.eye(d))
    found = PCA(kept, random_state=seed).fit(np.asarray(some, dtype=np.float64))
    return Directions(found.mean_, found.components_)


def nearest_neighbours(P: np.ndarray, n_neighbors: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest other rows of each row: exact for few rows, approximate for many.

    Many rows are divided into cells by k-means. Neighbours are those among the cells that are nearest to a row's own.

    Parameters
    ----------
    P : ndarray of shape (n, d)
    n_neighbors : int
        Less than n.
    seed : int

    Returns
    -------
    distances, columns : ndarray of shape (n, n_neighbors)
        Sorted by distance.
    """
    if len(P) <= EXACT_ROWS:
        return NearestNeighbors(n_neighbors=n_neighbors, algorithm="brute").fit(P).kneighbors()
    n_cells = int(np.sqrt(len(P)))
    found = MiniBatchKMeans(n_cells, batch_size=4096, max_iter=10, n_init=1, random_state=seed).fit(P)
    order = NearestNeighbors(n_neighbors=n_cells, algorithm="brute").fit(found.cluster_centers_)
    nearby = order.kneighbors(found.cluster_centers_, return_distance=False)
    members = np.split(np.argsort(found.labels_, kind="stable"), np.bincount(found.labels_).cumsum()[:-1])
    members += [np.array([], dtype=int)] * (n_cells - len(members))  # the last cells may be empty
    distances, columns = np.empty((len(P), n_neighbors)), np.empty((len(P), n_neighbors), dtype=int)
    for cell, rows in enumerate(members):
        if len(rows):
            pool = _candidates(members, nearby[cell], n_neighbors + 1)
            distances[rows], columns[rows] = _others(P, rows, pool, n_neighbors)
    return distances, columns


def _candidates(members: list[np.ndarray], nearby: np.ndarray, least: int) -> np.ndarray:
    """Return the rows of some cells, of more of them if these hold fewer than `least` rows."""
    sizes = np.cumsum([len(members[cell]) for cell in nearby])
    n_cells = max(PROBES, int(np.searchsorted(sizes, least)) + 1)
    return np.concatenate([members[cell] for cell in nearby[:n_cells]])


def _others(P: np.ndarray, rows: np.ndarray, pool: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest rows of a pool for rows that are in it, but not themselves."""
    search = NearestNeighbors(n_neighbors=k + 1, algorithm="brute").fit(P[pool])
    distances, places = search.kneighbors(P[rows])
    columns = pool[places]
    own = columns == rows[:, None]
    own[~own.any(axis=1), -1] = True  # among many equal rows it may not have found itself
    return distances[~own].reshape(-1, k), columns[~own].reshape(-1, k)


class ScaledGraph(NamedTuple):
    """A graph of neighbours, and what it takes to join a row to it.

    Attributes
    ----------
    edges : csr_array of shape (n, n)
        ``D^-1/2 W D^-1/2``, symmetric.
    scale : ndarray of shape (n,)
        Distance of each row to its last neighbour.
    degree : ndarray of shape (n,)
        D.
    """

    edges: sp.csr_array
    scale: np.ndarray
    degree: np.ndarray


def scaled_graph(P: np.ndarray, n_neighbors: int, seed: int = 0) -> ScaledGraph:
    """Return the graph of nearest neighbours with local scaling.

    An edge weighs ``exp(-d**2 / (s_i * s_j))`` with the distance d between rows i and j and the distance s of each to
    its last neighbour. So edges weigh alike where rows are dense and where they are sparse.

    Parameters
    ----------
    P : ndarray of shape (n, d)
    n_neighbors : int
    seed : int, default=0

    References
    ----------
    .. [1] L. Zelnik-Manor, P. Perona. "Self-Tuning Spectral Clustering." NIPS 2004.
    """
    n, k = len(P), min(n_neighbors, len(P) - 1)
    distances, columns = nearest_neighbours(P, k, seed)
    scale = np.maximum(distances[:, -1], LEAST)
    weights = local_weights(distances, scale, scale[columns])
    W = sp.csr_array((weights.ravel(), columns.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    W = sp.csr_array(W.maximum(W.T))
    degree = np.maximum(W.sum(axis=1), LEAST)
    root = sp.diags_array(1 / np.sqrt(degree))
    return ScaledGraph(sp.csr_array(root @ W @ root), scale, degree)


def local_weights(distances: np.ndarray, scale: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return the weights of edges from rows of a `scale`, ``(n,)``, to k others of scale `theirs`, ``(n, k)``."""
    return np.exp(-(distances**2) / (scale[:, None] * theirs))
