"""Small convolutional network, for images."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class ConvNet(nn.Module):
    """3x3 convolutions with batch normalisation, pooled to a coarse grid rather than to one cell.

    Where the last layer pools matters more than how long the network trains: a grid keeps the rough
    place of things, which linear classifiers need. Features come out standardised.

    Parameters
    ----------
    shape : tuple (channels, height, width)
        Shape of one image.
    n_components : int or None, default=None
        Width of the output, by a linear layer on the flattened grid; None leaves that layer out and
        gives ``widths[-1] * grid ** 2`` features.
    widths : tuple of int, default=(32, 64, 128, 256)
        Channels of the layers. The first keeps the size, the next ones halve it until at most seven
        pixels are left; images of 64 pixels and more get further layers as wide as the last.
    grid : int, default=3
        Rows and columns of the grid that the last layer is averaged to, at most half its size.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.encoders import ConvNet
    >>> ConvNet((1, 28, 28))(torch.randn(5, 1, 28, 28)).shape
    torch.Size([5, 2304])
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_components: int | None = None,
        *,
        widths: tuple[int, ...] = (32, 64, 128, 256),
        grid: int = 3,
    ):
        super().__init__()
        channels, *size = shape
        n_halvings = max(0, math.ceil(math.log2((min(size) + 1) / 8)))
        widths = widths + widths[-1:] * max(0, n_halvings + 1 - len(widths))
        layers: list[nn.Module] = []
        for i, width in enumerate(widths):
            stride = 2 if 1 <= i <= n_halvings else 1
            layers += [nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        self.layers = nn.Sequential(*layers)
        grid = max(1, min(grid, -(-min(size) // 2 ** (n_halvings + 1))))
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(grid), nn.Flatten())
        n_flat = channels * grid**2
        self.head = nn.Sequential(
            nn.Identity() if n_components is None else nn.Linear(n_flat, n_components, bias=False),
            nn.BatchNorm1d(n_components or n_flat, affine=False),
        )
        self.layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub

    def forward(self, x: Tensor) -> Tensor:
        """Map images ``(n, channels, height, width)`` to features ``(n, n_components)``."""
        x = x.contiguous(memory_format=torch.channels_last)  # convolutions are faster so
        return self.head(self.pool(self.layers(x)))
