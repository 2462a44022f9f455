"""The callbacks of a training: the estimator's own, the user's, and those that follow from its parameters."""

from __future__ import annotations

from typing import Any

import torch
from skorch.callbacks import Callback, EarlyStopping

from ..training import Progress, SeenLoss, TimeLimit, dtype_name


def callbacks_of(estimator: Any, device: torch.device, precision: torch.dtype) -> list[Callback]:
    """Return the callbacks of a `NetworkEstimator`, in the order in which they run.

    The time limit is the last: the others see the last batch before it ends training.
    """
    callbacks = [*estimator._watchers(), *(estimator.callbacks or [])]
    if estimator.early_stopping and getattr(estimator, "_compares_rows", False):
        callbacks.append(SeenLoss())
    if estimator.early_stopping:
        callbacks.append(EarlyStopping(patience=estimator.n_iter_no_change, load_best=True))
    if estimator.verbose:
        callbacks.append(Progress(f"{type(estimator).__name__} [{device}, {dtype_name(precision)}]"))
    if estimator.max_time is not None:
        callbacks.append(TimeLimit(estimator.max_time))
    return callbacks
