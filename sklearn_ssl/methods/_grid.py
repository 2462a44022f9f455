"""The grid of a self-organizing map: positions of the units, their rows, and which units are neighbours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from ..modalities import array, refuse, texts, whole


def grid_positions(shape: tuple[int, int], topology: str) -> np.ndarray:
    """Return the positions of the units; the nearest ones are at a distance of 1.

    Parameters
    ----------
    shape : tuple (rows, columns)
    topology : {"rectangular", "hexagonal"}
        In a hexagonal grid every other row is shifted by half a unit, so that inner units have six
        neighbours at the same distance.

    Returns
    -------
    ndarray of shape (rows * columns, 2)
        Vertical and horizontal position of each unit, row by row.
    """
    rows, columns = (side.ravel().astype(float) for side in np.indices(shape))
    if topology == "hexagonal":
        return np.column_stack([rows * math.sqrt(3) / 2, columns + (rows % 2) / 2])
    return np.column_stack([rows, columns])


def smooth(values: np.ndarray, shape: tuple[int, int], topology: str, radius: float) -> np.ndarray:
    """Return the sums over all units, weighted by a Gaussian of their distance on the grid.

    The weights of all pairs of units would be a matrix as large as the square of their number. A Gaussian is the
    product of its vertical and its horizontal part, so that two small matrices serve instead.

    Parameters
    ----------
    values : ndarray of shape (n_units, d)
    shape : tuple (rows, columns)
    topology : {"rectangular", "hexagonal"}
    radius : float
        Standard deviation, in steps of the grid.

    Returns
    -------
    ndarray of shape (n_units, d)
        The weight of a unit itself is 1.
    """
    rows, columns = np.arange(shape[0]), np.arange(shape[1])
    step = math.sqrt(3) / 2 if topology == "hexagonal" else 1.0
    vertical = _gaussian(step * (rows[:, None] - rows), radius).astype(values.dtype)
    grid = values.reshape(*shape, -1)
    out = np.zeros_like(grid)
    # in a hexagonal grid odd rows are shifted by half a unit, so that rows of a kind go together
    kinds = [rows[0::2], rows[1::2]] if topology == "hexagonal" else [rows]
    for a, targets in enumerate(kinds):
        for b, sources in enumerate(kinds):
            horizontal = _gaussian(columns[:, None] - columns + (a - b) / 2, radius).astype(values.dtype)
            beside = horizontal @ grid[sources]
            out[targets] += np.tensordot(vertical[np.ix_(targets, sources)], beside, axes=1)
    return out.reshape(values.shape)


def _gaussian(distance: np.ndarray, radius: float) -> np.ndarray:
    return np.exp(-0.5 * (distance / radius) ** 2)


def are_neighbours(a: np.ndarray, b: np.ndarray, topology: str) -> np.ndarray:
    """Return whether units at positions `a` and `b` ``(n, 2)`` are neighbours, ``(n,)`` bool; they differ."""
    return np.linalg.norm(a - b, axis=1) < _reach(topology)


def neighbour_pairs(positions: np.ndarray, topology: str) -> np.ndarray:
    """Return the pairs of neighbours, ``(n_pairs, 2)``, each once; an inner unit is in eight of them, or in six."""
    return KDTree(positions).query_pairs(_reach(topology), output_type="ndarray")


def _reach(topology: str) -> float:
    return 1e-6 + (math.sqrt(2) if topology == "rectangular" else 1.0)


def check_map(som: Any) -> None:
    """Raise a ValueError if fitted attributes of a ``SelfOrganizingMap`` do not go with each other."""
    n_units, d = array(som, "codebook_", "f", (None, None)).shape
    if som.topology_ not in ("rectangular", "hexagonal"):
        refuse(som, "topology_", f"is {som.topology_!r:.60}")
    sides = som.shape_ if isinstance(som.shape_, tuple) else ()
    # the product first: the sides may be any numbers
    if len(sides) != 2 or not all(type(s) is int and s > 0 for s in sides) or math.prod(sides) != n_units:
        refuse(som, "shape_", f"is {som.shape_!r:.60}, with {n_units} units")
    positions = array(som, "positions_", "if", (n_units, 2))
    if not np.allclose(positions, grid_positions(sides, som.topology_)):
        refuse(som, "positions_", f"are not those of a grid of shape {sides}")
    if whole(som, "n_features_in_", 1) != d:
        refuse(som, "n_features_in_", f"is {som.n_features_in_}, and the units have {d} columns")
    if hasattr(som, "feature_names_in_"):
        texts(som, "feature_names_in_", d)
    array(som, "mean_", "f", (d,))
    array(som, "scale_", "f", (d,), low=np.finfo(float).tiny)
    array(som, "sums_", "f", (n_units, d))
    array(som, "counts_", "f", (n_units,), low=0)
    array(som, "labels_", "i", (None,), low=0, high=n_units - 1)
    whole(som, "n_iter_")
    if not isinstance(som.cooled_, (int, float)) or not 0 <= som.cooled_ <= 1:
        refuse(som, "cooled_", f"is {som.cooled_!r:.60}")
