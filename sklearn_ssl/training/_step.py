"""The result of a training step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor


class Step(NamedTuple):
    """The loss of a batch, its weight, and further values to record.

    Attributes
    ----------
    loss : Tensor of shape ()
    weight : Tensor of shape () or None
        The number of things the loss is a mean over, such as hidden tokens; None stands for the number of rows.
        Means over batches are weighted by it.
    logs : mapping of str to Tensor of shape ()
        Further means over the same things; their epoch means go into ``history_``.

    Examples
    --------
    The loss of a batch in which three tokens were hidden:

    >>> import torch
    >>> from sklearn_ssl.training import Step
    >>> Step(torch.tensor(0.5), weight=torch.tensor(3)).weight
    tensor(3)
    """

    loss: Tensor
    weight: Tensor | None = None
    logs: Mapping[str, Tensor] = MappingProxyType({})


def as_step(result: Tensor | Step) -> Step:
    """Return a plain loss as a step."""
    return result if isinstance(result, Step) else Step(result)


def mean_loss(steps: Iterable[tuple[Step, int]]) -> float | None:
    """Return the mean loss of steps, each with its number of rows; None if nothing counts.

    Losses and weights are read at the end, all at once, so that no batch waits for the one before.
    """
    pairs = []
    for step, n in steps:
        loss, weight = step.loss.double().reshape(()), n if step.weight is None else step.weight
        weight = weight.double().reshape(()) if isinstance(weight, Tensor) else torch.full_like(loss, weight)
        pairs.append(torch.stack([loss, weight]))
    total = size = 0.0
    for mean, weight in torch.stack(pairs).tolist() if pairs else []:
        total, size = total + mean * weight, size + weight
    return total / size if size else None


class Targets(NamedTuple):
    """Targets of rows, and the weight of each row.

    Attributes
    ----------
    values : Tensor of shape (n, ...)
        For example class indices.
    weight : Tensor of float32 of shape (n,)
    """

    values: Tensor
    weight: Tensor


def weighted_mean(errors: Tensor, weight: Tensor) -> Step:
    """Return the weighted mean of the errors of rows ``(n,)``, as a step whose weight is the sum of theirs."""
    total = weight.sum()
    return Step((errors * weight).sum() / total.clamp(min=1e-12), total)
