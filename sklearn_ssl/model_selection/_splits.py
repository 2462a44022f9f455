"""Cross-validation splitters that score labelled rows only, and train on all other rows."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from ..few_labels import as_array, labeled_rows, plain, warn_of_minus_one


class _SemiSupervised:
    """Mixin: the splitter splits the labelled rows only; all other rows are training rows in every fold."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the training rows, which include all unlabeled rows, and the labelled rows to score.

        Parameters
        ----------
        X : array, DataFrame, sparse matrix or list of n rows
        y : array, Series or list of shape (n,) or (n, n_outputs)
            Rows whose y is -1, None or NaN are unlabeled. Among targets of a regression -1 is a label: if y has
            fractions, or if two of these hold: None or NaN marks missing labels; there are numbers below -1;
            there are more than 30 different numbers.
        groups : array of shape (n,), optional
            Groups of the rows, if the splitter uses groups. The labelled rows of a group stay on one side of
            a split; its unlabeled rows are always training rows.

        Yields
        ------
        train, test : ndarray of int
            Row indices, in ascending order.

        Raises
        ------
        ValueError
            If y is missing, or has too few labels for that many folds.
        """
        n_splits = self.get_n_splits()  # type: ignore[attr-defined]  # of the splitter that it is mixed with
        labeled, values, _ = checked_labels(self, X, y, n_splits)
        yield from folds_of(super().split, labeled, values, groups)  # type: ignore[misc]  # likewise


def n_workers(n_jobs: Any, n_tasks: int) -> int | None:
    """Return how many tasks run at once: no more than there are, since joblib starts a process for each.

    Parameters
    ----------
    n_jobs : int or None
        As in joblib: -1 stands for all processors, -2 for all but one.
    n_tasks : int

    Raises
    ------
    ValueError
        If it is no such number.
    """
    if n_jobs is None:
        return None
    if isinstance(n_jobs, (bool, np.bool_)) or not isinstance(n_jobs, Integral) or n_jobs == 0:
        raise ValueError(
            f"n_jobs={n_jobs!r:.60} must be None or an integer other than 0: -1 for all processors."
        )
    return min(int(n_jobs), max(n_tasks, 1))


def checked_labels(splitter: Any, X: Any, y: Any, at_least: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the indices of the labelled rows, y as an array, and the indices of the other rows.

    Parameters
    ----------
    splitter : splitter
        Named in errors.
    X, y
        As passed to ``split``.
    at_least : int
        Number of labelled rows that are needed.

    Returns
    -------
    labeled, values, rest : ndarray

    Raises
    ------
    ValueError
        If y is missing, differs from X in length, or has too few labels.
    """
    if y is None:
        raise ValueError(f"{type(splitter).__name__} needs y: it tells which rows have labels.")
    if _num_samples(X) != _num_samples(y):
        raise ValueError(f"X has {_num_samples(X)} rows and y has {_num_samples(y)}. Pass one y a row.")
    labeled, values = labeled_rows(y), as_array(y)
    if len(labeled) < at_least:
        raise ValueError(
            f"y has {len(labeled)} labelled rows, too few for n_splits={splitter.get_n_splits()}. Lower n_splits."
        )
    warn_of_minus_one(y, plain(values[labeled]))
    return labeled, values, np.setdiff1d(np.arange(len(values)), labeled, assume_unique=True)


def folds_of(
    split: Any, labeled: np.ndarray, values: np.ndarray, groups: Any
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield what `split` makes of the labelled rows; all other rows are training rows.

    Parameters
    ----------
    split : callable
        ``split`` of a splitter of scikit-learn.
    labeled : ndarray of int
        Indices of the labelled rows.
    values : ndarray of shape (n,) or (n, n_outputs)
        y.
    groups : array of shape (n,) or None

    Yields
    ------
    train, test : ndarray of int
    """
    rest = np.setdiff1d(np.arange(len(values)), labeled, assume_unique=True)
    if groups is not None:
        groups = _safe_indexing(groups, labeled)
    for train, test in split(labeled, plain(values[labeled]), groups):
        yield np.sort(np.concatenate([labeled[train], rest])), labeled[test]


class SemiSupervisedKFold(_SemiSupervised, KFold):
    """:class:`~sklearn.model_selection.KFold` of the labelled rows; unlabeled ones always train.

    Use it in a search over a pipeline whose first steps learn from all rows and whose last step is
    :class:`~sklearn_ssl.LabeledOnly`.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds.
    shuffle : bool, default=False
        Shuffle the labelled rows before they are split.
    random_state : int, RandomState instance or None, default=None
        Controls the shuffling, with ``shuffle=True``.

    See Also
    --------
    SemiSupervisedStratifiedKFold : Preserves the shares of the classes.
    SemiSupervisedGroupKFold : Keeps groups together.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl.model_selection import SemiSupervisedKFold
    >>> X, y = np.zeros((6, 2)), np.array([0, -1, 1, -1, 0, 1])
    >>> for train, test in SemiSupervisedKFold(2).split(X, y):
    ...     print(train, test)
    [1 3 4 5] [0 2]
    [0 1 2 3] [4 5]
    """


class SemiSupervisedStratifiedKFold(_SemiSupervised, StratifiedKFold):
    """:class:`~sklearn.model_selection.StratifiedKFold` of the labelled rows; unlabeled ones always train.

    Each fold has about the same share of each class. ``GridSearchCV`` stratifies the folds of a classifier if
    its `cv` is a number; with unlabeled rows, pass this splitter as `cv` instead.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds; each class needs at least as many labelled rows.
    shuffle : bool, default=False
        Shuffle the rows of each class before they are split.
    random_state : int, RandomState instance or None, default=None
        Controls the shuffling, with ``shuffle=True``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl.model_selection import SemiSupervisedStratifiedKFold
    >>> X, y = np.zeros((6, 2)), np.array(["a", None, "a", "b", None, "b"], dtype=object)
    >>> for train, test in SemiSupervisedStratifiedKFold(2).split(X, y):
    ...     print(train, test)
    [1 2 4 5] [0 3]
    [0 1 3 4] [2 5]
    """


class SemiSupervisedGroupKFold(_SemiSupervised, GroupKFold):
    """:class:`~sklearn.model_selection.GroupKFold` of the labelled rows; unlabeled ones always train.

    In each fold the labelled rows of a group are either all trained on or all scored. Its unlabeled rows are
    always trained on. Leave them out of X if the features, too, must not have seen a group that is scored.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds; at least as many groups must have labels.
    shuffle : bool, default=False
        Shuffle the groups before they are split.
    random_state : int, RandomState instance or None, default=None
        Controls the shuffling, with ``shuffle=True``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl.model_selection import SemiSupervisedGroupKFold
    >>> X, y, patient = np.zeros((5, 2)), np.array([0, 1, -1, 1, 0]), np.array([7, 7, 7, 8, 8])
    >>> for train, test in SemiSupervisedGroupKFold(2).split(X, y, patient):
    ...     print(train, test)
    [0 1 2] [3 4]
    [2 3 4] [0 1]
    """


class SemiSupervisedStratifiedGroupKFold(_SemiSupervised, StratifiedGroupKFold):
    """:class:`~sklearn.model_selection.StratifiedGroupKFold` of the labelled rows; unlabeled ones always train.

    Groups stay on one side of a split, as with :class:`SemiSupervisedGroupKFold`, and each fold has about the
    same share of each class.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds; each class needs at least as many labelled rows.
    shuffle : bool, default=False
        Shuffle the groups before they are split.
    random_state : int, RandomState instance or None, default=None
        Controls the shuffling, with ``shuffle=True``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl.model_selection import SemiSupervisedStratifiedGroupKFold
    >>> X, y = np.zeros((6, 2)), np.array([0, 1, -1, 1, 0, -1])
    >>> patient = np.array([7, 7, 7, 8, 8, 8])
    >>> for train, test in SemiSupervisedStratifiedGroupKFold(2).split(X, y, patient):
    ...     print(train, test)
    [2 3 4 5] [0 1]
    [0 1 2 5] [3 4]
    """
