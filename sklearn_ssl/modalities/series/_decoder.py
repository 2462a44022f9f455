"""Decoders of series: of what is under a position, and of whole series."""

from __future__ import annotations

import torch
from torch import Tensor, nn

MOMENTUM = 0.05  # of the spread of errors


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
        values, known = values.float().chunk(2, dim=1)
        error = (self(h).float() - values).square() * known
        if self.training and len(error):
            with torch.no_grad():
                self.variance.lerp_(error.sum(0) / known.sum(0).clamp(min=1), MOMENTUM)
        mean = error.sum(1) / known.sum(1).clamp(min=1)
        weight = torch.ones_like(mean) if weight is None else weight
        return (mean * weight).sum() / weight.sum().clamp(min=1e-6)
