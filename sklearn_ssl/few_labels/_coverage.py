"""Which rows stand for the others: one of each cluster, those of large clusters first."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NearestNeighbors

FULL_ROWS = 20_000  # beyond which clusters are found from batches
TYPICAL_NEIGHBOURS = 20  # of which the mean distance says how dense rows are around one
TYPICAL_ROWS = 4000  # of a cluster, among which these are searched


def clusters_of(P: np.ndarray, n_clusters: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the cluster of each row ``(n,)`` and the centres, by k-means."""
    n_clusters = min(n_clusters, len(P))
    if len(P) <= FULL_ROWS:
        kmeans = KMeans(n_clusters, n_init=3, random_state=seed)
    else:
        kmeans = MiniBatchKMeans(n_clusters, n_init=3, batch_size=8192, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than clusters
        kmeans.fit(P)
    return kmeans.labels_, kmeans.cluster_centers_


def nearest_to_centre(P: np.ndarray, centre: np.ndarray) -> int:
    """Return the position of the row of ``(n, d)`` that is nearest to a centre ``(d,)``."""
    return int(((P - centre) ** 2).sum(axis=1).argmin())


def most_typical(P: np.ndarray, rng: np.random.Generator) -> int:
    """Return the position of the row of ``(n, d)`` whose neighbours are nearest, the most typical of a cluster."""
    if len(P) < 3:
        return 0
    some = P if len(P) <= TYPICAL_ROWS else P[rng.permutation(len(P))[:TYPICAL_ROWS]]
    k = min(TYPICAL_NEIGHBOURS + 1, len(some))  # a row may be its own neighbour
    distances, _ = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(some).kneighbors(P)
    return int(distances.mean(axis=1).argmin())


def representatives(P: np.ndarray, n_rows: int, chosen: np.ndarray, strategy: str, seed: int) -> np.ndarray:
    """Return rows that stand for many others and are not covered yet, those for the most first.

    Rows are divided into as many clusters as rows are chosen and to be chosen. Those without a chosen row get one, the
    largest first.

    Parameters
    ----------
    P : ndarray of shape (n, d)
    n_rows : int
        How many to choose, at most as many as are not chosen.
    chosen : ndarray of int
        Rows that are chosen already.
    strategy : {"centre", "typical"}
        Which row of a cluster is taken.
    seed : int

    Returns
    -------
    ndarray of int of shape (n_rows,)
    """
    rng = np.random.default_rng(seed)
    labels, centres = clusters_of(P, n_rows + len(chosen), seed)
    sizes = np.bincount(labels, minlength=len(centres))
    sizes[labels[chosen]] = 0
    largest = np.argsort(-sizes, kind="stable")[: min(n_rows, int((sizes > 0).sum()))]
    found: list[int] = []
    for cluster in largest:
        rows = np.flatnonzero(labels == cluster)
        at = (
            nearest_to_centre(P[rows], centres[cluster])
            if strategy == "centre"
            else most_typical(P[rows], rng)
        )
        found.append(int(rows[at]))
    return np.r_[
        np.array(found, dtype=int), farthest(P, n_rows - len(found), np.r_[chosen, found].astype(int))
    ]


def farthest(P: np.ndarray, n_rows: int, chosen: np.ndarray) -> np.ndarray:
    """Return rows that are each the farthest from all that are chosen before, for what clusters do not give."""
    if not n_rows:
        return np.array([], dtype=int)
    left = np.ones(len(P), dtype=bool)
    left[chosen] = False
    start = P[chosen] if len(chosen) else P.mean(axis=0, keepdims=True)
    distances = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(start).kneighbors(P)[0][:, 0] ** 2
    found = []
    for _ in range(n_rows):
        row = int(np.where(left, distances, -1.0).argmax())
        found.append(row)
        left[row] = False
        distances = np.minimum(distances, ((P - P[row]) ** 2).sum(axis=1))
    return np.array(found)
