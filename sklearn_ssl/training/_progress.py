"""Progress bars: of a training, and of any loop, on a terminal, in a notebook and in a log file."""

from __future__ import annotations

import sys
from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback
from tqdm.auto import tqdm

from ._time import TimeLimit

SECONDS = 30  # between two lines of a log file


class Lines:
    """A stream that gets each state of a bar as a line of its own, where a bar cannot be drawn over itself."""

    def __init__(self, stream: Any):
        self.stream = stream

    def write(self, text: str) -> None:
        """Write what a bar looks like, if it says anything."""
        line = text.strip("\r\n ")
        if line:
            self.stream.write(f"{line}\n")

    def flush(self) -> None:
        """Flush the stream."""
        self.stream.flush()


def progress_bar(total: int, description: str | None = None, **options: Any) -> Any:
    """Return tqdm's bar for ``range(total)``, to iterate over or to update.

    It is on stderr. If that is no terminal, such as a log file, it writes a line every half minute.

    Parameters
    ----------
    total : int
        Number of steps.
    description : str or None
    **options
        Further parameters of tqdm.
    """
    in_a_notebook = any(cls.__module__ == "tqdm.notebook" for cls in tqdm.__mro__)
    if not (in_a_notebook or sys.stderr.isatty()):
        # miniters=1: the time is looked at in each step. Else tqdm guesses the steps between two lines, and where they
        # take longer its thread writes a line at any time, and the next step another one
        options |= {"file": Lines(sys.stderr), "mininterval": SECONDS, "miniters": 1, "ncols": 0}
    return tqdm(range(total), desc=description, **options)


class Progress(Callback):
    """One progress bar over the whole training: batches done, epoch, losses, and the time that `max_time` leaves.

    Parameters
    ----------
    description : str
    """

    def __init__(self, description: str):
        self.description = description

    def on_train_begin(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Find the time limit, if there is one."""
        limits = [callback for _, callback in net.callbacks_ if isinstance(callback, TimeLimit)]
        self.limit_ = limits[0] if limits else None
        self.bar_: Any = None

    def on_epoch_begin(
        self, net: NeuralNet, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any
    ) -> None:
        """Begin the bar."""
        if self.bar_ is None:
            batches, epochs = len(net.get_iterator(dataset_train)), net.max_epochs
            done = net.n_resumed * batches  # by an earlier run
            self.bar_ = progress_bar(epochs * batches, self.description, unit="batch", initial=done)
            self.epoch_, self.losses_ = net.n_resumed, ""
        self.epoch_ += 1

    def on_batch_end(self, net: NeuralNet, batch: Any = None, training: bool = False, **kw: Any) -> None:
        """Count the batch."""
        if training:
            self._tell(net)
            self.bar_.update()

    def on_epoch_end(
        self, net: NeuralNet, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any
    ) -> None:
        """Note the losses."""
        row = net.history[-1]
        names = [key for key in ("train_loss", "valid_loss") if key in row]
        self.losses_ = "".join(f", {key}={row[key]:.3f}" for key in names)
        self._tell(net)

    def on_train_end(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Close the bar."""
        if self.bar_ is not None:
            self.bar_.close()
        self.bar_ = self.limit_ = None

    def _tell(self, net: NeuralNet) -> None:
        left = f", time left={tqdm.format_interval(self.limit_.left())}" if self.limit_ else ""
        self.bar_.set_postfix_str(f"epoch={self.epoch_}/{net.max_epochs}{self.losses_}{left}", refresh=False)
