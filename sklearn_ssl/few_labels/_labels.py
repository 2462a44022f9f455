"""Which rows have a label."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np

from ..modalities import is_missing
from ..warning import warn

# what a missing label becomes when it is made a text: never a class that somebody meant
MADE_TEXTS = ("-1", "-1.0")
# in an array of strings numpy made it; elsewhere it may be a name
PERHAPS_MISSING = ("", "nan", "NaN", "None", "<NA>", "NaT", "none", "null", "NULL", "NA", "N/A", "n/a", "?")


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
        If "-1" is among texts, or "nan" in an array of strings.

    Warns
    -----
    UserWarning
        If a text looks like a missing label, such as "".
    """
    values = as_array(y)
    _check_texts(values)
    return not_missing(values, minus_one)


def require_y(estimator: Any, y: Any, advice: str = "") -> None:
    """Raise a ValueError that names `estimator` if y is None; `advice` says what to pass."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None.{advice}"
        )


def require_rows(estimator: Any, X: Any) -> None:
    """Raise a ValueError that names `estimator` if X is None."""
    if X is None:
        raise ValueError(
            f"{type(estimator).__name__} requires X, and X is None. Pass the rows that have a label as X; others go "
            "with them as X_unlabeled. To train on unlabeled rows alone, fit a pretrainer: ContrastivePretrainer()."
            "fit(pool)."
        )


def has_minus_one(y: Any) -> bool:
    """Return whether -1 is among the values of y."""
    return bool(_minus_ones(as_array(y)).any())


def as_array(y: Any) -> np.ndarray:
    """Return y as an array; None, NaN and what a mask hides stay missing, even beside strings."""
    if np.ma.is_masked(y):
        values = np.asarray(y.data).astype(object)
        values[np.ma.getmaskarray(y)] = None
        return values
    if not isinstance(y, (list, tuple)):
        values = np.asarray(y)
        return values.astype(object) if values.dtype.kind == "T" else values
    values = np.asarray(y, dtype=object)
    if any(isinstance(value, (bool, np.bool_)) for value in values.flat):
        return values  # truth values stay what they are, even beside -1 and NaN
    return plain(values)


def plain(values: np.ndarray) -> np.ndarray:
    """Return an object array of numbers or truth values as such an array, and other arrays as they are."""
    if values.dtype.kind == "O" and all(isinstance(value, (Number, np.bool_)) for value in values.flat):
        return np.array(values.tolist())
    return values


def not_missing(values: np.ndarray, minus_one: bool) -> np.ndarray:
    """Return which rows of an array have a label, as `is_labeled` does, without a word on texts."""
    missing = is_missing(values)
    if minus_one:
        missing |= _minus_ones(values)
    return np.logical_not(missing.reshape(len(values), -1).any(axis=1))


def _minus_ones(values: np.ndarray) -> np.ndarray:
    return np.frompyfunc(_is_minus_one, 1, 1)(values).astype(bool)


def _is_minus_one(value: Any) -> bool:
    return isinstance(value, Number) and bool(value == -1)  # type: ignore[comparison-overlap]  # Number declares no ==, and all its subclasses have one


def mixes_minus_one(values: np.ndarray) -> bool:
    """Return whether -1, a number, is among texts, of which it is no class."""
    return values.dtype.kind == "O" and any(map(_is_text, values.flat)) and bool(_minus_ones(values).any())


def refuse_made_texts(values: np.ndarray, among_words: bool = False) -> set[str]:
    """Refuse texts that numpy and pandas make of missing labels, and return all texts.

    Parameters
    ----------
    values : ndarray
    among_words : bool, default=False
        Whether "-1" is refused only where another text is no number: "-1" and "1" may both be classes.
    """
    if values.dtype.kind not in "OUS":
        return set()
    texts = {_text(value) for value in set(filter(_is_text, values.flat))}
    refused = set(MADE_TEXTS) if values.dtype.kind == "O" else {*MADE_TEXTS, "nan"}
    if among_words and all(map(_is_number, texts)):
        refused -= set(MADE_TEXTS)
    found = sorted(texts & refused)
    if found:
        raise ValueError(
            f"y is texts with {found[0]!r} among them, which looks like a missing label: '-1' or 'nan' is what "
            "becomes of -1 or NaN beside texts. Mark a missing label by None, in a list or an array of objects: "
            "np.array([...], dtype=object), or y.replace({'-1': None}) in pandas. If it is a class, rename it."
        )
    return texts


def _check_texts(values: np.ndarray) -> None:
    """Refuse texts that numpy and pandas make of missing labels; warn of those that look like missing ones."""
    texts = refuse_made_texts(values)
    doubtful = sorted(texts.intersection(PERHAPS_MISSING))
    if doubtful:
        warn(
            f"y has labels that look like missing ones, and are classes here: {', '.join(map(repr, doubtful))}. "
            "If they are missing, use None instead. If they are classes, rename them."
        )


def _is_text(value: Any) -> bool:
    return isinstance(value, (str, bytes))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _text(value: str | bytes) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    return text.strip().replace("\N{MINUS SIGN}", "-")
