"""Randomness that is controlled by `random_state` alone and leaves the global generators unchanged."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

_LOCK = threading.RLock()  # torch's generators are global: two threads must not fork them at once


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


@contextmanager
def float32_by_default() -> Iterator[None]:
    """Let torch make float32 where no dtype is given, inside the block, whatever the user has set."""
    before = torch.get_default_dtype()
    if before == torch.float32:
        yield
        return
    with _LOCK:  # the setting is global: it must not be restored under another thread
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(before)


@contextmanager
def seeded(seed: int, device: torch.device | str = "cpu") -> Iterator[None]:
    """Seed torch's global generators inside the block and restore them after it; new tensors are float32."""
    device = torch.device(device)
    on_cuda = device.type == "cuda"
    with _LOCK, float32_by_default(), torch.random.fork_rng(devices=[device] if on_cuda else []):
        # torch.manual_seed would seed every device, and only those forked are restored
        torch.default_generator.manual_seed(seed)
        if on_cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield
