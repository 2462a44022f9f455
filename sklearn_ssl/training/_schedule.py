"""Schedules of the learning rate over several fits, as they would run in one."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from skorch.callbacks import Callback, LRScheduler
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ._settings import restoring

NamedCallbacks = Iterable[tuple[str, Callback]]


class Memory(NamedTuple):
    """What training on needs to know of the training before.

    Attributes
    ----------
    averages : dict
        The optimizer's state: its moving averages of past gradients.
    settings : list of dict
        The settings of its parameter groups, such as the rate at which a schedule has arrived.
    schedules : dict of int to dict
        The state of each schedule, by the identity of its callback: another callback is another schedule.
    lr : float
        The learning rate at which training began.
    """

    averages: dict[Any, Any]
    settings: list[dict[str, Any]]
    schedules: dict[int, dict[str, Any]]
    lr: float


def memory_of(optimizer: Optimizer, callbacks: NamedCallbacks, lr: float) -> Memory:
    """Return a copy of what training on needs to know."""
    state = restoring(
        copy.deepcopy, optimizer.state_dict()
    )  # a tensor switches gradients off while it is copied
    settings = [{k: v for k, v in group.items() if k != "params"} for group in state["param_groups"]]
    schedules = {id(c): c.lr_scheduler_.state_dict() for c in _schedulers(callbacks) if _has_begun(c)}
    # Ctrl-C may have come while the optimizer set up its averages, of which this one is the last
    averages = {i: entry for i, entry in state["state"].items() if "exp_avg_sq" in entry}
    return Memory(averages, settings, copy.copy(schedules), lr)


def laid_out(averages: dict[int, Any], optimizer: Optimizer) -> dict[int, Any]:
    """Return the averages of an optimizer in the memory layout of its parameters.

    A fused step goes through memory, and does not look at strides. Averages that were read from a file lie in the order
    of their indices, and the weights of convolutions do not.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]

    def like(value: Any, parameter: Tensor) -> Any:
        if (
            not isinstance(value, Tensor)
            or value.shape != parameter.shape
            or value.stride() == parameter.stride()
        ):
            return value
        return torch.empty_like(parameter, dtype=value.dtype, device=value.device).copy_(value)

    return {i: {k: like(v, parameters[i]) for k, v in entry.items()} for i, entry in averages.items()}


@contextmanager
def starting_schedules(
    optimizer: Optimizer, callbacks: NamedCallbacks, memory: Memory | None, lr: float
) -> Iterator[None]:
    """Let skorch set up schedules inside the block; then let those that had begun go on from where they were.

    skorch would begin them at the number of past epochs, from the rate of the optimizer, which is a new one: most
    schedules would drift, and some cannot be set up in that way at all.
    """
    fresh = [c for c in _schedulers(callbacks) if _counts_epochs(c)]
    for callback in fresh:
        callback.last_epoch = -1
    try:
        yield
    finally:
        for callback in fresh:
            del callback.last_epoch
    if memory is None or memory.lr != lr:
        return
    known = [c for c in _schedulers(callbacks) if id(c) in memory.schedules]
    for callback in known:
        callback.lr_scheduler_.load_state_dict(memory.schedules[id(callback)])
    if known:
        for group, settings in zip(optimizer.param_groups, memory.settings, strict=True):
            group.update(settings)


@contextmanager
def end_of_schedules() -> Iterator[None]:
    """Say what to do where a schedule that has an end, such as OneCycleLR, is asked for a step beyond it."""
    try:
        yield
    except ValueError as error:
        if "total steps" not in str(error):
            raise
        raise ValueError(
            f"A schedule of the learning rate in callbacks is over: {str(error).strip()}. Give it as many steps as "
            "there are epochs in all fits (batches, with step_every='batch'): total_steps=max_epochs."
        ) from error


def _schedulers(callbacks: NamedCallbacks) -> list[Any]:
    return [callback for _, callback in callbacks if isinstance(callback, LRScheduler)]


def _has_begun(callback: Any) -> bool:
    return getattr(callback, "lr_scheduler_", None) is not None


def _counts_epochs(callback: Any) -> bool:
    """Return whether a schedule takes ``last_epoch``, and its user has not given one."""
    return callback.policy_ is not ReduceLROnPlateau and "last_epoch" not in callback.kwargs
