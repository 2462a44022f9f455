"""Scores of pipelines with few labels, all on the same rows and labels."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import joblib
import numpy as np
from scipy import stats
from sklearn.base import clone, is_regressor
from sklearn.metrics import check_scoring
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples
from tqdm.auto import tqdm

from ..few_labels import as_array, is_labeled, plain

CONFIDENCE = 0.95


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


def mean_and_interval(differences: np.ndarray) -> tuple[float, float, float]:
    """Return the mean of paired differences, and its 95 % confidence interval by Student's t.

    Parameters
    ----------
    differences : ndarray of shape (n,)

    Returns
    -------
    mean, low, high : float
        The interval is infinite for a single difference.
    """
    mean, n = float(differences.mean()), len(differences)
    if n < 2:
        return mean, -np.inf, np.inf
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * stats.sem(differences))
    return mean, mean - half, mean + half


@dataclass(frozen=True)
class LabelEfficiency:
    """Result of :func:`label_efficiency`.

    ``print`` it to read it in words.

    Parameters
    ----------
    names : tuple of str
        Names of the estimators; the first is the baseline.
    budgets : tuple of int
        Numbers of labels: per class for classifiers, in total for regressors.
    scores : ndarray of shape (n_estimators, n_budgets, n_runs)
        Greater is better. In run r, all estimators have the same rows and labels.
    fit_seconds : ndarray of shape (n_estimators, n_splits)
        Seconds that all steps but the last took to fit and transform.
    """

    names: tuple[str, ...]
    budgets: tuple[int, ...]
    scores: np.ndarray
    fit_seconds: np.ndarray

    def gain(self, name: str, budget: int, over: str | None = None) -> tuple[float, float, float]:
        """Return how much better an estimator is than another, with a 95 % confidence interval.

        Parameters
        ----------
        name : str
        budget : int
            One of `budgets`.
        over : str or None, default=None
            Name of the other estimator. If None, the baseline.

        Returns
        -------
        mean, low, high : float
            Mean of the paired differences, and its interval. The runs share rows, so the interval holds for
            these data: other samples of the same kind may vary more.
        """
        other = self.names[0] if over is None else over
        for wanted, known in ((name, self.names), (other, self.names), (budget, self.budgets)):
            if wanted not in known:
                raise ValueError(f"{wanted!r} is not one of {known}.")
        at = self.budgets.index(budget)
        ours, theirs = (self.scores[self.names.index(one), at] for one in (name, other))
        return mean_and_interval(ours - theirs)

    def summary(self) -> Iterator[str]:
        """Yield a heading for each budget, and below it a line for each estimator."""
        wide = max(map(len, self.names))
        for at, budget in enumerate(self.budgets):
            yield f"With {budget} labels ({self.scores.shape[2]} runs), against {self.names[0]}:"
            for i, name in enumerate(self.names):
                line = f"  {name:<{wide}}  {self.scores[i, at].mean():.3f}"
                if i:
                    mean, low, high = self.gain(name, budget)
                    line += f"  {mean:+.3f} ({low:+.3f} to {high:+.3f}): {_verdict(low, high)}"
                yield line

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row for each score."""
        import pandas as pd

        index = pd.MultiIndex.from_product(
            [self.names, self.budgets, range(self.scores.shape[2])], names=["estimator", "labels", "run"]
        )
        return pd.Series(self.scores.ravel(), index, name="score").reset_index()

    def __str__(self) -> str:
        """Return the lines of `summary`."""
        return "\n".join(self.summary())


def _verdict(low: float, high: float) -> str:
    if not np.isfinite(low):
        return "one run cannot tell"
    return "better" if low > 0 else "worse" if high < 0 else "no difference beyond noise"


def label_efficiency(
    estimators: Mapping[str, Any],
    X: Any,
    y: Any,
    *,
    budgets: Sequence[int] = (5, 20),
    cv: Any = 10,
    n_draws: int = 1,
    scoring: Any = None,
    random_state: int = 0,
    verbose: int = 0,
) -> LabelEfficiency:
    """Score pipelines that learn from all rows but few labels, to see whether pretraining helps.

    In each split, all steps of a pipeline but the last are fitted to all training rows, without labels. The
    last step is fitted to a few labelled rows, and scored on the test rows. All estimators have the same rows
    and labels, so their differences are paired. If the steps before the last are the same in several pipelines,
    they are fitted once.

    Parameters
    ----------
    estimators : dict of str to estimator
        Pipelines, or estimators that take X as it is. The first is the baseline for the others. Include what
        you would use otherwise, and the untrained encoder (``max_epochs=0``).
    X : array, DataFrame, sparse matrix or list of n rows
    y : array, Series or list of shape (n,)
        Rows whose y is -1, None or NaN (for regressors, None or NaN) are unlabeled. They are always training
        rows.
    budgets : sequence of int, default=(5, 20)
        Numbers of labelled rows: per class for classifiers, in total for regressors.
    cv : int, splitter or iterable of (train, test), default=10
        A number gives that many random splits, with a fifth of the labelled rows as test rows. If a splitter
        puts unlabeled rows into the test part, they become training rows instead.
    n_draws : int, default=1
        Number of draws of the labels in each split.
    scoring : str, callable or None, default=None
        As in ``cross_val_score``. If None, the accuracy of classifiers and R² of regressors.
    random_state : int, default=0
        Controls the splits and the draws of labels. Each estimator has its own `random_state`.
    verbose : int, default=0
        1 or more shows a progress bar.

    Returns
    -------
    LabelEfficiency
        ``print`` it to read which estimators are better than the first, and which are within noise.

    Raises
    ------
    ValueError
        If there are too few labelled rows for a budget.

    See Also
    --------
    sklearn_ssl.inspection.LabelEfficiencyDisplay : Plots these scores.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.model_selection import label_efficiency
    >>> X, y = load_iris(return_X_y=True)
    >>> pipelines = {
    ...     "raw": LogisticRegression(max_iter=1000),
    ...     "untrained": make_pipeline(ContrastivePretrainer(max_epochs=0), LogisticRegression()),
    ... }
    >>> found = label_efficiency(pipelines, X, y, budgets=[5, 10], cv=3)
    >>> found.scores.shape
    (2, 2, 3)
    >>> print(found)  # doctest: +ELLIPSIS
    With 5 labels (3 runs), against raw:
    ...
    """
    names, budgets = tuple(estimators), tuple(int(budget) for budget in budgets)
    heads = [_split_steps(estimators[name]) for name in names]
    regression = is_regressor(heads[0][1])
    labeled = np.flatnonzero(is_labeled(y, minus_one=not regression))
    known = plain(as_array(y)[labeled])
    targets = np.empty(_num_samples(X), dtype=known.dtype)
    targets[labeled] = known
    splits = list(_splits(X, y, targets, labeled, cv, regression, random_state))
    scores = np.empty((len(names), len(budgets), len(splits) * n_draws))
    seconds = np.empty((len(names), len(splits)))
    with tqdm(total=len(names) * len(splits), unit="fit", disable=not verbose, leave=False) as bar:
        for s, (train, test) in enumerate(splits):
            fitted: dict[str, tuple[Any, Any, float]] = {}
            y_test = targets[test]
            rows = np.intersect1d(train, labeled)
            at = np.searchsorted(train, rows)  # positions of the labelled rows in train
            for i, (steps, last) in enumerate(heads):
                key = _key(steps)
                if key not in fitted:
                    fitted[key] = _features(steps, X, train, test)
                Z, Z_test, seconds[i, s] = fitted[key]
                for draw in range(n_draws):
                    run = s * n_draws + draw
                    for b, budget in enumerate(budgets):
                        few = draw_labels(targets[rows], budget, random_state + run, not regression)
                        model = clone(last).fit(_safe_indexing(Z, at[few]), targets[rows[few]])
                        scores[i, b, run] = check_scoring(model, scoring)(model, Z_test, y_test)
                bar.update()
    return LabelEfficiency(names, budgets, scores, seconds)


def _split_steps(estimator: Any) -> tuple[Any, Any]:
    """Return all steps of a pipeline but the last (None if there are none), and the last."""
    if not isinstance(estimator, Pipeline):
        return None, estimator
    return (estimator[:-1] if len(estimator) > 1 else None), estimator[-1]


def _key(steps: Any) -> str:
    """Return a key that is the same for steps with the same parameters."""
    try:
        return joblib.hash(steps)
    except Exception:  # cannot be pickled, such as a lambda: not shared
        return str(id(steps))


def _features(steps: Any, X: Any, train: np.ndarray, test: np.ndarray) -> tuple[Any, Any, float]:
    X_train, X_test = _safe_indexing(X, train), _safe_indexing(X, test)
    if steps is None:
        return X_train, X_test, 0.0
    start, steps = time.perf_counter(), clone(steps)
    Z = steps.fit_transform(X_train)
    return Z, steps.transform(X_test), time.perf_counter() - start


def _splits(
    X: Any, y: Any, targets: np.ndarray, labeled: np.ndarray, cv: Any, regression: bool, random_state: int
) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """Yield the training rows, which include all unlabeled rows, and the labelled test rows."""
    rest = np.setdiff1d(np.arange(len(targets)), labeled)
    if isinstance(cv, Integral):
        kind = ShuffleSplit if regression else StratifiedShuffleSplit
        splitter = kind(int(cv), test_size=0.2, random_state=random_state)
        splits = ((labeled[a], labeled[b]) for a, b in splitter.split(labeled, targets[labeled]))
    else:
        splits = check_cv(cv).split(X, y)
    for train, test in splits:
        train, test = np.union1d(train, rest), np.intersect1d(test, labeled)
        learned = np.unique(targets[np.intersect1d(train, labeled)])
        lost = [] if regression else np.setdiff1d(targets[labeled], learned).tolist()
        if lost:
            raise ValueError(
                f"The training part of a split lacks the classes {lost[:5]}. Shuffle or stratify cv."
            )
        yield train, test
