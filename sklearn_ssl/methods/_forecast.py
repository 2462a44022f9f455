"""Forecasts: rows of numbers continued by an autoregressive model, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..base import Objective
from ..modalities import Sequences
from ..training import Batch, BatchLoader, RandomStream, Store, in_float32, move

N_ROWS, N_FORECASTS = 1000, 10_000  # that the linear part is learned from, at most
GOLDEN = 0.618034  # steps of this length, modulo 1, cover the numbers below 1 evenly


def stride_of(modality: Any, decoder: Any) -> int:
    """Return how many steps a position of the encoder stands for."""
    return decoder.variance.shape[0] // modality.n_channels_ // modality.steps_ahead


def linear_of(modality: Sequences, decoder: Any) -> Any:
    """Return what forecasts beside a network, not yet learned; None if rows are no numbers, or too short."""
    numbers: Any = modality
    return numbers.linear_forecast(stride_of(modality, decoder)) if modality.can_forecast else None


@torch.no_grad()
def learn_linear(objective: Any, store: Store, device: torch.device | str, batch_size: int) -> None:
    """Learn the linear forecasts of rows, after a training, and whether they are better than those of the network.

    Parameters
    ----------
    objective : AutoregressiveObjective
        In evaluation mode.
    store : Store
    device : torch.device or str
    batch_size : int
        Rows that go through the network at a time.
    """
    if getattr(objective, "linear", None) is None:  # one that was pickled by an earlier version has none
        return
    rows = np.unique(np.linspace(0, len(store) - 1, N_ROWS).astype(int))
    each = N_FORECASTS / len(rows) / objective.modality.n_channels_
    parts: list[list[np.ndarray]] = []
    for start in range(0, len(rows), batch_size):
        some = rows[start : start + batch_size]
        found = in_float32(_examples, objective, move(store[some], device), each, GOLDEN * some % 1)
        parts.append([part.cpu().numpy() for part in found])
        parts[-1][-1] += start
    objective.linear.learn(*map(np.concatenate, zip(*parts, strict=True)))


def _examples(objective: Any, x: Batch, each: float, starts: np.ndarray) -> tuple[Tensor, ...]:
    """Return inputs of the regression, forecasts of the network, and what came, for about `each` positions of channels.

    They are spread over the positions of a row, from its start on, a number below 1 in `starts`: all rows may begin at
    the same time of day.

    Returns
    -------
    before, network, truth, rows : Tensor of shape (k, n_lags + 1), (k, n_ahead), (k, n_ahead), (k,)
    """
    linear, stride = objective.linear, stride_of(objective.modality, objective.decoder)
    n, _, n_channels = x.values.shape
    where, h, values = objective.predicted(x)
    values, known = values.unflatten(2, (2, -1, n_channels)).unbind(2)
    steps = stride * torch.arange(1, where.shape[1] + 1, device=where.device) - 1
    history = linear.has_history(x, torch.arange(n, device=where.device)[:, None], steps)
    good = where[..., None] & known.bool().all(2) & history
    rank, share = good.cumsum(1), each / good.sum(1, keepdim=True).clamp(min=1)
    begin = torch.as_tensor(starts, device=where.device)[:, None, None]
    picked = good & ((rank * share - begin).floor() > ((rank - 1) * share - begin).floor())
    rows, at, channels = picked.nonzero(as_tuple=True)
    network = objective.decoder(h[rows, at]).float().unflatten(1, (-1, n_channels))
    k = torch.arange(len(rows), device=rows.device)
    before = linear.before(x, rows, steps[at])[k, channels]
    return before, network[k, :, channels], values[rows, at, :, channels], rows


@torch.no_grad()
def continued(
    objective: Objective, x: Batch, n_steps: int, temperature: float = 0.0, stream: RandomStream | None = None
) -> Tensor:
    """Return further steps of each row, predicted from those before them, as many at a time as the decoder gives.

    Parameters
    ----------
    objective : Objective
        With a causal encoder, and a decoder of the changes from the last step to those that follow.
    x : batch of n rows
    n_steps : int
    temperature : float, default=0.0
        Factor of the standard deviation of draws around a prediction; 0 returns the predictions themselves.
    stream : RandomStream, optional
        Makes the draws.

    Returns
    -------
    Tensor of shape (n, n_steps, channels)
    """
    modality: Any = objective.modality
    decoder: Any = objective.decoder
    n_channels = x.values.shape[2]
    linear, stride = getattr(objective, "linear", None), stride_of(modality, decoder)
    parts: list[Tensor] = []
    while sum(part.shape[1] for part in parts) < n_steps:
        x = modality.recent(x, stride)
        hidden = modality.hidden_of(objective.encoder, x)
        last = hidden.present.sum(1) - 1
        rows = torch.arange(len(last), device=last.device)
        values, variance = decoder(hidden.h[rows, last]).float(), decoder.variance
        if linear is not None:
            values, variance = linear(x, rows, x.lengths - 1, values, variance)
        if stream is not None:
            noise = stream.run(torch.randn, values.shape).to(values.device)
            values = values + temperature * variance.sqrt() * noise
        parts.append(x.values[rows, x.lengths - 1][:, None] + values.view(len(values), -1, n_channels))
        x = modality.append(x, parts[-1])
    return torch.cat(parts, dim=1)[:, :n_steps]


def forecast(estimator: Any, X: Any, horizon: int) -> np.ndarray:
    """Return the next steps of each row of X, in its units; see ``AutoregressivePretrainer.predict``."""
    objective, store = estimator._ready(X)
    device = estimator.net_.device
    out: list[Any] = [None] * len(store)
    for index in BatchLoader(store, estimator._rows_per_batch).indices():
        values = in_float32(continued, objective, move(store[index], device), horizon)
        for i, row in zip(index, store.in_units(index, values.cpu().numpy()), strict=True):
            out[i] = row
    return np.stack(out)


def drawn(
    estimator: Any,
    start: Any,
    n_samples: int,
    max_length: int | None,
    temperature: float,
    stream: RandomStream,
) -> np.ndarray:
    """Return continuations of a row of numbers, in its units; see ``AutoregressivePretrainer.sample``."""
    if isinstance(start, str):
        raise ValueError(
            "A series begins with numbers: pass those that are known, of shape (time,) or (channels, time), as prompt."
        )
    objective, store = estimator._ready([np.asarray(start)])
    known = store.raw(np.array([0]))[0][:, : store.lengths[0]]
    n_more = known.shape[1] if max_length is None else max_length - known.shape[1]
    if n_more < 1:
        raise ValueError(
            f"The prompt has {known.shape[1]} steps, and max_length={max_length}. Raise max_length, or shorten the "
            "prompt."
        )
    index = np.zeros(n_samples, dtype=int)
    x = move(store[index], estimator.net_.device)
    values = in_float32(continued, objective, x, n_more, temperature, stream)
    more = store.in_units(index, values.cpu().numpy())
    begun = np.broadcast_to(known[0] if store.flat else known, (n_samples, *more.shape[1:-1], known.shape[1]))
    return np.concatenate([begun, more], axis=-1)
