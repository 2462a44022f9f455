"""Predictions for labelled rows by models that have not seen their labels."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone, is_regressor
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, check_cv
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _check_method_params, check_consistent_length

from ..few_labels import as_array, is_labeled, plain
from ..warning import quietly, warn_once
from ._arguments import checked_cv
from ._splits import folds_of, n_workers


def cross_val_predict_labeled(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    groups: Any = None,
    cv: Any = 5,
    n_jobs: int | None = None,
    params: dict[str, Any] | None = None,
    method: str = "predict",
) -> tuple[np.ndarray, np.ndarray]:
    """Predict each labelled row by an estimator that was fitted to the other folds.

    It does what :func:`~sklearn.model_selection.cross_val_predict` does, which refuses folds that do not score every
    row. Rows without a label are trained on, and have no prediction.

    Parameters
    ----------
    estimator : estimator
        For example a pipeline whose last step is :class:`~sklearn_ssl.LabeledOnly`. Clones of it are fitted.
    X : array, DataFrame, sparse matrix or list of n rows
    y : array, Series or list of shape (n,) or (n, n_outputs)
        Rows whose y is -1, None or NaN (for regressors, None or NaN) are unlabeled.
    groups : array of shape (n,) or None, default=None
        Groups of the rows, for `cv`.
    cv : int, splitter or iterable of (train, test), default=5
        A number gives that many folds of the labelled rows, stratified for classifiers; with `groups`, the labelled
        rows of a group are in one fold. A splitter may leave rows without a prediction, as
        :class:`SemiSupervisedTimeSeriesSplit` does with the first ones.
    n_jobs : int or None, default=None
        Number of folds that run at once, each in a process.
    params : dict or None, default=None
        Passed to ``fit``. What has n entries is cut to the training rows.
    method : str, default="predict"
        Method of the estimator to call, such as ``"predict_proba"``.

    Returns
    -------
    rows : ndarray of int of shape (n_predicted,)
        Indices of the rows with a prediction, in ascending order.
    predictions : ndarray of shape (n_predicted, ...)
        Their predictions: compare them with ``y[rows]``.

    Raises
    ------
    ValueError
        If no row is scored, one is scored twice, or the folds differ in the classes they have learned.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.metrics import accuracy_score
    >>> from sklearn_ssl import LabeledOnly
    >>> from sklearn_ssl.model_selection import cross_val_predict_labeled
    >>> X, y = load_iris(return_X_y=True)
    >>> some = np.where(np.arange(150) % 3 == 0, y, -1)
    >>> rows, predicted = cross_val_predict_labeled(LabeledOnly(LogisticRegression(max_iter=1000)), X, some)
    >>> len(rows), accuracy_score(some[rows], predicted) > 0.9
    (50, True)
    """
    check_consistent_length(X, y, groups)
    values = as_array(y)
    labeled = np.flatnonzero(is_labeled(values, minus_one=not is_regressor(estimator)))
    if len(labeled) == len(values):
        values = plain(values)
    X = indexable(X)[0]
    tests, jobs = [], []
    for train, test in _folds(estimator, X, values, labeled, groups, cv):
        tests.append(test)
        args = (clone(estimator), X, values, train, test, method, params)
        jobs.append(delayed(quietly)(_fit_and_predict, *args))
    rows = _rows_in_order(tests)
    parts, classes, told = [], [], set[Hashable]()
    for (part, known), said in Parallel(n_jobs=n_workers(n_jobs, len(jobs)), return_as="generator")(jobs):
        parts.append(part)
        classes.append(known)
        warn_once(said, told)
    if method != "predict" and any(not np.array_equal(classes[0], other) for other in classes):
        raise ValueError(f"The folds have learned different classes, so {method} differs. Stratify cv.")
    return rows, np.concatenate(parts)[np.argsort(np.concatenate(tests))]


def _folds(
    estimator: Any, X: Any, values: np.ndarray, labeled: np.ndarray, groups: Any, cv: Any
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    if isinstance(cv, Integral):
        kinds = {
            (False, False): StratifiedKFold,
            (False, True): StratifiedGroupKFold,
            (True, False): KFold,
            (True, True): GroupKFold,
        }
        splitter = kinds[is_regressor(estimator), groups is not None](int(cv))
        found = folds_of(splitter.split, labeled, values, groups)
    else:
        found = check_cv(checked_cv(cv)).split(X, plain(values), groups)
    for train, test in found:
        test = np.intersect1d(test, labeled)
        if len(test):
            yield train, test


def _rows_in_order(tests: list[np.ndarray]) -> np.ndarray:
    if not tests:
        raise ValueError("No labelled row is scored. Label some rows, or pass a cv that scores them.")
    rows, counts = np.unique(np.concatenate(tests), return_counts=True)
    if (counts > 1).any():
        raise ValueError(
            f"cv scores row {rows[counts > 1][0]} more than once. Each row can have one prediction: pass folds, "
            "such as SemiSupervisedStratifiedKFold(5)."
        )
    return rows


def _fit_and_predict(
    estimator: Any, X: Any, y: np.ndarray, train: np.ndarray, test: np.ndarray, method: str, params: Any
) -> tuple[np.ndarray, Any]:
    params = _check_method_params(X, params or {}, indices=train)
    estimator.fit(_safe_indexing(X, train), y[train], **params)
    found = getattr(estimator, method)(_safe_indexing(X, test))
    return np.asarray(found), getattr(estimator, "classes_", None)
