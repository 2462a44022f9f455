"""What happens between the steps of fine-tuning: the learning rate rises and falls, layers join one by one."""

from __future__ import annotations

import math
from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import nn

from ..encoders import stages_of

WARM = 0.1  # share of the steps in which the rate rises


class WarmupCosine(Callback):
    """Let the learning rates rise linearly, then fall along a cosine to zero at the last step."""

    def on_epoch_begin(self, net: NeuralNet, dataset_train: Any = None, **kwargs: Any) -> None:
        if not hasattr(self, "total_"):
            self.total_ = net.max_epochs * len(net.get_iterator(dataset_train, training=True))
            self.done_ = 0

    def on_batch_begin(self, net: NeuralNet, batch: Any = None, training: bool = False, **kw: Any) -> None:
        if training:
            factor = rate_at(self.done_, self.total_)
            for group in net.optimizer_.param_groups:
                group["lr"] = group["initial_lr"] * factor
            self.done_ += 1


def rate_at(step: int, total: int) -> float:
    """Return the factor of the learning rate at a step, counted from 0, of `total` steps."""
    warm = max(1, round(WARM * total))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


class GradualUnfreezing(Callback):
    """Train the head first; the stages of the encoder join from its output to its input, in the first half.

    References
    ----------
    .. [1] J. Howard, S. Ruder. "Universal Language Model Fine-tuning for Text Classification." ACL 2018.
       https://arxiv.org/abs/1801.06146
    """

    def on_epoch_begin(self, net: NeuralNet, dataset_train: Any = None, **kwargs: Any) -> None:
        if hasattr(self, "waiting_"):
            return
        stages = stages_of(net.module_.encoder)
        total = net.max_epochs * len(net.get_iterator(dataset_train, training=True))
        self.every_ = max(1, total // (2 * len(stages)))
        self.done_ = getattr(self, "done_", 0)  # of a training that goes on after it was killed
        joined = max(0, self.done_ - 1) // self.every_
        below = stages[: max(0, len(stages) - joined)]
        self.waiting_ = [[p for p in stage.parameters() if p.requires_grad] for stage in below]
        for stage in self.waiting_:
            _allow(stage, False)

    def on_batch_begin(self, net: NeuralNet, batch: Any = None, training: bool = False, **kw: Any) -> None:
        if not training:
            return
        if self.waiting_ and self.done_ and self.done_ % self.every_ == 0:
            _allow(self.waiting_.pop(), True)
        self.done_ += 1

    def on_train_end(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        for stage in getattr(self, "waiting_", []):  # training may end before its first epoch
            _allow(stage, True)
        self.waiting_ = []


def _allow(parameters: list[nn.Parameter], wanted: bool) -> None:
    for parameter in parameters:
        parameter.requires_grad_(wanted)
