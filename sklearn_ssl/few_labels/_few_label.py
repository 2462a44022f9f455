"""The best classifier from few labels and a pool: raw columns, features and the graph of all rows, combined."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import _num_samples, check_consistent_length, check_is_fitted

from ..base import Modality, NestedParamsMixin, check_columns, forget_fitted, is_fitted
from ..doc_link import DocLinkMixin
from ..methods import ContrastivePretrainer, MaskedPretrainer
from ..modalities import Text, array, choose_modality, count, kind_of_modality, stack_rows
from ..persistence import SaveMixin
from ..training import draw_seed
from ._features import check_transformer, fitted_on
from ._members import Member, checked_members, fitted_and_left_out
from ._pool import pool_keyword
from ._product import (
    given_weights,
    likelihood_weights,
    log_probabilities,
    mean_loss_of,
    probabilities,
    product,
    splits_of,
)
from ._saved import damaged, model_of, state_of
from ._scored import LabeledScoreMixin
from ._targets import class_labels
from ._views import AS_IS, RAW, AsIs, name_of, raw_view, take, view_of_state

POOL_ROWS = 20_000  # of the pool, drawn at random: labels spread over these


@dataclass(kw_only=True, eq=False, repr=False)
class FewLabelClassifier(NestedParamsMixin, DocLinkMixin, SaveMixin, LabeledScoreMixin, BaseEstimator):
    """Classify rows by the best that few labels and a pool of unlabeled rows give.

    Several classifiers learn from the labels: on raw columns, on the features of pretrainers that have seen all rows,
    and by labels that spread over the graph of all rows. Their probabilities are multiplied, each to a power. The
    powers are those under which labels that a classifier has not seen are most likely [1]_, drawn towards equal ones.
    So what works on these data counts, what fails there does not, and probabilities are as sure as they should be.

    Parameters
    ----------
    pretrainers : "auto", list of transformers or None, default="auto"
        Whose features are used. Those that are fitted are used as they are; of others a clone is fitted, to X and
        `X_unlabeled`. ``"auto"`` is a `ContrastivePretrainer` and a `MaskedPretrainer`. None takes no features.
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
    modality : "auto" or Modality, default="auto"
        What the data is, for the pretrainers of ``"auto"``, for example ``Image(shape=(28, 28))``.
    random_state : int, RandomState instance or None, default=None
        Controls all randomness, of estimators with a `random_state` of None too.

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
    modality_ : Modality
        The fitted modality.
    pretrainers_ : dict of str to transformer
        The fitted pretrainers, by name.
    n_features_in_ : int
        Number of columns seen in ``fit``. Only set if X has two dimensions.
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Names of the columns. Only set if all of them are strings.

    Notes
    -----
    There is no regressor of this kind yet: `FineTuneRegressor` learns numbers from a pool.

    See Also
    --------
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

    pretrainers: Any = "auto"
    estimators: Any = "auto"
    weights: Any = "likelihood"
    cv: Any = 5
    modality: str | Modality = "auto"
    random_state: int | np.random.RandomState | None = None

    _of_parts: ClassVar[tuple[str, ...]] = ("pretrainers_", "estimators_")

    # metadata routing passes X_unlabeled to fit without a call of set_fit_request
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"X_unlabeled": True}

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "pretrainers": [StrOptions({"auto"}), list, tuple, None],
        "estimators": [StrOptions({"auto"}), list, tuple],
        "weights": [StrOptions({"likelihood", "equal"}), "array-like"],
        "cv": [count(2), "cv_object"],
        "modality": "no_validation",  # choose_modality has better words for it
        "random_state": ["random_state"],
    }

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
        seed = draw_seed(self.random_state, 1)
        rng = np.random.default_rng(seed)
        splits = list(splits_of(codes, self.cv, rng))
        pretrainers, views, modality = self._views(X, X_unlabeled, seed)
        members = checked_members(self.estimators, [*views], isinstance(modality, Text), seed)
        given = given_weights(self.weights, len(members))
        if X_unlabeled is not None and (m := _num_samples(X_unlabeled)) > POOL_ROWS:
            X_unlabeled = take(X_unlabeled, np.sort(rng.permutation(m)[:POOL_ROWS]))
        fitted, log_p = self._fit_members(members, views, X, X_unlabeled, codes, splits)
        labels = codes[np.concatenate([np.array([], dtype=int), *(test for _, test in splits)])]
        forget_fitted(self)
        check_columns(self, X, reset=True)
        self.classes_, self.pretrainers_, self.estimators_ = classes, pretrainers, fitted
        self.modality_, self._view_of = modality, views
        self.weights_ = likelihood_weights(log_p, labels) if given is None else given
        self.losses_ = np.array([mean_loss_of(one, labels) for one in log_p])
        self.loss_ = mean_loss_of(product(log_p, self.weights_), labels)
        return self

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
        check_is_fitted(self)
        check_columns(self, X)
        used = {view for *_, view in self.estimators_}
        seen = {view: self._view_of[view].transform(X) for view in used}
        each = [probabilities(model, seen[view], len(self.classes_)) for _, model, view in self.estimators_]
        return product(np.stack([log_probabilities(P) for P in each]), self.weights_)

    def _views(self, X: Any, pool: Any, seed: int) -> tuple[dict[str, Any], dict[str, Any], Modality]:
        """Return fitted pretrainers, what turns X into each view, and the fitted modality."""
        given = self.pretrainers
        if isinstance(given, str):
            given = [ContrastivePretrainer(modality=self.modality), MaskedPretrainer(modality=self.modality)]
        for one in given or ():
            check_transformer(one, "pretrainers", "[ContrastivePretrainer()]")
        kind = next((one.modality for one in given or () if hasattr(one, "modality")), self.modality)
        rows = X if pool is None else stack_rows(X, pool, kind)
        fitted: dict[str, Any] = {}
        for one in given or ():
            fitted[name_of(one, [*fitted])] = fitted_on(one, X, pool, seed)
        known = [one.modality_ for one in fitted.values() if hasattr(one, "modality_")]
        new = None if known else choose_modality(self.modality, rows, (Modality,), type(self).__name__)
        modality = known[0] if new is None else new.fit(rows)
        raw = raw_view(modality, rows)
        return fitted, fitted | ({} if raw is None else {RAW: raw}) | {AS_IS: AsIs()}, modality

    def _fit_members(
        self,
        members: list[Member],
        views: dict[str, Any],
        X: Any,
        pool: Any,
        codes: np.ndarray,
        splits: list[Any],
    ) -> tuple[list[Member], np.ndarray]:
        """Return fitted classifiers, and their log-probabilities of rows that they have not seen."""
        seen = {view: views[view].transform(X) for view in {view for *_, view in members}}
        fitted, unseen = [], []
        for name, template, view in members:
            takes_pool = pool is not None and pool_keyword(template)
            others = views[view].transform(pool) if takes_pool else None
            model, P = fitted_and_left_out(template, seen[view], others, codes, splits)
            fitted.append((name, model, view))
            unseen.append(log_probabilities(P))
        return fitted, np.stack(unseen)

    def _parts(self) -> dict[str, Any]:
        bare = {f"pretrainer {name}": _bare(one) for name, one in self.pretrainers_.items()}
        members = {f"member {i}": model for i, (_, model, _) in enumerate(self.estimators_)}
        return bare | {name: model for name, model in members.items() if isinstance(model, SaveMixin)}

    def _plain(self) -> dict[str, Any]:
        raw = self._view_of.get(RAW)
        return {
            "names": [name for name, *_ in self.estimators_],
            "views": [view for *_, view in self.estimators_],
            "models": [None if isinstance(m, SaveMixin) else state_of(m) for _, m, _ in self.estimators_],
            "raw": None if raw is None else raw.state(),
        }

    def _take_parts(self, parts: dict[str, Any], plain: dict[str, Any]) -> None:
        self.pretrainers_ = {
            name.removeprefix("pretrainer "): part
            for name, part in parts.items()
            if name.startswith("pretrainer ")
        }
        self._view_of = self.pretrainers_ | {AS_IS: AsIs()}
        if plain["raw"] is not None:
            self._view_of[RAW] = view_of_state(self.modality_, plain["raw"])
        models = [
            parts[f"member {i}"] if state is None else model_of(state, len(self.classes_))
            for i, state in enumerate(plain["models"])
        ]
        self.estimators_ = list(zip(plain["names"], models, plain["views"], strict=True))
        if not {view for *_, view in self.estimators_} <= self._view_of.keys():
            raise damaged("views")

    def _check_fitted(self) -> None:
        array(self, "weights_", "f", (len(self.estimators_),), low=0)

    def __repr__(self, **settings: Any) -> str:
        """Return the parameters and, once it is fitted, what it leans on."""
        text = super().__repr__(**settings)
        return "\n".join([text, *self._summary()]) if hasattr(self, "weights_") else text

    def _repr_html_inner(self) -> str:
        """Return a table of what it leans on, above the diagram, for notebooks."""
        html = super()._repr_html_inner()
        if not hasattr(self, "weights_"):
            return html
        lines = "".join(f"<li>{escape(line)}</li>" for line in self._summary())
        return f"<ul>{lines}</ul>{html}"

    def _summary(self) -> list[str]:
        """Return a line for each classifier, those that count most first."""
        lines = [
            f"{self.estimators_[i][0]}: weight {self.weights_[i]:.2f}, log loss {self.losses_[i]:.2f}"
            for i in np.argsort(-self.weights_, kind="stable")
        ]
        return [*lines, f"all together: log loss {self.loss_:.2f}, on labels that they have not seen"]

    def __sklearn_clone__(self) -> Self:
        new = super().__sklearn_clone__()
        if isinstance(self.pretrainers, (list, tuple)):
            # a clone of a fitted one would have to pretrain again
            kept = [one if is_fitted(one) else clone(one, safe=False) for one in self.pretrainers]
            new.pretrainers = type(self.pretrainers)(kept)
        return new

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        given = self.pretrainers
        modality = kind_of_modality(self.modality, (Modality,))
        if isinstance(given, (list, tuple)) and given and isinstance(given[0], BaseEstimator):
            tags.input_tags = get_tags(given[0]).input_tags
        elif modality is not None:
            tags.input_tags = modality.input_tags()
        return tags


def _bare(pretrainer: Any) -> SaveMixin:
    """Return a pretrainer without the ``FrozenEstimator`` around it, or raise an error if it cannot be saved."""
    inner = pretrainer.estimator if isinstance(pretrainer, FrozenEstimator) else pretrainer
    if not isinstance(inner, SaveMixin):
        raise TypeError(f"{type(inner).__name__} cannot be saved without pickle. Pickle the whole.")
    return inner
