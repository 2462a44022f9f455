"""The best classifier from few labels and a pool: raw columns, features and the graph of all rows, combined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import softmax
from sklearn.utils.validation import check_consistent_length

from ._combined import FewLabel, Split
from ._diffusion import LabelDiffusion
from ._members import Member, default_classifiers, diffused_and_left_out, fitted_and_left_out
from ._product import (
    likelihood_weights,
    log_probabilities,
    mean_loss_of,
    probabilities,
    product,
    splits_of,
)
from ._scored import LabeledScoreMixin
from ._targets import class_labels


@dataclass(kw_only=True, eq=False, repr=False)
class FewLabelClassifier(LabeledScoreMixin, FewLabel):
    """Classify rows by the best that few labels and a pool of unlabeled rows give.

    Several classifiers learn from the labels: on raw columns, on the features of pretrainers that have seen all rows,
    and by labels that spread over the graph of all rows. Their probabilities are multiplied, each to a power. The
    powers are those under which labels that a classifier has not seen are most likely [1]_, drawn towards equal ones.
    So what works on these data counts, what fails there does not, and probabilities are as sure as they should be.

    Parameters
    ----------
    estimators : "auto" or list of (name, classifier, view), default="auto"
        What is combined. A view says what the classifier sees: ``"raw"`` are columns, that is, standardised numbers
        and one-hot categories of tables, the pixels of images, and TF-IDF of words and letters of texts; ``"X"`` is X
        as it is passed; the name of a pretrainer, such as ``"contrastive"`` or, if there are two, ``"contrastive 2"``,
        are its features. ``"auto"``: logistic regression on all, extra trees on raw columns (not of texts) and on the
        first pretrainer's features, and `LabelDiffusion` on these.
    weights : {"likelihood", "equal"} or array of shape (n_estimators,), default="likelihood"
        The powers. ``"equal"`` gives each one over their number.
    cv : int or splitter, default=5
        Folds of the labelled rows, for ``"likelihood"``. A class with one label is never left out.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    estimators_ : list of (name, classifier, view)
        The fitted classifiers. Their classes are positions in `classes_`.
    weights_ : ndarray of shape (n_estimators,)
        The powers. ``print`` the fitted classifier to read what it leans on.
    losses_ : ndarray of shape (n_estimators,)
        Log loss of each on labelled rows that it has not seen, in nats; NaN if none could be left out.
    loss_ : float
        The same of the product, with the powers that were chosen on these rows.

    See Also
    --------
    FewLabelRegressor : The same for numbers.
    RowSelector : Which rows to label.
    LabeledOnly : ``LabeledOnly(FewLabelClassifier())`` takes the rows whose y is -1 or None as the pool.
    FineTuneClassifier : One network, which is trained on.

    References
    ----------
    .. [1] G. E. Hinton. "Training Products of Experts by Minimizing Contrastive Divergence." Neural Computation 2002.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import FewLabelClassifier, MaskedPretrainer
    >>> X, y = load_iris(return_X_y=True)
    >>> few, pool = X[::10], X[1::2]
    >>> clf = FewLabelClassifier(pretrainers=[MaskedPretrainer(max_epochs=20)], random_state=0)
    >>> bool(clf.fit(few, y[::10], X_unlabeled=pool).score(X, y) > 0.85)
    True
    >>> [name for name, _, _ in clf.estimators_][:2]
    ['logistic regression on masked', 'extra trees on masked']
    """

    _loss_words: ClassVar[str] = "log loss {:.2f}"

    def fit(self, X: Any, y: Any, X_unlabeled: Any = None) -> Self:
        """Fit pretrainers to all rows, classifiers to the labelled ones, and weigh these.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix of shape (n, d), or what the pretrainers take
        y : array of shape (n,)
            Classes.
        X_unlabeled : like X, optional
            Further rows without a label. Labels spread over up to 20,000 of them, drawn at random.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data is invalid.
        """
        self._validate_params()
        y = class_labels(self, y)
        check_consistent_length(X, y)
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs 2 classes to tell apart, and y has {len(classes)} class. Give rows of "
                "other classes."
            )
        return self._combine(X, X_unlabeled, codes, {"classes_": classes})

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : like the X of fit, of shape (n, ...)

        Returns
        -------
        ndarray of shape (n,)
        """
        best = self.predict_log_proba(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : like the X of fit, of shape (n, ...)

        Returns
        -------
        ndarray of shape (n, n_classes), float64
        """
        return softmax(self.predict_log_proba(X), axis=1)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithm of the probability of each class, ``(n, n_classes)``."""
        return self._said_together(X)

    def _default_members(self, views: list[str], texts: bool) -> list[Member]:
        return default_classifiers(views, texts)

    def _check_member(self, name: str, template: Any) -> None:
        if isinstance(template, type) or not hasattr(template, "predict_proba"):
            raise TypeError(
                f"{name!r} of estimators must be a classifier with predict_proba; got {template!r:.60}."
            )

    def _folds(self, targets: np.ndarray, n_folds: int, rng: np.random.Generator) -> Iterator[Split]:
        return splits_of(targets, n_folds, rng)

    def _fit_member(self, template: Any, Z: Any, pool: Any, targets: np.ndarray, splits: list[Split]) -> Any:
        if isinstance(template, LabelDiffusion):
            model, P = diffused_and_left_out(template, Z, pool, targets, splits)
            return model, log_probabilities(P)
        ones = np.eye(int(targets.max()) + 1)
        model, P = fitted_and_left_out(
            template,
            Z,
            pool,
            targets,
            splits,
            said=lambda model, rows: probabilities(model, rows, len(ones)),
            said_of_one=lambda code, n: np.tile(ones[code], (n, 1)),
        )
        return model, log_probabilities(P)

    def _said(self, model: Any, Z: Any) -> np.ndarray:
        return log_probabilities(probabilities(model, Z, len(self.classes_)))

    def _joined(self, said: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return product(said, weights)

    def _likely_weights(self, said: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return likelihood_weights(said, targets)

    def _loss(self, said: np.ndarray, targets: np.ndarray) -> float:
        return mean_loss_of(said, targets)
