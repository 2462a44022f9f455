"""A splitter for rows in order of time, some of which have no label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.model_selection import TimeSeriesSplit

from ._splits import checked_labels


class SemiSupervisedTimeSeriesSplit(TimeSeriesSplit):
    """:class:`~sklearn.model_selection.TimeSeriesSplit` of the labelled rows; only rows of the past train.

    Rows are in order of time. Each fold scores a block of labelled rows. It trains on the labelled rows before that
    block, and on the unlabeled rows before it: nothing is learned from the future, labelled or not.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds. The labelled rows are cut into one block more, as the first block is only trained on.
    max_train_size : int or None, default=None
        Greatest number of labelled training rows. Unlabeled rows before the first of them are then left out.
    test_size : int or None, default=None
        Number of labelled rows in a block. If None, ``n_labelled // (n_splits + 1)``.
    gap : int, default=0
        Number of labelled rows left out before each block. Unlabeled rows among them are left out too.

    See Also
    --------
    SemiSupervisedKFold : Folds of rows without an order.
    cross_val_predict_labeled : Predictions for the rows that the folds score.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl.model_selection import SemiSupervisedTimeSeriesSplit
    >>> X, y = np.zeros((8, 2)), np.array([0, -1, 1, -1, 0, -1, 1, -1])
    >>> for train, test in SemiSupervisedTimeSeriesSplit(3).split(X, y):
    ...     print(train, test)
    [0 1] [2]
    [0 1 2 3] [4]
    [0 1 2 3 4 5] [6]
    """

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the training rows, which are before all rows to score, and the labelled rows to score.

        Parameters
        ----------
        X : array, DataFrame, sparse matrix or list of n rows
            In order of time.
        y : array, Series or list of shape (n,) or (n, n_outputs)
            Rows whose y is -1, None or NaN are unlabeled, as for :class:`SemiSupervisedKFold`.
        groups : None
            Ignored.

        Yields
        ------
        train, test : ndarray of int
            Row indices, in ascending order.

        Raises
        ------
        ValueError
            If y is missing, or has too few labels for that many folds.
        """
        labeled, _, rest = checked_labels(self, X, y, self.n_splits + 1)
        for train, test in super().split(labeled):
            first = labeled[train[0]] if train[0] else 0
            past = rest[(rest >= first) & (rest < labeled[test[0] - self.gap])]
            yield np.sort(np.concatenate([labeled[train], past])), labeled[test]
