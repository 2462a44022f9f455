"""Zero-shot learning: classes are told apart by their descriptions, those never seen too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ..doc_link import DocLinkMixin
from ..few_labels import LabeledScoreMixin, one_column, require_labels
from ..methods import dense_numbers
from ..modalities import real
from ..persistence import SaveMixin
from ._descriptions import described, refuse_undescribed
from ._eszsl import (
    best_seen_penalty,
    best_temperature,
    centred_unit_rows,
    eszsl,
    left_out_places,
    one_against_others,
    trial,
)

MAX_FOLDS = 10


@dataclass(kw_only=True, eq=False, repr=False)
class ZeroShotClassifier(DocLinkMixin, SaveMixin, LabeledScoreMixin, BaseEstimator):
    """Classify rows into classes that are described, of which ``fit`` need not see all.

    ESZSL [1]_: a bilinear map between features and descriptions gives each class a score, also a class without a row
    in ``fit``. It is found in closed form. Columns are standardised first. Descriptions are centred and scaled to
    length 1, so that no class is preferred for its long description.

    Scores of seen classes are too high beside those of others, so a constant is subtracted from them (calibrated
    stacking [2]_). Features may be raw columns, or those of any pretrainer in front of it in a pipeline.

    Parameters
    ----------
    class_descriptions : dict or None, default=None
        A vector for each class, all of one length: attributes, such as whether it has wings. Or a text for each class,
        with `text_embedder`. None takes the classes of y, with one-hot codes: an ordinary classifier.
    text_embedder : transformer or None, default=None
        Maps a list of texts to vectors by ``transform`` or, as models of sentence-transformers do, ``encode``. If it is
        fitted it is used as it is; if it is not, a clone of it is fitted to the descriptions. ``clone``, and so every
        search, makes an unfitted one of a fitted one, unless it is wrapped: ``FrozenEstimator(embedder)``. ``save``
        leaves it out.
    feature_penalty : float, default=0.1
        Ridge penalty on the side of the features, for each row of X: gamma / n of [1]_.
    description_penalty : float, default=1.0
        Ridge penalty on the side of the descriptions: lambda of [1]_.
    seen_penalty : float or "auto", default="auto"
        Subtracted from the scores of the classes that ``fit`` saw. ``"auto"`` holds out some of them at a time, as many
        in proportion as are unseen, and takes the best harmonic mean of the accuracies of the two kinds. It is 0 if
        no class is unseen, or fewer than three are seen.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        All classes that are described, sorted.
    seen_classes_ : ndarray of shape (n_seen,)
        Those that ``fit`` saw.
    descriptions_ : ndarray of shape (n_classes, a)
        Descriptions as vectors, in the order of ``classes_``.
    coef_ : ndarray of shape (n_features_in_, a)
        The bilinear map, from standardised columns to centred descriptions of length 1.
    seen_penalty_ : float
        What is subtracted from the scores of seen classes.
    temperature_ : float
        What scores are divided by before the softmax of ``predict_proba``.
    mean_, scale_ : ndarray of shape (n_features_in_,)
        Of the columns.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Names of the columns. Only set if all of them are strings.

    Notes
    -----
    Settings are best chosen for classes that were not seen: ``GridSearchCV(..., cv=GroupKFold())`` with
    ``fit(X, y, groups=y)`` holds classes out.

    References
    ----------
    .. [1] B. Romera-Paredes, P. H. S. Torr. "An embarrassingly simple approach to zero-shot learning." ICML 2015.
       https://proceedings.mlr.press/v37/romera-paredes15.html
    .. [2] W.-L. Chao, S. Changpinyo, B. Gong, F. Sha. "An Empirical Study and Analysis of Generalized Zero-Shot
       Learning for Object Recognition in the Wild." ECCV 2016. https://arxiv.org/abs/1605.04253

    Examples
    --------
    Digits by the segments of a clock's display that they light up. No 3 is seen:

    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import ZeroShotClassifier
    >>> segments = ["1110111", "0010010", "1011101", "1011011", "0111010"]
    >>> segments += ["1101011", "1101111", "1010010", "1111111", "1111011"]
    >>> digits = {digit: [int(on) for on in code] for digit, code in enumerate(segments)}
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = ZeroShotClassifier(digits).fit(X[y != 3], y[y != 3])
    >>> bool(clf.score(X[y == 3], y[y == 3]) > 0.3)
    True
    >>> clf.predict(X[y == 3][:3], candidates=[3, 7]).tolist()
    [3, 3, 3]
    """

    class_descriptions: Mapping[Any, Any] | None = field(default=None, kw_only=False)
    text_embedder: Any = None
    feature_penalty: float = 0.1
    description_penalty: float = 1.0
    seen_penalty: float | str = "auto"

    _not_saved: ClassVar[tuple[str, ...]] = ("text_embedder",)

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "class_descriptions": [Mapping, None],
        "text_embedder": "no_validation",  # described has better words for it
        "feature_penalty": [real(0, closed="neither")],
        "description_penalty": [real(0, closed="neither")],
        "seen_penalty": [real(closed="neither"), StrOptions({"auto"})],
    }

    def fit(self, X: Any, y: Any) -> ZeroShotClassifier:
        """Fit the map between features and descriptions.

        Parameters
        ----------
        X : array or DataFrame of shape (n, d)
        y : array of shape (n,)
            Classes, each of them described.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter, X or y is invalid, if a class of y has no description, or if descriptions differ in length.

        Warns
        -----
        UserWarning
            If two classes have the same description.
        """
        self._validate_params()
        before = dict(self.__dict__)
        try:
            self._learn(X, y)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)  # a refused input changes nothing
            raise
        return self

    def predict(self, X: Any, candidates: Any = None) -> np.ndarray:
        """Return the class with the best score for each row.

        Parameters
        ----------
        X : array or DataFrame of shape (n, d)
        candidates : list of classes, optional
            The only ones to choose from, for example those that were not seen; by default all that are described.

        Returns
        -------
        ndarray of shape (n,)
        """
        scores = self._scores(X)
        if candidates is None:
            return self.classes_[scores.argmax(1)]
        chosen = self._chosen(candidates)
        return self.classes_[chosen][scores[:, chosen].argmax(1)]

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the score of each class, ``(n, n_classes)``; for two classes, the gap between the two, ``(n,)``."""
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the softmax of the scores, ``(n, n_classes)``.

        Its temperature gives the best likelihood to seen rows, each left out in its turn, among the seen classes. For
        unseen classes there is nothing to check it by.
        """
        return softmax(self._scores(X) / self.temperature_, axis=1)

    def _learn(self, X: Any, y: Any) -> None:
        require_labels(self, y)
        dense_numbers(X, self, first=True)  # has better words than what follows
        X, y = validate_data(self, X, one_column(y), dtype=[np.float64, np.float32])
        check_classification_targets(y)
        seen = np.unique(y)
        if self.class_descriptions is None:
            self.classes_, self.descriptions_ = seen, np.eye(len(seen))
        else:
            self.classes_, self.descriptions_ = described(self.class_descriptions, self.text_embedder)
            refuse_undescribed(seen, self.classes_)
        scaler = StandardScaler()
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = scaler.fit_transform(X.astype(np.float64))
        if not np.isfinite(scaled).all():
            raise ValueError("X has values whose squares overflow. Rescale its columns.")
        self.mean_, self.scale_ = scaler.mean_, scaler.scale_
        place = {name: code for code, name in enumerate(self.classes_.tolist())}
        of_seen = np.array([place[name] for name in seen.tolist()])
        self.seen_classes_ = self.classes_[of_seen]
        codes = np.unique(y, return_inverse=True)[1]
        S = centred_unit_rows(self.descriptions_)[of_seen]
        penalties = (self.feature_penalty * len(X), self.description_penalty)
        Y = one_against_others(codes, len(seen))
        self.coef_ = eszsl(scaled, Y, S, *penalties)
        self.seen_penalty_ = self._penalty(scaled, codes, S, penalties)
        self.temperature_ = best_temperature(left_out_places(scaled, Y, S, *penalties) @ S.T, codes)

    def _penalty(
        self, X: np.ndarray, codes: np.ndarray, S: np.ndarray, penalties: tuple[float, float]
    ) -> float:
        """Return what to subtract from the scores of seen classes, whose descriptions are S."""
        if not isinstance(self.seen_penalty, str):
            return float(self.seen_penalty)
        n_seen, n_all = len(S), len(self.classes_)
        if n_seen < 3 or n_seen == n_all:
            return 0.0
        at_once = max(1, round(n_seen * (n_all - n_seen) / n_all))
        n_folds = min(MAX_FOLDS, max(2, n_seen // at_once))
        fold_of = np.arange(n_seen) % n_folds
        return best_seen_penalty([trial(X, codes, S, fold_of == i, penalties) for i in range(n_folds)])

    def _scores(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = dense_numbers(X, self, first=False)
        S = centred_unit_rows(self.descriptions_)
        seen = np.isin(self.classes_, self.seen_classes_)
        return (X - self.mean_) / self.scale_ @ self.coef_ @ S.T - self.seen_penalty_ * seen

    def _chosen(self, candidates: Any) -> np.ndarray:
        """Return the positions of candidates among the classes."""
        if isinstance(candidates, (str, bytes)) or not hasattr(candidates, "__len__"):
            raise TypeError(f"candidates={candidates!r} must be a list of classes, such as [{candidates!r}].")
        names = np.asarray(candidates)
        if names.ndim != 1 or not len(names):
            raise ValueError(
                f"candidates must be a list of at least one class. Got an array of shape {names.shape}."
            )
        refuse_undescribed(names, self.classes_)
        return np.flatnonzero(np.isin(self.classes_, names))
