"""Label diffusion: labels spread over a graph of neighbours, and new rows ask their neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from ..base import forget_fitted
from ..doc_link import DocLinkMixin
from ..methods import dense_numbers
from ..modalities import array, count, real, refuse, whole
from ..persistence import SaveMixin
from ..training import draw_seed
from ._graph import LEAST, Directions, local_weights, principal_directions, scaled_graph
from ._labels import require_y
from ._propagation import propagate
from ._scored import LabeledScoreMixin
from ._targets import UNLABELED, partial_classes


def sources(codes: np.ndarray, n_classes: int) -> np.ndarray:
    """Return what each row gives, ``(n, n_classes)``: one in all for each class, shared by its labelled rows.

    Parameters
    ----------
    codes : ndarray of int of shape (n,)
        The class of each row, or -1.
    n_classes : int
    """
    Y = np.zeros((len(codes), n_classes))
    rows = np.flatnonzero(codes != UNLABELED)
    Y[rows, codes[rows]] = 1
    return Y / np.maximum(Y.sum(axis=0), 1)


def shares(received: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """Return what each row received as probabilities; a row that received nothing gets the frequencies.

    Parameters
    ----------
    received : ndarray of shape (n, n_classes)
    frequencies : ndarray of shape (n_classes,)
    """
    total = received.sum(axis=1, keepdims=True)
    return np.where(total > 0, received / np.where(total > 0, total, 1), frequencies)


@dataclass(kw_only=True, eq=False, repr=False)
class LabelDiffusion(DocLinkMixin, SaveMixin, LabeledScoreMixin, BaseEstimator):
    """Classify rows by labels that spread over the graph of nearest neighbours.

    Rows are nodes, and edges join nearest neighbours; how much an edge weighs depends on the density of rows around it
    [2]_. Each class gives the same amount, shared by its labelled rows. What a row has received when no more flows
    [1]_ are its class probabilities. A new row receives from its neighbours among the rows of fit. Columns should be on
    one scale, such as the features of a pretrainer.

    Parameters
    ----------
    n_neighbors : int, default=10
        Edges of each row; an edge in one direction is one in both. Beyond 20,000 rows neighbours are approximate.
    alpha : float, default=0.99
        From 0, where labels stay where they are, to 1, where they spread over the whole graph.
    n_components : int or None, default=64
        Principal components of X in which distances are measured; None takes the columns as they are.
    random_state : int, RandomState instance or None, default=None
        Draws the rows that components and approximate neighbours are found from. Without effect on few rows.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    label_distributions_ : ndarray of shape (n, n_classes)
        Class probabilities of all rows of fit: those of X, then those of `X_unlabeled`.
    transduction_ : ndarray of shape (n,)
        Their most probable classes.
    frequencies_ : ndarray of shape (n_classes,)
        Shares of the classes among the labels.
    mean_ : ndarray of shape (n_features_in_,)
        Mean of the columns.
    axes_ : ndarray of shape (n_axes, n_features_in_)
        Directions in which distances are measured.
    rows_ : ndarray of shape (n, n_axes)
        The rows of fit along these.
    scale_ : ndarray of shape (n,)
        Distance of each row of fit to its last neighbour.
    outflow_ : ndarray of shape (n, n_classes)
        What a neighbour receives from each row of fit through an edge of weight one.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Names of the columns. Only set if all of them are strings.

    Notes
    -----
    It is unsafe alone. Where rows of one class form a region of their own, as handwritten digits do, few labels are
    enough. Where classes lie side by side, as the vowels of several speakers do, or the objects that a sonar sees,
    labels cross their borders, and it falls far behind classifiers on the raw columns. Compare it with them, or let
    `FewLabelClassifier` weigh it by how well it predicts labels that it has not seen.

    See Also
    --------
    FewLabelClassifier : Combines it with classifiers on raw columns and on features.
    sklearn.semi_supervised.LabelSpreading : Has no local scaling and no class balance.

    References
    ----------
    .. [1] D. Zhou, O. Bousquet, T. N. Lal, J. Weston, B. Schölkopf. "Learning with Local and Global
       Consistency." NIPS 2003.
    .. [2] L. Zelnik-Manor, P. Perona. "Self-Tuning Spectral Clustering." NIPS 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import LabelDiffusion
    >>> X, y = load_digits(return_X_y=True)
    >>> few = np.where(np.arange(len(y)) % 40 == 0, y, -1)
    >>> clf = LabelDiffusion().fit(X, few)
    >>> bool(clf.score(X[few == -1], y[few == -1]) > 0.85)
    True
    """

    n_neighbors: int = 10
    alpha: float = 0.99
    n_components: int | None = 64
    random_state: int | np.random.RandomState | None = None

    # metadata routing passes X_unlabeled to fit without a call of set_fit_request
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"X_unlabeled": True}

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_neighbors": [count(1)],
        "alpha": [real(0, 1, closed="neither")],
        "n_components": [count(1), None],
        "random_state": ["random_state"],
    }

    def fit(self, X: Any, y: Any, X_unlabeled: Any = None) -> Self:
        """Build the graph of all rows, and spread the labels over it.

        Parameters
        ----------
        X : array or DataFrame of shape (n, d)
        y : array of shape (n,)
            Classes; -1, None or NaN for rows without a label. Where -1 and 1 are the only values, both are classes.
        X_unlabeled : array or DataFrame of shape (m, d), optional
            Further rows without a label.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter, X or y is invalid, or if no row has a label.
        """
        self._validate_params()
        require_y(self, y)
        check_consistent_length(X, y)
        classes, codes = partial_classes(y)
        before = dict(vars(self))
        try:
            forget_fitted(self)
            n = self.begin(X, X_unlabeled)
            self.spread(classes, np.r_[codes, np.full(n - len(codes), UNLABELED)])
            self.end()
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)  # a refused input changes nothing
            raise
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : array or DataFrame of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the class probabilities of each row, by its neighbours among the rows of fit.

        Parameters
        ----------
        X : array or DataFrame of shape (n, d)

        Returns
        -------
        ndarray of shape (n, n_classes), float64
        """
        check_is_fitted(self)
        X = dense_numbers(X, self, first=False)
        k = min(self.n_neighbors, len(self.rows_) - 1)
        search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(self.rows_)
        distances, columns = search.kneighbors(Directions(self.mean_, self.axes_)(X))
        weights = local_weights(distances, np.maximum(distances[:, -1], LEAST), self.scale_[columns])
        # far away from all rows all weights may vanish: the nearest neighbour is asked then
        weights[:, 0] = np.maximum(weights[:, 0], LEAST)
        return shares(np.einsum("nk,nkc->nc", weights, self.outflow_[columns]), self.frequencies_)

    def begin(self, X: Any, X_unlabeled: Any = None) -> int:
        """Build the graph of all rows, for `spread`, and return their number.

        Parameters
        ----------
        X : array or DataFrame of shape (n, d)
        X_unlabeled : array or DataFrame of shape (m, d), optional
        """
        Z = dense_numbers(X, self, first=True, min_rows=2)
        validate_data(self, X, skip_check_array=True)  # sets feature_names_in_ and n_features_in_
        if X_unlabeled is not None:
            pool = dense_numbers(X_unlabeled, self, first=False)
            Z = np.concatenate([Z, pool])
        seed = draw_seed(self.random_state, 1)
        directions = principal_directions(Z, self.n_components, seed)
        self.mean_, self.axes_ = directions
        self.rows_ = directions(Z)
        self._graph = scaled_graph(self.rows_, self.n_neighbors, seed)
        self.scale_ = self._graph.scale
        return len(Z)

    def spread(self, classes: np.ndarray, codes: np.ndarray) -> None:
        """Spread labels over the graph; `codes` has the class of each row, or -1."""
        self.classes_ = classes
        counts = np.bincount(codes[codes != UNLABELED], minlength=len(classes))
        self.frequencies_ = counts / counts.sum()
        received = propagate(self._graph.edges, sources(codes, len(classes)), self.alpha)
        self.label_distributions_ = shares(received, self.frequencies_)
        self.transduction_ = classes[self.label_distributions_.argmax(axis=1)]
        self.outflow_ = received / np.sqrt(self._graph.degree)[:, None]

    def end(self) -> Self:
        """Drop the graph, which is needed in fit only."""
        del self._graph
        return self

    def _check_fitted(self) -> None:
        d, k = whole(self, "n_features_in_", 1), len(self.classes_)
        n, m = array(self, "rows_", "f", (None, None)).shape
        array(self, "mean_", "f", (d,))
        array(self, "axes_", "f", (m, d))
        array(self, "scale_", "f", (n,), low=0)
        for name in ("outflow_", "label_distributions_"):
            array(self, name, "f", (n, k), low=0)
        array(self, "frequencies_", "f", (k,), 0, 1)
        if n < 2:
            refuse(self, "rows_", "must have at least two rows")
