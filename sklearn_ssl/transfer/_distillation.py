"""Distillation: a small network learns what a teacher of any kind predicts, from labelled and unlabeled rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import scipy.sparse as sp
import torch
import torch.nn.functional as F
from sklearn.base import is_classifier
from sklearn.utils.validation import _check_sample_weight, check_consistent_length
from torch import Tensor, nn

from ..base import Modality, NetworkEstimator, Probabilities, SupervisedObjective, entropy_of
from ..few_labels import LabeledScoreMixin, class_labels, require_rows
from ..modalities import real, stack_rows
from ..training import Step, draw_seed, outputs_of, weighted_mean
from ._rows import distinct_rows, rows_at
from ._small import rows_at_once, small_encoder
from ._teacher import NONE, check_teacher, classes_of, codes_of, fitted_copy, probabilities_of, with_tags_of

UNLABELED = -1


class SoftTargets(NamedTuple):
    """What a row is to be classified as.

    Attributes
    ----------
    soft : Tensor of float32 of shape (n, n_classes)
        The teacher's probabilities.
    hard : Tensor of int64 of shape (n,)
        The index of the true class, or -1.
    weight : Tensor of float32 of shape (n,)
    """

    soft: Tensor
    hard: Tensor
    weight: Tensor


def soften(proba: Tensor, temperature: float) -> Tensor:
    """Return probabilities ``(n, n_classes)`` as they are at another temperature: powers of them, that sum to 1."""
    logits = proba.log() / temperature
    return logits.softmax(1)


def distillation_errors(
    logits: Tensor, soft: Tensor, hard: Tensor, temperature: float, hard_weight: float
) -> Tensor:
    """Return the distillation loss of each row.

    Parameters
    ----------
    logits : Tensor of shape (n, n_classes), float32
        Of the student.
    soft : Tensor of shape (n, n_classes)
        Probabilities of the teacher.
    hard : Tensor of int64 of shape (n,)
        Indices of the true classes; -1 where there is none.
    temperature : float
        At which the two are compared. The Kullback-Leibler divergence is multiplied by its square, so that gradients
        do not vanish at high temperatures.
    hard_weight : float
        Share of the cross-entropy with the true class in the loss of a row that has one.

    Returns
    -------
    Tensor of shape (n,)
    """
    target = soften(soft, temperature)
    gap = F.kl_div((logits / temperature).log_softmax(1), target, reduction="none").sum(1)
    labeled = hard != UNLABELED
    wrong = F.cross_entropy(logits, hard.clamp(min=0), reduction="none")
    share = hard_weight * labeled.float()
    return (1 - share) * temperature**2 * gap + share * wrong


class DistillationObjective(SupervisedObjective):
    """Divergence from the teacher's softened probabilities, and cross-entropy with the true class.

    Parameters
    ----------
    encoder, head : nn.Module
        The student.
    temperature, hard_weight : float
        See `distillation_errors`.
    """

    def __init__(self, encoder: nn.Module, head: nn.Module, *, temperature: float, hard_weight: float):
        super().__init__(encoder, head)
        self.temperature, self.hard_weight = temperature, hard_weight

    def loss(self, output: Tensor, targets: SoftTargets) -> Step:
        """Return the weighted mean over the rows of a batch; `output` are logits ``(n, n_classes)``."""
        errors = distillation_errors(
            output.float(), targets.soft, targets.hard, self.temperature, self.hard_weight
        )
        return weighted_mean(errors, targets.weight)


@dataclass(kw_only=True, eq=False, repr=False)
class DistillationClassifier(LabeledScoreMixin, NetworkEstimator):
    """Teach a small network to classify as another classifier does.

    The teacher may be any classifier: a forest, a pipeline, a stack of models, a fine-tuned network. It says how likely
    each class is for each row, labelled or not, and the network learns these probabilities, which tell more than labels
    do [1]_. The network predicts faster than most ensembles, is saved without pickle, and does not need its teacher.

    Parameters
    ----------
    teacher : classifier
        With ``predict_proba``. If it is fitted it is used as it is, on the rows of `fit`. If it is not, a clone of it
        is fitted to X and y first. It is never changed. ``clone``, and so every search, makes an unfitted one of a
        fitted one, unless it is wrapped: ``FrozenEstimator(teacher)``. ``save`` leaves it out.
    temperature : float, default=2.0
        At higher temperatures classes that the teacher finds unlikely count more.
    hard_weight : float, default=0.1
        Share of the true class in the loss of a labelled row; the rest is the teacher's. With 1, labelled rows learn
        nothing from the teacher, and only unlabeled ones do.
    modality : "auto" or Modality, default="auto"
        What the data is, as in the pretrainers.
    encoder : str or nn.Module, default="auto"
        The network in front of a linear layer. ``"auto"`` is a small one: a layer of 64 units for tables, a
        narrow convolutional network for images, a bag of tokens for texts. Other names are those of the modality's
        networks. A module is copied, and training starts from its weights.
    lr : float, default=3e-3
        Learning rate of AdamW: more than for the pretrainers' wider networks.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes that the teacher knows.

    Notes
    -----
    Equal rows with equal labels are merged, and their weights added. So a weight of 2 is the same as two rows.

    A teacher that was fitted to the same rows is too sure of them. Unlabeled rows show best what it has learned.

    See Also
    --------
    DistillationPretrainer : Learns features instead of classes.

    References
    ----------
    .. [1] G. Hinton, O. Vinyals, J. Dean. "Distilling the Knowledge in a Neural Network." 2015.
       https://arxiv.org/abs/1503.02531

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn_ssl import DistillationClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> forest = RandomForestClassifier(random_state=0)
    >>> student = DistillationClassifier(forest, max_epochs=100, random_state=0)
    >>> bool(student.fit(X[::2], y[::2], X_unlabeled=X[1::2]).score(X, y) > 0.9)
    True
    """

    teacher: Any = field(default=None, kw_only=False)
    temperature: float = 2.0
    hard_weight: float = 0.1
    modality: str | Modality = "auto"
    encoder: str | nn.Module = "auto"
    lr: float = 3e-3

    _not_saved: ClassVar[tuple[str, ...]] = ("callbacks", "checkpoint", "teacher")

    # metadata routing passes X_unlabeled to fit without a call of set_fit_request
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"X_unlabeled": True}

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "teacher": "no_validation",  # check_teacher has better words for it
        "temperature": [real(0, closed="neither")],
        "hard_weight": [real(0, 1, closed="both")],
        "modality": "no_validation",  # choose_modality has better words for it
        "encoder": [str, nn.Module],
    }

    def fit(self, X: Any, y: Any, X_unlabeled: Any = None, sample_weight: Any = None) -> Self:
        """Fit the teacher, if it is not fitted, and train the network to classify as it does.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix of shape (n, d), or what `modality` takes
        y : array of shape (n,)
            Classes.
        X_unlabeled : like X, optional
            Further rows, which the teacher labels. They have a weight of 1.
        sample_weight : array of shape (n,), optional
            Weights of the rows of X, for the teacher too, if it is fitted here.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter, X, y or the teacher is invalid, or if y has classes that the teacher does not know.
        KeyboardInterrupt
            On Ctrl-C, after training has been ended cleanly: the estimator is usable.
        """
        self._validate_params()
        X = X.tocsr() if sp.issparse(X) else X  # not all formats have rows
        y, weight = self._checked(X, y, sample_weight)
        seed = draw_seed(entropy_of(self), 1)
        weights = None if sample_weight is None else weight
        teacher = fitted_copy(self.teacher, X, y, seed=seed, sample_weight=weights)
        classes = classes_of(teacher)
        codes = codes_of(y, classes)
        kept, weight = distinct_rows(X, codes, weight)
        rows = rows_at(X, kept)
        rows = rows if X_unlabeled is None else stack_rows(rows, X_unlabeled, self.modality)
        soft = probabilities_of(teacher, rows, len(classes))
        n_more = len(soft) - len(kept)
        targets = SoftTargets(
            torch.from_numpy(soft),
            torch.from_numpy(np.r_[codes[kept], np.full(n_more, UNLABELED)]),
            torch.from_numpy(np.r_[weight, np.ones(n_more)].astype(np.float32)),
        )
        return self._fit(rows, targets=targets, learned={"classes_": classes}, go_on=self.warm_start)

    def predict(self, X: Any) -> np.ndarray:
        """Return the most likely class of each row, ``(n,)``."""
        best = self._logits(X).argmax(1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of the classes, ``(n, n_classes)`` float32, in the order of ``classes_``."""
        return torch.from_numpy(self._logits(X)).softmax(1).numpy()

    def _logits(self, X: Any) -> np.ndarray:
        objective, store = self._ready(X)
        at_once = self._rows_per_batch
        if isinstance(self.batch_size, str):
            at_once = rows_at_once(self.modality_, at_once)
        return outputs_of(objective, store, None, at_once, self.net_.device)

    def _checked(self, X: Any, y: Any, sample_weight: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return y as an array, and the weights of the rows."""
        if self.teacher is None:
            raise ValueError(NONE.format(example="DistillationClassifier(RandomForestClassifier())"))
        advice = "Wrap it in CalibratedClassifierCV, or take another classifier."
        check_teacher(self.teacher, "teacher", ("predict_proba",), advice)
        if not is_classifier(self.teacher):
            raise TypeError(f"teacher={type(self.teacher).__name__} is no classifier. {advice}")
        require_rows(self, X)
        y = class_labels(self, y, " Without labels, pass those of a fitted teacher: y=teacher.predict(X).")
        check_consistent_length(X, y)
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if (weight < 0).any() or not weight.any():
            raise ValueError(
                "sample_weight must not be negative, nor zero for all rows. Leave rows out instead."
            )
        return y, weight

    def _objective(self, modality: Modality, encoder: nn.Module, width: int) -> DistillationObjective:
        return DistillationObjective(
            encoder,
            nn.Linear(width, len(self.classes_)),
            temperature=self.temperature,
            hard_weight=self.hard_weight,
        )

    def _deployed(self) -> nn.Module:
        return Probabilities(self._trained())

    def _build_encoder(self, start: nn.Module | None = None) -> nn.Module:
        if start is None and isinstance(self.encoder, str) and self.encoder == "auto":
            return small_encoder(self.modality_)
        return super()._build_encoder(start)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        return with_tags_of(self.teacher, tags)
