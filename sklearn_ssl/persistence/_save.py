"""Saving: what is fitted as JSON and tensors."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import sklearn
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted
from torch import nn

from ..encoders import blueprint
from ..modalities import Modality, to_json_string
from ..training import is_first, is_fitted_name, weights_of
from ..version import __version__
from ._files import FORMAT, digest_of_description, digest_of_weights, folder_of, library, write

PLAIN = "made_of_"  # under which the plain values of `_plain` are written
REBUILT = ("net_", "encoder_", "modality_")


class SaveMixin:
    """What can be saved: parameters and fitted attributes that are numbers, texts and arrays.

    A class with a network says how it is built anew in ``_restore(modality, weights)``, and which of its parameters
    are not written, in ``_not_saved``. It may say in ``_check_fitted`` what its fitted attributes must be like.
    """

    _not_saved: ClassVar[tuple[str, ...]] = ()
    _of_parts: ClassVar[tuple[str, ...]] = ()  # fitted attributes that ``_take_parts`` makes anew

    def _parts(self) -> dict[str, SaveMixin]:
        """Hook: return fitted estimators within this one, by name, which are saved whole."""
        return {}

    def _plain(self) -> dict[str, Any]:
        """Hook: return numbers, texts and arrays that, with the parts, the fitted attributes are made of."""
        return {}

    def _take_parts(self, parts: dict[str, Any], plain: dict[str, Any]) -> None:
        """Hook: make fitted attributes anew of what `_parts` and `_plain` gave; raise a ValueError if it is damaged."""

    def _check_fitted(self) -> None:
        """Hook: raise a ValueError if fitted attributes, as they were read, do not go with each other."""

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator to the folder `path`, as safetensors and JSON, without pickle.

        Of several processes that have trained together, the first one writes it, and the others do nothing.

        Parameters
        ----------
        path : str or Path
            A folder; it is made if it is not there.

        Raises
        ------
        ValueError
            If `path` is a file.
        OSError
            If the folder cannot be written to.

        See Also
        --------
        sklearn_ssl.load : Read it back.
        """
        if is_first():
            _save(self, path)


def _save(estimator: Any, path: str | Path) -> None:
    folder = folder_of(path, "path")
    library()
    check_is_fitted(estimator)
    tensors: dict[str, torch.Tensor] = {}
    config = {
        "format": FORMAT,
        "save": secrets.token_hex(16),  # both files say of which save they are
        "versions": {
            "sklearn_ssl": __version__,
            "scikit-learn": sklearn.__version__,
            "torch": str(torch.__version__),
        },
        **describe(estimator, tensors),
    }
    # safetensors knows no sharing: shared tensors are written once for each name
    plain = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    config["digests"] = {"weights": digest_of_weights(plain), "description": digest_of_description(config)}
    write(folder, config, plain)


def describe(estimator: Any, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Return what a fitted estimator is, as JSON, and put its arrays and weights into `tensors`."""
    params = {k: v for k, v in estimator.get_params(deep=False).items() if k not in estimator._not_saved}
    fitted = {k: v for k, v in fitted_of(estimator).items() if k not in (*REBUILT, *estimator._of_parts)}
    if "history_" in fitted and hasattr(estimator, "net_"):  # in training, a callback may save
        fitted["history_"] = estimator.net_.epochs()
    if plain := estimator._plain():
        fitted[PLAIN] = plain
    config = {
        "class": name_of(type(estimator)),
        "params": encode(params, tensors, "params"),
        "fitted": encode(fitted, tensors, "fitted"),
        "modality": encode(getattr(estimator, "modality_", None), tensors, "modality"),
        "set_output": getattr(estimator, "_sklearn_output_config", {}),
    }
    if hasattr(estimator, "_restore"):
        tensors |= {f"objective.{k}": v for k, v in weights_of(estimator.net_.module_).items()}
    if parts := estimator._parts():
        config["parts"] = {}
        for name, part in parts.items():
            own: dict[str, torch.Tensor] = {}
            config["parts"][name] = describe(part, own)
            tensors |= {prefix_of(name) + k: v for k, v in own.items()}
    return config


def prefix_of(part: str) -> str:
    """Return how the names of a part's tensors begin."""
    return f"parts/{part}/"


def fitted_of(obj: Any) -> dict[str, Any]:
    """Return the fitted attributes of an estimator, a modality or a callback, by their names."""
    return {k: v for k, v in vars(obj).items() if is_fitted_name(k)}


def name_of(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def encode(value: Any, tensors: dict[str, torch.Tensor], name: str) -> Any:
    """Turn `value` into JSON; arrays of numbers go into `tensors` under `name`."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        tensors[name] = torch.from_numpy(value.copy())
        return {"array": name}
    if isinstance(value, np.ndarray):
        # an array of str, such as the classes of a classifier, is to be one again, and no array of objects
        return {"strings": [str(v) for v in value.tolist()], "objects": value.dtype.kind != "U"}
    if isinstance(value, (list, tuple)):
        items = [encode(v, tensors, f"{name}.{i}") for i, v in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, dict) and not all(isinstance(k, str) for k in value):
        # the keys of a JSON object are texts
        pairs = [[encode(k, tensors, name), encode(v, tensors, f"{name}.{k}")] for k, v in value.items()]
        return {"pairs": pairs}
    if isinstance(value, dict):
        return {"dict": {k: encode(v, tensors, f"{name}.{k}") for k, v in value.items()}}
    if isinstance(value, Modality):
        params = encode(value.get_params(deep=False), tensors, f"{name}.params")
        fitted = encode(fitted_of(value), tensors, f"{name}.fitted")
        return {"modality": name_of(type(value)), "params": params, "fitted": fitted}
    if isinstance(value, FrozenEstimator):
        return encode(value.estimator, tensors, name)
    if isinstance(value, SaveMixin):  # as a parameter: what is fitted of it is the estimator's own by now
        nested: Any = value
        saved = {k: v for k, v in nested.get_params(deep=False).items() if k not in nested._not_saved}
        return {"estimator": name_of(type(value)), "params": encode(saved, tensors, f"{name}.params")}
    if hasattr(value, "to_str") or hasattr(value, "backend_tokenizer"):
        return to_json_string(value)
    if isinstance(value, nn.Module):
        plan = encode(blueprint(value, tensors, name), tensors, name)
        return {"module": name_of(type(value)), **({"plan": plan} if plan else {})}
    if isinstance(value, (torch.device, Path)):
        return str(value)
    if isinstance(value, np.random.RandomState):
        return None  # its state is of no use without the run that it was part of
    raise TypeError(f"{name} of type {type(value).__name__} cannot be saved as JSON.")
