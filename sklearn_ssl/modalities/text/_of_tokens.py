"""What sequences of tokens have in common: what there is to predict at the positions of an encoder."""

from __future__ import annotations

from abc import ABC

import numpy as np
import torch
from torch import Tensor, nn

from ...encoders import Hidden, Tokens
from .._sequences import Positions, Sequences
from ._decoder import TokenDecoder
from ._tokens import END, SPECIAL, START


class TokenSequences(Sequences, ABC):
    """A modality whose batches are :class:`~sklearn_ssl.encoders.Tokens`.

    Attributes
    ----------
    counts_ : ndarray of shape (n_tokens,)
        How often each token occurs.
    special_ : tuple of int
        Ids of the special tokens.
    n_positions_ : int
        Number of tokens of the longest text, with its start and end.
    """

    counts_: np.ndarray
    special_: tuple[int, ...]
    n_positions_: int

    def inner(self, x: Tokens) -> Tensor:
        """Return True at tokens of the text itself, not at start, end and padding, bool ``(n, length)``."""
        edge = (x.ids == self.special_[START]) | (x.ids == self.special_[END])
        return x.present() & ~edge

    def positions(self, x: Tokens, hidden: Hidden) -> Positions:
        """Return the targets: the token at each position. All but the first can be predicted from those before."""
        n_positions, n_tokens = hidden.h.shape[1], x.ids.shape[1]
        if n_positions != n_tokens:
            raise ValueError(
                f"The encoder gives features at {n_positions} positions for {n_tokens} tokens, and one token is "
                "predicted at each. Take an encoder without strides, or a task on whole texts (contrastive, siamese)."
            )
        follows = x.present()
        follows[:, 0] = False
        return Positions(self.inner(x), follows, x.ids)

    def position_decoder(self, encoder: nn.Module) -> TokenDecoder:
        """Build a decoder from features of tokens to the vocabulary, tied to the encoder's embedding if it has one."""
        embedding = getattr(encoder, "embedding", None)
        shared = isinstance(embedding, nn.Embedding) and embedding.num_embeddings == len(self.counts_)
        return TokenDecoder(self.position_width(encoder), self.counts_, embedding if shared else None)

    def example(self) -> Tokens:
        """Return a small synthetic batch."""
        low = min(len(SPECIAL), len(self.counts_) - 1)
        ids = torch.arange(low, low + 8)[None].clamp(max=len(self.counts_) - 1)[:, : self.n_positions_]
        return Tokens(ids, torch.tensor([ids.shape[1]]))

    def change_end(self, x: Tokens) -> Tokens:
        """Return the texts with a different last token."""
        last = x.ids[:, -1:]
        return x._replace(ids=torch.cat([x.ids[:, :-1], (last + 1) % (last.max() + 1)], dim=1))
