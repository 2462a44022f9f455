"""What a network gives for a batch while it trains."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from torch import Tensor


class Step(NamedTuple):
    """The loss of a batch, what it is a mean over, and what else is to be recorded.

    Attributes
    ----------
    loss : Tensor of shape ()
    weight : Tensor of shape () or None
        How many things the loss is a mean over, such as hidden tokens; None stands for the rows. Means over
        batches weigh them by it.
    logs : mapping of str to Tensor of shape ()
        Further means over the same things; those of an epoch go into ``history_``.
    """

    loss: Tensor
    weight: Tensor | None = None
    logs: Mapping[str, Tensor] = MappingProxyType({})


def as_step(result: Tensor | Step) -> Step:
    """Return a plain loss as a step."""
    return result if isinstance(result, Step) else Step(result)


class Targets(NamedTuple):
    """What rows are to be told for, and how much each of them counts.

    Attributes
    ----------
    values : Tensor of shape (n, ...)
        Such as numbers of classes.
    weight : Tensor of float32 of shape (n,)
    """

    values: Tensor
    weight: Tensor


def weighted_mean(errors: Tensor, weight: Tensor) -> Step:
    """Return the weighted mean of the errors of rows ``(n,)``, as a step that weighs as much as they do together."""
    total = weight.sum()
    return Step((errors * weight).sum() / total.clamp(min=1e-12), total)
