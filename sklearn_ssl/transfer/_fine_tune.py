"""Fine-tuning: a pretrained network and a head learn from labels, and from the rows without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.base import RegressorMixin
from sklearn.utils import check_array, compute_class_weight
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_consistent_length
from torch import nn

from ..base import Modality, Numbers, Probabilities
from ..few_labels import LabeledScoreMixin, class_labels
from ._engine import FineTune
from ._heads import log_losses, sureness_of
from ._lesson import Lesson, lesson_of_classes, lesson_of_numbers
from ._objectives import FineTuneObjective, SoftCrossEntropy, SquaredError


@dataclass(kw_only=True, eq=False, repr=False)
class FineTuneClassifier(LabeledScoreMixin, FineTune):
    """Classify rows by a pretrained network that is trained on with labels.

    A head on the frozen features comes first: a logistic regression [1]_ whose probabilities are made as sure as
    those of rows left out call for. If there are rows without a label, they get soft labels: a product of what a
    graph of neighbours spreads and of what logistic regression says, each to a power that explains labels it has not
    seen. The head, then the encoder, learn from these. If the product explains labels no better than logistic
    regression, the pool is left alone. So it is if each class has one label, where nothing can be left out: then the
    head is all that is trained, unless `tune` is ``"all"``.

    Parameters
    ----------
    class_weight : dict, "balanced" or None, default=None
        Weights of classes, which multiply `sample_weight`. ``"balanced"`` gives all classes the same weight.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    mixture_ : ndarray of shape (2,)
        The powers of the spread labels and of logistic regression. The first is 0 if the pool was not used.

    See Also
    --------
    FineTuneRegressor : The same for numbers.
    LabeledOnly : ``LabeledOnly(FineTuneClassifier(...))`` takes the rows whose y is -1 or None as the pool.

    Notes
    -----
    A weight of two is the same as two equal rows, and a weight of zero the same as none. For that, equal rows with
    equal labels are made one. A `VAEPretrainer` gives its encoder, without the layer that maps to its components.

    References
    ----------
    .. [1] A. Kumar, A. Raghunathan, R. Jones, T. Ma, P. Liang. "Fine-Tuning can Distort Pretrained Features and
       Underperform Out-of-Distribution." ICLR 2022. https://arxiv.org/abs/2202.10054

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import FineTuneClassifier, MaskedPretrainer
    >>> X, y = load_iris(return_X_y=True)
    >>> few, pool = X[::10], X[1::2]
    >>> clf = FineTuneClassifier(MaskedPretrainer(max_epochs=20), random_state=0)
    >>> clf.fit(few, y[::10], X_unlabeled=pool).score(X, y) > 0.85
    True

    A search over settings pretrains once if the pretrainer is fitted:

    >>> from sklearn.model_selection import GridSearchCV
    >>> ssl = MaskedPretrainer(max_epochs=20, random_state=0).fit(X)
    >>> grid = {"transfer": ["parameters", "structure"], "tune": ["head", "auto"]}
    >>> search = GridSearchCV(FineTuneClassifier(ssl, max_epochs=2), grid, cv=3).fit(X, y)
    >>> bool(search.best_score_ > 0.85)
    True
    """

    class_weight: dict[Any, float] | str | None = None

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def fit(self, X: Any, y: Any, X_unlabeled: Any = None, sample_weight: Any = None) -> Self:
        """Fit the head and train the network.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix of shape (n, d), or what the pretrainer takes
        y : array of shape (n,)
            Classes.
        X_unlabeled : like X, optional
            Further rows without labels. Up to 20,000 of them, drawn at random, take part in fine-tuning.
        sample_weight : array of shape (n,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data is invalid.
        """
        weight = self._check(X, y, sample_weight)
        y = class_labels(self, y)
        check_consistent_length(X, y)
        kept = weight > 0
        classes, codes = np.unique(y[kept], return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs 2 classes to tell apart, and y has {len(classes)} class"
                f"{' of positive sample_weight' * (not kept.all())}. Give rows of other classes."
            )
        Y = np.zeros((len(y), len(classes)))
        Y[kept] = np.eye(len(classes))[codes]
        return self._fine_tune(
            X, X_unlabeled, Y, weight * (Y @ self._class_weights(classes, Y, weight)), {"classes_": classes}
        )

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : like the X of fit, of shape (n, ...)

        Returns
        -------
        ndarray of shape (n,)
        """
        chosen = self._outputs(X).argmax(axis=1)
        return self.classes_[chosen]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : like the X of fit, of shape (n, ...)

        Returns
        -------
        ndarray of shape (n, n_classes)
        """
        return softmax(self._outputs(X).astype(np.float64), axis=1)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithm of the probability of each class, ``(n, n_classes)``."""
        return log_softmax(self._outputs(X).astype(np.float64), axis=1)

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the logits: of each class, ``(n, n_classes)``; of the second of two, ``(n,)``.

        Parameters
        ----------
        X : like the X of fit, of shape (n, ...)

        Returns
        -------
        ndarray of shape (n, n_classes) or (n,)
        """
        logits = self._outputs(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def _class_weights(self, classes: np.ndarray, Y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        if isinstance(self.class_weight, str):
            of_each = weight @ Y
            return of_each.sum() / (len(classes) * of_each)
        return compute_class_weight(self.class_weight, classes=classes, y=classes[Y.argmax(axis=1)])

    def _lesson(
        self, Z: np.ndarray, Y: np.ndarray, weight: np.ndarray, pool: np.ndarray | None, rng: Any
    ) -> Lesson:
        return lesson_of_classes(Z, Y, weight, pool, rng)

    def _judge(self, outputs: np.ndarray, Y: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
        outputs = log_softmax(outputs, axis=1)
        factor = sureness_of(outputs, Y, weight)
        return factor, log_losses(factor * outputs, Y)

    def _strata(self, Y: np.ndarray) -> np.ndarray:
        return Y.argmax(axis=1)

    def _learned_of(self, Y: np.ndarray) -> dict[str, Any]:
        return {"classes_": np.arange(Y.shape[1])}

    def _supervised(self, modality: Modality, encoder: nn.Module, head: nn.Linear) -> FineTuneObjective:
        return SoftCrossEntropy(
            modality, encoder, head, views=self.views, penalty=self.penalty, alpha=self.alpha
        )

    def _n_outputs(self) -> int:
        return len(self.classes_)

    def _deployed(self) -> nn.Module:
        return Probabilities(self._trained())


@dataclass(kw_only=True, eq=False, repr=False)
class FineTuneRegressor(RegressorMixin, FineTune):
    """Predict numbers by a pretrained network that is trained on with targets.

    A ridge regression on the frozen features comes first; its penalty is chosen by leave-one-out errors. Then the
    network learns by squared error, on standardised targets. If there are rows without a target, they get one: a sum
    of what a graph of neighbours spreads and of what ridge regression says, with weights that explain targets it has
    not seen, if that explains them better than ridge regression alone.

    Attributes
    ----------
    target_mean_, target_scale_ : ndarray of shape (n_outputs,)
        Mean and standard deviation of the targets.
    mixture_ : ndarray of shape (2,)
        The weights of the spread targets and of ridge regression. The first is 0 if the pool was not used.

    See Also
    --------
    FineTuneClassifier : The same for classes.

    Notes
    -----
    A weight of two is the same as two equal rows, and a weight of zero the same as none. For that, equal rows with
    equal targets are made one.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_ssl import FineTuneRegressor, MaskedPretrainer
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = FineTuneRegressor(MaskedPretrainer(max_epochs=5), tune="head", random_state=0)
    >>> reg.fit(X[::2], y[::2], X_unlabeled=X[1::2]).score(X[1::2], y[1::2]) > 0.3
    True
    """

    def fit(self, X: Any, y: Any, X_unlabeled: Any = None, sample_weight: Any = None) -> Self:
        """Fit the head and train the network.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix of shape (n, d), or what the pretrainer takes
        y : array of shape (n,) or (n, n_outputs)
            Numbers.
        X_unlabeled : like X, optional
            Further rows without targets. Up to 20,000 of them, drawn at random, take part in fine-tuning.
        sample_weight : array of shape (n,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data is invalid.
        """
        weight = self._check(X, y, sample_weight)
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y", estimator=self)
        check_consistent_length(X, y)
        Y = y.reshape(len(y), -1)
        if not weight.sum():
            raise ValueError("sample_weight is 0 for all rows. Give some rows a positive weight.")
        mean = np.average(Y, axis=0, weights=weight)
        scale = np.sqrt(np.average((Y - mean) ** 2, axis=0, weights=weight))
        scale[scale <= 1e-12 * np.abs(mean)] = 1.0
        scale[scale == 0] = 1.0
        learned = {"target_mean_": mean, "target_scale_": scale, "n_dimensions_": y.ndim}
        return self._fine_tune(X, X_unlabeled, (Y - mean) / scale, weight, learned)

    def predict(self, X: Any) -> np.ndarray:
        """Return the predicted targets.

        Parameters
        ----------
        X : like the X of fit, of shape (n, ...)

        Returns
        -------
        ndarray of shape (n,) or (n, n_outputs), as the y of fit
        """
        outputs = self._outputs(X)
        Y = outputs * self.target_scale_ + self.target_mean_
        return Y[:, 0] if self.n_dimensions_ == 1 else Y

    def _lesson(
        self, Z: np.ndarray, Y: np.ndarray, weight: np.ndarray, pool: np.ndarray | None, rng: Any
    ) -> Lesson:
        return lesson_of_numbers(Z, Y, weight, pool, self._strata(Y), rng)

    def _judge(self, outputs: np.ndarray, Y: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
        return 1.0, ((outputs - Y) ** 2).mean(axis=1)

    def _strata(self, Y: np.ndarray) -> np.ndarray:
        """Return the fifth of the sorted targets that each row is in; a larger part if that is less than two rows."""
        ranks = np.empty(len(Y), dtype=int)
        ranks[np.argsort(Y[:, 0], kind="stable")] = np.arange(len(Y))
        return ranks * min(5, max(1, len(Y) // 2)) // len(Y)

    def _learned_of(self, Y: np.ndarray) -> dict[str, Any]:
        n = Y.shape[1]
        return {"target_mean_": np.zeros(n), "target_scale_": np.ones(n), "n_dimensions_": 2}

    def _supervised(self, modality: Modality, encoder: nn.Module, head: nn.Linear) -> FineTuneObjective:
        return SquaredError(modality, encoder, head, views=self.views, penalty=self.penalty, alpha=self.alpha)

    def _n_outputs(self) -> int:
        return len(self.target_mean_)

    def _deployed(self) -> nn.Module:
        return Numbers(self._trained(), self.target_mean_, self.target_scale_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
