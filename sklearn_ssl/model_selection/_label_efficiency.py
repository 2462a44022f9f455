"""Scores of pipelines with few labels, all on the same rows and labels."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from numbers import Integral
from typing import Any

import numpy as np
from scipy import stats
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import validate_parameter_constraints
from sklearn.utils.parallel import Parallel, delayed

from ..few_labels import RowSelector
from ..modalities import is_count
from ..training import progress_bar
from ..warning import quietly, warn_once
from ._arguments import checked_cv, checked_estimators, checked_scoring, checked_ways
from ._few_label_runs import Task, split_steps
from ._splits import n_workers

CONFIDENCE = 0.95
MOST_RUNS = 10_000  # splits, and draws in each: more would never end
LARGEST_SEED = 2**31 - 1
LEVEL = f"{100 * CONFIDENCE:g} %"


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


def name_of_score(scoring: Any, estimators: Sequence[Any]) -> str:
    """Return what is scored: by its name, or by what estimators score by default.

    Parameters
    ----------
    scoring : str, callable or None
    estimators : sequence of estimator
    """
    if isinstance(scoring, str):
        return scoring
    if scoring is None and all(map(is_classifier, estimators)):
        return "accuracy"
    if scoring is None and all(map(is_regressor, estimators)):
        return "R²"
    return "score"


@dataclass(frozen=True, repr=False)
class LabelEfficiency:
    """Result of :func:`label_efficiency`.

    Its repr says it in words; in a notebook it is a table.

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
    score_name : str, default="score"
        What was scored, such as ``"accuracy"``.
    log_losses : ndarray of shape (n_estimators, n_budgets, n_runs) or None, default=None
        Log losses of class probabilities in nats, less is better; NaN for classifiers without probabilities. A
        probability below 1e-6 counts as that. None for regressors.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.svm import SVC
    >>> from sklearn_ssl.model_selection import label_efficiency
    >>> X, y = load_iris(return_X_y=True)
    >>> pair = {"dummy": DummyClassifier(), "SVC": SVC()}
    >>> found = label_efficiency(pair, X, y, budgets=[5], cv=5, n_draws=3, random_state=0)
    >>> gain, low, high = found.gain("SVC", 5)
    >>> gain > 0.3, found.scores.shape
    (True, (2, 1, 15))
    """

    names: tuple[str, ...]
    budgets: tuple[int, ...]
    scores: np.ndarray
    fit_seconds: np.ndarray
    score_name: str = "score"
    log_losses: np.ndarray | None = None

    def gain(
        self, name: str, budget: int, over: str | None = None, *, log_loss: bool = False
    ) -> tuple[float, float, float]:
        """Return how much better an estimator is than another, with a 95 % confidence interval.

        Parameters
        ----------
        name : str
        budget : int
            One of `budgets`.
        over : str or None, default=None
            Name of the other estimator. If None, the baseline.
        log_loss : bool, default=False
            Whether to compare log losses, of which a positive gain is a smaller one.

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
        if log_loss and self.log_losses is None:
            raise ValueError("There are no log losses: they are for classifiers.")
        figures = self.scores if self.log_losses is None or not log_loss else -self.log_losses
        ours, theirs = (figures[self.names.index(one), at] for one in (name, other))
        return mean_and_interval(ours - theirs)

    def summary(self) -> Iterator[str]:
        """Yield a heading for each budget, and below it a line for each estimator."""
        wide = max(map(len, self.names))
        for at, budget in enumerate(self.budgets):
            yield f"With {budget} labels ({self.scores.shape[2]} runs), against {self.names[0]}, {LEVEL} intervals:"
            for i, name in enumerate(self.names):
                line = f"  {name:<{wide}}  {self.scores[i, at].mean():.3f}"
                if i:
                    line += f"  {self._gain_in_words(name, budget)}"
                yield line + self._log_loss_in_words(i, at)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row for each score."""
        import pandas as pd

        index = pd.MultiIndex.from_product(
            [self.names, self.budgets, range(self.scores.shape[2])], names=["estimator", "labels", "run"]
        )
        frame = pd.Series(self.scores.ravel(), index, name="score").reset_index()
        return frame if self.log_losses is None else frame.assign(log_loss=self.log_losses.ravel())

    def __repr__(self) -> str:
        """Return the lines of `summary`."""
        return "\n".join(self.summary())

    def _repr_html_(self) -> str:
        """Return a table with a row for each estimator, for notebooks."""
        runs = self.scores.shape[2]
        heads = "".join(f'<th colspan="2">{budget} labels, {runs} runs</th>' for budget in self.budgets)
        rows = ""
        for i, name in enumerate(self.names):
            cells = ""
            for at, budget in enumerate(self.budgets):
                gain = "baseline" if not i else self._gain_in_words(name, budget)
                gain += self._log_loss_in_words(i, at)
                cells += f"<td>{self.scores[i, at].mean():.3f}</td><td>{gain}</td>"
            rows += f"<tr><th>{escape(str(name))}</th>{cells}</tr>"
        caption = f"Mean {escape(self.score_name)}, and gain over {escape(str(self.names[0]))} with {LEVEL} intervals"
        return f"<table><caption>{caption}</caption><tr><th></th>{heads}</tr>{rows}</table>"

    def _log_loss_in_words(self, i: int, at: int) -> str:
        """Return the log loss of an estimator, and its gain over the baseline, if both have one."""
        if self.log_losses is None or not np.isfinite(self.log_losses[i, at]).all():
            return ""
        text = f"; log loss {self.log_losses[i, at].mean():.2f}"
        if not i or not np.isfinite(self.log_losses[0, at]).all():
            return text
        mean, low, high = self.gain(self.names[i], self.budgets[at], log_loss=True)
        return f"{text}, {-mean:+.2f} ({-high:+.2f} to {-low:+.2f}): {_verdict(low, high)}"

    def _gain_in_words(self, name: str, budget: int) -> str:
        mean, low, high = self.gain(name, budget)
        return f"{mean:+.3f} ({low:+.3f} to {high:+.3f}): {_verdict(low, high)}"


def _verdict(low: float, high: float) -> str:
    if not np.isfinite(low):
        return "one run cannot tell"
    return "better" if low > 0 else "worse" if high < 0 else "no difference beyond noise"


def label_efficiency(
    estimators: Mapping[str, Any],
    X: Any,
    y: Any,
    *,
    budgets: Sequence[int] = (1, 5, 20),
    cv: Any = 10,
    n_draws: int = 1,
    scoring: Any = None,
    random_state: int | np.random.RandomState | None = 0,
    verbose: int = 0,
    groups: Any = None,
    n_jobs: int | None = None,
    rows: Mapping[str, RowSelector | None] | None = None,
) -> LabelEfficiency:
    """Score pipelines that learn from all rows but few labels, to see whether pretraining helps.

    In each split, all steps of a pipeline but the last are fitted to all training rows, without labels. The
    last step is fitted to a few labelled rows, and scored on the test rows. If its ``fit`` takes `X_unlabeled`, it gets
    the other training rows by it. All estimators have the same rows
    and labels, so their differences are paired. If the steps before the last are the same in several pipelines,
    they are fitted once.

    Parameters
    ----------
    estimators : dict of str to estimator
        Pipelines, or estimators that take X as it is. The first is the baseline for the others. Include what
        you would use otherwise, and the untrained encoder (``max_epochs=0``).
    X : array, DataFrame, sparse matrix or list of n rows
    y : array, Series or list of shape (n,) or (n, 1); for regressors, also (n, n_outputs)
        Rows whose y is -1, None or NaN (for regressors, None or NaN) are unlabeled. They are always training
        rows.
    budgets : sequence of int, default=(1, 5, 20)
        Numbers of labelled rows: per class for classifiers, in total for regressors.
    cv : int, splitter or iterable of (train, test), default=10
        A number gives that many random splits, with a fifth of the labelled rows as test rows. If a splitter
        puts unlabeled rows into the test part, they become training rows instead.
    n_draws : int, default=1
        Number of draws of the labels in each split.
    scoring : str, callable or None, default=None
        As in ``cross_val_score``. If None, the accuracy of classifiers and R² of regressors.
    random_state : int, RandomState or None, default=0
        Controls the splits and the draws of labels; None draws others in each call. Each
        estimator has its own `random_state`.
    verbose : int, default=0
        1 or more shows a progress bar.
    groups : array of shape (n,) or None, default=None
        Groups of the rows, for `cv`. If `cv` is a number, the labelled rows of a group are either all training or
        all test rows. Unlabeled rows are always training rows, those of a test group too.
    n_jobs : int or None, default=None
        Number of splits that run at once, each in a process. ``fit_seconds`` are then of busy cores.
    rows : dict of str to RowSelector or None, default=None
        Ways to choose the rows that have a label, by name; None draws them at random, as many of each class. A
        `RowSelector` chooses as many in total among the labelled training rows, without a look at labels. Its own
        `n_rows` does not count. With several ways each estimator is scored with each, and the first estimator with the
        first way is the baseline. If None, rows are drawn at random.

    Returns
    -------
    LabelEfficiency
        ``print`` it to read which estimators are better than the first, and which are within noise.

    Raises
    ------
    ValueError
        If there are too few labelled rows for a budget, or if a step before the last needs y or changes the
        number of rows.
    TypeError
        If `estimators` or `rows` is no dict of what it should hold.

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
    With 5 labels (3 runs), against raw, 95 % intervals:
    ...

    Chosen rows beside random ones:

    >>> from sklearn_ssl import RowSelector
    >>> ways = {"random": None, "chosen": RowSelector(pretrainer=None)}
    >>> label_efficiency({"LR": pipelines["raw"]}, X, y, budgets=[2], cv=2, rows=ways).names
    ('LR, random rows', 'LR, chosen rows')
    """
    estimators, cv, scoring = checked_estimators(estimators), checked_cv(cv), checked_scoring(scoring)
    validate_parameter_constraints({"verbose": ["verbose"]}, {"verbose": verbose}, "label_efficiency")
    sizes = list(budgets) if np.iterable(budgets) else []
    if not sizes or not all(is_count(size, 1) for size in sizes):
        raise ValueError(f"budgets={budgets!r} must be numbers of labels of each class, such as (5, 20).")
    if not is_count(n_draws, 1) or n_draws > MOST_RUNS:
        raise ValueError(f"n_draws={n_draws!r} must be an integer from 1 to {MOST_RUNS}.")
    if isinstance(cv, (Integral, np.bool_)) and not (is_count(cv, 1) and cv <= MOST_RUNS):
        raise ValueError(
            f"cv={cv!r} must be an integer from 1 to {MOST_RUNS}, a splitter or a list of splits."
        )
    if not isinstance(random_state, Integral):
        random_state = int(check_random_state(random_state).randint(LARGEST_SEED))
    elif not is_count(random_state, 0):
        raise ValueError(f"random_state={random_state!r} must be an integer from 0 to {LARGEST_SEED}.")
    names, budgets = tuple(estimators), tuple(int(size) for size in sizes)
    ways = checked_ways(rows)
    heads = {name: split_steps(name, estimators[name]) for name in names}
    task = Task(heads, X, y, budgets, n_draws, scoring, ways)
    splits = list(task.splits(cv, groups, random_state))
    if not splits:
        raise ValueError(
            f"cv={cv!r:.60} has no splits. Pass a number, such as cv=10, or a list of (train, test)."
        )
    run = delayed(quietly)
    jobs = (
        run(task.score, train, test, random_state + s * n_draws) for s, (train, test) in enumerate(splits)
    )
    with progress_bar(len(names) * len(splits), unit="fit", disable=not verbose, leave=False) as bar:
        found, told = [], set[Hashable]()
        for one, said in Parallel(n_jobs=n_workers(n_jobs, len(splits)), return_as="generator")(jobs):
            found.append(one)
            warn_once(said, told)
            bar.update(len(names))
    figures, seconds = zip(*found, strict=True)
    what = name_of_score(scoring, [last for _, last in task.heads.values()])
    scores, losses = np.concatenate(figures, axis=4).reshape(2, len(ways) * len(names), len(budgets), -1)
    all_seconds = np.tile(np.stack(seconds, axis=1), (len(ways), 1))
    if len(ways) > 1:
        names = tuple(f"{name}, {way} rows" for way in ways for name in names)
    return LabelEfficiency(names, budgets, scores, all_seconds, what, None if task.regression else losses)
