"""Waveforms cut into steps, and random changes of them: loudness, noise, mixing and speed."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...encoders import Frames
from .._sequences import longest_of
from ._views import between

UNIT = 16  # samples that the length of a step is a multiple of, so that small strides divide it


def step_of(rate: int, hop: float) -> int:
    """Return the number of samples of a step of about `hop` seconds."""
    return UNIT * max(1, round(rate * hop / UNIT))


def folded(wave: np.ndarray, step: int) -> np.ndarray:
    """Return a waveform ``(n_samples,)`` as steps ``(n_steps, step)``; the last one is filled up with zeros."""
    return np.pad(wave, (0, -len(wave) % step)).reshape(-1, step)


def mix_waves(x: Frames, strength: float) -> Frames:
    """Add another sound of the batch to each, with a share of the power of up to `strength`.

    Parameters
    ----------
    x : Frames
        With the samples of a step as its channels.
    strength : float
        In [0, 1).
    """
    other = torch.randperm(len(x.lengths), device=x.values.device)
    share = strength * torch.rand(len(x.lengths), 1, 1, device=x.values.device)
    both = (1 - share).sqrt() * x.values + share.sqrt() * x.values[other]
    return _changed(x, torch.where(x.observed[other], both, x.values))


def fade(x: Frames, decibels: float) -> Frames:
    """Make sounds louder or softer, by up to so many decibels, at the start and at the end, each at random."""
    n, time = x.values.shape[:2]
    first, last = decibels * (2 * torch.rand(2, n, 1, device=x.values.device) - 1)
    at = torch.arange(time, device=x.values.device) / (x.lengths[:, None] - 1).clamp(min=1)
    change = first + (last - first) * at.clamp(max=1)
    return _changed(x, x.values * (10 ** (change / 20))[:, :, None])


def add_hiss(x: Frames, decibels: float) -> Frames:
    """Add white noise to each sound, at least `decibels` below its mean power, and up to 30 decibels softer."""
    power = x.values.square().sum((1, 2)) / x.observed.sum((1, 2)).clamp(min=1)
    below = decibels + 30 * torch.rand(len(power), device=power.device)
    strength = (power * 10 ** (-below / 10)).sqrt()
    return _changed(x, x.values + strength[:, None, None] * torch.randn_like(x.values))


def change_speed(x: Frames, most: float) -> Frames:
    """Play each sound faster or slower, which moves its pitch too, by a factor of up to `most`.

    Samples in between are interpolated linearly.
    """
    n, time, step = x.values.shape
    speed = most ** (2 * torch.rand(n, device=x.values.device) - 1)
    lengths = (x.lengths / speed).floor().long().clamp(min=1)
    longest = longest_of(lengths, max(1, int(time * most)))
    at = torch.arange(longest * step, device=speed.device) * speed[:, None]
    samples = between(x.values.flatten(1)[:, :, None], at, x.lengths * step - 1)
    here = (torch.arange(longest, device=speed.device) < lengths[:, None])[:, :, None]
    values = samples.view(n, longest, step)
    return Frames(values.masked_fill(~here, 0), here.expand_as(values), lengths, x.extras)


def view_of_waves(x: Frames, mixing: float, stretch: float, gain: float, noise: float | None) -> Frames:
    """Return waveforms that are mixed, faster or slower, louder or softer, and noisy, see :class:`Audio`."""
    if mixing:
        x = mix_waves(x, mixing)
    if stretch > 1:
        x = change_speed(x, stretch)
    if gain:
        x = fade(x, gain)
    return x if noise is None else add_hiss(x, noise)


def windows_of(x: Frames, size: int) -> Tensor:
    """Return the waveforms ``(n, n_samples)``, so long that a window of `size` samples begins at each step."""
    step = x.values.shape[2]
    return F.pad(x.values.flatten(1), (0, max(0, size - step)))


def _changed(x: Frames, values: Tensor) -> Frames:
    return x._replace(values=values.masked_fill(~x.observed, 0))
