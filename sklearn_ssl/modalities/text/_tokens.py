"""Texts as token ids: the vocabulary, and sequences of ids as a store of batches."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch

from ...encoders import Tokens

PAD, UNKNOWN, MASK, START, END, SEPARATOR = range(6)
LONGEST = 256  # tokens of a text, if the user says nothing
SPECIAL = ("[PAD]", "[UNK]", "[MASK]", "[BOS]", "[EOS]", "[SEP]")


class TokenRows:
    """Sequences of tokens, concatenated; they are split and padded into batches on request.

    Parameters
    ----------
    ids : ndarray of shape (n_ids,), int32
    offsets : ndarray of shape (n + 1,), int64
        Sequence i is ``ids[offsets[i]:offsets[i + 1]]``.
    padding : int
        Id of the padding token.
    """

    def __init__(self, ids: np.ndarray, offsets: np.ndarray, padding: int):
        self.ids, self.starts, self.lengths = ids, offsets[:-1], np.diff(offsets)
        self.padding = padding

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: np.ndarray) -> Tokens:
        lengths = self.lengths[index]
        steps = np.arange(lengths.max())
        places = np.minimum(self.starts[index, None] + steps, len(self.ids) - 1)
        ids = np.where(steps < lengths[:, None], self.ids[places], self.padding)
        return Tokens(torch.from_numpy(ids.astype(np.int64)), torch.from_numpy(lengths))


class Corpus(NamedTuple):
    """Texts after splitting. Their tokens are numbered in the order in which they are first seen.

    Attributes
    ----------
    tokens : list of str
        The distinct tokens.
    ids : ndarray of shape (n_ids,), int32
        The tokens of all texts, concatenated, as indices into `tokens`.
    offsets : ndarray of shape (n_texts + 1,), int64
        Text i is ``ids[offsets[i]:offsets[i + 1]]``.
    cut : ndarray of bool of shape (n_texts,)
        Which texts are truncated.
    lost : list of int
        Number of tokens that each of these lost.
    """

    tokens: list[str]
    ids: np.ndarray
    offsets: np.ndarray
    cut: np.ndarray
    lost: list[int]


def collect(documents: Iterable[list[str]], max_length: int | None) -> Corpus:
    """Number the first `max_length` tokens of each text, so that no text is kept as str."""
    known: defaultdict[str, int] = defaultdict()
    known.default_factory = known.__len__
    ids, offsets, cut = array("i"), [0], []
    lost: list[int] = []
    for tokens in documents:
        ids.extend(map(known.__getitem__, tokens[:max_length]))
        offsets.append(len(ids))
        cut.append(max_length is not None and len(tokens) > max_length)
        if max_length is not None and cut[-1]:
            lost.append(len(tokens) - max_length)
    return Corpus(
        list(known), np.array(ids, np.int32), np.array(offsets, np.int64), np.array(cut, bool), lost
    )


def spread_of(corpus: Corpus) -> np.ndarray:
    """Return the number of texts that each token occurs in, ``(n_known,)``."""
    shape = (len(corpus.cut), len(corpus.tokens))
    ones = np.ones(len(corpus.ids), dtype=np.int8)
    # a copy, since duplicates are summed in place
    per_text = sp.csr_array((ones, corpus.ids, corpus.offsets), shape=shape, copy=True)
    per_text.sum_duplicates()
    return np.bincount(per_text.indices, minlength=shape[1])


def find_vocabulary(
    corpus: Corpus, min_df: int, max_features: int | None
) -> tuple[dict[str, int], np.ndarray, np.ndarray]:
    """Give the most frequent tokens ids, after those of the special tokens, and count them.

    Parameters
    ----------
    corpus : Corpus
    min_df : int
        Number of texts that a token must occur in; if no token does, all are kept.
    max_features : int or None
        Maximum number of tokens, without the special ones.

    Returns
    -------
    vocabulary : dict of str to int
        Ids of the tokens, from the most frequent to the rarest.
    counts : ndarray of shape (n_tokens,), int64
        Number of occurrences. ``[UNK]`` counts all tokens that are left out, ``[EOS]`` the texts.
    df : ndarray of shape (n_tokens,), int64
        Number of texts that each token occurs in; 0 for the special ones.
    """
    n_texts, n_known = len(corpus.cut), len(corpus.tokens)
    total = np.bincount(corpus.ids, minlength=n_known)
    spread = spread_of(corpus)
    known = np.flatnonzero(spread >= min_df)
    known = known if len(known) else np.arange(n_known)
    kept = sorted(known.tolist(), key=lambda i: (-total[i], corpus.tokens[i]))[:max_features]
    counts, df = (
        np.concatenate([np.zeros(len(SPECIAL)), of[kept]]).astype(np.int64) for of in (total, spread)
    )
    counts[UNKNOWN], counts[END] = total.sum() - counts.sum(), n_texts
    return {corpus.tokens[i]: place for place, i in enumerate(kept, start=len(SPECIAL))}, counts, df


def number(corpus: Corpus, vocabulary: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return each text as ids of a vocabulary: a start, its tokens, and an end if it is not truncated.

    Returns
    -------
    ids : ndarray of shape (n_ids,), int32
    offsets : ndarray of shape (n_texts + 1,), int64
        Text i is ``ids[offsets[i]:offsets[i + 1]]``.
    """
    places = np.array([vocabulary.get(token, UNKNOWN) for token in corpus.tokens], dtype=np.int32)
    sizes = np.diff(corpus.offsets)
    offsets = np.concatenate([[0], np.cumsum(1 + sizes + ~corpus.cut)]).astype(np.int64)
    ids = np.empty(offsets[-1], dtype=np.int32)
    ids[offsets[:-1]] = START
    ids[offsets[1:][~corpus.cut] - 1] = END
    shift = np.repeat(offsets[:-1] + 1 - corpus.offsets[:-1], sizes)
    ids[np.arange(len(corpus.ids)) + shift] = places[corpus.ids]
    return ids, offsets


def flatten(documents: Iterable[Iterable[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Concatenate sequences of ids.

    Returns
    -------
    ids : ndarray of shape (n_ids,), int32
    offsets : ndarray of shape (n_texts + 1,), int64
        Text i is ``ids[offsets[i]:offsets[i + 1]]``.
    """
    flat, offsets = array("i"), [0]
    for ids in documents:
        flat.extend(ids)
        offsets.append(len(flat))
    return np.array(flat, dtype=np.int32), np.array(offsets, dtype=np.int64)
