"""Features at the positions of an encoder of sequences."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ..modalities import Modality, Sequences
from ..training import BatchLoader, Store, in_float32, move


def steps_of(
    encoder: nn.Module, modality: Modality, store: Store, batch_size: int, device: torch.device | str
) -> list[np.ndarray]:
    """Return the features at the positions of each row of a store, ``(n_positions_i, width)`` float32 each.

    Raises
    ------
    TypeError
        If rows of this modality are no sequences.
    ValueError
        If the encoder has features of whole rows only.
    """
    if not isinstance(modality, Sequences):
        raise modality.lacks("no positions in time")
    sequences = modality

    @torch.no_grad()
    def hidden(index: np.ndarray) -> list[np.ndarray]:
        h, present = sequences.hidden_of(encoder, move(store[index], device))
        rows, places = h.float().cpu().numpy(), present.cpu().numpy()
        return [row[here] for row, here in zip(rows, places, strict=True)]

    out: list[np.ndarray] = [np.empty(0)] * len(store)
    for index in BatchLoader(store, batch_size).indices():
        for i, row in zip(index, in_float32(hidden, index), strict=True):
            out[i] = row
    return out
