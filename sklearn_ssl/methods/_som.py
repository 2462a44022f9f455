"""Self-organizing map: prototypes of the rows on a grid, on which neighbours are similar."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.metrics import euclidean_distances
from sklearn.preprocessing import StandardScaler
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from ..base import forget_fitted
from ..doc_link import DocLinkMixin
from ..modalities import count, is_count, real
from ..persistence import SaveMixin
from ..training import draw_seed, progress_bar
from ._codebook import CHUNK, distances_to_nearest, nearest, sums_by_unit
from ._dense import dense_numbers
from ._grid import are_neighbours, check_map, grid_positions, smooth

HALF_LIFE = 1000  # further rows of partial_fit after which a row has half its weight
MOST_UNITS = 1_000_000  # of a map; a slip of the keyboard would ask for all memory there is


@dataclass(kw_only=True, eq=False, repr=False)
class SelfOrganizingMap(
    DocLinkMixin, SaveMixin, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin, BaseEstimator
):
    """Kohonen's self-organizing map, trained by the batch algorithm.

    Units lie on a grid, and each is also a point in the space of the rows. In each epoch every unit moves to a
    weighted mean of all rows; the rows that it or units near it on the grid have won weigh most. The neighbourhood
    shrinks from epoch to epoch. The map is a picture of the data in two dimensions and a clustering, and the
    distances to its units are features. Nothing is random unless ``init="random"``.

    Parameters
    ----------
    shape : "auto" or tuple (rows, columns), default="auto"
        Shape of the grid. ``"auto"`` is nearly square, with one unit for every twenty rows of X, at most
        10 x 10.
    topology : {"rectangular", "hexagonal"}, default="rectangular"
        Inner units have eight neighbours (four of them on the diagonals), or six on a hexagonal grid.
    output : {"distance", "position"}, default="distance"
        What ``transform`` returns: the distances to all units, or the position of the nearest unit on
        the grid.
    max_epochs : int, default=20
        Passes over the rows.
    radius : float or None, default=None
        Standard deviation of the neighbourhood in the first epoch, in steps of the grid. If None, half
        the longer side.
    final_radius : float, default=0.3
        Standard deviation of the neighbourhood in the last epoch. Smaller values fit the rows better, but
        order the units less.
    init : {"pca", "random"}, default="pca"
        Where units start: on the plane of the first two principal components, or at random rows.
    scale : bool, default=True
        Divide the columns by their standard deviation first. Distances and errors are then in standard
        deviations.
    random_state : int, RandomState instance or None, default=None
        Used by ``init="random"``.
    verbose : int, default=0
        1 or more shows a progress bar.

    Attributes
    ----------
    codebook_ : ndarray of shape (n_units, n_features_in_)
        The units as points, in centred and scaled columns.
    cluster_centers_ : ndarray of shape (n_units, n_features_in_)
        The units as points, in the columns of X.
    positions_ : ndarray of shape (n_units, 2)
        Vertical and horizontal position of the units on the grid, row by row.
    mean_, scale_ : ndarray of shape (n_features_in_,)
        Means of the columns, and what they are divided by.
    shape_ : tuple (rows, columns)
        Shape of the grid.
    topology_ : str
        Topology of the grid.
    labels_ : ndarray of shape (n,), int32
        The winning unit of each row in the last call of ``fit`` or ``partial_fit``.
    sums_, counts_ : ndarray of shape (n_units, n_features_in_) and (n_units,)
        Sum and number of the rows that each unit won, with the weights that they have in ``partial_fit``.
    cooled_ : float
        How far the neighbourhood has shrunk, from 0 (`radius`) to 1 (`final_radius`).
    n_iter_ : int
        Number of epochs; a call of ``partial_fit`` counts as one.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Names of the columns. Only set if all of them are strings.

    See Also
    --------
    sklearn.cluster.KMeans : Clusters without a grid.

    References
    ----------
    .. [1] T. Kohonen. "Essentials of the self-organizing map." Neural Networks 37, 2013.
       https://doi.org/10.1016/j.neunet.2012.09.018

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import SelfOrganizingMap
    >>> X = load_iris().data
    >>> som = SelfOrganizingMap(shape=(4, 5)).fit(X)
    >>> som.transform(X).shape, som.predict(X[:3]).shape
    ((150, 20), (3,))
    >>> som.topographic_error(X) < 0.2
    True
    """

    shape: str | tuple[int, int] = "auto"
    topology: str = "rectangular"
    output: str = "distance"
    max_epochs: int = 20
    radius: float | None = None
    final_radius: float = 0.3
    init: str = "pca"
    scale: bool = True
    random_state: int | np.random.RandomState | None = None
    verbose: int = 0

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "shape": [StrOptions({"auto"}), tuple, list],
        "topology": [StrOptions({"rectangular", "hexagonal"})],
        "output": [StrOptions({"distance", "position"})],
        "max_epochs": [count(1)],
        "radius": [real(0, closed="neither"), None],
        "final_radius": [real(0, closed="neither")],
        "init": [StrOptions({"pca", "random"})],
        "scale": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def fit(self, X: Any, y: Any = None) -> SelfOrganizingMap:
        """Train the map on X.

        Parameters
        ----------
        X : array or DataFrame of shape (n, d), of dense numbers without holes
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter is invalid, or X holds anything but numbers, or is sparse.
        """
        with threadpool_limits(limits=1, user_api="blas"):  # threads slow products this small down
            scaled = self._begin(X)
            epochs = progress_bar(self.max_epochs, type(self).__name__, disable=not self.verbose)
            try:
                for epoch in epochs:
                    self.cooled_ = epoch / max(1, self.max_epochs - 1)
                    self._epoch(scaled, keep=0.0)
            finally:
                self.labels_ = nearest(scaled, self.codebook_)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> SelfOrganizingMap:
        """Take one step with further rows; the weight of a row halves with every 1,000 rows after it.

        The neighbourhood shrinks over the first ``1000 * max_epochs`` rows. The first call fixes the scaling
        and the grid, so pass it a representative sample of the data.

        Parameters
        ----------
        X : array or DataFrame of shape (n, d)
        y : ignored

        Returns
        -------
        self
        """
        self._validate_params()
        scaled = self._scaled(X) if hasattr(self, "codebook_") else self._begin(X)
        self._epoch(scaled, keep=0.5 ** (len(scaled) / HALF_LIFE))
        self.cooled_ = min(1.0, self.cooled_ + len(scaled) / (HALF_LIFE * self.max_epochs))
        self.labels_ = nearest(scaled, self.codebook_)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the distances of X to all units, or the positions of the nearest ones.

        Parameters
        ----------
        X : array or DataFrame of shape (n, d)

        Returns
        -------
        ndarray of shape (n, n_units) or (n, 2)
        """
        scaled = self._scaled(X)
        if self.output == "position":
            return self.positions_[nearest(scaled, self.codebook_)].astype(scaled.dtype)
        return euclidean_distances(scaled, self.codebook_)

    def predict(self, X: Any) -> np.ndarray:
        """Return the index of the nearest unit of each row, ``(n,)``."""
        return nearest(self._scaled(X), self.codebook_)

    def score(self, X: Any, y: Any = None) -> float:
        """Return minus the quantization error of X: higher is better."""
        return -self.quantization_error(X)

    def score_samples(self, X: Any) -> np.ndarray:
        """Return minus the distance of each row to its nearest unit, ``(n,)`` float64: low values are anomalies."""
        return -distances_to_nearest(self._scaled(X), self.codebook_)

    def quantization_error(self, X: Any) -> float:
        """Return the mean distance of the rows to their nearest unit, in scaled columns."""
        return -float(self.score_samples(X).mean())

    def topographic_error(self, X: Any) -> float:
        """Return the share of rows whose two nearest units are not neighbours on the grid.

        Raises
        ------
        ValueError
            If the map has a single unit.
        """
        scaled = self._scaled(X)
        if len(self.codebook_) < 2:
            raise ValueError("A map with a single unit has no neighbours. Use a larger shape.")
        half, broken = (self.codebook_**2).sum(1) / 2, 0
        for rows in gen_batches(len(scaled), CHUNK):
            two = np.argpartition(half - scaled[rows] @ self.codebook_.T, 1, axis=1)[:, :2]
            first, second = self.positions_[two[:, 0]], self.positions_[two[:, 1]]
            broken += int((~are_neighbours(first, second, self.topology_)).sum())
        return broken / len(scaled)

    @property
    def cluster_centers_(self) -> np.ndarray:
        """The units as points, in the columns of X, ``(n_units, n_features_in_)``."""
        check_is_fitted(self)
        return self.codebook_ * self.scale_ + self.mean_

    def _begin(self, X: Any) -> np.ndarray:
        """Start a new map, and return X scaled."""
        self._validate_params()
        self._grid(0)  # refuses a wrong shape before anything is overwritten
        array = dense_numbers(X, self, first=True)
        largest = float(np.abs(array).max())
        if largest > math.sqrt(np.finfo(array.dtype).max) / 1e4:
            raise ValueError(
                f"X has values up to {largest:.3g}, whose squares overflow. Rescale its columns."
            )
        scaler = StandardScaler(with_std=self.scale).fit(array)
        forget_fitted(self)
        validate_data(self, X, skip_check_array=True)  # sets feature_names_in_ and n_features_in_
        self.mean_ = scaler.mean_
        self.scale_ = scaler.scale_ if self.scale else np.ones(array.shape[1])
        scaled = self._standardise(array)
        self.shape_, self.topology_ = self._grid(len(array)), self.topology
        self.positions_ = grid_positions(self.shape_, self.topology_)
        self.codebook_ = self._first_codebook(scaled)
        self.sums_ = np.zeros_like(self.codebook_)
        self.counts_ = np.zeros(len(self.positions_), dtype=scaled.dtype)
        self.n_iter_, self.cooled_ = 0, 0.0
        return scaled

    def _grid(self, n: int) -> tuple[int, int]:
        if isinstance(self.shape, str):
            n_units = min(100, max(2, n // 20))
            return math.isqrt(n_units), n_units // math.isqrt(n_units)
        sides = tuple(self.shape)
        if len(sides) != 2 or not all(is_count(s, 1) for s in sides):
            raise ValueError(f"shape={self.shape!r} must be 'auto' or two positive integers (rows, columns).")
        if math.prod(map(int, sides)) > MOST_UNITS:
            raise ValueError(
                f"shape={self.shape!r} is a map of {math.prod(map(int, sides)):,} units, and can have at most "
                f"{MOST_UNITS:,}. Take a smaller shape."
            )
        return int(sides[0]), int(sides[1])

    def _first_codebook(self, scaled: np.ndarray) -> np.ndarray:
        n_units = len(self.positions_)
        if self.init == "random":
            rng = np.random.default_rng(draw_seed(self.random_state, 0))
            return scaled[rng.choice(len(scaled), n_units, replace=n_units > len(scaled))]
        sample = scaled[:: 1 + len(scaled) // 50_000]
        mean = sample.mean(0)
        _, spread, axes = randomized_svd(
            sample - mean, min(2, *sample.shape), power_iteration_normalizer="QR", random_state=0
        )
        plane = np.zeros((2, scaled.shape[1]))
        plane[: len(axes)] = axes * spread[:, np.newaxis] / math.sqrt(len(sample))
        # the longer side lies along the first component; both go from -1.5 to 1.5 standard deviations
        centred = self.positions_ - self.positions_.mean(0)
        centred = 1.5 * centred / np.maximum(np.abs(centred).max(0), 1e-12)
        order = [1, 0] if self.shape_[1] >= self.shape_[0] else [0, 1]
        return (mean + centred[:, order] @ plane).astype(scaled.dtype)

    def _epoch(self, scaled: np.ndarray, keep: float) -> None:
        """Move all units to weighted means of the rows, and of earlier rows, which keep a share of their weight."""
        first = max(self.shape_) / 2 if self.radius is None else self.radius
        radius = first ** (1 - self.cooled_) * self.final_radius**self.cooled_
        sums, counts = sums_by_unit(scaled, nearest(scaled, self.codebook_), len(self.positions_))
        self.sums_, self.counts_ = sums + keep * self.sums_, counts + keep * self.counts_
        both = np.column_stack([self.sums_, self.counts_])
        near = smooth(both, self.shape_, self.topology_, radius)
        total, weight = near[:, :-1], near[:, -1]
        reached = weight > np.finfo(weight.dtype).tiny  # units without rows nearby stay
        mean = total / np.where(reached, weight, 1)[:, np.newaxis]
        self.codebook_ = np.where(reached[:, np.newaxis], mean, self.codebook_).astype(self.codebook_.dtype)
        self.n_iter_ += 1

    def _scaled(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._standardise(dense_numbers(X, self, first=False))

    def _standardise(self, array: np.ndarray) -> np.ndarray:
        scaled = np.empty(array.shape, dtype=array.dtype)
        for rows in gen_batches(len(array), CHUNK):  # no full copy in float64
            scaled[rows] = (array[rows] - self.mean_) / self.scale_
        return scaled

    def _check_fitted(self) -> None:
        check_map(self)

    @property
    def _n_features_out(self) -> int:
        return 2 if self.output == "position" else len(self.positions_)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "codebook_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
