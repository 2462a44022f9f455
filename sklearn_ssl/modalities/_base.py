"""The contract between the kind of data and the pretext task."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections import Counter
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_array
from torch import Tensor, nn

from .._labels import is_hole
from ..training import Batch, Store, move


class Decoder(nn.Module, ABC):
    """A network from features back to what is known of a batch, which owns how the two are compared."""

    @abstractmethod
    def forward(self, z: Tensor) -> Tensor:
        """Map features ``(n, n_components)`` to what `loss` compares."""

    @abstractmethod
    def loss(self, output: Tensor, x: Batch) -> Tensor:
        """Return the error of each element of a batch, float32, in the shape of the batch; of a table's cells."""


class ValueDecoder(Decoder):
    """A decoder of the batch itself.

    Attributes
    ----------
    numeric : Tensor of bool, broadcastable to what `loss` returns
        Where `loss` is a squared error; elsewhere it is a cross-entropy.
    """

    numeric: Tensor

    @abstractmethod
    def values(self, output: Tensor) -> Batch:
        """Return the batch that `output` stands for: numbers, or probabilities of the upper value."""


class Modality(BaseEstimator, ABC):
    """How raw X becomes batches, and what a view, a hole, an encoder and a decoder are there.

    A subclass is a keyword-only dataclass whose fields are the user's choices. What `fit` learns goes
    into attributes that end in an underscore and are arrays, numbers, strings, tuples or None: they
    are saved as such, without pickle; so are dicts of those.
    """

    batch_size: ClassVar[int] = 256  # rows in a step, where the estimator leaves it to the modality

    def suit(self, encoder: Any) -> None:
        """Be told, before ``fit``, of the network of the user's own; by default nothing follows from it."""

    @abstractmethod
    def fit(self, X: Any) -> Modality:
        """Learn scaling statistics and the like from raw X; raise on what is not of this kind."""

    @abstractmethod
    def validate(self, X: Any) -> Store:
        """Check raw X against what `fit` saw and return it as a store of batches."""

    @abstractmethod
    def encoder(self, name: str, n_components: int | None, causal: bool = False) -> nn.Module:
        """Build the network `name` that maps a batch to features ``(n, n_components)``.

        `causal` asks for one whose features at a position depend on those before it only.
        """

    def adapt(self, encoder: nn.Module) -> nn.Module:
        """Return a network of the user's own, fitted to what `fit` saw; by default as it is."""
        return encoder

    @abstractmethod
    def views(self, x: Batch) -> tuple[Batch, Batch]:
        """Draw two random views of a batch, on its device, from torch's global generator."""

    def mask(self, x: Batch, rate: float) -> tuple[Batch, Tensor]:
        """Hide a share `rate` of a batch: return it with holes, and where, in the shape of a decoder's loss."""
        raise self._lacks("no way to hide parts of it")

    def decoder(self, n_components: int, target: str = "value", linear: bool = False) -> Any:
        """Build a `Decoder` of `target`; of ``"value"``, the batch itself, a `ValueDecoder`.

        `linear` asks for a linear map beside the network, where that is slow to learn one: rows are
        rebuilt more exactly then, from features that are less useful to a linear classifier.
        """
        raise self._lacks("no decoder")

    def critic(self, n_components: int) -> nn.Module:
        """Build a network from a batch to ``(n, n_components)`` without batch normalisation."""
        raise self._lacks("no critic")

    def restore(self, x: Batch) -> np.ndarray:
        """Turn a batch, as a decoder gives it, into rows like those of the X that `fit` saw."""
        raise self._lacks("no way back to raw rows")

    def __getstate__(self) -> dict[str, Any]:
        # the strides of an array without elements, which joblib hashes, are others after a pickle
        return {
            name: pickle.loads(pickle.dumps(value))
            if isinstance(value, np.ndarray) and not value.size
            else value
            for name, value in super().__getstate__().items()
        }

    def _lacks(self, what: str) -> TypeError:
        return TypeError(
            f"{type(self).__name__} has {what}, which this method needs. Take another method, or another modality."
        )


class Sequences(Modality, ABC):
    """A modality whose rows are sequences, and whose encoders have features at each position.

    Those encoders have a second face beside ``forward``: ``tokens(x)``, of shape ``(n, length, width)``.
    """

    @abstractmethod
    def told(self, x: Batch) -> Tensor:
        """Return which positions are of the row itself, no padding and no mark, bool ``(n, length)``."""

    @abstractmethod
    def followers(self, x: Batch) -> Tensor:
        """Return which positions can be told from those before them, bool ``(n, length)``."""

    @abstractmethod
    def targets(self, x: Batch) -> Tensor:
        """Return what is at each position, ``(n, length)``."""

    @abstractmethod
    def position_decoder(self, encoder: nn.Module) -> Any:
        """Build a network from features of positions ``(k, width)``, with ``loss(h, target, share)``, a mean."""

    @abstractmethod
    def example(self) -> Batch:
        """Return a small made-up batch, to try a network with."""

    @abstractmethod
    def swap(self, x: Batch) -> tuple[Batch, Tensor, Tensor]:
        """Cut rows in two, and put the parts of half of them in the wrong order.

        Returns
        -------
        parts : Batch
        swapped : Tensor of bool of shape (n,)
        possible : Tensor of bool of shape (n,)
            Which rows could be cut.
        """

    def tokens_of(self, encoder: nn.Module, x: Batch) -> Tensor:
        """Return the features of each position that an encoder gives in evaluation, ``(n, length, width)``.

        Raises
        ------
        ValueError
            If it gives features for whole rows only.
        """
        if not callable(getattr(encoder, "tokens", None)):
            raise ValueError(
                f"encoder={type(encoder).__name__} gives features of whole rows only. Take encoder='auto', or "
                "give it a method tokens(x) that returns features of each position, of shape (n, length, d)."
            )
        device = next((p.device for p in encoder.parameters()), torch.device("cpu"))
        mode = encoder.training
        with torch.no_grad():
            out = encoder.eval().tokens(move(x, device))  # type: ignore[operator]  # checked above
        encoder.train(mode)
        return out

    def width_of(self, encoder: nn.Module) -> int:
        """Return the width of an encoder's features of a position."""
        return self.tokens_of(encoder, self.example()).shape[-1]


def check_rows(X: Any, modality: Modality, **options: Any) -> Any:
    """Run scikit-learn's ``check_array``, and say what to do where its error does not.

    Parameters
    ----------
    X : raw data
    modality : Modality
        Named in the errors.
    **options
        Passed on to ``check_array``.
    """
    X = _unwrap(X)
    try:
        return check_array(X, **{"dtype": "numeric", "input_name": "X", "estimator": modality, **options})
    except ValueError as error:
        text = str(error)
        if "infinity" in text:
            raise ValueError(f"{text} Clip the values or drop those rows.") from error
        if "could not convert" in text or "setting an array element" in text:
            raise ValueError(
                f"{type(modality).__name__} takes numbers in rows of one length, and X is not that: {text}. "
                "Pass categories in a DataFrame, or name their columns in Tabular(categorical_features=...). "
                "Encode other texts first, for example with TfidfVectorizer."
            ) from error
        raise


def _unwrap(X: Any) -> Any:
    """Take a tensor off its device; refuse what numpy would silently take for numbers."""
    if isinstance(X, torch.Tensor):
        X = X.detach().cpu()
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise ValueError(
            "X is a masked array with values hidden. Fill them first, for example with X.filled()."
        )
    if getattr(getattr(X, "dtype", None), "kind", "") in ("m", "M"):
        raise ValueError(
            "X holds dates or time spans. Turn them into numbers first, such as days since a start."
        )
    return X


def unknown_encoder(name: str, known: tuple[str, ...], modality: Modality) -> ValueError:
    """Return the error for a name that the modality has no network for."""
    names = ", ".join(repr(k) for k in ("auto", *known))
    return ValueError(
        f"encoder={name!r} is not known to {type(modality).__name__}. Use one of {names}, or pass any "
        "nn.Module whose output has shape (n, d)."
    )


def unknown_target(name: str, known: tuple[str, ...], modality: Modality) -> ValueError:
    """Return the error for a target that the modality has no decoder for."""
    names = " or ".join(repr(k) for k in known)
    return ValueError(f"target={name!r} is not known to {type(modality).__name__}. Use {names}.")


def stack_rows(X: Any, pool: Any) -> Any:
    """Put the rows of `pool` below those of `X`; columns with names are picked by name.

    Parameters
    ----------
    X, pool : array, DataFrame, sparse matrix or list
        `pool` may have further columns where both have names, and none missing.

    Raises
    ------
    ValueError
        If the two do not fit together.
    """
    if is_texts(X):
        pool = _texts_of(pool, getattr(X, "name", None))
    if is_texts(X) and is_texts(pool):
        return [*X, *pool]  # an array of str would be as wide as the longest
    if isinstance(X, list) and isinstance(pool, list):
        return X + pool
    frames = [is_frame(X), is_frame(pool)]
    for part, frame in zip((X, pool), frames, strict=True):
        if frame:
            check_frame(part)
    if all(frames):
        known = set(pool.columns)
        missing = [name for name in X.columns if name not in known]
        if missing:
            raise ValueError(f"X_unlabeled lacks columns that X has: {missing[:5]}. Add them.")
        pool = pool[list(X.columns)]
        if type(pool) is type(X):
            return _stack_frames(*_agree(X, pool))
    parts = [X if sp.issparse(X) else _as_array(X, "X")]
    parts += [pool if sp.issparse(pool) else _as_array(pool, "X_unlabeled")]
    if parts[0].shape[1:] != parts[1].shape[1:] or parts[1].ndim < 1:
        raise ValueError(
            f"X_unlabeled of shape {parts[1].shape} does not go with X of shape {parts[0].shape}. Both must "
            "be the same kind of data and have the same number of columns."
        )
    if any(sp.issparse(part) for part in parts):
        return sp.vstack([sp.csr_array(part) for part in parts], format="csr")
    return np.concatenate(parts)


def _agree(X: Any, pool: Any) -> tuple[Any, Any]:
    """Return two frames whose columns are of the same types, or raise: stacked, others would be neither.

    A column without any value may stand for any type.
    """
    from ._columns import column_of, kind_of, with_column  # which imports from here

    pandas, bad = hasattr(X, "iloc"), []
    for j, name in enumerate(X.columns):
        pair = [column_of(X, j), column_of(pool, j)]
        kinds = [kind_of(column) for column in pair]
        empty = [
            bool(column.isna().all()) if pandas else column.null_count() == len(column) for column in pair
        ]
        if kinds[0] != kinds[1] and not any(empty):
            bad.append(f"{name!r}: {kinds[0]}, {kinds[1]}")
        elif "category" in kinds:
            X, pool = (_with_categories(frame, j, pair, pandas) for frame in (X, pool))
        elif kinds[0] != kinds[1] and pandas:  # one is all holes
            wanted = pair[empty.index(False)].dtype if not all(empty) else float
            X, pool = (with_column(f, name, f[name].astype(wanted)) for f in (X, pool))
    if bad:
        raise ValueError(f"The columns of X_unlabeled are not of the types of X: {'; '.join(bad[:5])}.")
    return X, pool


def _with_categories(frame: Any, j: int, pair: list[Any], pandas: bool) -> Any:
    """Return a frame whose column `j` has the categories of both columns of a pair."""
    if not pandas:
        import polars as pl

        return frame.with_columns(frame.to_series(j).cast(pl.String))
    import pandas as pd

    from ._columns import with_column  # which imports from here

    found = [column.astype("category").cat.categories.astype(object) for column in pair]
    both = pd.CategoricalDtype(found[0].append(found[1]).unique())
    return with_column(frame, frame.columns[j], frame.iloc[:, j].astype(both))


def is_texts(X: Any) -> bool:
    """Return whether X is a list, array or Series whose first entry, but for holes, is a text."""
    listed = hasattr(X, "__len__") and hasattr(X, "__iter__") and not isinstance(X, (str, bytes, dict))
    if (
        not listed
        or is_frame(X)
        or sp.issparse(X)
        or getattr(getattr(X, "dtype", None), "kind", "O") in "biufc"
    ):
        return False
    for entry in X:
        if isinstance(entry, str):
            return True
        if hasattr(entry, "__len__") or not is_hole(entry):
            return False
    return False


def _texts_of(pool: Any, name: Any) -> Any:
    """Return the column of a pool of frames or of two dimensions that has the texts, if it is clear which."""
    if is_frame(pool):
        check_frame(pool)
        found = name if name in list(pool.columns) else pool.columns[0] if len(pool.columns) == 1 else None
        return pool if found is None else pool[found]
    return pool[:, 0] if getattr(pool, "ndim", 1) == 2 and pool.shape[1] == 1 else pool


def is_frame(X: Any) -> bool:
    """Return whether X has named columns; the columns of a lazy frame are not asked for."""
    return hasattr(type(X), "collect") or hasattr(X, "columns")


def check_frame(frame: Any) -> None:
    """Refuse what scikit-learn cannot tell apart by name, and what has not been read yet."""
    if hasattr(type(frame), "collect"):
        raise TypeError("X is a lazy frame, which has no rows yet. Call .collect() first.")
    twice = [str(name) for name, count in Counter(frame.columns).items() if count > 1]
    if twice:
        raise ValueError(f"Column names that occur twice: {twice[:5]}. Rename or drop columns.")


def _stack_frames(X: Any, pool: Any) -> Any:
    if hasattr(X, "iloc"):
        import pandas as pd

        return pd.concat([X, pool], ignore_index=True)
    import polars as pl

    try:
        return pl.concat([X, pool], how="vertical_relaxed")
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"The columns of X_unlabeled are not of the types of X: {error}.") from error


def _as_array(X: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(_unwrap(X))
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(f"{name} must have rows of one length: {error}.") from error
