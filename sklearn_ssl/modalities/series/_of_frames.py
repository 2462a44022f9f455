"""What sequences of frames have in common: what there is to predict at the positions of an encoder."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...encoders import Frames, Hidden
from ...training import move
from .._sequences import Positions, Sequences
from ._decoder import StepDecoder
from ._views import pad_to


def positions_of_steps(x: Frames, hidden: Hidden) -> Positions:
    """Return the targets: the steps under each position, and which of their values are known.

    Raises
    ------
    ValueError
        If the number of positions is not that of a stride.
    """
    n_positions, time = hidden.h.shape[1], x.values.shape[1]
    stride = -(-time // n_positions)
    if -(-time // stride) != n_positions:
        raise ValueError(
            f"The encoder gives features at {n_positions} positions for {time} steps. A position must stand for "
            "the same number of steps throughout: take an encoder with a stride, or encoder='auto'."
        )
    shape = (len(x.lengths), n_positions, -1)
    values, known = (
        pad_to(part, n_positions * stride).reshape(shape)
        for part in (x.values, x.observed.to(x.values.dtype))
    )
    maskable = hidden.present & known.any(2)
    follows = maskable.clone()
    follows[:, 0] = False
    return Positions(maskable, follows, torch.cat([values, known], dim=2))


def _windows(x: Tensor, size: int) -> Tensor:
    """Return each position with those after it, ``size`` in all and zeros at the end, side by side."""
    return F.pad(x, (0, 0, 0, size - 1)).unfold(1, size, 1).transpose(2, 3).flatten(2)


class FrameSequences(Sequences, ABC):
    """A modality whose batches are :class:`~sklearn_ssl.encoders.Frames`: series, and sound as spectrograms.

    Attributes
    ----------
    steps_ahead : int
        How many positions after each are predicted by a method that looks ahead.
    """

    steps_ahead: ClassVar[int] = 1

    def positions(self, x: Frames, hidden: Hidden) -> Positions:
        """Return the targets: the steps under each position, and which of their values are known."""
        return positions_of_steps(self.targets(x), hidden)

    def targets(self, x: Frames) -> Frames:
        """Hook: return what is predicted of each step; by default what networks see of it."""
        return x

    def position_decoder(self, encoder: nn.Module) -> StepDecoder:
        """Build a decoder of the steps under a position."""
        return self._decoder(encoder, 1)

    def changes(self, x: Frames, hidden: Hidden) -> tuple[Tensor, Tensor]:
        """Return the changes from the last step under each position to the steps that follow, and which are known."""
        steps, known = self.positions_of(x, hidden).values.chunk(2, dim=2)
        n_channels = steps.shape[2] // -(-x.values.shape[1] // steps.shape[1])
        ahead, observed = (_windows(part[:, 1:], self.steps_ahead) for part in (steps, known))
        last = steps[:, :-1, -n_channels:].repeat(1, 1, ahead.shape[2] // n_channels)
        return observed.any(2), torch.cat([ahead - last, observed], dim=2)

    def change_decoder(self, encoder: nn.Module) -> StepDecoder:
        """Build a decoder of the changes to the steps that follow a position."""
        return self._decoder(encoder, self.steps_ahead)

    def _decoder(self, encoder: nn.Module, n_positions: int) -> StepDecoder:
        x = self.example()
        hidden = self.try_positions(encoder, x)
        n_values = self.positions(move(x, hidden.h.device), hidden).values.shape[2] // 2
        return StepDecoder(self.position_width(encoder), n_positions * n_values)

    def change_end(self, x: Frames) -> Frames:
        """Return the sequences with another last step."""
        values = torch.cat([x.values[:, :-1], x.values[:, -1:] + 1], dim=1)
        return x._replace(values=values.masked_fill(~x.observed, 0))
