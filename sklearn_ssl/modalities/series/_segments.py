"""Series cut into two segments, in a way that does not reveal their order."""

from __future__ import annotations

import torch
from torch import Tensor

from ...encoders import Frames

SHORTEST = 4  # steps of a series that is cut
GAP = 16  # a gap between the parts takes one of so many steps, at least one


def swap_segments(x: Frames) -> tuple[Frames, Tensor, Tensor]:
    """Cut each series in its middle half, and swap the parts of a random half of the series.

    Between the parts some steps are hidden, in either order: where parts do not meet, a jump would tell that they
    were swapped.

    Returns
    -------
    parts : Frames
    swapped : Tensor of bool of shape (n,)
    possible : Tensor of bool of shape (n,)
        Which series are long enough.
    """
    n, device = len(x.lengths), x.lengths.device
    possible = x.lengths >= SHORTEST
    gap = (x.lengths // GAP).clamp(min=1)
    share = torch.empty(n, device=device).uniform_(0.25, 0.75)
    first = ((x.lengths - gap) * share).long().clamp(min=1)
    second = x.lengths - gap - first
    swapped = torch.rand(n, device=device) < 0.5
    leading = torch.where(swapped, second, first)[:, None]
    steps = torch.arange(x.values.shape[1], device=device).expand(n, -1)
    offset = (first + gap)[:, None]
    source = torch.where(steps < leading, steps + offset, steps - leading - gap[:, None])
    source = torch.where(swapped[:, None], source, steps).clamp(0, x.values.shape[1] - 1)
    here = x.present() & ((steps < leading) | (steps >= leading + gap[:, None]))
    places = source[:, :, None].expand_as(x.values)
    observed = x.observed.gather(1, places) & here[:, :, None]
    values = x.values.gather(1, places).masked_fill(~observed, 0)
    return x._replace(values=values, observed=observed), swapped, possible
