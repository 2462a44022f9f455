"""Checks of what users pass to a comparison or to folds, before anything is fitted."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from numbers import Integral
from typing import Any

from sklearn.metrics import get_scorer_names

from ..few_labels import RowSelector


def checked_estimators(estimators: Any) -> dict[str, Any]:
    """Return the estimators of a comparison by their names.

    Parameters
    ----------
    estimators : dict of str to estimator

    Raises
    ------
    TypeError
        If it is no dict, or what it holds are no estimators.
    """
    if not isinstance(estimators, Mapping) or not estimators:
        raise TypeError(
            "estimators must be a dict of names and estimators, such as {'raw': SVC(), 'SSL': "
            f"make_pipeline(ContrastivePretrainer(), SVC())}}; got {estimators!r:.60}."
        )
    for name, estimator in estimators.items():
        if not isinstance(name, str):
            raise TypeError(f"estimators has the name {name!r}. Names must be str: {str(name)!r}.")
        if isinstance(estimator, type):
            raise TypeError(f"estimators[{name!r}] is the class {estimator.__name__}. Add () to it.")
        if not hasattr(estimator, "fit"):
            raise TypeError(f"estimators[{name!r}] must be an estimator, got {estimator!r:.60}.")
    return dict(estimators)


def checked_ways(rows: Any) -> dict[str, RowSelector | None]:
    """Return the ways to choose rows, by their names.

    Parameters
    ----------
    rows : dict of str to RowSelector or None

    Raises
    ------
    TypeError
        If it is anything else.
    """
    if rows is None:
        return {"random": None}
    if not isinstance(rows, Mapping) or not rows:
        raise TypeError(
            f"rows={rows!r:.60} must be a dict of ways to choose rows, such as "
            "{'random': None, 'chosen': RowSelector()}."
        )
    wrong = [name for name, way in rows.items() if not (way is None or isinstance(way, RowSelector))]
    if wrong:
        raise TypeError(f"rows[{wrong[0]!r}] must be a RowSelector, or None for random rows.")
    return dict(rows)


def checked_cv(cv: Any) -> Any:
    """Return what scikit-learn's ``check_cv`` takes; splits as a list.

    Parameters
    ----------
    cv : int, splitter, iterable of (train, test), or None

    Raises
    ------
    ValueError
        If it is anything else.
    """
    is_text = isinstance(cv, (str, bytes))  # which has a split of its own
    if cv is None or isinstance(cv, Integral) or (hasattr(cv, "split") and not is_text):
        return cv
    try:
        return [(train, test) for train, test in cv]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"cv={cv!r:.60} must be an integer, a splitter, such as StratifiedKFold(5), or a list of splits "
            "(train, test)."
        ) from error


def checked_scoring(scoring: Any) -> Any:
    """Return what scikit-learn's ``check_scoring`` takes as one score.

    Parameters
    ----------
    scoring : str, callable or None

    Raises
    ------
    ValueError
        If it is no name of a score.
    TypeError
        If it is anything else, such as a list of several.
    """
    if scoring is None or callable(scoring):
        return scoring
    if not isinstance(scoring, str):
        raise TypeError(
            f"scoring={scoring!r:.60} must be one score: a name, such as 'accuracy', or a callable."
        )
    if scoring not in get_scorer_names():
        close = get_close_matches(scoring, get_scorer_names()) or ["accuracy", "balanced_accuracy", "r2"]
        raise ValueError(
            f"scoring={scoring!r} is no score of scikit-learn, such as {', '.join(map(repr, close))}. "
            "sklearn.metrics.get_scorer_names() lists them."
        )
    return scoring
