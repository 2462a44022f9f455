"""What is probably wrong with texts: words that occur once, unknown tokens, long texts that are cut."""

from __future__ import annotations

from collections.abc import Container

import numpy as np

from ...warning import warn
from ._tokens import END, START, UNKNOWN, Corpus, TokenRows, spread_of
from ._words import has_spaces

FEW, MANY = 6, 20  # texts: with fewer than these, only clear cases are told
RARE = 0.1  # share of the words that occur in more than one text
LONG_WORD, LONG_PHRASE = 12, 6  # letters; the latter in scripts without spaces between words
MOSTLY = 0.8  # share of the tokens of a text that are unknown: in other texts of the language, half may be
UNKNOWN_TEXTS, ENOUGH = 0.9, 4  # share of such texts, and how many texts there must be
MERGED, SAMPLE = 0.5, 10_000  # share of the texts that become equal, and how many are looked at
LOST, N_CUT = 0.2, 5  # share of the tokens that is cut off, and of how many texts at least


def doubt_words(corpus: Corpus, analyzer: str) -> bool:
    """Warn if nearly all tokens occur in one text only, as texts do that are not split into words; return whether.

    Short labels that repeat are no such texts, whatever their script.
    """
    kept = np.array([token[:1].isalnum() for token in corpus.tokens], dtype=bool)
    is_word = kept[corpus.ids]
    per_text = (
        np.add.reduceat(np.append(is_word, False), corpus.offsets[:-1], dtype=int)
        if len(corpus.cut)
        else np.zeros(0)
    )
    n_texts = int((per_text[np.diff(corpus.offsets) > 0] > 0).sum())
    if n_texts < FEW:
        return False
    total = np.bincount(corpus.ids, minlength=len(kept))[kept]
    words = [token for token, good in zip(corpus.tokens, kept, strict=True) if good]
    sizes = np.array([len(word) for word in words])
    # by letters: single ones repeat by chance, as between the gaps of sequences
    shared = (total * sizes)[spread_of(corpus)[kept] > 1].sum() / (total * sizes).sum()
    letters = sizes.mean()
    # phrases between commas repeat now and then
    phrases = analyzer == "word" and letters >= LONG_PHRASE and not has_spaces(words) and shared < 0.5
    whole = total.sum() <= 2 * n_texts and letters >= LONG_WORD
    if not phrases and not (shared < RARE and (n_texts >= MANY or whole)):
        return False
    said = f"Most {'words' if analyzer == 'word' else 'tokens'} of X, such as {words[sizes.argmax()]!r:.40}, "
    if analyzer == "word":
        advice = (
            "Words are what lies between spaces and punctuation. Chinese, Japanese, Thai, DNA and proteins have "
            "none of these between words: pass modality=Text(analyzer='char') or Text(analyzer='subword')."
        )
    else:
        advice = "Take shorter n-grams, or modality=Text(analyzer='subword')."
    warn(
        f"{said}occur in one text only, so that little can be learned, and new texts look alike. {advice}",
        about=doubt_words.__name__,
    )
    return True


def doubt_merged(corpus: Corpus, rows: TokenRows, analyzer: str) -> None:
    """Warn if most texts differ from another one only in tokens that are not in the vocabulary.

    Parameters
    ----------
    corpus : Corpus
        All tokens of the texts.
    rows : TokenRows
        The same texts as ids of the vocabulary.
    analyzer : str
    """
    some = np.unique(np.linspace(0, len(rows) - 1, SAMPLE).astype(int)) if len(rows) else np.arange(0)
    alike: dict[bytes, dict[bytes, int]] = {}
    for i in some:
        start, end = corpus.offsets[i : i + 2]
        ids = rows.ids[rows.starts[i] : rows.starts[i] + rows.lengths[i]]
        alike.setdefault(ids.tobytes(), {})[corpus.ids[start:end].tobytes()] = int(i)
    merged = [list(group.values()) for group in alike.values() if len(group) > 1]
    n_merged, n_different = sum(map(len, merged)), sum(map(len, alike.values()))
    if n_different < FEW or n_merged <= MERGED * n_different:
        return
    first, second = (
        " ".join(corpus.tokens[j] for j in corpus.ids[corpus.offsets[i] : corpus.offsets[i + 1]])
        for i in merged[0][:2]
    )
    parts = (
        ""
        if analyzer == "subword"
        else ", or pass modality=Text(analyzer='subword'), which knows parts of words"
    )
    warn(
        f"{n_merged / n_different:.0%} of the different texts of X get the same features as others, such as "
        f"{first!r:.60} and {second!r:.60}: they differ only in tokens that few texts have, which are left out. If "
        f"these matter, keep them by Text(min_df=1){parts}.",
        about=doubt_merged.__name__,
    )


def doubt_rows(
    rows: TokenRows, special: tuple[int, ...], counts: np.ndarray, vocabulary: dict[str, int], analyzer: str
) -> None:
    """Warn if most tokens of nearly all texts are unknown.

    Parameters
    ----------
    rows : TokenRows
    special : tuple of int
        Ids of the special tokens.
    counts : ndarray of shape (n_tokens,)
        How often tokens occurred in fit; where many were unknown already, as in a small vocabulary, nothing is told.
    vocabulary : dict of str to int
        Ids of the tokens. Punctuation does not count, since it is known in any language.
    analyzer : str
    """
    unknown = special[UNKNOWN]
    if unknown in (special[START], special[END]) or 0.5 < counts[unknown] / max(counts.sum(), 1) < 0.9:
        return
    holes = rows.ids == unknown
    words = np.zeros(len(counts), dtype=bool)
    words[[i for token, i in vocabulary.items() if token[:1].isalnum()]] = True
    counted = holes | words[rows.ids]
    _doubt(
        np.add.reduceat(holes, rows.starts, dtype=int),
        np.add.reduceat(counted, rows.starts, dtype=int),
        analyzer,
    )


def doubt_documents(documents: list[list[str]], vocabulary: Container[str], analyzer: str) -> None:
    """Warn if most words of nearly all texts are not in a vocabulary."""
    words = [[token for token in tokens if token[:1].isalnum()] for tokens in documents]
    sizes = np.array([len(tokens) for tokens in words])
    _doubt(np.array([sum(token not in vocabulary for token in tokens) for tokens in words]), sizes, analyzer)


def _doubt(n_unknown: np.ndarray, sizes: np.ndarray, analyzer: str) -> None:
    some = sizes > 0
    if some.sum() < ENOUGH:
        return
    share = (n_unknown[some] > MOSTLY * sizes[some]).mean()
    if share < UNKNOWN_TEXTS:
        return
    splits = "modality=Text(analyzer='char') or Text(analyzer='subword') knows parts of words. "
    warn(
        f"Most tokens of {share:.0%} of the texts are unknown: fit did not see them, so that the features of these "
        f"texts are nearly alike. {'' if analyzer == 'subword' else splits}Fit on texts of the same kind as these.",
        about=doubt_rows.__name__,
    )


def doubt_cut(lost: list[int], n_kept: int, max_length: int | None) -> bool:
    """Warn if much of the texts is cut off, and return whether.

    Parameters
    ----------
    lost : list of int
        Number of tokens that each text lost which was cut.
    n_kept : int
        Number of tokens that are left in all texts.
    max_length : int or None
        Where texts are cut.
    """
    share = sum(lost) / max(n_kept + sum(lost), 1)
    much = len(lost) >= N_CUT and share > LOST
    if much:
        warn(
            f"{len(lost)} texts of X are longer than max_length={max_length} tokens and are cut: {share:.0%} of all "
            "tokens are lost. Split long texts into parts, or raise max_length in modality=Text(...) if the encoder "
            "takes more.",
            about=doubt_cut.__name__,
        )
    return much
