"""Torch's settings, as they were before."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

import torch

from ..threads import free_cores

DEVICES = ("cpu", "cuda", "mps", "xpu")  # autocast has settings for each


class _Work:
    """A piece of work that runs with exact convolutions."""


class _Exact:
    """All such work, in all threads, and what torch allowed before."""

    lock: ClassVar = threading.Lock()
    work: ClassVar[weakref.WeakSet[_Work]] = weakref.WeakSet()  # what Ctrl-C has broken off is none
    before: ClassVar[tuple[bool | None, str, str] | None] = None


def exactly(work: Callable[..., Any], *args: Any) -> Any:
    """Return ``work(*args)``, whose convolutions on CUDA are of float32, not of TF32 with its 10 bits of mantissa.

    So features are the same where there is no CUDA. The setting holds for the whole process: it is as before when the
    last thread has ended such work. Ctrl-C may come between any two lines; what it leaves is undone the next time.
    """
    if not torch.cuda.is_initialized():
        return work(*args)
    this = _Work()
    try:
        with _Exact.lock:
            _Exact.work.add(this)
            if _Exact.before is None:
                _Exact.before = _tf32()
            _set_tf32(None if _Exact.before[0] is None else False, "ieee", "ieee")
        return work(*args)
    finally:
        with _Exact.lock:
            _Exact.work.discard(this)
            if not _Exact.work and _Exact.before is not None:
                _set_tf32(*_Exact.before)
                _Exact.before = None


def _tf32() -> tuple[bool | None, str, str]:
    """Return what cuDNN may do, by torch's older interface and by the one for each kind of layer."""
    cudnn: Any = torch.backends.cudnn
    try:
        allowed: bool | None = bool(cudnn.allow_tf32)
    except RuntimeError:  # there is no one answer for both kinds of layers
        allowed = None
    return allowed, cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision


def _set_tf32(allowed: bool | None, convolutions: str, recurrent: str) -> None:
    cudnn: Any = torch.backends.cudnn
    if allowed is not None:  # it must not contradict the others, or torch refuses to tell it
        cudnn.allow_tf32 = allowed
    cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision = convolutions, recurrent


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
