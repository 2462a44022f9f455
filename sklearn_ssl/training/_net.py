"""skorch's NeuralNet, told that the module's output is the loss itself."""

from __future__ import annotations

import math
import warnings
from typing import Any

import torch
from sklearn.exceptions import ConvergenceWarning
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping
from torch import nn
from tqdm.auto import tqdm

from ._batch_norm import batch_statistics
from ._loader import Batch, BatchLoader, move, n_rows
from ._seed import seeded

VALIDATION_SEED = 0  # the same views in every epoch: losses that can be compared


class PretextNet(NeuralNet):
    """Train an objective: a module that maps a batch to a scalar loss.

    Parameters
    ----------
    module : nn.Module
        The objective.
    precision : torch.dtype
        bfloat16 runs the module under autocast; float32 as it is.
    **kwargs
        skorch's own parameters.
    """

    def __init__(self, module: nn.Module, *, precision: torch.dtype = torch.float32, **kwargs: Any):
        super().__init__(module, criterion=kwargs.pop("criterion", nn.Identity), **kwargs)
        self.precision = precision

    @property
    def _default_callbacks(self) -> list[Any]:
        return []  # the losses are recorded below; no table is printed

    def get_dataset(self, X: Any, y: Any = None) -> Any:
        return X  # a store is a dataset already, whatever its class

    def get_iterator(self, dataset: Any, training: bool = False) -> BatchLoader:
        return BatchLoader(dataset, self.batch_size, shuffle=training)

    def infer(self, x: Batch, **fit_params: Any) -> torch.Tensor:
        device = torch.device(self.device)
        with torch.autocast(device.type, self.precision, enabled=self.precision != torch.float32):
            return self.module_(move(x, device))

    def get_loss(self, y_pred: torch.Tensor, y_true: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        return y_pred

    def train_step(self, batch: Any, **fit_params: Any) -> dict[str, torch.Tensor]:
        step = super().train_step(batch, **fit_params)
        self.module_.after_step()
        return step

    def validation_step(self, batch: Any, **fit_params: Any) -> dict[str, torch.Tensor]:
        self.module_.eval()
        with torch.no_grad(), batch_statistics(self.module_):
            loss = self.infer(batch[0])
        return {"loss": loss, "y_pred": loss}

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Run one epoch; losses add up on the device, so that no batch waits for the one before."""
        if iterator is None:
            return
        if not training:
            with seeded(VALIDATION_SEED, self.device):
                self._run_batches(iterator, training, prefix, step_fn)
        else:
            self._run_batches(iterator, training, prefix, step_fn)

    def _run_batches(self, iterator: Any, training: bool, prefix: str, step_fn: Any) -> None:
        sums: dict[str, Any] = {}
        rows: Any = 0
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch)
            count = self.module_.count
            size = n_rows(batch[0]) if count is None else count
            rows = rows + size
            logs = {"loss": step["loss"], **self.module_.logs}
            self.module_.logs, self.module_.count = {}, None
            for name, value in logs.items():
                sums[name] = sums.get(name, 0.0) + value.detach() * size
            self.notify("on_batch_end", batch=batch, training=training, **step)
        for name, value in sums.items():
            self._record(f"{prefix}_{name}", float(value) / max(1.0, float(rows)))
        if not rows:
            warnings.warn(
                "There is nothing in X that could be predicted, so nothing was learned. Pass longer rows.",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.history.record(f"{prefix}_batch_count", len(iterator))

    def _record(self, name: str, value: float) -> None:
        if name.endswith("_loss") and not math.isfinite(value):
            raise ValueError(
                f"The loss became {value} in epoch {len(self.history)}: training went astray. Lower lr "
                f"(now {self.lr:g}), look for extreme values in X and in the parameters of the loss (such as "
                "a tiny temperature), or use precision='float32' if it is not."
            )
        so_far = [row[name] for row in self.history[:-1] if name in row]
        self.history.record(name, value)
        self.history.record(f"{name}_best", value < min(so_far, default=math.inf))

    def train(self, store: Any, epochs: int) -> None:
        """Train for `epochs` more epochs.

        skorch's own fit swallows Ctrl-C, and its EarlyStopping stops by raising the same exception:
        here the second ends training and the first is raised on, after `on_train_end`.
        """
        self.max_epochs = epochs
        self.notify("on_train_begin", X=store, y=None)
        try:
            self.fit_loop(store, epochs=epochs)
        except KeyboardInterrupt:
            if not self._stopped_early():
                raise
        finally:
            self.notify("on_train_end", X=store, y=None)
            self.module_.eval()

    def _stopped_early(self) -> bool:
        stoppers = [c for _, c in self.callbacks_ if isinstance(c, EarlyStopping)]
        return any(c.misses_ == c.patience for c in stoppers)


class Progress(Callback):
    """One progress bar over the whole training: batches done, epoch, losses."""

    def __init__(self, description: str):
        self.description = description

    def on_train_begin(self, net: PretextNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        self.bar_: Any = None

    def on_epoch_begin(
        self, net: PretextNet, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any
    ) -> None:
        if self.bar_ is None:
            batches = len(net.get_iterator(dataset_train))
            self.bar_ = tqdm(total=net.max_epochs * batches, desc=self.description, unit="batch")
            self.epoch_ = 0
        self.epoch_ += 1

    def on_batch_end(self, net: PretextNet, batch: Any = None, training: bool = False, **kw: Any) -> None:
        if training:
            self.bar_.update()

    def on_epoch_end(
        self, net: PretextNet, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any
    ) -> None:
        row = net.history[-1]
        losses = {key: f"{row[key]:.3f}" for key in ("train_loss", "valid_loss") if key in row}
        self.bar_.set_postfix({"epoch": f"{self.epoch_}/{net.max_epochs}", **losses}, refresh=False)

    def on_train_end(self, net: PretextNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        if self.bar_ is not None:
            self.bar_.close()
        self.bar_ = None
