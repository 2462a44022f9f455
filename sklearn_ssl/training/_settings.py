"""Torch's settings, as they were before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch

from ..threads import free_cores

DEVICES = ("cpu", "cuda", "mps", "xpu")  # autocast has settings for each


class _Exact:
    """Work that runs now with exact convolutions, in all threads."""

    lock = threading.Lock()
    n = 0  # how many pieces
    allowed = False  # whether TF32 was, before the first of them


def exactly(work: Callable[..., Any], *args: Any) -> Any:
    """Return ``work(*args)``, whose convolutions on CUDA are of float32, not of TF32 with its 10 bits of mantissa.

    So features are the same where there is no CUDA. The setting holds for the whole process: it is as before when the
    last thread has ended such work. It is left alone if convolutions and recurrent layers have settings of their own.
    """
    if not torch.cuda.is_initialized():
        return work(*args)
    cudnn = torch.backends.cudnn
    with _Exact.lock:
        if _Exact.n == 0:
            try:
                _Exact.allowed = bool(cudnn.allow_tf32)
            except RuntimeError:  # there is no answer for both kinds of layers
                _Exact.allowed = False
            if _Exact.allowed:
                cudnn.allow_tf32 = False
        _Exact.n += 1
    try:
        return work(*args)
    finally:
        with _Exact.lock:
            _Exact.n -= 1
            if _Exact.n == 0 and _Exact.allowed:
                cudnn.allow_tf32 = True


def restoring(work: Callable[..., Any], *args: Any) -> Any:
    """Return ``work(*args)``, on no more threads than there are cores, with torch's settings as before when it ends.

    Torch's own context managers restore them, too, unless Ctrl-C comes while one of them begins or ends. What remains
    then is silent: no gradients, or stale weights in the cache of autocast.
    """
    gradients, autocast = torch.is_grad_enabled(), _autocast()
    threads = torch.get_num_threads()
    try:
        if n_threads() < threads:
            torch.set_num_threads(n_threads())
        return work(*args)
    finally:
        torch.set_grad_enabled(gradients)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        if _autocast() != autocast:
            _restore_autocast(*autocast)


def n_threads() -> int:
    """Return how many threads to compute with: what torch is set to, but no more than there are cores."""
    return min(torch.get_num_threads(), free_cores())


def _autocast() -> tuple[int, bool, list[tuple[bool, torch.dtype]]]:
    nesting = torch.autocast_increment_nesting() - 1  # torch tells it only by changing it
    torch.autocast_decrement_nesting()
    devices = [(torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)) for kind in DEVICES]
    return nesting, torch.is_autocast_cache_enabled(), devices


def _restore_autocast(nesting: int, cached: bool, devices: list[tuple[bool, torch.dtype]]) -> None:
    for kind, (enabled, dtype) in zip(DEVICES, devices, strict=True):
        torch.set_autocast_enabled(kind, enabled)
        torch.set_autocast_dtype(kind, dtype)
    torch.set_autocast_cache_enabled(cached)
    torch.clear_autocast_cache()
    for _ in range(nesting, _autocast()[0]):
        torch.autocast_decrement_nesting()
    for _ in range(_autocast()[0], nesting):
        torch.autocast_increment_nesting()
