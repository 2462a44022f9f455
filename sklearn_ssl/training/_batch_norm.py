"""Statistics of batch normalisation: which rows they are taken from."""

from __future__ import annotations

import copy
from functools import partial
from types import MethodType
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ._checkpoint import tensors_in
from ._loader import Batch, BatchLoader, Selection, Store, move, n_rows, sample_of
from ._seed import RandomStream

CALIBRATION_ROWS = 8192  # enough for a mean


def with_batch_statistics(module: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode, with the same tensors, whose batch norms use the statistics of each batch.

    A pretext loss is measured on corrupted views. Running statistics lag behind, or belong to other rows. The module
    itself is not switched, since other threads may use it.
    """
    twin = _twin(module)
    for norm in _live_norms(twin):
        norm.training, norm.track_running_stats = True, False
    return twin


def _twin(module: nn.Module) -> nn.Module:
    """Return a copy of the modules, in evaluation mode, that shares tensors and everything else with the original."""
    memo: dict[int, Any] = {}
    for part in module.modules():
        # the dictionaries themselves: a network may put other tensors into them
        for shared in (part._parameters, part._buffers, *tensors_in(vars(part))):
            memo[id(shared)] = shared
        # modules may also be in lists, and in bound methods; a vocabulary need not be copied, nor the dozen empty
        # dictionaries for hooks that each module has, which take most of the time
        for value in vars(part).values():
            is_container = isinstance(value, (list, tuple, dict, set))
            if not (value if is_container else isinstance(value, (nn.Module, MethodType, partial))):
                memo[id(value)] = value
    return copy.deepcopy(module, memo).eval()


def _live_norms(module: nn.Module) -> list[Any]:
    """Return the batch norms that are updated in training; those frozen by their owner stay frozen."""
    module.train()
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm) and m.training]
    module.eval()
    return [norm for norm in norms if norm.track_running_stats]


def calibrate(encoder: nn.Module, store: Store, batch_size: int, device: str, stream: RandomStream) -> None:
    """Set the running statistics of batch norm to the mean and variance over rows as ``transform`` sees them.

    In training they were a moving average over corrupted views. Without training they are not set at all, which
    would be unfair to the untrained baseline. Batches may differ, for example if they are sorted by length, so the
    variance includes that between batches. If interrupted, the statistics stay as they were.
    """
    # at random: rows may be sorted by class
    store = sample_of(store)
    sample = stream.run(torch.randperm, len(store)).numpy()[:CALIBRATION_ROWS]
    twin = _twin(encoder)
    norms = _live_norms(twin)
    if not norms:
        return
    own = [norm._buffers for norm in norms]
    for norm in norms:
        norm._buffers = {
            name: value if value is None else value.clone() for name, value in norm._buffers.items()
        }
        norm.momentum = 1.0  # the last batch alone
        norm.train()
    means: list[Any] = [0.0] * len(norms)
    squares: list[Any] = [0.0] * len(norms)
    rows = 0

    @torch.no_grad()
    def pass_on(batch: Batch) -> None:
        twin(move(batch, device))

    for batch, _ in stream.each(BatchLoader(Selection(store, sample), batch_size)):
        stream.run(pass_on, batch)
        n = n_rows(batch)
        rows += n
        for i, norm in enumerate(norms):
            # in float64: squares of means cancel in what follows
            mean, variance = norm.running_mean.double(), norm.running_var.double()
            means[i], squares[i] = means[i] + n * mean, squares[i] + n * (variance + mean**2)
    for buffers, mean, square in zip(own, means, squares, strict=True):
        buffers["running_mean"].copy_(mean / rows)
        buffers["running_var"].copy_((square / rows - (mean / rows) ** 2).clamp(min=0))
