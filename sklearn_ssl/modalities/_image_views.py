"""Images changed at random: cropped, flipped, lit differently, with patches hidden."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

ASPECT = 4 / 3  # of the widest crop


def crop_and_flip(x: Tensor, scale: tuple[float, float], flip: bool) -> Tensor:
    """Cut a random window out of each image and stretch it to the full size.

    Parameters
    ----------
    x : Tensor of shape (n, c, h, w)
    scale : (smallest, largest) share of the area that a window covers, in (0, 1]
        The aspect ratio varies between 3/4 and 4/3.
    flip : bool
        Mirror half of the images left to right.

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
    """Change brightness and contrast of each image, and the balance of its channels.

    Parameters
    ----------
    x : Tensor of shape (n, c, h, w)
        Standardised intensities.
    strength : float
        Largest change: of the contrast as a factor ``1 ± strength``, of the brightness in standard
        deviations, each per image and, half as strong, per channel.
    """
    n, c = x.shape[:2]

    def draw(channels: int) -> Tensor:
        return torch.empty(n, channels, 1, 1, device=x.device).uniform_(-strength, strength)

    gain, offset = 1 + draw(1), draw(1)
    if c > 1:
        gain, offset = gain + draw(c) / 2, offset + draw(c) / 2
    return x * gain + offset


def hide_patches(x: Tensor, rate: float, size: int) -> tuple[Tensor, Tensor]:
    """Blank out square patches of each image.

    Parameters
    ----------
    x : Tensor of shape (n, c, h, w)
    rate : float in [0, 1]
        Probability of each patch to be hidden.
    size : int
        Height and width of a patch, in pixels; those at the right and lower edge may be cut off.

    Returns
    -------
    masked : Tensor of shape (n, c, h, w)
        Zero, the mean intensity, in the holes.
    hidden : Tensor of bool of shape (n, c, h, w)
    """
    n, _, h, w = x.shape
    patches = torch.rand(n, 1, -(-h // size), -(-w // size), device=x.device) < rate
    hidden = patches.repeat_interleave(size, 2).repeat_interleave(size, 3)[:, :, :h, :w].expand_as(x)
    return x.masked_fill(hidden, 0), hidden
