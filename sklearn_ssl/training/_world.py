"""The processes that train together: how they find each other, and what they tell each other."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ._checkpoint import weights_of
from ._device import default_kind
from ._loader import n_rows
from ._seed import RandomStream, draw_seed
from ._shared import in_our_words, sharing

LAUNCHER = ("RANK", "WORLD_SIZE", "MASTER_ADDR")  # what torchrun sets for each process
OWNER = "SKLEARN_SSL_PROCESS"  # the process that a launcher started; its children inherit the variable


class World:
    """Processes that train together, of which this is one; by default it is the only one.

    Parameters
    ----------
    size, rank : int
        Number of processes, and which one this is.
    hosts : torch.distributed.ProcessGroup or None
        What they tell each other on the host, so that no device waits for it.
    """

    def __init__(self, size: int = 1, rank: int = 0, hosts: Any = None):
        self.size, self.rank, self.hosts = size, rank, hosts

    def __reduce__(self) -> Any:
        return World, ()  # a copy of a net in training trains alone

    def counts(self, n: int) -> list[int]:
        """Return the number that each process passes."""
        numbers = torch.zeros(self.size, dtype=torch.int64)
        numbers[self.rank] = n
        with in_our_words():
            dist.all_reduce(numbers, group=self.hosts)
        return [int(number) for number in numbers]

    def any(self, flag: bool) -> bool:
        """Return whether any process passes True."""
        return flag if self.size == 1 else sum(self.counts(int(flag))) > 0

    def all_of(self, value: Any) -> list[Any]:
        """Return what each process passes."""
        values = [value] * self.size
        if self.size > 1:
            with in_our_words():
                dist.all_gather_object(values, value, group=self.hosts)
        return values

    def same(self, value: Any) -> Any:
        """Return what the first process passes."""
        values = [value]
        if self.size > 1:
            with in_our_words():
                dist.broadcast_object_list(values, src=0, group=self.hosts)
        return values[0]

    def from_first(self, work: Callable[..., Any], *args: Any) -> Any:
        """Return ``work(*args)``, which the first process alone does; its errors are raised in all of them."""
        if self.size == 1:
            return work(*args)
        result, error = None, None
        if self.rank == 0:
            try:
                result = work(*args)
            except Exception as failure:  # the others wait for an answer
                error = failure
        result, error = self.same((result, error))
        if error is not None:
            raise error
        return result

    def same_tensors(self, tensors: Iterable[Any]) -> None:
        """Overwrite tensors by those of the first process, so that all have the same bits."""
        if self.size == 1:
            return
        groups: dict[tuple[Any, ...], list[Tensor]] = {}
        for tensor in tensors:
            if isinstance(tensor, Tensor) and not is_lazy(tensor):
                groups.setdefault((tensor.dtype, tensor.device), []).append(tensor.detach())
        for group in groups.values():  # one message for many small tensors
            flat = torch.cat([tensor.flatten() for tensor in group])
            with in_our_words():
                dist.broadcast(flat, src=0)
            for tensor, part in zip(group, flat.split([t.numel() for t in group]), strict=True):
                tensor.copy_(part.view_as(tensor))

    def same_weights(self, module: nn.Module) -> None:
        """Overwrite the parameters and buffers of a module by those of the first process."""
        self.same_tensors(weights_of(module).values())

    def check_rows(self, n: int) -> None:
        """Raise a ValueError if a batch of n rows is too small to be divided."""
        if self.size > 1 and n < 2 * self.size:
            raise ValueError(
                f"A batch has {n} rows, and each of the {self.size} processes needs at least 2 of them. Raise "
                "batch_size, which is that of all processes together, pass more rows, or start fewer processes."
            )

    def own(self, index: np.ndarray) -> np.ndarray:
        """Return which of the rows of a batch are those of this process."""
        return index if self.size == 1 else np.array_split(index, self.size)[self.rank]

    def draws(self, stream: RandomStream, device: torch.device | str) -> RandomStream:
        """Return the random numbers of this process for an epoch, given those that all have in common."""
        if self.size == 1:
            return stream
        # what the stream would draw next, without drawing it: the order of the rows is as in one process
        ahead = torch.Generator().set_state(stream.states[0])
        return RandomStream(draw_seed(int(torch.randint(2**31, (), generator=ahead)), self.rank), device)

    def step(self, work: Callable[..., Any], batch: Any) -> Any:
        """Return ``work(batch)``, in which sums, and statistics of batch norm, are those of all processes."""
        if self.size == 1:
            return work(batch)
        with sharing(self.rank, self.counts(n_rows(batch[0]))):
            return work(batch)

    def add_up(self, parameters: list[nn.Parameter], weight: Tensor) -> None:
        """Replace gradients of a loss times its weight by those of the mean over all processes.

        A parameter without a gradient in any process stays without one, as the optimizer leaves it alone then.
        """
        n, own = len(parameters), [p.grad is not None for p in parameters]
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        head = torch.tensor(own, dtype=torch.float32).to(weight.device, non_blocking=True)
        flat = torch.cat([weight.reshape(1).float(), head, *(part.flatten() for part in parts)])
        with in_our_words():
            dist.all_reduce(flat)
        mean = flat[1 + n :] / torch.where(flat[0] > 0, flat[0], 1)
        there = own if all(own) else flat[1 : 1 + n].tolist()
        for parameter, part, found in zip(
            parameters, mean.split([p.numel() for p in parts]), there, strict=True
        ):
            parameter.grad = part.view_as(parameter).to(parameter.dtype) if found else None

    def totals(self, sums: dict[str, Any], total: Any) -> tuple[dict[str, Any], Any]:
        """Return the sums of an epoch, and their total weight, over all processes."""
        if self.size == 1:
            return sums, total
        parts = self.all_of(({name: float(value) for name, value in sums.items()}, float(total)))
        names = {name: sum(part.get(name, 0.0) for part, _ in parts) for name in sums}
        return names, sum(weight for _, weight in parts)

    @contextmanager
    def left_by_errors(self) -> Iterator[None]:
        """Leave the others if there is an error inside the block: whatever they wait for then fails at once."""
        try:
            yield
        except BaseException:
            if self.size > 1:
                self.hosts = None
                part()
            raise


ALONE = World()
_JOINED: list[World] = []  # the world of this process, once it has been asked for


def part() -> None:
    """Close the connections to the other processes."""
    if dist.is_initialized():
        dist.destroy_process_group()


def launched() -> int:
    """Return how many processes a launcher such as torchrun has started; 1 if this one was started on its own."""
    return int(os.environ["WORLD_SIZE"]) if all(name in os.environ for name in LAUNCHER) else 1


def is_first() -> bool:
    """Return whether this process writes files and logs: all do, but those that train together with another one."""
    return not _JOINED or _JOINED[0].rank == 0


def join(device: str | torch.device) -> World:
    """Return the processes that a launcher has started, and connect to them when it is first called.

    Parameters
    ----------
    device : str or torch.device
        Where they train. On CUDA each gets a device of its own, which becomes the current one.

    Raises
    ------
    ImportError
        If Accelerate is not installed.
    ValueError
        If this is not one of the processes that the launcher has started, or `device` is that of one of them.
    """
    n = launched()
    if n == 1:
        return ALONE
    if os.environ.setdefault(OWNER, str(os.getpid())) != str(os.getpid()):
        raise ValueError(
            f"This process was started by one of the {n} that train together, such as for n_jobs=2, and is none of "
            "them. Fit there, or run the script without torchrun."
        )
    kind = torch.device(default_kind() if device == "auto" else device)
    if kind.index is not None and kind.type != "cpu":
        raise ValueError(
            f"device='{kind}' is one device, and {n} processes need one each. Use device='auto' or '{kind.type}'."
        )
    if not _JOINED:
        _JOINED.append(_connected(kind.type, n))
    return _JOINED[0]


def _connected(kind: str, n: int) -> World:
    try:
        from accelerate import PartialState
    except ImportError as error:
        raise ImportError(
            "Training in several processes needs accelerate: pip install 'sklearn-ssl[distributed]', or pip install "
            "accelerate."
        ) from error
    state = PartialState(cpu=kind == "cpu")  # finds the others, and sets the current device
    if state.num_processes != n or state.device.type != kind:
        raise ValueError(
            f"{n} processes were started to train on {kind!r}, and Accelerate was set up before for "
            f"{state.num_processes} on {state.device.type!r}. Pass device={state.device.type!r}, or let the first fit "
            "set it up."
        )
    atexit.register(part)  # torch complains otherwise
    return World(n, state.process_index, dist.new_group(backend="gloo"))


if launched() > 1:
    os.environ.setdefault(OWNER, str(os.getpid()))
