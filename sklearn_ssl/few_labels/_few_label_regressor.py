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
from ._mean import error_of, folds_of, least_squares_weights
from ._members import Member, default_regressors, fitted_and_left_out
from ._targets import one_column, require_labels


@dataclass(kw_only=True, eq=False, repr=False)
class FewLabelRegressor(RegressorMixin, FewLabel):
    """Predict numbers by the best that few labels and a pool of unlabeled rows give.

    Several regressors learn from the labels: on raw columns, and on the features of pretrainers that have seen all
    rows. Their predictions are added, each with a weight. The weights are those under which numbers that a regressor
    has not seen are most likely, if errors are normal [1]_, drawn towards equal ones. So what works on these data
    counts, and what fails there does not. Where nothing works, predictions stay near the mean of the labels.

    Parameters
    ----------
    estimators : "auto" or list of (name, regressor, view), default="auto"
        What is combined. A view says what the regressor sees: ``"raw"`` are columns, that is, standardised numbers
        and one-hot categories of tables, the pixels of images, and TF-IDF of words and letters of texts; ``"X"`` is X
        as it is passed; the name of a pretrainer, such as ``"contrastive"`` or, if there are two, ``"contrastive 2"``,
        are its features. ``"auto"``: ridge regression on all, and extra trees on raw columns (not of texts).
    weights : {"likelihood", "equal"} or array of shape (n_estimators,), default="likelihood"
        The weights. ``"equal"`` gives each one over their number. Those that are given should have a sum of about 1.

    Attributes
    ----------
    estimators_ : list of (name, regressor, view)
        The fitted regressors.
    weights_ : ndarray of shape (n_estimators,)
        The weights. ``print`` the fitted regressor to read what it leans on.
    target_mean_ : float
        Mean of the labels. The predictions of a regressor count as differences from it, so that weights with a sum
        below 1 draw towards it.
    target_scale_ : float or None
        Their standard deviation. With ``estimators="auto"`` they are standardised before regressors learn them; None
        says that regressors have learned y as it is.
    losses_ : ndarray of shape (n_estimators,)
        Root of the mean squared error of each on labelled rows that it has not seen, in units of y; NaN if none was
        left out.
    loss_ : float
        The same of the sum, with the weights that were chosen on these rows.

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
        mean, scale = _mean_and_scale(y)
        learned = {"target_mean_": mean, "target_scale_": scale if isinstance(self.estimators, str) else None}
        return self._combine(X, X_unlabeled, y, learned)

    def predict(self, X: Any) -> np.ndarray:
        """Return the predicted number of each row.

        Parameters
        ----------
        X : like the X of fit, of shape (n, ...)

        Returns
        -------
        ndarray of shape (n,), float64
        """
        return self._said_together(X) + self.target_mean_

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
        mean, scale = _mean_and_scale(targets)
        if isinstance(self.estimators, str):  # others may need numbers as they are, to take their logarithms
            targets = (targets - mean) / scale
        model, said = fitted_and_left_out(
            template,
            Z,
            pool,
            targets,
            splits,
            said=lambda model, rows: _numbers(model.predict(rows)),
            said_of_one=lambda number, n: np.full(n, number),
        )
        return model, scale * said if isinstance(self.estimators, str) else said - mean

    def _said(self, model: Any, Z: Any) -> np.ndarray:
        said = _numbers(model.predict(Z))
        return said - self.target_mean_ if self.target_scale_ is None else self.target_scale_ * said

    def _joined(self, said: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return weights @ said

    def _likely_weights(self, said: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return least_squares_weights(said, targets - self.target_mean_)

    def _loss(self, said: np.ndarray, targets: np.ndarray) -> float:
        return error_of(said, targets - self.target_mean_)

    def _check_fitted(self) -> None:
        super()._check_fitted()
        real_number(self, "target_mean_", np.finfo(float).min)
        if self.target_scale_ is not None:
            real_number(self, "target_scale_", np.finfo(float).tiny)


def _mean_and_scale(targets: np.ndarray) -> tuple[float, float]:
    """Return the mean of numbers, and their standard deviation, or 1 if they are the same but for rounding."""
    size = np.abs(targets).max() or 1.0  # squares of large numbers are too large
    mean, scale = (targets / size).mean(), (targets / size).std()
    return float(size * mean), float(size * scale) if scale > 1e-12 * abs(mean) else 1.0


def _numbers(predicted: Any) -> np.ndarray:
    """Return predictions as an array of one dimension: some regressors return a column."""
    return np.asarray(predicted, dtype=np.float64).reshape(len(predicted))
