"""Teachers: models of any kind that others learn from. They are never changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.validation import _num_samples, has_fit_parameter

from ..base import is_fitted, seeded_clone

NONE = (
    "teacher=None: there is nobody to learn from. Pass one, as in {example}. It is not saved: after load, "
    "set_params(teacher=...)."
)


def is_ready(model: Any) -> bool:
    """Return whether an estimator is fitted; what is no estimator of scikit-learn needs no fit."""
    return not isinstance(model, BaseEstimator) or not hasattr(model, "fit") or is_fitted(model)


def check_teacher(teacher: Any, name: str, methods: tuple[str, ...], advice: str) -> None:
    """Raise a TypeError, with advice, if a teacher is a class, or has none of the methods that are needed."""
    if isinstance(teacher, type):
        raise TypeError(f"{name}={teacher.__name__} is the class. Add () to it.")
    if not any(hasattr(teacher, method) for method in methods):
        needs = " or ".join(methods)
        raise TypeError(f"{name}={type(teacher).__name__} has no {needs}. {advice}")


def fitted_copy(
    teacher: Any, X: Any, y: Any = None, *, seed: int, sample_weight: np.ndarray | None = None
) -> Any:
    """Return a teacher that is fitted as it is, and of any other a clone that is fitted to X and y.

    Parameters
    ----------
    teacher : estimator
    X : raw rows
    y : array of shape (n,), optional
    seed : int
        Takes the place of every ``random_state=None``, so that the student's own decides.
    sample_weight : ndarray of shape (n,), optional
    """
    if is_ready(teacher):
        return teacher
    copy = seeded_clone(teacher, seed)
    if sample_weight is None:
        return copy.fit(X, y)
    if not has_fit_parameter(copy, "sample_weight"):
        raise ValueError(
            f"teacher={type(teacher).__name__} takes no sample_weight in fit. Fit it beforehand, in its own way, "
            "or leave out sample_weight."
        )
    return copy.fit(X, y, sample_weight=sample_weight)


def outputs_of_teacher(teacher: Any, methods: tuple[str, ...], X: Any, name: str = "teacher") -> np.ndarray:
    """Return what the first of the methods that a teacher has gives for X, ``(n, d)`` float64, checked.

    Raises
    ------
    ValueError
        If there is not one row of finite numbers for each row of X.
    """
    method = next(method for method in methods if hasattr(teacher, method))
    try:
        out = getattr(teacher, method)(X)
        out = out.toarray() if sp.issparse(out) else np.asarray(out, dtype=np.float64)
    except NotFittedError as error:
        raise ValueError(f"{name}={type(teacher).__name__} is not fitted: {error}") from error
    except (ValueError, TypeError):
        raise
    except Exception as error:  # of whatever library the teacher is
        raise ValueError(f"{name}={type(teacher).__name__} failed on X: {error!r}.") from error
    called = f"{name}={type(teacher).__name__}: {method}"
    if out.ndim != 2 or len(out) != _num_samples(X):
        raise ValueError(
            f"{called} gave an array of shape {out.shape} for {_num_samples(X)} rows. It must give one row of "
            "numbers for each row of X."
        )
    if not np.isfinite(out).all():
        raise ValueError(f"{called} gave NaN or infinity. Fill missing values in front of it.")
    return np.asarray(out, dtype=np.float64)


def with_tags_of(teacher: Any, tags: Any) -> Any:
    """Return the tags of a student, which takes sparse X and missing values only if its teacher does."""
    if teacher is not None and hasattr(teacher, "__sklearn_tags__") and not isinstance(teacher, type):
        of_teacher = get_tags(teacher).input_tags
        tags.input_tags.sparse &= of_teacher.sparse
        tags.input_tags.allow_nan &= of_teacher.allow_nan
    return tags


def classes_of(teacher: Any) -> np.ndarray:
    classes = np.asarray(getattr(teacher, "classes_", None))
    if classes.ndim != 1 or not len(classes):
        raise ValueError(
            f"teacher={type(teacher).__name__} has no list of classes_. Take a classifier of one target."
        )
    return classes


def codes_of(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the index of each label among the classes of the teacher."""
    known = {label: code for code, label in enumerate(classes.tolist())}
    labels = y.tolist()
    new = sorted({repr(label) for label in labels if label not in known})
    if new:
        raise ValueError(
            f"y has classes that the teacher does not know: {', '.join(new[:5])}. It knows "
            f"{', '.join(map(repr, list(known)[:5]))}{', ...' if len(known) > 5 else ''}. Fit the teacher to all "
            "classes, or drop those rows."
        )
    return np.array([known[label] for label in labels], dtype=np.int64)


def probabilities_of(teacher: Any, rows: Any, n_classes: int) -> np.ndarray:
    """Return the teacher's probabilities for rows, ``(n, n_classes)`` float32."""
    proba = outputs_of_teacher(teacher, ("predict_proba",), rows)
    if proba.shape[1] != n_classes or (proba < 0).any() or np.abs(proba.sum(1) - 1).max() > 1e-3:
        raise ValueError(
            f"predict_proba of teacher={type(teacher).__name__} must give {n_classes} probabilities for each row, "
            f"which sum to 1. It gave an array of shape {proba.shape}, with values from {proba.min():.3g} to "
            f"{proba.max():.3g}."
        )
    return proba.astype(np.float32)
