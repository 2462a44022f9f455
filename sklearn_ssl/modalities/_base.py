"""The contract between the kind of data (modality) and what a network is trained for (objective)."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import InputTags
from torch import Tensor, nn

from ..doc_link import DocLinkMixin
from ..training import Batch, Store


class Decoder(nn.Module, ABC):
    """A network that predicts a batch, or something derived from it, from features, and defines the loss.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.modalities import Decoder
    >>> class Signs(Decoder):  # of the cells of a table, by cross-entropy
    ...     def __init__(self, n_components, n_columns):
    ...         super().__init__()
    ...         self.linear = torch.nn.Linear(n_components, n_columns)
    ...     def forward(self, z):
    ...         return self.linear(z)
    ...     def loss(self, output, x):
    ...         return torch.nn.functional.binary_cross_entropy_with_logits(output, (x > 0).float(), reduction="none")
    >>> decoder = Signs(8, 3)
    >>> decoder.loss(decoder(torch.zeros(5, 8)), torch.ones(5, 3)).shape
    torch.Size([5, 3])
    """

    @abstractmethod
    def forward(self, z: Tensor) -> Tensor:
        """Map features ``(n, n_components)`` to what `loss` compares."""

    @abstractmethod
    def loss(self, output: Tensor, x: Batch) -> Tensor:
        """Return the float32 error of each element of a batch, in its shape; for a table, of each cell."""


class ValueDecoder(Decoder):
    """A decoder of the batch itself.

    Attributes
    ----------
    numeric : Tensor of bool, broadcastable to what `loss` returns
        True where `loss` is a squared error; elsewhere it is a cross-entropy.

    Examples
    --------
    >>> import torch
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl.modalities import Tabular, ValueDecoder
    >>> table = Tabular()
    >>> x = table.fit_validate(load_iris().data)[torch.arange(5)]
    >>> decoder = table.decoder(n_components=2)
    >>> isinstance(decoder, ValueDecoder), decoder.values(decoder(torch.zeros(5, 2))).shape == x.shape
    (True, True)
    """

    numeric: Tensor

    @abstractmethod
    def values(self, output: Tensor) -> Batch:
        """Return the predicted batch: numbers, and expected values where `loss` is a cross-entropy."""


class Modality(DocLinkMixin, BaseEstimator, ABC):
    """A kind of data: how raw X becomes batches, and what a view, a mask, an encoder and a decoder are for it.

    A subclass is a keyword-only dataclass whose fields are the user's parameters. `fit_validate` stores what it
    learns in attributes with a trailing underscore. They are arrays, numbers, strings, tuples, None or dicts of
    those, and are saved as such, without pickle. A modality that ``modality="auto"`` should know is listed in the
    registry.

    Attributes
    ----------
    noun : str
        What errors call the data, in the plural; empty if the class name says it best.
    usage : str
        How errors write an instance.
    advice : str
        What errors say to pass in place of rows that are no numbers.
    encoders : tuple of str
        Names that `encoder` takes, besides ``"auto"``.
    hint_of_encoders : str
        How to pass an encoder of other libraries, ``{name!r}`` for its name; for errors.
    batch_size : int
        Rows per batch, where the estimator leaves it to the modality.
    reads_blocks : bool
        Whether `validate` may be given a part of the rows at a time, so that X may be larger than memory.

    Examples
    --------
    A modality is used as it is, too: it checks rows, and makes batches and views of them. CONTRIBUTING.md has a
    complete one.

    >>> import torch
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl.modalities import Modality, Tabular
    >>> X = load_iris().data
    >>> table = Tabular()
    >>> isinstance(table, Modality)
    True
    >>> batch = table.fit_validate(X)[torch.arange(5)]
    >>> batch.shape == table.view(batch).shape
    True
    """

    noun: ClassVar[str] = ""
    usage: ClassVar[str] = "Modality()"
    advice: ClassVar[str] = "Pass numbers, in rows of one length."
    encoders: ClassVar[tuple[str, ...]] = ()
    hint_of_encoders: ClassVar[str] = ""
    batch_size: ClassVar[int] = 256
    reads_blocks: ClassVar[bool] = False

    @classmethod
    def accepts(cls, X: Any) -> bool:
        """Return whether X can only be of this kind, so that ``modality="auto"`` chooses it."""
        return False

    @classmethod
    def hint(cls, X: Any) -> str:
        """Return how to pass X as this kind of data, if its kind is ambiguous; else an empty string."""
        return ""

    @classmethod
    def doubt(cls, X: Any) -> None:
        """Warn, or raise, if ``modality="auto"`` takes X for this kind but parts of it look like another."""

    @classmethod
    def refuse(cls, X: Any) -> None:
        """Raise an error, with the way to read X, if it is of this kind in a form that none can take."""

    def describe(self, X: Any) -> str:
        """Return what errors call an X of this kind, in methods that do not take it."""
        return type(self).__name__

    def input_tags(self) -> InputTags:
        """Return scikit-learn's tags of the X that this modality takes."""
        return InputTags(two_d_array=False)

    def example_rows(self) -> Any:
        """Return at least 100 rows to try a method on; raise a ValueError that asks for X if there are none."""
        raise ValueError(f"Pass X: there are no example rows for {self!r}.")

    def configure_for(self, encoder: str | nn.Module) -> None:
        """Hook called before ``fit`` with the user's network or its name. Does nothing by default."""

    def check_fitted(self) -> None:
        """Hook: raise a ValueError if fitted attributes do not go with each other, as in a file that was changed.

        ``load`` calls it. What passes must not fail in ``transform``.
        """

    @abstractmethod
    def fit_validate(self, X: Any) -> Store:
        """Learn scaling statistics and the like from raw X, and return it as a store; raise if X is invalid.

        This is the only check of the training data, however large it is.
        """

    @abstractmethod
    def validate(self, X: Any) -> Store:
        """Check raw X against what `fit` saw and return it as a store of batches."""

    def fit(self, X: Any) -> Self:
        """Learn scaling statistics and the like from raw X; raise if X is not of this kind.

        Parameters
        ----------
        X : raw rows

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If X or a parameter is invalid.
        """
        self.fit_validate(X)
        return self

    def learn(self, X: Any) -> Store:
        """Fit to raw X and return it as a store: in one go, or through ``fit`` where a subclass has its own."""
        return self.fit_validate(X) if type(self).fit is Modality.fit else self.fit(X).validate(X)

    def preparation(self) -> Any:
        """Hook: return `validate` as a module, for a graph that is deployed without Python.

        It maps raw rows, a tensor ``(n, *shape)`` of numbers of any type, to a batch. Its attribute `shape` is that
        of one row, with None for an axis of any length.

        Raises
        ------
        TypeError
            If rows are prepared by what no graph can hold.
        """
        raise TypeError(
            f"{type(self).__name__} prepares rows in Python, which no graph holds. Export the network alone: "
            "to_onnx(estimator, X, preprocessing=False). network_inputs(estimator, X) makes its inputs."
        )

    def learn_blocks(self, survey: Any) -> None:
        """Hook: learn more from all rows, after `fit_validate` has seen a sample; by default only check them.

        Parameters
        ----------
        survey : Survey
            Iterating over it reads X in parts. Then ``survey.sample`` is a random sample of all rows.
        """
        for rows in survey:
            self.validate(rows)

    @abstractmethod
    def encoder(self, name: str, n_components: int | None, causal: bool = False) -> nn.Module:
        """Build the network called `name`, which maps a batch to features ``(n, n_components)``.

        If `causal`, features at a position must not depend on later positions.
        """

    def auto_encoder(self, compares_views: bool) -> str:
        """Hook: return the name that ``encoder="auto"`` stands for; by default "auto", which is a name of its own.

        `compares_views` says whether views of a row are compared, as in contrastive learning.
        """
        return "auto"

    def adapt_encoder(self, encoder: nn.Module) -> nn.Module:
        """Return the user's network, adapted to what `fit` saw; unchanged by default."""
        return encoder

    def feature_scale(self, encoder: nn.Module, width: int) -> float:
        """Hook: return what features ``(n, width)`` of an encoder are multiplied by in ``transform``; 1 by default.

        A linear classifier is regularised by the scale of its columns.
        """
        return 1.0

    @abstractmethod
    def view(self, x: Batch) -> Batch:
        """Draw a random view of a batch, on its device, with torch's global generator."""

    def views(self, x: Batch) -> tuple[Batch, Batch]:
        """Draw two random views of a batch: a positive pair for each row."""
        return self.view(x), self.view(x)

    def mask(self, x: Batch, rate: float) -> tuple[Batch, Tensor]:
        """Mask a share `rate` of a batch; return it and the mask, in the shape of a decoder's loss."""
        raise self.lacks("no way to hide parts of it")

    def noisy(self, x: Batch, strength: float) -> Batch:
        """Hook: add Gaussian noise of a standard deviation of `strength` to a batch; by default to all of it."""
        return x + strength * torch.randn_like(x)

    def reference_rows(self, n: int) -> Batch | None:
        """Return n typical rows, always the same, whose values may stand in for hidden ones when a row is alone.

        None, the default, says that `view` and `mask` take nothing from other rows.
        """
        return None

    def decoder(self, n_components: int, target: str = "value", linear: bool = False) -> Any:
        """Build a `Decoder` that predicts `target`; for ``"value"``, the batch itself, a `ValueDecoder`.

        If `linear`, add a linear map beside a network that is slow to learn one. Rows are then
        reconstructed more exactly, from features that are less useful to a linear classifier.
        """
        raise self.lacks("no decoder")

    def critic(self, n_components: int) -> nn.Module:
        """Build a network that maps a batch to ``(n, n_components)``, without batch normalisation.

        So the gradient at one row does not depend on the others.
        """
        raise self.lacks("no critic")

    def restore(self, x: Batch) -> np.ndarray:
        """Turn a batch, as a decoder returns it, into rows like those of the X that `fit` saw."""
        raise self.lacks("no way back to raw rows")

    def give_back(self, rows: np.ndarray, container: str | None) -> Any:
        """Hook: return restored rows in a container like that of the X of fit; by default as they are.

        `container` is "pandas", "polars", "default" for an array, or None for what fit saw.
        """
        return rows

    def __getstate__(self) -> dict[str, Any]:
        # pickling changes the strides of an empty array, and joblib hashes strides
        return {
            name: pickle.loads(pickle.dumps(value))
            if isinstance(value, np.ndarray) and not value.size
            else value
            for name, value in super().__getstate__().items()
        }

    def lacks(self, what: str) -> TypeError:
        """Return the error for what a method needs and this modality does not have."""
        return TypeError(
            f"{type(self).__name__} has {what}, which this method needs. Take another method, or another modality."
        )


def unknown_encoder(name: str, modality: Modality) -> ValueError:
    """Return the error for an encoder's name that the modality does not know.

    Examples
    --------
    >>> from sklearn_ssl.modalities import Image, unknown_encoder
    >>> str(unknown_encoder("resnet", Image()))[:36]
    "encoder='resnet' is not known to Ima"
    """
    names = ", ".join(repr(k) for k in ("auto", *modality.encoders))
    hint = modality.hint_of_encoders.format(name=name)
    return ValueError(
        f"encoder={name!r} is not known to {type(modality).__name__}. Use one of {names}, or pass any "
        f"nn.Module whose output has shape (n, d).{hint}"
    )


def unknown_target(name: str, known: tuple[str, ...], modality: Modality) -> ValueError:
    """Return the error for a target that the modality cannot decode."""
    names = " or ".join(repr(k) for k in known)
    return ValueError(f"target={name!r} is not known to {type(modality).__name__}. Use {names}.")
