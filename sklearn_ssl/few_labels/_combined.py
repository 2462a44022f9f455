"""What a classifier and a regressor from few labels share: views of rows, members, their weights, saving."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import get_tags
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import _num_samples, check_is_fitted

from ..base import Modality, NestedParamsMixin, check_columns, forget_fitted, is_fitted, with_shared_sections
from ..doc_link import DocLinkMixin
from ..methods import ContrastivePretrainer, MaskedPretrainer
from ..modalities import Text, array, choose_modality, count, kind_of_modality, stack_rows
from ..training import draw_seed
from ._features import check_transformer, fitted_on
from ._members import Member, checked_members
from ._pool import pool_keyword
from ._product import given_weights
from ._saved_members import SavedMembersMixin
from ._views import AS_IS, RAW, AsIs, name_of, raw_view, take

POOL_ROWS = 20_000  # of the pool, drawn at random: labels spread over these
Split = tuple[np.ndarray, np.ndarray]


@dataclass(kw_only=True, eq=False, repr=False)
class FewLabel(NestedParamsMixin, DocLinkMixin, SavedMembersMixin, BaseEstimator, ABC):
    """Combine what several estimators learn from few labels: on raw columns, and on features that all rows gave.

    Parameters
    ----------
    pretrainers : "auto", list of transformers or None, default="auto"
        Whose features are used. Those that are fitted are used as they are; of others a clone is fitted, to X and
        `X_unlabeled`. ``"auto"`` is a `ContrastivePretrainer` and a `MaskedPretrainer`. None takes no features.
    cv : int or splitter, default=5
        Folds of the labelled rows, for ``"likelihood"``.
    modality : "auto" or Modality, default="auto"
        What the data is, for the pretrainers of ``"auto"``, for example ``Image(shape=(28, 28))``.
    random_state : int, RandomState instance or None, default=None
        Controls all randomness, of estimators with a `random_state` of None too.

    Attributes
    ----------
    modality_ : Modality
        The fitted modality.
    pretrainers_ : dict of str to transformer
        The fitted pretrainers, by name.
    n_features_in_ : int
        Number of columns seen in ``fit``. Only set if X has two dimensions.
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Names of the columns. Only set if all of them are strings.
    """

    pretrainers: Any = "auto"
    estimators: Any = "auto"
    weights: Any = "likelihood"
    cv: Any = 5
    modality: str | Modality = "auto"
    random_state: int | np.random.RandomState | None = None

    _loss_words: ClassVar[str]  # to be formatted with a loss

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

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__doc__ = with_shared_sections(cls.__doc__, FewLabel.__doc__, tuple(FewLabel.__annotations__))

    @abstractmethod
    def _default_members(self, views: list[str], texts: bool) -> list[Member]:
        """Return names, estimators and what each sees, for ``estimators="auto"``."""

    @abstractmethod
    def _check_member(self, name: str, template: Any) -> None:
        """Raise a TypeError if an estimator cannot be a member."""

    @abstractmethod
    def _folds(self, targets: np.ndarray, n_folds: int, rng: np.random.Generator) -> Iterator[Split]:
        """Yield the rows that members learn from, and those that are left out."""

    @abstractmethod
    def _fit_member(self, template: Any, Z: Any, pool: Any, targets: np.ndarray, splits: list[Split]) -> Any:
        """Return a fitted member, and what it says of rows that it has not learned from, in the order of the splits."""

    @abstractmethod
    def _said(self, model: Any, Z: Any) -> np.ndarray:
        """Return what a fitted member says of rows: an array with a row for each."""

    @abstractmethod
    def _joined(self, said: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return what all members say together."""

    @abstractmethod
    def _likely_weights(self, said: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the weights under which targets that members have not seen are most likely."""

    @abstractmethod
    def _loss(self, said: np.ndarray, targets: np.ndarray) -> float:
        """Return the loss of what one says, or all together, of rows; NaN if there are none."""

    def _combine(self, X: Any, pool: Any, targets: np.ndarray, learned: dict[str, Any]) -> Self:
        """Fit pretrainers to all rows, members to the labelled ones, and weigh these.

        Parameters
        ----------
        X, pool : raw rows
        targets : ndarray of shape (n,)
        learned : dict
            Fitted attributes that the hooks need.
        """
        seed = draw_seed(self.random_state, 1)
        rng = np.random.default_rng(seed)
        splits = self._splits(targets, rng)
        pretrainers, views, modality = self._views(X, pool, seed)
        chosen = self.estimators
        if isinstance(chosen, str):
            chosen = self._default_members([*views], isinstance(modality, Text))
        members = checked_members(chosen, [*views], seed, self._check_member)
        given = given_weights(self.weights, len(members))
        if pool is not None and (m := _num_samples(pool)) > POOL_ROWS:
            pool = take(pool, np.sort(rng.permutation(m)[:POOL_ROWS]))
        seen = {view: views[view].transform(X) for view in {view for *_, view in members}}
        fitted, unseen = [], []
        for name, template, view in members:
            takes_pool = pool is not None and pool_keyword(template)
            others = views[view].transform(pool) if takes_pool else None
            model, said = self._fit_member(template, seen[view], others, targets, splits)
            if not np.isfinite(said).all():
                raise ValueError(f"{name!r} of estimators predicts inf or NaN for rows that it has not seen.")
            fitted.append((name, model, view))
            unseen.append(said)
        each, known = np.stack(unseen), targets[_left_out(splits)]
        forget_fitted(self)
        check_columns(self, X, reset=True)
        for name, value in learned.items():
            setattr(self, name, value)
        self.pretrainers_, self.estimators_ = pretrainers, fitted
        self.modality_, self._view_of = modality, views
        self.weights_ = self._likely_weights(each, known) if given is None else given
        self.losses_ = np.array([self._loss(one, known) for one in each])
        self.loss_ = self._loss(self._joined(each, self.weights_), known)
        return self

    def _splits(self, targets: np.ndarray, rng: np.random.Generator) -> list[Split]:
        """Return the rows that members learn from, and those that are left out, for each fold that leaves any out."""
        if isinstance(self.cv, (int, np.integer)):
            found = list(self._folds(targets, int(self.cv), rng))
        else:
            splitter = check_cv(self.cv, targets, classifier=is_classifier(self))
            found = list(splitter.split(np.zeros((len(targets), 1)), targets))
        if any(not len(train) for train, _ in found):
            raise ValueError(
                f"cv={self.cv!r:.60} has a fold without a row to learn from. Pass another splitter."
            )
        return [(train, test) for train, test in found if len(test)]

    def _said_together(self, X: Any) -> np.ndarray:
        """Return what all members say together of raw rows."""
        check_is_fitted(self)
        check_columns(self, X)
        used = {view for *_, view in self.estimators_}
        seen = {view: self._view_of[view].transform(X) for view in used}
        each = [self._said(model, seen[view]) for _, model, view in self.estimators_]
        return self._joined(np.stack(each), self.weights_)

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
        """Return a line for each member, those that count most first."""
        lines = [
            f"{self.estimators_[i][0]}: weight {self.weights_[i]:.2f}, {self._loss_words.format(self.losses_[i])}"
            for i in np.argsort(-self.weights_, kind="stable")
        ]
        return [
            *lines,
            f"all together: {self._loss_words.format(self.loss_)}, on labels that they have not seen",
        ]

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


def _left_out(splits: list[Split]) -> np.ndarray:
    """Return the rows that are left out, in the order of the splits."""
    return np.concatenate([np.array([], dtype=int), *(test for _, test in splits)])
