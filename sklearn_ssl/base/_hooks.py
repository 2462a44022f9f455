"""The hooks of the engine: what an estimator may say of its network and its training."""

from __future__ import annotations

from abc import ABC
from typing import Any

from skorch.callbacks import Callback
from torch import nn

from ..training import ObjectiveNet, Store
from ._objective import Objective
from ._trained import TrainedNetwork


class HookedNetwork(TrainedNetwork, ABC):
    """A trained network whose subclass may change how it is built and trained."""

    def _feature_width(self) -> int | None:
        """Hook: return the width to request from a named encoder; None leaves it to the encoder."""
        return None

    def _from_width(self, width: int) -> dict[str, Any]:
        """Hook: return fitted attributes that follow from the width of the encoder's features, or refuse it."""
        return {}

    def _is_pretrained(self) -> bool:
        """Hook: return whether the encoder comes with statistics of batch norm, as a user's module does."""
        return isinstance(self.encoder, nn.Module)

    def _param_groups(self, objective: Objective) -> list[dict[str, Any]] | None:
        """Hook: return parameter groups with their own learning rates; None treats all alike."""
        return None

    def _watchers(self) -> list[Callback]:
        """Hook: return the estimator's own callbacks, which run before the user's."""
        return []

    def _verdict(self, net: ObjectiveNet, store: Store) -> str:
        """Hook: return what is wrong with a trained network, as the text of a warning, or raise an error."""
        return ""
