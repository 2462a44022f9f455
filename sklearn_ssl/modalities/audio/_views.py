"""Random changes of sounds, on their spectrograms: loudness, noise, mixing, speed, pitch and masks."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...encoders import Frames
from .._sequences import longest_of

NATS = math.log(10) / 10  # of power, in a decibel


def view_of_spectrograms(
    x: Frames,
    mean: Tensor,
    scale: Tensor,
    mixing: float,
    stretch: float,
    pitch: float,
    gain: float,
    noise: float | None,
) -> Frames:
    """Return sounds that are mixed, stretched, moved in pitch, louder or softer, and noisy, see :class:`Audio`."""
    if mixing:
        x = mix(x, mean, scale, mixing)
    if stretch > 1 or pitch:
        x = resize(x, stretch, pitch)
    if gain:
        x = change_gain(x, scale, gain)
    return x if noise is None else add_noise(x, mean, scale, noise)


def change_gain(x: Frames, scale: Tensor, decibels: float) -> Frames:
    """Make sounds louder or softer, and let them fade: up to so many decibels, at the start and at the end.

    Parameters
    ----------
    x : Frames
    scale : Tensor of shape (n_bands,)
        Spread of each band, by which its values were divided.
    decibels : float
    """
    n, time = x.values.shape[:2]
    first, last = decibels * NATS * (2 * torch.rand(2, n, 1, device=scale.device) - 1)
    at = torch.arange(time, device=scale.device) / (x.lengths[:, None] - 1).clamp(min=1)
    change = (first + (last - first) * at.clamp(max=1))[:, :, None] / scale
    return x._replace(values=(x.values + change).masked_fill(~x.observed, 0))


def add_noise(x: Frames, mean: Tensor, scale: Tensor, decibels: float) -> Frames:
    """Add noise to the power of each sound, at least `decibels` below its mean, and up to 30 decibels softer.

    Parameters
    ----------
    x : Frames
    mean, scale : Tensor of shape (n_bands,)
        By which values were scaled.
    decibels : float
        Ratio of signal to noise.
    """
    logs = x.values * scale + mean
    known = x.observed.to(logs.dtype)
    loudness = (logs.exp() * known).sum((1, 2)) / known.sum((1, 2)).clamp(min=1)
    below = NATS * (decibels + 30 * torch.rand(len(logs), device=logs.device))
    power = loudness[:, None, None] * (-below).exp()[:, None, None] * torch.empty_like(logs).exponential_()
    noisy = torch.logaddexp(logs, (power + 1e-12).log())
    return x._replace(values=((noisy - mean) / scale).masked_fill(~x.observed, 0))


def mix(x: Frames, mean: Tensor, scale: Tensor, strength: float) -> Frames:
    """Mix the power of each sound with that of another one of the batch, softly in the background [1]_.

    Parameters
    ----------
    x : Frames
    mean, scale : Tensor of shape (n_bands,)
        By which values were scaled.
    strength : float
        Largest share of the other sound.

    References
    ----------
    .. [1] D. Niizumi et al. "BYOL for Audio: Self-Supervised Learning for General-Purpose Audio
       Representation." IJCNN 2021. https://arxiv.org/abs/2103.06695
    """
    logs = x.values * scale + mean
    other = torch.randperm(len(logs), device=logs.device)
    share = strength * torch.rand(len(logs), 1, 1, device=logs.device)
    mixed = torch.logaddexp(logs + (1 - share).log(), logs[other] + (share + 1e-12).log())
    mixed = torch.where(x.observed[other], mixed, logs)
    return x._replace(values=((mixed - mean) / scale).masked_fill(~x.observed, 0))


def resize(x: Frames, stretch: float, shift: float) -> Frames:
    """Stretch sounds in time, and stretch and move their bands, as another voice would; by linear interpolation.

    Parameters
    ----------
    x : Frames
    stretch : float
        Largest factor in time, at least 1; its inverse is the smallest.
    shift : float
        Share of all bands by which the first and the last one may move, at most.
    """
    n, _, n_bands = x.values.shape
    device = x.values.device
    speed = stretch ** (2 * torch.rand(n, device=device) - 1)
    lengths = ((x.lengths - 1) / speed).floor().long() + 1
    most = int((x.values.shape[1] - 1) * stretch) + 1
    at = torch.arange(longest_of(lengths, most), device=device) * speed[:, None]
    values = between(x.values, at, x.lengths - 1)
    ends = shift * (n_bands - 1) * (2 * torch.rand(n, 2, 1, device=device) - 1)
    share = torch.linspace(0, 1, n_bands, device=device)
    bands = ends[:, 0] * (1 - share) + (n_bands - 1 + ends[:, 1]) * share
    values = between(values.transpose(1, 2), bands, torch.full_like(lengths, n_bands - 1)).transpose(1, 2)
    observed = torch.arange(values.shape[1], device=device) < lengths[:, None]
    observed = observed[:, :, None].expand_as(values)
    return Frames(values.masked_fill(~observed, 0), observed, lengths, x.extras)


def between(values: Tensor, at: Tensor, last: Tensor) -> Tensor:
    """Return ``(n, k, d)``: `values` ``(n, steps, d)`` at the steps `at` ``(n, k)``, from 0 to `last` ``(n,)``."""
    at = at.clamp(min=0).minimum(last[:, None].to(at.dtype))
    low = at.floor().long()
    high = (low + 1).minimum(last[:, None])
    share = (at - low)[:, :, None]
    d = values.shape[2]
    a, b = (values.gather(1, i[:, :, None].expand(-1, -1, d)) for i in (low, high))
    return a + share * (b - a)


def hide_bands(x: Frames, share: float) -> Frames:
    """Hide some neighbouring bands of each sound, up to a share of all."""
    n, _, n_bands = x.values.shape
    device = x.values.device
    width = (share * n_bands * torch.rand(n, 1, device=device)).floor()
    start = (torch.rand(n, 1, device=device) * (n_bands - width + 1)).floor()
    bands = torch.arange(n_bands, device=device)
    hidden = (bands >= start) & (bands < start + width)
    observed = x.observed & ~hidden[:, None]
    return x._replace(values=x.values.masked_fill(~observed, 0), observed=observed)
