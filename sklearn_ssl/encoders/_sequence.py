"""What encoders of sequences give: features at positions, at a rate of their own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

from torch import Tensor, nn


class Hidden(NamedTuple):
    """Features at the positions of sequences.

    An encoder has positions at a rate of its own: one for each token of a text, or, with a stride, one for several
    steps of a series.

    Attributes
    ----------
    h : Tensor of shape (n, n_positions, width)
    present : Tensor of bool of shape (n, n_positions)
        Where there is a position and no padding.
    """

    h: Tensor
    present: Tensor


class SequenceEncoder(nn.Module, ABC):
    """An encoder with features at each position, before and after it looks around.

    ``forward`` pools them to features of whole rows. Tasks at positions (masked, next, future) use `hidden`; those
    that tell true local features from false ones use `local` and `context` apart.
    """

    @abstractmethod
    def local(self, x: Any) -> Hidden:
        """Return the features of what is at each position alone: embedded tokens, or a strided front end."""

    @abstractmethod
    def context(self, hidden: Hidden) -> Hidden:
        """Return the features at the same positions with what is around them."""

    def hidden(self, x: Any) -> Hidden:
        """Return the features at each position of a batch."""
        return self.context(self.local(x))
