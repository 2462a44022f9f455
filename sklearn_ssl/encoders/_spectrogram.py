"""Convolutions over the plane of time and frequency."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._sequence import Hidden, SequenceEncoder
from ._temporal import EPSILON, Frames
from ._tokens import Pooling


class SpectrogramConvNet(SequenceEncoder):
    """Convolutions over time and frequency, and a network over all bands of a position, as in BYOL-A.

    Each 3x3 convolution halves time and bands by its stride, in a quarter of the time that BYOL-A's pooling takes. None
    looks ahead. The outputs of the last one, of all bands, and what two linear layers make of them are the features of
    a position. Mean and maximum over positions are those of a sound. They come out standardised.

    Parameters
    ----------
    n_bands : int
        Number of bands of a spectrogram.
    n_components : int or None, default=None
        Width of the features, set by a linear layer on top. None leaves that layer out.
    width : int, default=32
        Channels of a convolution.
    depth : int, default=2
        Number of convolutions. A position stands for ``2 ** depth`` frames.
    n_hidden : int, default=128
        Width of the linear layers.

    References
    ----------
    .. [1] D. Niizumi, D. Takeuchi, Y. Ohishi, N. Harada, K. Kashino. "BYOL for Audio: Exploring Pre-trained
       General-Purpose Audio Representations." IEEE/ACM TASLP 31, 2023. https://arxiv.org/abs/2204.07402

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.encoders import Frames, SpectrogramConvNet
    >>> values = torch.randn(2, 20, 16)
    >>> x = Frames(values, torch.ones_like(values).bool(), torch.tensor([20, 20]), torch.zeros(2, 0))
    >>> net = SpectrogramConvNet(n_bands=16)
    >>> net(x).shape, net.hidden(x).h.shape
    (torch.Size([2, 512]), torch.Size([2, 5, 256]))
    """

    def __init__(
        self,
        n_bands: int,
        n_components: int | None = None,
        *,
        width: int = 32,
        depth: int = 2,
        n_hidden: int = 128,
    ):
        super().__init__()
        self.n_bands = n_bands
        channels = [2, *[width] * depth]
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, 2, bias=False), nn.BatchNorm2d(b), nn.ReLU())
            for a, b in pairwise(channels)
        )
        n_local = channels[-1] * -(-n_bands // 2**depth)
        self.mlp = nn.Sequential(nn.Linear(n_local, n_hidden), nn.ReLU(), nn.Linear(n_hidden, n_hidden))
        self.pooling = Pooling(1, n_local + n_hidden, n_components, eps=EPSILON)
        self.layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch declares no overload with memory_format alone

    def local(self, x: Frames) -> Hidden:
        """Return the output of the convolutions, of all bands, at each position."""
        h = torch.stack([x.values, x.observed.to(x.values.dtype)], dim=1)
        # as many positions as it takes for all frames: the last may stand for fewer
        h = F.pad(h, (0, 0, 0, -h.shape[2] % 2 ** len(self.layers)))
        h = h.contiguous(memory_format=torch.channels_last)  # convolutions are faster in this format
        present = torch.arange(h.shape[2], device=h.device) < x.lengths[:, None]
        for layer in self.layers:
            h = layer(F.pad(h, (1, h.shape[3] % 2, 1, 0)))
            present = present[:, ::2]
            h = h.masked_fill(~present[:, None, :, None], 0)
        return Hidden(h.permute(0, 2, 3, 1).flatten(2), present)

    def context(self, hidden: Hidden) -> Hidden:
        """Return the features of each position, and what the linear layers make of them."""
        return hidden._replace(h=torch.cat([hidden.h, self.mlp(hidden.h)], dim=2))

    def forward(self, x: Frames) -> Tensor:
        """Map spectrograms to features ``(n, n_components)``."""
        hidden = self.hidden(x)
        return self.pooling([hidden.h], hidden.present)

    def stages(self) -> list[nn.Module]:
        """Return the parts of the network in depth order, see :func:`~sklearn_ssl.encoders.stages_of`."""
        return [*self.layers, self.mlp, self.pooling]
