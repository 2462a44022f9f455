"""The parts of rows that importance is asked of: columns of tables, patches of images, stretches of series."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..base import first_step
from ..modalities import Audio, Image, Series, Tabular, Text, is_count, is_frame, shape_of

N_PATCHES = 8  # along the shorter side of an image, and along the steps of a series


class Parts(NamedTuple):
    """The parts of rows.

    Attributes
    ----------
    cells : list of ndarray of int
        For each part, its cells in a flattened row; for tables, columns.
    grid : ndarray of int
        The part that each column, pixel or step belongs to: of shape ``(n_columns,)``, ``(height, width)`` or
        ``(channels, time)``.
    names : list of str or None
        Names of columns.
    """

    cells: list[np.ndarray]
    grid: np.ndarray
    names: list[str] | None


def modality_in(estimator: Any) -> Any:
    """Return the fitted modality of an estimator, or of the first step of a pipeline; None if there is none."""
    return getattr(first_step(estimator), "modality_", None)


def column_names(X: Any) -> list[str]:
    """Return the names of the columns of a table: ``x0``, ``x1`` and so on, if they have none."""
    return [str(name) for name in X.columns] if is_frame(X) else [f"x{j}" for j in range(shape_of(X)[1])]


def parts_of_rows(modality: Any, X: Any, patch_size: int | None) -> Parts:
    """Return the parts of the rows of X.

    Raises
    ------
    TypeError
        If rows have no parts that can be changed alone.
    ValueError
        If `patch_size` is no positive integer.
    """
    if patch_size is not None and not is_count(patch_size, 1):
        raise ValueError(f"patch_size={patch_size!r:.60} must be a positive integer, or None.")
    if isinstance(modality, (Text, Audio)) or (modality is not None and not len(shape_of(X)) > 1):
        raise TypeError(
            f"{type(modality).__name__} has rows without parts that could be exchanged between rows. Importance is for "
            "tables, images, and series of one length in an array."
        )
    if isinstance(modality, Image):
        n_pixels = math.prod(modality.layout_)
        places = modality.channels_last(np.arange(n_pixels)[None])[0]
        size = patch_size or math.ceil(min(places.shape[:2]) / N_PATCHES)
        rows, columns = (np.arange(side) // size for side in places.shape[:2])
        grid = rows[:, None] * (columns[-1] + 1) + columns
        return Parts([places[grid == part].ravel() for part in range(grid.max() + 1)], grid, None)
    if isinstance(modality, Series):
        shape = shape_of(X)
        channels, time = (1, shape[1]) if len(shape) == 2 else shape[1:]
        size = patch_size or math.ceil(time / N_PATCHES)
        steps = np.arange(time) // size
        grid = np.arange(channels)[:, None] * (steps[-1] + 1) + steps
        return Parts([np.flatnonzero(grid.ravel() == part) for part in range(grid.max() + 1)], grid, None)
    if modality is not None and not isinstance(modality, Tabular):
        raise TypeError(f"{type(modality).__name__} is not known here. Pass tables, images or series.")
    n = shape_of(X)[1]
    return Parts([np.array([j]) for j in range(n)], np.arange(n), column_names(X))
