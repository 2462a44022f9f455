"""What ``modality="auto"`` takes X for."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp

from ._base import Modality, check_frame, is_frame, is_texts
from ._image import Image
from ._tabular import Tabular
from ._text import Text

TEXT_DTYPES = ("object", "str", "string", "String")  # of pandas and polars


def infer_modality(X: Any) -> Modality:
    """Return the modality that X can only be, or raise an error that asks.

    Two-dimensional numbers, DataFrames and sparse matrices are tables; four-dimensional arrays are
    images; a list, array or Series of str are texts. Whatever else is no table, :class:`Tabular` says so.

    Raises
    ------
    ValueError
        If X has three dimensions (grey images or multivariate series) or more than four.
    TypeError
        If X is a list of one-dimensional arrays.

    Warns
    -----
    UserWarning
        If a column of a DataFrame looks like texts: it is taken for a category.
    """
    if is_frame(X):
        _warn_of_texts(X)
        return Tabular()
    if sp.issparse(X):
        return Tabular()
    if is_texts(X) or isinstance(X, (str, bytes)) or _are_bytes(X):
        return Text()  # which has the words for what it does not take
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


def check_kind(modality: Modality, kinds: tuple[type[Modality], ...], method: str, X: Any) -> None:
    """Raise a ValueError that names the fix if `method` does not take data of this kind."""
    if isinstance(modality, kinds):
        return
    wanted = " or ".join(kind.__name__ for kind in kinds)
    shape = _shape(X)
    if isinstance(modality, Tabular) and len(shape) != 2:
        return  # no table either, and Tabular has the words for it
    fix = f"Pass modality={wanted}(...), or take a method for what X is."
    if Image in kinds and len(shape) == 2:
        side = math.isqrt(shape[1])
        guess = f"({side}, {side})" if side**2 == shape[1] else "(height, width)"
        fix = f"If each row is a flattened image, pass modality=Image(shape={guess})."
    needs = "images" if kinds == (Image,) else f"the modality {wanted}"
    got = f"a table of shape {shape}" if isinstance(modality, Tabular) else type(modality).__name__
    raise ValueError(f"{method} needs {needs} and got {got}. {fix}")


def _warn_of_texts(X: Any) -> None:
    """Warn of columns of strings of several words, nearly all of them different."""
    check_frame(X)
    for name in dict.fromkeys(X.columns):
        column = X[name]
        if getattr(column, "ndim", 1) != 1 or str(column.dtype) not in TEXT_DTYPES:
            continue
        values = [value for value in column.head(100) if isinstance(value, str)]
        if len(values) < 20 or len(set(values)) < 0.9 * len(values):
            continue
        if np.mean([len(value.split()) for value in values]) >= 3:
            warnings.warn(
                f"Column {name!r} of X looks like texts, and a table takes it for a category. Pass X[{name!r}] "
                f"for its texts; in a ColumnTransformer select {name!r}, not [{name!r}].",
                UserWarning,
                stacklevel=2,
            )


def _are_bytes(X: Any) -> bool:
    if isinstance(X, np.ndarray):
        return X.ndim == 1 and X.dtype.kind == "S"
    return isinstance(X, (list, tuple)) and len(X) > 0 and isinstance(X[0], bytes)


def _shape(X: Any) -> tuple[int, ...]:
    if hasattr(X, "shape"):
        return tuple(X.shape)
    if is_texts(X):
        return (len(X),)
    try:
        return np.asarray(X).shape
    except ValueError:  # rows of different lengths
        return (len(X),)


def _refuse_list_of(item: Any) -> None:
    if isinstance(item, np.ndarray) and item.ndim == 1:
        raise TypeError(
            "X is a list of one-dimensional arrays: series or sound? This version takes tables, images "
            "and texts; Series() and Audio(sample_rate=...) are planned. If the arrays are the rows of a "
            "table, pass np.stack(X)."
        )
