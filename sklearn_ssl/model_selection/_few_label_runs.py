"""One split of label_efficiency: features of all training rows, and models on few labels."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone, is_regressor
from sklearn.metrics import check_scoring
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples, check_consistent_length

from ..few_labels import as_array, is_labeled, plain


def draw_labels(y: np.ndarray, budget: int, seed: int, per_class: bool = True) -> np.ndarray:
    """Return the indices of random rows; those of a smaller budget are among those of a larger one.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Labels.
    budget : int
        Number of rows.
    seed : int
    per_class : bool, default=True
        Whether to draw `budget` rows of each class, or in total.

    Returns
    -------
    ndarray of int

    Raises
    ------
    ValueError
        If there are fewer rows.
    """
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(y == c) for c in np.unique(y)] if per_class else [np.arange(len(y))]
    fewest = min(map(len, groups))
    if fewest < budget:
        what = "The smallest class" if per_class else "The training part"
        raise ValueError(
            f"{what} has {fewest} labelled rows to learn from, fewer than the budget of {budget}."
        )
    return np.concatenate([rng.permutation(rows)[:budget] for rows in groups])


class Task:
    """Pipelines, rows and labels of a comparison.

    Parameters
    ----------
    heads : dict of str to (steps, last)
        As `split_steps` returns them.
    X, y
        Rows and labels.
    budgets : sequence of int
    n_draws : int
    scoring : str, callable or None
    """

    def __init__(
        self, heads: Mapping[str, Any], X: Any, y: Any, budgets: Sequence[int], n_draws: int, scoring: Any
    ):
        check_consistent_length(X, y)
        self.heads, self.X, self.budgets, self.n_draws, self.scoring = heads, X, budgets, n_draws, scoring
        self.regression = is_regressor(next(iter(heads.values()))[1])
        self.y = _column(as_array(y), self.regression)
        self.labeled = np.flatnonzero(is_labeled(self.y, minus_one=not self.regression))
        known = plain(self.y[self.labeled])
        self.targets = np.empty((_num_samples(X), *known.shape[1:]), dtype=known.dtype)
        self.targets[self.labeled] = known

    def splits(self, cv: Any, groups: Any, random_state: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the training rows, which include all unlabeled rows, and the labelled test rows."""
        rest = np.setdiff1d(np.arange(len(self.targets)), self.labeled)
        known = self.targets[self.labeled]
        for train, test in self._raw_splits(cv, groups, random_state):
            train, test = np.union1d(train, rest), np.intersect1d(test, self.labeled)
            learned = np.unique(self.targets[np.intersect1d(train, self.labeled)])
            lost = [] if self.regression else np.setdiff1d(known, learned).tolist()
            if lost:
                raise ValueError(
                    f"The training part of a split lacks the classes {lost[:5]}. Shuffle or stratify cv."
                )
            yield train, test

    def _raw_splits(self, cv: Any, groups: Any, random_state: int) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        check_consistent_length(self.X, groups)
        if not isinstance(cv, Integral):
            return check_cv(cv).split(self.X, plain(self.y), groups)
        labeled = self.labeled
        kind = ShuffleSplit if self.regression else StratifiedShuffleSplit
        if groups is not None:
            kind, groups = GroupShuffleSplit, as_array(groups)[labeled]
        splitter = kind(int(cv), test_size=0.2, random_state=random_state)
        found = splitter.split(labeled, self.targets[labeled], groups)
        return ((labeled[a], labeled[b]) for a, b in found)

    def score(self, train: np.ndarray, test: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores of a split, (pipelines, budgets, draws), and the seconds of each pipeline's steps."""
        scores = np.empty((len(self.heads), len(self.budgets), self.n_draws))
        seconds = np.empty(len(self.heads))
        fitted: dict[str, tuple[Any, Any, float]] = {}
        for i, (name, (steps, last)) in enumerate(self.heads.items()):
            key = _key(steps)
            if key not in fitted:
                fitted[key] = _features(name, steps, self.X, train, test)
            Z, Z_test, seconds[i] = fitted[key]
            for draw in range(self.n_draws):
                for b, (few, y_few) in enumerate(self._drawn(train, seed + draw)):
                    model = clone(last).fit(_safe_indexing(Z, few), y_few)
                    score = check_scoring(model, self.scoring)
                    scores[i, b, draw] = score(model, Z_test, self.targets[test])
        return scores, seconds

    def _drawn(self, train: np.ndarray, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield few labelled rows for each budget, as positions in `train`, and their labels."""
        rows = np.intersect1d(train, self.labeled)
        at = np.searchsorted(train, rows)
        for budget in self.budgets:
            few = draw_labels(self.targets[rows], budget, seed, not self.regression)
            yield at[few], self.targets[rows[few]]


def split_steps(name: str, estimator: Any) -> tuple[Any, Any]:
    """Return all steps of a pipeline but the last (None if there are none), and the last."""
    if not isinstance(estimator, Pipeline):
        return None, estimator
    for step, one in estimator.steps[:-1]:
        if hasattr(one, "fit_resample"):
            raise ValueError(f"Step {step!r} of {name!r} resamples rows, which needs y. {_ADVICE}")
    return (estimator[:-1] if len(estimator) > 1 else None), estimator[-1]


_ADVICE = (
    "label_efficiency fits the steps before the last to all training rows, without labels. Put what needs labels into "
    "the last step: make_pipeline(ssl, make_pipeline(SelectKBest(), SVC()))."
)


def _column(values: np.ndarray, regression: bool) -> np.ndarray:
    """Return y of shape (n, 1) as (n,)."""
    if values.ndim == 2 and values.shape[1] == 1:
        return plain(values[:, 0])
    if values.ndim != 1 and not regression:
        raise ValueError(
            f"y has shape {values.shape}. A classifier needs one label a row: shape (n,) or (n, 1)."
        )
    return values


def _key(steps: Any) -> str:
    """Return a key that is the same for steps with the same parameters."""
    try:
        return joblib.hash(steps)
    except Exception:  # cannot be pickled, such as a lambda: not shared
        return str(id(steps))


def _features(name: str, steps: Any, X: Any, train: np.ndarray, test: np.ndarray) -> tuple[Any, Any, float]:
    X_train, X_test = _safe_indexing(X, train), _safe_indexing(X, test)
    if steps is None:
        return X_train, X_test, 0.0
    start, steps = time.perf_counter(), clone(steps)
    try:
        Z = steps.fit_transform(X_train)
    except (TypeError, ValueError) as error:
        if not re.search(r"\by\b|target|\bNone", str(error)):
            raise
        raise ValueError(f"A step of {name!r} needs y: {error} {_ADVICE}") from error
    if _num_samples(Z) != len(train):
        raise ValueError(f"The steps of {name!r} made {_num_samples(Z)} rows of {len(train)}. {_ADVICE}")
    return Z, steps.transform(X_test), time.perf_counter() - start
