"""Categorical columns of a table: which they are, and the category of each cell."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from .._frames import is_frame
from .._missing import is_missing

Value = str | int | float | bool
"""The type that a category is stored as."""


class Factorized(NamedTuple):
    """A categorical column as codes of its values.

    Attributes
    ----------
    codes : ndarray of int of shape (n,)
        Index of the value of each cell in `values`; -1 for missing cells.
    values : list of str, int, float or bool
        Other objects, such as intervals, are stored as str.
    """

    codes: np.ndarray
    values: list[Value]


def categorical_columns(X: Any, wanted: Any, kinds: list[str] | None) -> np.ndarray:
    """Return the positions of the categorical columns.

    Parameters
    ----------
    X : array, DataFrame or sparse matrix of shape (n, d)
    wanted : "from_dtype", array-like of bool, int or str, or None
        The parameter `categorical_features` of ``Tabular``.
    kinds : list of str or None
        Kind of each column of a DataFrame; None for other X.

    Returns
    -------
    ndarray of int, ascending

    Raises
    ------
    ValueError
        If `wanted` does not match X.
    """
    if wanted is None or (isinstance(wanted, str) and kinds is None):
        return np.empty(0, dtype=int)
    if isinstance(wanted, str):
        return np.flatnonzero([kind == "category" for kind in kinds or ()])
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


def factorize(column: Any) -> Factorized:
    """Return the codes of the cells of a Series or an array ``(n,)``, and the values."""
    if hasattr(column, "iloc"):
        import pandas as pd

        codes, found = pd.factorize(column)
        return Factorized(np.asarray(codes), [plain_value(value) for value in found.tolist()])
    if isinstance(column, np.ndarray) and column.dtype.kind in "biuf":
        found, codes = np.unique(column, return_inverse=True)
        missing = np.isnan(found) if found.dtype.kind == "f" else np.zeros(len(found), bool)
        return Factorized(np.where(missing[codes], -1, codes), found[~missing].tolist())
    table: dict[Hashable, int] = {}
    cells = column.tolist() if isinstance(column, np.ndarray) else column.to_list()
    codes = np.fromiter((table.setdefault(cell, len(table)) for cell in cells), np.int64, len(cells))
    found = np.empty(len(table), dtype=object)
    found[:] = list(table)
    keep = ~is_missing(found)
    new = np.where(keep, keep.cumsum() - 1, -1)
    return Factorized(new[codes], [plain_value(value) for value in found[keep]])


def plain_value(value: Any) -> Value:
    """Return a category as it is stored: a str, a number or a boolean."""
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def find_categories(column: Factorized, most: int) -> tuple[tuple[Value, ...], bool]:
    """Return the categories of a column, sorted, and whether it has others, which are rare.

    Categories of a single row are rare, and so are the less frequent ones if there are more than `most`.
    """
    codes, values = column
    counts: dict[Value, int] = {}
    for value, count in zip(values, np.bincount(codes[codes >= 0], minlength=len(values)), strict=True):
        counts[value] = counts.get(value, 0) + int(count)
    return frequent_values(counts, most)


def frequent_values(counts: dict[Value, int], most: int) -> tuple[tuple[Value, ...], bool]:
    """Return the categories, given how often each value occurs; see `find_categories`."""
    counts = {value: count for value, count in counts.items() if count}
    frequent = [value for value, count in counts.items() if count > 1]
    frequent.sort(key=lambda value: (-counts[value], str(value)))
    room = most if len(frequent) == len(counts) and len(frequent) <= most else most - 1
    kept = frequent[:room]
    return tuple(sorted(kept, key=_order)), len(kept) < len(counts)


def _order(value: Value) -> tuple[bool, float, str]:
    number = not isinstance(value, str)
    return not number, float(value) if number else 0.0, str(value)


def encode(column: Factorized, categories: Sequence[Value], has_rare: bool) -> np.ndarray:
    """Return the code of each cell, ``(n,)`` float32.

    NaN stands for a missing cell. Rare and unknown values share the code after the last category if the
    column has rare ones; otherwise an unknown value counts as missing.
    """
    codes, values = column
    lookup = {value: code for code, value in enumerate(categories)}
    other = float(len(categories)) if has_rare else np.nan
    table = np.array([*(lookup.get(value, other) for value in values), np.nan], dtype=np.float32)
    return table[codes]  # the code -1 picks the last entry, NaN
