"""What a network is fine-tuned for: the loss of labels, and a penalty on the way from where it began."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Modality, Objective
from ..training import Batch, Step, Targets, weighted_mean


def half_squared_norm(parameters: Iterable[Tensor], origin: Iterable[Tensor] | None = None) -> Tensor:
    """Return half the sum of the squares of parameters, or of their distances from an origin.

    Parameters
    ----------
    parameters : iterable of Tensor
    origin : iterable of Tensor, optional
        None for L2; the weights before training for L2-SP [1]_.

    Returns
    -------
    Tensor of shape ()

    References
    ----------
    .. [1] X. Li, Y. Grandvalet, F. Davoine. "Explicit Inductive Bias for Transfer Learning with Convolutional
       Networks." ICML 2018. https://arxiv.org/abs/1802.01483
    """
    parameters = list(parameters)
    moved = parameters if origin is None else [p - o for p, o in zip(parameters, origin, strict=True)]
    return 0.5 * torch.stack([part.float().square().sum() for part in moved]).sum()


class Origin:
    """The weights that training began from. They are no part of a copy, a pickle or a saved folder.

    Where they are missing, training that goes on begins from the weights that are there.
    """

    def __init__(self) -> None:
        self.weights: list[Tensor] | None = None

    def of(self, parameters: list[nn.Parameter]) -> list[Tensor]:
        """Return what the parameters were when this was first called."""
        if self.weights is None:
            self.weights = [parameter.detach().clone() for parameter in parameters]
        return self.weights

    def __reduce__(self) -> tuple[Any, ...]:
        return Origin, ()


class FineTuneObjective(Objective, ABC):
    """The mean error of rows as they are, and of a view of each, with a penalty.

    Parameters
    ----------
    modality : Modality
        Draws views.
    encoder, head : nn.Module
    views : bool
        Whether to learn from a view of each row, too.
    penalty : {"l2", "l2-sp"}
    alpha : float
        Weight of the penalty.
    """

    def __init__(
        self,
        modality: Modality,
        encoder: nn.Module,
        head: nn.Module,
        *,
        views: bool,
        penalty: str,
        alpha: float,
    ):
        super().__init__(encoder)
        self.head, self.modality = head, modality
        self.views, self.penalty, self.alpha = views, penalty, alpha
        self.origin = Origin()

    def forward(self, x: Batch) -> Tensor:
        """Return the outputs for a batch, ``(n, n_outputs)``; in training with views below, ``(2 n, n_outputs)``."""
        outputs = self.head(self.encoder(x))
        if not (self.training and self.views):
            return outputs
        # a pass of its own: batch norm has the statistics of views there
        return torch.cat([outputs, self.head(self.encoder(self.modality.view(x)))])

    def loss(self, output: Tensor, targets: Targets) -> Step:
        """Return the weighted mean of the errors of outputs, plus the penalty in training.

        Parameters
        ----------
        output : Tensor of shape (n, n_outputs) or (2 n, n_outputs)
        targets : Targets
            ``values`` of shape ``(n, n_outputs)``.
        """
        copies = len(output) // len(targets.weight)
        errors = self.errors(output.float(), targets.values.repeat(copies, 1))
        step = weighted_mean(errors, targets.weight.repeat(copies))
        if not self.training or not self.alpha:
            return step
        return step._replace(loss=step.loss + self.alpha * self.regularizer())

    def before_training(self) -> None:
        """Note where training begins, before the weights of a checkpoint take its place."""
        if self.alpha and self.penalty == "l2-sp":
            self.origin.of([*self.parameters()])

    def regularizer(self) -> Tensor:
        """Return R of the objective, a scalar."""
        parameters = [*self.parameters()]
        return half_squared_norm(parameters, self.origin.of(parameters) if self.penalty == "l2-sp" else None)

    @abstractmethod
    def errors(self, output: Tensor, values: Tensor) -> Tensor:
        """Return the error of each row, ``(n,)``, from outputs and targets of shape ``(n, n_outputs)``."""


class SoftCrossEntropy(FineTuneObjective):
    """Cross-entropy with class probabilities."""

    def errors(self, output: Tensor, values: Tensor) -> Tensor:
        """Return the cross-entropy of each row."""
        return -(values * F.log_softmax(output, dim=1)).sum(dim=1)


class SquaredError(FineTuneObjective):
    """Squared error, as a mean over the outputs of a row."""

    def errors(self, output: Tensor, values: Tensor) -> Tensor:
        """Return the squared error of each row."""
        return (output - values).square().mean(dim=1)
