"""The state of a training between two epochs: everything that the next epoch depends on."""

from __future__ import annotations

from collections import Counter, OrderedDict
from numbers import Real
from typing import Any, Protocol

import numpy as np
import torch
from skorch.callbacks import EarlyStopping, LRScheduler
from torch import Tensor, nn

from ._checkpoint import load_weights, weights_of
from ._forecast import Forecast
from ._progress import Progress
from ._saved import check_weights
from ._schedule import laid_out
from ._time import TimeLimit

OF_ONE_RUN = (Forecast, Progress, TimeLimit)  # callbacks whose clocks and bars begin anew


class Keeper(Protocol):
    """Keeps the state of a net."""

    def begin(self, net: Any, epochs: int) -> int:
        """Put a net into the state that is kept, if there is one; return the number of epochs that it has done."""

    def keep(self, net: Any) -> None:
        """Keep the state of a net between two epochs."""


def state_of(net: Any) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the state of a net between two epochs, as JSON and tensors.

    Callbacks are included as far as they can be: numbers, texts, arrays and tensors in attributes whose names end with
    an underscore, as fitted ones do.

    Raises
    ------
    ValueError
        If the network or a schedule has a state of other things.
    """
    optimizer = net.optimizer_.state_dict()
    tensors: dict[str, Tensor] = {}
    state = {
        "history": net.epochs(),
        "weights": weights_of(net.module_),
        "averages": optimizer["state"],
        "settings": [{k: v for k, v in g.items() if k != "params"} for g in optimizer["param_groups"]],
        "stream": net.stream_.states,
    }
    packed = {name: _packed(value, tensors, name, "network") for name, value in state.items()}
    packed["callbacks"] = {
        name: {"class": type(callback).__name__, **_state_of_callback(callback, tensors, f"callbacks.{name}")}
        for name, callback in net.callbacks_
        if not isinstance(callback, OF_ONE_RUN)
    }
    return packed, tensors


def restore(net: Any, packed: dict[str, Any], tensors: dict[str, Tensor], epochs: int) -> int:
    """Put a net whose training has just begun into a state; return the number of epochs that it has done.

    Raises
    ------
    ValueError
        If the state is none of such a net.
    """
    state = {name: unpack(value, tensors) for name, value in packed.items() if name != "callbacks"}
    history = state["history"]
    if not all(isinstance(v, Real) for row in history for v in row.values()):
        raise ValueError("its history is none")
    done = len(history) - len(net.past_)
    if not 0 <= done <= epochs:
        raise ValueError(f"it has done {done} of {epochs} epochs")
    check_weights(net.module_, state["weights"])
    load_weights(net.module_, state["weights"])
    _restore_optimizer(net.optimizer_, state["averages"], state["settings"])
    for name, callback in net.callbacks_:
        saved = packed["callbacks"].get(name, {})
        if saved.get("class") == type(callback).__name__ and not isinstance(callback, OF_ONE_RUN):
            _restore_callback(callback, saved, tensors, net.module_)
    if [s.shape for s in state["stream"]] != [s.shape for s in net.stream_.states]:
        raise ValueError("its random state is that of another device")
    net.stream_.states = state["stream"]
    net.begin_after(history)
    return done


def _restore_optimizer(
    optimizer: torch.optim.Optimizer, averages: dict[int, Any], settings: list[dict[str, Any]]
) -> None:
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    own = optimizer.state_dict()["param_groups"]
    if [g.keys() - {"params"} for g in own] != [g.keys() for g in settings]:
        raise ValueError("its optimizer is another one")
    for i, entry in averages.items():
        if any(t.shape not in (parameters[i].shape, ()) for t in entry.values()):
            raise ValueError("its optimizer is that of another network")
    groups = [{**group, **saved} for group, saved in zip(own, settings, strict=True)]
    optimizer.load_state_dict({"state": laid_out(averages, optimizer), "param_groups": groups})


def _state_of_callback(callback: Any, tensors: dict[str, Tensor], name: str) -> dict[str, Any]:
    attributes, packed = {k: v for k, v in vars(callback).items() if is_fitted_name(k)}, {}
    for key, value in attributes.items():
        try:
            packed[key] = pack(value, tensors, f"{name}.{key}")
        except TypeError:  # such as the rows that a callback looks at, which it finds again
            continue
    if not isinstance(callback, LRScheduler) or callback.lr_scheduler_ is None:
        return {"attributes": packed}
    schedule = callback.lr_scheduler_
    state = _packed(schedule.state_dict(), tensors, f"{name}.schedule", type(schedule).__name__)
    return {"attributes": packed, "schedule": state}


def _packed(value: Any, tensors: dict[str, Tensor], name: str, whose: str) -> Any:
    try:
        return pack(value, tensors, name)
    except TypeError as error:
        raise ValueError(
            f"The state of the {whose} cannot be written to a checkpoint: {error}. Take another, or checkpoint=None."
        ) from error


def _restore_callback(
    callback: Any, saved: dict[str, Any], tensors: dict[str, Tensor], module: nn.Module
) -> None:
    attributes = {k: unpack(v, tensors) for k, v in saved["attributes"].items()}
    if not all(is_fitted_name(k) and not hasattr(type(callback), k) for k in attributes):
        raise ValueError(f"its callback {type(callback).__name__} is another one")
    if isinstance(callback, EarlyStopping) and attributes.get("best_model_weights_") is not None:
        best = module.state_dict()  # which also knows the versions of its parts
        check_weights(module, attributes["best_model_weights_"])
        best.update(attributes["best_model_weights_"])
        attributes["best_model_weights_"] = best
    vars(callback).update(attributes)
    if "schedule" in saved:
        callback.lr_scheduler_.load_state_dict(unpack(saved["schedule"], tensors))


def is_fitted_name(name: str) -> bool:
    """Return whether an attribute of this name is a fitted one, as scikit-learn names them."""
    return name.isidentifier() and name.endswith("_") and not name.startswith("_")


def pack(value: Any, tensors: dict[str, Tensor], name: str) -> Any:
    """Return plain values as JSON, of which tensors and arrays go into `tensors` under `name`.

    Raises
    ------
    TypeError
        If there is anything else among them.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return pack(value.item(), tensors, name)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        tensors[name] = torch.from_numpy(value.copy())
        return {"array": name}
    if isinstance(value, Tensor) and not isinstance(value, nn.Parameter):  # which belongs to the network
        tensors[name] = value
        return {"tensor": name}
    if type(value) in (list, tuple):
        items = [pack(item, tensors, f"{name}.{i}") for i, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if type(value) in (dict, OrderedDict, Counter) and all(isinstance(key, (int, str)) for key in value):
        pairs = [[key, pack(item, tensors, f"{name}.{key}")] for key, item in value.items()]
        return {"counter" if isinstance(value, Counter) else "dict": pairs}
    raise TypeError(f"{name} is a {type(value).__name__}")


def unpack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Return what `pack` turned into JSON and tensors."""
    if isinstance(value, list):
        return [unpack(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind in ("array", "tensor"):
        return tensors[content].numpy().copy() if kind == "array" else tensors[content].clone()
    if kind == "tuple":
        return tuple(unpack(item, tensors) for item in content)
    items = {key: unpack(item, tensors) for key, item in content}
    return Counter(items) if kind == "counter" else items
