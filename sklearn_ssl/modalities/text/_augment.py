"""Random changes of texts: tokens masked, dropped, cropped."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...encoders import Tokens
from .._sequences import longest_of
from ._tokens import SPECIAL

BLANKED, REPLACED = 0.8, 0.1  # shares of the masked tokens; the rest stays unchanged


def select_tokens(x: Tokens, kept: Tensor, padding: int) -> Tokens:
    """Return the sequences with only the tokens that are `kept`, bool ``(n, length)``."""
    lengths = kept.sum(1)
    order = torch.argsort((~kept).to(torch.uint8), dim=1, stable=True)[
        :, : longest_of(lengths, kept.shape[1])
    ]
    short = Tokens(x.ids.gather(1, order), lengths)
    return Tokens(short.ids.masked_fill(~short.present(), padding), lengths)


def mask_tokens(
    x: Tokens, maskable: Tensor, rate: float, span: int, n_tokens: int, mask: int
) -> tuple[Tokens, Tensor]:
    """Mask tokens as BERT does: 80 % become the mask token, 10 % a random token, 10 % stay.

    Parameters
    ----------
    x : Tokens of shape (n, length)
    maskable : Tensor of bool of shape (n, length)
    rate : float in [0, 1]
        Share of the tokens that are masked.
    span : int
        Number of neighbours that are masked together: overlapping n-grams would reveal each other [1]_.
    n_tokens, mask : int
        Size of the vocabulary, and id of the mask token.

    Returns
    -------
    holes : Tokens
    hidden : Tensor of bool of shape (n, length)

    References
    ----------
    .. [1] Y. Ji, Z. Zhou, H. Liu, R. V. Davuluri. "DNABERT: pre-trained Bidirectional Encoder
       Representations from Transformers model for DNA-language in genome." Bioinformatics 37, 2021.
    """
    chance = torch.rand(x.ids.shape, device=x.ids.device).masked_fill(~maskable, 2.0)
    threshold = chance.min().clamp(min=1 - (1 - rate) ** (1 / span))  # at least one is masked
    hidden = (chance <= threshold) & maskable
    fate = torch.rand(x.ids.shape, device=x.ids.device)
    if span > 1:
        hidden = (F.max_pool1d(F.pad(hidden.float(), (span - 1, 0)), span, 1) > 0) & maskable
        begins = hidden & ~F.pad(hidden, (1, 0))[:, :-1]  # a run shares one fate
        steps = torch.arange(x.ids.shape[1], device=x.ids.device)
        fate = fate.gather(1, torch.where(begins, steps, 0).cummax(1).values)
    others = torch.randint(min(len(SPECIAL), n_tokens - 1), n_tokens, x.ids.shape, device=x.ids.device)
    ids = torch.where(hidden & (fate < BLANKED), mask, x.ids)
    ids = torch.where(hidden & (fate >= BLANKED) & (fate < BLANKED + REPLACED), others, ids)
    return Tokens(ids, x.lengths), hidden


def crop_tokens(x: Tokens, inner: Tensor, scale: tuple[float, float], dropout: float, padding: int) -> Tokens:
    """Return a random crop of each sequence, with some of its tokens dropped.

    Parameters
    ----------
    x : Tokens of shape (n, length)
    inner : Tensor of bool of shape (n, length)
        Tokens that may be dropped; the others, such as start and end, stay.
    scale : tuple (smallest, largest)
        Range of the share of the tokens that a crop keeps, within (0, 1].
    dropout : float in [0, 1)
        Share of the tokens of a crop that are dropped.
    padding : int
        Id of the padding token.
    """
    device, n = x.ids.device, len(x.ids)
    size = inner.sum(1, keepdim=True)
    low, high = scale
    share = torch.empty(n, 1, device=device).uniform_(low, high)
    kept = (share * size).ceil()
    first = torch.rand(n, 1, device=device) * (size - kept)
    place = inner.cumsum(1) - 1  # index among the tokens of the text
    crop = (place >= first.round()) & (place < first.round() + kept)
    stays = torch.rand(x.ids.shape, device=device) >= dropout
    return select_tokens(x, x.present() & (~inner | (crop & stays)), padding)
