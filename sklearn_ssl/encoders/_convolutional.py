"""Small convolutional networks for images."""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WAIST = 256  # width of a decoder's bottleneck: there may be thousands of features, and of pixels
COARSE = 32  # largest side, in pixels, of the images of a decoder's linear map


class GridPool(nn.Module):
    """Average pooling over the cells of a grid, which are concatenated.

    The windows are those of ``nn.AdaptiveAvgPool2d``. Written as a matrix product, the backward pass is
    several times faster on a CPU.

    Parameters
    ----------
    size : tuple (height, width)
        Size of the images.
    grid : int
        Rows and columns of the grid; a side with fewer pixels is not pooled.
    """

    weight: Tensor | None

    def __init__(self, size: tuple[int, int], grid: int):
        super().__init__()
        self.cells = (min(size[0], grid), min(size[1], grid))
        weight = None
        if self.cells != tuple(size):
            sides = zip(size, self.cells, strict=True)
            rows, columns = (F.adaptive_avg_pool1d(torch.eye(n), cells).T for n, cells in sides)
            weight = torch.kron(rows, columns)
        self.register_buffer("weight", weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map images ``(n, channels, height, width)`` to ``(n, n_cells * channels)``."""
        pixels = x.permute(0, 2, 3, 1).flatten(1, 2)  # a view if channels come last in memory
        return (pixels if self.weight is None else self.weight @ pixels).flatten(1)


class ConvDecoder(nn.Module):
    """Map features to images: a linear layer onto a small grid, then convolutions and doublings of the size.

    The last doubling is a pixel shuffle, so that no convolution runs at full size.

    Parameters
    ----------
    n_components : int
        Width of the features.
    shape : tuple (channels, height, width)
        Shape of one image.
    widths : tuple of int, default=(128, 64, 32)
        Channels on the smallest grid, after the first doubling, and from the second doubling on.
    linear : bool, default=False
        Add a linear map of the features to images of up to 32 x 32 pixels, which are upsampled for larger
        images. Without it the decoder is slow to learn even what principal components capture.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.encoders import ConvDecoder
    >>> ConvDecoder(16, (3, 12, 10))(torch.zeros(2, 16)).shape
    torch.Size([2, 3, 12, 10])
    """

    def __init__(
        self,
        n_components: int,
        shape: tuple[int, int, int],
        widths: tuple[int, int, int] = (128, 64, 32),
        *,
        linear: bool = False,
    ):
        super().__init__()
        channels, *size = shape
        self.size = size
        self.sizes = [[-(-side // 2) for side in size]]
        while max(self.sizes[0]) > 4:
            self.sizes.insert(0, [-(-side // 2) for side in self.sizes[0]])
        self.waist = nn.Linear(n_components, WAIST)
        self.linear: nn.Module | None = None
        if linear:
            coarse = (channels, min(size[0], COARSE), min(size[1], COARSE))
            self.linear = nn.Sequential(nn.Linear(WAIST, math.prod(coarse)), nn.Unflatten(1, coarse))
        self.first = nn.Sequential(
            nn.ReLU(),
            nn.Linear(WAIST, widths[0] * math.prod(self.sizes[0])),
            nn.Unflatten(1, (widths[0], *self.sizes[0])),
            nn.ReLU(),
        )
        n_in = [widths[min(i, 2)] for i in range(len(self.sizes))]
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU()) for a, b in itertools.pairwise(n_in)
        )
        self.last = nn.Sequential(nn.Conv2d(n_in[-1], 4 * channels, 3, padding=1), nn.PixelShuffle(2))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch declares no overload with memory_format alone

    def forward(self, z: Tensor) -> Tensor:
        """Map features ``(n, n_components)`` to images ``(n, channels, height, width)``."""
        h = self.waist(z)
        x = self.first(h).contiguous(memory_format=torch.channels_last)
        for layer, size in zip(self.layers, self.sizes[1:], strict=True):
            x = F.interpolate(layer(x), size=size)
        x = self.last(x)[:, :, : self.size[0], : self.size[1]]
        if self.linear is not None:
            linear = self.linear(h)
            if list(linear.shape[2:]) != self.size:
                linear = F.interpolate(linear, size=self.size, mode="bilinear")
            x = x + linear
        return x.contiguous()


class ConvNet(nn.Module):
    """3x3 convolutions with batch normalisation; the features are the last two layers, pooled to a grid.

    Where a network pools matters more than how long it trains. A coarse grid keeps the rough position of
    things, which linear classifiers need. The layer before the last keeps what the pretext task makes the
    last one forget. Features come out standardised.

    Parameters
    ----------
    shape : tuple (channels, height, width)
        Shape of one image.
    n_components : int or None, default=None
        Width of the output, set by a linear layer on the flattened grids. None leaves that layer out and
        gives ``(widths[-2] + widths[-1]) * grid ** 2`` features for square images.
    widths : tuple of int, default=(32, 64, 128, 256)
        Channels of the layers, at least two. The first layer takes steps of `stride`; the next ones halve it as
        long as the grid still fits. Images that need more halvings get further layers, as wide as the last.
    grid : int, default=4
        Rows and columns of the grid; for small images, at most a quarter of the shorter side, rounded up.
    stride : int, default=1
        Step of the first layer, whose kernel grows with it, so that it still sees all pixels. Time and memory
        fall with its square, so large images need more than 1.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.encoders import ConvNet
    >>> ConvNet((1, 28, 28))(torch.randn(5, 1, 28, 28)).shape
    torch.Size([5, 6144])
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_components: int | None = None,
        *,
        widths: tuple[int, ...] = (32, 64, 128, 256),
        grid: int = 4,
        stride: int = 1,
    ):
        super().__init__()
        channels, *size = shape
        side, n_halvings = -(-min(size) // stride), 0
        grid = min(grid, math.ceil(side / 4))
        self.shape, self.grid, self.stride = (channels, *size), grid, stride  # to build it anew
        while -(-side // 2) >= grid and side > 1:
            side, n_halvings = -(-side // 2), n_halvings + 1
        widths = widths + widths[-1:] * max(0, n_halvings + 1 - len(widths))
        self.layers, self.pools, n_flat = nn.ModuleList(), nn.ModuleList(), 0
        for i, width in enumerate(widths):
            step = stride if i == 0 else 2 if i <= n_halvings else 1
            kernel = max(3, 2 * stride - 1) if i == 0 else 3
            convolution = nn.Conv2d(channels, width, kernel, step, padding=kernel // 2, bias=False)
            self.layers.append(nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU()))
            channels = width
            size = [-(-side // step) for side in size]
            if i >= len(widths) - 2:
                pool = GridPool((size[0], size[1]), grid)
                self.pools.append(pool)
                n_flat += width * math.prod(pool.cells)
        self.head = nn.Sequential(
            nn.Identity() if n_components is None else nn.Linear(n_flat, n_components, bias=False),
            nn.BatchNorm1d(n_components or n_flat, affine=False),
        )
        self.layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch declares no overload with memory_format alone

    def forward(self, x: Tensor) -> Tensor:
        """Map images ``(n, channels, height, width)`` to features ``(n, n_components)``."""
        x = x.contiguous(memory_format=torch.channels_last)  # convolutions are faster in this format
        outputs = []
        for layer in self.layers:
            x = layer(x)
            outputs.append(x)
        grids = [pool(y) for pool, y in zip(self.pools, outputs[-2:], strict=True)]
        return self.head(torch.cat(grids, dim=1))

    def stages(self) -> list[nn.Module]:
        """Return the parts of the network in depth order, see :func:`~sklearn_ssl.encoders.stages_of`."""
        return [*self.layers, self.head]
