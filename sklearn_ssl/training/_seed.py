"""Randomness that is controlled by `random_state` alone and leaves the global generators unchanged."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._settings import exactly, restoring

_LOCK = threading.RLock()  # torch's generators are global: one thread at a time may exchange their states
_WAITING: set[int] = set()  # threads that want the lock
_SWITCHED: list[torch.dtype] = []  # the user's default dtype, while it is another one
_FORKING: list[int] = []  # the thread that holds the lock while it forks


def draw_seed(random_state: int | np.random.RandomState | None, stream: int = 0) -> int:
    """Turn scikit-learn's `random_state` into a seed for torch.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        None takes fresh entropy from the operating system, so that numpy's global generator stays
        as it is.
    stream : int
        Continued training passes the number of epochs so far, so that it does not see the views of
        the first epochs again.
    """
    if random_state is None:
        entropy = secrets.randbits(31)
    elif isinstance(random_state, np.random.RandomState):
        entropy = int(random_state.randint(2**31 - 1))
    else:
        entropy = int(random_state)
    return int(np.random.SeedSequence([entropy, stream]).generate_state(1)[0])


class RandomStream:
    """Random numbers of one training, whatever other threads draw meanwhile.

    Layers and initialisers draw from torch's global generators and take no other. A stream keeps the state that these
    generators would have if nobody else used them. It exchanges the states for one piece of work, such as a batch,
    under one lock per process. So other threads wait for a batch, and not for a training.

    Parameters
    ----------
    seed : int
    device : torch.device or str
        Where numbers are drawn, besides the CPU.
    """

    def __init__(self, seed: int, device: torch.device | str = "cpu"):
        # torch.manual_seed would seed the generators of every device
        self.states = [torch.Generator().manual_seed(seed).get_state()]
        self.exchanged: list[tuple[Callable[[], Tensor], Callable[[Tensor], Any]]] = [
            (torch.default_generator.get_state, torch.default_generator.set_state)
        ]
        if (device := torch.device(device)).type == "cuda":
            self.states.append(_seeded_cuda(seed, device))
            to_device = partial(torch.cuda.set_rng_state, device=device)
            self.exchanged.append((partial(torch.cuda.get_rng_state, device), to_device))

    def run(self, work: Callable[..., Any], *args: Any) -> Any:
        """Return ``work(*args)``, which draws from the stream; new tensors are float32.

        Generators and settings are as before when it ends, whether it returns, fails or is interrupted.
        """
        me = threading.get_ident()
        try:
            _WAITING.add(me)
            with _LOCK:  # Ctrl-C cannot come between a lock and its block, as it can after acquire()
                _WAITING.discard(me)
                return self._run(work, *args)
        finally:
            _WAITING.discard(me)

    def each(self, items: Iterable[Any]) -> Iterator[Any]:
        """Yield `items`, each of which is made in the stream."""
        iterator = iter(items)
        end = object()
        while (item := self.run(next, iterator, end)) is not end:
            yield item
            if _WAITING:  # a lock that is taken again at once would never reach the threads that wait for it
                time.sleep(1e-4)

    def _run(self, work: Callable[..., Any], *args: Any) -> Any:
        before = [get() for get, _ in self.exchanged]
        try:
            for (_, put), state in zip(self.exchanged, self.states, strict=True):
                put(state)
            result = restoring(_with_float32, work, *args)
            self.states = [get() for get, _ in self.exchanged]
            return result
        finally:
            # the first one without a loop: Ctrl-C may come between its turns
            torch.default_generator.set_state(before[0])
            for (_, put), state in zip(self.exchanged[1:], before[1:], strict=True):
                put(state)


def _seeded_cuda(seed: int, device: torch.device) -> Tensor:
    """Return the state of a CUDA generator of that seed."""
    with _LOCK, torch.cuda.device(device):
        before = torch.cuda.get_rng_state(device)
        try:
            torch.cuda.manual_seed(seed)  # of the current device alone
            return torch.cuda.get_rng_state(device)
        finally:
            torch.cuda.set_rng_state(before, device)


def draw_one(chances: Tensor) -> Tensor:
    """Draw a category of each distribution, as ``torch.multinomial(chances, 1)`` does, and with the same bits.

    That function looks at its input first, so that the host waits for the device.

    Parameters
    ----------
    chances : Tensor of float of shape (..., k)
        Not negative, and not all zero.

    Returns
    -------
    Tensor of int64 of shape (..., 1)
    """
    return (chances / torch.empty_like(chances).exponential_()).argmax(-1, keepdim=True)


def in_float32(work: Callable[..., Any], *args: Any) -> Any:
    """Return ``work(*args)``, which draws nothing; new tensors are float32, whatever the user has set.

    So are convolutions: see :func:`exactly`.
    """
    if torch.get_default_dtype() == torch.float32 and not _SWITCHED:
        return restoring(exactly, work, *args)
    with _LOCK:  # the setting is global: it must not be restored under another thread
        return restoring(exactly, _with_float32, work, *args)


def _with_float32(work: Callable[..., Any], *args: Any) -> Any:
    """Return ``work(*args)``; called under the lock."""
    dtype = torch.get_default_dtype()
    if dtype == torch.float32:
        return work(*args)
    try:
        _SWITCHED.append(dtype)
        torch.set_default_dtype(torch.float32)
        return work(*args)
    finally:
        torch.set_default_dtype(dtype)
        _SWITCHED.pop()


def _lock_parent() -> None:
    me = threading.get_ident()
    _WAITING.add(me)
    try:
        _LOCK.acquire()
        _FORKING.append(me)
    finally:  # Python goes on with the fork if Ctrl-C comes here
        _WAITING.discard(me)


def _unlock_parent() -> None:
    if _FORKING:
        _FORKING.pop()
        _LOCK.release()


def _unlock_child() -> None:
    """Make a forked child usable, in which only the thread that forked goes on."""
    global _LOCK
    _LOCK = threading.RLock()
    _WAITING.clear()
    _FORKING.clear()
    # the threads of torch's pool are not there, and torch would wait for them forever
    if torch.get_num_threads() > 1:
        torch.set_num_threads(1)


# a child must not begin in the middle of another thread's work, with its states in the generators
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock_parent, after_in_parent=_unlock_parent, after_in_child=_unlock_child)
