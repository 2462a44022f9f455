"""What the members of a few-label classifier see: raw columns, words, or the features of pretrainers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion
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

    def __init__(self, texts: Any):
        words = TfidfVectorizer(token_pattern=r"\w+", sublinear_tf=True, max_features=MOST_NGRAMS)
        letters = TfidfVectorizer(
            analyzer="char", ngram_range=(1, 4), sublinear_tf=True, max_features=MOST_NGRAMS
        )
        self.union = FeatureUnion([("words", words), ("letters", letters)]).fit(list(texts))

    def transform(self, X: Any) -> Any:
        """Return texts as a sparse matrix."""
        return self.union.transform(list(X))


class AsIs:
    """X as it is passed."""

    def transform(self, X: Any) -> Any:
        """Return X."""
        return X


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
        return Words(rows)
    one = modality.validate(take(rows, np.arange(1)))[np.arange(1)]
    return Columns(modality) if isinstance(one, Tensor) else None


def _flat(batch: Batch) -> Tensor:
    return batch.flatten(1)  # a tensor, as raw_view has seen
