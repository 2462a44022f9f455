"""Texts, and other sequences that come as strings."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from torch import Tensor, nn

from ..encoders import PretrainedText, TokenBag, TokenConvNet, Tokens, Transformer
from ..encoders._pretrained import is_sentence_transformer, is_transformer, longest_input
from ..encoders._tokens import TokenEncoder
from ._base import Sequences, check_frame, is_frame, unknown_encoder
from ._token_decoder import TokenDecoder
from ._tokenize import (
    END,
    MASK,
    PAD,
    SEPARATOR,
    SPECIAL,
    START,
    begin_words,
    decoded,
    encodable,
    find_vocabulary,
    flatten,
    is_letter,
    join,
    numbered,
    read_tokenizer,
    special_tokens,
    splitter,
    subwords,
    to_json_string,
    train_subwords,
)

SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", "।", "؟", "\n")  # noqa: RUF001  # of other scripts
BLANKED, REPLACED = 0.8, 0.1  # of what is hidden; the rest stays as it is


class TokenRows:
    """Sequences of tokens behind each other, cut and filled up to batches when asked for.

    Parameters
    ----------
    ids : ndarray of shape (n_ids,), int32
    offsets : ndarray of shape (n + 1,), int64
        Sequence i is ``ids[offsets[i]:offsets[i + 1]]``.
    padding : int
        What batches are filled up with.
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


def keep(x: Tokens, kept: Tensor, padding: int) -> Tokens:
    """Return the sequences without the tokens that are not `kept`, bool ``(n, length)``."""
    lengths = kept.sum(1)
    order = torch.argsort((~kept).to(torch.uint8), dim=1, stable=True)[:, : int(lengths.max())]
    short = Tokens(x.ids.gather(1, order), lengths)
    return Tokens(short.ids.masked_fill(~short.present(), padding), lengths)


def hide(
    x: Tokens, maskable: Tensor, rate: float, span: int, n_tokens: int, mask: int
) -> tuple[Tokens, Tensor]:
    """Hide tokens as BERT does: 80 % become a mask, 10 % another token, 10 % stay.

    Parameters
    ----------
    x : Tokens of shape (n, length)
    maskable : Tensor of bool of shape (n, length)
    rate : float in [0, 1]
        Share of the tokens that is hidden.
    span : int
        Neighbours that are hidden together: n-grams that overlap would tell each other [1]_.
    n_tokens, mask : int
        Size of the vocabulary, and which token is the mask.

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
    threshold = chance.min().clamp(min=1 - (1 - rate) ** (1 / span))  # at least one is hidden
    hidden = (chance <= threshold) & maskable
    fate = torch.rand(x.ids.shape, device=x.ids.device)
    if span > 1:
        hidden = (F.max_pool1d(F.pad(hidden.float(), (span - 1, 0)), span, 1) > 0) & maskable
        begins = hidden & ~F.pad(hidden, (1, 0))[:, :-1]  # a run has one fate
        steps = torch.arange(x.ids.shape[1], device=x.ids.device)
        fate = fate.gather(1, torch.where(begins, steps, 0).cummax(1).values)
    others = torch.randint(min(len(SPECIAL), n_tokens - 1), n_tokens, x.ids.shape, device=x.ids.device)
    ids = torch.where(hidden & (fate < BLANKED), mask, x.ids)
    ids = torch.where(hidden & (fate >= BLANKED) & (fate < BLANKED + REPLACED), others, ids)
    return Tokens(ids, x.lengths), hidden


@dataclass(kw_only=True, eq=False, repr=False)
class Text(Sequences):
    r"""Texts: a list, array or Series of str, or strings of other letters, such as DNA and proteins.

    Each text is a sequence of tokens, between a start and an end: words, characters, runs of them, or
    subwords. What is too rare to be learned stands as unknown. Encoders by name: ``"transformer"``, which is
    ``"auto"``, ``"convnet"`` for short texts, and ``"bag"``, the mean of embedded tokens, for tasks on whole texts
    (contrastive, siamese).

    Parameters
    ----------
    analyzer : {"word", "char", "char_wb", "subword"}, default="word"
        What a token is made of, in the words of ``CountVectorizer``: words (and here signs, which a language
        model needs), characters, characters within words, or subwords, which byte-pair encoding learns
        from X [1]_ (needs the package tokenizers; nothing is unknown then).
    ngram_range : tuple (smallest, largest), default=(1, 1)
        Words or characters in a token. ``Text(analyzer="char", ngram_range=(3, 3))`` takes k-mers. With several
        sizes, those that begin at one place follow each other, the shortest first.
    max_features : int or None, default=10_000
        Size of the vocabulary: the most frequent tokens. None keeps all. Subwords have the 256 bytes and six
        special tokens besides.
    min_df : int, default=2
        Texts that a token must be in; for subwords, how often it must occur. With 1, all tokens of X are known, so
        that nothing is learned of unknown ones. If no token is in so many, all are kept.
    lowercase : bool, default=True
        Turn the texts to lower case.
    max_length : int or None, default=256
        Tokens of a text that are used, the first; None uses as many as the longest in ``fit`` has. The time
        that attention takes grows with the square of it. Cut long texts into parts first if all of them
        matters.
    token_pattern : str, default=r"\w+|[^\w\s]"
        Regular expression of what a word is, for ``analyzer="word"``.
    tokenizer : str, Path, tokenizer or None, default=None
        A trained tokenizer for ``analyzer="subword"``: its ``tokenizer.json``, the folder that has it, its
        text, or a fast tokenizer of transformers or tokenizers. It decides all that `max_features`, `min_df`
        and `lowercase` do otherwise. A pretrained encoder of sentence-transformers brings its own. None
        trains one.
    crop_scale : tuple (smallest, largest), default=(0.5, 1.0)
        Share of a text that a random crop keeps, in (0, 1]; for views.
    token_dropout : float, default=0.1
        Share of the tokens of a crop that are left out at random, in [0, 1); for views.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Number of each token. The six special tokens have the first numbers, and names of their own in it only for
        ``analyzer="subword"``.
    counts_ : ndarray of shape (n_tokens,), int64
        How often each token occurs in X.
    tokenizer_ : str or None
        The trained tokenizer as JSON, for ``analyzer="subword"``.
    special_ : tuple of int
        Numbers of padding, unknown, mask, start, end and separator.
    kinds_ : ndarray of bool of shape (4, n_tokens)
        Which tokens end a sentence, begin with a letter, end with one, and begin with a gap between words or
        after it.
    n_positions_ : int
        Longest sequence that there may be, with start, end and a separator.

    References
    ----------
    .. [1] R. Sennrich, B. Haddow, A. Birch. "Neural Machine Translation of Rare Words with Subword Units."
       ACL 2016. https://arxiv.org/abs/1508.07909

    Examples
    --------
    >>> from sklearn_ssl import MaskedPretrainer
    >>> from sklearn_ssl.modalities import Text
    >>> X = ["GATTACA", "TAGACAT", "CATGATT", "ACATGAT"] * 5
    >>> dna = Text(analyzer="char", ngram_range=(3, 3))
    >>> ssl = MaskedPretrainer(modality=dna, n_components=16, max_epochs=2, random_state=0)
    >>> ssl.fit_transform(X).shape
    (20, 16)
    """

    analyzer: str = "word"
    ngram_range: tuple[int, int] = (1, 1)
    max_features: int | None = 10_000
    min_df: int = 2
    lowercase: bool = True
    max_length: int | None = 256
    token_pattern: str = r"\w+|[^\w\s]"
    tokenizer: Any = None
    crop_scale: tuple[float, float] = (0.5, 1.0)
    token_dropout: float = 0.1

    batch_size: ClassVar[int] = 32

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "analyzer": [StrOptions({"word", "char", "char_wb", "subword"})],
        "ngram_range": [tuple, list],
        "max_features": [Interval(Integral, 1, None, closed="left"), None],
        "min_df": [Interval(Integral, 1, None, closed="left")],
        "lowercase": ["boolean"],
        "max_length": [Interval(Integral, 1, None, closed="left"), None],
        "token_pattern": [str],
        "tokenizer": [str, Path, HasMethods("to_str"), HasMethods("get_vocab"), None],
        "crop_scale": [tuple, list],
        "token_dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def fit(self, X: Any) -> Text:
        """Learn the vocabulary.

        Parameters
        ----------
        X : list, array or Series of str, of length n

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            If X is anything else, or a parameter is not what it should be.
        ImportError
            If subwords are wanted and the package tokenizers is not there.
        """
        texts = self.prepare(X)._check(X)
        if self.analyzer == "subword":
            tokenizer = read_tokenizer(self.tokenizer_ or "")
            self.special_ = special_tokens(tokenizer)
            known = tokenizer.get_vocab(with_added_tokens=True)
            self.vocabulary_ = dict(sorted(known.items(), key=lambda item: item[1]))
            n_tokens = 1 + max(self.vocabulary_.values())
            ids = self._store(texts, self.max_length).ids
            self.counts_ = np.bincount(ids, minlength=n_tokens).astype(np.int64)
        else:
            self.special_ = tuple(range(len(SPECIAL)))
            documents = (tokens[: self.max_length] for tokens in self.split(texts))
            self.vocabulary_, self.counts_, _ = find_vocabulary(documents, self.min_df, self.max_features)
        self.kinds_ = self._kinds()
        longest = self.max_length or max(1, int(self._store(texts, None).lengths.max()) - 2)
        self.n_positions_ = longest + 3  # start, end and a separator
        return self

    def validate(self, X: Any) -> TokenRows:
        """Return X as a store of batches, :class:`~sklearn_ssl.encoders.Tokens`."""
        return self._store(self._check(X), self.n_positions_ - 3)

    def prepare(self, X: Any) -> Text:
        """Check the parameters and X, and train the tokenizer if one is wanted; all that `documents` needs."""
        self._validate_params()
        self._check_params()
        texts = self._check(X)
        self.tokenizer_ = None
        if self.tokenizer is not None:
            self.tokenizer_ = read_tokenizer(self.tokenizer).to_str()
        elif self.analyzer == "subword":
            self.tokenizer_ = train_subwords(encodable(texts), self.lowercase, self.min_df, self.max_features)
        return self

    def documents(self, X: Any) -> list[list[str]]:
        """Return the tokens of each text, as str, to its end."""
        texts = self._check(X)
        if self.analyzer != "subword":
            return list(self.split(texts))
        tokenizer = read_tokenizer(self.tokenizer_ or "")
        tokenizer.no_truncation()
        return [
            encoding.tokens for encoding in tokenizer.encode_batch(encodable(texts), add_special_tokens=False)
        ]

    def split(self, texts: list[str]) -> Any:
        """Yield the tokens of each text, list of str; not for subwords."""
        tokens_of = splitter(self.analyzer, self.ngram_range, self.token_pattern)
        for text in texts:
            yield tokens_of(text.lower() if self.lowercase else text)

    def encoder(self, name: str, n_components: int | None, causal: bool = False) -> nn.Module:
        """Build a small transformer, ``"auto"`` or ``"transformer"``, convolutions, ``"convnet"``, or a ``"bag"``."""
        net: TokenEncoder
        if name in ("auto", "transformer"):
            net = Transformer(len(self.counts_), self.n_positions_, n_components, causal=causal)
        elif name == "convnet":
            net = TokenConvNet(len(self.counts_), n_components, causal=causal)
        elif name == "bag":
            net = TokenBag(len(self.counts_), n_components)
        else:
            raise unknown_encoder(name, ("transformer", "convnet", "bag"), self)
        net.vocabulary = self.names()
        return net

    def names(self) -> tuple[str, ...]:
        """Return the name of each token, in the order of their numbers."""
        names = [*SPECIAL, *self.vocabulary_] if self.tokenizer_ is None else []
        if self.tokenizer_ is not None:
            found = {i: name for name, i in self.vocabulary_.items()}
            names = [found.get(i, f"[{i}]") for i in range(len(self.counts_))]
        return tuple(names)

    def suit(self, encoder: Any) -> None:
        """Take over the tokenizer of a pretrained encoder, and cut texts where it would."""
        model = encoder.model if isinstance(encoder, PretrainedText) else encoder
        if not is_sentence_transformer(model) and not is_transformer(model):
            return
        name = f"encoder={type(model).__name__}"
        if self.analyzer not in ("word", "subword") or tuple(self.ngram_range) != (1, 1):
            raise ValueError(
                f"{name} knows tokens of its own, not analyzer={self.analyzer!r} and ngram_range={self.ngram_range}. "
                "Leave them at their defaults."
            )
        if self.tokenizer is None and not is_sentence_transformer(model):
            raise ValueError(
                f"{name} knows tokens of its own. Pass its tokenizer: modality=Text(tokenizer=...), a path of a "
                "tokenizer.json or a tokenizer of transformers."
            )
        self.analyzer = "subword"
        if self.tokenizer is None:
            self.tokenizer = to_json_string(model.tokenizer)
        longest = longest_input(model)
        if longest is not None:
            self.max_length = min(self.max_length or longest - 2, longest - 2)  # its start and end

    def adapt(self, encoder: nn.Module) -> nn.Module:
        """Let a model of sentence-transformers or transformers take batches of tokens, and ours take these tokens."""
        n_tokens, names = len(self.counts_), self.names()
        if is_transformer(encoder):
            size = encoder.get_input_embeddings().num_embeddings  # type: ignore[operator]  # all models there have it
            if n_tokens > size:
                raise ValueError(
                    f"The tokenizer has {n_tokens} tokens, and encoder={type(encoder).__name__} has {size}. Pass "
                    "the tokenizer of this model; encoder.resize_token_embeddings makes room for tokens added to it."
                )
        if is_sentence_transformer(encoder) or is_transformer(encoder):
            return PretrainedText(encoder)
        if not isinstance(encoder, TokenEncoder):
            return encoder
        longest = encoder.n_positions
        if encoder.vocabulary is None:
            if encoder.embedding.num_embeddings != n_tokens or longest < self.n_positions_:
                raise ValueError(
                    f"encoder={type(encoder).__name__} does not fit the texts: it needs n_tokens={n_tokens} and, if "
                    f"it has that parameter, n_positions={self.n_positions_} or more. encoder='transformer' finds "
                    "both itself."
                )
            encoder.vocabulary = names  # of a copy
            return encoder
        known = set(encoder.vocabulary)
        new = [name for name in names if name not in known]
        fresh = f"{len(new)} of {n_tokens} tokens, such as {new[:5]}" if new else ""
        places = f"places behind the first {longest}" if longest < self.n_positions_ else ""
        if new or places:
            warnings.warn(
                f"The encoder does not know {' and '.join(filter(None, (fresh, places)))}; they start with fresh "
                "weights.",
                UserWarning,
                stacklevel=2,
            )
        return encoder.with_vocabulary(names, self.n_positions_)

    def views(self, x: Tokens) -> tuple[Tokens, Tokens]:
        """Return two random crops of each text that lack some further tokens."""
        return self._view(x), self._view(x)

    def mask(self, x: Tokens, rate: float) -> tuple[Tokens, Tensor]:
        """Return the texts with a share of their tokens hidden as in BERT, and which, ``(n, length)``."""
        sizes = range(self.ngram_range[0], self.ngram_range[1] + 1)
        span = 1 if self.analyzer == "subword" else len(sizes) * sizes[-1]
        return hide(x, self.told(x), rate, span, len(self.counts_), self.special_[MASK])

    def told(self, x: Tokens) -> Tensor:
        """Return where there are tokens of the text itself, bool ``(n, length)``."""
        edge = (x.ids == self.special_[START]) | (x.ids == self.special_[END])
        return x.present() & ~edge

    def followers(self, x: Tokens) -> Tensor:
        """Return which tokens follow another, bool ``(n, length)``: all but the first, up to the end."""
        follows = x.present()
        follows[:, 0] = False
        return follows

    def targets(self, x: Tokens) -> Tensor:
        """Return the numbers of the tokens, ``(n, length)``."""
        return x.ids

    def position_decoder(self, encoder: nn.Module) -> TokenDecoder:
        """Build a decoder from features of a token to the vocabulary, which shares the encoder's embedding."""
        embedding = getattr(encoder, "embedding", None)
        shared = isinstance(embedding, nn.Embedding) and embedding.num_embeddings == len(self.counts_)
        return TokenDecoder(self.width_of(encoder), self.counts_, embedding if shared else None)

    def begin(self, prompt: str) -> Tensor:
        """Return a text that has not ended, ``(1, length)``."""
        store = self._store([prompt], None)
        ids = store.ids if store.ids[-1] != self.special_[END] else store.ids[:-1]
        return torch.from_numpy(ids.astype(np.int64))[None]

    def example(self) -> Tokens:
        """Return a few made-up texts."""
        low = min(len(SPECIAL), len(self.counts_) - 1)
        ids = torch.arange(low, low + 8)[None].clamp(max=len(self.counts_) - 1)[:, : self.n_positions_]
        return Tokens(ids, torch.tensor([ids.shape[1]]))

    def swap(self, x: Tokens) -> tuple[Tokens, Tensor, Tensor]:
        """Cut each text in two, between sentences if it can be, and put the parts of half of them in wrong order.

        Signs and spaces at the edges of the parts are left out, and so is the word or sentence with which a text
        breaks off: they would tell which part is the last.

        Returns
        -------
        parts : Tokens
            Start, a part, a separator, the other part, and the end.
        swapped : Tensor of bool of shape (n,)
        possible : Tensor of bool of shape (n,)
            Where there are two parts.
        """
        n = self.ngram_range[1]
        if self.analyzer == "char_wb" or self.ngram_range[0] != n:
            raise ValueError(
                f"Parts of analyzer={self.analyzer!r} and ngram_range={self.ngram_range!r} tell their order by how "
                "they begin. Take n-grams of one size, of words or characters."
            )
        device, length = x.ids.device, x.ids.shape[1]
        steps = torch.arange(length, device=device)
        has_end = x.ids.gather(1, (x.lengths - 1)[:, None]) == self.special_[END]
        stop = x.lengths[:, None] - has_end.long()
        kinds = torch.from_numpy(self.kinds_).to(device)[:, x.ids] & (steps > 0) & (steps < stop)
        ends, starts, stops, gaps = kinds
        whole = has_end
        if self.tokenizer is not None:  # which gives texts an end even where they were cut off
            whole = whole & (x.lengths[:, None] < self.n_positions_ - 1)
        # the token at a place begins with the unit of that number, and has n of them
        stop = stop + n - 1
        sentence, gap = (
            ((steps + more) * found).amax(1, keepdim=True) for more, found in ((n, ends), (0, gaps))
        )
        stop = torch.where(whole, stop, torch.where(sentence > 0, sentence, torch.where(gap > 0, gap, stop)))
        if self.tokenizer is not None:  # a pretrained encoder has no place for a separator
            stop = stop.clamp(max=self.n_positions_ - 3)
        # for a cut before each unit: behind the last token of the first part, and the first of the second
        behind = F.pad(torch.where(stops, steps + 1, 0).cummax(1).values, (n, 0))
        first = behind[:, :length]
        second = torch.where(starts, steps, length).flip(1).cummin(1).values.flip(1)
        begin, finish = second[:, :1], behind.gather(1, stop)
        sizes = torch.stack([first - begin, finish - second])
        inner = (sizes > 0).all(0)
        middle = inner & (3 * sizes.amin(0) >= sizes.amax(0) - 3)
        sentences = inner & F.pad(ends, (n, 0))[:, :length]
        if self.analyzer == "char":
            sentences &= gaps
        places = inner
        for choice in (middle, inner & gaps, middle & gaps, sentences):  # the last that there is
            places = torch.where(choice.any(1, keepdim=True), choice, places)
        possible = places.any(1)
        cut = torch.multinomial(torch.where(possible[:, None], places.float(), 1.0), 1)
        swapped = torch.rand(len(cut), device=device) < 0.5
        begins = torch.cat([begin, second.gather(1, cut)], dim=1)
        sizes = torch.cat([part.gather(1, cut) for part in sizes], dim=1).clamp(min=0)
        return self._swapped(x, begins, sizes, has_end[:, 0], swapped), swapped, possible

    def restore(self, x: Tokens) -> list[str]:  # type: ignore[override]  # rows of text are no array
        """Return the texts that numbers of tokens stand for, up to their end.

        Raises
        ------
        ValueError
            If tokens overlap in ways that cannot be put together again.
        """
        rows = [ids[:n].tolist() for ids, n in zip(x.ids.cpu(), x.lengths.tolist(), strict=True)]
        rows = [[i for i in row if i not in self.special_] for row in rows]
        if self.analyzer == "subword":
            texts = read_tokenizer(self.tokenizer_ or "").decode_batch(rows)
            return texts if self.tokenizer is not None else [text.removeprefix(" ") for text in texts]
        if self.analyzer == "char_wb" or self.ngram_range[0] != self.ngram_range[1]:
            raise ValueError(
                f"Tokens of analyzer={self.analyzer!r} and ngram_range={self.ngram_range!r} cannot be put together "
                "to a text again. Take n-grams of one size, of words or characters."
            )
        names = {i: token for token, i in self.vocabulary_.items()}
        return [join([names[i] for i in row], self.analyzer, self.ngram_range[0]) for row in rows]

    def _swapped(self, x: Tokens, begins: Tensor, sizes: Tensor, has_end: Tensor, swapped: Tensor) -> Tokens:
        """Return start, part, separator, part, end; where parts begin and their sizes are ``(n, 2)``."""
        begins, sizes = (torch.where(swapped[:, None], pair.flip(1), pair) for pair in (begins, sizes))
        lengths = 2 + sizes.sum(1) + has_end.long()
        steps = torch.arange(int(lengths.max()), device=x.ids.device).expand(len(x.ids), -1)
        middle = sizes[:, :1] + 1  # place of the separator
        source = torch.where(steps < middle, begins[:, :1] + steps - 1, begins[:, 1:] + steps - middle - 1)
        source = torch.where(steps == 0, 0, source)
        source = torch.where(steps == middle + sizes[:, 1:] + 1, (x.lengths - 1)[:, None], source)
        ids = x.ids.gather(1, source.clamp(0, x.ids.shape[1] - 1))
        ids = torch.where(steps == middle, self.special_[SEPARATOR], ids)
        moved = Tokens(ids, lengths)
        return Tokens(ids.masked_fill(~moved.present(), self.special_[PAD]), lengths)

    def _view(self, x: Tokens) -> Tokens:
        device, n = x.ids.device, len(x.ids)
        inner = self.told(x)
        size = inner.sum(1, keepdim=True)
        low, high = self.crop_scale
        share = torch.empty(n, 1, device=device).uniform_(low, high)
        kept = (share * size).ceil()
        first = torch.rand(n, 1, device=device) * (size - kept)
        place = inner.cumsum(1) - 1  # among the tokens of the text
        crop = (place >= first.round()) & (place < first.round() + kept)
        stays = torch.rand(x.ids.shape, device=device) >= self.token_dropout
        return keep(x, x.present() & (~inner | (crop & stays)), self.special_[PAD])

    def _kinds(self) -> np.ndarray:
        """Return which tokens end a sentence, begin and end with a letter, and stand at a gap between words."""
        names = {i: token for token, i in self.vocabulary_.items() if i not in self.special_}
        kinds = np.zeros((4, len(self.counts_)), dtype=bool)
        begins: set[int] = set(names)
        if self.analyzer == "subword":
            begins = begin_words(names)
            names = dict(zip(names, decoded(read_tokenizer(self.tokenizer_ or ""), list(names)), strict=True))
        for i, name in names.items():
            gap = name[:1].isspace() if self.analyzer == "char" else i in begins
            # "" is a mark alone, of where a word begins
            start = i in begins and (is_letter(name[:1]) or not name)
            kinds[:, i] = name.endswith(SENTENCE_ENDS), start, is_letter(name[-1:]), gap
        for kind in kinds[1:3]:
            if not kind[list(names)].any():  # strings of signs
                kind[list(names)] = True
        return kinds

    def _store(self, texts: list[str], max_length: int | None) -> TokenRows:
        if self.analyzer == "subword":
            own = self.tokenizer is None
            documents: Any = subwords(
                read_tokenizer(self.tokenizer_ or ""), texts, max_length, always_end=not own
            )
            documents = (ids or [self.special_[START]] for ids in documents)
        else:
            documents = numbered(self.split(texts), self.vocabulary_, max_length)
        return TokenRows(*flatten(documents), self.special_[PAD])

    def _check_params(self) -> None:
        low_high = tuple(self.ngram_range)
        whole = len(low_high) == 2 and all(isinstance(size, Integral) for size in low_high)
        if not whole or not 1 <= low_high[0] <= low_high[1]:
            raise ValueError(
                f"ngram_range={self.ngram_range!r} must be two integers, 1 <= smallest <= largest."
            )
        if self.analyzer == "subword" and low_high != (1, 1):
            raise ValueError("analyzer='subword' learns what a token is. Leave ngram_range=(1, 1).")
        if self.analyzer != "subword" and self.tokenizer is not None:
            raise ValueError(f"analyzer={self.analyzer!r} needs no tokenizer. Pass analyzer='subword'.")
        try:
            groups = re.compile(self.token_pattern).groups
        except re.error as error:
            raise ValueError(
                f"token_pattern={self.token_pattern!r} is no regular expression: {error}."
            ) from error
        if groups > 1:
            raise ValueError(f"token_pattern={self.token_pattern!r} must have one group at most, the word.")
        shares = tuple(self.crop_scale)
        numbers = len(shares) == 2 and all(isinstance(share, Real) for share in shares)
        if not numbers or not 0 < shares[0] <= shares[1] <= 1:
            raise ValueError(
                f"crop_scale={self.crop_scale!r} must be two numbers, 0 < smallest <= largest <= 1."
            )

    def _check(self, X: Any) -> list[str]:
        """Return X as a list of str; a column of texts is one too."""
        if is_frame(X):
            check_frame(X)
        if isinstance(X, (str, bytes)):
            raise TypeError("Text takes a list of texts, and X is one text. Pass [X], or X.splitlines().")
        if is_frame(X) or getattr(X, "ndim", 1) == 2:
            if X.shape[1] != 1:
                raise ValueError(
                    f"Text takes one text per row, and X has {X.shape[1]} columns. Pass one of them."
                )
            X = X.iloc[:, 0] if hasattr(X, "iloc") else X.to_series(0) if is_frame(X) else X[:, 0]
        listed = all(hasattr(X, name) for name in ("__len__", "__getitem__")) and not isinstance(X, dict)
        if not listed or getattr(X, "ndim", 1) != 1:
            raise TypeError(
                f"Text takes a list, array or Series of str, and X is {type(X).__name__}. Pass list(X) if it yields "
                "texts in their order."
            )
        texts = list(X)
        if not texts:
            raise ValueError("X has no texts. Pass at least one.")
        for i, text in enumerate(texts):
            if not isinstance(text, str):
                raise TypeError(
                    f"Text takes str, and row {i} of X is {type(text).__name__}: {text!r:.60}. Decode bytes; fill "
                    "holes, for example with ''."
                )
        return texts
