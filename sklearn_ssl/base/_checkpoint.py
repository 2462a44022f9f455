"""What a checkpoint is of, where it lies, and whether a training may go on from it."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ..modalities import Modality
from ..persistence import digest_of, fitted_of, folder_of, read_checkpoint, write_checkpoint
from ..training import (
    Batch,
    BlockStore,
    LabeledStore,
    ObjectiveNet,
    Selection,
    Store,
    World,
    dtype_name,
    in_float32,
    is_first,
    resolve_precision,
    restore,
    state_of,
    weights_of,
)
from ..warning import warn
from ._processes import processes_of, refuse_differences

# they don't change what is learned; device and precision are compared as they are resolved
UNCOMPARED = {
    "callbacks",
    "checkpoint",
    "device",
    "max_time",
    "n_jobs",
    "on_collapse",
    "precision",
    "verbose",
    "warm_start",
}
ROWS = 256  # of the data that are looked at together
SAMPLE = 64  # rows at the beginning, in the middle and at the end that processes compare
LONGEST = 200  # of a value that is shown
WAY_OUT = "delete the file, or pass another checkpoint."


class Checkpoint:
    """The file of one training: it is read when training begins, and replaced after each epoch.

    Parameters
    ----------
    file : Path
    description : dict
        What the training is: see :func:`description_of`.
    world : World
        The processes that train together. All go on from the file, and the first one writes it.

    Raises
    ------
    ValueError
        If the file is of another training, or damaged.
    """

    def __init__(self, file: Path, description: dict[str, Any], world: World):
        self.file, self.description, self.warned = file, description, False
        self.found = world.from_first(read_checkpoint, file)  # the others may be on machines without the file
        if self.found is None:
            return
        differences = differences_of(description, self.found[0].get("training"))
        if differences:
            raise ValueError(
                f"{file} is of another training: {'; '.join(differences)}. To go on with that one, pass what it was "
                f"begun with. To train anew, {WAY_OUT}"
            )

    def begin(self, net: ObjectiveNet, epochs: int) -> int:
        """Put a net into the state of the file, or write the first one; return the number of epochs that are done."""
        if self.found is None:
            self._write(net)  # what cannot be written shows before anything is trained
            return 0
        (config, tensors), self.found = self.found, None
        try:
            return restore(net, config["state"], tensors, epochs)
        except Exception as error:  # torch, skorch and Python each have their own for a bad state
            raise ValueError(f"{self.file} is damaged: {error}. To train anew, {WAY_OUT}") from error

    def keep(self, net: ObjectiveNet) -> None:
        """Replace the file; if that fails, say so once and train on."""
        try:
            self._write(net)
        except OSError as error:
            if not self.warned:
                warn(
                    f"{error} Training goes on; the file stays as it was after an earlier epoch.", UserWarning
                )
            self.warned = True

    def _write(self, net: ObjectiveNet) -> None:
        if not is_first():
            return
        state, tensors = state_of(net)
        write_checkpoint(self.file, {"training": self.description, "state": state}, tensors)


def checkpoint_of(
    estimator: Any,
    modality: Modality,
    data: Store,
    device: torch.device,
    epochs: int,
    origin: nn.Module | None,
    own: bool,
    world: World,
) -> Checkpoint | None:
    """Return the checkpoint of a training; None if the estimator has no folder for it, or there are no epochs.

    Parameters
    ----------
    estimator, modality, data, device, epochs, origin
        As in :func:`description_of`.
    own : bool
        Whether the training has a file of its own in the folder, as those of clones have.
    world : World
        The processes that train together.
    """
    if estimator.checkpoint is None or not epochs:
        return None
    description = description_of(estimator, modality, data, device, epochs, origin)
    if world.size > 1:  # they divide batches and random numbers
        description["params"]["number of processes"] = json.dumps(world.size)
    return Checkpoint(checkpoint_file(estimator.checkpoint, description, own), description, world)


def check_same_everywhere(
    world: World,
    estimator: Any,
    modality: Modality,
    data: Store,
    device: torch.device,
    epochs: int,
    origin: nn.Module | None,
) -> None:
    """Raise a ValueError if the processes that train together were given different parameters or data.

    Of the rows only some are compared, and what the modality learned from all.
    """
    if world.size == 1:
        return
    n, kind = len(data), torch.device(device.type)  # each has a device of its own
    some = np.unique([place for start in (0, n // 2, n - SAMPLE) for place in range(start, start + SAMPLE)])
    sample = Selection(data, some[(some >= 0) & (some < n)])
    targets = sample.targets_at(np.arange(len(sample)))
    rows = sample if targets is None else LabeledStore(sample, targets)
    description = description_of(estimator, modality, rows, kind, epochs, origin)
    watched = {
        "max_time": estimator.max_time,
        "callbacks": [type(c).__name__ for c in estimator.callbacks or ()],
    }
    description["params"] |= {name: json.dumps(value) for name, value in watched.items()}
    refuse_differences(
        world, description | {"rows": n}, lambda new, old: differences_of(new, old, "there", "there")
    )


def entropy_of(estimator: Any) -> int | np.random.RandomState | None:
    """Return the `random_state` of an estimator; for None, the seed that was drawn for its checkpoint folder, if any.

    Without it, a training that goes on would meet another teacher, or other labels of a pool, than it began with.
    """
    if estimator.random_state is not None:
        return estimator.random_state
    world = processes_of(estimator)
    if estimator.checkpoint is None:
        return None if world.size == 1 else world.same(secrets.randbits(31))
    return world.from_first(_kept_seed, estimator)


def _kept_seed(estimator: Any) -> int:
    file = folder_of(estimator.checkpoint, "checkpoint") / "seed.safetensors"
    found = read_checkpoint(file)
    if found is None:
        write_checkpoint(file, {"seed": secrets.randbits(31)}, {})
        found = read_checkpoint(file)
    seed = found[0].get("seed") if found else None
    if not isinstance(seed, int) or seed < 0:
        raise ValueError(f"{file} is damaged: it holds no seed. To train anew, {WAY_OUT}")
    return seed


def checkpoint_file(folder: Any, description: dict[str, Any], own: bool) -> Path:
    """Return the file of a training in a folder: one for all, or, for clones, one of its own."""
    folder = folder_of(folder, "checkpoint")
    if not own:
        return folder / "checkpoint.safetensors"
    return folder / f"{digest_of(json.dumps(description))[:20]}.safetensors"


def description_of(
    estimator: Any,
    modality: Modality,
    data: Store,
    device: torch.device,
    epochs: int,
    origin: nn.Module | None,
) -> dict[str, Any]:
    """Return what a training is, as JSON: the same description leads to the same bits.

    Parameters
    ----------
    estimator : NetworkEstimator
    modality : Modality
        Fitted.
    data : Store
        All rows.
    device : torch.device
    epochs : int
    origin : nn.Module or None
        Whose weights training begins with, if it is not the encoder among the parameters.
    """
    if origin is None and isinstance(estimator.encoder, nn.Module):
        origin = estimator.encoder
    store, targets = (data.store, data.targets) if isinstance(data, LabeledStore) else (data, None)
    params = _params_of(estimator) | {
        "device": str(device),
        "precision": dtype_name(resolve_precision(estimator.precision, device)),
        "number of epochs": epochs,
    }
    if isinstance(store, BlockStore):  # they decide in which order rows come
        mixed = min(store.n_mixed, len(store.starts) - 1)
        params |= {"blocks of rows": _plain(store.starts), "blocks mixed at a time": mixed}
    return {
        "class": type(estimator).__name__,
        "params": {name: json.dumps(value) for name, value in params.items()},
        "rows": len(store),
        "X": in_float32(_digest_of_rows, store) + digest_of(fitted_of(modality)),
        "targets": "" if targets is None else _digest_of_batches([targets]),
        "origin": "" if origin is None else _digest_of_module(origin),
    }


def differences_of(new: dict[str, Any], old: Any, was: str = "was", had: str = "had") -> list[str]:
    """Return the differences between the description of a training and that of a file, in words."""
    if not (isinstance(old, dict) and new.keys() == old.keys() and isinstance(old["params"], dict)):
        return ["it is described in another way"]
    if new["class"] != old["class"]:
        return [f"it is of {old['class']}, not of {new['class']}"]
    names = [n for n in {**new["params"], **old["params"]} if new["params"].get(n) != old["params"].get(n)]
    found = [
        f"{n} is {_shown(new['params'].get(n))}, and {was} {_shown(old['params'].get(n))}" for n in names
    ]
    if new["rows"] != old["rows"]:
        found.append(f"X has {new['rows']} rows, and {had} {old['rows']}")
    elif new["X"] != old["X"] and not any("modality" in name for name in names):
        found.append("X has other values")
    if not found and new["targets"] != old["targets"]:
        found.append("y has other values, or sample_weight, or what a teacher or a pretrainer says of X")
    if not found and new["origin"] != old["origin"]:
        found.append(
            "it began with other weights, of the encoder or pretrainer that was passed or of the last fit"
        )
    return found


def _shown(value: Any) -> str:
    text = "not there" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _params_of(estimator: Any) -> dict[str, Any]:
    """Return the parameters that decide what is learned, and those of what is among them."""
    params = estimator.get_params(deep=True)
    return {name: _plain(params[name]) for name in sorted(params) if not UNCOMPARED & set(name.split("__"))}


def _plain(value: Any) -> Any:
    """Return a parameter as JSON."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return [[_plain(key), _plain(item)] for key, item in value.items()]
    if isinstance(value, np.ndarray):
        return f"array of shape {value.shape}, {digest_of(value)[:8]}"
    # weights are compared on their own, parameters of parameters too, and a generator moves on
    if isinstance(value, (nn.Module, np.random.RandomState)) or hasattr(value, "get_params"):
        return type(value).__name__
    return re.sub(" at 0x[0-9a-f]+", "", repr(value))


def _digest_of_rows(store: Store) -> str:
    n = len(store)
    return _digest_of_batches(store[np.arange(i, min(i + ROWS, n))] for i in range(0, n, ROWS))


def _digest_of_module(module: nn.Module) -> str:
    own = {name: weight for name, weight in weights_of(module).items() if isinstance(weight, Tensor)}
    return _digest_of_batches(weight.detach() for _, weight in sorted(own.items()) if not is_lazy(weight))


def _digest_of_batches(batches: Any) -> str:
    digest = hashlib.blake2b(digest_size=20)
    for batch in batches:
        for tensor in _tensors_of(batch):
            digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
            if tensor.numel():
                digest.update(tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _tensors_of(batch: Batch) -> list[Tensor]:
    if isinstance(batch, Tensor):
        return [batch]
    return [tensor for part in batch if part is not None for tensor in _tensors_of(part)]
