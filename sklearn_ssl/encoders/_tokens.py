"""What encoders of tokens share: batches, embeddings, and pooling that ignores padding."""

from __future__ import annotations

import copy
import math
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn

from ._sequence import Hidden, SequenceEncoder


class Tokens(NamedTuple):
    """A batch of sequences of tokens, padded to the length of the longest.

    Attributes
    ----------
    ids : Tensor of int64 of shape (n, length)
        Ids of the tokens, with padding after each sequence.
    lengths : Tensor of int64 of shape (n,)
        Number of tokens in each sequence; at least one.
    """

    ids: Tensor
    lengths: Tensor

    def present(self) -> Tensor:
        """Return True at tokens and False at padding, bool ``(n, length)``."""
        return torch.arange(self.ids.shape[1], device=self.ids.device) < self.lengths[:, None]


class Standardize(nn.BatchNorm1d):
    """Batch normalisation without weights, clipped at ten standard deviations in evaluation mode.

    Features that hardly vary among training rows, such as maxima over letters that occur in all of them, would
    otherwise explode in rows that differ.

    Parameters
    ----------
    width : int
        Number of features.
    eps : float, default=1e-8
        Added to the variance. Features of an untrained network of tokens are tiny.
    """

    limit = 10.0

    def __init__(self, width: int, eps: float = 1e-8):
        super().__init__(width, eps=eps, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        """Standardise features ``(n, width)``."""
        z = super().forward(x)
        return z if self.training else z.clamp(-self.limit, self.limit)


class Pooling(nn.Module):
    """Mean and maximum over the tokens of each sequence, of all layers, standardised.

    Parameters
    ----------
    n_layers, width : int
        Number of layers that are pooled, and their width.
    n_components : int or None
        Width of the output, set by a linear layer; None leaves that layer out.
    maximum : bool, default=True
        Whether to pool by maximum too, not by mean alone.
    eps : float, default=1e-8
        Added to the variance of features, see :class:`Standardize`.
    """

    def __init__(
        self, n_layers: int, width: int, n_components: int | None, maximum: bool = True, eps: float = 1e-8
    ):
        super().__init__()
        self.maximum = maximum
        n_all = (1 + maximum) * n_layers * width
        self.head = nn.Sequential(
            nn.Identity() if n_components is None else nn.Linear(n_all, n_components, bias=False),
            Standardize(n_components or n_all, eps),
        )

    def forward(self, layers: list[Tensor], present: Tensor) -> Tensor:
        """Map layers ``(n, length, width)`` to features ``(n, n_components)``; `present` is bool ``(n, length)``."""
        here, lengths = present[:, :, None], present.sum(1)
        parts = []
        for h in layers:
            parts.append(torch.where(here, h, 0).sum(1) / lengths[:, None])
            if self.maximum:
                parts.append(torch.where(here, h, -torch.inf).amax(1))
        return self.head(torch.cat(parts, dim=1))


class TokenEncoder(nn.Module):
    """Base class of encoders of tokens: an embedding, whose tokens are known by name, and pooling.

    A subclass sets `pooling` and writes ``layers``.

    Parameters
    ----------
    n_tokens : int
        Size of the vocabulary.
    width : int
        Width of a token's embedding.
    """

    pooling: Pooling

    n_positions: float = math.inf  # length of the longest sequence

    def __init__(self, n_tokens: int, width: int):
        super().__init__()
        self.vocabulary: tuple[str, ...] | None = None
        self.embedding = nn.Embedding(n_tokens, width)
        nn.init.normal_(self.embedding.weight, std=0.02)

    def with_vocabulary(self, names: tuple[str, ...], n_positions: int) -> Self:
        """Return a copy for other tokens: known tokens keep their weights, new ones get fresh weights.

        Parameters
        ----------
        names : tuple of str
            The tokens; known ones may have other ids.
        n_positions : int
            Length of the longest sequence, for encoders with learned positions.
        """
        new = copy.deepcopy(self)
        new.embedding = with_rows(self.embedding, names, self.vocabulary or ())
        new.vocabulary = names
        return new

    def local(self, x: Tokens) -> Hidden:
        """Return the embedded tokens."""
        return Hidden(self.embedding(x.ids), x.present())

    def layers(self, hidden: Hidden) -> list[Tensor]:
        """Return the embedded tokens and the output of each layer, ``(n, length, width)`` each."""
        return [hidden.h]

    def forward(self, x: Tokens) -> Tensor:
        """Map sequences to features ``(n, n_components)``."""
        hidden = self.local(x)
        return self.pooling(self.layers(hidden), hidden.present)


class ContextEncoder(TokenEncoder, SequenceEncoder):
    """An encoder of tokens whose layers use context, with features at each token.

    A subclass writes ``layers``; the features of a token are those of the last layer.
    """

    def context(self, hidden: Hidden) -> Hidden:
        """Return the output of the last layer at each token."""
        return hidden._replace(h=self.layers(hidden)[-1])

    def tokens(self, x: Tokens) -> Tensor:
        """Return the features of each token, ``(n, length, width)``."""
        return self.hidden(x).h


def with_rows(table: nn.Embedding, names: tuple[str, ...], old: tuple[str, ...]) -> nn.Embedding:
    """Return an embedding of `names`: those among `old` keep their weights, others get fresh weights."""
    places = {name: place for place, name in enumerate(old)}
    known = [place for place, name in enumerate(names) if name in places]
    new = nn.Embedding(len(names), table.embedding_dim)
    nn.init.normal_(new.weight, std=0.02)
    with torch.no_grad():
        new.weight[known] = table.weight[[places[names[place]] for place in known]].to(new.weight)
    return new.to(table.weight)
