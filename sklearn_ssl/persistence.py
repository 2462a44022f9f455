"""Save and load without pickle: tensors as safetensors, everything else as JSON."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import sklearn
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted
from torch import nn

from .modalities import Modality, to_json_string
from .naming import public_name
from .training import seeded, weights_of

FORMAT = 2  # 1 named classes by the private files that they lay in, and some parts of a network otherwise
CONFIG, TENSORS = "config.json", "model.safetensors"
NEW = ".new"  # what a file is called until it is whole
REBUILT = ("net_", "encoder_", "modality_")
RENAMED = {"finder": "mask_head"}  # parts of networks, since format 1


class SaveMixin:
    """What can be saved: parameters and fitted attributes that are numbers, texts and arrays.

    A class with a network says how it is built anew in ``_restore(modality, weights)``, and which of its parameters
    are not written, in ``_not_saved``.
    """

    _not_saved: ClassVar[tuple[str, ...]] = ()

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator to the folder `path`, as safetensors and JSON, without pickle.

        Parameters
        ----------
        path : str or Path
            A folder; it is made if it is not there.

        See Also
        --------
        sklearn_ssl.load : Read it back.
        """
        _save(self, path)


def _save(estimator: Any, path: str | Path) -> None:
    _safetensors()
    check_is_fitted(estimator)
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise ValueError(f"{path} is a file, and save writes a folder. Choose another path.")
    tensors: dict[str, torch.Tensor] = {}
    params = {k: v for k, v in estimator.get_params(deep=False).items() if k not in estimator._not_saved}
    fitted = {k: v for k, v in _fitted(estimator).items() if k not in REBUILT}
    config = {
        "format": FORMAT,
        "save": secrets.token_hex(16),  # both files say of which save they are
        "versions": {"scikit-learn": sklearn.__version__, "torch": str(torch.__version__)},
        "class": _name(type(estimator)),
        "params": _encode(params, tensors, "params"),
        "fitted": _encode(fitted, tensors, "fitted"),
        "modality": _encode(getattr(estimator, "modality_", None), tensors, "modality"),
        "set_output": getattr(estimator, "_sklearn_output_config", {}),
    }
    if hasattr(estimator, "_restore"):
        tensors |= {f"objective.{k}": v for k, v in weights_of(estimator.net_.module_).items()}
    # safetensors knows no sharing: shared tensors are written once for each name
    plain = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    _replace_both(path, config, plain)


def _replace_both(path: Path, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    """Write both files so that the folder holds the old model or the new one, wherever this is broken off.

    Both are written under other names first. Then the weights are put in place, then the configuration. In between,
    the folder holds the new weights and a new configuration under its other name, which is enough to load it.
    """
    text = json.dumps(config, indent=1)  # what cannot be written shows before anything is
    path.mkdir(parents=True, exist_ok=True)
    new_config, new_tensors = path / (CONFIG + NEW), path / (TENSORS + NEW)
    if new_config.is_file() and (path / TENSORS).is_file():
        # the last save was killed: if this configuration is the one of the weights, it must not be overwritten
        _finish(path, new_config)
    try:
        with new_config.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _safetensors().save_file(tensors, str(new_tensors), metadata={"save": config["save"]})
        new_tensors.chmod(new_config.stat().st_mode)  # safetensors lets nobody else read it
        with new_tensors.open("rb") as file:
            os.fsync(file.fileno())
    except BaseException:
        new_tensors.unlink(missing_ok=True)
        new_config.unlink(missing_ok=True)
        raise
    new_tensors.replace(path / TENSORS)
    new_config.replace(path / CONFIG)


def _finish(path: Path, new_config: Path) -> None:
    """Complete a save that was killed between its two last steps."""
    try:
        config, _ = _read_same([path / CONFIG, new_config], path / TENSORS)
        complete = config == json.loads(new_config.read_text(encoding="utf-8"))
    except Exception:  # whatever is wrong with what is there, the save under way replaces it
        return
    if complete:
        new_config.replace(path / CONFIG)


def load(path: str | Path, *, encoder: nn.Module | None = None) -> Any:
    """Read a fitted estimator that its ``save`` wrote.

    No code of the file is run: classes are looked up by name among those already imported.

    Parameters
    ----------
    path : str or Path
        The folder.
    encoder : nn.Module, optional
        A module of the same architecture, where the estimator was made with a module of the user's
        own: weights can be saved without pickle, code cannot.

    Returns
    -------
    estimator
        Of the class that was saved, with the same parameters (but no callbacks, and None for a
        RandomState instance), the same features, and no optimizer state.

    Raises
    ------
    ValueError
        If the folder does not hold an estimator, or the encoder is missing or does not fit.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> import sklearn_ssl
    >>> X = load_iris().data
    >>> ssl = sklearn_ssl.ContrastivePretrainer(max_epochs=1).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ssl.save(folder)
    ...     loaded = sklearn_ssl.load(folder)
    >>> bool((loaded.transform(X) == ssl.transform(X)).all())
    True
    """
    config, tensors = _read(Path(path))
    try:
        params = _decode(config["params"], tensors)
        fitted = {k: v for k, v in _decode(config["fitted"], tensors).items() if _is_fitted_name(k)}
        cls = _find(SaveMixin, config["class"])
        if hasattr(cls, "_restore") and "encoder" in params:
            params["encoder"] = _settle(params["encoder"], encoder)
        elif inner := [v for v in params.values() if isinstance(getattr(v, "encoder", None), _Missing)]:
            inner[0].encoder = _settle(inner[0].encoder, encoder)
        elif encoder is not None:
            raise ValueError(f"{config['class']} has no encoder. Leave out encoder.")
        estimator = cls(**params)
        estimator._validate_params()
        vars(estimator).update(fitted)
        if hasattr(cls, "_restore"):
            with seeded(0):
                estimator._restore(_decode(config["modality"], tensors), _weights(tensors, config["format"]))
        elif config["modality"] is not None:
            estimator.modality_ = _decode(config["modality"], tensors)
        return estimator.set_output(**config["set_output"]) if config["set_output"] else estimator
    except ValueError:
        raise
    except Exception as error:  # whatever a changed file brings about
        raise ValueError(f"{path} is damaged: {error!r}. Save the estimator again.") from error


def _settle(saved: Any, given: nn.Module | None) -> Any:
    """Return the encoder to build with: the saved name, or the module given in place of one."""
    if isinstance(saved, _Missing) == (given is not None):
        return saved if given is None else given
    raise ValueError(
        f"This estimator was made with a module of your own, {saved.name}. Pass one of the same "
        "architecture: load(path, encoder=...)."
        if isinstance(saved, _Missing)
        else f"This estimator was made with encoder={saved!r}, which is built anew. Leave out encoder."
    )


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    configs = [path / CONFIG, path / (CONFIG + NEW)]  # the second where a save was broken off
    if not any(file.is_file() for file in configs) or not (path / TENSORS).is_file():
        raise ValueError(f"{path} is not a folder that save wrote: it needs {CONFIG} and {TENSORS}.")
    _safetensors()
    try:
        config, tensors = _read_same(configs, path / TENSORS)
        newer = config["format"] > FORMAT
    except Exception as error:  # json, safetensors and Python each have their own for a broken file
        raise ValueError(f"{path} is damaged: {error}. Save the estimator again.") from error
    if newer:
        raise ValueError(
            f"{path} was written by a newer sklearn_ssl. Upgrade with pip install -U sklearn-ssl."
        )
    return config, tensors


def _read_same(configs: list[Path], path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Return the configuration and the weights that one save wrote."""
    with _safetensors().safe_open(str(path), framework="pt") as file:
        save = (file.metadata() or {}).get("save")
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it cannot be iterated over
    problems: list[Exception] = []
    for config in [config for config in configs if config.is_file()]:
        try:  # a save that was killed may have left half a file beside a good one
            found = json.loads(config.read_text(encoding="utf-8"))
            if found.get("save") == save:
                return found, tensors
        except (ValueError, AttributeError) as error:
            problems.append(error)
    raise problems[0] if problems else ValueError(f"{CONFIG} and {TENSORS} are of two models")


def _safetensors() -> Any:
    try:
        import safetensors.torch
    except ImportError as error:
        raise ImportError(
            "save and load need safetensors: pip install 'sklearn-ssl[save]', or pip install safetensors."
        ) from error
    return safetensors.torch


def _weights(tensors: dict[str, torch.Tensor], version: int) -> dict[str, torch.Tensor]:
    """Return the weights of the objective, by the names that its parts have today."""
    own = {k.removeprefix("objective."): v for k, v in tensors.items() if k.startswith("objective.")}
    if version > 1:
        return own
    # only the objective's own parts: a module of the user's own may have any names
    parts = {k: k.split(".", 1) for k in own}
    return {".".join([RENAMED.get(p[0], p[0]), *p[1:]]): own[k] for k, p in parts.items()}


class _Missing:
    """Stands where a module was that cannot be written without pickle."""

    def __init__(self, name: str):
        self.name = name


def _fitted(obj: Any) -> dict[str, Any]:
    return {k: v for k, v in vars(obj).items() if _is_fitted_name(k)}


def _is_fitted_name(name: str) -> bool:
    return name.isidentifier() and name.endswith("_") and not name.startswith("_")


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _find(base: type, name: str) -> Any:
    """Return the imported subclass of `base` that has this name; nothing is imported."""
    # format 1 has private places, such as sklearn_ssl._contrastive.ContrastivePretrainer
    wanted = public_name(name) if name.startswith(f"{__package__}.") else name
    todo = [base]
    while todo:
        cls = todo.pop()
        if _name(cls) == wanted:
            return cls
        todo += cls.__subclasses__()
    raise ValueError(f"No class {name} is known. Import the module that defines it, then load again.")


def _encode(value: Any, tensors: dict[str, torch.Tensor], name: str) -> Any:
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
        items = [_encode(v, tensors, f"{name}.{i}") for i, v in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, dict):
        return {"dict": {k: _encode(v, tensors, f"{name}.{k}") for k, v in value.items()}}
    if isinstance(value, Modality):
        params = _encode(value.get_params(deep=False), tensors, f"{name}.params")
        fitted = _encode(_fitted(value), tensors, f"{name}.fitted")
        return {"modality": _name(type(value)), "params": params, "fitted": fitted}
    if isinstance(value, FrozenEstimator):
        return _encode(value.estimator, tensors, name)
    if isinstance(value, SaveMixin):  # as a parameter: what is fitted of it is the estimator's own by now
        nested: Any = value
        saved = {k: v for k, v in nested.get_params(deep=False).items() if k not in nested._not_saved}
        return {"estimator": _name(type(value)), "params": _encode(saved, tensors, f"{name}.params")}
    if hasattr(value, "to_str") or hasattr(value, "backend_tokenizer"):
        return to_json_string(value)
    if isinstance(value, nn.Module):
        return {"module": _name(type(value))}
    if isinstance(value, (torch.device, Path)):
        return str(value)
    if isinstance(value, np.random.RandomState):
        return None  # its state is of no use without the run that it was part of
    raise TypeError(f"{name} of type {type(value).__name__} cannot be saved as JSON.")


def _decode(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, list):
        return [_decode(v, tensors) for v in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return tensors[value["array"]].numpy().copy()
    if "strings" in value:
        return np.array(value["strings"], dtype=object if value.get("objects", True) else str)
    if "tuple" in value:
        return tuple(_decode(v, tensors) for v in value["tuple"])
    if "dict" in value:
        return {k: _decode(v, tensors) for k, v in value["dict"].items()}
    if "estimator" in value:
        return _find(SaveMixin, value["estimator"])(**_decode(value["params"], tensors))
    if "module" in value:
        return _Missing(value["module"])
    modality = _find(Modality, value["modality"])(**_decode(value["params"], tensors))
    for name, fitted in _decode(value["fitted"], tensors).items():
        setattr(modality, name, fitted)
    return modality
