"""The trainer that an estimator's parameters describe."""

from __future__ import annotations

from typing import Any

import torch
from skorch.callbacks import Callback, EarlyStopping
from torch import nn

from ..training import (
    EagerAdamW,
    ObjectiveNet,
    SeenLoss,
    TimeLimit,
    dtype_name,
    is_first,
    prints_a_log,
    reporters,
    resolve_precision,
)


def trainer(
    estimator: Any,
    objective: nn.Module,
    device: torch.device,
    watchers: list[Callback],
    param_groups: list[dict[str, Any]] | None,
    betas: tuple[float, float],
) -> ObjectiveNet:
    """Return a skorch net around `objective`, not yet initialized.

    Parameters
    ----------
    estimator : NetworkEstimator
        Whose parameters decide; nothing else of it is read.
    objective : nn.Module
    device : torch.device
    watchers : list of skorch callbacks
        The estimator's own, which run before the user's.
    param_groups : list of dict or None
        Parameter groups with their own learning rates.
    betas : tuple of float
        Those of AdamW.
    """
    precision = resolve_precision(estimator.precision, device)
    callbacks = [*watchers, *(estimator.callbacks or [])]
    if estimator.early_stopping and getattr(estimator, "_compares_rows", False):
        callbacks.append(SeenLoss())
    if estimator.early_stopping:
        callbacks.append(EarlyStopping(patience=estimator.n_iter_no_change, load_best=True))
    if estimator.verbose and is_first():
        callbacks += reporters(f"{type(estimator).__name__} [{device}, {dtype_name(precision)}]")
    if estimator.max_time is not None:
        callbacks.append(
            TimeLimit(estimator.max_time)
        )  # the last: the others see the last batch before it ends
    return ObjectiveNet(
        objective,
        precision=precision,
        param_groups=param_groups,
        optimizer=EagerAdamW,
        # one kernel updates all parameters; other devices have none
        optimizer__fused=device.type in ("cpu", "cuda"),
        optimizer__betas=betas,
        lr=estimator.lr,
        batch_size=estimator._rows_per_batch,
        device=str(device),
        train_split=None,
        callbacks=callbacks,
        verbose=prints_a_log(callbacks) and is_first(),
    )
