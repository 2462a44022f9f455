"""Bars or a map of what features depend on."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..modalities import is_count
from ._axes import one_axes, shortened
from ._importance import gradient_importance, permutation_importance

LABELS = {
    "permutation": "distance moved, as a share of that between rows",
    "gradient": "features' change per standard deviation",
}


class FeatureImportanceDisplay:
    """What features depend on: bars for the columns of a table, a map for the pixels of images or the steps of series.

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    importances : ndarray of shape (n_columns,), (height, width) or (channels, time)
        As `permutation_importance` and `gradient_importance` return them.
    errors : ndarray of the same shape or None, default=None
        Their standard deviations, drawn beside bars.
    names : list of str or None, default=None
        Names of the columns.
    label : str, default="importance"
        What the numbers are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of the plot.
    bars_ : matplotlib BarContainer or None
        The bars, the most important column on top; None for a map.
    im_ : matplotlib AxesImage or None
        The map; None for bars.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.inspection import FeatureImportanceDisplay
    >>> X = load_wine(as_frame=True).data
    >>> ssl = ContrastivePretrainer(n_components=8, max_epochs=1, random_state=0).fit(X)
    >>> display = FeatureImportanceDisplay.from_estimator(ssl, X, n_repeats=2, random_state=0)
    >>> len(display.bars_)
    13
    """

    def __init__(
        self, importances: np.ndarray, *, errors: Any = None, names: Any = None, label: str = "importance"
    ):
        self.importances = importances
        self.errors = errors
        self.names = names
        self.label = label

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        method: str = "permutation",
        n_repeats: int = 5,
        patch_size: int | None = None,
        max_columns: int = 20,
        random_state: int | np.random.RandomState | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> FeatureImportanceDisplay:
        """Plot what the features of a fitted estimator depend on.

        Parameters
        ----------
        estimator : fitted transformer
            With a network of this package, if `method` is ``"gradient"``.
        X : what the estimator takes, n rows
            A table, images, or an array of series.
        method : {"permutation", "gradient"}, default="permutation"
            See `permutation_importance` and `gradient_importance`.
        n_repeats : int, default=5
            Exchanges of each part, or draws of the signs of gradients.
        patch_size : int or None, default=None
            Side of patches, or length of stretches. Only used by permutation.
        max_columns : int, default=20
            Number of columns to draw: the most important ones.
        random_state : int, RandomState instance or None, default=None
        ax : matplotlib Axes or None, default=None
            Axes to plot on. If None, a new figure is made.
        **kwargs
            Passed to ``ax.barh``, or to ``ax.imshow`` for a map.

        Returns
        -------
        FeatureImportanceDisplay

        Raises
        ------
        ValueError, TypeError
            If a parameter is invalid, or there is no importance of this kind.
        """
        if not isinstance(method, str) or method not in LABELS:
            raise ValueError(f"method={method!r} must be 'permutation' or 'gradient'.")
        if method == "gradient":
            found = gradient_importance(estimator, X, n_draws=n_repeats, random_state=random_state)
        else:
            found = permutation_importance(
                estimator, X, n_repeats=n_repeats, patch_size=patch_size, random_state=random_state
            )
        display = cls(
            found.importances_mean, errors=found.importances_std, names=found.names, label=LABELS[method]
        )
        return display.plot(max_columns=max_columns, ax=ax, **kwargs)

    def plot(self, *, max_columns: int = 20, ax: Any = None, **kwargs: Any) -> FeatureImportanceDisplay:
        """Plot the importances.

        Parameters
        ----------
        max_columns : int, default=20
            Number of columns to draw: the most important ones.
        ax : matplotlib Axes or None, default=None
            Axes to plot on. If None, a new figure is made.
        **kwargs
            Passed to ``ax.barh``, or to ``ax.imshow`` for a map.

        Returns
        -------
        self
        """
        if not is_count(max_columns, 1):
            raise ValueError(f"max_columns={max_columns!r:.60} must be a positive integer.")
        self.ax_ = one_axes(ax)
        self.figure_ = self.ax_.figure
        self.bars_ = self.im_ = None
        if np.ndim(self.importances) == 1:
            self._plot_bars(max_columns, kwargs)
        else:
            self._plot_map(kwargs)
        return self

    def _plot_bars(self, max_columns: int, kwargs: dict[str, Any]) -> None:
        values = np.asarray(self.importances)
        order = np.argsort(-values, kind="stable")[:max_columns]
        names = [f"x{j}" for j in range(len(values))] if self.names is None else list(self.names)
        error = None if self.errors is None else np.asarray(self.errors)[order]
        style = {"ecolor": self.ax_.xaxis.label.get_color(), "capsize": 2, **kwargs}
        self.bars_ = self.ax_.barh(np.arange(len(order)), values[order], xerr=error, **style)
        self.ax_.set_yticks(np.arange(len(order)), [shortened(names[j]) for j in order])
        self.ax_.set(xlabel=self.label, ylim=(len(order) - 0.5, -0.5))
        self.ax_.set_xlim(left=0)

    def _plot_map(self, kwargs: dict[str, Any]) -> None:
        values = np.asarray(self.importances)
        pixels = values.shape[0] > 1 and max(values.shape) <= 4 * min(values.shape)
        style = {"vmin": 0, "aspect": "equal" if pixels else "auto", "interpolation": "nearest", **kwargs}
        self.im_ = self.ax_.imshow(values, **style)
        if pixels:
            self.ax_.set(xticks=[], yticks=[])
        else:
            self.ax_.set(xlabel="step", ylabel="channel", yticks=range(len(values)))
        self.figure_.colorbar(self.im_, ax=self.ax_, label=self.label)
