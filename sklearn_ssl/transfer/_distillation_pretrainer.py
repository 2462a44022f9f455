"""Distillation of features: a small encoder learns to reproduce those of a teacher."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn

from ..base import (
    Modality,
    Pretrainer,
    SupervisedObjective,
    check_columns,
    entropy_of,
    has_other_columns,
)
from ..modalities import stack_rows
from ..training import draw_seed
from ._small import small_encoder
from ._teacher import NONE, check_teacher, fitted_copy, outputs_of_teacher, with_tags_of

LEARNED = ("n_components_", "components_", "mean_", "scale_")


def project(Z: np.ndarray, components: np.ndarray | None) -> np.ndarray:
    """Return features ``(n, d)`` along components ``(n_components, d)``; None leaves them as they are."""
    return Z if components is None else Z @ components.T


def principal_components(Z: np.ndarray, n_components: int | None, seed: int) -> np.ndarray | None:
    """Return the first principal components ``(n_components, d)`` of features; None if all features are wanted."""
    if n_components in (None, Z.shape[1]):
        return None
    if n_components > min(Z.shape):
        raise ValueError(
            f"n_components={n_components}, and the teacher gives {Z.shape[1]} features of {len(Z)} rows. Lower "
            "n_components, or leave n_components=None."
        )
    return PCA(n_components, random_state=seed).fit(Z).components_


def imitation_errors(output: Tensor, target: Tensor, scale: float) -> Tensor:
    """Return the squared error of each row, where 1 is that of the mean.

    Parameters
    ----------
    output, target : Tensor of shape (n, n_components)
    scale : float
        Root of the mean variance of the columns of the target.

    Returns
    -------
    Tensor of shape (n,)
    """
    return ((output.float() - target) / scale).square().mean(1)


class ImitationObjective(SupervisedObjective):
    """Squared error of the teacher's features.

    Parameters
    ----------
    encoder, head : nn.Module
        The student.
    mean : ndarray of shape (n_components,)
        Of the teacher's features.
    scale : float
        One scale for all of them, so that distances between rows are learned.
    """

    mean: Tensor

    def __init__(self, encoder: nn.Module, head: nn.Module, mean: np.ndarray, scale: float):
        super().__init__(encoder, head)
        self.register_buffer("mean", torch.from_numpy(mean.astype(np.float32)))
        self.scale = scale

    def forward(self, x: Any) -> Tensor:
        """Return the features for a batch, ``(n, n_components)``, on the scale of the teacher's."""
        return self.head(self.encoder(x)).float() * self.scale + self.mean

    def features(self, x: Any) -> Tensor:
        """Return the same."""
        return self(x)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Return the mean error of a batch; targets are the teacher's features ``(n, n_components)``."""
        return imitation_errors(output, targets, self.scale).mean()


@dataclass(kw_only=True, eq=False, repr=False)
class DistillationPretrainer(Pretrainer):
    """Learn to reproduce the features of another transformer by a small network.

    So a heavy encoder becomes a cheap one [1]_. The teacher may be a pretrainer, a pretrained model of texts, or any
    pipeline of transformers, on data of any kind. The student sees rows as they are, and the loss is the squared error
    of the teacher's features. The score is minus that error, where 1 is the error of their mean.

    Parameters
    ----------
    teacher : transformer
        With ``transform``. If it is fitted it is used as it is, on the rows of `fit`. If it is not, a clone of it is
        fitted to X first. It is never changed. ``clone``, and so every search, makes an unfitted one of a fitted one,
        unless it is wrapped: ``FrozenEstimator(teacher)``. ``save`` leaves it out: to train or score a loaded student,
        set it again.
    encoder : str or nn.Module, default="auto"
        The network in front of a linear layer. ``"auto"`` is a small one: a layer of 64 units for tables, a narrow
        convolutional network for images, a bag of tokens for texts. Other names are those of the modality's
        networks. A module is copied, and training starts from its weights.
    n_components : int or None, default=None
        Number of features. None is all of the teacher's, an int that many of their principal components, not
        centred.

    Attributes
    ----------
    encoder_ : nn.Module
        The trained encoder, on `device`, in evaluation mode. A linear layer turns its output into features.
    components_ : ndarray of shape (n_components_, d) or None
        The principal components of the teacher's d features; None if all of them are learned.
    mean_ : ndarray of shape (n_components_,)
        Mean of the features to learn.
    scale_ : float
        Root of the mean variance of the features to learn.
    teacher_ : transformer
        The fitted teacher: the one given, or the clone that ``fit`` fitted.

    See Also
    --------
    DistillationClassifier : Learns the classes of a classifier instead of features.

    References
    ----------
    .. [1] A. Romero, N. Ballas, S. E. Kahou, A. Chassang, C. Gatta, Y. Bengio. "FitNets: Hints for Thin Deep Nets."
       ICLR 2015. https://arxiv.org/abs/1412.6550

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_ssl import DistillationPretrainer
    >>> X = load_digits().data
    >>> pca = make_pipeline(StandardScaler(), PCA(8)).fit(X)
    >>> student = DistillationPretrainer(pca, max_epochs=20, random_state=0).fit(X)
    >>> student.transform(X).shape, student.score(X) > -0.3
    ((1797, 8), True)
    """

    teacher: Any = field(default=None, kw_only=False)

    _not_saved: ClassVar[tuple[str, ...]] = ("callbacks", "checkpoint", "teacher")
    _projects_features: ClassVar[bool] = True
    _compares_rows: ClassVar[bool] = False
    _collapse_advice: ClassVar[str] = "Lower lr, or look whether the teacher's features are nearly the same."

    _parameter_constraints: ClassVar[dict[str, Any]] = {"teacher": "no_validation"}

    @property
    def teacher_(self) -> Any:
        """The fitted teacher: the one given, or the clone that `fit` fitted."""
        own = getattr(self, "_teacher", None)
        teacher = self.teacher if own is None else own
        if teacher is None:
            raise ValueError(NONE.format(example="DistillationPretrainer(fitted_pretrainer)"))
        return teacher

    def _lesson(self, X: Any, pool: Any = None, go_on: bool = False) -> dict[str, Any]:
        self._validate_params()
        rows = X if pool is None else stack_rows(X, pool, self.modality)
        other = self.warm_start and has_other_columns(self, X)  # then only the encoder is kept
        if go_on and hasattr(self, "net_") and not other:
            check_columns(self, X)  # before the teacher, whose words are its own
            Z = outputs_of_teacher(self.teacher_, ("transform",), rows)
            learned = {name: getattr(self, name) for name in LEARNED}
        else:
            Z, learned = self._first_lesson(rows)
        if learned["components_"] is None and Z.shape[1] != learned["n_components_"]:
            raise ValueError(
                f"The teacher gives {Z.shape[1]} features, and gave {learned['n_components_']} in the first fit. "
                "Take the same teacher, or begin again, with warm_start=False."
            )
        targets = project(Z, learned["components_"]).astype(np.float32)
        return {"targets": torch.from_numpy(targets), "learned": learned}

    def _first_lesson(self, rows: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the features of a fitted teacher, and what is learned from them at once."""
        if self.teacher is None:
            raise ValueError(NONE.format(example="DistillationPretrainer(fitted_pretrainer)"))
        check_teacher(
            self.teacher, "teacher", ("transform",), "Take a transformer, such as a pretrainer or PCA."
        )
        seed = draw_seed(entropy_of(self), 1)
        teacher = fitted_copy(self.teacher, rows, seed=seed)
        Z = outputs_of_teacher(teacher, ("transform",), rows)
        components = principal_components(Z, self.n_components, seed)
        goal = project(Z, components)
        learned = {
            "n_components_": goal.shape[1],
            "components_": components,
            "mean_": goal.mean(0),
            "scale_": float(np.sqrt(goal.var(0).mean())) or 1.0,
        }
        # only a clone is kept: a fitted teacher is there already
        return Z, learned | {"_teacher": None if teacher is self.teacher else teacher}

    def _objective(self, modality: Modality, encoder: nn.Module, width: int) -> ImitationObjective:
        head = nn.Linear(width, self.n_components_)
        return ImitationObjective(encoder, head, self.mean_, self.scale_)

    def _from_width(self, width: int) -> dict[str, Any]:
        return {}  # the teacher decides, before there is an encoder

    def _build_encoder(self, start: nn.Module | None = None) -> nn.Module:
        if start is None and isinstance(self.encoder, str) and self.encoder == "auto":
            return small_encoder(self.modality_)
        return super()._build_encoder(start)

    def __sklearn_tags__(self) -> Any:
        return with_tags_of(self.teacher, super().__sklearn_tags__())
