"""Scores of features without labels.

Each score is a function of arrays, with a scorer for ``scoring=`` in a search with ``y=None``. Greater is better for
all of them. None of them knows the labels. Use them to compare settings of one method, not methods with each other,
and trust a few labelled rows more if there are any.

RankMe and uniformity measure whether features use their space, whatever fills it. Noise fills it too, and the scale of
features does not count, so they cannot choose the `beta` of a VAE. Alignment is best for constant features, and for
views that are hardly changed. Constant features do not raise neighbour agreement, but views that are hardly changed do.

The report of ``benchmarks/label_free.py`` shows what to trust them for. On tables, none of them ranks settings of
contrastive learning well. Alignment and neighbour agreement choose a little better than chance on average; RankMe,
uniformity and the pretext loss choose worse than chance. The sign of the correlation differs from table to table. So
use RankMe and uniformity to detect a collapse, not to tune. Tune by a classifier on the few labels there are
(``LabeledOnly`` in a search), or by neighbour agreement if there are none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.metrics import euclidean_distances
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import normalize
from sklearn.utils import _safe_indexing, check_array, check_random_state
from sklearn.utils.validation import _num_samples

from .modalities import is_count
from .training import effective_rank

__all__ = [
    "alignment_score",
    "alignment_scorer",
    "neighbor_agreement_score",
    "neighbor_agreement_scorer",
    "rankme_score",
    "rankme_scorer",
    "uniformity_score",
    "uniformity_scorer",
]

MANY = 2048  # rows, for distances of all pairs and for views
MOST = 25_600  # rows, for singular values


def rankme_score(Z: Any, *, random_state: Any = 0) -> float:
    """Effective rank of the features (RankMe): how many directions they fill.

    Parameters
    ----------
    Z : array of shape (n, d)
        Features. The score is at most the smaller of n and d, so compare arrays with the same number of rows.
        If there are more than 25,600 rows, that many are drawn, as in the paper.
    random_state : int or RandomState instance, default=0
        Seed of that draw.

    Returns
    -------
    float
        The exponential of the entropy of the singular values of `Z`, divided by their sum. At least 1, and
        NaN if all features are zero.

    Raises
    ------
    ValueError
        If `Z` does not have two dimensions or is not finite.

    References
    ----------
    .. [1] Q. Garrido, R. Balestriero, L. Najman, Y. LeCun. "RankMe: Assessing the Downstream Performance of
       Pretrained Self-Supervised Representations by Their Rank." ICML 2023. https://arxiv.org/abs/2210.02885

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl.metrics import rankme_score
    >>> round(rankme_score(np.eye(4)), 6), round(rankme_score(np.ones((4, 3))), 6)
    (4.0, 1.0)
    """
    Z = check_array(Z, input_name="Z", dtype=[np.float64, np.float32])
    return effective_rank(torch.tensor(_some(Z, MOST, random_state)))


def alignment_score(A: Any, B: Any) -> float:
    """Minus the mean squared distance between the features of two views of a row.

    Parameters
    ----------
    A, B : array of shape (n, d)
        Features of the two views; row i of both is of the same input. Rows are normalised to length 1.

    Returns
    -------
    float
        From -4 to 0; 0 if both views have the same features. Constant features are perfectly aligned, so read
        it together with :func:`uniformity_score`.

    Raises
    ------
    ValueError
        If the arrays do not have two dimensions, are not finite or differ in shape.

    References
    ----------
    .. [1] T. Wang, P. Isola. "Understanding Contrastive Representation Learning through Alignment and
       Uniformity on the Hypersphere." ICML 2020. https://arxiv.org/abs/2005.10242

    Examples
    --------
    >>> from sklearn_ssl.metrics import alignment_score
    >>> alignment_score([[1, 0], [0, 2]], [[3, 0], [0, 1]])
    0.0
    """
    A, B = _two_views(A, B)
    return -float(((normalize(A) - normalize(B)) ** 2).sum(1).mean()) + 0.0


def uniformity_score(Z: Any, *, random_state: Any = 0) -> float:
    """How evenly the features of different rows are spread over the unit sphere.

    Parameters
    ----------
    Z : array of shape (n, d)
        Features of at least two rows. Rows are normalised to length 1. If there are more than 2,048 rows, that
        many are drawn.
    random_state : int or RandomState instance, default=0
        Seed of that draw.

    Returns
    -------
    float
        Minus the logarithm of the mean of ``exp(-2 * distance**2)`` over all pairs of rows: from 0, if all
        rows are one point, to 8 for two opposite points. Random rows on a sphere score about 4.

    Raises
    ------
    ValueError
        If `Z` does not have two dimensions, is not finite or has a single row.

    References
    ----------
    .. [1] T. Wang, P. Isola. "Understanding Contrastive Representation Learning through Alignment and
       Uniformity on the Hypersphere." ICML 2020. https://arxiv.org/abs/2005.10242

    Examples
    --------
    >>> from sklearn_ssl.metrics import uniformity_score
    >>> uniformity_score([[1, 0], [2, 0]]), uniformity_score([[1, 0], [-1, 0]])
    (0.0, 8.0)
    """
    Z = check_array(Z, input_name="Z", dtype=[np.float64, np.float32], ensure_min_samples=2)
    Z = normalize(_some(Z, MANY, random_state)).astype(np.float64)
    squared = euclidean_distances(Z, squared=True)[np.triu_indices(len(Z), 1)]
    return -float(np.log(np.exp(-2 * squared).mean())) + 0.0


def neighbor_agreement_score(A: Any, B: Any, *, n_neighbors: int = 10, random_state: Any = 0) -> float:
    """Share of nearest neighbours that the two views of a row have in common, corrected for chance.

    Parameters
    ----------
    A, B : array of shape (n, d)
        Features of the two views; row i of both is of the same input. If there are more than 2,048 rows, that
        many are drawn.
    n_neighbors : int, default=10
        Number of neighbours, by cosine similarity, among the other rows of the same view. Fewer if there are
        too few rows.
    random_state : int or RandomState instance, default=0
        Seed of that draw.

    Returns
    -------
    float
        ``(share - chance) / (1 - chance)``, where share is the mean share of common neighbours and chance
        is its value for random neighbours: 0 is chance, 1 is perfect.

    Raises
    ------
    ValueError
        If the arrays do not have two dimensions, are not finite, differ in shape or have fewer than three rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl.metrics import neighbor_agreement_score
    >>> A = np.random.default_rng(0).normal(size=(100, 5))
    >>> neighbor_agreement_score(A, 2 * A)
    1.0
    """
    if not is_count(n_neighbors, 1):
        raise ValueError(f"n_neighbors={n_neighbors!r} must be an integer of at least 1.")
    A, B = _two_views(A, B, min_rows=3)
    rng = check_random_state(random_state)
    rows = rng.permutation(len(A))[:MANY]
    A, B = A[rows], B[rows]
    n = len(A)
    k = min(int(n_neighbors), n - 2)
    order = rng.permutation(n)  # ties must not break alike in both views: that is no agreement
    nearest = [NearestNeighbors(n_neighbors=k, metric="cosine").fit(Z).kneighbors()[1] for Z in (A, B[order])]
    nearest[1] = order[nearest[1][np.argsort(order)]]
    shared = np.mean([len(np.intersect1d(a, b)) for a, b in zip(*nearest, strict=True)]) / k
    chance = k / (n - 1)
    return float((shared - chance) / (1 - chance))


def rankme_scorer(estimator: Any, X: Any, y: Any = None) -> float:
    """Return :func:`rankme_score` of the features of X, for ``scoring=``.

    Parameters
    ----------
    estimator : fitted transformer
    X : like the X of fit
    y : ignored

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.metrics import rankme_scorer
    >>> grid = {"temperature": [0.1, 1.0]}
    >>> search = GridSearchCV(ContrastivePretrainer(max_epochs=2), grid, scoring=rankme_scorer, cv=2)
    >>> bool(search.fit(load_iris().data).best_score_ > 1)
    True
    """
    return rankme_score(estimator.transform(_some(X, MOST)))


def uniformity_scorer(estimator: Any, X: Any, y: Any = None) -> float:
    """Return :func:`uniformity_score` of the features of X, for ``scoring=``.

    Parameters
    ----------
    estimator : fitted transformer
    X : like the X of fit
    y : ignored

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.metrics import uniformity_scorer
    >>> X = load_iris().data
    >>> uniformity_scorer(ContrastivePretrainer(max_epochs=0, random_state=0).fit(X), X) >= 0
    True
    """
    return uniformity_score(estimator.transform(_some(X, MANY)))


def alignment_scorer(estimator: Any, X: Any, y: Any = None) -> float:
    """Return :func:`alignment_score` of the features of two views of X, for ``scoring=``.

    Parameters
    ----------
    estimator : fitted pretrainer, or a pipeline that ends in one
        Its modality draws the views, from a fixed seed. The settings of the modality decide how strongly views
        are corrupted, so they change what is compared.
    X : like the X of fit, at least 3 rows; if there are more than 2,048, that many are drawn
    y : ignored

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.metrics import alignment_scorer
    >>> X = load_iris().data
    >>> alignment_scorer(ContrastivePretrainer(max_epochs=0, random_state=0).fit(X), X) <= 0
    True
    """
    return alignment_score(*_features_of_views(estimator, X))


def neighbor_agreement_scorer(estimator: Any, X: Any, y: Any = None) -> float:
    """Return :func:`neighbor_agreement_score` of the features of two views of X, for ``scoring=``.

    Parameters
    ----------
    estimator : fitted pretrainer, or a pipeline that ends in one
        Its modality draws the views, from a fixed seed. The settings of the modality decide how strongly views
        are corrupted, so they change what is compared.
    X : like the X of fit, at least 3 rows; if there are more than 2,048, that many are drawn
    y : ignored

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.metrics import neighbor_agreement_scorer
    >>> X = load_iris().data
    >>> neighbor_agreement_scorer(ContrastivePretrainer(max_epochs=0, random_state=0).fit(X), X) <= 1
    True
    """
    return neighbor_agreement_score(*_features_of_views(estimator, X))


def _features_of_views(estimator: Any, X: Any) -> tuple[np.ndarray, np.ndarray]:
    X = _some(X, MANY)
    if isinstance(estimator, Pipeline):
        return _features_of_views(estimator[-1], estimator[:-1].transform(X) if len(estimator) > 1 else X)
    if not hasattr(estimator, "transform_views"):
        raise TypeError(
            f"This score compares two views of each row, and {type(estimator).__name__} draws none. It takes a "
            "pretrainer, or a pipeline that ends in one; rankme_scorer and uniformity_scorer take any transformer."
        )
    return estimator.transform_views(X)


def _two_views(A: Any, B: Any, min_rows: int = 1) -> tuple[np.ndarray, np.ndarray]:
    A = check_array(A, input_name="A", dtype=[np.float64, np.float32], ensure_min_samples=min_rows)
    B = check_array(B, input_name="B", dtype=[np.float64, np.float32], ensure_min_samples=min_rows)
    if A.shape != B.shape:
        raise ValueError(f"A of shape {A.shape} and B of shape {B.shape} must have the same shape.")
    return A, B


def _some(rows: Any, most: int, random_state: Any = 0) -> Any:
    """Return `most` random rows of a container, or all rows if there are no more."""
    rng = check_random_state(random_state)
    n = _num_samples(rows)
    return rows if n <= most else _safe_indexing(rows, np.sort(rng.permutation(n)[:most]))
