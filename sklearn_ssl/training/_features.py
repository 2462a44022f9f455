"""From rows to the features that an objective gives for them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from skorch import NeuralNet

from ._loader import Batch, BatchLoader, Store, move


@torch.no_grad()
def features_of(
    net: NeuralNet,
    store: Store,
    shape: tuple[int, int],
    batch_size: int,
    view: Callable[[Batch], Batch] | None = None,
) -> np.ndarray:
    """Return the features of all rows of a store, a batch at a time.

    Parameters
    ----------
    net : NeuralNet
        Its module is an objective, in evaluation mode.
    store : Store
    shape : tuple (n, width)
        Of the features.
    batch_size : int
    view : callable, optional
        What to do to a batch first, on the device.

    Returns
    -------
    ndarray of shape (n, width), float32

    Raises
    ------
    ValueError
        If the features of a batch do not have a row for each of its rows, or not this width.
    """
    out = np.empty(shape, dtype=np.float32)
    for index in BatchLoader(store, batch_size).indices():
        x = move(store[index], net.device)
        features = net.module_.features(x if view is None else view(x))
        if features.shape != (len(index), shape[1]):
            raise ValueError(
                f"The encoder gave features of shape {tuple(features.shape)} for {len(index)} rows; it must "
                f"give ({len(index)}, {shape[1]}). Do not drop or mix rows in it."
            )
        out[index] = features.float().cpu().numpy()
    return out
