"""Categorical columns that are not what they were in fit: values of another type, or unknown ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import binom

from ...warning import warn
from .._frames import is_frame, is_pandas
from ._categories import Factorized, Value
from ._names import names_of

TYPES = ("texts", "numbers")


def counts_of(column: Factorized) -> np.ndarray:
    """Return the number of cells with each value, ``(n_values,)``."""
    return np.bincount(column.codes[column.codes >= 0], minlength=len(column.values))


def type_of(values: Sequence[Value]) -> str:
    """Return "texts", "numbers" (with booleans), "both", or an empty string if there is no value."""
    texts = sum(isinstance(value, str) for value in values)
    return "" if not values else "texts" if texts == len(values) else "both" if texts else "numbers"


def rare_share(column: Factorized, categories: Sequence[Value]) -> float:
    """Return the share of the cells with a value whose value is not among the categories; 0 if there are none."""
    counts = counts_of(column)
    return float(counts[_unknown(column, categories)].sum()) / max(1, int(counts.sum()))


def _unknown(column: Factorized, categories: Sequence[Value]) -> np.ndarray:
    """Return which values of a column are not among the categories."""
    known = set(categories)
    return np.array([value not in known for value in column.values], dtype=bool)


def constant_categories(modality: Any) -> np.ndarray:
    """Return which categorical columns have one category, rare or not, and no missing cell in fit."""
    sizes = np.array([len(known) for known in modality.categories_], dtype=int) + modality.has_rare_
    return (sizes == 1) & (modality.missing_[len(modality.numeric_) :] == 0)


def without_constant(codes: list[np.ndarray], modality: Any) -> list[np.ndarray]:
    """Return the codes of categorical columns ``(n,)``, with the only category of fit where a column had one."""
    still = constant_categories(modality)
    return [np.zeros_like(code) if one else code for code, one in zip(codes, still, strict=True)]


def warn_of_drift(X: Any, columns: list[Factorized], modality: Any) -> np.ndarray:
    """Warn of columns whose values are of another type than in fit, and of those with mostly unknown values.

    Parameters
    ----------
    X : raw table
    columns : list of Factorized
        The categorical columns.
    modality : Tabular
        What fit saw.

    Returns
    -------
    ndarray of bool
        Columns of another type.
    """
    categories, names = modality.categories_, names_of(X, modality.categorical_)
    missing = modality.missing_[len(modality.numeric_) :]
    # other warnings name these, or they move nothing
    told = (missing == 1) | ((missing == 0) & ~modality.has_rare_) | constant_categories(modality)
    # folders saved by earlier versions lack these
    types = getattr(modality, "types_", tuple(type_of(known) for known in categories))
    rare = getattr(modality, "rare_", modality.has_rare_.astype(float))
    drifted = np.zeros(len(columns), dtype=bool)
    other: list[str] = []
    unknown: list[Any] = []
    example: Value = ""
    for j, (name, column) in enumerate(zip(names, columns, strict=True)):
        now = _drifted(column, types[j])
        drifted[j] = bool(now)
        if now:
            fix = _fix(X, name, column, categories[j], now)
            other.append(f"{name!r} ({types[j]} in fit, {now} now): {fix}")
        elif not told[j] and _mostly_unknown(column, categories[j], float(rare[j])):
            unknown.append(name)
            example = example or next(value for value in column.values if value not in set(categories[j]))
    parts = []
    if other:
        parts.append(
            "Columns whose values are not of the type that fit saw, so that they are none of its categories. Cast "
            f"them as in fit. {'; '.join(other[:5])}."
        )
    if unknown:
        parts.append(
            f"Columns {unknown[:5]}: most values, such as {example!r}, are rare or were not seen in fit, and count as "
            "rare or missing. Check that they are written as in fit, or let fit see rows like these."
        )
    if parts:
        warn("\n".join(parts), about=(*other, *unknown))
    return drifted


def warn_of_holes(new: np.ndarray, modality: Any, drifted: np.ndarray | None) -> None:
    """Warn of columns with missing cells where fit saw none.

    Parameters
    ----------
    new : ndarray of bool of shape (d,)
        Which columns: the numeric, then the categorical ones.
    modality : Tabular
    drifted : ndarray of bool of shape (n_categorical,), or None
        Categorical columns that another warning names.
    """
    if drifted is not None:
        new = new & ~np.concatenate([np.zeros(len(modality.numeric_), dtype=bool), drifted])
    at = np.concatenate([modality.numeric_, modality.categorical_])[new]
    names = [modality.columns_[j] if modality.columns_ else int(j) for j in at]
    if names:
        warn(
            f"Columns {names[:5]} lack values, or hold unknown categories, where fit saw none: such cells are "
            "taken for the mean, or for no category. Let fit see rows like these."
        )


def _drifted(column: Factorized, before: str) -> str:
    """Return the type that most cells of a column are of, if fit saw none of that type; else an empty string."""
    if before not in TYPES or not column.values:
        return ""
    counts = counts_of(column)
    texts = int(sum(n for value, n in zip(column.values, counts, strict=True) if isinstance(value, str)))
    share = {"texts": texts, "numbers": int(counts.sum()) - texts}
    now = TYPES[1 - TYPES.index(before)]
    return now if share[now] > share[before] else ""


def _mostly_unknown(column: Factorized, categories: Sequence[Value], rare: float) -> bool:
    """Return whether most cells with a value are not of a category, which was not so in fit and is no chance."""
    m = int(counts_of(column).sum())
    share = rare_share(column, categories)
    if share <= 0.5 or 1 - share >= 0.5 * (1 - rare):
        return False
    return bool(binom.sf(round(share * m) - 1, m, rare) < 0.01)


def _fix(X: Any, name: Any, column: Factorized, categories: Sequence[Value], now: str) -> str:
    """Return how to cast a column as in fit: the way that makes most of its values known."""
    cell = f"X[{name!r}]" if is_frame(X) else f"X[:, {name}]"
    pandas = is_pandas(X)
    if now == "texts":
        return f"pd.to_numeric({cell})" if pandas or not is_frame(X) else f"{cell}.cast(pl.Float64)"
    known = {str(value) for value in categories}
    width = max(map(len, known), default=0)
    whole = [str(int(v)) if isinstance(v, float) and v == v // 1 else str(v) for v in column.values]
    if pandas and any(isinstance(value, float) for value in column.values) and known & set(whole):
        return f'{cell}.astype("Int64").astype(str)'
    if not known & set(whole) and known & {text.zfill(width) for text in whole}:
        return f"{cell}.astype(str).str.zfill({width})" if pandas else f"as texts of {width} digits"
    return f"{cell}.astype(str)" if pandas or not is_frame(X) else f"{cell}.cast(pl.String)"
