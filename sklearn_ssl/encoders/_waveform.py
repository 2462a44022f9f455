"""A learned bank of filters over the samples of sound, in place of a spectrogram, and dilated convolutions on top."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ._sequence import Hidden, SequenceEncoder, convolve
from ._temporal import Frames, TemporalConvNet

FLOOR = 1e-5  # power that is added before the logarithm, of samples whose mean square is one


def filters_at(frequencies: Sequence[float], size: int) -> np.ndarray:
    """Return two filters for each frequency, a quarter of a period apart, under a Hann window, with a peak of one.

    Parameters
    ----------
    frequencies : sequence of float
        In periods per sample.
    size : int
        Number of samples of a filter.

    Returns
    -------
    ndarray of float32 of shape (2 * n_frequencies, size)
    """
    steps = np.arange(size) - (size - 1) / 2
    phases = 2 * np.pi * np.asarray(frequencies)[:, None] * steps
    taper = np.hanning(size + 2)[1:-1]
    return np.concatenate([taper * np.cos(phases), taper * np.sin(phases)]).astype(np.float32)


class WaveformConvNet(SequenceEncoder):
    """A strided convolution over samples, and a :class:`TemporalConvNet` over the logarithm of its power.

    The convolution takes the place of a spectrogram, and is learned like all else. It begins as one: its filters are
    waves of given frequencies, in pairs, whose squares add up to the power at this frequency [1]_. A stack of short
    convolutions with random weights, as in wav2vec [2]_, needs far more sound. No filter looks ahead, so that padding
    behind a sound changes nothing. Features come out standardised.

    Parameters
    ----------
    n_samples : int
        Number of samples of a step: a step of :class:`~sklearn_ssl.encoders.Frames` is a stretch of the waveform.
    frequencies : sequence of float
        Frequencies of the filters before training, in periods per sample, from 0 to 0.5.
    n_components : int or None, default=None
        Width of the features, set by a linear layer on top. None leaves that layer out and gives
        ``2 * (depth + 1) * width`` features.
    size : int, default=400
        Number of samples of a filter.
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
    .. [1] N. Zeghidour, O. Teboul, F. de Chaumont Quitry, M. Tagliasacchi. "LEAF: A Learnable Frontend for Audio
       Classification." ICLR 2021. https://arxiv.org/abs/2101.08596
    .. [2] S. Schneider, A. Baevski, R. Collobert, M. Auli. "wav2vec: Unsupervised Pre-training for Speech
       Recognition." Interspeech 2019. https://arxiv.org/abs/1904.05862

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.encoders import Frames, WaveformConvNet
    >>> values = torch.randn(2, 12, 80)  # twelve stretches of 80 samples
    >>> x = Frames(values, torch.ones_like(values).bool(), torch.tensor([12, 12]), torch.zeros(2, 0))
    >>> net = WaveformConvNet(n_samples=80, frequencies=[0.05, 0.1, 0.2, 0.4], size=200)
    >>> net(x).shape, net.hidden(x).h.shape
    (torch.Size([2, 896]), torch.Size([2, 3, 64]))
    """

    def __init__(
        self,
        n_samples: int,
        frequencies: Sequence[float],
        n_components: int | None = None,
        *,
        size: int = 400,
        width: int = 64,
        depth: int = 6,
        stride: int = 4,
        causal: bool = False,
    ):
        super().__init__()
        self.n_samples, self.size = n_samples, size
        self.frequencies = tuple(float(f) for f in frequencies)
        n_filters = len(self.frequencies)
        # of a peak of one, and scaled in `frames`: Adam's steps are as large for small weights, and would erase them
        self.filters = nn.Conv1d(1, 2 * n_filters, size, n_samples, bias=False)
        with torch.no_grad():
            self.filters.weight.copy_(torch.from_numpy(filters_at(self.frequencies, size))[:, None])
        self.norm = nn.BatchNorm1d(n_filters)
        self.temporal = TemporalConvNet(
            n_filters, n_components, width=width, depth=depth, stride=stride, causal=causal
        )

    def frames(self, x: Frames) -> Frames:
        """Return the logarithm of the power that each pair of filters hears in each step, ``(n, time, n_filters)``.

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
        samples = x.values.flatten(1)[:, :, None] * math.sqrt(8 / (3 * self.size))  # filters of unit energy
        waves = convolve(self.filters, samples, (self.size - self.n_samples, 0))
        power = waves.float().square().unflatten(2, (2, -1)).sum(2)
        h = self.norm((power + FLOOR).log().transpose(1, 2)).transpose(1, 2)
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
        return [nn.ModuleList([self.filters, self.norm]), *self.temporal.stages()]
