"""DataFrames of pandas and polars: the only module that distinguishes the two."""

from __future__ import annotations

import contextlib
import datetime
from collections import Counter
from typing import Any

import numpy as np

from ._missing import is_missing


def is_frame(X: Any) -> bool:
    """Return whether X has named columns; those of a lazy frame are not resolved."""
    return hasattr(type(X), "collect") or hasattr(X, "columns")


def is_pandas(X: Any) -> bool:
    """Return whether X is a frame of pandas."""
    return hasattr(X, "iloc")


def check_frame(frame: Any) -> None:
    """Refuse frames with duplicate column names, lazy frames, and frames of other libraries than pandas and polars."""
    if hasattr(type(frame), "collect"):
        raise TypeError("X is a lazy frame, which has no rows yet. Call .collect() first.")
    libraries = [base.__module__.split(".")[0] for base in type(frame).__mro__]
    if not {"pandas", "polars"} & set(libraries):
        way = "call .to_pandas() first"
        if hasattr(frame, "compute"):
            way = "call .compute() first. For features of its parts, X.map_partitions(estimator.transform)"
        raise TypeError(
            f"X is {type(frame).__name__} of {libraries[0]}. Take a DataFrame of pandas or polars: {way}."
        )
    twice = [str(name) for name, count in Counter(frame.columns).items() if count > 1]
    if twice:
        raise ValueError(f"Column names that occur twice: {twice[:5]}. Rename or drop columns.")


def column_of(X: Any, j: int) -> Any:
    """Return column `j`: a Series for a frame, else an array."""
    if hasattr(X, "iloc"):
        return X.iloc[:, j]
    return X.to_series(j) if is_frame(X) else np.asarray(X)[:, j]


def columns_of(X: Any, positions: np.ndarray) -> Any:
    """Return some columns, in the container of X; X itself if those are all its columns."""
    if len(positions) == X.shape[1]:
        return X
    if hasattr(X, "iloc"):
        return X.iloc[:, positions]
    return X[:, positions.tolist()] if is_frame(X) else np.asarray(X)[:, positions]


def with_column(X: Any, name: Any, column: Any) -> Any:
    """Return a pandas frame with that column replaced; X is neither changed nor deep-copied."""
    X = X.copy(deep=False)  # assign() takes only names that are str
    X[name] = column
    return X


def without_values(X: Any, positions: np.ndarray) -> Any:
    """Return X, a frame or an array of objects or texts, with missing numbers in some columns; X is not changed."""
    if not len(positions):
        return X
    if hasattr(X, "iloc"):
        for j in positions:
            X = with_column(X, X.columns[j], np.nan)
        return X
    if is_frame(X):
        import polars as pl

        empty = [pl.lit(None, dtype=pl.Float64).alias(X.columns[j]) for j in positions]
        return X.with_columns(empty)
    X = X.astype(object)
    X[:, positions] = np.nan
    return X


def has_value(column: Any) -> bool:
    """Return whether a column of a frame has a cell that is not missing."""
    if hasattr(column, "iloc"):
        return not column.isna().all()
    return column.null_count() < len(column)


def is_plain_number(dtype: Any) -> bool:
    """Return whether a dtype is one of numpy's for real numbers and booleans."""
    return isinstance(dtype, np.dtype) and dtype.kind in "biuf"


def column_kinds(X: Any) -> list[str]:
    """Return what :func:`kind_of` says of each column of a frame."""
    # to take a column out of a wide frame costs more than all else
    return ["number" if is_plain_number(t) else kind_of(column_of(X, j)) for j, t in enumerate(X.dtypes)]


def kind_of(column: Any) -> str:
    """Return "number", "category", "date" or "other", judging a column of a frame by its dtype and values."""
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


def other_than_numbers(X: Any) -> list[Any]:
    """Return the names of the columns of a frame that are not numbers."""
    return [name for name, kind in zip(X.columns, column_kinds(X), strict=True) if kind != "number"]


def _kind_of_objects(column: Any) -> str:
    from pandas.api.types import infer_dtype

    kind = infer_dtype(column, skipna=True)
    if "date" in kind or "time" in kind or "period" in kind:
        return "date"
    if kind in ("integer", "floating", "mixed-integer-float", "decimal", "boolean", "empty"):
        return "number"
    if kind in ("string", "complex"):
        return "category" if kind == "string" else "other"
    if any(isinstance(cell, (datetime.date, datetime.time, datetime.timedelta)) for cell in column):
        return "date"
    try:
        set(column)
    except TypeError:  # lists are not hashable
        return "other"
    return "category"


def dense_frame(X: Any) -> Any:
    """Return a frame with dense columns in place of pandas' sparse ones, which scikit-learn warns of."""
    if not hasattr(X, "iloc"):
        return X
    for name, kind in zip(X.columns, X.dtypes, strict=True):
        if not isinstance(kind, np.dtype) and str(kind).startswith("Sparse["):
            X = with_column(X, name, X[name].sparse.to_dense())
    return X


def numbers_of(X: Any) -> Any:
    """Return numeric columns in a form whose missing cells scikit-learn recognises."""
    if hasattr(X, "iloc"):
        X = dense_frame(X)
        objects = [name for name, kind in zip(X.columns, X.dtypes, strict=True) if kind == np.dtype(object)]
        for name in objects:
            X = with_column(X, name, X[name].where(X[name].notna(), np.nan).astype(float))
        return X
    if is_frame(X):  # numpy has no integers of 128 bits
        import polars as pl

        wide = [name for name, kind in X.schema.items() if str(kind).endswith("Int128")]
        return X.with_columns(pl.col(wide).cast(pl.Float64)) if wide else X
    if isinstance(X, np.ndarray) and X.dtype.kind in "OU":
        objects_ = X.astype(object)
        objects_[is_missing(objects_)] = np.nan
        return objects_
    return X


def stack_frames(X: Any, pool: Any) -> Any:
    """Append the rows of `pool` to `X`, a frame of the same library; X decides on the columns and their order."""
    stacked = _stack(*_agree(X, same_columns(X, pool)))
    return stacked if is_pandas(X) else _with_types_of(X, stacked)


def same_columns(X: Any, pool: Any) -> Any:
    """Return the columns of `pool` that X has, in the order of X; `pool` may be a frame of another library."""
    known = set(pool.columns)
    missing = [name for name in X.columns if name not in known]
    if missing:
        raise ValueError(f"X_unlabeled lacks columns that X has: {missing[:5]}. Add them.")
    return pool[list(X.columns)]


def _stack(X: Any, pool: Any) -> Any:
    if hasattr(X, "iloc"):
        return _stack_pandas(X, pool)
    import polars as pl

    try:
        return pl.concat([X, pool], how="vertical_relaxed")
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"The columns of X_unlabeled are not of the types of X: {error}.") from error


def _with_types_of(X: Any, stacked: Any) -> Any:
    """Return a stacked frame of polars with the types of categories that X has, where they hold all values."""
    import polars as pl

    for name in X.columns:
        if X[name].dtype != stacked[name].dtype and str(X[name].dtype).startswith(("Categorical", "Enum")):
            with contextlib.suppress(pl.exceptions.PolarsError):
                stacked = stacked.with_columns(stacked[name].cast(X[name].dtype))
    return stacked


def _stack_pandas(X: Any, pool: Any) -> Any:
    import pandas as pd

    # pandas before 3 warns of columns without a value, and takes their type from the other frame; so do we
    other = [name for name in X if X[name].dtype != pool[name].dtype]
    of_pool = [name for name in other if pool[name].isna().all()]
    of_X = [name for name in other if name not in of_pool and X[name].isna().all()]
    parts = [X.drop(columns=of_X), pool.drop(columns=of_pool)]
    return pd.concat(parts, ignore_index=True)[list(X.columns)]


def _agree(X: Any, pool: Any) -> tuple[Any, Any]:
    """Return both frames with columns of the same types, or raise: stacking would change the types of others.

    A column without any value matches every type.
    """
    pandas, bad = hasattr(X, "iloc"), []
    for j, name in enumerate(X.columns):
        pair = [column_of(X, j), column_of(pool, j)]
        kinds = [kind_of(column) for column in pair]
        empty = [
            bool(column.isna().all()) if pandas else column.null_count() == len(column) for column in pair
        ]
        if kinds[0] != kinds[1] and not any(empty):
            bad.append(f"{name!r}: {kinds[0]}, {kinds[1]}")
        elif "category" in kinds:
            X, pool = (_with_categories(frame, j, pair, pandas) for frame in (X, pool))
        elif kinds[0] != kinds[1] and pandas:  # one has no value at all
            wanted = pair[empty.index(False)].dtype if not all(empty) else float
            X, pool = (with_column(f, name, f[name].astype(wanted)) for f in (X, pool))
    if bad:
        raise ValueError(f"The columns of X_unlabeled are not of the types of X: {'; '.join(bad[:5])}.")
    return X, pool


def _with_categories(frame: Any, j: int, pair: list[Any], pandas: bool) -> Any:
    """Return the frame with the categories of both columns of `pair` in its column `j`."""
    if pandas and pair[0].dtype == pair[1].dtype:
        return frame
    if not pandas:
        import polars as pl

        return frame.with_columns(frame.to_series(j).cast(pl.String))
    import pandas as pd

    found = [column.astype("category").cat.categories.astype(object) for column in pair]
    ordered = getattr(pair[0].dtype, "ordered", False)
    both = pd.CategoricalDtype(found[0].append(found[1]).unique(), ordered)
    return with_column(frame, frame.columns[j], frame.iloc[:, j].astype(both))
