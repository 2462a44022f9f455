"""Random changes of images: crops, flips, brightness, contrast and masked patches."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

ASPECT = 4 / 3  # width to height of the widest crop


def crop_and_flip(x: Tensor, scale: tuple[float, float], flip: bool) -> Tensor:
    """Crop a random window of each image and resize it to the full size.

    Parameters
    ----------
    x : Tensor of shape (n, c, h, w)
    scale : tuple (smallest, largest)
        Range of the share of the area that a window covers, within (0, 1]. The aspect ratio varies
        between 3/4 and 4/3.
    flip : bool
        Whether to flip half of the images horizontally.

    Returns
    -------
    Tensor of shape (n, c, h, w)
    """
    n, device = len(x), x.device
    area = torch.empty(n, device=device).uniform_(*scale)
    aspect = torch.empty(n, device=device).uniform_(-1, 1).mul(math.log(ASPECT)).exp()
    width, height = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    theta = torch.zeros(n, 2, 3, device=device)
    theta[:, 0, 2] = torch.empty(n, device=device).uniform_(-1, 1) * (1 - width)
    theta[:, 1, 2] = torch.empty(n, device=device).uniform_(-1, 1) * (1 - height)
    if flip:
        width = width * torch.randint(2, (n,), device=device).mul(2).sub(1)
    theta[:, 0, 0], theta[:, 1, 1] = width, height
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def change_intensity(x: Tensor, strength: float) -> Tensor:
    """Randomly change the brightness, contrast and channel balance of each image.

    Parameters
    ----------
    x : Tensor of shape (n, c, h, w)
        Standardised intensities.
    strength : float
        Largest change. Contrast changes by a factor up to ``1 ± strength``, brightness by up to `strength`
        standard deviations. Both change per image and, half as strongly, per channel.
    """
    n, c = x.shape[:2]

    def draw(channels: int) -> Tensor:
        return torch.empty(n, channels, 1, 1, device=x.device).uniform_(-strength, strength)

    gain, offset = 1 + draw(1), draw(1)
    if c > 1:
        gain, offset = gain + draw(c) / 2, offset + draw(c) / 2
    return x * gain + offset


def hide_patches(x: Tensor, rate: float, size: int) -> tuple[Tensor, Tensor]:
    """Mask square patches of each image.

    Parameters
    ----------
    x : Tensor of shape (n, c, h, w)
    rate : float in [0, 1]
        Probability that a patch is masked.
    size : int
        Height and width of a patch, in pixels; patches at the right and bottom edges may be smaller.

    Returns
    -------
    masked : Tensor of shape (n, c, h, w)
        Zero, the mean intensity, in masked patches.
    hidden : Tensor of bool of shape (n, c, h, w)
    """
    n, _, h, w = x.shape
    patches = torch.rand(n, 1, -(-h // size), -(-w // size), device=x.device) < rate
    hidden = patches.repeat_interleave(size, 2).repeat_interleave(size, 3)[:, :, :h, :w].expand_as(x)
    return x.masked_fill(hidden, 0), hidden
