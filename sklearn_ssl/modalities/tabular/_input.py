"""Checks of raw tables, which are split into numeric and categorical columns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from ...warning import warn
from .._base import Modality
from .._frames import check_frame, column_of, columns_of, is_frame, kind_of, numbers_of
from .._input import check_rows
from ._categories import Factorized, factorize

TEXT_DTYPES = ("object", "str", "string", "String")  # of pandas and polars


class Table(NamedTuple):
    """A checked table, split into numbers and factorized categories.

    Attributes
    ----------
    numbers : array or CSR matrix of shape (n, n_numeric)
        NaN means missing.
    categories : list of Factorized
        One for each categorical column.
    """

    numbers: Any
    categories: list[Factorized]


def as_table(X: Any, modality: Modality, mixed: bool, min_rows: int) -> Any:
    """Return X as something with columns: a frame, a CSR matrix or a two-dimensional array.

    Parameters
    ----------
    X : raw rows
    modality : Modality
        Named in the errors.
    mixed : bool
        Whether an array may have categorical columns; otherwise it must be numeric.
    min_rows : int
    """
    if is_frame(X):
        check_frame(X)
        if 0 in X.shape:
            raise ValueError(f"X is a frame with {X.shape[0]} samples and {X.shape[1]} features. Pass some.")
        return X
    if mixed and not sp.issparse(X):
        X = np.asarray(X, dtype=object) if isinstance(X, (list, tuple)) else X
        return check_rows(X, modality, dtype=None, ensure_all_finite=False)
    return check_rows(
        X, modality, accept_sparse="csr", ensure_all_finite="allow-nan", ensure_min_samples=min_rows
    )


def take_apart(
    X: Any, modality: Modality, numeric: np.ndarray, categorical: np.ndarray, *, mixed: bool, min_rows: int
) -> Table:
    """Split what ``as_table`` returned into numeric and categorical columns.

    Parameters
    ----------
    X : array, DataFrame or CSR matrix of shape (n, d)
    modality : Modality
        Named in the errors.
    numeric, categorical : ndarray of int
        Positions of the columns.
    mixed : bool
        As for ``as_table``, which has already checked the numbers of an array or matrix if False.
    min_rows : int
    """
    categories = [factorize(column_of(X, j)) for j in categorical]
    if not len(numeric):
        return Table(np.empty((X.shape[0], 0)), categories)
    numbers = columns_of(X, numeric)
    if is_frame(X) or mixed:
        checks = {"ensure_all_finite": "allow-nan", "ensure_min_samples": min_rows}
        numbers = check_rows(numbers_of(numbers), modality, **checks)
    if sp.issparse(numbers) and not numbers.has_canonical_format:
        numbers = numbers.copy()
        numbers.sum_duplicates()
    return Table(numbers, categories)


def kinds_of(X: Any) -> list[str] | None:
    """Return the kind of each column of a frame, by its dtype and values; None for arrays and matrices."""
    return [kind_of(column_of(X, j)) for j in range(X.shape[1])] if is_frame(X) else None


def refuse_columns(X: Any, kinds: list[str] | None, categorical: np.ndarray, first: bool) -> None:
    """Raise an error that names columns with dates or lists, and those neither numeric nor in `categorical`.

    `first` says whether fit has just chosen `categorical`. Arrays and matrices pass.
    """
    if kinds is None:
        return
    names = list(X.columns)
    dates = [name for name, kind in zip(names, kinds, strict=True) if kind == "date"]
    if dates:
        raise ValueError(
            f"Columns that hold dates or times: {dates[:5]}. Turn them into numbers first, such as days since a "
            "start, the month or the hour, whichever matters in your data."
        )
    bad = [
        name
        for j, (name, kind) in enumerate(zip(names, kinds, strict=True))
        if kind == "other" or (kind == "category" and j not in categorical)
    ]
    if bad and not first:
        raise ValueError(
            f"Columns that are not numbers, as they were in fit: {bad[:5]}. Cast them, or fit again with them as "
            "categories."
        )
    if bad:
        raise ValueError(
            f"Columns that are not numbers: {bad[:5]}. Categories must be of a category or string type when fit "
            "sees them, with Tabular(categorical_features='from_dtype'), or be named there. Leave out or "
            "take apart columns of lists."
        )


def warn_of_texts(X: Any) -> None:
    """Warn of string columns whose values have several words and nearly all differ."""
    if not is_frame(X):
        return
    check_frame(X)
    for name in dict.fromkeys(X.columns):
        column = X[name]
        if getattr(column, "ndim", 1) != 1 or str(column.dtype) not in TEXT_DTYPES:
            continue
        values = [value for value in column.head(100) if isinstance(value, str)]
        if len(values) < 20 or len(set(values)) < 0.9 * len(values):
            continue
        if np.mean([len(value.split()) for value in values]) >= 3:
            warn(
                f"Column {name!r} of X looks like texts, and a table takes it for a category. Pass X[{name!r}] "
                f"for its texts; in a ColumnTransformer select {name!r}, not [{name!r}].",
            )
