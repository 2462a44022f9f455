"""Scores against the number of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..few_labels import RowSelector
from ..model_selection import LabelEfficiency, label_efficiency
from ._axes import legend_beside, one_axes


class LabelEfficiencyDisplay:
    """Mean scores of pipelines against the number of labels, with standard errors.

    Create it with :meth:`from_estimators`.

    Parameters
    ----------
    found : LabelEfficiency
        Result of :func:`~sklearn_ssl.model_selection.label_efficiency`. ``print(display.found)`` says in words
        which pipelines are better than the first, and which are within noise.
    score_name : str or None, default=None
        Label of the axis. If None, what was scored, such as accuracy.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of the plot.
    errorbar_ : list of matplotlib ErrorbarContainer
        The curves, one for each pipeline.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.inspection import LabelEfficiencyDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> pipelines = {
    ...     "raw": LogisticRegression(max_iter=1000),
    ...     "SSL": make_pipeline(ContrastivePretrainer(max_epochs=1), LogisticRegression()),
    ... }
    >>> display = LabelEfficiencyDisplay.from_estimators(pipelines, X, y, budgets=[5, 10], cv=2)
    >>> display.found.budgets
    (5, 10)
    """

    def __init__(self, found: LabelEfficiency, *, score_name: str | None = None):
        self.found = found
        self.score_name = score_name

    @classmethod
    def from_estimators(
        cls,
        estimators: Mapping[str, Any],
        X: Any,
        y: Any,
        *,
        budgets: Sequence[int] = (1, 5, 20),
        cv: Any = 10,
        n_draws: int = 1,
        scoring: Any = None,
        random_state: int = 0,
        verbose: int = 0,
        groups: Any = None,
        n_jobs: int | None = None,
        rows: Mapping[str, RowSelector | None] | None = None,
        ax: Any = None,
        **line_kwargs: Any,
    ) -> LabelEfficiencyDisplay:
        """Score pipelines with few labels, and plot the scores.

        Parameters
        ----------
        estimators, X, y, budgets, cv, n_draws, scoring, random_state, verbose, groups, n_jobs, rows
            See :func:`~sklearn_ssl.model_selection.label_efficiency`.
        ax : matplotlib Axes or None, default=None
            Axes to plot on. If None, a new figure is made.
        **line_kwargs
            Passed to ``ax.errorbar``.

        Returns
        -------
        LabelEfficiencyDisplay
        """
        found = label_efficiency(
            estimators, X, y, budgets=budgets, cv=cv, n_draws=n_draws, scoring=scoring,
            random_state=random_state, verbose=verbose, groups=groups, n_jobs=n_jobs, rows=rows,
        )  # fmt: skip
        return cls(found).plot(ax=ax, **line_kwargs)

    def plot(self, *, ax: Any = None, **line_kwargs: Any) -> LabelEfficiencyDisplay:
        """Plot the scores.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to plot on. If None, a new figure is made.
        **line_kwargs
            Passed to ``ax.errorbar``.

        Returns
        -------
        self
        """
        self.ax_ = one_axes(ax)
        self.figure_ = self.ax_.figure
        budgets, scores = list(self.found.budgets), self.found.scores
        n_runs = scores.shape[2]
        errors = scores.std(axis=2, ddof=1) / np.sqrt(n_runs) if n_runs > 1 else [None] * len(scores)
        self.errorbar_ = []
        for name, runs, error in zip(self.found.names, scores, errors, strict=True):
            style = {"marker": "o", "capsize": 3, "label": name, **line_kwargs}
            self.errorbar_.append(self.ax_.errorbar(budgets, runs.mean(axis=1), error, **style))
        what = self.score_name or self.found.score_name
        spread = ", mean ± standard error" if n_runs > 1 else ""
        self.ax_.set(xscale="log", xlabel="number of labels", ylabel=f"{what}{spread}")
        self.ax_.set_xticks(budgets, [str(budget) for budget in budgets])
        self.ax_.minorticks_off()
        self.ax_.grid(alpha=0.3)
        handles, names = self.ax_.get_legend_handles_labels()
        legend_beside(self.ax_, handles, names)
        return self
