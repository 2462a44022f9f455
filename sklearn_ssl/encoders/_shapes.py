"""Modules that are built for the shapes of their weights alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode


class Unfilled(TorchFunctionMode):
    """Inside the block, tensors are not filled with normal numbers.

    On the device "meta" this would import torch's compiler, and nobody looks at the numbers.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in (torch.Tensor.normal_, nn.init.normal_):
            return kwargs.get("tensor", args[0] if args else None)
        return func(*args, **kwargs)


@contextmanager
def shapes_only() -> Iterator[None]:
    """Build modules on the device "meta" inside the block: they take no memory, and their weights are no numbers."""
    with torch.device("meta"), Unfilled():
        yield


def without_memory(build: Callable[[], nn.Module]) -> nn.Module | None:
    """Return a module on the device ``"meta"``, which takes no memory; None if it cannot be built there."""
    try:
        with shapes_only():
            return build()
    except (ValueError, RuntimeError, NotImplementedError) as error:
        if "meta" in f"{error} {error.__cause__}":
            return None
        raise
