"""What a step of training shares with other processes: sums, rows and statistics. Alone, all is as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

LOST = (
    "The processes that trained together have lost each other: one of them failed or was stopped, and its own message "
    "says why. Start all of them again; with checkpoint=, training goes on from the last epoch."
)


class Shares(NamedTuple):
    """The batch of a step: which process this is, and how many rows each has."""

    rank: int
    rows: tuple[int, ...]

    @property
    def alone(self) -> bool:
        """Whether there is no other process."""
        return len(self.rows) == 1


ALONE = Shares(0, (0,))
_STEP: ContextVar[Shares] = ContextVar("step", default=ALONE)


@contextmanager
def in_our_words() -> Iterator[None]:
    """Say what it means that torch does not reach the other processes."""
    try:
        if not dist.is_initialized():
            raise RuntimeError("there is no process group")
        yield
    except RuntimeError as error:
        raise RuntimeError(LOST) from error


@contextmanager
def sharing(rank: int, rows: list[int]) -> Iterator[None]:
    """Inside the block, a step is taken together: by process `rank`, of which each has so many rows of the batch."""
    token = _STEP.set(Shares(rank, tuple(rows)))
    try:
        with SharedStatistics():
            yield
    finally:
        _STEP.reset(token)


class Sum(torch.autograd.Function):
    """The sum of a tensor over all processes; the gradient of each is the sum of what they all make of it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Return the sum."""
        total = x.clone(memory_format=torch.contiguous_format)
        with in_our_words():
            dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        """Return the sum of the gradients of all processes."""
        return Sum.apply(gradients[0])


def all_sum(x: Tensor) -> Tensor:
    """Return the sum of a tensor over the processes that train together, with gradients; alone, the tensor itself.

    Each process must call it in each step, for tensors of the same shape.
    """
    return x if _STEP.get().alone else Sum.apply(x.float() if x.is_floating_point() else x)


def all_rows(z: Tensor) -> Tensor:
    """Return the rows of the whole batch, given those of this process, with gradients; alone, the tensor itself.

    Parameters
    ----------
    z : Tensor of shape (n, ...)
        One row for each of the batch that this process has.

    Returns
    -------
    Tensor of shape (n_all, ...)
        In the order of the batch. The gradient of a loss of all rows reaches the network through those of each process.
    """
    step = _STEP.get()
    if step.alone:
        return z
    before, after = sum(step.rows[: step.rank]), sum(step.rows[step.rank + 1 :])
    return all_sum(F.pad(z, (0, 0) * (z.ndim - 1) + (before, after)))


def first_row() -> int:
    """Return the number of the first row of this process in the whole batch."""
    step = _STEP.get()
    return sum(step.rows[: step.rank])


def agreed(x: Tensor) -> Tensor:
    """Return a tensor that was drawn at random as the first process has drawn it, without gradients."""
    step = _STEP.get()
    return x if step.alone else all_sum(x if step.rank == 0 else torch.zeros_like(x))


def with_others(z: Tensor, picked: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
    """Return what is picked from all processes, behind what this one has; alone, both as they are.

    Parameters
    ----------
    z : Tensor of shape (n, ...)
        What this process has.
    picked : Tensor of int64 of shape (k,)
        Indices into `z`.
    own : Tensor of bool of shape (k,)
        Which of them are meant; each is in exactly one process.

    Returns
    -------
    z : Tensor of shape (n, ...) or (n + k, ...)
    picked : Tensor of int64 of shape (k,)
        Indices into it.
    """
    if _STEP.get().alone:
        return z, picked
    found = z[picked] * own.view(-1, *[1] * (z.ndim - 1))
    return torch.cat([z, all_sum(found).to(z.dtype)]), len(z) + torch.arange(
        len(picked), device=picked.device
    )


class SharedStatistics(TorchFunctionMode):
    """Inside the block, batch norm takes the statistics of the rows of all processes.

    torch's own ``SyncBatchNorm`` is for CUDA only, and would have to take the place of modules in the user's network.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return (batch_norm if func is F.batch_norm else func)(*args, **(kwargs or {}))


def batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise channels as ``torch.nn.functional.batch_norm`` does, by the statistics of all processes in training."""
    if not training:
        return F.batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    shape, axes = (1, -1, *[1] * (x.ndim - 2)), [0, *range(2, x.ndim)]
    values = x.float()
    mean, variance, n = moments(values, axes)
    if running_mean is not None and running_var is not None:
        with torch.no_grad():
            running_mean.lerp_(mean.to(running_mean), momentum)
            running_var.lerp_((variance * n / (n - 1)).to(running_var), momentum)
    out = (values - mean.view(shape)) * (variance + eps).rsqrt().view(shape)
    if weight is not None:
        out = out * weight.view(shape)
    return (out if bias is None else out + bias.view(shape)).to(x.dtype)


def moments(x: Tensor, axes: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean and the variance of each channel over all processes, and the number of values.

    The variance is that within the processes and that between them: squares of means would cancel.
    """
    step = _STEP.get()
    variance, mean = torch.var_mean(x, axes, correction=0)
    own = torch.stack([torch.full_like(mean, x.numel() / len(mean)), mean, variance])
    others = len(step.rows) - step.rank - 1
    n, means, variances = all_sum(F.pad(own[None], (0, 0, 0, 0, step.rank, others))).unbind(1)
    total = n.sum(0)
    mean = (n * means).sum(0) / total
    return mean, (n * (variances + (means - mean).square())).sum(0) / total, total
