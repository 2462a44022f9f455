"""The grid of a self-organizing map: positions of the units, and which units are neighbours."""

from __future__ import annotations

import math

import numpy as np
from scipy.spatial import KDTree


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
