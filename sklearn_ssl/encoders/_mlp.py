"""Multi-layer perceptron, for tables."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MLP(nn.Module):
    """Fully connected layers with batch normalisation; the features are all layers side by side.

    A pretext task makes the last layer forget what it does not need. The first layers still have
    nearly all that is in the columns, and a classifier takes what it finds useful. Features come out
    standardised.

    Parameters
    ----------
    n_features : int
        Width of the input.
    n_components : int or None, default=None
        Width of the output, by a linear layer on top; None leaves that layer out and gives
        ``sum(widths)`` features.
    widths : tuple of int, default=(512, 256, 256)
        Widths of the layers.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.encoders import MLP
    >>> MLP(n_features=8)(torch.randn(5, 8)).shape
    torch.Size([5, 1024])
    """

    def __init__(
        self, n_features: int, n_components: int | None = None, *, widths: tuple[int, ...] = (512, 256, 256)
    ):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(n_in, n_out, bias=False), nn.BatchNorm1d(n_out), nn.ReLU())
            for n_in, n_out in zip((n_features, *widths), widths, strict=False)
        )
        self.head = nn.Sequential(
            nn.Identity() if n_components is None else nn.Linear(sum(widths), n_components, bias=False),
            nn.BatchNorm1d(n_components or sum(widths), affine=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map floats ``(n, n_features)`` to features ``(n, n_components)``."""
        outputs = []
        for layer in self.layers:
            x = layer(x)
            outputs.append(x)
        return self.head(torch.cat(outputs, dim=1))
