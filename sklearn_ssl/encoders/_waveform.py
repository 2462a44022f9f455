"""A learned bank of filters over the samples of sound, in place of a spectrogram, and dilated convolutions on top."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._sequence import Hidden, SequenceEncoder
from ._temporal import Frames, TemporalConvNet

WIDTH = 0.18  # standard deviation of a Hann window, of its length
FLOOR = 1e-5  # power that is added before the logarithm, of samples whose mean square is one


class FilterBank(nn.Module):
    """Pairs of waves under Gaussian windows, a quarter of a period apart, whose squares add up to power [1]_.

    What is learned are the frequencies and the lengths of the windows. Where all samples of the filters were learned,
    features lost the vowels of speech within a few epochs: a filter that lets a trace of loud low frequencies through
    hears nothing else in the soft high ones.

    Parameters
    ----------
    frequencies : sequence of float
        Where they begin, in periods per sample.
    size : int
        Number of samples of a filter.
    step : int
        Number of samples from one position to the next.

    References
    ----------
    .. [1] N. Zeghidour, O. Teboul, F. de Chaumont Quitry, M. Tagliasacchi. "LEAF: A Learnable Frontend for Audio
       Classification." ICLR 2021. https://arxiv.org/abs/2101.08596
    """

    begin: Tensor

    def __init__(self, frequencies: Sequence[float], size: int, step: int):
        super().__init__()
        self.size, self.step = size, step
        self.register_buffer("begin", torch.tensor(frequencies, dtype=torch.float32))
        # factors, as logarithms: weight decay then pulls filters back to where they began
        self.shift = nn.Parameter(torch.zeros(len(frequencies)))
        self.stretch = nn.Parameter(torch.zeros(len(frequencies)))
        self.norm = nn.BatchNorm1d(len(frequencies))

    def filters(self) -> Tensor:
        """Return the filters, each pair of unit energy, ``(2 * n_filters, 1, size)``."""
        at = torch.arange(self.size, device=self.begin.device) - (self.size - 1) / 2
        width = max(1.0, WIDTH * self.size) * self.stretch.exp()
        window = (-0.5 * (at / width[:, None]).square()).exp()
        window = window / window.square().sum(1, keepdim=True).sqrt()
        phase = 2 * math.pi * (self.begin * self.shift.exp())[:, None] * at
        return torch.cat([window * phase.cos(), window * phase.sin()])[:, None]

    def forward(self, samples: Tensor) -> Tensor:
        """Map samples ``(n, n_samples)`` to the logarithm of power at each step ``(n, n_steps, n_filters)``."""
        # a rounding error of loud frequencies, as in bfloat16, is as loud as soft ones
        with torch.autocast(samples.device.type, enabled=False):
            # filters that are longer than a step look back only
            padded = F.pad(samples, (self.size - self.step, 0))[:, None]
            waves = F.conv1d(padded, self.filters(), stride=self.step)
            power = waves.square().unflatten(1, (2, -1)).sum(1)
            return self.norm((power + FLOOR).log()).transpose(1, 2)


class WaveformConvNet(SequenceEncoder):
    """A learned bank of filters over samples, and a :class:`TemporalConvNet` over the logarithm of their power.

    The filters take the place of a spectrogram, and begin as one: waves of given frequencies, which are learned, as is
    how long each wave is [1]_. A stack of short convolutions with random weights, as in wav2vec [2]_, learned too
    little from some hundred sounds. No filter looks ahead, so that padding behind a sound changes nothing. Features
    come out standardised.

    Parameters
    ----------
    n_samples : int
        Number of samples of a step: a step of :class:`~sklearn_ssl.encoders.Frames` is a stretch of the waveform.
    frequencies : sequence of float
        Frequencies of the filters before training, in periods per sample, above 0 and up to 0.5.
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
    spread : bool, default=False
        See :class:`TemporalConvNet`.

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
        spread: bool = False,
    ):
        super().__init__()
        self.n_samples, self.size = n_samples, size
        self.frequencies = tuple(float(f) for f in frequencies)
        self.bank = FilterBank(self.frequencies, size, n_samples)
        shared: dict[str, Any] = {"depth": depth, "stride": stride, "causal": causal, "spread": spread}
        self.temporal = TemporalConvNet(len(self.frequencies), n_components, width=width, **shared)

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
        h = self.bank(x.values.flatten(1))
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
        return [self.bank, *self.temporal.stages()]
