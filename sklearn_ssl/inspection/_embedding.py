"""Scatter plot of features in two dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.manifold import TSNE
from sklearn.preprocessing import StandardScaler
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length

from ..few_labels import as_array, labeled_rows, not_missing, plain
from ._axes import legend_beside, natural, one_axes
from ._pictures import mix

MOST_CLASSES = 30
# M. A. Petroff, "Accessible Color Sequences for Data Visualization", 2021: ten colours that colour-blind people can
# tell apart. The greys come last here, since rows without a label are grey.
PETROFF = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#832db6",
    "#92dadd",
    "#e76300",
    "#a96b59",
    "#b9ac70",
    "#94a4a2",
    "#717581",
)


class EmbeddingDisplay:
    """Scatter plot of features in two dimensions, with a point for each row.

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    embedding : ndarray of shape (n, 2)
        Coordinates of the points.
    y : array, Series or list of shape (n,), or None, default=None
        Classes, or numbers to colour by. Rows whose y is None, NaN or -1 have no label: they are small grey points
        below the others.
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
        y : array, Series or list of shape (n,), or None, default=None
            Colours. Classes get a legend; fractions, or more than 30 different numbers, get a colour bar. Rows
            without a label (None, NaN, -1) are grey. -1 is a class if 1 is the only other one, and a number among
            fractions, or beside NaN among numbers below it.
        method : {"pca", "tsne", "umap"}, default="pca"
            How standardised features are reduced to two dimensions: by their first two principal components, by
            scikit-learn's t-SNE of the first 50, or by UMAP, which needs the package umap-learn. PCA keeps distances;
            t-SNE and UMAP keep neighbours, and show classes where PCA shows a cloud.
        random_state : int, RandomState instance or None, default=None
            Used by t-SNE and UMAP.
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
            If `method` is unknown, X and y differ in length, or X has a single row for t-SNE.
        ImportError
            If `method` is ``"umap"`` and umap-learn is not installed.
        """
        if not isinstance(method, str) or method not in ("pca", "tsne", "umap"):
            raise ValueError(f"method={method!r} must be 'pca', 'tsne' or 'umap'.")
        features = np.asarray(estimator.transform(X))
        if y is not None:
            check_consistent_length(features, y)
        features = StandardScaler().fit_transform(features)
        if method != "pca":
            name, reduce = ("UMAP", _umap) if method == "umap" else ("t-SNE", _tsne)
            found = cls(reduce(features, random_state), y, axis_names=(f"{name} 1", f"{name} 2"))
            return found.plot(ax=ax, **scatter_kwargs)
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
        else:
            self._plot_coloured(style)
        self.ax_.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1])
        return self

    def _plot_coloured(self, style: dict[str, Any]) -> None:
        n = len(self.embedding)
        rows, known = _labels(self.y)
        rest = np.setdiff1d(np.arange(n), rows)
        grey = _plot_grey(self.ax_, self.embedding[rest], _style_of(style, rest, n)) if len(rest) else None
        handles: list[Any] = []
        names: list[Any] = []
        if len(rows):
            points, colours = self.embedding[rows], _style_of(style, rows, n)
            if _is_continuous(known):
                drawn = self.ax_.scatter(*points.T, **{"c": known, **colours})
                self.figure_.colorbar(drawn, ax=self.ax_, label="y")
            else:
                handles, names = _plot_classes(self.ax_, points, known, colours)
        if grey is not None:
            handles, names = [*handles, grey], [*names, "no label"]
        if handles:
            legend_beside(self.ax_, handles, names, title="y")


def _labels(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the rows with a label, and their labels."""
    values = as_array(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    rows = labeled_rows(values)
    known = plain(values[rows])
    with_minus_one = plain(values[not_missing(values, minus_one=False)]) if len(rows) < len(values) else known
    if known.dtype.kind in "iuf" and known.size and (known == 1).all() and len(with_minus_one) > len(known):
        return np.flatnonzero(not_missing(values, minus_one=False)), with_minus_one  # two classes, -1 and 1
    if len(rows) < len(values) and known.dtype.kind == "f" and (known == np.round(known)).all():
        return rows, known.astype(np.int64)  # NaN beside them made them fractions
    return rows, known


def _style_of(style: dict[str, Any], rows: np.ndarray, n: int) -> dict[str, Any]:
    """Return the style of some rows: what has a value for each row is cut."""
    cut = {
        key: np.asarray(value)[rows]
        for key, value in style.items()
        if not isinstance(value, str) and np.ndim(value) and len(value) == n
    }
    return {**style, **cut}


def _plot_grey(ax: Any, points: np.ndarray, style: dict[str, Any]) -> Any:
    ours = {"color": mix(ax, 0.2), "s": np.asarray(style["s"]) / 3, "zorder": 0.9}
    coloured = ("cmap", "norm", "vmin", "vmax", "facecolor", "edgecolor", "zorder")
    kept = {key: value for key, value in style.items() if key not in coloured}
    return ax.scatter(*points.T, **{**kept, **ours})


def _plot_classes(
    ax: Any, points: np.ndarray, known: np.ndarray, style: dict[str, Any]
) -> tuple[list[Any], list[Any]]:
    """Return a handle and a name for each class."""
    classes, codes = np.unique(known, return_inverse=True)
    order = (
        sorted(range(len(classes)), key=lambda i: natural(classes[i]))
        if classes.dtype.kind in "OUT"
        else None
    )
    if order is not None:  # of strings; numbers are in order
        classes, codes = classes[order], np.argsort(order)[codes]
    colours, last = _colours(len(classes))
    ours = {"c": codes, "cmap": colours} | ({} if "cmap" in style else {"vmin": 0, "vmax": last})
    drawn = ax.scatter(*points.T, **{**ours, **style})
    return drawn.legend_elements(num=list(range(len(classes))))[0], list(classes)


def _colours(n_classes: int) -> tuple[Any, int]:
    """Return a colour map, and the number of its last class."""
    from matplotlib.colors import ListedColormap

    if n_classes <= len(PETROFF):
        return ListedColormap(PETROFF), len(PETROFF) - 1
    return ("tab20", 19) if n_classes <= 20 else ("turbo", n_classes - 1)


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


def _tsne(features: np.ndarray, random_state: Any) -> np.ndarray:
    n = len(features)
    if n < 2:
        raise ValueError("method='tsne' needs at least 2 rows of X; it has 1. Pass more rows, or use 'pca'.")
    left, spread, _ = randomized_svd(features, min(50, *features.shape), random_state=0)
    reduce = TSNE(perplexity=min(30.0, max(1.0, (n - 1) / 3)), random_state=random_state)
    return reduce.fit_transform(left * spread)


def _umap(features: np.ndarray, random_state: Any) -> np.ndarray:
    try:
        from umap import UMAP
    except ImportError as error:
        raise ImportError("method='umap' needs umap-learn: pip install umap-learn. Or use 'pca'.") from error
    return UMAP(random_state=random_state).fit_transform(features)
