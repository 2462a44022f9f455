"""Callbacks that monitor the training of a pretrainer."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils import check_consistent_length, column_or_1d
from skorch import NeuralNet
from skorch.callbacks import Callback

from .few_labels import as_array, is_labeled, plain, refuse_plus_and_minus_one
from .modalities import is_count
from .training import Selection, outputs_of

__all__ = ["OnlineProbe"]


class OnlineProbe(Callback):
    """Accuracy of a classifier on the features of a few labelled rows, after each epoch.

    The labels never affect the loss: training with and without the probe gives the same bits. The accuracy is
    recorded in ``history_`` as ``probe_accuracy``. It is cross-validated on these rows, so with few of them it
    is a rough estimate. If you choose an epoch by it, evaluate the result on other labels.

    Parameters
    ----------
    X : like the X of fit, of shape (n, ...)
        The labelled rows. Others may be among them.
    y : array, Series or list of shape (n,)
        Their labels. Rows whose y is -1, None or NaN are left out.
    classifier : estimator or None, default=None
        Classifier to fit to the features, such as ``LogisticRegression()``. If None,
        ``KNeighborsClassifier(1, metric="cosine")``.
    cv : int, cross-validator or None, default=None
        How to split the labelled rows. If None, stratified, in as many folds as the smallest class has rows, at most 5.
    every : int, default=1
        Number of epochs from one probe to the next.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.callbacks import OnlineProbe
    >>> X, y = load_iris(return_X_y=True)
    >>> probe = OnlineProbe(X[::10], y[::10])
    >>> ssl = ContrastivePretrainer(max_epochs=3, callbacks=[probe], random_state=0).fit(X)
    >>> [row["probe_accuracy"] > 0.5 for row in ssl.history_]
    [True, True, True]
    """

    def __init__(self, X: Any, y: Any, *, classifier: Any = None, cv: Any = None, every: int = 1):
        self.X = X
        self.y = y
        self.classifier = classifier
        self.cv = cv
        self.every = every

    def on_train_begin(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Prepare the labelled rows."""
        if not is_count(self.every, 1):
            raise ValueError(f"every={self.every!r} must be an integer of at least 1.")
        store = net.store_of_(self.X)
        y = column_or_1d(as_array(self.y))
        check_consistent_length(store, y)
        rows = np.flatnonzero(is_labeled(y))
        self.store_ = store if len(rows) == len(y) else Selection(store, rows)
        self.y_ = plain(y[rows])
        refuse_plus_and_minus_one(y, self.y_)
        least = min(np.unique(self.y_, return_counts=True)[1], default=0)
        if least < (2 if self.cv is None else 1):
            raise ValueError(
                f"OnlineProbe needs at least two rows of each class, or cv and one row, and y has "
                f"{len(self.y_)} labels for {len(y)} rows. Add some labels, or pass cv."
            )
        self.cv_ = min(5, int(least)) if self.cv is None else self.cv

    def on_epoch_end(
        self, net: NeuralNet, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any
    ) -> None:
        """Record the accuracy."""
        if len(net.history) % self.every:
            return
        objective = net.module_
        mode = objective.training
        objective.eval()
        try:
            Z = outputs_of(objective.features, self.store_, None, net.batch_size, net.device)
        finally:
            objective.train(mode)
        classifier = self.classifier
        if classifier is None:
            classifier = KNeighborsClassifier(1, metric="cosine")
        scores = cross_val_score(clone(classifier), Z, self.y_, cv=self.cv_)
        net.history.record("probe_accuracy", float(scores.mean()))

    def on_train_end(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Forget the prepared rows."""
        del self.store_
