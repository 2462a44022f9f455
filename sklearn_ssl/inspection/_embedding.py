"""Features as points in a plane."""

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
    """Features in two dimensions, a point a row.

    Use :meth:`from_estimator`.

    Parameters
    ----------
    embedding : ndarray of shape (n, 2)
    y : array of shape (n,) or None, default=None
        Classes, or numbers to colour by.
    axis_names : tuple of two str

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

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
        """Draw the features that a fitted transformer gives for X.

        Parameters
        ----------
        estimator : transformer
            Anything with ``transform``, also a Pipeline of transformers.
        X : what ``estimator.transform`` takes, n rows
        y : array of shape (n,) or None, default=None
            Colours: classes with a legend; fractions, or more than 30 different numbers, with a colour bar.
        method : {"pca", "umap"}, default="pca"
            How standardised features come to two dimensions: their first two principal components, or
            UMAP, which needs the package umap-learn.
        random_state : int, RandomState instance or None, default=None
            Used by UMAP.
        ax : matplotlib Axes or None, default=None
            None makes a figure.
        **scatter_kwargs
            Passed on to ``ax.scatter``.

        Returns
        -------
        EmbeddingDisplay

        Raises
        ------
        ValueError
            If `method` is not known, or y has another length than X.
        ImportError
            If UMAP is asked for and not installed.
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
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            None makes a figure.
        **scatter_kwargs
            Passed on to ``ax.scatter``.

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
    """Return the arguments of ``ax.scatter`` without its short names, such as ``lw``."""
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.collections import PathCollection

    return normalize_kwargs(scatter_kwargs, PathCollection)


def _is_continuous(y: Any) -> bool:
    """Return whether y is to be coloured by size: fractions, or more numbers than a legend can hold."""
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
