"""Units on a grid: where they are, and which are neighbours."""

from __future__ import annotations

import math

import numpy as np
from sklearn.metrics import euclidean_distances


def grid_positions(shape: tuple[int, int], topology: str) -> np.ndarray:
    """Return where the units are: neighbours are at a distance of 1.

    Parameters
    ----------
    shape : tuple (rows, columns)
    topology : {"rectangular", "hexagonal"}
        In a hexagonal grid every other row is moved by half a unit, so that inner units have six
        neighbours at the same distance.

    Returns
    -------
    ndarray of shape (rows * columns, 2)
        Row by row: vertical, horizontal position.
    """
    rows, columns = (side.ravel().astype(float) for side in np.indices(shape))
    if topology == "hexagonal":
        return np.column_stack([rows * math.sqrt(3) / 2, columns + (rows % 2) / 2])
    return np.column_stack([rows, columns])


def neighbourhood(positions: np.ndarray, radius: float) -> np.ndarray:
    """Return Gaussian weights between all units, ``(n_units, n_units)``: 1 for a unit and itself."""
    return np.exp(-0.5 * (euclidean_distances(positions) / radius) ** 2)


def neighbours(positions: np.ndarray, topology: str) -> np.ndarray:
    """Return which units are neighbours on the grid, ``(n_units, n_units)`` bool: eight of them, or six."""
    reach = math.sqrt(2) if topology == "rectangular" else 1.0
    apart = euclidean_distances(positions)
    return (apart > 0.5) & (apart < reach + 1e-6)
