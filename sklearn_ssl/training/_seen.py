"""The loss of training rows, measured as that of the rows that are set aside."""

from __future__ import annotations

from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback

from ._loader import n_rows, some_of
from ._seed import RandomStream
from ._step import Step, mean_loss


class SeenLoss(Callback):
    """Record ``seen_loss``: the loss of as many training rows as are set aside, in batches of the same size.

    A loss that compares rows grows with the batch. Few rows are set aside, so that their batches are smaller than those
    of training, and ``valid_loss`` lies far below ``train_loss``, whatever was learned.
    """

    def on_epoch_end(
        self, net: NeuralNet, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any
    ) -> None:
        """Measure and record the loss, if rows are set aside."""
        if dataset_valid is None:
            return
        stream = RandomStream(0, net.device)  # the same views in every epoch
        batches = stream.each(net.get_iterator(some_of(dataset_train, len(dataset_valid), 0)))
        results = ((stream.run(net.validation_step, batch), n_rows(batch[0])) for batch in batches)
        steps = ((Step(result["loss"], result["weight"]), n) for result, n in results)
        net.history.record("seen_loss", mean_loss(steps) or 0.0)
