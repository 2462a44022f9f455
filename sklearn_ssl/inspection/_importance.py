"""Which columns, pixels or steps features depend on: by permutation, and by gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from ..base import TrainedNetwork
from ..encoders import Frames
from ..modalities import Image, Series, Tabular, is_count, is_frame
from ..training import BatchLoader, move
from ._parts import column_names, modality_in, parts_of_rows

ROWS = 256  # of a batch whose gradients are computed at once


def permutation_importance(
    estimator: Any,
    X: Any,
    *,
    n_repeats: int = 5,
    patch_size: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """Return how far features move if a part of the rows is exchanged between rows.

    It is scikit-learn's permutation importance, with features in place of a score: no y is needed. A part is a column
    of a table, a patch of an image, or a stretch of a channel of a series. Its importance is the mean squared distance
    that rows move in the space of the features, as a share of the mean squared distance between two rows. So 0 says
    that features do not depend on it, and 1 that exchanging it is as good as exchanging whole rows. Parts that say the
    same are all of low importance, since each can be told from the others.

    Parameters
    ----------
    estimator : fitted transformer
        A pretrainer, or anything else with ``transform``, such as a Pipeline of transformers.
    X : what ``estimator.transform`` takes, n rows
        A table, images, or an array of series.
    n_repeats : int, default=5
        How often each part is exchanged.
    patch_size : int or None, default=None
        Height and width of patches in pixels, or length of stretches in steps. None is an eighth of the shorter side,
        or of the series.
    random_state : int, RandomState instance or None, default=None
        Decides which rows exchange their parts.

    Returns
    -------
    Bunch
        ``importances_mean`` and ``importances_std``, ndarrays of shape (n_columns,), (height, width) or
        (channels, time), which repeat the number of a patch for each of its pixels; ``importances``, of shape
        (n_parts, n_repeats); and ``names``, those of columns, or None.

    Raises
    ------
    TypeError
        If the estimator does not transform, or rows have no such parts: texts, sound, and lists of series.
    ValueError
        If a parameter is invalid, or X has a single row.

    See Also
    --------
    gradient_importance : Quicker, for networks alone.

    References
    ----------
    .. [1] L. Breiman. "Random Forests." Machine Learning 45, 2001. https://doi.org/10.1023/A:1010933404324

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.inspection import permutation_importance
    >>> X = load_wine(as_frame=True).data
    >>> ssl = ContrastivePretrainer(n_components=8, max_epochs=1, random_state=0).fit(X)
    >>> found = permutation_importance(ssl, X, n_repeats=2, random_state=0)
    >>> found.importances_mean.shape, found.names[:2]
    ((13,), ['alcohol', 'malic_acid'])
    """
    if not is_count(n_repeats, 1):
        raise ValueError(f"n_repeats={n_repeats!r:.60} must be a positive integer.")
    rng = check_random_state(random_state)
    if not hasattr(estimator, "transform"):
        raise TypeError(
            f"{type(estimator).__name__} has no transform, and importance is of features. Pass a transformer; for "
            "predictions there is sklearn.inspection.permutation_importance."
        )
    check_is_fitted(estimator)
    X = X if is_frame(X) or sp.issparse(X) else _as_rows(X)
    parts = parts_of_rows(modality_in(estimator), X, patch_size)
    Z = _features(estimator, X)
    spread = 2 * Z.var(axis=0).sum()
    if len(Z) < 2 or not spread > 0:
        raise ValueError("All rows of X have the same features, so none of them can move. Pass more rows.")
    table = np.empty((len(parts.cells), n_repeats))
    for part, cells in enumerate(parts.cells):
        for repeat in range(n_repeats):
            mixed = _exchanged(X, cells, rng.permutation(len(Z)))
            table[part, repeat] = ((_features(estimator, mixed) - Z) ** 2).sum(axis=1).mean() / spread
    mean, std = table.mean(axis=1)[parts.grid], table.std(axis=1)[parts.grid]
    return Bunch(importances_mean=mean, importances_std=std, importances=table, names=parts.names)


def gradient_importance(
    estimator: Any, X: Any, *, n_draws: int = 8, random_state: int | np.random.RandomState | None = None
) -> Bunch:
    """Return how much features change with each column, pixel or step, by gradients through the network.

    The importance is the root of the mean squared derivative of all features, over rows: how far features move, in
    their spread, if a column moves by its standard deviation, or a pixel by that of its channel. It sees small changes
    only, where `permutation_importance` sees large ones, and takes a few passes through the network in place of one for
    each part.

    Parameters
    ----------
    estimator : fitted estimator with a network
        A pretrainer, or a fine-tuned or distilled classifier or regressor, whose outputs are then asked.
    X : what the estimator takes, n rows
        A table, images, or series of one length.
    n_draws : int, default=8
        Backward passes per batch. Each is of a sum of all features with random signs, whose mean square is exact in the
        limit.
    random_state : int, RandomState instance or None, default=None
        Draws the signs in these sums.

    Returns
    -------
    Bunch
        ``importances_mean`` and ``importances_std``, the standard error over draws, ndarrays of shape (n_columns,),
        (height, width) or (channels, time); ``importances``, with an axis of draws at the end; and ``names``, those of
        columns, or None. The categories of a column count together.

    Raises
    ------
    TypeError
        If there is no network, or its input has no gradient: texts.
    ValueError
        If a parameter is invalid, or X is.

    References
    ----------
    .. [1] K. Simonyan, A. Vedaldi, A. Zisserman. "Deep Inside Convolutional Networks: Visualising Image Classification
       Models and Saliency Maps." 2013. https://arxiv.org/abs/1312.6034

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.inspection import gradient_importance
    >>> from sklearn_ssl.modalities import Image
    >>> X = load_digits().data[:100]
    >>> ssl = ContrastivePretrainer(modality=Image(shape=(8, 8)), n_components=8, max_epochs=1).fit(X)
    >>> gradient_importance(ssl, X, n_draws=2).importances_mean.shape
    (8, 8)
    """
    if not is_count(n_draws, 1):
        raise ValueError(f"n_draws={n_draws!r:.60} must be a positive integer.")
    if not isinstance(estimator, TrainedNetwork):
        raise TypeError(
            f"{type(estimator).__name__} has no network of this package, so there are no gradients. Take "
            "permutation_importance, or pass the step of the pipeline that has one."
        )
    check_is_fitted(estimator)
    modality = estimator.modality_
    if not isinstance(modality, (Tabular, Image, Series)):
        raise TypeError(
            f"{type(modality).__name__} has no columns, pixels or steps of one length, so there are no gradients to "
            "show. Pass tables, images or series."
        )
    store: Any = modality.validate(X)
    seed = int(check_random_state(random_state).randint(2**31))
    squares, spread = _squared_slopes(
        estimator._deployed().eval(), store, estimator.net_.device, n_draws, seed
    )
    if not spread > 0:
        raise ValueError("All rows of X have the same features. Pass more rows.")
    steps = int(store.lengths.max()) if isinstance(modality, Series) else None  # without the store's padding
    maps = np.stack([_per_part(part[:steps], modality) / (len(store) * spread) for part in squares], axis=-1)
    roots = np.sqrt(maps)
    names = column_names(X) if isinstance(modality, Tabular) else None
    return Bunch(
        importances_mean=np.sqrt(maps.mean(axis=-1)),
        importances_std=roots.std(axis=-1) / np.sqrt(n_draws),
        importances=roots,
        names=names,
    )


def _squared_slopes(
    network: Any, store: Any, device: Any, n_draws: int, seed: int
) -> tuple[list[Tensor], float]:
    """Return the squared gradient of all features at each number of a row, summed over rows, for each draw of signs.

    Squares of the gradient of a sum with random signs are, in the mean, the sum of the squares. The second result is
    the variance of all features together.
    """
    squares: list[Any] = [0.0] * n_draws
    first: Any = 0.0
    second: Any = 0.0
    generator = torch.Generator().manual_seed(seed)
    for index in BatchLoader(store, ROWS).indices():
        batch = move(store[index], device)
        x = (batch.values if isinstance(batch, Frames) else batch).detach().requires_grad_()
        with torch.enable_grad():
            Z = network(batch._replace(values=x) if isinstance(batch, Frames) else x).double()
        first, second = first + Z.detach().sum(0), second + Z.detach().square().sum(0)
        for draw in range(n_draws):
            signs = torch.randint(0, 2, Z.shape, generator=generator).to(Z) * 2 - 1
            (slope,) = torch.autograd.grad((Z * signs).sum(), x, retain_graph=draw + 1 < n_draws)
            squares[draw] = squares[draw] + slope.double().square().sum(0)
    n = len(store)
    return squares, float((second / n - (first / n) ** 2).sum())


def _per_part(squares: Tensor, modality: Any) -> np.ndarray:
    """Return squared gradients of a row of a batch, by columns of X, pixels, or channels and steps."""
    values = squares.cpu()
    if isinstance(modality, Image):
        return values.sum(0).numpy()
    if isinstance(modality, Series):
        return values.T.numpy()
    cells = torch.zeros(modality.cells.n_cells, dtype=values.dtype)
    cells.index_add_(0, modality.cells.owners(), values)
    columns = np.empty(len(cells))
    columns[np.concatenate([modality.numeric_, modality.categorical_])] = cells.numpy()
    return columns


def _as_rows(X: Any) -> Any:
    """Return a list of rows of one shape as an array; anything else unchanged."""
    if isinstance(X, (list, tuple)) and X and not isinstance(X[0], str):
        shapes = {np.shape(row) for row in X}
        return np.asarray(X) if len(shapes) == 1 and shapes != {()} else X
    return X


def _features(estimator: Any, X: Any) -> np.ndarray:
    Z = estimator.transform(X)
    return np.asarray(Z.toarray() if sp.issparse(Z) else Z, dtype=np.float64)


def _exchanged(X: Any, cells: np.ndarray, order: np.ndarray) -> Any:
    """Return X with some cells of each row taken from another row; X is not changed."""
    if is_frame(X):
        name = X.columns[int(cells[0])]
        if hasattr(X, "iloc"):
            mixed = X.copy(deep=False)
            mixed[name] = X[name].iloc[order].set_axis(X.index)
            return mixed
        return X.with_columns(X[name].gather(order).alias(name))
    if sp.issparse(X):
        mixed = X.tolil(copy=True)
        mixed[:, cells] = mixed[order][:, cells]
        return mixed.tocsr()
    flat = np.array(X).reshape(len(X), -1)
    flat[:, cells] = np.asarray(X).reshape(len(X), -1)[order][:, cells]
    return flat.reshape(np.shape(X))
