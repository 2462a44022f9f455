"""The columns of a table: which hold categories, and which category a cell holds."""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from .._labels import is_missing
from ._base import is_frame

Value = str | int | float | bool
"""What a category is kept as."""


def categorical_columns(X: Any, wanted: Any) -> np.ndarray:
    """Return the positions of the columns that hold categories.

    Parameters
    ----------
    X : array, DataFrame or sparse matrix of shape (n, d)
    wanted : "from_dtype", array-like of bool, int or str, or None
        The parameter `categorical_features` of ``Tabular``.

    Returns
    -------
    ndarray of int, ascending

    Raises
    ------
    ValueError
        If `wanted` does not go with X.
    """
    if wanted is None or (isinstance(wanted, str) and not is_frame(X)):
        return np.empty(0, dtype=int)
    if isinstance(wanted, str):
        return np.flatnonzero([kind_of(column_of(X, j)) == "category" for j in range(X.shape[1])])
    if sp.issparse(X):
        raise ValueError(
            "categorical_features cannot be given for a sparse matrix. Pass a DataFrame, or the columns of "
            "OneHotEncoder as numbers, with categorical_features=None."
        )
    chosen = np.asarray(wanted)
    if chosen.ndim == 1 and chosen.dtype.kind in "UO" and is_frame(X):
        names = list(X.columns)
        unknown = [str(name) for name in chosen.tolist() if name not in names]
        if unknown:
            raise ValueError(f"categorical_features names columns that X lacks: {unknown[:5]}.")
        return np.unique([names.index(name) for name in chosen.tolist()]).astype(int)
    d = np.shape(X)[1]
    if chosen.ndim == 1 and chosen.dtype.kind == "b" and len(chosen) == d:
        return np.flatnonzero(chosen)
    if chosen.ndim == 1 and (chosen.size == 0 or chosen.dtype.kind in "iu"):
        chosen = chosen.astype(int)
        if np.all((chosen >= -d) & (chosen < d)):
            return np.unique(chosen % d)
    raise ValueError(
        f"categorical_features={wanted!r} does not go with X of {d} columns. Use 'from_dtype', None, positions "
        f"from 0 to {d - 1}, {d} booleans or, for a DataFrame, names."
    )


def column_of(X: Any, j: int) -> Any:
    """Return column `j`: a Series of a frame, else an array."""
    if hasattr(X, "iloc"):
        return X.iloc[:, j]
    return X.to_series(j) if is_frame(X) else np.asarray(X)[:, j]


def columns_of(X: Any, positions: np.ndarray) -> Any:
    """Return some columns, as what X is; X itself if that is all of them."""
    if len(positions) == X.shape[1]:
        return X
    if hasattr(X, "iloc"):
        return X.iloc[:, positions]
    return X[:, positions.tolist()] if is_frame(X) else np.asarray(X)[:, positions]


def with_column(X: Any, name: Any, column: Any) -> Any:
    """Return a pandas frame with another column of that name; X stays as it is, and is not copied."""
    X = X.copy(deep=False)  # assign() would ask for names that are texts
    X[name] = column
    return X


def kind_of(column: Any) -> str:
    """Return "number", "category", "date" or "other": what a column of a frame is by its type and values."""
    kind = column.dtype
    if hasattr(kind, "is_numeric"):  # polars
        if kind.is_numeric() or str(kind) in ("Boolean", "Null"):
            return "number"
        words = ("String", "Categorical", "Enum")
        return "date" if kind.is_temporal() else "category" if str(kind).startswith(words) else "other"
    from pandas.api import types

    if "[pyarrow]" in str(kind) and str(kind).startswith(
        ("date", "time", "duration", "list", "struct", "map")
    ):
        return "date" if str(kind).startswith(("date", "time", "duration")) else "other"
    if types.is_object_dtype(kind):
        return _kind_of_objects(column)
    if isinstance(kind, types.CategoricalDtype):
        dates = getattr(kind.categories, "dtype", None)
        return "date" if getattr(dates, "kind", "") in "mM" or "period" in str(dates) else "category"
    if types.is_bool_dtype(kind) or types.is_numeric_dtype(kind):
        return "number"
    return "date" if kind.kind in "mM" or "period" in str(kind) else "category"  # strings, intervals


def _kind_of_objects(column: Any) -> str:
    from pandas.api.types import infer_dtype

    kind = infer_dtype(column, skipna=True)
    if "date" in kind or "time" in kind or "period" in kind:
        return "date"
    if kind in ("integer", "floating", "mixed-integer-float", "decimal", "boolean", "empty"):
        return "number"
    if kind == "string":
        return "category"
    if any(isinstance(cell, (datetime.date, datetime.time, datetime.timedelta)) for cell in column):
        return "date"
    try:
        set(column)
    except TypeError:  # lists cannot be told apart by a hash
        return "other"
    return "category"


def numbers_of(X: Any) -> Any:
    """Return columns of numbers in a form whose missing cells scikit-learn knows."""
    if hasattr(X, "iloc"):
        objects = [name for name, kind in zip(X.columns, X.dtypes, strict=True) if str(kind) == "object"]
        for name in objects:
            X = with_column(X, name, X[name].where(X[name].notna(), np.nan).astype(float))
        return X
    if isinstance(X, np.ndarray) and X.dtype.kind in "OU":
        objects_ = X.astype(object)
        objects_[is_missing(objects_)] = np.nan
        return objects_
    return X


def refuse_columns(X: Any, categorical: np.ndarray, first: bool) -> None:
    """Name the columns of a frame that hold dates or lists, or no numbers where none of `categorical`.

    `first` says whether fit has just learned which are. Arrays and matrices are let through.
    """
    if not is_frame(X):
        return
    kinds = {name: kind_of(column_of(X, j)) for j, name in enumerate(X.columns)}
    dates = [name for name, kind in kinds.items() if kind == "date"]
    if dates:
        raise ValueError(
            f"Columns that hold dates or times: {dates[:5]}. Turn them into numbers first, such as days since a "
            "start, the month or the hour; which of them matters only you can say."
        )
    bad = [
        name
        for j, (name, kind) in enumerate(kinds.items())
        if kind == "other" or (kind == "category" and j not in categorical)
    ]
    if bad and not first:
        raise ValueError(
            f"Columns that are not numbers, as they were in fit: {bad[:5]}. Cast them, or fit anew with them as "
            "categories."
        )
    if bad:
        raise ValueError(
            f"Columns that are not numbers: {bad[:5]}. Categories must be of a category or string type when fit "
            "sees them, with Tabular(categorical_features='from_dtype'), or be named there. Leave out or "
            "take apart columns of lists."
        )


def factorize(column: Any) -> tuple[np.ndarray, list[Value]]:
    """Return the number of the value in each cell, -1 where none is, and the values.

    Parameters
    ----------
    column : Series or ndarray of shape (n,)

    Returns
    -------
    codes : ndarray of int of shape (n,)
    values : list of str, int, float or bool
        Other objects, such as intervals, as texts.
    """
    if hasattr(column, "iloc"):
        import pandas as pd

        codes, found = pd.factorize(column)
        return np.asarray(codes), [plain_value(value) for value in found.tolist()]
    if isinstance(column, np.ndarray) and column.dtype.kind in "biuf":
        found, codes = np.unique(column, return_inverse=True)
        missing = np.isnan(found) if found.dtype.kind == "f" else np.zeros(len(found), bool)
        return np.where(missing[codes], -1, codes), found[~missing].tolist()
    table: dict[Hashable, int] = {}
    cells = column.tolist() if isinstance(column, np.ndarray) else column.to_list()
    codes = np.fromiter((table.setdefault(cell, len(table)) for cell in cells), np.int64, len(cells))
    found = np.empty(len(table), dtype=object)
    found[:] = list(table)
    keep = ~is_missing(found)
    new = np.where(keep, keep.cumsum() - 1, -1)
    return new[codes], [plain_value(value) for value in found[keep]]


def plain_value(value: Any) -> Value:
    """Return what a category is kept as: a text, a number or a boolean."""
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def find_categories(column: Any, most: int) -> tuple[tuple[Value, ...], bool]:
    """Return the categories of a column, sorted, and whether it has others, which are rare.

    Rare are those of a single row, and the less frequent where there are more than `most` in all.
    """
    codes, values = factorize(column)
    counts: dict[Value, int] = {}
    for value, count in zip(values, np.bincount(codes[codes >= 0], minlength=len(values)), strict=True):
        counts[value] = counts.get(value, 0) + int(count)
    counts = {value: count for value, count in counts.items() if count}
    frequent = [value for value, count in counts.items() if count > 1]
    frequent.sort(key=lambda value: (-counts[value], str(value)))
    room = most if len(frequent) == len(counts) and len(frequent) <= most else most - 1
    kept = frequent[:room]
    return tuple(sorted(kept, key=_order)), len(kept) < len(counts)


def _order(value: Value) -> tuple[bool, float, str]:
    number = not isinstance(value, str)
    return not number, float(value) if number else 0.0, str(value)


def encode(column: Any, categories: Sequence[Value], has_rare: bool) -> np.ndarray:
    """Return the code of each cell, ``(n,)`` float32.

    NaN stands for a cell without a value. Rare and unknown values share the code after the last category,
    if there are rare ones; else an unknown value is taken for none.
    """
    codes, values = factorize(column)
    lookup = {value: code for code, value in enumerate(categories)}
    other = float(len(categories)) if has_rare else np.nan
    table = np.array([*(lookup.get(value, other) for value in values), np.nan], dtype=np.float32)
    return table[codes]  # -1 is the last
