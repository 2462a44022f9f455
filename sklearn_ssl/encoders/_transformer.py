"""Small transformer for sequences of tokens."""

from __future__ import annotations

from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ._sequence import Hidden
from ._tokens import ContextEncoder, Pooling, with_rows


def rotations(length: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return cosine and sine of the angle of each position and pair of features, ``(length, width / 2)`` each."""
    pace = 10_000.0 ** (-torch.arange(0, width, 2, device=device) / width)
    angles = torch.arange(length, device=device)[:, None] * pace
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotate `x` ``(..., length, width)`` by position, so that dot products depend on relative positions."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cosine - b * sine, a * sine + b * cosine], dim=-1)


class Block(nn.Module):
    """Pre-norm transformer block: self-attention and a two-layer MLP, each with a residual connection.

    Parameters
    ----------
    width, n_heads : int
    causal : bool
        Let each token see only itself and the tokens before it.
    """

    def __init__(self, width: int, n_heads: int, causal: bool):
        super().__init__()
        self.n_heads, self.causal = n_heads, causal
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.layers = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, h: Tensor, here: Tensor | None, rotation: tuple[Tensor, Tensor]) -> Tensor:
        """Map features of tokens to features of the same shape.

        Parameters
        ----------
        h : Tensor of shape (n, length, width)
        here : Tensor of bool of shape (n, 1, 1, length) or None
            Which tokens may be attended to.
        rotation : tuple of two Tensor of shape (length, width / n_heads / 2)
            Cosine and sine, as returned by ``rotations``.
        """
        n, length, width = h.shape
        projected = self.project(self.norm(h)).view(n, length, 3, self.n_heads, width // self.n_heads)
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        query, key = rotate(query, *rotation), rotate(key, *rotation)
        on_cpu = h.device.type == "cpu"
        if on_cpu:  # torch's kernel takes two to three times as long in bfloat16
            query, key, value = query.float(), key.float(), value.float()
        with torch.autocast(h.device.type, enabled=not on_cpu and torch.is_autocast_enabled(h.device.type)):
            seen = F.scaled_dot_product_attention(query, key, value, attn_mask=here, is_causal=self.causal)
        h = h + self.merge(seen.transpose(1, 2).reshape(n, length, width))
        return h + self.layers(h)


class Transformer(ContextEncoder):
    """Self-attention over tokens [1]_; the features are all layers, pooled.

    Positions are encoded twice. Rotary embeddings [3]_ encode how far apart two tokens are, which is what
    language needs. Learned embeddings encode the absolute position, which matters in aligned strings, such as
    DNA around a junction. Layers normalise their input (pre-norm [2]_), so that no warm-up of the learning
    rate is needed. Padding is neither attended to nor pooled. Features come out standardised.

    Parameters
    ----------
    n_tokens : int
        Size of the vocabulary.
    n_positions : int
        Length of the longest sequence.
    n_components : int or None, default=None
        Width of the features, set by a linear layer on top. None leaves that layer out and gives
        ``2 * (depth + 1) * width`` features.
    width : int, default=128
        Width of a token's embedding; a multiple of twice `n_heads`.
    depth : int, default=3
        Number of layers.
    n_heads : int, default=4
        Number of attention heads.
    causal : bool, default=False
        Let each token see only itself and the tokens before it.

    Raises
    ------
    ValueError
        If `width` is not a multiple of twice `n_heads`.

    Attributes
    ----------
    vocabulary : tuple of str or None
        The tokens, in the order of their ids, if known.

    References
    ----------
    .. [1] A. Vaswani et al. "Attention Is All You Need." NeurIPS 2017. https://arxiv.org/abs/1706.03762
    .. [2] R. Xiong et al. "On Layer Normalization in the Transformer Architecture." ICML 2020.
       https://arxiv.org/abs/2002.04745
    .. [3] J. Su et al. "RoFormer: Enhanced Transformer with Rotary Position Embedding." Neurocomputing 568,
       2024. https://arxiv.org/abs/2104.09864

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.encoders import Tokens, Transformer
    >>> x = Tokens(torch.tensor([[3, 7, 4], [3, 4, 0]]), torch.tensor([3, 2]))
    >>> net = Transformer(n_tokens=10, n_positions=8)
    >>> net(x).shape, net.tokens(x).shape
    (torch.Size([2, 1024]), torch.Size([2, 3, 128]))
    """

    def __init__(
        self,
        n_tokens: int,
        n_positions: int,
        n_components: int | None = None,
        *,
        width: int = 128,
        depth: int = 3,
        n_heads: int = 4,
        causal: bool = False,
    ):
        super().__init__(n_tokens, width)
        if width % (2 * n_heads):
            raise ValueError(f"width={width} must be a multiple of twice n_heads={n_heads}.")
        self.causal, self.head_width = causal, width // n_heads
        self.positions = nn.Embedding(n_positions, width)
        self.blocks = nn.ModuleList(Block(width, n_heads, causal) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.pooling = Pooling(depth + 1, width, n_components)
        nn.init.normal_(self.positions.weight, std=0.02)

    @property
    def n_positions(self) -> int:  # type: ignore[override]  # the base has a number, inf; here a table of weights limits it
        """Length of the longest sequence."""
        return self.positions.num_embeddings

    def with_vocabulary(self, names: tuple[str, ...], n_positions: int) -> Self:
        """Return a copy for other tokens, and for sequences of up to `n_positions` tokens."""
        new = super().with_vocabulary(names, n_positions)
        if n_positions > len(self.positions.weight):
            old, longer = (tuple(map(str, range(n))) for n in (len(self.positions.weight), n_positions))
            new.positions = with_rows(self.positions, longer, old)
        return new

    def layers(self, hidden: Hidden) -> list[Tensor]:
        """Return the embedded tokens and the output of each layer, ``(n, length, width)`` each."""
        # a causal layer needs no mask for padding, which comes after all tokens
        here = None if self.causal else hidden.present[:, None, None, :]
        outputs = super().layers(hidden)
        length = hidden.h.shape[1]
        h = outputs[0] + self.positions.weight[:length]
        rotation = rotations(length, self.head_width, h.device)
        for block in self.blocks:
            h = block(h, here, rotation)
            outputs.append(h)
        outputs[-1] = self.norm(h)
        return outputs

    def stages(self) -> list[nn.Module]:
        """Return the parts of the network in depth order, see :func:`~sklearn_ssl.encoders.stages_of`."""
        first, last = [self.embedding, self.positions], [self.norm, self.pooling]
        return [nn.ModuleList(first), *self.blocks, nn.ModuleList(last)]
