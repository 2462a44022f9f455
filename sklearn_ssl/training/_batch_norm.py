"""Batch norm's statistics: whose rows they are of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ._loader import Batch, move


def _batch_norms(module: nn.Module) -> list[_BatchNorm]:
    return [m for m in module.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]


@contextmanager
def batch_statistics(module: nn.Module) -> Iterator[None]:
    """Let batch norm use the statistics of each batch inside the block, and remember none of them.

    A pretext loss is measured on corrupted views; running statistics lag behind or are of other rows.
    """
    norms = _batch_norms(module)
    modes = [norm.training for norm in norms]
    for norm in norms:
        norm.training, norm.track_running_stats = True, False
    try:
        yield
    finally:
        for norm, mode in zip(norms, modes, strict=True):
            norm.training, norm.track_running_stats = mode, True


@torch.no_grad()
def calibrate(encoder: nn.Module, batches: Iterable[tuple[Batch, None]], device: str) -> None:
    """Set the running statistics of batch norm to the mean over `batches`.

    In training they were a moving average over corrupted views; without training they are not set
    at all, which would be unfair to the untrained baseline.
    """
    norms = _batch_norms(encoder)
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    encoder.eval()
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # torch's word for a plain average
            norm.train()
        for batch, _ in batches:
            encoder(move(batch, device))
    finally:
        encoder.eval()
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
