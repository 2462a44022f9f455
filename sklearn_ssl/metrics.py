"""How good features are, without labels.

Each score is a function of arrays, and a scorer for ``scoring=`` in a search with ``y=None``. Greater is better
for all of them. None of them knows what the labels will be: compare settings of one method with them, not
methods with each other, and trust a few labelled rows more where there are any.

RankMe and uniformity ask whether features use their space, whatever fills it: noise does, too, and their scale does
not count, so that they cannot choose the `beta` of a VAE. Alignment is best for features that are constant, and for
views that are hardly changed. Neighbour agreement is neither, but views that are hardly changed help it as well.

What to trust them for, by ``benchmarks/label_free.py``, whose report has the figures: on tables none ranks settings of
contrastive learning well. Alignment and neighbour agreement choose a little better than chance on average; RankMe,
uniformity and the pretext loss choose worse, and the sign differs from table to table. So use RankMe and uniformity to
see a collapse, not to tune; tune by a classifier on the few labels there are (``LabeledOnly`` in a search), and by
neighbour agreement if there are none.
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

MANY = 2048  # rows, where distances of all pairs are computed, and for views
MOST = 25_600  # for singular values


def rankme_score(Z: Any, *, random_state: Any = 0) -> float:
    """How many directions the features fill: RankMe, their effective rank.

    Parameters
    ----------
    Z : array of shape (n, d)
        Features. The score is at most the smaller of n and d: compare arrays with the same number of rows.
        Of more than 25,600 rows as many are drawn, as in the paper.
    random_state : int or RandomState instance, default=0
        Of that draw.

    Returns
    -------
    float
        The exponential of the entropy of the singular values of `Z`, divided by their sum; from 1, and
        NaN if all features are zero.

    Raises
    ------
    ValueError
        If `Z` has not two dimensions or is not finite.

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
    """How near the features of two views of a row are: minus their mean squared distance.

    Parameters
    ----------
    A, B : array of shape (n, d)
        Features of one and of the other view; row i of both is of the same input. Rows are normalised.

    Returns
    -------
    float
        From -4 to 0, where both views have the same features. Constant features are perfectly aligned: read
        it beside :func:`uniformity_score`.

    Raises
    ------
    ValueError
        If the arrays have not two dimensions, are not finite or differ in shape.

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
    """How evenly the features of different rows are spread over the sphere.

    Parameters
    ----------
    Z : array of shape (n, d)
        Features of at least two rows, which are normalised. Of more than 2,048 rows as many are drawn.
    random_state : int or RandomState instance, default=0
        Of that draw.

    Returns
    -------
    float
        Minus the logarithm of the mean of ``exp(-2 * distance**2)`` over all pairs of rows: from 0, where
        all are one point, to 8 for two opposite ones; rows at random on a sphere come to about 4.

    Raises
    ------
    ValueError
        If `Z` has not two dimensions, is not finite or has a single row.

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
    """How far a row's nearest neighbours are the same for its two views.

    Parameters
    ----------
    A, B : array of shape (n, d)
        Features of one and of the other view; row i of both is of the same input. Of more than 2,048 rows
        as many are drawn.
    n_neighbors : int, default=10
        How many neighbours, by cosine similarity, among the other rows of the same view. Fewer where there
        are not as many rows.
    random_state : int or RandomState instance, default=0
        Of that draw.

    Returns
    -------
    float
        Mean share of the neighbours that both have, from 0 to 1, less what chance gives, and divided by
        what it leaves: 0 is chance, 1 is perfect.

    Raises
    ------
    ValueError
        If the arrays have not two dimensions, are not finite, differ in shape or have fewer than three rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl.metrics import neighbor_agreement_score
    >>> A = np.random.default_rng(0).normal(size=(100, 5))
    >>> neighbor_agreement_score(A, 2 * A)
    1.0
    """
    if not isinstance(n_neighbors, (int, np.integer)) or n_neighbors < 1:
        raise ValueError(f"n_neighbors={n_neighbors!r} must be an integer of at least 1.")
    A, B = _two_views(A, B, min_rows=3)
    rng = check_random_state(random_state)
    rows = rng.permutation(len(A))[:MANY]
    A, B = A[rows], B[rows]
    n = len(A)
    k = min(int(n_neighbors), n - 2)
    order = rng.permutation(n)  # ties must not break alike: they are no agreement
    near = [NearestNeighbors(n_neighbors=k, metric="cosine").fit(Z).kneighbors()[1] for Z in (A, B[order])]
    near[1] = order[near[1][np.argsort(order)]]
    shared = np.mean([len(np.intersect1d(a, b)) for a, b in zip(*near, strict=True)]) / k
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
    """
    return uniformity_score(estimator.transform(_some(X, MANY)))


def alignment_scorer(estimator: Any, X: Any, y: Any = None) -> float:
    """Return :func:`alignment_score` of the features of two views of X, for ``scoring=``.

    Parameters
    ----------
    estimator : fitted pretrainer, or a pipeline that ends in one
        Its modality draws the views, from a fixed seed. They are corrupted as much as the modality says:
        settings of the modality change what is compared.
    X : like the X of fit, at least 3 rows; of more than 2,048 as many are drawn
    y : ignored
    """
    return alignment_score(*_features_of_views(estimator, X))


def neighbor_agreement_scorer(estimator: Any, X: Any, y: Any = None) -> float:
    """Return :func:`neighbor_agreement_score` of the features of two views of X, for ``scoring=``.

    Parameters
    ----------
    estimator : fitted pretrainer, or a pipeline that ends in one
        Its modality draws the views, from a fixed seed. They are corrupted as much as the modality says:
        settings of the modality change what is compared.
    X : like the X of fit, at least 3 rows; of more than 2,048 as many are drawn
    y : ignored
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
    """Return `most` random rows of a container, all if it has no more."""
    rng = check_random_state(random_state)
    n = _num_samples(rows)
    return rows if n <= most else _safe_indexing(rows, np.sort(rng.permutation(n)[:most]))
