"""Decoded rows as the user's own: whole numbers, in the range of fit, in a frame with its names and types."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from .._frames import column_of, is_frame, is_pandas
from .._missing import is_hole, is_missing
from ._categories import plain_value
from ._numbers import zero_and_one

BOOLEAN = (bool, np.bool_)
BOOLEANS = "booleans"  # the type of a column of objects that are all True or False


def frame_of(X: Any) -> dict[str, Any] | None:
    """Return what X looks like, in a form that can be saved; None for arrays of numbers and matrices.

    Parameters
    ----------
    X : array, DataFrame or sparse matrix of shape (n, d)

    Returns
    -------
    dict or None
        ``library`` is "pandas", "polars", or "" for an array of objects. ``names`` are the names of the columns,
        ``types`` names of their types, and ``details`` what these names do not say: for categories all levels.
    """
    if not is_frame(X):
        if getattr(getattr(X, "dtype", None), "kind", "") != "O":
            return None
        types = tuple(BOOLEANS if _are_booleans(column) else "object" for column in np.asarray(X).T)
        return {"library": "", "names": (), "types": types, "details": (None,) * len(types)}
    columns = [column_of(X, j) for j in range(X.shape[1])]
    described = [(_of_pandas if is_pandas(X) else _of_polars)(column) for column in columns]
    return {
        "library": "pandas" if is_pandas(X) else "polars",
        "names": tuple(_plain_name(name) for name in X.columns),
        "types": tuple(kind for kind, _ in described),
        "details": tuple(details for _, details in described),
    }


def restored(x: Tensor, modality: Any) -> np.ndarray:
    """Return a batch ``(n, width)`` as rows ``(n, d)``, see ``Tabular.restore``."""
    numbers, _, blocks = modality.cells.parts(x.cpu().double())
    table, far = numbers.numpy(), np.arcsinh(modality.clip)
    low, high = zero_and_one(modality.mean_, modality.scale_, modality.binary_, modality.clip)
    rows = np.sinh(np.clip(table, -far, far)) * modality.scale_ + modality.mean_
    rows = np.where(modality.binary_, np.clip((table - low) / (high - low), 0, 1), rows)
    if not blocks:
        return rows
    out = np.empty((len(x), modality.n_features_in_), dtype=object)
    out[:, modality.numeric_] = rows
    for j, known, block in zip(modality.categorical_, modality.categories_, blocks, strict=True):
        values = np.array([*known, None], dtype=object)
        out[:, j] = values[block[:, : len(known)].argmax(1)] if known else None
    return out


def rows_back(rows: np.ndarray, modality: Any, container: str | None) -> Any:
    """Return decoded rows in the container of fit, or in the one that is asked for.

    Parameters
    ----------
    rows : ndarray of shape (n, d), float64 or objects
        What ``Tabular.restore`` returned.
    modality : Tabular
    container : {"default", "pandas", "polars"} or None
        None is that of fit; "default" is an array.

    Returns
    -------
    ndarray or DataFrame of shape (n, d)
        An array of numbers is returned as it is. Elsewhere columns that had whole numbers in fit have whole numbers,
        columns of zeros and ones have zeros and ones, and all numbers are within the range that fit saw.
    """
    seen = getattr(modality, "frame_", None)
    library = (seen["library"] if seen else "") if container is None else container.replace("default", "")
    if not library and rows.dtype != object:
        return rows
    columns: list[np.ndarray] = [rows[:, j] for j in range(rows.shape[1])]
    whole = np.zeros(len(columns), dtype=bool)
    if hasattr(modality, "range_"):  # it is not there in what earlier versions saved
        whole[modality.numeric_] = modality.whole_
        for j, (low, high) in zip(modality.numeric_, modality.range_.T, strict=True):
            # no number in fit: bounds of NaN make it missing again
            inside = np.clip(columns[j].astype(float), low, high)
            columns[j] = np.rint(inside) + 0.0 if whole[j] else inside
    types = seen["types"] if seen else ("",) * len(columns)
    if not library:
        return _as_objects(columns, types, whole)
    names = seen["names"] if seen and seen["names"] else _names(modality, len(columns))
    details = seen["details"] if seen else (None,) * len(columns)
    if not seen or seen["library"] != library:
        types = [_elsewhere(kind, now_whole) for kind, now_whole in zip(types, whole, strict=True)]
        details = (None,) * len(columns)
    typed = [_typed(*one) for one in zip(columns, types, details, whole, strict=True)]
    return _pandas_frame(typed, names) if library == "pandas" else _polars_frame(typed, names)


def _as_objects(columns: list[np.ndarray], types: Sequence[str], whole: np.ndarray) -> np.ndarray:
    out = np.empty((len(columns[0]), len(columns)), dtype=object)
    for j, (column, kind) in enumerate(zip(columns, types, strict=True)):
        out[:, j] = _objects(column, kind, whole[j])
    return out


def _objects(column: np.ndarray, kind: str, whole: bool) -> np.ndarray:
    """Return a column as Python's own bool, int and float."""
    values: Any = np.empty(len(column), dtype=object)
    values[:] = column.tolist()
    if whole:
        make = bool if _numpy_name(kind) == "bool" else int
        values[:] = [make(value) for value in values]
    return values


def _typed(column: np.ndarray, kind: str, details: Any, whole: bool) -> tuple[Any, str, Any]:
    """Return the values of a column in a dtype of numpy that both libraries take, and what type they become."""
    name = _numpy_name(kind)
    if column.dtype == object or np.isnan(column).all():
        return column, kind, details
    if kind in ("object", BOOLEANS):
        return _objects(column, kind, whole), kind, details
    if name == "bool":
        return column != 0, kind, details
    if "int" in name:
        limits = np.iinfo(name if hasattr(np, name) else "int64")
        # 2**63 - 1 as a float is 2**63, which does not fit
        high = (
            float(limits.max) if int(float(limits.max)) == limits.max else np.nextafter(float(limits.max), 0)
        )
        return column.clip(float(limits.min), high).astype(limits.dtype), kind, details
    return column, kind, details


def _elsewhere(kind: str, whole: bool) -> str:
    """Return what a type of one library is called in others."""
    name = _numpy_name(kind)
    return "int64" if kind == "object" and whole else "" if name == "object" else name


def _numpy_name(kind: str) -> str:
    """Return the name of a type in numpy, or "category", "object" or "" for others."""
    if kind == BOOLEANS:
        return "bool"
    if kind.lower().startswith(("category", "categorical", "enum")):
        return "category"
    if re.match(r"(string|str|large_string)\b", kind.lower()):
        return ""
    # "Int64", "int64[pyarrow]", "Sparse[int64, 0]"
    found = re.search(r"u?int\d+|float\d+|bool", kind.lower())
    return found[0] if found else "object" if kind == "object" else ""


def _are_booleans(column: np.ndarray) -> bool:
    """Return whether all cells that are not missing are True or False, and there are some."""
    there = (cell for cell in column if not is_hole(cell))
    return isinstance(next(there, None), BOOLEAN) and all(isinstance(cell, BOOLEAN) for cell in there)


def _plain_name(name: Any) -> Any:
    return tuple(plain_value(part) for part in name) if isinstance(name, tuple) else plain_value(name)


def _names(modality: Any, d: int) -> list[str]:
    return list(modality.columns_ or [f"x{j}" for j in range(d)])


def _of_pandas(column: Any) -> tuple[str, Any]:
    """Return the name of the type of a column, and what the name does not say."""
    dtype: Any = column.dtype
    if str(dtype) == "category":
        index = dtype.categories
        levels = tuple(plain_value(value) for value in index.tolist())
        own = all(type(level) is type(value) for level, value in zip(levels, index.tolist(), strict=True))
        return "category", (levels, str(index.dtype) if own else "object", bool(dtype.ordered))
    if str(dtype) == "object":
        return (BOOLEANS if _are_booleans(column.to_numpy()) else "object"), None
    if str(dtype) == "string":
        return f"string[{dtype.storage}]", None
    return str(dtype), None


def _of_polars(column: Any) -> tuple[str, Any]:
    dtype = column.dtype
    name = str(dtype).split("(")[0]
    if name == "Enum":
        return name, tuple(dtype.categories)
    return name, (dtype.precision, dtype.scale) if name == "Decimal" else None


def _pandas_frame(columns: list[tuple[Any, str, Any]], names: Sequence[Any]) -> Any:
    import pandas as pd

    frame = pd.DataFrame(dict(enumerate(_pandas_column(*column) for column in columns)))
    frame.columns = pd.Index(list(names))
    return frame


def _pandas_column(values: Any, kind: str, details: Any) -> Any:
    import pandas as pd

    if kind == BOOLEANS:
        kind = "object"
    try:
        if details is not None:
            levels, dtype, ordered = details
            category = pd.CategoricalDtype(pd.Index(list(levels), dtype=dtype), ordered)
            return pd.Series(pd.Categorical(values, dtype=category))
        column = pd.Series(values)
        return column.astype(kind) if kind else column.infer_objects()
    except (TypeError, ValueError, NotImplementedError, ImportError):
        # a type that has no name, or a hole that it cannot hold: the values are right
        return pd.Series(values)


def _polars_frame(columns: list[tuple[Any, str, Any]], names: Sequence[Any]) -> Any:
    import polars as pl

    series = [_polars_column(str(name), *one) for name, one in zip(names, columns, strict=True)]
    return pl.DataFrame(series)


def _polars_column(name: str, values: Any, kind: str, details: Any) -> Any:
    import polars as pl

    missing = is_missing(values)
    cells = [None if lost else value for lost, value in zip(missing, values.tolist(), strict=True)]
    column = pl.Series(name, values if values.dtype != object and not missing.any() else cells, strict=False)
    kind = {"category": "Categorical", "bool": "Boolean"}.get(kind, kind)
    kind = re.sub("^uint", "UInt", re.sub("^int", "Int", re.sub("^float", "Float", kind)))
    wanted: Any = getattr(pl, kind, None)
    if not isinstance(wanted, type) or not issubclass(wanted, pl.DataType):
        return column
    dtype: Any = wanted
    if details is not None:
        dtype = wanted(*details) if kind == "Decimal" else wanted(details)  # type: ignore[call-arg]  # of an Enum
    try:
        return column.cast(dtype)
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        return column
