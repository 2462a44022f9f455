"""Texts, and other sequences that come as strings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils import InputTags
from sklearn.utils._param_validation import HasMethods, StrOptions
from torch import Tensor, nn

from ...encoders import Tokens
from .._base import unknown_encoder
from .._constraints import count, real
from .._input import is_texts
from .._pictures import refuse_files
from ._augment import crop_tokens, mask_tokens
from ._doubts import doubt_cut, doubt_rows
from ._encoders import adapt, new_encoder, pretrained_settings, prompt_of
from ._fitted import check_fitted
from ._input import are_bytes, check_params, example_texts, how_to_pass, list_of_texts
from ._ngrams import NGrams
from ._of_tokens import TokenSequences
from ._segments import Cutter, token_kinds
from ._subwords import Subwords, encodable, read_tokenizer, train_subwords
from ._tokens import END, LONGEST, MASK, PAD, SPECIAL, TokenRows
from ._words import TOKEN_PATTERN


@dataclass(kw_only=True, eq=False, repr=False)
class Text(TokenSequences):
    r"""Texts: a list, array or Series of str, also of other alphabets, such as DNA and proteins.

    Each text becomes a sequence of tokens between a start and an end token: words, characters, n-grams of
    these, or subwords. Texts are composed first (Unicode's NFC), unless a tokenizer is given, so that "é" is
    one character however it was typed. Rare tokens are replaced by the unknown token. The encoders are
    ``"transformer"``, which ``"auto"`` takes, ``"convnet"``, for short texts, and ``"bag"``, the mean of
    embedded tokens, for tasks on whole texts (contrastive, siamese).

    Parameters
    ----------
    analyzer : {"word", "char", "char_wb", "subword"}, default="word"
        What tokens are made of, named as in ``CountVectorizer``: words (and here punctuation, which a language
        model needs), characters, characters within words, or subwords. Subwords are learned from X by
        byte-pair encoding [1]_; they need the package tokenizers, and no token is unknown.
    ngram_range : tuple (smallest, largest), default=(1, 1)
        Number of words or characters in a token. ``Text(analyzer="char", ngram_range=(3, 3))`` takes k-mers.
        With several sizes, n-grams that begin at the same position follow each other, the shortest first.
    max_features : int or None, default=10_000
        Size of the vocabulary: the most frequent tokens are kept. None keeps all. Special tokens do not count,
        nor do the 256 bytes of subwords.
    min_df : int, default=2
        Number of texts that a token must occur in; for subwords, how often it must occur. With 1, all tokens of
        X are known, so that nothing is learned about the unknown token. If no token reaches it, all are kept.
    lowercase : bool, default=True
        Convert texts to lower case.
    max_length : int or None, default=256
        Maximum number of tokens of a text; longer texts are truncated. None uses the length of the longest text
        in ``fit``. The time of attention grows with its square. Split long texts if all of them matters.
    token_pattern : str, default=r"\w+|[^\w\s]"
        Regular expression of a word, for ``analyzer="word"``. In the default, vowel signs, accents and joiners
        count as parts of their words. A pattern of your own is taken as it is.
    tokenizer : str, Path, tokenizer or None, default=None
        A trained tokenizer for ``analyzer="subword"``: the path of its ``tokenizer.json`` or of its folder, its JSON
        text, or a fast tokenizer of transformers or tokenizers. `max_features`, `min_df` and `lowercase` have no
        effect then. A pretrained encoder of sentence-transformers brings its own. None trains one.
    crop_scale : tuple (smallest, largest), default=(0.5, 1.0)
        Range of the share of a text that a random crop keeps, within (0, 1]; for views.
    token_dropout : float, default=0.1
        Share of the tokens of a crop that are dropped at random, in [0, 1); for views.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Id of each token. Special tokens are listed only for ``analyzer="subword"``; otherwise they have the
        first six ids.
    counts_ : ndarray of shape (n_tokens,), int64
        Number of times that each token occurs in X.
    tokenizer_ : str or None
        The trained tokenizer as JSON, for ``analyzer="subword"``.
    special_ : tuple of int
        Ids of the padding, unknown, mask, start, end and separator tokens.
    kinds_ : ndarray of bool of shape (4, n_tokens)
        Which tokens end a sentence, begin with a letter, end with one, and begin at a gap between words or
        right after it.
    prompt_ : str
        What a pretrained encoder has before each text, its default prompt; only set with an encoder.
    n_positions_ : int
        Length of the longest possible sequence, with start, end and a separator.

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
    >>> MaskedPretrainer(modality=dna, n_components=16, max_epochs=2, random_state=0).fit_transform(X).shape
    (20, 16)
    """

    analyzer: str = "word"
    ngram_range: tuple[int, int] = (1, 1)
    max_features: int | None = 10_000
    min_df: int = 2
    lowercase: bool = True
    max_length: int | None = LONGEST
    token_pattern: str = TOKEN_PATTERN
    tokenizer: Any = None
    crop_scale: tuple[float, float] = (0.5, 1.0)
    token_dropout: float = 0.1

    usage: ClassVar[str] = "Text()"
    encoders: ClassVar[tuple[str, ...]] = ("transformer", "convnet", "bag")
    hint_of_encoders: ClassVar[str] = " Pass the model itself: encoder=SentenceTransformer({name!r})."
    batch_size: ClassVar[int] = 32
    is_discrete: ClassVar[bool] = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "analyzer": [StrOptions({"word", "char", "char_wb", "subword"})],
        "ngram_range": [tuple, list],
        "max_features": [count(1), None],
        "min_df": [count(1)],
        "lowercase": ["boolean"],
        "max_length": [count(1), None],
        "token_pattern": [str],
        "tokenizer": [str, Path, HasMethods("to_str"), HasMethods("get_vocab"), None],
        "crop_scale": [tuple, list],
        "token_dropout": [real(0, 1, closed="left")],
    }

    @classmethod
    def accepts(cls, X: Any) -> bool:
        """Return whether X is a list, array or Series of str; also for one str or bytes, to raise a better error."""
        return is_texts(X) or isinstance(X, (str, bytes)) or are_bytes(X)

    @classmethod
    def doubt(cls, X: Any) -> None:
        """Refuse names of files, which are texts too."""
        refuse_files(X)

    @classmethod
    def hint(cls, X: Any) -> str:
        """Return how to pass the texts of a table."""
        return how_to_pass(X)

    def input_tags(self) -> InputTags:
        """Return scikit-learn's tags: X is a list of str."""
        return InputTags(two_d_array=False, string=True)

    def example_rows(self) -> list[str]:
        """Return the lines of scikit-learn's descriptions of its datasets."""
        return example_texts()

    def configure_for(self, encoder: str | nn.Module) -> None:
        """Adopt the tokenizer of a pretrained encoder, and truncate texts where it would."""
        self.set_params(**pretrained_settings(self, encoder))
        self.prompt_ = prompt_of(encoder)

    def fit_validate(self, X: Any) -> TokenRows:
        """Learn the vocabulary, and return X as a store of batches of :class:`~sklearn_ssl.encoders.Tokens`.

        Parameters
        ----------
        X : list, array or Series of str, of length n

        Raises
        ------
        TypeError, ValueError
            If X is anything else, or a parameter is invalid.
        ImportError
            If subwords are wanted and the package tokenizers is not installed.
        """
        texts = self._learn_tokenizer(X)
        splitter = self._splitter()
        limits = self.max_length, self.min_df, self.max_features
        self.vocabulary_, self.counts_, rows = splitter.learn(texts, *limits)
        self.is_cut_ = self._doubt_cut(splitter, rows)
        self.special_ = splitter.special
        names = {i: token for token, i in self.vocabulary_.items() if i not in self.special_}
        self.kinds_ = token_kinds(len(self.counts_), *splitter.letters(names), self.analyzer == "char")
        self.n_positions_ = 3 + (self.max_length or max(1, int(rows.lengths.max()) - 2))
        return rows

    def validate(self, X: Any) -> TokenRows:
        """Return X as a store of batches of :class:`~sklearn_ssl.encoders.Tokens`."""
        splitter, texts = self._splitter(), list_of_texts(X, getattr(self, "prompt_", ""))
        rows = splitter.encode(texts, self.n_positions_ - 3, self.vocabulary_)
        if not getattr(self, "is_cut_", False):  # else fit has said so; earlier versions did not remember it
            self._doubt_cut(splitter, rows)
        doubt_rows(rows, self.special_, self.counts_, self.vocabulary_, self.analyzer)
        return rows

    def check_fitted(self) -> None:
        """Raise a ValueError if fitted attributes do not go with each other."""
        check_fitted(self)

    def fit_documents(self, X: Any) -> list[list[str]]:
        """Learn to split texts, but no vocabulary, and return all tokens of each text as str, not truncated."""
        texts = self._learn_tokenizer(X)
        return list(self._splitter().documents(texts))

    def documents(self, X: Any) -> list[list[str]]:
        """Return all tokens of each text as str, not truncated."""
        return list(self._splitter().documents(list_of_texts(X)))

    def encoder(self, name: str, n_components: int | None, causal: bool = False) -> nn.Module:
        """Build a small transformer (``"auto"``, ``"transformer"``), a ``"convnet"`` or a ``"bag"``."""
        if name not in ("auto", *self.encoders):
            raise unknown_encoder(name, self)
        net = new_encoder(name, len(self.counts_), self.n_positions_, n_components, causal)
        net.vocabulary = self.names()
        return net

    def adapt_encoder(self, encoder: nn.Module) -> nn.Module:
        """Wrap models of sentence-transformers or transformers; adapt encoders of ours to these tokens by name."""
        return adapt(encoder, self.names(), self.n_positions_)

    def names(self) -> tuple[str, ...]:
        """Return the names of the tokens, in the order of their ids."""
        if self.tokenizer_ is None:
            return (*SPECIAL, *self.vocabulary_)
        found = {i: name for name, i in self.vocabulary_.items()}
        return tuple(found.get(i, f"[{i}]") for i in range(len(self.counts_)))

    def view(self, x: Tokens) -> Tokens:
        """Return a random crop of each text, with some of its tokens dropped."""
        low, high = self.crop_scale
        return crop_tokens(x, self.inner(x), (low, high), self.token_dropout, self.special_[PAD])

    def mask(self, x: Tokens, rate: float) -> tuple[Tokens, Tensor]:
        """Return the texts with a share of their tokens masked as in BERT, and the mask ``(n, length)``."""
        sizes = range(self.ngram_range[0], self.ngram_range[1] + 1)
        span = 1 if self.analyzer == "subword" else len(sizes) * sizes[-1]
        return mask_tokens(x, self.inner(x), rate, span, len(self.counts_), self.special_[MASK])

    def permute_segments(self, x: Tokens) -> tuple[Tokens, Tensor, Tensor]:
        """Cut each text into two segments, between sentences if possible, and swap those of a random half."""
        size = self.ngram_range[1]
        if self.analyzer == "char_wb" or self.ngram_range[0] != size:
            raise ValueError(
                f"Parts of analyzer={self.analyzer!r} and ngram_range={self.ngram_range!r} reveal their order by how "
                "they begin. Take n-grams of one size, of words or characters."
            )
        longest = None if self.tokenizer is None else self.n_positions_
        return Cutter(self.kinds_, self.special_, size, self.analyzer == "char", longest).permute(x)

    def restore(self, x: Tokens) -> list[str]:  # type: ignore[override]  # texts are not an array
        """Return the texts that token ids stand for, up to their end.

        Raises
        ------
        ValueError
            If tokens overlap in ways that cannot be put together again.
        """
        rows = [ids[:n].tolist() for ids, n in zip(x.ids.cpu(), x.lengths.tolist(), strict=True)]
        rows = [[i for i in row if i not in self.special_] for row in rows]
        return self._splitter().decode(rows, self.vocabulary_)

    def begin(self, prompt: str, longest: int) -> Tensor:
        """Return the tokens ``(1, length)`` of a prompt, without an end, for a model to continue.

        Raises
        ------
        ValueError
            If the prompt is shorter than a token, if it has more than `longest` tokens with the start, or if
            tokens cannot be put together to a text.
        """
        self.restore(self.example())  # raises if tokens cannot be put together
        ids = self._encode([prompt], None).ids
        begun = ids[:-1] if ids[-1] == self.special_[END] else ids
        if len(begun) == 1 and prompt.strip():
            raise ValueError(
                f"The prompt {prompt!r} is shorter than a token of {self}. Lengthen it, or leave it out."
            )
        if len(begun) > longest:
            raise ValueError(
                f"The prompt has {len(begun) - 1} tokens, and a text may have {longest - 1} here. Shorten the "
                "prompt, or raise max_length, here or in the modality."
            )
        return torch.from_numpy(begun.astype(np.int64))[None]

    def finish(self, prompt: str, begun: Tensor, ids: Tensor) -> list[str]:
        """Return the texts of `ids` ``(n, length)``, which continue `begun`: the prompt as given, and the rest."""
        # the start may be the same token as the end
        ended = (ids[:, 1:] == self.special_[END]).int().cummax(1).values
        head = self.restore(Tokens(begun, torch.tensor([begun.shape[1]])))[0]
        texts = self.restore(Tokens(ids, ids.shape[1] - ended.sum(1)))
        rest = [drawn.removeprefix(head) for drawn in texts]
        if not head and prompt.strip() and self.analyzer == "word":  # no word of the prompt is known
            rest = [f" {more}" for more in rest]
        return [prompt + (more.lstrip() if prompt[-1:].isspace() else more) for more in rest]

    @property
    def end_token(self) -> int:
        """The id of the token that ends a text."""
        return self.special_[END]

    def _learn_tokenizer(self, X: Any) -> list[str]:
        """Check the parameters and X, read or train the tokenizer if one is needed, and return the texts."""
        self._validate_params()
        check_params(self)
        texts = list_of_texts(X, getattr(self, "prompt_", ""))
        self.tokenizer_ = None
        if self.tokenizer is not None:
            self.tokenizer_ = read_tokenizer(self.tokenizer).to_str()
        elif self.analyzer == "subword":
            self.tokenizer_ = train_subwords(encodable(texts), self.lowercase, self.min_df, self.max_features)
        return texts

    def _splitter(self) -> NGrams | Subwords:
        if self.analyzer == "subword":
            return Subwords(self.tokenizer_ or "", trained_here=self.tokenizer is None)
        low, high = self.ngram_range
        return NGrams(self.analyzer, (low, high), self.token_pattern, self.lowercase)

    def _doubt_cut(self, splitter: Any, rows: TokenRows) -> bool:
        """Warn if much of texts is cut off, and return whether."""
        # a small max_length of the user's own is meant; that of a model is not
        meant = self.max_length != LONGEST and getattr(splitter, "trained_here", True)
        return not meant and doubt_cut(splitter.lost, len(rows.ids), self.max_length)

    def _encode(self, texts: list[str], max_length: int | None) -> TokenRows:
        return self._splitter().encode(texts, max_length, self.vocabulary_)
