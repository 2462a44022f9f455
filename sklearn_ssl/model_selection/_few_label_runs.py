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
from sklearn.dummy import DummyClassifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples, check_consistent_length

from ..few_labels import RowSelector, as_array, is_labeled, plain, pool_keyword

LEAST = 1e-6  # of a probability: a log loss must not be infinite


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
        smallest = np.unique(y)[np.argmin([len(rows) for rows in groups])]
        what = f"The smallest class, {smallest!s:.40}," if per_class else "The training part"
        more = ", or leave out or merge classes that few rows have" if per_class else ""
        raise ValueError(
            f"{what} has {fewest} labelled rows to learn from, fewer than the budget of {budget}. Pass smaller "
            f"budgets, such as budgets=[{fewest}]{more}."
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
    ways : dict of str to RowSelector or None
        How labelled rows are chosen; None draws them at random.
    """

    def __init__(
        self,
        heads: Mapping[str, Any],
        X: Any,
        y: Any,
        budgets: Sequence[int],
        n_draws: int,
        scoring: Any,
        ways: Mapping[str, RowSelector | None],
    ):
        check_consistent_length(X, y)
        self.ways = ways
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
        """Return the scores of a split, and the seconds of each pipeline's steps.

        Returns
        -------
        found : ndarray of shape (2, n_ways, n_pipelines, n_budgets, n_draws)
            Scores, and log losses, which are NaN where there are no probabilities.
        seconds : ndarray of shape (n_pipelines,)
        """
        found = np.empty((2, len(self.ways), len(self.heads), len(self.budgets), self.n_draws))
        seconds = np.empty(len(self.heads))
        few = self._few(train, seed)
        fitted: dict[str, tuple[Any, Any, float]] = {}
        for i, (name, (steps, last)) in enumerate(self.heads.items()):
            key = _key(steps)
            if key not in fitted:
                fitted[key] = _features(name, steps, self.X, train, test)
            Z, Z_test, seconds[i] = fitted[key]
            for (way, b, draw), rows in few.items():
                known = self.targets[train[rows]]
                model = _fitted(last, Z, rows, known, self.regression)
                score = check_scoring(model, self.scoring)
                found[0, way, i, b, draw] = score(model, Z_test, self.targets[test])
                found[1, way, i, b, draw] = _log_loss(model, Z_test, self.targets[test])
        return found, seconds

    def _few(self, train: np.ndarray, seed: int) -> dict[tuple[int, int, int], np.ndarray]:
        """Return few labelled rows for each way to choose them, budget and draw, as positions in `train`."""
        rows = np.intersect1d(train, self.labeled)
        at, known = np.searchsorted(train, rows), self.targets[rows]
        found = {}
        for way, selector in enumerate(self.ways.values()):
            for draw in range(self.n_draws):
                for b, budget in enumerate(self.budgets):
                    drawn = draw_labels(known, budget, seed + draw, not self.regression)
                    if selector is not None:
                        chosen = _chosen(selector, _safe_indexing(self.X, rows), len(drawn), seed + draw)
                        drawn, selector = chosen.selected_, chosen  # which need not pretrain again
                    found[way, b, draw] = at[drawn]
        return found


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


def _chosen(selector: RowSelector, X: Any, n_rows: int, seed: int) -> RowSelector:
    """Return a fitted selector of rows; one that is fitted keeps its pretrainer."""
    new = clone(selector).set_params(n_rows=n_rows)
    if new.random_state is None:
        new.set_params(random_state=seed)
    return new.set_params(pretrainer=getattr(selector, "pretrainer_", new.pretrainer)).fit(X)


def _fitted(last: Any, Z: Any, few: np.ndarray, known: np.ndarray, regression: bool) -> Any:
    """Return a model fitted to a few rows of Z; those without a label are its pool, if it takes one."""
    if not regression and len(np.unique(known)) < 2:  # which chosen rows may be of
        return DummyClassifier().fit(np.zeros((len(few), 1)), known)
    keyword = "" if isinstance(last, Pipeline) else pool_keyword(last)
    rest = np.setdiff1d(np.arange(_num_samples(Z)), few)
    pool = {keyword: _safe_indexing(Z, rest)} if keyword and len(rest) else {}
    return clone(last).fit(_safe_indexing(Z, few), known, **pool)


def _log_loss(model: Any, Z: Any, y: np.ndarray) -> float:
    """Return the mean log loss in nats; NaN without probabilities. A class without a probability has the least."""
    if (
        not hasattr(model, "predict_proba")
        or np.shape(model.classes_) != (len(model.classes_),)
        or y.ndim != 1
    ):
        return np.nan
    P, places = model.predict_proba(Z), {label: j for j, label in enumerate(model.classes_.tolist())}
    own = np.array([P[i, places[label]] if label in places else 0 for i, label in enumerate(y.tolist())])
    return float(-np.log(np.clip(own, LEAST, 1)).mean())


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
