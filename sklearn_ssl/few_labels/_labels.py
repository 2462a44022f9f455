"""Which rows have a label."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np

from ..modalities import is_missing


def is_labeled(y: Any, minus_one: bool = True) -> np.ndarray:
    """Return which rows have a label: one that is not None, NaN or pandas' NA, nor -1.

    Parameters
    ----------
    y : array, Series or list of shape (n,) or (n, n_outputs)
        A row of several outputs has a label if all of them do.
    minus_one : bool, default=True
        Whether -1 means unlabeled.

    Returns
    -------
    ndarray of bool of shape (n,)
    """
    values = as_array(y)
    if values.dtype.kind in "US" and np.isin(values, ["-1", "nan"]).any():
        raise ValueError(
            "y is an array of texts with '-1' or 'nan' among them, which numpy makes of a missing label beside "
            "texts. Use an array of objects, with None: np.array([...], dtype=object)."
        )
    missing = is_missing(values)
    if minus_one:
        missing |= np.frompyfunc(_is_minus_one, 1, 1)(values).astype(bool)
    return np.logical_not(missing.reshape(len(values), -1).any(axis=1))


def as_array(y: Any) -> np.ndarray:
    """Return y as an array in which None and NaN are still what they were, beside texts too."""
    if not isinstance(y, (list, tuple)):
        return np.asarray(y)
    return plain(np.asarray(y, dtype=object))


def plain(values: np.ndarray) -> np.ndarray:
    """Return objects that are all numbers as an array of numbers; others as they are."""
    if values.dtype.kind == "O" and all(isinstance(value, Number) for value in values.flat):
        return np.array(values.tolist())
    return values


def _is_minus_one(value: Any) -> bool:
    return isinstance(value, Number) and bool(value == -1)  # type: ignore[comparison-overlap]  # numbers compare
