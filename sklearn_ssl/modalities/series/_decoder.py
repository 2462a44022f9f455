"""Decoders of series: of what is under a position, and of whole series."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...encoders import Frames
from .._base import ValueDecoder
from ._views import pad_to

MOMENTUM = 0.05  # of the spread of errors
WIDTH, COARSE = 64, 32  # of the decoder's layers, and positions that it begins with, at most


class StepDecoder(nn.Module):
    """Predict the steps under a position from its features, by squared error over those that are known.

    Parameters
    ----------
    width : int
        Width of the features.
    n_values : int
        Number of values under a position: of all its steps and channels.

    Attributes
    ----------
    variance : Tensor of shape (n_values,)
        Moving average of the squared errors in training; draws are made with it.
    """

    variance: Tensor

    def __init__(self, width: int, n_values: int):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, n_values))
        self.register_buffer("variance", torch.ones(n_values))

    def forward(self, h: Tensor) -> Tensor:
        """Map features of positions ``(k, width)`` to values ``(k, n_values)``."""
        return self.net(h)

    def loss(self, h: Tensor, values: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the mean squared error of the known values, weighted by position.

        Parameters
        ----------
        h : Tensor of shape (k, width)
        values : Tensor of shape (k, 2 * n_values)
            The values, and 1 or 0 for each that is known or not.
        weight : Tensor of shape (k,), optional
        """
        if values.shape[1] != 2 * len(self.variance):
            raise ValueError(
                f"The encoder's positions stand for {values.shape[1] // 2} values in this batch, and for "
                f"{len(self.variance)} in fit. Take an encoder with a stride of 1, 2, 4 or 8 steps."
            )
        values, known = values.float().chunk(2, dim=1)
        error = (self(h).float() - values).square() * known
        if self.training and len(error):
            with torch.no_grad():
                self.variance.lerp_(error.sum(0) / known.sum(0).clamp(min=1), MOMENTUM)
        mean = error.sum(1) / known.sum(1).clamp(min=1)
        weight = torch.ones_like(mean) if weight is None else weight
        return (mean * weight).sum() / weight.sum().clamp(min=1e-6)


class SeriesDecoder(ValueDecoder):
    """Decode series of one length, their scale, and how many of their steps there are.

    Steps that are not known count as the mean of those that are, so that each series has the same weight.

    Parameters
    ----------
    n_components : int
        Width of the features.
    n_channels, time, n_extras : int
        Channels and steps of a series, and numbers that are known of it as a whole.
    ragged : bool
        Whether lengths differ: then the decoder says of each step whether it is there, by cross-entropy.
    linear : bool
        Whether to add a linear map to the values, beside the network.
    """

    def __init__(
        self, n_components: int, n_channels: int, time: int, n_extras: int, ragged: bool, linear: bool
    ):
        super().__init__()
        n_doublings = max(0, math.ceil(math.log2(time / COARSE)))
        self.shape, self.n_extras, self.ragged = (time, n_channels), n_extras, ragged
        self.coarse = -(-time // 2**n_doublings)
        self.start = nn.Linear(n_components, self.coarse * WIDTH)
        self.layers = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 3, padding=1) for _ in range(n_doublings))
        self.end = nn.Conv1d(WIDTH, n_channels + ragged, 3, padding=1)
        self.extras = nn.Linear(n_components, n_extras) if n_extras else None
        self.linear = nn.Linear(n_components, time * n_channels) if linear else None
        n_numbers = time * n_channels + n_extras
        self.register_buffer("numeric", torch.arange(n_numbers + ragged * time) < n_numbers)

    def forward(self, z: Tensor) -> Tensor:
        """Map features ``(n, n_components)`` to values of all steps, extras and logits of steps, side by side."""
        h = self.start(z).view(len(z), WIDTH, self.coarse)
        for layer in self.layers:
            h = F.gelu(layer(F.interpolate(F.gelu(h), scale_factor=2.0, mode="linear")))
        out = self.end(h)[:, :, : self.shape[0]].transpose(1, 2)
        values, logits = out[:, :, : self.shape[1]].flatten(1), out[:, :, self.shape[1] :].flatten(1)
        if self.linear is not None:
            values = values + self.linear(z)
        extras = values[:, :0] if self.extras is None else self.extras(z)
        return torch.cat([values, extras, logits], dim=1)

    def loss(self, output: Tensor, x: Frames) -> Tensor:
        """Return the error of each value, extra and step, ``(n, n_elements)``; steps beyond `time` are left out."""
        values, extras, logits = self._parts(output.float())
        time = self.shape[0]
        known = pad_to(x.observed, time).flatten(1)
        error = torch.where(known, (values - pad_to(x.values, time).flatten(1)) ** 2, 0)
        mean = error.sum(1, keepdim=True) / known.sum(1, keepdim=True).clamp(min=1)
        parts = [torch.where(known, error, mean), (extras - x.extras) ** 2]
        if self.ragged:
            there = (torch.arange(time, device=logits.device) < x.lengths[:, None]).float()
            parts.append(F.binary_cross_entropy_with_logits(logits, there, reduction="none"))
        return torch.cat(parts, dim=1)

    def values(self, output: Tensor) -> Frames:
        """Return the predicted series; a step is there if that is more likely than not, and the first always."""
        values, extras, logits = self._parts(output.float())
        time = self.shape[0]
        lengths = torch.full((len(output),), time, device=output.device)
        if self.ragged:
            lengths = (logits > 0).long().cumprod(1).sum(1).clamp(min=1)
        values = values.view(-1, *self.shape)
        here = (torch.arange(time, device=output.device) < lengths[:, None])[:, :, None].expand_as(values)
        return Frames(values.masked_fill(~here, 0), here, lengths, extras)

    def _parts(self, output: Tensor) -> list[Tensor]:
        time, n_channels = self.shape
        return list(output.split([time * n_channels, self.n_extras, self.ragged * time], dim=1))
