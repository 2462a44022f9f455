"""Word vectors: skip-gram with negative sampling, trained by gensim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from ..base import check_columns, forget_fitted
from ..doc_link import DocLinkMixin
from ..modalities import (
    SPECIAL,
    Text,
    array,
    collect,
    count,
    doubt_documents,
    doubt_words,
    find_vocabulary,
    is_count,
    places,
    real,
    refuse,
    stack_rows,
)
from ..persistence import SaveMixin
from ..training import auto_epochs, draw_seed, progress_bar
from ._neighbours import coherence, listed, nearest, place_of, weighted_means

LONGEST = 10_000  # words of a sentence that gensim reads; it silently drops the rest


def pieces(documents: list[list[str]], known: dict[str, int]) -> list[list[str]]:
    """Return the known words of each text; long texts are split into pieces."""
    words = [[word for word in tokens if word in known] for tokens in documents]
    return [text[start : start + LONGEST] for text in words for start in range(0, len(text), LONGEST)]


def smooth_idf(n_texts: int, df: np.ndarray) -> np.ndarray:
    """Return the inverse document frequency of ``TfidfTransformer``, ``log((1 + n) / (1 + df)) + 1``."""
    return np.log((1 + n_texts) / (1 + df)) + 1


@dataclass(kw_only=True, eq=False, repr=False)
class Word2VecPretrainer(
    DocLinkMixin, SaveMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Learn word vectors by skip-gram with negative sampling; a text gets the mean of its word vectors.

    The vectors learn to distinguish the words around a word from words drawn at random [1]_. gensim trains
    them: ``pip install 'sklearn-ssl[text]'``. With ``Text(analyzer="char", ngram_range=(3, 3))`` the words are
    k-mers.

    Parameters
    ----------
    modality : "auto" or Text, default="auto"
        How texts are split into words. ``"auto"`` is ``Text(max_features=None)``. Texts are read to their
        end: ``max_length`` is for networks only.
    n_components : int, default=100
        Dimension of the vectors.
    window : int, default=5
        Maximum number of context words on each side of a word.
    negative : int, default=5
        Number of random words for each context word.
    subsample : float, default=1e-3
        Words more frequent than this share of all words are randomly left out; 0 keeps all.
    use_idf : bool, default=True
        Give rare words more weight in the mean of a text, as in ``TfidfTransformer``.
    max_epochs : int or "auto", default="auto"
        Passes over the texts; ``"auto"`` is ``5000 / sqrt(n)`` for n words.
    lr : float, default=0.025
        Learning rate of the first step; it decays to nearly 0.
    n_jobs : int or None, default=None
        Number of training threads. With one (None), the same `random_state` gives the same bits. n threads
        are nearly n times faster, but run in random order: the vectors are as good, not the same.
    random_state : int, RandomState instance or None, default=None
        Controls everything that is random, with one thread.
    verbose : int, default=0
        1 or more shows a progress bar.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Row of each word in `vectors_`, from the most frequent to the rarest.
    vectors_ : ndarray of shape (n_words, n_components), float32
        The word vectors.
    idf_ : ndarray of shape (n_words,), float32
        Inverse document frequencies: ``log((1 + n) / (1 + df)) + 1`` for a word in df of n texts.
    modality_ : Text
        The fitted modality.
    n_features_in_ : int
        1. Only set if X has two dimensions, with a single column of texts.
    feature_names_in_ : ndarray of str of shape (1,)
        Name of that column. Only set if it has one.

    See Also
    --------
    MaskedPretrainer : Learns vectors that depend on the context of a word.
    sklearn.decomposition.TruncatedSVD : Latent semantic analysis.

    References
    ----------
    .. [1] T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean. "Distributed Representations of Words
       and Phrases and their Compositionality." NeurIPS 2013. https://arxiv.org/abs/1310.4546

    Examples
    --------
    >>> from sklearn_ssl import Word2VecPretrainer
    >>> X = ["the cat sat on the mat", "the dog sat on the cat", "a cat on a mat"] * 10
    >>> words = Word2VecPretrainer(n_components=20, random_state=0).fit(X)
    >>> words.transform(X).shape, len(words.most_similar("cat", 3))
    ((30, 20), 3)
    """

    modality: str | Text = "auto"
    n_components: int = 100
    window: int = 5
    negative: int = 5
    subsample: float = 1e-3
    use_idf: bool = True
    max_epochs: int | str = "auto"
    lr: float = 0.025
    n_jobs: int | None = None
    random_state: int | np.random.RandomState | None = None
    verbose: int = 0

    # metadata routing passes X_unlabeled to fit without a call of set_fit_request
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"X_unlabeled": True}

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "modality": "no_validation",  # type: ignore[dict-item]  # scikit-learn's; _new_modality checks it
        "n_components": [count(1)],
        "window": [count(1)],
        "negative": [count(1)],
        "subsample": [real(0, 1, closed="both")],
        "use_idf": ["boolean"],
        "max_epochs": [count(0), StrOptions({"auto"})],
        "lr": [real(0, closed="neither")],
        "n_jobs": [count(-1000, 1000), None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def fit(self, X: Any, y: Any = None, X_unlabeled: Any = None) -> Word2VecPretrainer:
        """Learn the vocabulary and the word vectors from X, and from X_unlabeled if given.

        Parameters
        ----------
        X : list, array or Series of str, of length n
        y : ignored
        X_unlabeled : like X, optional
            Further texts, without labels.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or X is invalid.
        ImportError
            If gensim is not installed.
        """
        self._validate_params()
        gensim = _gensim()
        rows = X if X_unlabeled is None else stack_rows(X, X_unlabeled)
        modality = self._new_modality()
        documents = modality.fit_documents(rows)
        corpus = collect(documents, max_length=None)
        if modality.analyzer != "subword":
            doubt_words(corpus, modality.analyzer)
        numbers, counts, df = find_vocabulary(corpus, modality.min_df, modality.max_features)
        if not numbers:
            raise ValueError("There is no word in X. Pass texts with words, or other tokens in Text(...).")
        vocabulary = {word: number - len(SPECIAL) for word, number in numbers.items()}
        epochs = auto_epochs(int(counts.sum()), 5000) if isinstance(self.max_epochs, str) else self.max_epochs
        vectors = self._train(gensim, pieces(documents, vocabulary), vocabulary, int(epochs))
        forget_fitted(self)
        check_columns(self, X, reset=True)
        self.modality_, self.vocabulary_, self.vectors_ = modality, vocabulary, vectors
        self.idf_ = smooth_idf(len(documents), df[len(SPECIAL) :]).astype(np.float32)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the mean vector of the known words of each text; zeros if no word is known.

        Parameters
        ----------
        X : list, array or Series of str, of length n

        Returns
        -------
        ndarray of shape (n, n_components), float32
        """
        check_is_fitted(self)
        check_columns(self, X)
        documents = self.modality_.documents(X)
        doubt_documents(documents, self.vocabulary_, self.modality_.analyzer)
        return weighted_means(documents, self.vocabulary_, self.vectors_, self._weight)

    def score_samples(self, X: Any) -> np.ndarray:
        """Return the mean cosine similarity of the words of each text; an unknown word is like no other.

        Parameters
        ----------
        X : list, array or Series of str, of length n

        Returns
        -------
        ndarray of shape (n,), float64
            Low values are unusual texts; NaN for a text of less than two words.
        """
        check_is_fitted(self)
        check_columns(self, X)
        return coherence(self.modality_.documents(X), self.vocabulary_, self.vectors_, self._weight)

    def most_similar(
        self,
        word: str | list[str] | None = None,
        n: int = 10,
        *,
        positive: str | list[str] | None = None,
        negative: str | list[str] | None = None,
        topn: int | None = None,
    ) -> list[tuple[str, float]]:
        """Return the words with the most similar vectors, by cosine similarity.

        Parameters
        ----------
        word : str or list of str, optional
            Of several words, the mean of their vectors counts, each scaled to length 1.
        n : int, default=10
            Number of words, at most.
        positive : str or list of str, optional
            As `word`, and in addition to it; this is gensim's name.
        negative : str or list of str, optional
            Words whose vectors are subtracted, as in "king" and "woman" without "man".
        topn : int, optional
            gensim's name of `n`.

        Returns
        -------
        list of (str, float)
            Words and cosine similarities, the most similar first, without those asked for.

        Raises
        ------
        ValueError
            If a word is not in the vocabulary, or none is given.
        """
        check_is_fitted(self)
        n = n if topn is None else topn
        if not is_count(n, 1):
            raise ValueError(f"n={n!r} must be an integer of at least 1.")
        added = self._places([*listed(word), *listed(positive)])
        return nearest(self.vocabulary_, self.vectors_, added, self._places(listed(negative)), int(n))

    def _places(self, words: list[str]) -> list[int]:
        """Return the rows of words in `vectors_`."""
        lowercase = self.modality_.lowercase
        return [
            place_of(word, self.vocabulary_, lowercase=lowercase, min_df=self.modality_.min_df)
            for word in words
        ]

    def _new_modality(self) -> Text:
        if isinstance(self.modality, str) and self.modality == "auto":
            return Text(max_features=None)
        if isinstance(self.modality, Text):
            return clone(self.modality)
        raise TypeError(
            f"modality={self.modality!r} must be 'auto' or a Text(...) from sklearn_ssl.modalities."
        )

    def _train(
        self, gensim: Any, texts: list[list[str]], vocabulary: dict[str, int], epochs: int
    ) -> np.ndarray:
        """Return the vectors ``(n_words, n_components)``, in the order of the vocabulary."""
        model = gensim.Word2Vec(
            vector_size=self.n_components,
            window=self.window,
            negative=self.negative,
            sample=self.subsample,
            alpha=self.lr,
            sg=1,
            min_count=1,
            workers=effective_n_jobs(self.n_jobs),
            seed=draw_seed(self.random_state),
        )
        model.build_vocab(texts)
        if epochs:
            bar = progress_bar(epochs, type(self).__name__, unit="epoch", disable=not self.verbose)

            class Bar(gensim.callbacks.CallbackAny2Vec):
                """Advances the progress bar."""

                def on_epoch_end(self, model: Any) -> None:
                    bar.update()

            with bar:
                model.train(texts, total_examples=model.corpus_count, epochs=epochs, callbacks=[Bar()])
        return model.wv.vectors[[model.wv.key_to_index[word] for word in vocabulary]]

    def _check_fitted(self) -> None:
        n = len(array(self, "vectors_", "f", (None, None)))
        array(self, "idf_", "f", (n,), low=0)
        if len(places(self, "vocabulary_", n)) != n or not isinstance(self.modality_, Text):
            refuse(self, "vocabulary_", f"does not go with {n} vectors and the modality {self.modality_}")

    @property
    def _weight(self) -> np.ndarray:
        return self.idf_ if self.use_idf else np.ones_like(self.idf_)

    @property
    def _n_features_out(self) -> int:
        return self.vectors_.shape[1]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "vectors_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.string = False, True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _gensim() -> Any:
    try:
        import gensim.models.callbacks
        import gensim.models.word2vec
    except ImportError as error:
        raise ImportError(
            "Word2VecPretrainer needs gensim: pip install 'sklearn-ssl[text]', or pip install gensim."
        ) from error
    return gensim.models
