"""Which rows have a label."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np

from ..modalities import is_missing


def is_labeled(y: Any, minus_one: bool = True) -> np.ndarray:
    """Return which rows have a label, which is anything but None, NaN, pandas' NA and -1.

    Parameters
    ----------
    y : array, Series or list of shape (n,) or (n, n_outputs)
        A row of several outputs has a label if all of them do.
    minus_one : bool, default=True
        Whether -1 means unlabeled.

    Returns
    -------
    ndarray of bool of shape (n,)

    Raises
    ------
    ValueError
        If y is an array of strings with "-1" or "nan" among them.
    """
    values = as_array(y)
    if values.dtype.kind in "US" and np.isin(values, ["-1", "nan"]).any():
        raise ValueError(
            "y is an array of strings with '-1' or 'nan' among them: numpy turns missing labels beside strings "
            "into strings. Use an array of objects, with None: np.array([...], dtype=object)."
        )
    missing = is_missing(values)
    if minus_one:
        missing |= np.frompyfunc(_is_minus_one, 1, 1)(values).astype(bool)
    return np.logical_not(missing.reshape(len(values), -1).any(axis=1))


def as_array(y: Any) -> np.ndarray:
    """Return y as an array; None and NaN stay what they are, even beside strings."""
    if not isinstance(y, (list, tuple)):
        return np.asarray(y)
    return plain(np.asarray(y, dtype=object))


def plain(values: np.ndarray) -> np.ndarray:
    """Return an object array of numbers as a numeric array, and other arrays as they are."""
    if values.dtype.kind == "O" and all(isinstance(value, Number) for value in values.flat):
        return np.array(values.tolist())
    return values


def _is_minus_one(value: Any) -> bool:
    return isinstance(value, Number) and bool(value == -1)  # type: ignore[comparison-overlap]  # numbers compare
