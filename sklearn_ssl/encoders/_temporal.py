"""Dilated convolutions over sequences of numbers, such as series and the frames of sound."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._sequence import Hidden, SequenceEncoder
from ._tokens import Pooling

EPSILON = 1e-4  # of the variance of features: those that hardly vary would be rounding, magnified


class Frames(NamedTuple):
    """A batch of sequences of numbers, padded to the length of the longest.

    Attributes
    ----------
    values : Tensor of float32 of shape (n, time, channels)
        0 in padding, and where a value is not known.
    observed : Tensor of bool of shape (n, time, channels)
        Which values are known: not those of padding, of holes, and of what a mask hides.
    lengths : Tensor of int64 of shape (n,)
        Number of steps of each sequence, at least one; padding comes after them.
    extras : Tensor of float32 of shape (n, n_extras)
        What is known of each sequence as a whole, such as its scale. There may be none.
    """

    values: Tensor
    observed: Tensor
    lengths: Tensor
    extras: Tensor

    def present(self) -> Tensor:
        """Return True at steps of the sequence and False at padding, bool ``(n, time)``."""
        steps = torch.arange(self.values.shape[1], device=self.values.device)
        return steps < self.lengths[:, None]


class TemporalConvNet(SequenceEncoder):
    """Dilated residual convolutions over steps; the features are all layers, pooled.

    Each layer looks twice as far as the one before. Padding is zeroed before each convolution, and the
    normalisation is that of a position alone, so features do not depend on padding or on other rows. Besides
    the values, the network sees their first differences and which of them are known. Features come out
    standardised.

    Parameters
    ----------
    n_channels : int
        Number of channels of a step.
    n_components : int or None, default=None
        Width of the features, set by a linear layer on top. None leaves that layer out and gives
        ``2 * (depth + 1) * width + n_extras`` features.
    width : int, default=64
        Width of the features at a position.
    depth : int, default=6
        Number of layers.
    size : int, default=3
        Number of positions that a convolution sees; odd.
    stride : int, default=1
        Number of steps that a position stands for.
    causal : bool, default=False
        Let each position see only itself and the positions before it.
    n_extras : int, default=0
        Number of values that are known of each sequence as a whole; they are features too.

    Raises
    ------
    ValueError
        If `size` is even.

    References
    ----------
    .. [1] S. Bai, J. Z. Kolter, V. Koltun. "An Empirical Evaluation of Generic Convolutional and Recurrent
       Networks for Sequence Modeling." 2018. https://arxiv.org/abs/1803.01271
    .. [2] Z. Yue et al. "TS2Vec: Towards Universal Representation of Time Series." AAAI 2022.
       https://arxiv.org/abs/2106.10466

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.encoders import Frames, TemporalConvNet
    >>> values = torch.randn(2, 20, 3)
    >>> x = Frames(values, values != 0, torch.tensor([20, 20]), torch.zeros(2, 0))
    >>> net = TemporalConvNet(n_channels=3)
    >>> net(x).shape, net.hidden(x).h.shape
    (torch.Size([2, 896]), torch.Size([2, 20, 64]))
    """

    def __init__(
        self,
        n_channels: int,
        n_components: int | None = None,
        *,
        width: int = 64,
        depth: int = 6,
        size: int = 3,
        stride: int = 1,
        causal: bool = False,
        n_extras: int = 0,
    ):
        super().__init__()
        if size % 2 == 0:
            raise ValueError(f"size={size} must be odd.")
        self.stride, self.causal = stride, causal
        self.front = nn.Conv1d(3 * n_channels, width, stride, stride)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, width, size, dilation=2**layer) for layer in range(depth)
        )
        self.pooling = Pooling(depth + 1, width, n_components, n_extras=n_extras, eps=EPSILON)

    def local(self, x: Frames) -> Hidden:
        """Return the features of each position alone, from values, their first differences, and what is known."""
        known = x.observed.to(x.values.dtype)
        steps = (x.values[:, 1:] - x.values[:, :-1]) * known[:, 1:] * known[:, :-1]
        inputs = torch.cat([x.values, F.pad(steps, (0, 0, 1, 0)), known], dim=2).transpose(1, 2)
        # as many positions as it takes for all steps: the last may stand for fewer
        h = self.front(F.pad(inputs, (0, -inputs.shape[2] % self.stride))).transpose(1, 2)
        positions = torch.arange(h.shape[1], device=h.device) * self.stride
        return Hidden(h, positions < x.lengths[:, None])

    def context(self, hidden: Hidden) -> Hidden:
        """Return the output of the last layer at each position."""
        return hidden._replace(h=self.layers(hidden)[-1])

    def layers(self, hidden: Hidden) -> list[Tensor]:
        """Return the features of each position alone and the output of each layer, ``(n, positions, width)`` each."""
        here = hidden.present[:, :, None]
        outputs = [hidden.h]
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            h = torch.where(here, norm(outputs[-1]), 0).transpose(1, 2)
            reach = (convolution.kernel_size[0] - 1) * convolution.dilation[0]
            pad = (reach, 0) if self.causal else (reach // 2, reach // 2)
            outputs.append(outputs[-1] + F.gelu(convolution(F.pad(h, pad))).transpose(1, 2))
        return outputs

    def forward(self, x: Frames) -> Tensor:
        """Map sequences to features ``(n, n_components)``."""
        hidden = self.local(x)
        return self.pooling(self.layers(hidden), hidden.present, x.extras)

    def stages(self) -> list[nn.Module]:
        """Return the parts of the network in depth order, see :func:`~sklearn_ssl.encoders.stages_of`."""
        layers = [nn.ModuleList(pair) for pair in zip(self.norms, self.convolutions, strict=True)]
        return [self.front, *layers, self.pooling]
