"""What a training will take, said once its first steps have shown it."""

from __future__ import annotations

import math
import sys
import time
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from tqdm.auto import tqdm

from ._progress import Progress
from ._time import TimeLimit

STEPS, SECONDS = 5, 0.2  # that are timed, whichever is reached first


def peak_memory(device: torch.device | str) -> int | None:
    """Return the most memory that this process has used so far, in bytes; None where it is not known."""
    if torch.device(device).type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


def duration(seconds: float) -> str:
    """Return a duration in words: "less than a second", "40 s", "12 min" or "3.5 h"."""
    if seconds < 1:
        return "less than a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Forecast(Callback):
    """Print one line after the first steps: epochs, steps, and the time and memory to be expected.

    The first step is not timed, since libraries set themselves up in it. Epochs of a single step are timed with
    what happens between epochs.

    Parameters
    ----------
    description : str
        What is trained.
    """

    def __init__(self, description: str):
        self.description = description

    def on_train_begin(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Begin to count."""
        self.done_, self.begun_, self.per_epoch_ = 0, 0.0, 0
        limits = [callback.seconds for _, callback in net.callbacks_ if isinstance(callback, TimeLimit)]
        self.limit_ = min(limits, default=math.inf)

    def on_epoch_begin(
        self, net: NeuralNet, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any
    ) -> None:
        """Count the steps of an epoch."""
        self.per_epoch_ = self.per_epoch_ or len(net.get_iterator(dataset_train))

    def on_batch_end(self, net: NeuralNet, batch: Any = None, training: bool = False, **kwargs: Any) -> None:
        """Time the first steps, and print the line."""
        if not training or self.done_ < 0:
            return
        self.done_ += 1
        now, total = time.perf_counter(), (net.max_epochs - net.n_resumed) * self.per_epoch_
        if self.done_ == 1:
            self.begun_ = now
        elif now - self.begun_ >= SECONDS or self.done_ == min(STEPS, total):
            step = (now - self.begun_) / (self.done_ - 1)
            tqdm.write(self.line(net, total, step, peak_memory(net.device)), file=sys.stderr)
            self.done_ = -1

    def line(self, net: NeuralNet, total: int, step: float, memory: int | None) -> str:
        """Return what is printed, given the number of steps, the seconds of one, and the peak of memory in bytes."""
        most = "at most " if net.train_split is not None else ""  # it may stop early
        plural = "" if self.per_epoch_ == 1 else "s"
        text = (
            f"{self.description}: {most}{net.max_epochs - net.n_resumed} epochs of {self.per_epoch_} step{plural} of "
            f"up to {net.batch_size} rows, about {duration(max(total * step, 1.0))}"
        )
        if self.limit_ < total * step:
            text += f", but max_time={self.limit_:g} ends it after {duration(self.limit_)}"
        return text if memory is None else f"{text}, {memory / 1e9:.1f} GB of memory in this process"


def reporters(description: str) -> list[Callback]:
    """Return the callbacks that tell a user who wants to know how training goes."""
    return [Forecast(description), Progress(description)]
