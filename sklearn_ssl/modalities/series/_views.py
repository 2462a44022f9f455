"""Random changes of series: crops, noise, magnitude, hidden stretches, and noise in frequency."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...encoders import Frames
from .._sequences import longest_of


def crop(x: Frames, scale: tuple[float, float]) -> Frames:
    """Return a random window of each series, of at least one step.

    Parameters
    ----------
    x : Frames
    scale : tuple (smallest, largest)
        Range of the share of a series that a window covers, within (0, 1].
    """
    n, device = len(x.lengths), x.values.device
    share = torch.empty(n, device=device).uniform_(*scale)
    lengths = (x.lengths * share).round().long().clamp(min=1).minimum(x.lengths)
    start = (torch.rand(n, device=device) * (x.lengths - lengths + 1)).long().minimum(x.lengths - lengths)
    return window(x, start, lengths)


def window(x: Frames, start: Tensor, lengths: Tensor, most: int | None = None) -> Frames:
    """Return the steps of each series from `start` on, `lengths` of them; both are int64 of shape (n,).

    No length exceeds `most`, by default the number of steps in the batch.
    """
    steps = torch.arange(longest_of(lengths, most or x.values.shape[1]), device=start.device)
    places = (
        (start[:, None] + steps)
        .clamp(max=x.values.shape[1] - 1)[:, :, None]
        .expand(-1, -1, x.values.shape[2])
    )
    here = (steps < lengths[:, None])[:, :, None]
    observed = x.observed.gather(1, places) & here
    return Frames(x.values.gather(1, places).masked_fill(~observed, 0), observed, lengths, x.extras)


def jitter(x: Frames, strength: float) -> Frames:
    """Add Gaussian noise of a standard deviation of `strength` to known values."""
    noisy = x.values + strength * torch.randn_like(x.values)
    return x._replace(values=noisy.masked_fill(~x.observed, 0))


def change_magnitude(x: Frames, strength: float) -> Frames:
    """Multiply each channel of each series by a random factor around 1, of a standard deviation of `strength`."""
    factor = 1 + strength * torch.randn_like(x.values[:, :1])
    return x._replace(values=x.values * factor)


def change_spectrum(x: Frames, strength: float) -> Frames:
    """Multiply each frequency of each series by a random factor around 1, of a standard deviation of `strength`."""
    spectrum = torch.fft.rfft(x.values.float(), dim=1)
    spectrum = spectrum * (1 + strength * torch.randn_like(spectrum.real))
    values = torch.fft.irfft(spectrum, n=x.values.shape[1], dim=1)
    return x._replace(values=values.masked_fill(~x.observed, 0))


def hide_steps(x: Frames, rate: float, share: float | Tensor, least: int = 1) -> tuple[Frames, Tensor]:
    """Hide stretches of steps of each series, in all channels.

    Parameters
    ----------
    x : Frames
    rate : float in [0, 1)
        Share of the steps that are hidden, in the mean.
    share : float, or Tensor of shape (n,)
        Length of a stretch, as a share of the series.
    least : int, default=1
        Length of the shortest stretch, in steps.

    Returns
    -------
    hidden : Frames
    mask : Tensor of bool of shape (n, time)
    """
    n, time = x.values.shape[:2]
    span = (x.lengths * share).round().long().clamp(min=least)
    most = longest_of(span, max(least, time))
    # a step is seen if no stretch has begun in the `span` steps before it; stretches may overlap
    begins = torch.rand(n, most + time, device=span.device) > (1 - rate) ** (1 / span[:, None])
    so_far = F.pad(begins.long().cumsum(1), (1, 0))
    end = torch.arange(1, time + 1, device=span.device) + most
    mask = (so_far[:, end] > so_far.gather(1, end - span[:, None])) & x.present()
    observed = x.observed & ~mask[:, :, None]
    return x._replace(values=x.values.masked_fill(~observed, 0), observed=observed), mask


def pad_to(x: Tensor, time: int) -> Tensor:
    """Return ``(n, time, channels)`` cut or padded with zeros to `time` steps."""
    return F.pad(x[:, :time], (0, 0, 0, max(0, time - x.shape[1])))
