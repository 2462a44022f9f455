"""Modules as numpy arrays plus a skeleton, for pickle and for joblib's hash."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy


class _Slot:
    """A placeholder for a tensor in the skeleton of a module."""


@dataclass(frozen=True, eq=False)
class PortableModule:
    """A module whose tensors are kept beside it as arrays of bytes.

    joblib hashes a torch tensor by its memory address, so a clone of an estimator would never be found in a
    ``memory=`` cache. Arrays are hashed by value. Besides, a model pickled on a GPU unpickles on a machine
    without one.
    """

    skeleton: nn.Module
    slots: list[_Slot]
    arrays: list[dict[str, Any]]

    @classmethod
    def pack(cls, module: nn.Module) -> PortableModule:
        """Split `module` into skeleton and arrays, without changing it."""
        tensors = list({id(t): t for m in module.modules() for t in tensors_in(vars(m))}.values())
        slots = [_Slot() for _ in tensors]
        memo: dict[int, Any] = {id(t): slot for t, slot in zip(tensors, slots, strict=True)}
        return cls(copy.deepcopy(module, memo), slots, [_to_array(t) for t in tensors])

    def unpack(self) -> nn.Module:
        """Rebuild the module on the CPU; shared tensors are shared again."""
        memo: dict[int, Any] = {
            id(slot): _to_tensor(**array) for slot, array in zip(self.slots, self.arrays, strict=True)
        }
        return copy.deepcopy(self.skeleton, memo)


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors among a module's attributes: parameters, buffers and plain tensors."""
    if isinstance(value, torch.Tensor):
        if not is_lazy(value):
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors_in(item)


def _to_array(tensor: torch.Tensor) -> dict[str, Any]:
    # as bytes, since numpy has no bfloat16
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return {
        "values": flat.view(torch.uint8).numpy().copy() if flat.numel() else np.empty(0, np.uint8),
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": tuple(tensor.shape),
        "is_parameter": isinstance(tensor, nn.Parameter),
        "requires_grad": tensor.requires_grad,
        "channels_last": tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last),
    }


def _to_tensor(
    values: np.ndarray,
    dtype: str,
    shape: tuple[int, ...],
    is_parameter: bool,
    requires_grad: bool,
    channels_last: bool,
) -> torch.Tensor:
    flat = torch.from_numpy(values.copy()) if values.size else torch.empty(0, dtype=torch.uint8)
    tensor = flat.view(getattr(torch, dtype)).reshape(shape)
    if channels_last:
        tensor = tensor.contiguous(memory_format=torch.channels_last)
    return nn.Parameter(tensor, requires_grad) if is_parameter else tensor


def weights_of(module: nn.Module) -> dict[str, torch.Tensor]:
    """Return parameters and buffers by name, with the buffers that torch calls non-persistent."""
    return dict(module.named_buffers()) | module.state_dict()


def load_weights(module: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Copy what :func:`weights_of` returned into a module of the same architecture."""
    persistent = module.state_dict().keys()
    module.load_state_dict({k: v for k, v in weights.items() if k in persistent})
    with torch.no_grad():
        for name in weights.keys() - persistent:
            module.get_buffer(name).copy_(weights[name])
