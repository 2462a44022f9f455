"""Statistics of batch normalisation: which rows they are taken from."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ._loader import BatchLoader, Selection, Store, move, n_rows

CALIBRATION_ROWS = 8192  # enough for a mean


def _live_norms(module: nn.Module) -> list[Any]:
    """Return the batch norms that are updated in training; those frozen by their owner stay frozen."""
    mode = module.training
    module.train()
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm) and m.training]
    module.train(mode)
    return [norm for norm in norms if norm.track_running_stats]


@contextmanager
def batch_statistics(module: nn.Module) -> Iterator[None]:
    """Make batch norm use the statistics of each batch inside the block, without updating running statistics.

    A pretext loss is measured on corrupted views. Running statistics lag behind, or belong to other rows.
    """
    norms = _live_norms(module)
    modes = [norm.training for norm in norms]
    for norm in norms:
        norm.training, norm.track_running_stats = True, False
    try:
        yield
    finally:
        for norm, mode in zip(norms, modes, strict=True):
            norm.training, norm.track_running_stats = mode, True


@torch.no_grad()
def calibrate(encoder: nn.Module, store: Store, batch_size: int, device: str) -> None:
    """Set the running statistics of batch norm to the mean and variance over rows as ``transform`` sees them.

    In training they were a moving average over corrupted views. Without training they are not set at all, which
    would be unfair to the untrained baseline. Batches may differ, for example if they are sorted by length, so the
    variance includes that between batches. If interrupted, the statistics stay as they were.
    """
    sample = torch.randperm(len(store)).numpy()[:CALIBRATION_ROWS]  # at random: rows may be sorted by class
    norms = _live_norms(encoder)
    if not norms:
        return
    before = [(norm.momentum, copy.deepcopy(norm.state_dict())) for norm in norms]
    encoder.eval()
    try:
        for norm in norms:
            norm.momentum = 1.0  # the last batch alone
            norm.train()
        means: list[Any] = [0.0] * len(norms)
        squares: list[Any] = [0.0] * len(norms)
        rows = 0
        for batch, _ in BatchLoader(Selection(store, sample), batch_size):
            encoder(move(batch, device))
            n = n_rows(batch)
            rows += n
            for i, norm in enumerate(norms):
                # in float64: squares of means cancel in what follows
                mean, variance = norm.running_mean.double(), norm.running_var.double()
                means[i], squares[i] = means[i] + n * mean, squares[i] + n * (variance + mean**2)
        for norm, mean, square in zip(norms, means, squares, strict=True):
            norm.running_mean.copy_(mean / rows)
            norm.running_var.copy_((square / rows - (mean / rows) ** 2).clamp(min=0))
    except BaseException:
        for norm, (_, state) in zip(norms, before, strict=True):
            norm.load_state_dict(state)
        raise
    finally:
        encoder.eval()
        for norm, (momentum, _) in zip(norms, before, strict=True):
            norm.momentum = momentum
