"""Convolutional network over tokens: cheap, for short texts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._sequence import Hidden, convolve
from ._tokens import ContextEncoder, Pooling


class TokenConvNet(ContextEncoder):
    """Convolutions over embedded tokens; the features are all layers, pooled.

    The result is a bag of tokens and of the short phrases around them. Features come out standardised.

    Parameters
    ----------
    n_tokens : int
        Size of the vocabulary.
    n_components : int or None, default=None
        Width of the features, set by a linear layer on top. None leaves that layer out and gives
        ``2 * (depth + 1) * width`` features.
    width : int, default=128
        Width of a token's embedding.
    depth : int, default=2
        Number of convolutions.
    size : int, default=5
        Number of tokens that a convolution sees; odd.
    causal : bool, default=False
        Let each token see only itself and the tokens before it.

    Raises
    ------
    ValueError
        If `size` is even.

    References
    ----------
    .. [1] Y. Kim. "Convolutional Neural Networks for Sentence Classification." EMNLP 2014.
       https://arxiv.org/abs/1408.5882

    Attributes
    ----------
    vocabulary : tuple of str or None
        The tokens, in the order of their ids, if known.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.encoders import TokenConvNet, Tokens
    >>> x = Tokens(torch.tensor([[3, 7, 4], [3, 4, 0]]), torch.tensor([3, 2]))
    >>> net = TokenConvNet(n_tokens=10)
    >>> net(x).shape, net.tokens(x).shape
    (torch.Size([2, 768]), torch.Size([2, 3, 128]))
    """

    def __init__(
        self,
        n_tokens: int,
        n_components: int | None = None,
        *,
        width: int = 128,
        depth: int = 2,
        size: int = 5,
        causal: bool = False,
    ):
        super().__init__(n_tokens, width)
        if size % 2 == 0:
            raise ValueError(f"size={size} must be odd.")
        self.pad = (size - 1, 0) if causal else (size // 2, size // 2)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.convolutions = nn.ModuleList(nn.Conv1d(width, width, size) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.pooling = Pooling(depth + 1, width, n_components)

    def layers(self, hidden: Hidden) -> list[Tensor]:
        """Return the embedded tokens and the output of each layer, ``(n, length, width)`` each."""
        here = hidden.present[:, :, None]
        outputs = super().layers(hidden)
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            h = torch.where(here, norm(outputs[-1]), 0)
            outputs.append(outputs[-1] + F.gelu(convolve(convolution, h, self.pad)))
        outputs[-1] = self.norm(outputs[-1])
        return outputs

    def stages(self) -> list[nn.Module]:
        """Return the parts of the network in depth order, see :func:`~sklearn_ssl.encoders.stages_of`."""
        layers = [nn.ModuleList(pair) for pair in zip(self.norms, self.convolutions, strict=True)]
        return [self.embedding, *layers, nn.ModuleList([self.norm, self.pooling])]
