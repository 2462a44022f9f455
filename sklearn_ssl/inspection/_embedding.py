"""Scatter plot of features in two dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length

from ._axes import one_axes

MOST_CLASSES = 30


class EmbeddingDisplay:
    """Scatter plot of features in two dimensions, with a point for each row.

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    embedding : ndarray of shape (n, 2)
        Coordinates of the points.
    y : array of shape (n,) or None, default=None
        Classes, or numbers to colour by.
    axis_names : tuple of two str
        Labels of the axes.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of the plot.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.inspection import EmbeddingDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> ssl = ContrastivePretrainer(max_epochs=2).fit(X)
    >>> EmbeddingDisplay.from_estimator(ssl, X, y).embedding.shape
    (150, 2)
    """

    def __init__(
        self, embedding: np.ndarray, y: Any = None, *, axis_names: tuple[str, str] = ("first", "second")
    ):
        self.embedding = embedding
        self.y = y
        self.axis_names = axis_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        method: str = "pca",
        random_state: int | np.random.RandomState | None = None,
        ax: Any = None,
        **scatter_kwargs: Any,
    ) -> EmbeddingDisplay:
        """Plot the features that a fitted transformer returns for X.

        Parameters
        ----------
        estimator : transformer
            Anything with ``transform``, including a Pipeline of transformers.
        X : what ``estimator.transform`` takes, n rows
        y : array of shape (n,) or None, default=None
            Colours. Classes get a legend; fractions, or more than 30 different numbers, get a colour bar.
        method : {"pca", "umap"}, default="pca"
            How standardised features are reduced to two dimensions: by their first two principal components,
            or by UMAP, which needs the package umap-learn.
        random_state : int, RandomState instance or None, default=None
            Used by UMAP.
        ax : matplotlib Axes or None, default=None
            Axes to plot on. If None, a new figure is made.
        **scatter_kwargs
            Passed to ``ax.scatter``.

        Returns
        -------
        EmbeddingDisplay

        Raises
        ------
        ValueError
            If `method` is unknown, or X and y differ in length.
        ImportError
            If `method` is ``"umap"`` and umap-learn is not installed.
        """
        if method not in ("pca", "umap"):
            raise ValueError(f"method={method!r} must be 'pca' or 'umap'.")
        features = np.asarray(estimator.transform(X))
        if y is not None:
            check_consistent_length(features, y)
        features = StandardScaler().fit_transform(features)
        if method == "umap":
            return cls(_umap(features, random_state), y, axis_names=("UMAP 1", "UMAP 2")).plot(
                ax=ax, **scatter_kwargs
            )
        rank = min(2, *features.shape)
        left, spread, _ = randomized_svd(features, rank, random_state=0)
        plane = np.zeros((len(features), 2))
        plane[:, :rank] = left * spread
        shares = (plane**2).sum(0) / max(float((features**2).sum()), 1e-300)
        first, second = (f"component {i + 1}, {100 * shares[i]:.0f} % of the variance" for i in (0, 1))
        return cls(plane, y, axis_names=(first, second)).plot(ax=ax, **scatter_kwargs)

    def plot(self, *, ax: Any = None, **scatter_kwargs: Any) -> EmbeddingDisplay:
        """Plot the points.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to plot on. If None, a new figure is made.
        **scatter_kwargs
            Passed to ``ax.scatter``.

        Returns
        -------
        self
        """
        self.ax_ = one_axes(ax)
        self.figure_ = self.ax_.figure
        style = {"s": 12, "alpha": 0.8, "linewidth": 0, **_full_names(scatter_kwargs)}
        if self.y is None or "c" in style or "color" in style:
            self.ax_.scatter(*self.embedding.T, **style)
        elif _is_continuous(self.y):
            points = self.ax_.scatter(*self.embedding.T, **{"c": np.asarray(self.y), **style})
            self.figure_.colorbar(points, ax=self.ax_, label="y")
        else:
            self._plot_classes(style)
        self.ax_.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1])
        return self

    def _plot_classes(self, style: dict[str, Any]) -> None:
        classes, codes = np.unique(np.asarray(self.y), return_inverse=True)
        colours, last = ("tab10", 9) if len(classes) <= 10 else ("tab20", 19)
        if len(classes) > 20:
            colours, last = "turbo", len(classes) - 1
        ours = {"c": codes, "cmap": colours} | ({} if "cmap" in style else {"vmin": 0, "vmax": last})
        points = self.ax_.scatter(*self.embedding.T, **{**ours, **style})
        handles = points.legend_elements(num=list(range(len(classes))))[0]
        self.ax_.legend(handles, classes, title="y", ncols=1 + len(classes) // 15)


def _full_names(scatter_kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``ax.scatter`` with short names, such as ``lw``, written out."""
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.collections import PathCollection

    return normalize_kwargs(scatter_kwargs, PathCollection)


def _is_continuous(y: Any) -> bool:
    """Return whether y gets a colour bar: fractions, or more numbers than a legend can hold."""
    if type_of_target(y).startswith("continuous"):
        return True
    values = np.unique(np.asarray(y))
    return values.dtype.kind in "iuf" and len(values) > MOST_CLASSES


def _umap(features: np.ndarray, random_state: Any) -> np.ndarray:
    try:
        from umap import UMAP
    except ImportError as error:
        raise ImportError("method='umap' needs umap-learn: pip install umap-learn. Or use 'pca'.") from error
    return UMAP(random_state=random_state).fit_transform(features)
