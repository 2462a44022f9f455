"""Numbers from few labels and a pool: regressors on raw columns and on features, combined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import RegressorMixin, is_classifier, is_clusterer, is_outlier_detector
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length

from ..modalities import real_number
from ._combined import FewLabel, Split
from ._mean import error_of, folds_of, least_squares_weights, mean_and_scale
from ._members import Member, default_regressors, fitted_and_left_out
from ._targets import one_column, require_labels


@dataclass(kw_only=True, eq=False, repr=False)
class FewLabelRegressor(RegressorMixin, FewLabel):
    """Predict numbers by the best that few labels and a pool of unlabeled rows give.

    Several regressors learn from the labels: on raw columns, and on the features of pretrainers that have seen all
    rows. The prediction is a weighted mean of theirs. The weights are those under which numbers that a regressor has
    not seen are most likely, if errors are normal [1]_, drawn towards equal ones. So what works on these data counts,
    and what fails there does not.

    Parameters
    ----------
    estimators : "auto" or list of (name, regressor, view), default="auto"
        What is combined. A view says what the regressor sees: ``"raw"`` are columns, that is, standardised numbers
        and one-hot categories of tables, the pixels of images, and TF-IDF of words and letters of texts; ``"X"`` is X
        as it is passed; the name of a pretrainer, such as ``"contrastive"`` or, if there are two, ``"contrastive 2"``,
        are its features. ``"auto"``: ridge regression on all, and extra trees on raw columns (not of texts).
    weights : {"likelihood", "equal"} or array of shape (n_estimators,), default="likelihood"
        The weights of the mean; only their ratios count.

    Attributes
    ----------
    estimators_ : list of (name, regressor, view)
        The fitted regressors.
    weights_ : ndarray of shape (n_estimators,)
        The weights, with a sum of 1 if they were not given. ``print`` the fitted regressor to read what it leans on.
    target_mean_, target_scale_ : float
        Mean and standard deviation of the labels, which are standardised before the regressors of ``"auto"`` learn
        them; 0 and 1 if regressors were given, which learn y as it is.
    losses_ : ndarray of shape (n_estimators,)
        Root of the mean squared error of each on labelled rows that it has not seen, in units of y; NaN if none was
        left out.
    loss_ : float
        The same of the mean, with the weights that were chosen on these rows.

    See Also
    --------
    FewLabelClassifier : The same for classes.
    RowSelector : Which rows to label.
    LabeledOnly : ``LabeledOnly(FewLabelRegressor())`` takes the rows whose y is NaN or None as the pool.
    FineTuneRegressor : One network, which is trained on.

    References
    ----------
    .. [1] L. Breiman. "Stacked Regressions." Machine Learning 1996.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_ssl import FewLabelRegressor, MaskedPretrainer
    >>> X, y = load_diabetes(return_X_y=True)
    >>> few, pool = X[::5], X[1::2]
    >>> reg = FewLabelRegressor(pretrainers=[MaskedPretrainer(max_epochs=20)], random_state=0)
    >>> bool(reg.fit(few, y[::5], X_unlabeled=pool).score(X, y) > 0.4)
    True
    >>> [name for name, _, _ in reg.estimators_][:2]
    ['ridge regression on masked', 'ridge regression on raw']
    """

    _loss_words: ClassVar[str] = "error {:.3g}"

    def fit(self, X: Any, y: Any, X_unlabeled: Any = None) -> Self:
        """Fit pretrainers to all rows, regressors to the labelled ones, and weigh these.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix of shape (n, d), or what the pretrainers take
        y : array of shape (n,)
            Numbers.
        X_unlabeled : like X, optional
            Further rows without a label.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data is invalid.
        """
        self._validate_params()
        require_labels(self, y)
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y", estimator=self)
        y = one_column(y)
        check_consistent_length(X, y)
        if len(y) < 2:
            raise ValueError(f"{type(self).__name__} learns from 2 labelled rows at least, and got 1 sample.")
        mean, scale = self._unit(y)
        return self._combine(X, X_unlabeled, y, {"target_mean_": mean, "target_scale_": scale})

    def predict(self, X: Any) -> np.ndarray:
        """Return the predicted number of each row.

        Parameters
        ----------
        X : like the X of fit, of shape (n, ...)

        Returns
        -------
        ndarray of shape (n,), float64
        """
        return self._said_together(X)

    def _default_members(self, views: list[str], texts: bool) -> list[Member]:
        return default_regressors(views, texts)

    def _check_member(self, name: str, template: Any) -> None:
        others = (is_classifier, is_clusterer, is_outlier_detector)
        if (
            isinstance(template, type)
            or not hasattr(template, "predict")
            or any(is_other(template) for is_other in others)
        ):
            raise TypeError(f"{name!r} of estimators must be a regressor with predict; got {template!r:.60}.")

    def _folds(self, targets: np.ndarray, n_folds: int, rng: np.random.Generator) -> Iterator[Split]:
        return folds_of(targets, n_folds, rng)

    def _fit_member(self, template: Any, Z: Any, pool: Any, targets: np.ndarray, splits: list[Split]) -> Any:
        mean, scale = self._unit(targets)
        return fitted_and_left_out(
            template,
            Z,
            pool,
            (targets - mean) / scale,
            splits,
            said=lambda model, rows: _predicted(model, rows, mean, scale),
            said_of_one=lambda number, n: np.full(n, mean + scale * number),
        )

    def _unit(self, targets: np.ndarray) -> tuple[float, float]:
        """Return what members learn the differences from, and in units of what."""
        # regressors that are given may need numbers as they are, to take their logarithms
        return mean_and_scale(targets) if isinstance(self.estimators, str) else (0.0, 1.0)

    def _said(self, model: Any, Z: Any) -> np.ndarray:
        return _predicted(model, Z, self.target_mean_, self.target_scale_)

    def _joined(self, said: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return np.average(said, axis=0, weights=weights)

    def _likely_weights(self, said: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return least_squares_weights(said, targets)

    def _loss(self, said: np.ndarray, targets: np.ndarray) -> float:
        return error_of(said, targets)

    def _check_fitted(self) -> None:
        super()._check_fitted()
        real_number(self, "target_mean_", np.finfo(float).min)
        real_number(self, "target_scale_", np.finfo(float).tiny)


def _predicted(model: Any, Z: Any, mean: float, scale: float) -> np.ndarray:
    """Return the predictions of a member in units of y."""
    found = np.asarray(model.predict(Z), dtype=np.float64)
    return mean + scale * found.reshape(len(found))  # some regressors return a column
