"""The loss of training rows, measured as that of the rows that are set aside."""

from __future__ import annotations

from typing import Any

import numpy as np
from skorch import NeuralNet
from skorch.callbacks import Callback

from ._loader import Selection, n_rows
from ._seed import RandomStream


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
        rows = np.random.default_rng(0).permutation(len(dataset_train))[: len(dataset_valid)]
        total = size = 0.0
        stream = RandomStream(0, net.device)  # the same views in every epoch
        for batch in stream.each(net.get_iterator(Selection(dataset_train, rows))):
            step = stream.run(net.validation_step, batch)
            weight = n_rows(batch[0]) if step["weight"] is None else float(step["weight"])
            total, size = total + float(step["loss"]) * weight, size + weight
        net.history.record("seen_loss", total / (size or 1.0))
