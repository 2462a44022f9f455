"""Losses against epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._axes import legend_beside, one_axes, pyplot, shortened


class LossCurveDisplay:
    """Losses against epochs.

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    curves : dict of str to ndarray of shape (n_epochs,)
        Curves by name, with NaN where an epoch has no value. Those whose name ends with ``accuracy`` have an axis of
        their own, on the right.
    name : str or None, default=None
        Prefix of the names in the legend, to distinguish estimators.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    accuracy_ax_ : matplotlib Axes or None
        The second axis, of accuracies, if there are any.
    figure_ : matplotlib Figure
        Figure of the plot.
    lines_ : list of matplotlib Line2D
        The curves.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import AutoencoderPretrainer
    >>> from sklearn_ssl.inspection import LossCurveDisplay
    >>> ae = AutoencoderPretrainer(max_epochs=5, early_stopping=True).fit(load_iris().data)
    >>> display = LossCurveDisplay.from_estimator(ae)
    >>> list(display.curves)
    ['train_loss', 'valid_loss']
    """

    def __init__(self, curves: dict[str, np.ndarray], *, name: str | None = None):
        self.curves = curves
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        curves: Sequence[str] | None = None,
        name: str | None = None,
        ax: Any = None,
        **line_kwargs: Any,
    ) -> LossCurveDisplay:
        """Plot the ``history_`` of a fitted pretrainer.

        Parameters
        ----------
        estimator : Pretrainer
        curves : list of str or None, default=None
            Entries of ``history_`` to plot. If None, the training and validation losses, including the terms
            of a loss that is a sum, and the accuracy of an `OnlineProbe`. A loss that compares rows grows with
            the batch: that of training is then ``seen_loss``, in batches as those of validation.
        name : str or None, default=None
            Prefix of the names in the legend, to distinguish estimators.
        ax : matplotlib Axes or None, default=None
            Axes to plot on. If None, a new figure is made.
        **line_kwargs
            Passed to ``ax.plot``.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        ValueError
            If the estimator was not trained, or its ``history_`` lacks some of `curves`.
        """
        check_is_fitted(estimator)
        history = getattr(estimator, "history_", None)
        if not history:
            raise ValueError(
                f"This {type(estimator).__name__} has no losses to draw: it needs a history_ of at least one "
                "epoch. Fit a pretrainer with max_epochs of 1 or more, and a max_time that is enough for one."
            )
        known = list(dict.fromkeys(key for row in history for key in row if key != "epoch"))
        missing = [curve for curve in curves or [] if curve not in known]
        if missing:
            raise ValueError(f"history_ has no {missing}. It has {known}.")
        losses = [k for k in known if k.startswith(("train_", "valid_")) and not k.endswith("_accuracy")]
        if "seen_loss" in known:
            losses = ["seen_loss", *(k for k in losses if k != "train_loss")]
        usual = [*losses, *(k for k in known if k == "probe_accuracy")]
        chosen = usual if curves is None else curves
        values = {key: np.array([row.get(key, np.nan) for row in history]) for key in chosen}
        return cls(values, name=name).plot(ax=ax, **line_kwargs)

    def plot(self, *, ax: Any = None, **line_kwargs: Any) -> LossCurveDisplay:
        """Plot the curves.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to plot on. If None, a new figure is made.
        **line_kwargs
            Passed to ``ax.plot``.

        Returns
        -------
        self
        """
        self.ax_ = one_axes(ax)
        self.figure_ = self.ax_.figure
        self.lines_ = []
        accuracies = [key for key in self.curves if key.endswith("accuracy")]
        only = len(accuracies) == len(self.curves)
        self.accuracy_ax_ = self._second_axis(only) if accuracies else None
        for key, values in self.curves.items():
            prefix = "" if self.name is None else f"{shortened(self.name, 12)}: "
            label = prefix + key.replace("_", " ")
            there = np.isfinite(values)  # a probe may not run in every epoch
            style = {"label": label, "marker": "o" if there.sum() == 1 else None, **line_kwargs}
            ax = self.accuracy_ax_ if key in accuracies else self.ax_
            if ax is not self.ax_:
                # colours go on where those of the losses end
                style = {
                    "color": f"C{len(self.ax_.get_lines()) + len(ax.get_lines())}",
                    "linestyle": "--",
                    **style,
                }
            self.lines_ += ax.plot(np.arange(1, len(values) + 1)[there], values[there], **style)
        self.ax_.set_xlabel("epoch")
        self.ax_.xaxis.set_major_locator(pyplot().MaxNLocator(integer=True, min_n_ticks=1))
        if not only:
            self.ax_.set_ylabel("loss, mean over the rows")
        handles, names = self.ax_.get_legend_handles_labels()
        if self.accuracy_ax_ in (None, self.ax_):
            legend_beside(self.ax_, handles, names)
        else:
            more, their_names = self.accuracy_ax_.get_legend_handles_labels()
            legend_beside(self.ax_, [*handles, *more], [*names, *their_names], gap=0.75)
        return self

    def _second_axis(self, only: bool) -> Any:
        """Return the axis of accuracies: the one on the right of `ax_`, of an earlier display or new."""
        if only:
            self.ax_.set_ylabel("accuracy")
            return self.ax_
        for other in self.ax_.get_shared_x_axes().get_siblings(self.ax_):
            if other is not self.ax_ and other.get_ylabel() == "accuracy":
                return other
        beside = self.ax_.twinx()
        beside.set_ylabel("accuracy")
        return beside
