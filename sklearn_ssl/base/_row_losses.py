"""The loss of rows, in the mean or one by one, under a trained objective."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..training import (
    Batch,
    BatchLoader,
    RandomStream,
    Step,
    Store,
    as_step,
    exactly,
    in_float32,
    mean_loss,
    move,
    n_rows,
    outputs_of,
    with_batch_statistics,
)
from ._objective import Objective


def row_losses_of(
    objective: Objective, store: Store, batch_size: int, device: torch.device | str
) -> np.ndarray:
    """Return ``objective.row_losses`` of all rows of a store, none of which depends on the others.

    Parameters
    ----------
    objective : Objective
        In evaluation mode. If its losses are means over random draws (``n_draws``), each row is a batch of its own, of
        so many copies: in a batch with other rows, the draws for a row would depend on its place and its neighbours.
    store : Store
    batch_size : int
        Rows in a batch, where nothing is random.
    device : torch.device or str

    Returns
    -------
    ndarray of shape (n,), float64
    """
    if objective.n_draws == 1:
        rows = outputs_of(lambda x: objective.row_losses(x)[:, None], store, 1, batch_size, device)[:, 0]
        return rows.astype(np.float64)

    @torch.no_grad()
    def of_copies(i: int) -> Any:
        copies = move(store[np.full(objective.n_draws, i)], device)
        return objective.row_losses(copies).double().mean()

    return torch.stack([in_float32(of_copies, i) for i in range(len(store))]).cpu().numpy()


def mean_loss_of(
    objective: Objective, store: Store, batch_size: int, device: torch.device | str, seed: int
) -> float | None:
    """Return the mean loss of the rows of a store; None if nothing in them could be predicted.

    Rows come in random order, since they may be sorted; `seed` decides that, and the views.
    """
    # one row has no variance
    measured: Any = with_batch_statistics(objective) if len(store) > 1 else objective
    stream = RandomStream(seed, device)

    @torch.no_grad()
    def step_of(batch: Batch, targets: Batch | None) -> Step:
        output = measured(move(batch, device))
        return as_step(output if targets is None else measured.loss(output, move(targets, device)))

    batches = stream.each(BatchLoader(store, batch_size, shuffle=True))
    return mean_loss(
        (stream.run(exactly, step_of, batch, target), n_rows(batch)) for batch, target in batches
    )
