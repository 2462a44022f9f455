"""Where and how precisely to compute: fixed rules, never a timing, so that bits repeat."""

from __future__ import annotations

import torch

SEEDED = ("cpu", "cuda")  # devices whose generators a RandomStream exchanges


def default_kind() -> str:
    """Return the kind of device that ``"auto"`` is."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def resolve_device(device: str | torch.device) -> torch.device:
    """Return the torch device that `device` names; ``"auto"`` is CUDA where there is one, else the CPU.

    CUDA without a number is the current device. It gets its number here, so that a network and its batches stay
    together if the current device changes.

    Raises
    ------
    ValueError
        If torch does not know the name, or sees no such device, or if it is neither a CPU nor CUDA.
    """
    if device == "auto":
        device = default_kind()
    try:
        resolved = torch.device(device)
        if resolved.type == "cpu" and resolved.index:  # torch takes any number
            raise RuntimeError("there is one CPU")
        torch.empty(0, device=resolved)  # a name may be known while no such device is there
        if not torch.amp.is_autocast_available(resolved.type):
            raise RuntimeError("it holds no data to train on")
        if resolved.type not in SEEDED:
            raise RuntimeError("its random numbers would not follow random_state")
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"device={str(device)!r} cannot be used here ({str(error).splitlines()[0]}). "
            "Use device='auto', 'cpu' or, where torch sees one, 'cuda'."
        ) from error
    if resolved.type == "cuda" and resolved.index is None:
        return torch.device("cuda", torch.cuda.current_device())
    return resolved


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """Return the dtype of the network's matrix products: ``torch.bfloat16`` or ``torch.float32``.

    ``"auto"`` is bfloat16 where the processor has instructions for it (AVX512-BF16 or AMX on a CPU,
    compute capability 8.0 on CUDA) and float32 elsewhere.
    """
    if precision != "auto":
        return torch.bfloat16 if precision == "bfloat16" else torch.float32
    if device.type == "cpu":
        cpu = torch.cpu
        native = cpu._is_avx512_bf16_supported() or cpu._is_amx_tile_supported()
    elif device.type == "cuda":
        native = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        native = False
    return torch.bfloat16 if native else torch.float32


def dtype_name(dtype: torch.dtype) -> str:
    """Return a dtype without the name of the library, such as ``"float32"``."""
    return str(dtype).removeprefix("torch.")
