"""Texts as subwords: byte-pair encoding trained here, or a trained tokenizer of the package tokenizers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ._tokens import END, PAD, SPECIAL, START, UNKNOWN, TokenRows, flatten

# names of the special tokens in other tokenizers, the most common first
ALIASES = (
    ("[PAD]", "<pad>", "<|endoftext|>", "<|end_of_text|>", "</s>"),
    ("[UNK]", "<unk>", "<|endoftext|>", "<|end_of_text|>"),
    ("[MASK]", "<mask>", "[UNK]", "<unk>", "<|endoftext|>", "<|end_of_text|>"),
    ("[BOS]", "[CLS]", "<s>", "<|begin_of_text|>", "<|endoftext|>", "</s>"),
    ("[EOS]", "[SEP]", "</s>", "<|endoftext|>", "<|end_of_text|>"),
    ("[SEP]", "</s>", "<|endoftext|>", "<|end_of_text|>"),
)


def library() -> Any:
    """Return the package tokenizers, or raise an error that says how to install it."""
    try:
        import tokenizers
    except ImportError as error:
        raise ImportError(
            "Subwords need tokenizers: pip install 'sklearn-ssl[text]', or pip install tokenizers."
        ) from error
    return tokenizers


def train_subwords(texts: list[str], lowercase: bool, min_df: int, max_features: int | None) -> str:
    """Train byte-pair encoding, and return the tokenizer as JSON.

    It knows every byte, so that no text has unknown tokens and every text can be decoded again.
    """
    tk = library()
    tokenizer = tk.Tokenizer(tk.models.BPE(unk_token=SPECIAL[UNKNOWN]))
    composed = tk.normalizers.NFC()
    tokenizer.normalizer = (
        tk.normalizers.Sequence([tk.normalizers.Lowercase(), composed]) if lowercase else composed
    )
    # with a space before them, first words are encoded as others
    tokenizer.pre_tokenizer = tk.pre_tokenizers.ByteLevel(add_prefix_space=True)
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
    """Add the special tokens that a tokenizer lacks, and a start and an end to its texts if they have none."""
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
    """Read a tokenizer from JSON text, a file, a folder with ``tokenizer.json``, or another tokenizer.

    Raises
    ------
    ValueError
        If `source` is none of these.
    """
    text = str(source) if isinstance(source, (str, Path)) else to_json_string(source)
    if text.lstrip().startswith("{"):
        return tokenizer_of(text)
    try:
        path = Path(text)
        text = (path / "tokenizer.json" if path.is_dir() else path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise _no_tokenizer(source, error) from error
    return tokenizer_of(text)


def tokenizer_of(text: str) -> Any:
    """Read a tokenizer from JSON text; no file is opened, whatever the text is.

    Raises
    ------
    ValueError
        If the text is no tokenizer.
    """
    try:
        tokenizer = library().Tokenizer.from_str(text)
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True  # "[MASK]" in a text is not the mask token
        return complete(tokenizer)
    except ImportError:
        raise
    except BaseException as error:  # tokenizers raises bare Exceptions, and panics that are not even those
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        raise _no_tokenizer(text, error) from error


def _no_tokenizer(source: Any, error: BaseException) -> ValueError:
    return ValueError(
        f"tokenizer={str(source)[:60]!r} is no tokenizer of the package tokenizers: {error}. Pass the path of a "
        "tokenizer.json, the folder it is in, or its text."
    )


def special_tokens(tokenizer: Any) -> tuple[int, ...]:
    """Return the ids of the padding, unknown, mask, start, end and separator tokens."""
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    return tuple(next(vocabulary[name] for name in names if name in vocabulary) for names in ALIASES)


def subwords(
    tokenizer: Any, texts: list[str], max_length: int | None, always_end: bool
) -> Iterator[tuple[list[int], int]]:
    """Yield each text as ids, with the start and the end token that the tokenizer adds, and how many were cut off.

    Parameters
    ----------
    tokenizer : Tokenizer
    texts : list of str
    max_length : int or None
        Maximum number of tokens between start and end.
    always_end : bool
        Whether truncated texts get an end token too, which pretrained encoders expect.
    """
    whole = None if max_length is None else max_length + 2
    if whole is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(whole + (not always_end))
    for start in range(0, len(texts), 1024):
        for encoding in tokenizer.encode_batch(encodable(texts[start : start + 1024])):
            ids = encoding.ids
            lost = sum(sum(not extra for extra in rest.special_tokens_mask) for rest in encoding.overflowing)
            if whole is None or len(ids) <= whole:
                yield ids, lost
            else:
                yield ids[: whole - 1], lost + len(ids) - whole


def begin_words(names: dict[int, str]) -> set[int]:
    """Return which subwords begin a word, by the markers that tokenizers have for it; all if there are none."""
    if any(name.startswith("##") for name in names.values()):
        return {i for i, name in names.items() if not name.startswith("##")}
    marked = {i for i, name in names.items() if name.startswith(("Ġ", "▁"))}
    return marked or set(names)


def decoded(tokenizer: Any, numbers: list[int]) -> list[str]:
    """Return the letters and punctuation of each subword, without the markers of the beginning of a word."""
    texts = tokenizer.decode_batch([[i] for i in numbers], skip_special_tokens=False)
    return [text.removeprefix("##").lstrip("▁ ") for text in texts]


def encodable(texts: list[str]) -> list[str]:
    """Return the texts with lone surrogates, which no tokenizer takes, replaced by question marks."""
    return [text.encode("utf-8", "replace").decode() for text in texts]


def to_json_string(tokenizer: Any) -> str:
    """Return a tokenizer of transformers or tokenizers as JSON.

    Raises
    ------
    ValueError
        If it cannot be written as JSON.
    """
    tokenizer = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not hasattr(tokenizer, "to_str"):
        raise ValueError(
            f"{type(tokenizer).__name__} is no fast tokenizer. Pass its tokenizer.json: Text(tokenizer=...)."
        )
    text = tokenizer.to_str()
    json.loads(text)
    return text


class Subwords:
    """Converts texts to the subwords of a trained tokenizer, and back.

    Parameters
    ----------
    source : str
        The tokenizer as JSON.
    trained_here : bool
        Whether ``train_subwords`` trained it. Then only complete texts get an end token.
    """

    is_reversible = True

    def __init__(self, source: str, trained_here: bool):
        self.tokenizer, self.trained_here = tokenizer_of(source), trained_here

    @property
    def special(self) -> tuple[int, ...]:
        """Ids of the padding, unknown, mask, start, end and separator tokens."""
        return special_tokens(self.tokenizer)

    def is_of(self, vocabulary: dict[str, int]) -> bool:
        """Return whether the tokenizer has these tokens, and adds no others to a text."""
        added = set(self.tokenizer.encode("a").ids) - set(vocabulary.values())
        return not added and self.tokenizer.get_vocab(with_added_tokens=True) == vocabulary

    def documents(self, texts: list[str]) -> Iterator[list[str]]:
        """Yield all tokens of each text, not truncated."""
        self.tokenizer.no_truncation()
        for encoding in self.tokenizer.encode_batch(encodable(texts), add_special_tokens=False):
            yield encoding.tokens

    def learn(
        self, texts: list[str], max_length: int | None, min_df: int, max_features: int | None
    ) -> tuple[dict[str, int], np.ndarray, TokenRows]:
        """Return the vocabulary, the count of each token, and the texts as ids; texts are split once."""
        known = self.tokenizer.get_vocab(with_added_tokens=True)
        vocabulary = dict(sorted(known.items(), key=lambda item: item[1]))
        rows = self.encode(texts, max_length, vocabulary)
        counts = np.bincount(rows.ids, minlength=1 + max(vocabulary.values()))
        return vocabulary, counts.astype(np.int64), rows

    def encode(self, texts: list[str], max_length: int | None, vocabulary: dict[str, int]) -> TokenRows:
        """Return texts as ids, with the special tokens that the tokenizer adds."""
        documents = subwords(self.tokenizer, texts, max_length, always_end=not self.trained_here)
        start, padding = self.special[START], self.special[PAD]
        self.lost: list[int] = []
        return TokenRows(*flatten(self._ids(ids, lost) or [start] for ids, lost in documents), padding)

    def _ids(self, ids: list[int], lost: int) -> list[int]:
        if lost:
            self.lost.append(lost)
        return ids

    def decode(self, rows: list[list[int]], vocabulary: dict[str, int]) -> list[str]:
        """Return the texts that ids stand for."""
        texts = self.tokenizer.decode_batch(rows)
        # ours puts a space before first words, so that they are encoded as others
        return [text.removeprefix(" ") for text in texts] if self.trained_here else texts

    def letters(self, names: dict[int, str]) -> tuple[dict[int, str], set[int]]:
        """Return the letters and punctuation of each token, by id, and which tokens may begin a word."""
        return dict(zip(names, decoded(self.tokenizer, list(names)), strict=True)), begin_words(names)
