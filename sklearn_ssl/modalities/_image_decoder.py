"""What turns features into images."""

from __future__ import annotations

import torch
from torch import Tensor

from ..encoders import ConvDecoder
from ._base import ValueDecoder


class ImageDecoder(ValueDecoder):
    """Decoder of pixels, trained with squared error.

    Parameters
    ----------
    n_components : int
        Width of the features.
    shape : tuple (channels, height, width)
        Shape of one image.
    linear : bool
        Whether to add a linear map beside the network.
    """

    def __init__(self, n_components: int, shape: tuple[int, int, int], linear: bool):
        super().__init__()
        self.net = ConvDecoder(n_components, shape, linear=linear)
        self.register_buffer("numeric", torch.tensor(True))

    def forward(self, z: Tensor) -> Tensor:
        """Map features ``(n, n_components)`` to images ``(n, c, h, w)``."""
        return self.net(z)

    def loss(self, output: Tensor, x: Tensor) -> Tensor:
        """Return the squared error of each pixel, ``(n, c, h, w)``."""
        return (output.float() - x) ** 2

    def values(self, output: Tensor) -> Tensor:
        """Return the predicted images, float32."""
        return output.float()
