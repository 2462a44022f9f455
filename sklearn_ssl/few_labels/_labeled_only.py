"""A meta-estimator that fits to labelled rows only, for the last step of a pipeline that learns from all rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_regressor
from sklearn.utils import _safe_indexing, get_tags, indexable
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import (
    _check_method_params,
    _num_samples,
    check_consistent_length,
    check_is_fitted,
)

from ..doc_link import DocLinkMixin
from ..modalities import stack_rows
from ._around import has_codes_around, refuse_classifier_around, refuse_clone_for_classifier
from ._labels import as_array, is_labeled, plain, require_y
from ._pool import POOL, pool_keyword
from ._targets import refuse_plus_and_minus_one, suited, warn_of_minus_one


def _has(method: str) -> Any:
    def check(self: LabeledOnly) -> bool:
        getattr(getattr(self, "estimator_", self.estimator), method)  # raises the estimator's AttributeError
        return True

    return available_if(check)


@dataclass(kw_only=True, eq=False, repr=False)
class LabeledOnly(DocLinkMixin, MetaEstimatorMixin, BaseEstimator):
    """Fit a classifier or a regressor to the rows that have a label; the others are dropped, or its pool.

    Rows whose y is -1, None or NaN are unlabeled; for a regressor, which may have -1 as a target, only None
    and NaN. As the last step of a pipeline, it drops the unlabeled rows, while the steps before it learn from
    all rows. If the estimator's ``fit`` takes `X_unlabeled`, as that of `FineTuneClassifier` does, it gets the
    unlabeled rows by it. Everything else is delegated to the estimator: predictions, probabilities, ``coef_``,
    ``feature_importances_``.

    Parameters
    ----------
    estimator : estimator
        A clone of it is fitted. It may also be a transformer that takes y, such as ``SelectKBest``.

    Attributes
    ----------
    estimator_ : estimator
        The fitted clone. Its fitted attributes are also attributes of this estimator.

    Notes
    -----
    Ensembles and calibration belong inside: ``LabeledOnly(VotingClassifier(...))``. The other way round,
    ``VotingClassifier``, ``StackingClassifier``, ``BaggingClassifier``, ``CalibratedClassifierCV`` and the classifiers
    of ``sklearn.multiclass`` take -1 for a class before LabeledOnly sees y. `fit` refuses that.

    It has no ``save``, since it only was of use in `fit`: save ``estimator_``, which predicts the same, where that has
    one, as in ``LabeledOnly(FineTuneClassifier(...))``, and a whole pipeline by skops.

    See Also
    --------
    sklearn_ssl.model_selection.SemiSupervisedKFold : Folds that score labelled rows only.
    sklearn.semi_supervised.SelfTrainingClassifier : Predicts labels for unlabeled rows, and learns from them.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import Pipeline
    >>> from sklearn.svm import SVC
    >>> from sklearn_ssl import ContrastivePretrainer, LabeledOnly
    >>> X, y = load_iris(return_X_y=True)
    >>> some = np.where(np.arange(150) % 10 == 0, y, -1)  # 15 labels
    >>> ssl = ContrastivePretrainer(max_epochs=20, random_state=0)
    >>> pipe = Pipeline([("ssl", ssl), ("clf", LabeledOnly(SVC()))]).fit(X, some)
    >>> pipe.score(X, y) > 0.85
    True

    An ensemble goes inside:

    >>> from sklearn.ensemble import VotingClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> both = VotingClassifier([("svc", SVC()), ("lr", LogisticRegression())])
    >>> pipe.set_params(clf=LabeledOnly(both)).fit(X, some).score(X, y) > 0.85
    True
    """

    estimator: Any = field(kw_only=False)

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"estimator": [HasMethods("fit")]}

    def fit(self, X: Any, y: Any, **params: Any) -> LabeledOnly:
        """Fit a clone of the estimator to the labelled rows.

        Parameters
        ----------
        X : array, DataFrame, sparse matrix or list of n rows
        y : array, Series or list of shape (n,) or (n, n_outputs)
            If classes are integers, mark unlabeled rows by -1 or NaN, not by None, in a search that scores by
            name (``scoring="accuracy"``): the metrics of scikit-learn refuse integers in an object array.
        **params
            Passed to the estimator, for example ``sample_weight``. If a parameter has n entries, only those of
            the labelled rows are passed. An `X_unlabeled` joins the unlabeled rows of X.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If no row has a label, if y has -1 and 1 only (-1 may be meant as a class), or if y is texts with
            ``"-1"`` among them, which numpy and pandas make of -1: use None instead. If an ensemble around takes
            -1 for a class.
        """
        self._validate_params()
        if not is_regressor(self.estimator):
            refuse_classifier_around()
        rows, known = self._labels(X, y)
        if not len(rows):
            raise ValueError("No row of y has a label. Label some rows, or pass those that are labelled.")
        if len(rows) < len(as_array(y)) and not is_regressor(self.estimator):
            refuse_plus_and_minus_one(y, known)
            warn_of_minus_one(y, known)
        routed = dict(self._routed("fit", params))
        pools = {k: v for k, v in routed.items() if k.split("__")[-1] == POOL}
        params = _check_method_params(X, {k: routed[k] for k in routed.keys() - pools.keys()}, indices=rows)
        pools |= self._pool(X, rows, pools)
        known = suited(self.estimator, known)
        self.estimator_ = clone(self.estimator).fit(_rows_of(X, rows), known, **params, **pools)
        return self

    @_has("partial_fit")
    def partial_fit(self, X: Any, y: Any, **params: Any) -> LabeledOnly:
        """Train on the labelled rows of a batch; skip a batch without labels.

        Parameters
        ----------
        X : array, DataFrame, sparse matrix or list of n rows
        y : array, Series or list of shape (n,)
        **params
            Passed to the estimator, for example ``classes``.

        Returns
        -------
        self
        """
        self._validate_params()
        rows, known = self._labels(X, y)
        if not hasattr(self, "estimator_"):
            self.estimator_ = clone(self.estimator)
        if len(rows):
            params = _check_method_params(X, self._routed("partial_fit", params), indices=rows)
            self.estimator_.partial_fit(_rows_of(X, rows), suited(self.estimator, known), **params)
        return self

    @_has("predict")
    def predict(self, X: Any, **params: Any) -> np.ndarray:
        """Return the predictions of the fitted estimator."""
        return self._ask("predict", X, params)

    @_has("predict_proba")
    def predict_proba(self, X: Any, **params: Any) -> np.ndarray:
        """Return the class probabilities of the fitted estimator."""
        return self._ask("predict_proba", X, params)

    @_has("predict_log_proba")
    def predict_log_proba(self, X: Any, **params: Any) -> np.ndarray:
        """Return the class log-probabilities of the fitted estimator."""
        return self._ask("predict_log_proba", X, params)

    @_has("decision_function")
    def decision_function(self, X: Any, **params: Any) -> np.ndarray:
        """Return the decision function of the fitted estimator."""
        return self._ask("decision_function", X, params)

    @_has("transform")
    def transform(self, X: Any, **params: Any) -> Any:
        """Return X transformed by the fitted estimator."""
        return self._ask("transform", X, params)

    @_has("get_feature_names_out")
    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the features that ``transform`` returns."""
        check_is_fitted(self)
        return self.estimator_.get_feature_names_out(input_features)

    @_has("set_output")
    def set_output(self, *, transform: str | None = None) -> LabeledOnly:
        """Set the output container of ``transform``: ``"default"``, ``"pandas"`` or ``"polars"``."""
        for estimator in (self.estimator, getattr(self, "estimator_", None)):
            if estimator is not None:
                estimator.set_output(transform=transform)
        return self

    @_has("score")
    def score(self, X: Any, y: Any, **params: Any) -> float:
        """Return the score of the fitted estimator on the labelled rows."""
        check_is_fitted(self)
        rows, known = self._labels(X, y)
        params = _check_method_params(X, self._routed("score", params), indices=rows)
        return self.estimator_.score(_rows_of(X, rows), known, **params)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the metadata routing: parameters of `fit` and the other methods go to the estimator."""
        mapping = MethodMapping()
        for method in ("fit", "partial_fit", *_ASKED, "score"):
            mapping.add(caller=method, callee=method)
        return MetadataRouter(owner=self).add(estimator=self.estimator, method_mapping=mapping)

    def _pool(self, X: Any, rows: np.ndarray, given: dict[str, Any]) -> dict[str, Any]:
        """Return the rows without a label, above a given pool, by the keyword that takes them."""
        rest = np.setdiff1d(np.arange(_num_samples(X)), rows)
        keyword = pool_keyword(self.estimator) if len(rest) else ""
        if not keyword:
            return {}
        more = given.get(keyword)
        pool = _rows_of(X, rest)
        return {keyword: pool if more is None else stack_rows(pool, more)}

    def _ask(self, method: str, X: Any, params: dict[str, Any]) -> Any:
        check_is_fitted(self)
        return getattr(self.estimator_, method)(X, **self._routed(method, params))

    def _routed(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if not params or not get_config()["enable_metadata_routing"]:
            return params
        return getattr(process_routing(self, method, **params).estimator, method)

    def _labels(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the indices of the labelled rows, and their labels."""
        require_y(self, y)
        check_consistent_length(X, y)
        labeled = is_labeled(y, minus_one=not (is_regressor(self.estimator) or has_codes_around()))
        return np.flatnonzero(labeled), plain(as_array(y)[labeled])

    def __sklearn_clone__(self) -> LabeledOnly:
        if not is_regressor(self.estimator):
            refuse_clone_for_classifier()  # what it is cloned for may fit it in another process
        return super().__sklearn_clone__()

    def __getattr__(self, name: str) -> Any:
        """Return a fitted attribute of the estimator, such as ``coef_``."""
        fitted = name.endswith("_") and not name.startswith("_") and name != "estimator_"
        if fitted and "estimator_" in vars(self):
            return getattr(self.estimator_, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __sklearn_tags__(self) -> Any:
        tags = get_tags(self.estimator)
        tags.target_tags.required = True
        tags.array_api_support = False
        return tags


_ASKED = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform")


def _rows_of(X: Any, rows: np.ndarray) -> Any:
    return _safe_indexing(indexable(X)[0], rows)
