"""From rows to the outputs of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._loader import Batch, BatchLoader, Store, move
from ._seed import in_float32

REGISTER = 16  # floats that a processor handles at once, at most: those of AVX-512
HELD = 2**28  # bytes of outputs that stay on another device until the host fetches them


def outputs_of(
    compute: Callable[[Batch], Tensor],
    store: Store,
    width: int | None,
    batch_size: int,
    device: torch.device | str,
) -> np.ndarray:
    """Return the outputs of `compute` for all rows of a store, computed batch by batch.

    From a device other than the CPU they are fetched together, so that no batch waits for the one before.

    Parameters
    ----------
    compute : callable
        Maps a batch of n rows to ``(n, width)``, for example ``objective.features``, in evaluation mode.
    store : Store
    width : int or None
        If None, the width of the first output.
    batch_size : int
    device : torch.device or str
        Where `compute` expects its batches.

    Returns
    -------
    ndarray of shape (n, width), float32

    Raises
    ------
    ValueError
        If the result for a batch does not have a row for each of its rows, or not this width.
    """

    @torch.no_grad()
    def output(index: np.ndarray) -> Tensor:
        return compute(move(store[index], device))

    out: Any = None
    held: list[tuple[np.ndarray, Tensor]] = []
    for index in BatchLoader(store, batch_size).indices():
        # kernels round the last rows of a batch otherwise if they do not fill a register: a row alone would get other
        # features than among others
        padded = np.resize(index, -(-len(index) // REGISTER) * REGISTER)
        rows = in_float32(output, padded)
        if len(rows) == len(padded):
            rows = rows[: len(index)]
        if out is None:
            width = rows.shape[-1] if width is None else width
            out = np.empty((len(store), width), dtype=np.float32)
        if rows.shape != (len(index), width):
            raise ValueError(
                f"The encoder gave features of shape {tuple(rows.shape)} for {len(index)} rows; it must "
                f"give ({len(index)}, {width}). Do not drop or mix rows in it."
            )
        held.append((index, rows.float()))
        if rows.device.type == "cpu" or sum(part.nbytes for _, part in held) > HELD:
            held = _put(held, out)
    _put(held, out)
    return out


def _put(held: list[tuple[np.ndarray, Tensor]], out: np.ndarray) -> list[Any]:
    """Write outputs to their rows of `out`, and return an empty list."""
    if held:
        # batches of rows of like length are not in the order of the store
        out[np.concatenate([index for index, _ in held])] = (
            torch.cat([part for _, part in held]).cpu().numpy()
        )
    return []
