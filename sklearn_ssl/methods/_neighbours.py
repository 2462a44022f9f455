"""Similarity of word vectors: the nearest words, and how well the words of a text go together."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from ..modalities import normalized


def listed(words: Any) -> list[str]:
    """Return one word, several or None as a list."""
    if words is None:
        return []
    return list(words) if hasattr(words, "__iter__") and not isinstance(words, str) else [words]


def place_of(word: Any, vocabulary: dict[str, int], lowercase: bool, min_df: int) -> int:
    """Return the row of a word, as it is or as texts are normalised.

    Raises
    ------
    ValueError
        If the word is not in the vocabulary.
    """
    if not isinstance(word, str):
        raise ValueError(f"{word!r} is not in the vocabulary. Its words are str, the keys of vocabulary_.")
    for form in (word, normalized(word, lowercase=False), normalized(word, lowercase=lowercase)):
        if form in vocabulary:
            return vocabulary[form]
    rare = (
        f", or in fewer than min_df={min_df} texts; Text(min_df=1, max_features=None) keeps all"
        if min_df > 1
        else ""
    )
    raise ValueError(
        f"{word!r} is not in the vocabulary: it did not occur in fit{rare}. The words are the keys of vocabulary_."
    )


def nearest(
    vocabulary: dict[str, int], vectors: np.ndarray, added: list[int], taken: list[int], n: int
) -> list[tuple[str, float]]:
    """Return the `n` words with the highest cosine similarity to the sum of some vectors of length 1.

    Parameters
    ----------
    vocabulary : dict of str to int
    vectors : ndarray of shape (n_words, n_components)
    added, taken : list of int
        Rows of the words that are added and subtracted; they are left out of the result.
    n : int
    """
    asked = [*added, *taken]
    if not asked:
        raise ValueError("There is no word to compare with. Pass a word, or several as a list.")
    lengths = np.linalg.norm(vectors, axis=1)
    if len(asked) == 1:
        query, length = (vectors[asked[0]] if added else -vectors[asked[0]]), lengths[asked[0]]
    else:
        units = vectors[asked] / np.maximum(lengths[asked], 1e-12)[:, np.newaxis]
        query = units[: len(added)].sum(axis=0) - units[len(added) :].sum(axis=0)
        length = np.linalg.norm(query)
    likeness = vectors @ query / np.maximum(lengths * length, 1e-12)
    likeness[asked] = -np.inf
    names = list(vocabulary)
    best = np.argsort(-likeness, kind="stable")[: min(n, len(names) - len(set(asked)))]
    return [(names[i], float(likeness[i])) for i in best]


def coherence(
    documents: list[list[str]], vocabulary: dict[str, int], vectors: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Return the weighted mean cosine similarity of all pairs of words of each text.

    An unknown word is like no other, and weighs as much as the heaviest of those known.

    Parameters
    ----------
    documents : list of list of str
    vocabulary : dict of str to int
    vectors : ndarray of shape (n_words, n_components)
    weight : ndarray of shape (n_words,)

    Returns
    -------
    ndarray of shape (n,), float64
        NaN for a text of less than two words.
    """
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)[:, np.newaxis]
    units = np.vstack([units, np.zeros(units.shape[1])]).astype(np.float64)
    heavy = np.append(weight, weight.max()).astype(np.float64)
    found = np.full(len(documents), np.nan)
    for i, tokens in enumerate(documents):
        places = [vocabulary.get(word, len(vectors)) for word in tokens]
        if len(places) > 1:
            w = heavy[places]
            total, own = w @ units[places], w * units[places].any(axis=1)
            found[i] = (total @ total - own @ own) / (w.sum() ** 2 - w @ w)
    return found


def weighted_means(
    documents: list[list[str]], vocabulary: dict[str, int], vectors: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Return the weighted mean vector of the known words of each text; zeros if no word is known.

    Parameters
    ----------
    documents : list of list of str
    vocabulary : dict of str to int
    vectors : ndarray of shape (n_tokens, n_components)
    weight : ndarray of shape (n_tokens,)

    Returns
    -------
    ndarray of shape (n, n_components), float32
    """
    rows = [[vocabulary[word] for word in tokens if word in vocabulary] for tokens in documents]
    places = np.array([place for row in rows for place in row], dtype=np.int64)
    offsets = np.cumsum([0, *map(len, rows)])
    shape = (len(documents), len(vectors))
    parts = sp.csr_array((weight[places].astype(np.float32), places, offsets), shape=shape)
    total = np.asarray(parts.sum(axis=1)).reshape(-1, 1)
    return (parts @ vectors / np.where(total > 0, total, 1)).astype(np.float32)
