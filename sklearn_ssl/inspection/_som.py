"""Units of a self-organizing map, coloured by a value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..methods import neighbour_pairs
from ._axes import one_axes, pyplot, shortened

KINDS = ("u_matrix", "hits", "components")


class SOMDisplay:
    """Values of the units of a self-organizing map, at their positions on the grid.

    Create it with :meth:`from_estimator`.

    Parameters
    ----------
    positions : ndarray of shape (n_units, 2)
        Vertical and horizontal positions of the units.
    topology : {"rectangular", "hexagonal"}
        Topology of the grid.
    values : dict of str to ndarray of shape (n_units,)
        Values to plot, by title, with a panel for each.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the first panel.
    axes_ : list of matplotlib Axes
        Axes of all panels.
    figure_ : matplotlib Figure
        Figure of the plot.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import SelfOrganizingMap
    >>> from sklearn_ssl.inspection import SOMDisplay
    >>> X = load_iris(as_frame=True).data
    >>> som = SelfOrganizingMap(topology="hexagonal").fit(X)
    >>> list(SOMDisplay.from_estimator(som).values)
    ['mean distance to the neighbours']
    >>> len(SOMDisplay.from_estimator(som, kind="components").axes_)
    4
    """

    def __init__(self, positions: np.ndarray, topology: str, values: dict[str, np.ndarray]):
        self.positions = positions
        self.topology = topology
        self.values = values

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        kind: str = "u_matrix",
        features: int | str | Sequence[int | str] | None = None,
        ax: Any = None,
        **collection_kwargs: Any,
    ) -> SOMDisplay:
        """Plot a fitted map.

        Parameters
        ----------
        estimator : SelfOrganizingMap
        X : array or DataFrame or None, default=None
            Rows to count by their winning unit. If None, those of the last fit. Used by ``kind="hits"`` only.
        kind : {"u_matrix", "hits", "components"}, default="u_matrix"
            ``"u_matrix"``: the mean distance of each unit to its neighbours (ridges separate clusters).
            ``"hits"``: the number of rows that each unit won. ``"components"``: the columns of the units, with
            a panel for each.
        features : int, str, list of them, or None, default=None
            Columns to plot, by index or name. If None, all. Used by ``kind="components"`` only.
        ax : matplotlib Axes, list of Axes or None, default=None
            One for each panel. If None, a new figure is made.
        **collection_kwargs
            Passed to ``matplotlib.collections.PolyCollection``, for example ``cmap``.

        Returns
        -------
        SOMDisplay

        Raises
        ------
        ValueError
            If `kind` or one of `features` is unknown.
        """
        check_is_fitted(estimator)
        if not isinstance(kind, str) or kind not in KINDS:
            raise ValueError(f"kind={kind!r} must be one of {', '.join(map(repr, KINDS))}.")
        if kind == "u_matrix":
            values = {"mean distance to the neighbours": _u_matrix(estimator)}
        elif kind == "hits":
            won = estimator.labels_ if X is None else estimator.predict(X)
            values = {"rows": np.bincount(won, minlength=len(estimator.positions_))}
        else:
            values = _components(estimator, features)
        display = cls(estimator.positions_, estimator.topology_, values)
        return display.plot(ax=ax, **collection_kwargs)

    def plot(self, *, ax: Any = None, **collection_kwargs: Any) -> SOMDisplay:
        """Plot the panels.

        Parameters
        ----------
        ax : matplotlib Axes, list of Axes or None, default=None
            One for each panel. If None, a new figure is made.
        **collection_kwargs
            Passed to ``matplotlib.collections.PolyCollection``.

        Returns
        -------
        self
        """
        self.axes_ = self._panels(ax)
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        for panel, (title, values) in zip(self.axes_, self.values.items(), strict=True):
            self._plot_units(panel, title, values, collection_kwargs)
        return self

    def _panels(self, ax: Any) -> list[Any]:
        n = len(self.values)
        if ax is not None:
            axes = list(np.ravel(np.asarray(ax, dtype=object)))
            if len(axes) != n:
                raise ValueError(f"{n} panels need {n} axes, got {len(axes)}. Pass as many, or ax=None.")
            return axes
        if n == 1:
            return [one_axes(None)]
        columns = math.ceil(math.sqrt(n))
        rows = math.ceil(n / columns)
        size = (2.6 * columns, 2.3 * rows)
        grid = pyplot().subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")[1].ravel()
        for unused in grid[n:]:
            unused.set_visible(False)
        return list(grid[:n])

    def _plot_units(self, ax: Any, title: str, values: np.ndarray, collection_kwargs: dict[str, Any]) -> None:
        from matplotlib.collections import PolyCollection

        corners = _corners(self.topology) + self.positions[:, np.newaxis, ::-1]
        style = {"edgecolors": "face", "linewidths": 0.3, **collection_kwargs}
        units = PolyCollection(list(corners), array=np.asarray(values, dtype=float), **style)
        ax.add_collection(units)
        ax.set(aspect="equal", title=shortened(title), xticks=[], yticks=[])
        ax.set_xlim(corners[..., 0].min(), corners[..., 0].max())
        ax.set_ylim(corners[..., 1].max(), corners[..., 1].min())  # the first row on top, as in a matrix
        ax.spines[:].set_visible(False)
        ax.figure.colorbar(units, ax=ax)


def _corners(topology: str) -> np.ndarray:
    """Return the corners of a unit centred at the origin: horizontal and vertical positions."""
    if topology == "rectangular":
        return np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    angles = np.pi / 6 + np.pi / 3 * np.arange(6)
    return np.column_stack([np.cos(angles), np.sin(angles)]) / math.sqrt(3)


def _u_matrix(som: Any) -> np.ndarray:
    """Return the mean distance of each unit to its neighbours, in scaled columns, ``(n_units,)``."""
    pairs, n_units = neighbour_pairs(som.positions_, som.topology_), len(som.codebook_)
    distances = np.linalg.norm(som.codebook_[pairs[:, 0]] - som.codebook_[pairs[:, 1]], axis=1)
    ends = np.concatenate([pairs[:, 0], pairs[:, 1]])
    total = np.bincount(ends, np.tile(distances, 2), minlength=n_units)
    return total / np.maximum(np.bincount(ends, minlength=n_units), 1)


def _components(som: Any, features: Any) -> dict[str, np.ndarray]:
    d = som.codebook_.shape[1]
    names = [str(name) for name in getattr(som, "feature_names_in_", [f"x{i}" for i in range(d)])]
    wanted = range(d) if features is None else np.ravel(np.asarray(features, dtype=object))
    planes = {}
    for feature in wanted:
        known = feature in names if isinstance(feature, str) else -d <= feature < d
        if not known:
            raise ValueError(f"features has {feature!r}, but the map has {d} columns: {names[:5]}, ...")
        column = names.index(feature) if isinstance(feature, str) else feature
        planes[names[column]] = som.cluster_centers_[:, column]
    return planes
