"""Encoders of sequences, and what they return: features at positions, at a rate of their own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn


def convolve(convolution: nn.Module, h: Tensor, pad: tuple[int, int]) -> Tensor:
    """Run a convolution over positions, after zeros are added before and behind them.

    It is computed as one over images of a single row: torch's kernels for two dimensions take numbers that lie as
    these do, position after position, and those for one dimension copy them around.

    Parameters
    ----------
    convolution : nn.Conv1d
    h : Tensor of shape (n, n_positions, n_in)
    pad : tuple (before, behind)
        Number of zeros.

    Returns
    -------
    Tensor of shape (n, n_positions + before + behind - reach, n_out)
    """
    rows = F.pad(h, (0, 0, *pad)).transpose(1, 2).unsqueeze(2)
    one: Any = convolution  # a ModuleList gives its members as mere modules
    out = F.conv2d(rows, one.weight.unsqueeze(2), one.bias, dilation=(1, *one.dilation))
    return out.squeeze(2).transpose(1, 2)


class Hidden(NamedTuple):
    """Features at the positions of sequences.

    An encoder has positions at a rate of its own: one per token of a text or, with a stride, one per several
    steps of a series.

    Attributes
    ----------
    h : Tensor of shape (n, n_positions, width)
    present : Tensor of bool of shape (n, n_positions)
        True at positions of the sequence, False at padding.
    """

    h: Tensor
    present: Tensor


class SequenceEncoder(nn.Module, ABC):
    """An encoder with features at each position, local and in context.

    ``forward`` pools them into features of whole rows. Tasks at positions (masked, next, future) use `hidden`.
    Tasks that distinguish true local features from false ones use `local` and `context` separately.
    """

    @abstractmethod
    def local(self, x: Any) -> Hidden:
        """Return the features of each position alone: embedded tokens, or the output of a strided front end."""

    @abstractmethod
    def context(self, hidden: Hidden) -> Hidden:
        """Return the features at the same positions in their context."""

    def hidden(self, x: Any) -> Hidden:
        """Return the features at each position of a batch."""
        return self.context(self.local(x))
