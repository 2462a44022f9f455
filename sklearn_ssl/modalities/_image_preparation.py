"""The preparation of images as a part of a graph."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn


class ImagePreparation(nn.Module):
    """Move channels first, centre and scale intensities, as ``Image.validate`` does.

    Parameters
    ----------
    modality : Image
        Fitted.
    limit : float
        Standard deviations at which intensities are clipped.

    Attributes
    ----------
    shape : tuple of int
        Shape of one image in the layout of X; its number of pixels if X has rows of pixels.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, modality: Any, limit: float):
        super().__init__()
        self.layout, self.axis, self.limit = modality.layout_, modality.channel_axis_, limit
        self.shape = (math.prod(self.layout),) if modality.flat_ else self.layout
        for name in ("mean", "scale"):
            self.register_buffer(name, torch.from_numpy(getattr(modality, f"{name}_"))[:, None, None].clone())

    def forward(self, x: Tensor) -> Tensor:
        """Map images ``(n, *shape)`` of any type to a batch ``(n, c, h, w)``, float32."""
        images = x.unflatten(1, self.layout) if x.ndim == 2 else x
        if self.axis is None:
            images = images.unsqueeze(1)
        elif self.axis:
            images = images.movedim(-1, 1)
        return ((images.double() - self.mean) / self.scale).clamp(-self.limit, self.limit).float()
