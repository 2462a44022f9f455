"""What sequences of frames have in common: what there is to predict at the positions of an encoder."""

from __future__ import annotations

from abc import ABC

import torch
from torch import nn

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


class FrameSequences(Sequences, ABC):
    """A modality whose batches are :class:`~sklearn_ssl.encoders.Frames`: series, and sound as spectrograms."""

    def positions(self, x: Frames, hidden: Hidden) -> Positions:
        """Return the targets: the steps under each position, and which of their values are known."""
        return positions_of_steps(x, hidden)

    def position_decoder(self, encoder: nn.Module) -> StepDecoder:
        """Build a decoder of the steps under a position."""
        x = self.example()
        hidden = self.try_positions(encoder, x)
        values = self.positions(move(x, hidden.h.device), hidden).values
        return StepDecoder(self.position_width(encoder), values.shape[2] // 2)

    def change_end(self, x: Frames) -> Frames:
        """Return the sequences with another last step."""
        values = torch.cat([x.values[:, :-1], x.values[:, -1:] + 1], dim=1)
        return x._replace(values=values.masked_fill(~x.observed, 0))
