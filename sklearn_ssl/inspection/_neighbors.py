"""Rows beside their nearest rows in the space of the features."""

from __future__ import annotations

import math
from textwrap import fill
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils.validation import check_is_fitted

from ..modalities import Audio, Image, Series, Tabular, is_count, is_texts, series_of
from ._axes import one_axes, shortened
from ._parts import column_names, modality_in
from ._pictures import framed, pictures, strips

WIDE, TALL = 0.7, 1.4  # of a letter with its share of space, in sizes of the font


class NeighborsDisplay:
    """Rows, each in a line with the rows whose features are nearest: pictures, series, texts, or rows of a table.

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    kind : {"images", "series", "table", "texts"}
        What rows are drawn as.
    shown : list of list of ndarray or str
        For each row, what is drawn: itself, then its neighbours. Images are ``(h, w)`` or ``(h, w, c)``, series
        ``(channels, time)``, rows of a table ``(d,)``, which should be standardised.
    rows : ndarray of shape (n_rows,)
        Their positions in X.
    neighbors : ndarray of shape (n_rows, n_neighbors)
        Positions of the nearest rows, the nearest first.
    distances : ndarray of shape (n_rows, n_neighbors)
        Distances of the features.
    columns : list of str or None, default=None
        Names of the columns of a table.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of the plot.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.inspection import NeighborsDisplay
    >>> from sklearn_ssl.modalities import Image
    >>> X = load_digits().data[:200]
    >>> ssl = ContrastivePretrainer(modality=Image(shape=(8, 8)), n_components=8, max_epochs=1).fit(X)
    >>> NeighborsDisplay.from_estimator(ssl, X, n_neighbors=3, rows=[0, 5]).neighbors.shape
    (2, 3)
    """

    def __init__(
        self,
        kind: str,
        shown: list[list[Any]],
        rows: np.ndarray,
        neighbors: np.ndarray,
        distances: np.ndarray,
        *,
        columns: list[str] | None = None,
    ):
        self.kind = kind
        self.shown = shown
        self.rows = rows
        self.neighbors = neighbors
        self.distances = distances
        self.columns = columns

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        n_neighbors: int = 5,
        rows: Any = 4,
        ax: Any = None,
        **kwargs: Any,
    ) -> NeighborsDisplay:
        """Plot some rows of X, and the rows of X whose features are nearest.

        Parameters
        ----------
        estimator : fitted transformer
            A pretrainer, or anything else with ``transform``, such as a Pipeline of transformers.
        X : what ``estimator.transform`` takes, n rows
        n_neighbors : int, default=5
            Number of neighbours; the row itself is none.
        rows : int or array-like of int, default=4
            Which rows: so many, spread evenly over X, or those at these positions.
        ax : matplotlib Axes or None, default=None
            Axes to plot on. If None, a new figure is made.
        **kwargs
            Passed to ``ax.imshow``, to ``ax.plot`` for series, or to ``ax.text`` for texts.

        Returns
        -------
        NeighborsDisplay

        Raises
        ------
        TypeError
            If the estimator does not transform.
        ValueError
            If a parameter is invalid, or X has too few rows.
        """
        if not hasattr(estimator, "transform"):
            raise TypeError(
                f"{type(estimator).__name__} has no transform. Pass a transformer, such as a pretrainer."
            )
        check_is_fitted(estimator)
        if not is_count(n_neighbors, 1):
            raise ValueError(f"n_neighbors={n_neighbors!r:.60} must be a positive integer.")
        Z = estimator.transform(X)
        Z = np.asarray(Z.toarray() if sp.issparse(Z) else Z, dtype=np.float64)
        chosen = _chosen(rows, len(Z))
        if len(Z) <= n_neighbors:
            raise ValueError(f"n_neighbors={n_neighbors} needs more rows than that, and X has {len(Z)}.")
        distances, near = NearestNeighbors(n_neighbors=n_neighbors + 1).fit(Z).kneighbors(Z[chosen])
        # a row is its own neighbour, but not always the first, if others are equal to it
        keep = np.array([_others(line, row) for line, row in zip(near, chosen, strict=True)])
        near, distances = (np.take_along_axis(table, keep, axis=1) for table in (near, distances))
        index = np.column_stack([chosen, near])
        kind, drawn, columns = _drawn(X, index.ravel(), modality_in(estimator))
        width = index.shape[1]
        grid = [drawn[start : start + width] for start in range(0, index.size, width)]
        return cls(kind, grid, chosen, near, distances, columns=columns).plot(ax=ax, **kwargs)

    def plot(self, *, ax: Any = None, **kwargs: Any) -> NeighborsDisplay:
        """Plot the rows and their neighbours.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to plot on. If None, a new figure is made.
        **kwargs
            Passed to ``ax.imshow``, to ``ax.plot`` for series, or to ``ax.text`` for texts.

        Returns
        -------
        self
        """
        self.ax_ = one_axes(ax)
        self.figure_ = self.ax_.figure
        plots = {
            "texts": self._plot_texts,
            "table": self._plot_table,
            "series": self._plot_series,
            "images": self._plot_images,
        }
        plots[self.kind](kwargs)
        return self

    def _plot_images(self, kwargs: dict[str, Any]) -> None:
        lines = [framed(np.stack(line), self.ax_) for line in self.shown]
        mosaic = np.concatenate([np.concatenate(list(line), axis=1) for line in lines])
        style = {"cmap": "gray", **kwargs}
        self.ax_.imshow(mosaic, **style)
        height, width = lines[0].shape[1:3]
        self._name_cells(width, height)

    def _plot_table(self, kwargs: dict[str, Any]) -> None:
        blocks = [np.stack(line) for line in self.shown]
        n, d = blocks[0].shape
        gap = np.full((1, d), np.nan)
        stacked = np.concatenate([np.concatenate([block, gap]) for block in blocks])[:-1]
        style = {"cmap": "RdBu_r", "vmin": -2.5, "vmax": 2.5, "aspect": "auto", **kwargs}
        drawn = self.ax_.imshow(stacked, **style)
        self.ax_.set_yticks((n + 1) * np.arange(len(blocks)), [f"row {row}" for row in self.rows])
        self.ax_.set(xlabel="column", ylabel="row, and its nearest below it")
        if self.columns is not None:
            step = math.ceil(d / 30)
            names = [shortened(name) for name in self.columns[::step]]
            self.ax_.set_xticks(range(0, d, step), names, rotation=60, ha="right")
        self.figure_.colorbar(drawn, ax=self.ax_, label="standard deviations from the mean", extend="both")

    def _plot_series(self, kwargs: dict[str, Any]) -> None:
        for place, line in enumerate(self.shown):
            longest = max(series.shape[1] for series in line)
            for column, series in enumerate(line):
                known = series[~np.isnan(series)]
                low, height = known.min(), (known.max() - known.min()) or 1.0
                steps = column + 0.9 * (np.arange(series.shape[1]) + 0.5) / longest - 0.45
                for channel, values in enumerate(series):
                    style = {"color": f"C{channel}", "linewidth": 1.0 if column else 2.0, **kwargs}
                    self.ax_.plot(steps, place + 0.4 - 0.8 * (values - low) / height, **style)
        self.ax_.set(xlim=(-0.5, len(self.shown[0]) - 0.5), ylim=(len(self.shown) - 0.5, -0.5))
        self._name_cells(1, 1)

    def _plot_texts(self, kwargs: dict[str, Any]) -> None:
        width, lines = self._room(kwargs)
        for place, line in enumerate(self.shown):
            for column, text in enumerate(line):
                style = {"ha": "center", "va": "center", "weight": "normal" if column else "bold", **kwargs}
                words = fill(" ".join(text.split()), width, max_lines=lines, placeholder="…")
                self.ax_.text(column, place, words, **style)
        self.ax_.set(xlim=(-0.5, len(self.shown[0]) - 0.5), ylim=(len(self.shown) - 0.5, -0.5))
        self._name_cells(1, 1)

    def _room(self, kwargs: dict[str, Any]) -> tuple[int, int]:
        """Return how many letters, and how many lines, there is room for in each cell of a figure of texts."""
        from matplotlib.font_manager import FontProperties

        size = kwargs.get("size", kwargs.get("fontsize"))
        points = FontProperties(size=size).get_size_in_points()
        box = self.ax_.get_window_extent()
        width, height = (side * 72 / self.figure_.dpi for side in (box.width, box.height))
        letters = width / len(self.shown[0]) / (WIDE * points)
        return max(6, int(letters)), max(1, int(height / len(self.shown) / (TALL * points)))

    def _name_cells(self, width: float, height: float) -> None:
        """Name the lines by their rows, and the columns by which neighbour they are."""
        shift = 0.5 if self.kind == "images" else 0.0  # pixels have their centres at whole numbers
        at = (np.arange(len(self.shown)) + shift) * height - shift
        self.ax_.set_yticks(at, [f"row {row}" for row in self.rows])
        names = ["itself", *(str(place + 1) for place in range(self.neighbors.shape[1]))]
        self.ax_.set_xticks((np.arange(len(names)) + shift) * width - shift, names)
        self.ax_.set_xlabel("nearest rows by their features")
        self.ax_.spines[:].set_visible(False)
        self.ax_.tick_params(length=0)


def _chosen(rows: Any, n: int) -> np.ndarray:
    """Return the positions of the rows to draw."""
    if is_count(rows, 1):
        return np.unique(np.linspace(0, n - 1, min(rows, n)).astype(int))
    chosen = np.asarray(rows)
    if (
        chosen.ndim != 1
        or not len(chosen)
        or chosen.dtype.kind not in "iu"
        or (abs(chosen) >= n + (chosen < 0)).any()
    ):
        raise ValueError(
            f"rows={rows!r:.60} must be a positive integer, or positions in X, which has {n} rows."
        )
    return chosen % n


def _others(line: np.ndarray, row: int) -> np.ndarray:
    """Return the places of all neighbours but the row itself, or of all but the last, if it is not among them."""
    places = np.flatnonzero(line != row)
    return places[: len(line) - 1]


def _drawn(X: Any, index: np.ndarray, modality: Any) -> tuple[str, list[Any], list[str] | None]:
    """Return as what rows are drawn, these rows as they are drawn, and names of columns."""
    if is_texts(X):
        texts = list(X)
        return "texts", [str(texts[i]) for i in index], None
    rows = _safe_indexing(indexable(X)[0], index)
    if isinstance(modality, Series):
        return "series", series_of(rows), None
    if isinstance(modality, Audio):
        return "images", list(strips({"rows": modality.spectrograms(rows)})["rows"]), None
    if isinstance(modality, Image):
        images = pictures(np.asarray(rows, dtype=float), modality)
        low, high = images.min(), images.max()
        return "images", list((images - low) / ((high - low) or 1)), None
    if isinstance(modality, Tabular) and not modality.cells.is_plain:
        names = column_names(X)
        batch = modality.validate(X)
        columns = [_name(*one) for one in modality.inputs_by(names)]
        return "table", list(batch[index].numpy()), columns
    table = np.asarray(X.toarray() if sp.issparse(X) else X, dtype=float)
    return "table", list(StandardScaler().fit_transform(table)[index]), column_names(X)


def _name(column: str, what: Any) -> str:
    return (
        column
        if what == "number"
        else f"{column} = {what[1]}"
        if isinstance(what, tuple)
        else f"{column}: {what}"
    )
