"""Series that are continued, step by step."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...encoders import Frames
from ._scale import FAR
from ._views import window


def recent(x: Frames, stride: int, most: int) -> Frames:
    """Return the end of each series, of at most `most` steps, so that it fills whole positions of an encoder.

    Series shorter than a position begin with steps of which nothing is known.
    """
    short = (stride - x.lengths).clamp(min=0)
    if short.any():
        x = _shifted(x, short)
    most = max(stride, most // stride * stride)
    lengths = (x.lengths // stride * stride).clamp(max=most)
    return window(x, x.lengths - lengths, lengths, min(most, x.values.shape[1] // stride * stride))


def append(x: Frames, values: Tensor) -> Frames:
    """Return the series with further steps `values`, ``(n, steps, channels)``, after the end of each."""
    n_steps = values.shape[1]
    padded, observed = (F.pad(part, (0, 0, 0, n_steps)) for part in (x.values, x.observed.float()))
    places = (x.lengths[:, None] + torch.arange(n_steps, device=values.device))[:, :, None].expand_as(values)
    values = values.clamp(-FAR, FAR)
    return x._replace(
        values=padded.scatter(1, places, values),
        observed=observed.scatter(1, places, 1.0).bool(),
        lengths=x.lengths + n_steps,
    )


def _shifted(x: Frames, by: Tensor) -> Frames:
    """Return the series moved towards their end, with unknown steps before them."""
    most = int(by.max())
    time = x.values.shape[1] + most
    source = torch.arange(time, device=by.device) - by[:, None]
    inside = (source >= 0)[:, :, None]
    places = source.clamp(0, x.values.shape[1] - 1)[:, :, None].expand(-1, -1, x.values.shape[2])
    observed = x.observed.gather(1, places) & inside & (source < x.lengths[:, None])[:, :, None]
    values = x.values.gather(1, places).masked_fill(~observed, 0)
    return x._replace(values=values, observed=observed, lengths=x.lengths + by)
