"""What is learned once and needed in every batch: on each device once."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import torch
from torch import Tensor

_COPIES: dict[tuple[Any, ...], Tensor] = {}


def resident(array: np.ndarray, device: torch.device | str, dtype: torch.dtype | None = None) -> Tensor:
    """Return an array as a tensor on a device, copied there when it is first asked for, not for each batch.

    Parameters
    ----------
    array : ndarray
        Not written to later. The copy lives as long as it does.
    device : torch.device or str
    dtype : torch.dtype, optional
        By default that of the array.

    Returns
    -------
    Tensor
        Do not write to it: on a CPU it may share the memory of the array.
    """
    device = torch.device(device)
    if device.type == "cpu":
        return torch.from_numpy(array).to(dtype=dtype)
    key = id(array), device, dtype
    if key not in _COPIES:
        _COPIES[key] = torch.from_numpy(array).to(device, dtype, non_blocking=True)
        weakref.finalize(array, _COPIES.pop, key, None)  # another array may get its id
    return _COPIES[key]
