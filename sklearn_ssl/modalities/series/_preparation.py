"""The preparation of series as a part of a graph."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ...encoders import Frames
from ._scale import FAR, FEW_UNITS, FLAT, LEAST, Scale


class Levels(NamedTuple):
    """Mean and spread of each channel of each series ``(n, channels)``, and how many values are known."""

    level: Tensor
    spread: Tensor
    n_known: Tensor


def levels_of(rows: Tensor, known: Tensor) -> Levels:
    """Return what ``moments`` of numpy returns, of rows ``(n, channels, time)`` that are 0 where not known."""
    count = known.sum(2)
    n = count.clamp(min=1)
    largest = rows.abs().amax(2)
    unit = torch.where(largest > 0, largest, 1.0)
    filled = rows / unit[..., None]
    level = filled.sum(2) / n
    square = torch.where(known, filled - level[..., None], 0.0) ** 2
    spread = (square.sum(2) / n).sqrt()
    return Levels(level * unit, torch.where(spread > FLAT, spread, 0.0) * unit, count)


class SeriesPreparation(nn.Module):
    """Scale series and find their lengths, as ``Series.validate`` does.

    Parameters
    ----------
    scale : Scale
        What ``fit`` learned.
    kind : {"channel", "series", "global"}
        What shares a scale.
    flat : bool
        Whether X has no axis of channels.
    n_steps : int or None
        Number of steps; None if it may be any.

    Attributes
    ----------
    shape : tuple (channels, n_steps) or (n_steps,)
        Shape of one series.
    """

    mean: Tensor
    scale: Tensor
    usual: Tensor
    centre: Tensor
    width: Tensor

    def __init__(self, scale: Scale, kind: str, flat: bool, n_steps: int | None):
        super().__init__()
        self.kind, self.flat = kind, flat
        self.shape = (n_steps,) if flat else (len(scale.mean), n_steps)
        for name, value in zip(Scale._fields, scale, strict=True):
            self.register_buffer(name, torch.from_numpy(np.array(value, dtype=np.float64)))

    def forward(self, x: Tensor) -> Frames:
        """Map series ``(n, *shape)`` of any type, with NaN for what is not known, to a batch."""
        rows = (x[:, None] if self.flat else x).double()
        known = ~rows.isnan()
        rows = torch.where(known, rows, 0.0)
        if self.kind == "series":
            values, extras = self._each(rows, known)
        else:
            unit = torch.where(self.scale > 0, self.scale, torch.inf)
            values, extras = (rows - self.mean[:, None]) / unit[:, None], rows[:, 0, :0]
        values = torch.where(known, values.clamp(-FAR, FAR), 0.0).transpose(1, 2).float()
        # steps after the last that is known are padding
        steps = torch.arange(1, rows.shape[2] + 1, device=x.device)
        lengths = (known.any(1) * steps).amax(1).clamp(min=1)
        return Frames(values, known.transpose(1, 2), lengths, extras.float())

    def _each(self, rows: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return series on scales of their own, and what is kept of these scales."""
        parts = levels_of(rows, known)
        varies = self.usual > 0
        spread = torch.maximum(parts.spread, LEAST * self.usual)
        values = (rows - parts.level[..., None]) / torch.where(varies, spread, torch.inf)[..., None]
        level = (parts.level - self.mean) / torch.where(self.scale > 0, self.scale, torch.inf)
        ratio = torch.where(varies, spread / torch.where(varies, self.usual, 1.0), 1.0)
        kept = (torch.cat([level, ratio.log()], dim=1) - self.centre) / torch.where(
            self.width > 0, self.width, torch.inf
        )
        some = (parts.n_known > 0).repeat(1, 2)
        return values, torch.where(some, kept, 0.0).clamp(-FEW_UNITS, FEW_UNITS)
