"""Texts cut into two segments, in a way that does not reveal their order."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...encoders import Tokens
from ...training import draw_one, resident
from .._sequences import longest_of
from ._tokens import END, PAD, SEPARATOR
from ._words import JOINERS

SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", "।", "؟", "\n")  # noqa: RUF001  # of other scripts


def is_letter(char: str) -> bool:
    """Return whether a character belongs to words, unlike spaces, punctuation and "".

    The replacement character belongs to words too: it stands for a part of a letter in a token of bytes.
    """
    return bool(char) and (char == "\ufffd" or char in JOINERS or unicodedata.category(char)[0] in "LMN")


def token_kinds(n_tokens: int, letters: dict[int, str], begins: set[int], by_character: bool) -> np.ndarray:
    """Return the properties of each token that decide where a text may be cut.

    Parameters
    ----------
    n_tokens : int
        Size of the vocabulary.
    letters : dict of int to str
        Letters and punctuation of each token that is not special, by id.
    begins : set of int
        Ids of tokens that may begin a word.
    by_character : bool
        Whether tokens are n-grams of characters, including spaces.

    Returns
    -------
    ndarray of bool of shape (4, n_tokens)
        Which tokens end a sentence, begin with a letter, end with one, and begin at a gap between words or right
        after it.
    """
    kinds = np.zeros((4, n_tokens), dtype=bool)
    for i, name in letters.items():
        gap = name[:1].isspace() if by_character else i in begins
        # "" is a lone marker of the beginning of a word
        start = i in begins and (is_letter(name[:1]) or not name)
        kinds[:, i] = name.endswith(SENTENCE_ENDS), start, is_letter(name[-1:]), gap
    for kind in kinds[1:3]:
        if not kind[list(letters)].any():  # texts without letters: all tokens count
            kind[list(letters)] = True
    return kinds


@dataclass(frozen=True)
class Cutter:
    """How sequences are cut into two segments.

    Parameters
    ----------
    kinds : ndarray of bool of shape (4, n_tokens)
        As returned by ``token_kinds``.
    special : tuple of int
        Ids of the padding, unknown, mask, start, end and separator tokens.
    size : int
        Number of units in a token, words or characters.
    by_character : bool
        Whether tokens are n-grams of characters.
    longest : int or None
        Length of the longest sequence, for a tokenizer that adds an end token even to truncated texts; None if
        an end token means that a text is complete.
    """

    kinds: np.ndarray
    special: tuple[int, ...]
    size: int
    by_character: bool
    longest: int | None

    def permute(self, x: Tokens) -> tuple[Tokens, Tensor, Tensor]:
        """Cut each text into two segments, between sentences if possible, and swap those of a random half.

        Punctuation and spaces at the edges of the parts are dropped, and so is the incomplete word or sentence at
        the end of a truncated text: they would reveal which part comes last.

        Returns
        -------
        parts : Tokens
            Start, a part, a separator, the other part, and the end.
        swapped : Tensor of bool of shape (n,)
        possible : Tensor of bool of shape (n,)
            Which texts could be cut in two.
        """
        n, device, length = self.size, x.ids.device, x.ids.shape[1]
        steps = torch.arange(length, device=device)
        has_end = x.ids.gather(1, (x.lengths - 1)[:, None]) == self.special[END]
        stop = x.lengths[:, None] - has_end.long()
        kinds = resident(self.kinds, device)[:, x.ids] & (steps > 0) & (steps < stop)
        ends, starts, stops, gaps = kinds
        stop = self._stop(x, kinds, stop, has_end)
        # for a cut before each unit: where the first part ends (exclusive), and where the second begins
        behind = F.pad(torch.where(stops, steps + 1, 0).cummax(1).values, (n, 0))
        first = behind[:, :length]
        second = torch.where(starts, steps, length).flip(1).cummin(1).values.flip(1)
        begin, finish = second[:, :1], behind.gather(1, stop)
        sizes = torch.stack([first - begin, finish - second])
        sentences = F.pad(ends, (n, 0))[:, :length]
        places = self._places(sizes, sentences, gaps)
        possible = places.any(1)
        cut = draw_one(torch.where(possible[:, None], places.float(), 1.0))
        swapped = torch.rand(len(cut), device=device) < 0.5
        begins = torch.cat([begin, second.gather(1, cut)], dim=1)
        sizes = torch.cat([part.gather(1, cut) for part in sizes], dim=1).clamp(min=0)
        return self._joined(x, begins, sizes, has_end[:, 0], swapped), swapped, possible

    def _stop(self, x: Tokens, kinds: Tensor, stop: Tensor, has_end: Tensor) -> Tensor:
        """Return the end (exclusive) of each text in units, without what truncation left incomplete, ``(n, 1)``."""
        ends, _, _, gaps = kinds
        steps = torch.arange(x.ids.shape[1], device=x.ids.device)
        whole = has_end
        if self.longest is not None:
            whole = whole & (x.lengths[:, None] < self.longest - 1)
        # the token at position i begins with unit i, and has `size` units
        stop = stop + self.size - 1
        sentence, gap = (
            ((steps + more) * found).amax(1, keepdim=True) for more, found in ((self.size, ends), (0, gaps))
        )
        stop = torch.where(whole, stop, torch.where(sentence > 0, sentence, torch.where(gap > 0, gap, stop)))
        # a pretrained encoder has no position to spare for a separator
        return stop if self.longest is None else stop.clamp(max=self.longest - 3)

    def _places(self, sizes: Tensor, sentences: Tensor, gaps: Tensor) -> Tensor:
        """Return where a text may be cut, given the sizes of both parts: the best kind of places available."""
        inner = (sizes > 0).all(0)
        middle = inner & (3 * sizes.amin(0) >= sizes.amax(0) - 3)
        sentences = inner & sentences
        if self.by_character:
            sentences = sentences & gaps
        places = inner
        for choice in (middle, inner & gaps, middle & gaps, sentences):  # the last available one
            places = torch.where(choice.any(1, keepdim=True), choice, places)
        return places

    def _joined(self, x: Tokens, begins: Tensor, sizes: Tensor, has_end: Tensor, swapped: Tensor) -> Tokens:
        """Return start, part, separator, part, end; `begins` and `sizes` of the parts are ``(n, 2)``."""
        begins, sizes = (torch.where(swapped[:, None], pair.flip(1), pair) for pair in (begins, sizes))
        lengths = 2 + sizes.sum(1) + has_end.long()
        most = min(x.ids.shape[1] + 1, self.longest or math.inf)  # a separator is new
        steps = torch.arange(longest_of(lengths, int(most)), device=x.ids.device).expand(len(x.ids), -1)
        middle = sizes[:, :1] + 1  # position of the separator
        source = torch.where(steps < middle, begins[:, :1] + steps - 1, begins[:, 1:] + steps - middle - 1)
        source = torch.where(steps == 0, 0, source)
        source = torch.where(steps == middle + sizes[:, 1:] + 1, (x.lengths - 1)[:, None], source)
        ids = x.ids.gather(1, source.clamp(0, x.ids.shape[1] - 1))
        ids = torch.where(steps == middle, self.special[SEPARATOR], ids)
        moved = Tokens(ids, lengths)
        return Tokens(ids.masked_fill(~moved.present(), self.special[PAD]), lengths)
