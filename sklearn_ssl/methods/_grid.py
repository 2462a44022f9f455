"""The grid of a self-organizing map: positions of the units, and which units are neighbours."""

from __future__ import annotations

import math

import numpy as np
from sklearn.metrics import euclidean_distances


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


def neighbourhood(positions: np.ndarray, radius: float) -> np.ndarray:
    """Return the Gaussian neighbourhood kernel, ``(n_units, n_units)``: 1 for a unit and itself."""
    return np.exp(-0.5 * (euclidean_distances(positions) / radius) ** 2)


def neighbours(positions: np.ndarray, topology: str) -> np.ndarray:
    """Return which units are neighbours, ``(n_units, n_units)`` bool; inner units have eight, or six."""
    reach = math.sqrt(2) if topology == "rectangular" else 1.0
    apart = euclidean_distances(positions)
    return (apart > 0.5) & (apart < reach + 1e-6)
