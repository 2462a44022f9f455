"""Texts as n-grams of words or characters, as in scikit-learn's ``CountVectorizer``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

from ._doubts import doubt_merged, doubt_words
from ._tokens import PAD, SPECIAL, Corpus, TokenRows, collect, find_vocabulary, number
from ._words import normalized, word_finder

SPACES = re.compile(r"\s\s+")


def grams(units: list[str] | str, smallest: int, largest: int, glue: str) -> list[str]:
    """Return all n-grams of `smallest` to `largest` units, in the order in which they begin.

    Parameters
    ----------
    units : list of str, or str
        Words, or the characters of a text.
    smallest, largest : int
    glue : str
        Separator between the units of an n-gram.
    """
    if largest == 1:
        return list(units)
    n = len(units)
    if isinstance(units, str) and smallest == largest:  # fast path for k-mers of long sequences
        return [units[i : i + largest] for i in range(n - largest + 1)]
    return [
        glue.join(units[i : i + size])
        for i in range(n)
        for size in range(smallest, largest + 1)
        if i + size <= n
    ]


def splitter(analyzer: str, ngram_range: tuple[int, int], pattern: str) -> Callable[[str], list[str]]:
    """Return a function that splits a text into n-grams of words or characters, as in ``CountVectorizer``.

    Parameters
    ----------
    analyzer : {"word", "char", "char_wb"}
    ngram_range : tuple (smallest, largest)
    pattern : str
        Regular expression of a word.
    """
    smallest, largest = ngram_range
    if analyzer == "word":
        words = word_finder(pattern)
        return lambda text: grams(words(text), smallest, largest, " ")
    if analyzer == "char":
        return lambda text: grams(SPACES.sub(" ", text), smallest, largest, "")

    def within_words(text: str) -> list[str]:
        padded = [f" {word} " for word in text.split()]
        return [token for word in padded for token in grams(word, smallest, largest, "") or [word]]

    return within_words


def join(tokens: list[str], analyzer: str, size: int) -> str:
    """Return the text of consecutive n-grams of one size; each but the first adds its last unit."""
    if not tokens:
        return ""
    if analyzer == "char":
        return tokens[0] + "".join(token[-1:] for token in tokens[1:])
    words = tokens[0].split(" ") + [token.rsplit(" ", 1)[-1] for token in tokens[1:]]
    text = " ".join(words)
    text = re.sub(r"\s+([.,;:!?)\]}%])", r"\1", text)
    return re.sub(r"([(\[{$#@])\s+", r"\1", re.sub(r"\s*(['’/-])\s*", r"\1", text))  # noqa: RUF001  # an apostrophe


class NGrams:
    """Converts texts to n-grams of words or characters, and back.

    Parameters
    ----------
    analyzer : {"word", "char", "char_wb"}
    ngram_range : tuple (smallest, largest)
    pattern : str
        Regular expression of a word.
    lowercase : bool
    """

    special = tuple(range(len(SPECIAL)))

    def __init__(self, analyzer: str, ngram_range: tuple[int, int], pattern: str, lowercase: bool):
        self.analyzer, self.ngram_range = analyzer, ngram_range
        self.pattern, self.lowercase = pattern, lowercase

    def documents(self, texts: list[str]) -> Iterator[list[str]]:
        """Yield all tokens of each text, not truncated."""
        tokens_of = splitter(self.analyzer, self.ngram_range, self.pattern)
        for text in texts:
            yield tokens_of(normalized(text, self.lowercase))

    def learn(
        self, texts: list[str], max_length: int | None, min_df: int, max_features: int | None
    ) -> tuple[dict[str, int], np.ndarray, TokenRows]:
        """Return the vocabulary, the count of each token, and the texts as ids; texts are split once."""
        corpus = collect(self.documents(texts), max_length)
        told = doubt_words(corpus, self.analyzer)
        self.lost = corpus.lost
        vocabulary, counts, _ = find_vocabulary(corpus, min_df, max_features)
        rows = self._rows(corpus, vocabulary)
        if not told:
            doubt_merged(corpus, rows, self.analyzer)
        return vocabulary, counts, rows

    def encode(self, texts: list[str], max_length: int | None, vocabulary: dict[str, int]) -> TokenRows:
        """Return texts as ids: a start, up to `max_length` tokens, and an end if the text is not truncated."""
        corpus = collect(self.documents(texts), max_length)
        self.lost = corpus.lost
        return self._rows(corpus, vocabulary)

    def decode(self, rows: list[list[int]], vocabulary: dict[str, int]) -> list[str]:
        """Return the texts that ids stand for.

        Raises
        ------
        ValueError
            If n-grams overlap in ways that cannot be put together again.
        """
        if not self.is_reversible:
            raise ValueError(
                f"Tokens of analyzer={self.analyzer!r} and ngram_range={self.ngram_range!r} cannot be put together "
                "to a text again. Take n-grams of one size, of words or characters."
            )
        names = {i: token for token, i in vocabulary.items()}
        return [join([names[i] for i in row], self.analyzer, self.ngram_range[0]) for row in rows]

    def letters(self, names: dict[int, str]) -> tuple[dict[int, str], set[int]]:
        """Return the letters and punctuation of each token, by id, and which tokens may begin a word: all."""
        return names, set(names)

    @property
    def is_reversible(self) -> bool:
        """Whether tokens can be put together again: true of n-grams of one size, of words or characters."""
        return self.analyzer != "char_wb" and self.ngram_range[0] == self.ngram_range[1]

    def _rows(self, corpus: Corpus, vocabulary: dict[str, int]) -> TokenRows:
        return TokenRows(*number(corpus, vocabulary), PAD)
