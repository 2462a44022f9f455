"""Convolutions over the samples of sound: strided ones in place of a spectrogram, and dilated ones on top."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

from ._sequence import Hidden, SequenceEncoder, convolve
from ._temporal import Frames, TemporalConvNet

NARROW = 32  # channels of all strided layers but the last: the first ones have the most positions


def strides_of(n_samples: int) -> tuple[int, ...]:
    """Return the strides of layers that turn so many samples into one position: at most three, the first the largest.

    Examples
    --------
    >>> from sklearn_ssl.encoders._waveform import strides_of
    >>> strides_of(160), strides_of(6), strides_of(7)
    ((10, 4, 4), (3, 1, 2), (7, 1, 1))
    """
    last = math.gcd(n_samples, 4)
    middle = math.gcd(n_samples // last, 4)
    return n_samples // last // middle, middle, last


class WaveformConvNet(SequenceEncoder):
    """Strided convolutions over samples, as in wav2vec, and a :class:`TemporalConvNet` over what they give.

    The strided layers take the place of a spectrogram. Each convolution sees twice its stride, and none looks ahead, so
    padding behind a sound changes nothing. wav2vec normalises over all positions of a sound. Here the normalisation is
    that of a position alone, so that features depend neither on padding nor on what comes later. Features come out
    standardised.

    Parameters
    ----------
    n_samples : int
        Number of samples of a step: a step of :class:`~sklearn_ssl.encoders.Frames` is a stretch of the waveform.
    n_components : int or None, default=None
        Width of the features, set by a linear layer on top. None leaves that layer out and gives
        ``2 * (depth + 1) * width`` features.
    width : int, default=64
        Width of the features at a position.
    depth : int, default=6
        Number of dilated layers.
    stride : int, default=4
        Number of steps that a position stands for.
    causal : bool, default=False
        Let each position see only itself and the positions before it.

    References
    ----------
    .. [1] S. Schneider, A. Baevski, R. Collobert, M. Auli. "wav2vec: Unsupervised Pre-training for Speech
       Recognition." Interspeech 2019. https://arxiv.org/abs/1904.05862

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.encoders import Frames, WaveformConvNet
    >>> values = torch.randn(2, 12, 80)  # twelve stretches of 80 samples
    >>> x = Frames(values, torch.ones_like(values).bool(), torch.tensor([12, 12]), torch.zeros(2, 0))
    >>> net = WaveformConvNet(n_samples=80)
    >>> net(x).shape, net.hidden(x).h.shape
    (torch.Size([2, 896]), torch.Size([2, 3, 64]))
    """

    def __init__(
        self,
        n_samples: int,
        n_components: int | None = None,
        *,
        width: int = 64,
        depth: int = 6,
        stride: int = 4,
        causal: bool = False,
    ):
        super().__init__()
        self.n_samples = n_samples
        strides = strides_of(n_samples)
        widths = (1, *[NARROW] * (len(strides) - 1), width)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(n_in, n_out, 2 * step, step)
            for n_in, n_out, step in zip(widths[:-1], widths[1:], strides, strict=True)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(n_out) for n_out in widths[1:])
        self.temporal = TemporalConvNet(
            width, n_components, width=width, depth=depth, stride=stride, causal=causal
        )

    def frames(self, x: Frames) -> Frames:
        """Return what the strided layers make of each step, ``(n, time, width)``.

        Raises
        ------
        ValueError
            If steps have another number of samples.
        """
        if x.values.shape[2] != self.n_samples:
            raise ValueError(
                f"The encoder takes steps of {self.n_samples} samples, and those of the batch have "
                f"{x.values.shape[2]}. Take WaveformConvNet(n_samples={x.values.shape[2]}), or encoder='auto'."
            )
        h = x.values.flatten(1)[:, :, None]
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            h = F.gelu(norm(convolve(convolution, h, (convolution.stride[0], 0))))  # type: ignore[index, operator]  # torch types items of a ModuleList as Module
        known = x.observed.any(2, keepdim=True).expand_as(h)
        return x._replace(values=h.masked_fill(~known, 0), observed=known)

    def local(self, x: Frames) -> Hidden:
        """Return the features of each position alone, from samples up to its end."""
        return self.temporal.local(self.frames(x))

    def context(self, hidden: Hidden) -> Hidden:
        """Return the features at the same positions in their context."""
        return self.temporal.context(hidden)

    def forward(self, x: Frames) -> Tensor:
        """Map sequences to features ``(n, n_components)``."""
        return self.temporal(self.frames(x))

    def stages(self) -> list[nn.Module]:
        """Return the parts of the network in depth order, see :func:`~sklearn_ssl.encoders.stages_of`."""
        layers = zip(self.convolutions, self.norms, strict=True)
        return [*[nn.ModuleList(pair) for pair in layers], *self.temporal.stages()]
