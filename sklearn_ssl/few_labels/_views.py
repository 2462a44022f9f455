"""What the members of a few-label classifier see: raw columns, words, or the features of pretrainers."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing, indexable
from torch import Tensor

from ..modalities import Modality, Tabular, Text
from ..training import Batch, outputs_of

RAW, AS_IS = "raw", "X"
MOST_NGRAMS = 50_000


def take(X: Any, index: np.ndarray) -> Any:
    """Return some rows of raw X, in a container of its kind."""
    return _safe_indexing(indexable(X)[0], index)


def name_of(transformer: Any, taken: list[str]) -> str:
    """Return a short name for a transformer, such as "contrastive", that is not taken."""
    inner = transformer.estimator if isinstance(transformer, FrozenEstimator) else transformer
    name = type(inner).__name__.removesuffix("Pretrainer").lower() or "features"
    names = [name, *(f"{name} {i}" for i in range(2, len(taken) + 3))]
    return next(name for name in names if name not in {*taken, RAW, AS_IS})


class Columns:
    """The raw columns of a modality: standardised numbers and one-hot categories, or pixels."""

    def __init__(self, modality: Modality):
        self.modality = modality

    def state(self) -> dict[str, Any]:
        """Return what it takes to make it anew, beside the modality."""
        return {"kind": "columns"}

    def transform(self, X: Any) -> np.ndarray:
        """Return raw rows as floats ``(n, d)``."""
        store = self.modality.validate(X)
        Z = outputs_of(_flat, store, None, self.modality.batch_size, "cpu")
        if isinstance(self.modality, Tabular):
            # the network's columns have short tails; a linear model does better on the columns themselves
            numbers = Z[:, : len(self.modality.numeric_)]
            np.sinh(numbers, out=numbers)
        return Z


class Words:
    """Texts as words and short strings of characters, by how rare they are (TF-IDF)."""

    def __init__(self, words: TfidfVectorizer, letters: TfidfVectorizer):
        self.words, self.letters = words, letters

    def state(self) -> dict[str, Any]:
        """Return what it takes to make it anew: words and strings of letters, and how rare they are."""
        return {
            name: {"known": one.get_feature_names_out().tolist(), "idf": one.idf_}
            for name, one in (("words", self.words), ("letters", self.letters))
        }

    def transform(self, X: Any) -> Any:
        """Return texts as a sparse matrix."""
        texts = list(X)
        return sp.hstack([self.words.transform(texts), self.letters.transform(texts)], format="csr")


class AsIs:
    """X as it is passed."""

    def transform(self, X: Any) -> Any:
        """Return X."""
        return X


def vectorizers(words: list[str] | None = None, letters: list[str] | None = None) -> list[TfidfVectorizer]:
    """Return what counts words, and what counts strings of letters; those that are known, or any."""
    settings: dict[str, Any] = {"sublinear_tf": True, "max_features": MOST_NGRAMS}
    return [
        TfidfVectorizer(token_pattern=r"\w+", vocabulary=words, **settings),
        TfidfVectorizer(analyzer="char", ngram_range=(1, 4), vocabulary=letters, **settings),
    ]


def view_of_state(modality: Modality, state: Any) -> Any:
    """Return the raw columns of a saved classifier; raise a ValueError if the state cannot be right."""
    if not isinstance(modality, Text):
        return Columns(modality)
    found = []
    names = ("words", "letters")
    for name, one in zip(names, vectorizers(*(state[name]["known"] for name in names)), strict=True):
        idf = state[name]["idf"]
        if (
            not isinstance(idf, np.ndarray)
            or idf.shape != (len(one.vocabulary),)
            or not np.isfinite(idf).all()
        ):
            raise ValueError(f"The {name} of a saved estimator cannot be right. Save it again.")
        one.idf_ = idf
        found.append(one)
    return Words(*found)


def raw_view(modality: Modality, rows: Any) -> Any:
    """Return what turns raw rows into columns for other classifiers; None if rows have no columns.

    Parameters
    ----------
    modality : Modality
        Fitted.
    rows : raw rows
        Those of fit.
    """
    if isinstance(modality, Text):
        return Words(*(one.fit(list(rows)) for one in vectorizers()))
    one = modality.validate(take(rows, np.arange(1)))[np.arange(1)]
    return Columns(modality) if isinstance(one, Tensor) else None


def _flat(batch: Batch) -> Tensor:
    return batch.flatten(1)  # a tensor, as raw_view has seen
