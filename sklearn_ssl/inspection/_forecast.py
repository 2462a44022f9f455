"""Forecasts of series, after what was known before them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..modalities import series_of
from ._axes import legend_beside, one_axes
from ._lines import draw_series
from ._rows import first_rows


class ForecastDisplay:
    """Series and their forecasts, one above the other.

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    parts : dict of str to list of ndarray of shape (channels, time_i)
        ``"known"``, ``"forecast"`` and, if it is known, ``"truth"``.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of the plot.
    lines_ : list of matplotlib Line2D
        A line of each part.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl import AutoregressivePretrainer
    >>> from sklearn_ssl.inspection import ForecastDisplay
    >>> from sklearn_ssl.modalities import Series
    >>> X = np.sin(np.arange(24) / 3 + np.arange(20)[:, None])
    >>> ar = AutoregressivePretrainer(modality=Series(), max_epochs=1).fit(X[:, :18])
    >>> list(ForecastDisplay.from_estimator(ar, X[:, :18], horizon=6, X_next=X[:, 18:]).parts)
    ['known', 'forecast', 'truth']
    """

    def __init__(self, parts: dict[str, list[np.ndarray]]):
        self.parts = parts

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        horizon: int = 1,
        X_next: Any = None,
        n_samples: int = 4,
        ax: Any = None,
        **plot_kwargs: Any,
    ) -> ForecastDisplay:
        """Plot the first series of X, and what ``estimator.predict`` says of the steps after them.

        Parameters
        ----------
        estimator : fitted `AutoregressivePretrainer`
        X : what ``estimator.predict`` takes
        horizon : int, default=1
            Number of steps to forecast.
        X_next : like X or None, default=None
            What came after X, to compare with.
        n_samples : int, default=4
            Number of series to plot, from the first on.
        ax : matplotlib Axes or None, default=None
            Axes to plot on. If None, a new figure is made.
        **plot_kwargs
            Passed to ``ax.plot``.

        Returns
        -------
        ForecastDisplay

        Raises
        ------
        TypeError
            If the estimator does not forecast, or if X or `X_next` are no rows.
        ValueError
            If `n_samples` is no integer of at least 1.
        """
        forecasts = getattr(getattr(estimator, "modality_", None), "can_forecast", False)
        if not (forecasts and hasattr(estimator, "predict")):
            check_is_fitted(estimator)
            raise TypeError(
                f"{type(estimator).__name__} does not forecast series. Use an AutoregressivePretrainer with "
                "modality=Series()."
            )
        known, *truth = first_rows({"X": X} if X_next is None else {"X": X, "X_next": X_next}, n_samples)
        parts = {"known": known, "forecast": estimator.predict(known, horizon)}
        if truth:
            parts["truth"] = truth[0]
        return cls({name: series_of(rows) for name, rows in parts.items()}).plot(ax=ax, **plot_kwargs)

    def plot(self, *, ax: Any = None, **plot_kwargs: Any) -> ForecastDisplay:
        """Plot the series and their forecasts.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to plot on. If None, a new figure is made.
        **plot_kwargs
            Passed to ``ax.plot``.

        Returns
        -------
        self
        """
        self.ax_ = one_axes(ax)
        self.figure_ = self.ax_.figure
        ends = [row.shape[1] for row in self.parts["known"]]
        starts = {name: [0] * len(ends) if name == "known" else ends for name in self.parts}
        self.lines_ = draw_series(self.ax_, self.parts, starts, **plot_kwargs)
        legend_beside(self.ax_, self.lines_, list(self.parts))
        return self
