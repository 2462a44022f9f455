"""The contract between the kind of data and what a network is trained for."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import InputTags
from torch import Tensor, nn

from ..training import Batch, Store


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

    A subclass is a keyword-only dataclass whose fields are the user's choices. What `fit_validate` learns goes
    into attributes that end in an underscore and are arrays, numbers, strings, tuples or None: they
    are saved as such, without pickle; so are dicts of those. One that ``modality="auto"`` should know is listed in
    the registry.

    Attributes
    ----------
    noun : str
        What the data is called in errors, in the plural; empty where the name of the class says it best.
    usage : str
        How an instance is written, in errors.
    encoders : tuple of str
        Names of encoders that `encoder` builds, besides ``"auto"``.
    batch_size : int
        Rows in a step, where the estimator leaves it to the modality.
    """

    noun: ClassVar[str] = ""
    usage: ClassVar[str] = "Modality()"
    encoders: ClassVar[tuple[str, ...]] = ()
    batch_size: ClassVar[int] = 256

    @classmethod
    def accepts(cls, X: Any) -> bool:
        """Return whether X can be of this kind only, so that ``modality="auto"`` takes it for that."""
        return False

    @classmethod
    def hint(cls, X: Any) -> str:
        """Return how X would be passed if it were of this kind, where that cannot be told; else an empty string."""
        return ""

    @classmethod
    def doubt(cls, X: Any) -> None:
        """Warn of what speaks against it where ``modality="auto"`` takes X for this kind."""

    def describe(self, X: Any) -> str:
        """Return what X is, taken for this kind, in an error of a method that takes others."""
        return type(self).__name__

    def input_tags(self) -> InputTags:
        """Return what scikit-learn is to know of the X that this takes."""
        return InputTags(two_d_array=False)

    def example_rows(self) -> Any:
        """Return at least 100 rows to try a method with; raise a ValueError that asks for X if there are none."""
        raise ValueError(f"Pass X: there are no rows for {self!r} here.")

    def configure_for(self, encoder: str | nn.Module) -> None:
        """Hook called before ``fit`` with the user's network or its name; does nothing by default."""

    @abstractmethod
    def fit_validate(self, X: Any) -> Store:
        """Learn scaling statistics and the like from raw X, and return it as a store; raise on what does not fit.

        Raw data is checked here once, however large it is.
        """

    @abstractmethod
    def validate(self, X: Any) -> Store:
        """Check raw X against what `fit` saw and return it as a store of batches."""

    def fit(self, X: Any) -> Self:
        """Learn scaling statistics and the like from raw X; raise on what is not of this kind.

        Parameters
        ----------
        X : raw rows

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If X or a parameter is not what it should be.
        """
        self.fit_validate(X)
        return self

    @abstractmethod
    def encoder(self, name: str, n_components: int | None, causal: bool = False) -> nn.Module:
        """Build the network `name` that maps a batch to features ``(n, n_components)``.

        `causal` asks for one whose features at a position depend on those before it only.
        """

    def adapt_encoder(self, encoder: nn.Module) -> nn.Module:
        """Return the user's network, adapted to what `fit` saw; by default as it is."""
        return encoder

    @abstractmethod
    def view(self, x: Batch) -> Batch:
        """Draw a random view of a batch, on its device, from torch's global generator."""

    def views(self, x: Batch) -> tuple[Batch, Batch]:
        """Draw two random views of a batch, which are to agree."""
        return self.view(x), self.view(x)

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


def unknown_encoder(name: str, modality: Modality) -> ValueError:
    """Return the error for a name that the modality has no network for."""
    names = ", ".join(repr(k) for k in ("auto", *modality.encoders))
    return ValueError(
        f"encoder={name!r} is not known to {type(modality).__name__}. Use one of {names}, or pass any "
        "nn.Module whose output has shape (n, d)."
    )


def unknown_target(name: str, known: tuple[str, ...], modality: Modality) -> ValueError:
    """Return the error for a target that the modality has no decoder for."""
    names = " or ".join(repr(k) for k in known)
    return ValueError(f"target={name!r} is not known to {type(modality).__name__}. Use {names}.")
