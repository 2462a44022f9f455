"""Weights that were read from a file: whether they fit a module, before memory is spent on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from ._checkpoint import weights_of
from ._device import dtype_name

SLACK = 2**22  # numbers that may be made beside the weights, such as those of a trial batch
FACTORIES = {
    torch.arange,
    torch.empty,
    torch.empty_strided,
    torch.eye,
    torch.full,
    torch.linspace,
    torch.normal,
    torch.ones,
    torch.rand,
    torch.randint,
    torch.randn,
    torch.randperm,
    torch.zeros,
}
# torch.empty takes the same arguments. On the device "meta" some of these would import torch's compiler, and so would
# arange, which takes longer than all the rest of load.
OF_A_SIZE = {torch.ones, torch.rand, torch.randn, torch.zeros}


def _count(func: Callable[..., torch.Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """Return how many numbers a function of `FACTORIES` would make."""
    if func is not torch.arange:
        return (torch.empty if func in OF_A_SIZE else func)(*args, **{**kwargs, "device": "meta"}).numel()
    names = ("end",) if len(args) == 1 and "end" not in kwargs else ("start", "end", "step")
    given = {"start": 0, "step": 1, **dict(zip(names, args, strict=False)), **kwargs}
    return max(0, math.ceil((given["end"] - given["start"]) / given["step"]))


class Allowance(TorchFunctionMode):
    """Inside the block, torch makes no more numbers than twice those of some weights, and a little.

    A module that needs more does not have these weights. Its sizes come from a file, and may be any.
    """

    def __init__(self, weights: Iterable[torch.Tensor]):
        super().__init__()
        self.left = SLACK + 2 * sum(weight.numel() for weight in weights)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in FACTORIES and kwargs.get("out") is None:
            plan = {k: v for k, v in kwargs.items() if k not in ("generator", "pin_memory")}
            self.left -= _count(func, args, plan)
            if self.left < 0:
                raise ValueError(
                    "The saved weights do not fit the encoder, which would be larger than they are."
                )
        return func(*args, **kwargs)


def check_weights(module: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Raise a ValueError if saved weights are not those of a module of this architecture.

    Names, shapes and types are compared. Buffers that torch calls non-persistent may be lacking.
    """
    own, needed = weights_of(module), module.state_dict().keys()
    odd = sorted((weights.keys() - own.keys()) | (needed - weights.keys()))
    if odd:
        raise ValueError(f"The saved weights do not fit the encoder: {odd[:3]} are in one of the two only.")
    for name, saved in weights.items():
        if isinstance(own[name], torch.Tensor) and not is_lazy(own[name]):
            pair = [f"{dtype_name(t.dtype)} of shape {tuple(t.shape)}" for t in (saved, own[name])]
            if pair[0] != pair[1]:
                raise ValueError(
                    f"The saved weights do not fit the encoder: {name} is {pair[0]}, and should be {pair[1]}."
                )


def check_finite(module: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Raise a ValueError if saved weights are NaN or infinite where those of a new module are not, as in a mask."""
    own = weights_of(module)
    for name, saved in weights.items():
        odd = ~saved.isfinite() if saved.is_floating_point() else torch.zeros((), dtype=torch.bool)
        if odd.any() and (is_lazy(own[name]) or not saved[odd].equal(own[name].cpu()[odd])):
            raise ValueError(f"The saved weights {name} are not finite. Save the estimator again.")
