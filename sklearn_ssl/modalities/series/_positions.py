"""What there is to predict at the positions of an encoder of frames."""

from __future__ import annotations

import torch

from ...encoders import Frames, Hidden
from .._sequences import Positions
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
