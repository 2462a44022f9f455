"""From texts to tokens and back."""

from __future__ import annotations

import json
import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np

PAD, UNKNOWN, MASK, START, END, SEPARATOR = range(6)
SPECIAL = ("[PAD]", "[UNK]", "[MASK]", "[BOS]", "[EOS]", "[SEP]")
# what those are called in tokenizers of others, the most usual name first
ALIASES = (
    ("[PAD]", "<pad>", "<|endoftext|>", "<|end_of_text|>", "</s>"),
    ("[UNK]", "<unk>", "<|endoftext|>", "<|end_of_text|>"),
    ("[MASK]", "<mask>", "[UNK]", "<unk>", "<|endoftext|>", "<|end_of_text|>"),
    ("[BOS]", "[CLS]", "<s>", "<|begin_of_text|>", "<|endoftext|>", "</s>"),
    ("[EOS]", "[SEP]", "</s>", "<|endoftext|>", "<|end_of_text|>"),
    ("[SEP]", "</s>", "<|endoftext|>", "<|end_of_text|>"),
)
SPACES = re.compile(r"\s\s+")


def grams(units: list[str] | str, smallest: int, largest: int, glue: str) -> list[str]:
    """Return all runs of `smallest` to `largest` units, in the order in which they begin.

    Parameters
    ----------
    units : list of str, or str
        Words, or a text as its characters.
    smallest, largest : int
    glue : str
        What is put between the units of a run.
    """
    if largest == 1:
        return list(units)
    n = len(units)
    if isinstance(units, str) and smallest == largest:  # quick: k-mers of long sequences
        return [units[i : i + largest] for i in range(n - largest + 1)]
    return [
        glue.join(units[i : i + size])
        for i in range(n)
        for size in range(smallest, largest + 1)
        if i + size <= n
    ]


def splitter(analyzer: str, ngram_range: tuple[int, int], pattern: str) -> Callable[[str], list[str]]:
    """Return what turns a text into n-grams of words or characters, as in ``CountVectorizer``.

    Parameters
    ----------
    analyzer : {"word", "char", "char_wb"}
    ngram_range : tuple (smallest, largest)
    pattern : str
        Regular expression of a word.
    """
    smallest, largest = ngram_range
    if analyzer == "word":
        words = re.compile(pattern).findall
        return lambda text: grams(words(text), smallest, largest, " ")
    if analyzer == "char":
        return lambda text: grams(SPACES.sub(" ", text), smallest, largest, "")

    def within_words(text: str) -> list[str]:
        padded = [f" {word} " for word in text.split()]
        return [token for word in padded for token in grams(word, smallest, largest, "") or [word]]

    return within_words


def find_vocabulary(
    documents: Iterable[list[str]], min_df: int, max_features: int | None
) -> tuple[dict[str, int], np.ndarray, np.ndarray]:
    """Number the most frequent tokens, behind the special ones, and count them.

    Parameters
    ----------
    documents : iterable of list of str
        Tokens of each text.
    min_df : int
        Texts that a token must be in; if none is, all are taken.
    max_features : int or None
        Number of tokens, without the special ones.

    Returns
    -------
    vocabulary : dict of str to int
        From the most frequent to the rarest.
    counts : ndarray of shape (n_tokens,), int64
        Occurrences; of those left out together, under ``[UNK]``; of ``[EOS]`` as many as texts.
    df : ndarray of shape (n_tokens,), int64
        Texts that each token is in; 0 for the special ones.
    """
    total: Counter[str] = Counter()
    spread: Counter[str] = Counter()
    n = 0
    for tokens in documents:
        total.update(tokens)
        spread.update(set(tokens))
        n += 1
    known = [token for token, df in spread.items() if df >= min_df] or list(spread)
    kept = sorted(known, key=lambda token: (-total[token], token))[:max_features]
    counts = np.zeros(len(SPECIAL) + len(kept), dtype=np.int64)
    counts[len(SPECIAL) :] = [total[token] for token in kept]
    counts[UNKNOWN], counts[END] = sum(total.values()) - counts.sum(), n
    df = np.zeros_like(counts)
    df[len(SPECIAL) :] = [spread[token] for token in kept]
    return {token: i for i, token in enumerate(kept, start=len(SPECIAL))}, counts, df


def flatten(documents: Iterable[Iterable[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Put numbers of tokens behind each other.

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


def numbered(
    documents: Iterable[list[str]], vocabulary: dict[str, int], max_length: int | None
) -> Iterator[Iterable[int]]:
    """Yield each text as numbers: a start, up to `max_length` tokens, and an end if none was cut off."""
    for tokens in documents:
        ids = map(vocabulary.get, tokens[:max_length], repeat(UNKNOWN))
        yield chain((START,), ids, () if max_length and len(tokens) > max_length else (END,))


def join(tokens: list[str], analyzer: str, size: int) -> str:
    """Return the text that n-grams of one size make, each but the first adding its last unit."""
    if not tokens:
        return ""
    if analyzer == "char":
        return tokens[0] + "".join(token[-1:] for token in tokens[1:])
    words = tokens[0].split(" ") + [token.rsplit(" ", 1)[-1] for token in tokens[1:]]
    text = " ".join(words)
    text = re.sub(r"\s+([.,;:!?)\]}%])", r"\1", text)
    return re.sub(r"([(\[{$#@])\s+", r"\1", re.sub(r"\s*(['’/-])\s*", r"\1", text))  # noqa: RUF001  # an apostrophe


def library() -> Any:
    """Return the package tokenizers, or say how to get it."""
    try:
        import tokenizers
    except ImportError as error:
        raise ImportError(
            "Subwords need tokenizers: pip install 'sklearn-ssl[text]', or pip install tokenizers."
        ) from error
    return tokenizers


def train_subwords(texts: list[str], lowercase: bool, min_df: int, max_features: int | None) -> str:
    """Train byte-pair encoding, and return the tokenizer as JSON.

    It knows every byte, so that no text has unknown parts and every text can be put together again.
    """
    tk = library()
    tokenizer = tk.Tokenizer(tk.models.BPE(unk_token=SPECIAL[UNKNOWN]))
    if lowercase:
        tokenizer.normalizer = tk.normalizers.Lowercase()
    tokenizer.pre_tokenizer = tk.pre_tokenizers.ByteLevel(add_prefix_space=True)  # first words are as others
    tokenizer.decoder = tk.decoders.ByteLevel()
    trainer = tk.trainers.BpeTrainer(
        vocab_size=len(SPECIAL) + 256 + (10**6 if max_features is None else max_features),
        min_frequency=min_df,
        special_tokens=list(SPECIAL),
        initial_alphabet=tk.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return complete(tokenizer).to_str()


def complete(tokenizer: Any) -> Any:
    """Give a tokenizer the special tokens that it lacks, and let texts have a start if they have none."""
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    tokenizer.add_special_tokens([names[0] for names in ALIASES if not vocabulary.keys() & set(names)])
    if not tokenizer.encode("").ids:
        special, names = special_tokens(tokenizer), {i: t for t, i in tokenizer.get_vocab().items()}
        start, end = names[special[START]], names[special[END]]
        tokenizer.post_processor = library().processors.TemplateProcessing(
            single=f"{start} $A {end}",
            special_tokens=[
                (name, place) for name, place in {start: special[START], end: special[END]}.items()
            ],
        )
    return tokenizer


def read_tokenizer(source: Any) -> Any:
    """Return a tokenizer from its JSON, a file of that, a folder with ``tokenizer.json``, or one like it.

    Raises
    ------
    ValueError
        If there is none.
    """
    tk = library()
    text = str(source) if isinstance(source, (str, Path)) else to_json_string(source)
    try:
        if not text.lstrip().startswith("{"):
            path = Path(text)
            text = (path / "tokenizer.json" if path.is_dir() else path).read_text(encoding="utf-8")
        tokenizer = tk.Tokenizer.from_str(text)
    except Exception as error:  # tokenizers raises bare Exceptions
        raise ValueError(
            f"tokenizer={str(source)[:60]!r} is no tokenizer of the package tokenizers: {error}. Pass the path of a "
            "tokenizer.json, the folder it is in, or its text."
        ) from error
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True  # "[MASK]" in a text is no mask
    return complete(tokenizer)


def special_tokens(tokenizer: Any) -> tuple[int, ...]:
    """Return the numbers of padding, unknown, mask, start, end and separator."""
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    return tuple(next(vocabulary[name] for name in names if name in vocabulary) for names in ALIASES)


def subwords(
    tokenizer: Any, texts: list[str], max_length: int | None, always_end: bool
) -> Iterator[list[int]]:
    """Yield each text as numbers, with the start and the end that the tokenizer gives it.

    Parameters
    ----------
    tokenizer : Tokenizer
    texts : list of str
    max_length : int or None
        Tokens between start and end.
    always_end : bool
        Let a text that is cut off have an end, which pretrained encoders expect.
    """
    whole = None if max_length is None else max_length + 2
    if whole is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(whole + (not always_end))
    for start in range(0, len(texts), 1024):
        for encoding in tokenizer.encode_batch(encodable(texts[start : start + 1024])):
            ids = encoding.ids
            yield ids if whole is None or len(ids) <= whole else ids[: whole - 1]


def begin_words(names: dict[int, str]) -> set[int]:
    """Return which subwords begin a word, by the marks that tokenizers have for it; all if they have none."""
    if any(name.startswith("##") for name in names.values()):
        return {i for i, name in names.items() if not name.startswith("##")}
    marked = {i for i, name in names.items() if name.startswith(("Ġ", "▁"))}
    return marked or set(names)


def decoded(tokenizer: Any, numbers: list[int]) -> list[str]:
    """Return the letters and signs of each subword, without the marks of where words begin."""
    texts = tokenizer.decode_batch([[i] for i in numbers], skip_special_tokens=False)
    return [text.removeprefix("##").lstrip("▁ ") for text in texts]


def is_letter(char: str) -> bool:
    """Return whether a character belongs to words: no space and no sign; "" does not.

    A part of a letter, as bytes have it, stands as the replacement character, and belongs to words too.
    """
    return bool(char) and (char == "\ufffd" or unicodedata.category(char)[0] in "LMN")


def encodable(texts: list[str]) -> list[str]:
    """Return the texts with a question mark for each lone surrogate, which no tokenizer takes."""
    return [text.encode("utf-8", "replace").decode() for text in texts]


def to_json_string(tokenizer: Any) -> str:
    """Return a tokenizer of transformers or tokenizers as JSON.

    Raises
    ------
    ValueError
        If it is none that can be written so.
    """
    tokenizer = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not hasattr(tokenizer, "to_str"):
        raise ValueError(
            f"{type(tokenizer).__name__} is no fast tokenizer. Pass Text(tokenizer=...) the tokenizer.json of it."
        )
    text = tokenizer.to_str()
    json.loads(text)
    return text
