"""What a network is trained for: a loss over batches, with or without labels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from ..training import Batch, Step


class Objective(nn.Module, ABC):
    """A pretext task: a loss over a batch of unlabeled rows.

    Parameters
    ----------
    encoder : nn.Module
        Maps a batch to features ``(n, width)``. Projectors, predictors and decoders are the objective's own.
    """

    n_draws: ClassVar[int] = (
        1  # copies of a row in a batch of `row_losses`, if that draws something at random
    )

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder

    @abstractmethod
    def forward(self, x: Batch) -> Tensor | Step:
        """Return the loss of a batch.

        A scalar tensor is a mean over the rows. A :class:`~sklearn_ssl.training.Step` holds the loss with its
        weight, if it is a mean over something else, and with further values to record.
        """

    def features(self, x: Batch) -> Tensor:
        """Return the output of ``transform`` for a batch, ``(n, width)``."""
        return self.encoder(x)

    def embedding(self, x: Batch) -> Tensor:
        """Return the embeddings that must not collapse, ``(n, d)``: what the loss compares, if not the features."""
        return self.features(x)

    def row_losses(self, x: Batch) -> Tensor:
        """Return how unusual each row of a batch is, ``(n,)``, in evaluation mode; none depends on other rows.

        By default it is the mean square of the features. The encoders of this package standardise them over the rows
        of ``fit``, so that it is the squared distance from their mean, in standard deviations. A subclass whose loss
        is of single rows returns that. If it draws something at random, it sets `n_draws`, and gets batches of so many
        copies of one row; draws are made in a :class:`~sklearn_ssl.training.RandomStream`.
        """
        return self.features(x).float().square().mean(1)

    def before_training(self) -> None:
        """Hook called before training begins or goes on, for example to note the weights that it begins from."""

    def after_step(self) -> None:
        """Hook called after each optimizer step, for example to update a target encoder."""


class SupervisedObjective(Objective):
    """A task with labels: outputs for a batch of rows, and their loss.

    They are separate, as in skorch, so that prediction uses the same ``forward``.

    Parameters
    ----------
    encoder : nn.Module
        Maps a batch to features ``(n, width)``.
    head : nn.Module
        Maps features to outputs ``(n, n_outputs)``, such as logits.
    """

    def __init__(self, encoder: nn.Module, head: nn.Module):
        super().__init__(encoder)
        self.head = head

    def forward(self, x: Batch) -> Tensor:
        """Return the outputs for a batch, ``(n, n_outputs)``."""
        return self.head(self.encoder(x))

    @abstractmethod
    def loss(self, output: Tensor, targets: Batch) -> Tensor | Step:
        """Return the loss of the outputs of a batch, given its targets.

        Parameters
        ----------
        output : Tensor of shape (n, n_outputs)
            In the precision of training: convert it to float32 first.
        targets : Tensor of shape (n, ...), or NamedTuple of such
            On the device of `output`.
        """
