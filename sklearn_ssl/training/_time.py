"""Training that ends after a given time."""

from __future__ import annotations

import time
from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback


class TimeLimit(Callback):
    """End training after the first batch that ends later than `seconds` after its start.

    Like skorch's EarlyStopping, it ends training by a KeyboardInterrupt, which ``ObjectiveNet.train`` knows by `over_`.

    Parameters
    ----------
    seconds : float
    """

    def __init__(self, seconds: float):
        self.seconds = seconds

    def on_train_begin(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Start the clock."""
        self.end_ = time.monotonic() + self.seconds
        self.over_ = False

    def on_batch_end(self, net: NeuralNet, batch: Any = None, training: bool = False, **kwargs: Any) -> None:
        """End training if time is over; batches of validation are few, and complete their epoch."""
        if training and time.monotonic() >= self.end_:
            self.over_ = True
            raise KeyboardInterrupt

    def left(self) -> float:
        """Return the seconds that are left, at least 0."""
        return max(0.0, self.end_ - time.monotonic())
