"""Rows and their reconstructions, one above the other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from ..modalities import Audio, Image, Series, Tabular, is_frame, series_of
from ._axes import legend_beside, one_axes, shortened
from ._lines import draw_series
from ._pictures import framed, pictures, strips
from ._rows import first_rows


class ReconstructionDisplay:
    """Rows and their reconstructions: images and sounds in strips, tables as a heat map, series as lines.

    A sound is a log-mel spectrogram: time to the right, frequency upwards, and nothing drawn after its end.

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    parts : dict of str to ndarray
        Rows to plot, from top to bottom: ``(n, h, w)`` or ``(n, h, w, c)`` for images, ``(n, bands, time)`` for
        sounds, with NaN after their ends, ``(n, d)`` for tables, and a list of ``(channels, time_i)`` for series,
        whose holes are shaded. The columns of a table should be standardised.
    columns : list of str or None, default=None
        Names of the columns of a table.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the plot.
    figure_ : matplotlib Figure
        Figure of the plot.
    im_ : matplotlib AxesImage or None
        The strips or the heat map; None for series.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import AutoencoderPretrainer
    >>> from sklearn_ssl.inspection import ReconstructionDisplay
    >>> from sklearn_ssl.modalities import Image
    >>> X = load_digits().data
    >>> ae = AutoencoderPretrainer(modality=Image(shape=(8, 8)), max_epochs=1).fit(X)
    >>> list(ReconstructionDisplay.from_estimator(ae, X).parts)
    ['original', 'reconstruction']
    """

    def __init__(self, parts: dict[str, np.ndarray], *, columns: list[str] | None = None):
        self.parts = parts
        self.columns = columns

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        X_noisy: Any = None,
        n_samples: int = 10,
        ax: Any = None,
        **imshow_kwargs: Any,
    ) -> ReconstructionDisplay:
        """Plot the first rows of X and their reconstructions, ``inverse_transform`` of ``transform``.

        Parameters
        ----------
        estimator : fitted transformer with ``inverse_transform``
            A pretrainer, or any other transformer of tables, such as a Pipeline or PCA. Columns are shown in
            standard deviations of the training data or, if the estimator does not know them, of the rows shown.
            A table with categories or holes is shown as the network sees it, with a column of 0 and 1 for each
            category.
        X : what ``estimator.transform`` takes
        X_noisy : like X or None, default=None
            Rows to reconstruct from in place of X. They are plotted as well.
        n_samples : int, default=10
            Number of rows to plot, from the first on.
        ax : matplotlib Axes or None, default=None
            Axes to plot on. If None, a new figure is made.
        **imshow_kwargs
            Passed to ``ax.imshow``, or to ``ax.plot`` for series.

        Returns
        -------
        ReconstructionDisplay

        Raises
        ------
        TypeError
            If the estimator has no ``inverse_transform``, or if X or `X_noisy` are no rows.
        ValueError
            If `n_samples` is no integer of at least 1.
        """
        if not hasattr(estimator, "inverse_transform"):
            raise TypeError(
                f"{type(estimator).__name__} has no inverse_transform, so it cannot reconstruct rows. Use an "
                "AutoencoderPretrainer or a VAEPretrainer."
            )
        check_is_fitted(estimator)
        modality = getattr(estimator, "modality_", None)
        given = {"X": X} if X_noisy is None else {"X": X, "X_noisy": X_noisy}
        shown = dict(zip(("original", "noisy"), first_rows(given, n_samples), strict=False))
        rebuilt = estimator.inverse_transform(estimator.transform(list(shown.values())[-1]))
        columns = [str(name) for name in X.columns] if is_frame(X) else None
        given = shown | {"reconstruction": rebuilt}
        if isinstance(modality, Tabular) and not modality.cells.is_plain:
            names = columns or [f"x{j}" for j in range(modality.n_features_in_)]
            columns = [_name(*one) for one in modality.inputs_by(names)]
            parts = {
                name: modality.validate(rows)[np.arange(len(rows))].numpy() for name, rows in given.items()
            }
            return cls(parts, columns=columns).plot(ax=ax, **imshow_kwargs)
        if isinstance(modality, Series):
            lines: Any = {name: series_of(rows) for name, rows in given.items()}
            return cls(lines).plot(ax=ax, **imshow_kwargs)
        if isinstance(modality, Audio):
            heard = {name: modality.spectrograms(rows) for name, rows in shown.items()}
            parts = strips(heard | {"reconstruction": rebuilt})
            return cls(parts).plot(ax=ax, **{"cmap": "magma", **imshow_kwargs})
        parts = {name: _dense(rows) for name, rows in given.items()}
        if isinstance(modality, Image):
            parts = {name: pictures(rows, modality) for name, rows in parts.items()}
        else:
            scaler = StandardScaler().fit(parts["original"]) if modality is None else modality
            parts = {name: (rows - scaler.mean_) / scaler.scale_ for name, rows in parts.items()}
        return cls(parts, columns=columns).plot(ax=ax, **imshow_kwargs)

    def plot(self, *, ax: Any = None, **imshow_kwargs: Any) -> ReconstructionDisplay:
        """Plot the rows and their reconstructions.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to plot on. If None, a new figure is made.
        **imshow_kwargs
            Passed to ``ax.imshow``, or to ``ax.plot`` for series.

        Returns
        -------
        self
        """
        self.ax_ = one_axes(ax)
        self.figure_ = self.ax_.figure
        if isinstance(next(iter(self.parts.values())), list):
            self._plot_series(imshow_kwargs)
        elif next(iter(self.parts.values())).ndim > 2:
            self._plot_images(imshow_kwargs)
            if ax is None:  # no margins above and below the strips
                height, width = self.im_.get_array().shape[:2]  # type: ignore[attr-defined]  # im_ is None of series alone, and these are images
                self.figure_.set_size_inches(8, 0.3 + 6.5 * height / width)
        else:
            self._plot_table(imshow_kwargs)
        return self

    def _plot_series(self, plot_kwargs: dict[str, Any]) -> None:
        parts: Any = self.parts
        starts = {name: [0] * len(rows) for name, rows in parts.items()}
        lines = draw_series(self.ax_, parts, starts, **plot_kwargs)
        legend_beside(self.ax_, lines, list(parts))
        self.im_ = None

    def _plot_images(self, imshow_kwargs: dict[str, Any]) -> None:
        first = next(iter(self.parts.values()))
        low, high = np.nanmin(first), np.nanmax(first)
        scaled = [np.clip((p - low) / ((high - low) or 1), 0, 1) for p in self.parts.values()]
        rows = [framed(images, self.ax_) for images in scaled]
        mosaic = np.concatenate([np.concatenate(list(row), axis=1) for row in rows])
        style = {"cmap": "gray", "vmin": 0, "vmax": 1, **imshow_kwargs}
        self.im_ = self.ax_.imshow(mosaic, **style)
        height = rows[0].shape[1]
        self.ax_.set_yticks(height * (np.arange(len(rows)) + 0.5) - 0.5, list(self.parts))
        self.ax_.set_xticks([])
        self.ax_.spines[:].set_visible(False)
        self.ax_.tick_params(length=0)

    def _plot_table(self, imshow_kwargs: dict[str, Any]) -> None:
        n, d = next(iter(self.parts.values())).shape
        gap = np.full((1, d), np.nan)
        stacked = np.concatenate([np.concatenate([rows, gap]) for rows in self.parts.values()])[:-1]
        style = {"cmap": "RdBu_r", "vmin": -2.5, "vmax": 2.5, "aspect": "auto", **imshow_kwargs}
        self.im_ = self.ax_.imshow(stacked, **style)
        self.ax_.set_yticks((n + 1) * np.arange(len(self.parts)) + (n - 1) / 2, list(self.parts))
        self.ax_.set_xlabel("column")
        if self.columns is not None:
            step = math.ceil(d / 30)
            names = [shortened(name) for name in self.columns[::step]]
            self.ax_.set_xticks(range(0, d, step), names, rotation=60, ha="right")
        self.figure_.colorbar(self.im_, ax=self.ax_, label="standard deviations from the mean", extend="both")


def _name(column: str, what: Any) -> str:
    if what == "number":
        return column
    return f"{column} = {what[1]}" if isinstance(what, tuple) else f"{column}: {what}"


def _dense(rows: Any) -> np.ndarray:
    return np.asarray(rows.toarray() if sp.issparse(rows) else rows, dtype=float)
