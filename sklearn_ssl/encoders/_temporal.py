"""Dilated convolutions over sequences of numbers, such as series and the frames of sound."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._sequence import Hidden, SequenceEncoder, convolve
from ._tokens import Standardize

EPSILON = 1e-2  # added to the variance of features: those that hardly vary would be rounding, magnified
STEEPNESS = 4.0  # of the sigmoid that counts steps above zero
LEAST_VARIANCE = 1e-6  # over positions: the root of zero has no slope


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


class StepPooling(nn.Module):
    """Maximum or spread over the positions of each sequence, and the share of positions above zero, of all layers.

    The share is that of ROCKET [1]_, smoothed so that it has a gradient. Features come out standardised.

    Parameters
    ----------
    n_layers, width : int
        Number of layers that are pooled, and their width.
    n_components : int or None
        Width of the output, set by a linear layer; None leaves that layer out.
    n_extras : int
        Number of further features of each sequence.
    spread : bool, default=False
        Whether to take the standard deviation over positions, and not the maximum.

    References
    ----------
    .. [1] A. Dempster, F. Petitjean, G. I. Webb. "ROCKET: Exceptionally Fast and Accurate Time Series
       Classification Using Random Convolutional Kernels." DMKD 34, 2020. https://arxiv.org/abs/1910.13051
    """

    spread: bool = False  # of networks that were pickled by an earlier version

    def __init__(
        self, n_layers: int, width: int, n_components: int | None, n_extras: int, spread: bool = False
    ):
        super().__init__()
        n_inputs = 2 * n_layers * width + n_extras
        self.n_extras = n_extras
        self.spread = spread
        self.head = nn.Sequential(
            nn.Identity() if n_components is None else nn.Linear(n_inputs, n_components, bias=False),
            Standardize(n_components or n_inputs, EPSILON),
        )

    def forward(self, layers: list[Tensor], present: Tensor, extras: Tensor) -> Tensor:
        """Map layers ``(n, positions, width)`` to features ``(n, n_components)``.

        `present` is bool ``(n, positions)``; `extras` are ``(n, n_extras)``.
        """
        away, share = ~present[:, :, None], (present / present.sum(1)[:, None])[:, None]
        parts = [extras]
        for h in layers:
            if self.spread:
                distances = (h - share @ h).masked_fill(away, 0)
                parts.append(((share @ distances**2).squeeze(1) + LEAST_VARIANCE).sqrt())
            else:
                parts.append(h.masked_fill(away, -torch.inf).amax(1))
            parts.append((share @ torch.sigmoid(STEEPNESS * h)).squeeze(1))
        return self.head(torch.cat(parts, dim=1))


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
    spread : bool, default=False
        Whether features have the standard deviation over positions, and not the maximum. It is better for sound.

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
        spread: bool = False,
    ):
        super().__init__()
        if size % 2 == 0:
            raise ValueError(f"size={size} must be odd.")
        self.size, self.stride, self.causal = size, stride, causal
        self.front = nn.Conv1d(3 * n_channels, width, stride, stride)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, width, size, dilation=2**layer) for layer in range(depth)
        )
        self.pooling = StepPooling(depth + 1, width, n_components, n_extras, spread)

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
        """Return the sum of all layers at each position."""
        return hidden._replace(h=self._run(hidden)[0])

    def layers(self, hidden: Hidden) -> list[Tensor]:
        """Return the features of each position alone, and each convolution's output, ``(n, positions, width)`` each."""
        return self._run(hidden)[1]

    def forward(self, x: Frames) -> Tensor:
        """Map sequences to features ``(n, n_components)``."""
        hidden = self.local(x)
        return self.pooling(self.layers(hidden), hidden.present, x.extras)

    def _run(self, hidden: Hidden) -> tuple[Tensor, list[Tensor]]:
        here, h, outputs = hidden.present[:, :, None], hidden.h, [hidden.h]
        for layer, (norm, convolution) in enumerate(zip(self.norms, self.convolutions, strict=True)):
            inputs = torch.where(here, norm(h), 0)
            reach = (self.size - 1) * 2**layer
            pad = (reach, 0) if self.causal else (reach // 2, reach // 2)
            outputs.append(convolve(convolution, inputs, pad))
            h = h + F.gelu(outputs[-1])
        return h, outputs

    def stages(self) -> list[nn.Module]:
        """Return the parts of the network in depth order, see :func:`~sklearn_ssl.encoders.stages_of`."""
        layers = [nn.ModuleList(pair) for pair in zip(self.norms, self.convolutions, strict=True)]
        return [self.front, *layers, self.pooling]
