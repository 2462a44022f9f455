"""Checks of raw tables, which are split into numeric and categorical columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from .._base import Modality
from .._frames import (
    check_frame,
    column_kinds,
    column_of,
    columns_of,
    has_value,
    is_frame,
    is_pandas,
    numbers_of,
    without_values,
)
from .._input import check_rows
from ._categories import Factorized, factorize

ADVICE = (
    "Pass categories in a DataFrame, or name their columns in Tabular(categorical_features=...). Encode other texts "
    "first, for example with TfidfVectorizer."
)


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


def check_width(X: Any, modality: Any) -> None:
    """Raise a ValueError if a table has not as many columns as that of fit."""
    if X.shape[1] != modality.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} features, but {type(modality).__name__} is expecting "
            f"{modality.n_features_in_} features as input. Pass the columns that fit saw."
        )


def take_apart(
    X: Any,
    modality: Modality,
    numeric: np.ndarray,
    categorical: np.ndarray,
    empty: np.ndarray,
    *,
    mixed: bool,
    min_rows: int,
) -> Table:
    """Split what ``as_table`` returned into numeric and categorical columns.

    Parameters
    ----------
    X : array, DataFrame or CSR matrix of shape (n, d)
    modality : Modality
        Named in the errors.
    numeric, categorical : ndarray of int
        Positions of the columns.
    empty : ndarray of int
        Positions of columns without a value in fit. What they hold is not looked at.
    mixed : bool
        As for ``as_table``, which has already checked the numbers of an array or matrix if False.
    min_rows : int
    """
    nothing = Factorized(np.full(X.shape[0], -1), [])
    categories = [nothing if j in empty else factorize(column_of(X, j)) for j in categorical]
    if not len(numeric):
        return Table(np.empty((X.shape[0], 0)), categories)
    if is_frame(X) or getattr(getattr(X, "dtype", None), "kind", "") in "OU":
        X = without_values(X, np.intersect1d(numeric, empty))
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
    if not is_frame(X):
        return None
    return [
        "empty" if kind in ("other", "date") and not has_value(column_of(X, j)) else kind
        for j, kind in enumerate(column_kinds(X))
    ]


def _in_numbers(X: Any, name: Any) -> str:
    """Return code that makes numbers of a column of dates."""
    column = f"X[{name!r}]"
    days, call = ("days", "") if is_pandas(X) else ("total_days()", "()")
    return f"({column} - {column}.min()).dt.{days}, or {column}.dt.month{call}"


def refuse_columns(
    X: Any,
    kinds: list[str] | None,
    categorical: np.ndarray,
    first: bool,
    empty: Sequence[int] | np.ndarray = (),
) -> None:
    """Raise an error that names columns with dates or lists, and those neither numeric nor in `categorical`.

    `first` says whether fit has just chosen `categorical`. Columns in `empty`, without a value in fit, may hold
    anything. Arrays and matrices pass.
    """
    if kinds is None:
        return
    kinds = ["empty" if j in empty else kind for j, kind in enumerate(kinds)]
    names = list(X.columns)
    dates = [name for name, kind in zip(names, kinds, strict=True) if kind == "date"]
    if dates:
        raise ValueError(
            f"Columns that hold dates or times: {dates[:5]}. Turn them into numbers first, such as days since a "
            f"start, the month or the hour, whichever matters in your data: {_in_numbers(X, dates[0])}."
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
