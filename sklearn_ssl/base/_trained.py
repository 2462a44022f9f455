"""A trained network inside an estimator: how it is used, pickled, saved and rebuilt."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import InputTags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from ..doc_link import DocLinkMixin
from ..encoders import without_memory
from ..files import on_disk
from ..modalities import Modality, refuse, texts, whole
from ..persistence import SaveMixin
from ..training import (
    Allowance,
    Batch,
    ObjectiveNet,
    PortableModule,
    Store,
    check_finite,
    check_weights,
    dtype_name,
    load_weights,
    n_threads,
    outputs_of,
    resolve_device,
    without_fitted,
)
from ._columns import check_columns, check_same, modality_of
from ._nested import NestedParamsMixin
from ._objective import Objective
from ._rows import store_of


class TrainedNetwork(NestedParamsMixin, DocLinkMixin, SaveMixin, BaseEstimator, ABC):
    """What an estimator does with its network once it is trained.

    Building and training the network is left to the subclass.
    """

    _not_saved: ClassVar[tuple[str, ...]] = ("callbacks", "checkpoint")  # arbitrary objects, and paths here

    # of the subclass
    encoder: str | nn.Module
    device: str
    batch_size: int | str
    callbacks: Any
    modality_: Modality
    net_: ObjectiveNet
    history_: list[dict[str, Any]]
    encoder_width_: int
    n_features_in_: int
    precision_: str

    @abstractmethod
    def _objective(self, modality: Modality, encoder: nn.Module, width: int) -> Objective:
        """Build the objective; `width` is the width of the encoder's features."""

    def _deployed(self) -> nn.Module:
        """Hook: return a module from batches to features, class probabilities or predictions, for a graph."""
        raise TypeError(
            f"{type(self).__name__} does not say what a graph of it returns. Write _deployed() for it."
        )

    @abstractmethod
    def _build_encoder(self) -> nn.Module:
        """Build the encoder for ``modality_``."""

    @abstractmethod
    def _from_width(self, width: int) -> dict[str, Any]:
        """Return fitted attributes that follow from the width of the encoder's features."""

    @abstractmethod
    def _net(self, objective: Objective, device: torch.device, history: list[dict[str, Any]]) -> ObjectiveNet:
        """Wrap `objective` in a trainer."""

    def _adopt(self, net: ObjectiveNet, history: list[dict[str, Any]]) -> None:
        # net_ last: an estimator that has it counts as fitted
        self.encoder_, self.history_, self.net_ = net.module_.encoder, history, net

    def _follow(self, net: ObjectiveNet) -> dict[str, Any]:
        """Adopt a network as it is, even in training: callbacks may use and save the estimator.

        Return all attributes from before.
        """
        before = dict(vars(self))
        self._adopt(net, net.epochs())
        self.precision_, self.threads_ = dtype_name(net.precision), n_threads()
        return before

    def _apply(
        self, compute: Callable[[Batch], Tensor], store: Store, width: int | None = None
    ) -> np.ndarray:
        """Return the output of a part of the trained objective for all rows of a store, ``(n, width)`` float32."""
        return outputs_of(compute, store, width, self._rows_per_batch, self.net_.device)

    def _ready(self, X: Any) -> tuple[Any, Store]:
        """Return the trained objective and the raw rows as a store."""
        return self._trained(), self._store(X)

    def _trained(self) -> Any:
        """Return the trained objective, in evaluation mode."""
        check_is_fitted(self, "net_")
        objective = self.net_.module_
        if objective.training:  # a callback calls; the next step of training switches it back
            objective.eval()
        return objective

    def _store(self, X: Any) -> Store:
        X = on_disk(X)
        check_columns(self, X)
        return store_of(self.modality_, X)

    def _check_fitted(self) -> None:
        whole(self, "encoder_width_", 1)
        for name in {"n_features_in_", "n_components_"} & vars(self).keys():
            whole(self, name, 1)
        if hasattr(self, "feature_names_in_"):
            texts(self, "feature_names_in_", whole(self, "n_features_in_"))
        known = getattr(self.modality_, "n_features_in_", None)
        if known is not None and getattr(self, "n_features_in_", known) != known:
            refuse(self, "n_features_in_", f"is {self.n_features_in_}, and the modality has {known}")
        rows = self.history_ if isinstance(self.history_, list) else [None]
        if not all(isinstance(row, dict) and all(isinstance(v, Real) for v in row.values()) for row in rows):
            refuse(self, "history_", "must be a list of figures of epochs")
        if self.precision_ not in ("float32", "bfloat16"):
            refuse(self, "precision_", f"is {self.precision_!r:.60}")

    def _restore(self, modality: Modality, weights: dict[str, Tensor]) -> None:
        """Rebuild the network and load saved weights into it; the other fitted attributes are already set."""
        self.modality_ = modality
        check_same(self, self._from_width(self.encoder_width_), "Save the estimator again.")
        with warnings.catch_warnings():
            # what an encoder does not know was said when the estimator was fitted
            warnings.simplefilter("ignore", UserWarning)
            # a changed file can ask for a network of any size: the encoder is compared before it takes memory or time
            encoder = None if isinstance(self.encoder, nn.Module) else without_memory(self._build_encoder)
            if encoder is not None:
                own = {k.removeprefix("encoder."): v for k, v in weights.items() if k.startswith("encoder.")}
                check_weights(encoder, own)
            with Allowance(weights.values()):
                objective = self._objective(modality, self._build_encoder(), self.encoder_width_)
        check_weights(objective, weights)
        check_finite(objective, weights)
        load_weights(objective, weights)
        self._adopt(self._net(objective, self._device_or_cpu(), self.history_), self.history_)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if isinstance(state.get("encoder"), nn.Module):
            state["encoder"] = PortableModule.pack(state["encoder"])
        if self.callbacks is not None:
            state["callbacks"] = [without_fitted(entry) for entry in self.callbacks]
        if "net_" in state:
            # only the weights, without optimizer state or data, as arrays, which joblib hashes by value
            state["history_"] = state["net_"].epochs()  # in training, a callback may pickle
            state["net_"] = PortableModule.pack(state["net_"].module_)
            del state["encoder_"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        objective = state.pop("net_", None)
        if isinstance(state.get("encoder"), PortableModule):
            state["encoder"] = state["encoder"].unpack()
        super().__setstate__(state)
        if objective is not None:
            self._adopt(self._net(objective.unpack(), self._device_or_cpu(), self.history_), self.history_)

    def _device_or_cpu(self) -> torch.device:
        """Return the wanted device, or the CPU on a machine that lacks it."""
        try:
            return resolve_device(self.device)
        except ValueError:
            return torch.device("cpu")

    @property
    def _rows_per_batch(self) -> int:
        return self.modality_.batch_size if isinstance(self.batch_size, str) else self.batch_size

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_")

    def __sklearn_clone__(self) -> Self:
        new = super().__sklearn_clone__()
        new._is_clone = True  # the many trainings of a search share a folder of checkpoints
        return new

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        modality = modality_of(self)
        tags.input_tags = InputTags(two_d_array=False) if modality is None else modality.input_tags()
        return tags
