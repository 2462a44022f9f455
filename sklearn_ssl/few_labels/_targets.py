"""Whether -1 is a label: it is none among classes, and a number like others among the targets of a regression."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.exceptions import DataConversionWarning
from sklearn.pipeline import Pipeline
from sklearn.utils import assert_all_finite, column_or_1d, get_tags
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from ..warning import warn
from ._labels import (
    as_array,
    has_minus_one,
    is_labeled,
    mixes_minus_one,
    not_missing,
    plain,
    refuse_made_texts,
    require_y,
)

UNLABELED = -1
MOST_CLASSES = 30  # more different numbers than these are rather targets of a regression


def labeled_rows(y: Any) -> np.ndarray:
    """Return the indices of the labelled rows, where it is not known whether y is classes or numbers.

    -1 is a label if y has fractions. Among whole numbers it is one if two of these hold: None or NaN marks the rows
    without a label; there are numbers below -1; there are more than 30 different numbers.

    Parameters
    ----------
    y : array, Series or list of shape (n,) or (n, n_outputs)

    Returns
    -------
    ndarray of int
    """
    values, labeled = as_array(y), is_labeled(y)
    all_but_holes = not_missing(values, minus_one=False)
    if (all_but_holes != labeled).any() and _is_regression(plain(values[labeled]), not all_but_holes.all()):
        return np.flatnonzero(all_but_holes)
    return np.flatnonzero(labeled)


def refuse_plus_and_minus_one(y: Any, known: np.ndarray) -> None:
    """Raise an error if y has -1 and 1 only: they may be two classes.

    Parameters
    ----------
    y : array, Series or list of shape (n,) or (n, n_outputs)
    known : ndarray
        The labels among y.
    """
    if known.size and known.dtype.kind in "iuf" and (known == 1).all() and has_minus_one(y):
        raise ValueError(
            "y has -1 and 1 only. Here -1 means that a row has no label, which leaves one class. If both "
            "are classes, rename them, for example to 0 and 1: (y + 1) // 2."
        )


def warn_of_minus_one(y: Any, known: np.ndarray) -> None:
    """Warn where -1 is taken for a missing label, and numbers below it are labels.

    Parameters
    ----------
    y : array, Series or list of shape (n,) or (n, n_outputs)
    known : ndarray
        The labels among y.
    """
    if known.dtype.kind in "if" and (known < -1).any() and has_minus_one(y) and not (known == -1).any():
        warn(
            f"y has -1, which means that a row has no label, and {known.min():g}, which is a label. If -1 is a label "
            "too: rename classes, for example to 0, 1, ...; in a regression mark missing labels by NaN, or use folds "
            "of scikit-learn if none is missing."
        )


def require_labels(estimator: Any, y: Any, advice: str = "") -> None:
    """Raise an error if y is None, or if a row of it has no label, for an estimator that learns from labelled rows.

    Parameters
    ----------
    estimator : estimator
        It is named in the error.
    y : array, Series or list of shape (n,) or (n, n_outputs), or None
    advice : str, default=""
        What to do where y is None.

    Raises
    ------
    ValueError
        If there is no y, if NaN, None or pandas' NA are in it, or if -1 is among texts.
    """
    require_y(estimator, y, advice)
    name = type(estimator).__name__
    values = as_array(y)
    mixed = mixes_minus_one(values)
    missing = np.count_nonzero(~not_missing(values, minus_one=mixed)) if values.ndim else 0
    if missing:
        what = "-1 among texts" if mixed else "NaN, or None"
        raise ValueError(
            f"Input y contains {what}: {missing} of {len(values)} rows have no label. {name} learns from rows "
            f"that have one. LabeledOnly({name}(...)) takes the others out, and hands them on as X_unlabeled where "
            "that is possible."
        )
    refuse_made_texts(values, among_words=True)


def class_labels(estimator: Any, y: Any, advice: str = "") -> np.ndarray:
    """Return y as an array of classes, for an estimator that learns from labelled rows.

    Parameters
    ----------
    estimator : estimator
        It is named in errors.
    y : array, Series or list of shape (n,)
    advice : str, default=""
        What to do where y is None.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    ValueError
        If there is no y, a row has no label, or y is no array of classes.
    """
    require_labels(estimator, y, advice)
    y = one_column(y)
    assert_all_finite(y, input_name="y")
    check_classification_targets(y)
    return y


def one_column(y: Any) -> np.ndarray:
    """Return y as an array of one dimension; warn, from the user's line, if it is a column."""
    values = column_or_1d(y)
    if getattr(y, "ndim", 1) == 2:
        warn(
            "A column-vector y was passed when a 1d array was expected. Pass y.ravel(), or the only column of a frame.",
            DataConversionWarning,
        )
    return values


def suited(estimator: Any, y: np.ndarray) -> np.ndarray:
    """Return labels as `estimator` is to get them: a column of classes in one dimension, unless it takes columns only.

    scikit-learn's own warning would point at the line that calls it, which is ours.
    """
    tags = get_tags(estimator).target_tags
    hidden = (
        isinstance(estimator, Pipeline) and tags.multi_output
    )  # a pipeline tells not whether it takes columns only
    one = y.ndim == 2 and y.shape[1] == 1 and tags.single_output and not hidden
    return one_column(y) if one and not is_regressor(estimator) else y


def partial_classes(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes of y, sorted, and the class of each row as an index; -1 for a row without a label.

    Where -1 and 1 are the only values, both are classes: one class would leave nothing to tell apart.

    Parameters
    ----------
    y : array, Series or list of shape (n,)

    Returns
    -------
    classes : ndarray of shape (n_classes,)
    codes : ndarray of int of shape (n,)

    Raises
    ------
    ValueError
        If no row has a label, or y is no array of classes.
    """
    values = one_column(as_array(y))
    labeled = is_labeled(values)
    known = plain(values[labeled])
    if known.dtype.kind in "iuf" and known.size and (known == 1).all() and has_minus_one(values):
        labeled = not_missing(values, minus_one=False)
        known = plain(values[labeled])
    if not labeled.any():
        raise ValueError("No row of y has a label. Label some rows: y is a class, or -1 where there is none.")
    assert_all_finite(known, input_name="y")
    check_classification_targets(known)
    codes = np.full(len(values), UNLABELED)
    classes, codes[labeled] = np.unique(known, return_inverse=True)
    return classes, codes


def _is_regression(known: np.ndarray, holes: bool) -> bool:
    if known.dtype.kind not in "iuf" or not known.size:
        return False
    signs = (holes, (known < -1).any(), len(np.unique(known)) > MOST_CLASSES)
    return type_of_target(known).startswith("continuous") or sum(map(bool, signs)) > 1
