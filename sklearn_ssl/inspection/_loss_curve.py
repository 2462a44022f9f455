"""Losses against epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._axes import one_axes


class LossCurveDisplay:
    """Losses against epochs.

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    curves : dict of str to ndarray of shape (n_epochs,)
        Curves by name, with NaN where an epoch has no value.
    name : str or None, default=None
        Prefix of the names in the legend, to distinguish estimators.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
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
            of a loss that is a sum.
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
                "epoch. Fit a pretrainer with max_epochs of 1 or more."
            )
        known = list(dict.fromkeys(key for row in history for key in row if key != "epoch"))
        missing = [curve for curve in curves or [] if curve not in known]
        if missing:
            raise ValueError(f"history_ has no {missing}. It has {known}.")
        losses = [k for k in known if k.startswith(("train_", "valid_")) and not k.endswith("_accuracy")]
        chosen = losses if curves is None else curves
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
        for key, values in self.curves.items():
            label = key.replace("_", " ") if self.name is None else f"{self.name}: {key.replace('_', ' ')}"
            style = {"label": label, "marker": "o" if len(values) == 1 else None, **line_kwargs}
            self.lines_ += self.ax_.plot(np.arange(1, len(values) + 1), values, **style)
        self.ax_.set(xlabel="epoch", ylabel="loss, mean over the rows")
        self.ax_.legend()
        return self
