"""What ``modality="auto"`` takes X for."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from ._base import Modality, is_frame
from ._image import Image
from ._tabular import Tabular


def infer_modality(X: Any) -> Modality:
    """Return the modality that X can only be, or raise an error that asks.

    Two-dimensional numbers, DataFrames and sparse matrices are tables; four-dimensional arrays are
    images. Whatever else is no table, :class:`Tabular` says so.

    Raises
    ------
    ValueError
        If X has three dimensions (grey images or multivariate series) or more than four.
    TypeError
        If X is a list of texts or of one-dimensional arrays.
    """
    if sp.issparse(X) or is_frame(X):
        return Tabular()
    shape = _shape(X)
    if len(shape) == 1 and shape[0]:
        _refuse_list_of(next(iter(X)))
    elif isinstance(X, (list, tuple)) and len(X):
        _refuse_list_of(X[0])
    if len(shape) == 4:
        return Image()
    if len(shape) == 3:
        raise ValueError(
            f"X of shape {shape} has three dimensions: grey images (n, height, width) or series "
            "(n, channels, time)? For images pass modality=Image(). Series() is planned; until then "
            "flatten each series to a row of a table."
        )
    if len(shape) > 4:
        raise ValueError(
            f"X of shape {shape} has {len(shape)} dimensions. Tables have two, images three or four: "
            "reshape X."
        )
    return Tabular()


def _shape(X: Any) -> tuple[int, ...]:
    if hasattr(X, "shape"):
        return tuple(X.shape)
    try:
        return np.asarray(X).shape
    except ValueError:  # rows of different lengths
        return (len(X),)


def _refuse_list_of(item: Any) -> None:
    if isinstance(item, str):
        raise TypeError(
            "X is a one-dimensional list of texts, and this version takes tables and images; Text() is "
            "planned. Turn the texts into a table first, for example with TfidfVectorizer."
        )
    if isinstance(item, np.ndarray) and item.ndim == 1:
        raise TypeError(
            "X is a list of one-dimensional arrays: series or sound? This version takes tables and "
            "images; Series() and Audio(sample_rate=...) are planned. If the arrays are the rows of a "
            "table, pass np.stack(X)."
        )
