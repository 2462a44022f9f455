"""skorch's NeuralNet for modules that know their own loss."""

from __future__ import annotations

import math
from functools import cached_property
from numbers import Real
from typing import Any, Self

import torch
from sklearn.exceptions import ConvergenceWarning
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping
from skorch.history import History
from torch import nn

from ..warning import warn
from ._batch_norm import with_batch_statistics
from ._loader import Batch, BatchLoader, move, n_rows
from ._on_device import on_device
from ._resume import Keeper
from ._schedule import Memory, end_of_schedules, laid_out, memory_of, starting_schedules
from ._seed import RandomStream
from ._step import as_step
from ._time import TimeLimit
from ._world import ALONE, World

VALIDATION_SEED = 0  # the same views in every epoch, so that losses can be compared


class Epochs(History):
    """A history whose last row can be looked at without a copy of all others, which skorch makes each time."""

    def __getitem__(self, i: Any) -> Any:
        return list.__getitem__(self, i) if isinstance(i, int) else super().__getitem__(i)


def least_of(history: list[dict[str, Any]]) -> dict[str, float]:
    """Return the smallest value so far of each loss."""
    least: dict[str, float] = {}
    for row in history:
        for name, value in row.items():
            least[name] = min(value, least.get(name, math.inf))
    return least


class ObjectiveNet(NeuralNet):
    """Train an objective: a module that knows its own loss.

    The loop, callbacks, history and optimizer are skorch's. Three things differ. A batch may be a NamedTuple, which
    skorch's ``infer`` would turn into a list. A loss comes as a :class:`Step`, with its weight and logs. Losses are
    read once per epoch.

    Parameters
    ----------
    module : nn.Module
        The objective. ``forward(x)`` returns the loss. If rows have targets, ``forward(x)`` returns outputs, and
        ``loss(output, targets)`` the loss.
    precision : torch.dtype
        bfloat16 runs the module under autocast; float32 runs it unchanged.
    param_groups : list of dict or None
        Parameter groups for the optimizer, such as ``{"params": [...], "lr": 1e-4}``; None is one group. skorch's
        own groups are defined by patterns of names, and nothing is known about the names in a user's module.
    **kwargs
        skorch's own parameters.
    """

    keeper_: Keeper | None = None  # in training only
    world_: World = ALONE  # in training only
    halted_ = False  # by a callback, in this process or in another one
    n_resumed = 0  # epochs of the last training that an earlier run had done

    def __init__(
        self,
        module: nn.Module,
        *,
        precision: torch.dtype = torch.float32,
        param_groups: list[dict[str, Any]] | None = None,
        **kwargs: Any,
    ):
        # skorch requires a criterion; here the module computes its own loss
        super().__init__(module, criterion=kwargs.pop("criterion", nn.Identity), **kwargs)
        self.precision = precision
        self.param_groups = param_groups

    @property
    def _default_callbacks(self) -> list[Any]:
        return []  # the losses are recorded below; no table is printed

    def get_dataset(self, X: Any, y: Any = None) -> Any:
        return X  # a store is a dataset already, whatever its class

    def get_split_datasets(self, X: Any, y: Any = None, **fit_params: Any) -> tuple[Any, Any]:
        train, valid = super().get_split_datasets(X, y, **fit_params)
        return on_device(train, self.device), None if valid is None else on_device(valid, self.device)

    def get_iterator(self, dataset: Any, training: bool = False) -> BatchLoader:
        part = self.world_.own if training else None  # all processes measure the loss on all rows set aside
        return BatchLoader(dataset, self.batch_size, shuffle=training, part=part)

    def get_params_for_optimizer(self, prefix: str, named_parameters: Any) -> tuple[Any, dict[str, Any]]:
        args, kwargs = super().get_params_for_optimizer(prefix, named_parameters)
        return (args if self.param_groups is None else (self.param_groups,)), kwargs

    def infer(self, x: Batch, **fit_params: Any) -> Any:
        return self._output(self.module_, x)

    def _output(self, module: nn.Module, x: Batch) -> Any:
        device = torch.device(self.device)
        # only the forward pass: losses switch autocast off and add up in float32
        with torch.autocast(device.type, self.precision, enabled=self.precision != torch.float32):
            return module(move(x, device))

    def train_step_single(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        if not all(part.training for part in (self.module_, *self.module_.children())):
            self._set_training(True)  # a callback has looked at features
        step = self._forward(self.module_, batch)
        # no scaling of gradients: bfloat16 has the range of float32
        if self.world_.size == 1:
            step["loss"].backward()
            return step
        weight = torch.as_tensor(size_of(step, batch), device=step["loss"].device)
        (step["loss"] * weight).backward()
        self.world_.add_up([p for p in self.module_.parameters() if p.requires_grad], weight)
        return step

    def train_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        step = super().train_step(batch, **fit_params)
        self.module_.after_step()
        return step

    def validation_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        # without dropout, but with the statistics of the batch: the rows are corrupted views, as in training
        with torch.no_grad():
            return self._forward(self.measured, batch)

    @cached_property
    def measured(self) -> nn.Module:
        """The module as losses and embeddings are measured: see :func:`with_batch_statistics`."""
        return with_batch_statistics(self.module_)

    def _forward(self, module: Any, batch: Any) -> dict[str, Any]:
        x, targets = batch
        output = self._output(module, x)
        step = as_step(output if targets is None else module.loss(output, move(targets, self.device)))
        # skorch's callbacks expect y_pred; a pretext task has no output but its loss
        return {**step._asdict(), "y_pred": step.loss if targets is None else output}

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Run one epoch. Losses are summed on the device, so that no batch waits for the previous one."""
        if iterator is None:
            return
        self.__dict__.pop("measured", None)  # a network may have replaced parts that are no parameters
        if training:
            self._set_training(True)  # here and not in each step: it walks through all parts of the network
        # a stream of its own for validation, so that training draws the same numbers with and without it
        stream = self.stream_ if training else RandomStream(VALIDATION_SEED, self.device)
        world = self.world_ if training else ALONE
        views = world.draws(stream, self.device)
        sums: dict[str, Any] = {}
        total: Any = 0
        for batch in stream.each(iterator):
            self.notify("on_batch_begin", batch=batch, training=training)
            step = views.run(world.step, step_fn, batch)
            size = size_of(step, batch)
            total = total + size  # a tensor if weights are: reading it would make a GPU wait
            for name, value in {"loss": step["loss"], **step["logs"]}.items():
                sums[name] = sums.get(name, 0.0) + value.detach() * size
            self.notify("on_batch_end", batch=batch, training=training, **step)
        sums, total = world.totals(sums, total)
        if training:
            world.same_tensors(self.module_.buffers())  # such as moving averages, each of its own rows
        # weights of rows may add up to less than 1; where nothing counts, the sum is 0 as well
        means = {name: float(value) / (float(total) or 1.0) for name, value in sums.items()}
        # callbacks decide by them: those of all processes are the same
        for name, mean in self.world_.same(means).items():
            self._record(f"{prefix}_{name}", mean)
        if not total:
            warn(
                "There is nothing in X that could be predicted, so nothing was learned. Pass longer rows.",
                ConvergenceWarning,
            )
        self.history.record(f"{prefix}_batch_count", len(iterator))

    def _record(self, name: str, value: float) -> None:
        if name.endswith("_loss") and not math.isfinite(value):
            raise ValueError(
                f"The loss became {value} in epoch {len(self.history)}: training went astray. Lower lr "
                f"(now {self.lr:g}), look for extreme values in X and in the parameters of the loss (such as "
                "a tiny temperature), or use precision='float32' if it is not."
            )
        self.history.record(name, value)
        self.history.record(f"{name}_best", value < self.least_.get(name, math.inf))
        self.least_[name] = min(value, self.least_.get(name, math.inf))

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        try:
            super().notify(method_name, **cb_kwargs)
            stops = False
        except KeyboardInterrupt:
            if not self._stopped_early():
                raise
            stops = True
        if self._stops_anywhere(stops, method_name):
            self.halted_ = True
            raise KeyboardInterrupt
        if method_name == "on_epoch_end" and self.keeper_ is not None:  # after all callbacks
            self.keeper_.keep(self)

    def _stops_anywhere(self, stops: bool, method_name: str) -> bool:
        """Return whether a callback ends training in any process, so that all end it after the same batch."""
        if self.world_.size == 1:
            return stops
        timed = any(isinstance(c, TimeLimit) for _, c in self.callbacks_)
        if method_name == "on_epoch_end" or (timed and method_name == "on_batch_end"):
            return self.world_.any(stops)
        return stops

    def train(
        self,
        store: Any,
        epochs: int,
        stream: RandomStream,
        keeper: Keeper | None = None,
        world: World = ALONE,
    ) -> None:
        """Train for `epochs` more epochs, with the random numbers of `stream`, or for those that `keeper` has not seen.

        skorch's own ``fit`` swallows Ctrl-C, and its EarlyStopping stops training by the same exception. Here
        early stopping and a time limit end training quietly, and Ctrl-C is re-raised after `on_train_end`.
        """
        if torch.is_inference_mode_enabled():
            raise ValueError("Nothing can be trained within torch.inference_mode(). Call fit outside of it.")
        world.check_rows(len(store) // len(self.get_iterator(store)))  # of the smallest batch
        self.max_epochs, self.n_resumed = epochs, 0  # callbacks that begin may ask
        self.stream_, self.world_, self.halted_ = stream, world, False
        try:
            with world.left_by_errors():
                self._train(store, epochs, keeper)
        finally:
            del self.world_

    def _train(self, store: Any, epochs: int, keeper: Keeper | None) -> None:
        self.world_.same_weights(self.module_)  # processors differ in the last bits
        memory = self.__dict__.pop("memory_", None)
        self.module_.before_training()
        with starting_schedules(self.optimizer_, self.callbacks_, memory, self.lr):
            self.notify("on_train_begin", X=store, y=None)
        self.n_resumed = 0 if keeper is None else keeper.begin(self, epochs)
        try:
            self.keeper_ = keeper
            if not self._has_lost_patience():  # in an earlier run
                with end_of_schedules():
                    self.fit_loop(store, epochs=epochs - self.n_resumed)
        except KeyboardInterrupt:
            if not self._stopped_early():
                raise
            if keeper is not None and self._has_lost_patience():
                keeper.keep(self)
        finally:
            self.keeper_ = None
            self.notify("on_train_end", X=store, y=None)
            self.module_.eval()

    def start(self, history: list[dict[str, Any]]) -> Self:
        """Initialize the net to train after the epochs of `history`."""
        self.initialize()
        for group in self.optimizer_.param_groups:
            group["initial_lr"] = group["lr"]  # a schedule that continues needs it
        self.module_.eval()
        return self.begin_after(history)

    def begin_after(self, history: list[dict[str, Any]]) -> Self:
        """Take the figures of earlier epochs for those of this net."""
        self.past_, self.least_ = history, least_of(history)
        self.history = Epochs({**row, "batches": []} for row in history)
        return self

    def follow(self, net: ObjectiveNet, history: list[dict[str, Any]]) -> Self:
        """Go on after the epochs of another net, whose figures are `history`.

        Its rows are taken over, not copied: many short fits have a long history.
        """
        self.past_, self.least_, self.history = history, dict(net.least_), net.history
        del self.history[len(history) :]  # of an epoch that was broken off, or of a fit that was undone
        return self

    def memory(self) -> Memory:
        """Return what training on needs to know: the optimizer's averages, and where schedules have arrived."""
        # a net that has not trained since it took a memory over has nothing newer
        return vars(self).get("memory_") or memory_of(self.optimizer_, self.callbacks_, self.lr)

    def remember(self, memory: Memory) -> Self:
        """Take over what another net has learned about gradients; its schedules go on in `train`."""
        self.memory_ = memory
        averages = laid_out(memory.averages, self.optimizer_)
        self.optimizer_.load_state_dict({**self.optimizer_.state_dict(), "state": averages})
        return self

    def release(self) -> None:
        """Free what only training needs: the rows set aside, and gradients, which are as large as the weights."""
        self.train_split = None
        self.optimizer_.zero_grad(set_to_none=True)

    def epochs(self) -> list[dict[str, Any]]:
        """Return the figures of each complete epoch."""
        new = (self.history[i] for i in range(len(self.past_), len(self.history)))
        rows = [row for row in new if "train_loss" in row]
        return [*self.past_, *({k: v for k, v in row.items() if _is_scalar(k, v)} for row in rows)]

    def _has_lost_patience(self) -> bool:
        return any(c.misses_ == c.patience for _, c in self.callbacks_ if isinstance(c, EarlyStopping))

    def _stopped_early(self) -> bool:
        limits = [c for _, c in self.callbacks_ if isinstance(c, TimeLimit)]
        return self.halted_ or self._has_lost_patience() or any(c.over_ for c in limits)


def size_of(step: dict[str, Any], batch: Any) -> Any:
    """Return the weight of a step among others: the number of rows, or what it says."""
    return n_rows(batch[0]) if step["weight"] is None else step["weight"]


def _is_scalar(name: str, value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and not name.endswith("_batch_count")
