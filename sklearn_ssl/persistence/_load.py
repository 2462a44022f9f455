"""Loading: estimators from JSON and tensors, of which nothing is believed before it is checked."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..encoders import rebuilt
from ..modalities import Modality
from ..naming import public_name
from ..training import RandomStream, is_fitted_name
from ._files import digest_of_description, digest_of_weights, folder_of, read
from ._save import PLAIN, REBUILT, SaveMixin, name_of, prefix_of

RENAMED = {"finder": "mask_head"}  # parts of networks, since format 1
DEEPEST_PARTS = 3
DEEPEST = 30  # lists in lists; save writes ten or so
MOST_LETTERS = 2**24  # of an array of str, in which every cell is as wide as the longest text
CONTAINERS = ("default", "pandas", "polars")  # that set_output knows


class Missing:
    """Stands where a module was that cannot be written without pickle."""

    def __init__(self, name: str):
        self.name = name


def load(path: str | Path, *, encoder: nn.Module | None = None) -> Any:
    """Read a fitted estimator that its ``save`` wrote.

    No code of the file is run: classes are looked up by name among those already imported. All that is read is
    checked, so that a damaged folder is refused here, not in ``transform``. In processes of multiprocessing, prefer
    its method "spawn", or joblib's loky: a process forked beside threads of other libraries may hang.

    Parameters
    ----------
    path : str or Path
        The folder. Its files may not be links.
    encoder : nn.Module, optional
        A module of the same architecture, where the estimator was made with a module of the user's
        own: weights can be saved without pickle, code cannot. Encoders of this package are rebuilt.

    Returns
    -------
    estimator
        Of the class that was saved, with the same parameters (but no callbacks, and None for a
        RandomState instance), the same features, and no optimizer state.

    Raises
    ------
    ValueError
        If the folder does not hold an estimator, if it is damaged or was changed after it was saved, or if the
        encoder is missing or does not fit.
    OSError
        If a file cannot be read, for example for lack of permission.

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
    config, tensors = read(folder_of(path, "path"))
    try:
        return _build(config, tensors, encoder, path)
    except (ValueError, OSError, ImportError):
        raise
    except Exception as error:  # whatever a changed file brings about
        raise ValueError(f"{path} is damaged: {error!r}. Save the estimator again.") from error


def _build(
    config: dict[str, Any], tensors: dict[str, torch.Tensor], encoder: nn.Module | None, path: str | Path
) -> Any:
    """Return the estimator of a folder, of which the digests are checked."""
    return _assembled(config, tensors, encoder, config["format"], path)


def _assembled(
    config: dict[str, Any],
    tensors: dict[str, torch.Tensor],
    encoder: nn.Module | None,
    version: int,
    path: str | Path | None,
    depth: int = 0,
) -> Any:
    """Return an estimator, and those within it, of which the digests are checked as a whole."""
    if depth > DEEPEST_PARTS:
        raise ValueError(f"Parts are nested more than {DEEPEST_PARTS} deep. Save the estimator again.")
    params = decode(config["params"], tensors)
    cls = find(SaveMixin, config["class"])
    if hasattr(cls, "_restore") and "encoder" in params:
        params["encoder"] = settle(params["encoder"], encoder)
    elif inner := [
        v for v in params.values() if isinstance(getattr(v, "encoder", None), (Missing, nn.Module))
    ]:
        inner[0].encoder = settle(inner[0].encoder, encoder)
        inner[0]._validate_params()
    elif encoder is not None:
        raise ValueError(f"{config['class']} has no encoder. Leave out encoder.")
    fitted = {k: v for k, v in config["fitted"]["dict"].items() if is_fitted_name(k)}
    estimator = made(cls, params)
    set_fitted(estimator, decode({"dict": fitted}, tensors))
    modality = decode(config["modality"], tensors)
    _check_modality(estimator, modality)
    if modality is not None:
        estimator.modality_ = modality
    parts = {
        name: _assembled(part, _of_part(name, tensors), None, version, None, depth + 1)
        for name, part in config.get("parts", {}).items()
    }
    estimator._take_parts(parts, vars(estimator).pop(PLAIN, {}))
    estimator._check_fitted()
    container = config["set_output"]
    if container not in ({}, *({"transform": name} for name in CONTAINERS)):
        raise ValueError(f"set_output={container!r} must have one of {CONTAINERS} for transform.")
    # last, so that what is wrong is said in so many words where that is known
    if path is not None:
        _check_digests({**config, "fitted": {"dict": fitted}}, tensors, path)
    if hasattr(cls, "_restore"):
        weights = weights_of_objective(tensors, version)
        RandomStream(0).run(estimator._restore, modality, weights)
    return estimator.set_output(**container) if container else estimator


def _of_part(name: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors of a part, by the names that it gave them."""
    prefix = prefix_of(name)
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _check_modality(estimator: Any, modality: Any) -> None:
    kinds = getattr(estimator, "_modalities", (Modality,))
    needed = hasattr(estimator, "_restore") or hasattr(estimator, "modality")
    if modality is None and not needed:
        return
    if not isinstance(modality, kinds):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(
            f"{type(estimator).__name__} needs the modality {names}, and the folder has {modality!r}."
        )
    modality.check_fitted()


def _check_digests(config: dict[str, Any], tensors: dict[str, torch.Tensor], path: str | Path) -> None:
    digests = config.get("digests")
    if digests is None:  # of an earlier version
        return
    found = {"weights": digest_of_weights(tensors), "description": digest_of_description(config)}
    changed = [name for name, digest in found.items() if digests[name] != digest]
    if changed:
        raise ValueError(
            f"{path} is damaged, or was changed after it was saved: its {' and '.join(changed)}. Save the estimator "
            "again, or, if the change is yours, delete the entry 'digests' of config.json."
        )


def settle(saved: Any, given: nn.Module | None) -> Any:
    """Return the encoder to build with: the saved name or module, or the module given in place of one."""
    if isinstance(saved, nn.Module):
        return saved if given is None else given
    if isinstance(saved, Missing) == (given is not None):
        return saved if given is None else given
    raise ValueError(
        f"This estimator was made with a module of your own, {saved.name}. Pass one of the same "
        "architecture: load(path, encoder=...)."
        if isinstance(saved, Missing)
        else f"This estimator was made with encoder={saved!r}, which is built anew. Leave out encoder."
    )


def weights_of_objective(tensors: dict[str, torch.Tensor], version: int) -> dict[str, torch.Tensor]:
    """Return the weights of the objective, by the names that its parts have today."""
    own = {k.removeprefix("objective."): v for k, v in tensors.items() if k.startswith("objective.")}
    if version > 1:
        return own
    # only the objective's own parts: a module of the user's own may have any names
    parts = {k: k.split(".", 1) for k in own}
    return {".".join([RENAMED.get(p[0], p[0]), *p[1:]]): own[k] for k, p in parts.items()}


def find(base: type, name: str) -> Any:
    """Return the imported subclass of `base` that has this name; nothing is imported."""
    # format 1 has private places, such as sklearn_ssl._contrastive.ContrastivePretrainer
    wanted = public_name(name) if name.startswith("sklearn_ssl.") else name
    if len(_subclasses(base, wanted)) > 1:
        # cloudpickle makes an empty class of the same name whenever it meets a class again, and drops it
        gc.collect()
    found = _subclasses(base, wanted)
    if not found:
        raise ValueError(f"No class {name} is known. Import the module that defines it, then load again.")
    return found[0]


def _subclasses(base: type, name: str) -> list[type]:
    """Return the subclasses of a public name, the newest first: a notebook may define a class again."""
    todo, found = [base], []
    while todo:
        cls = todo.pop()
        found += [cls] if name_of(cls) == name else []
        todo += cls.__subclasses__()
    return found


def made(cls: Any, params: dict[str, Any]) -> Any:
    """Return an estimator or a modality with parameters that it has, of which those not saved are left out."""
    unknown = params.keys() - cls._get_param_names() | params.keys() & {*getattr(cls, "_not_saved", ())}
    if unknown:
        raise ValueError(f"{cls.__name__} has no parameters {sorted(unknown)[:5]}. Save the estimator again.")
    new = cls(**params)
    if hasattr(new, "_parameter_constraints") and not any(isinstance(v, Missing) for v in params.values()):
        new._validate_params()
    kind = params.get("modality", "auto")
    if not isinstance(kind, Modality) and kind != "auto":
        raise ValueError(f"modality={kind!r} must be 'auto' or a modality. Save the estimator again.")
    return new


def set_fitted(obj: Any, attributes: dict[str, Any]) -> None:
    """Set fitted attributes: no methods or properties, and nothing that is built anew."""
    odd = [k for k in attributes if not is_fitted_name(k) or k in REBUILT or hasattr(type(obj), k)]
    if odd:
        raise ValueError(
            f"{type(obj).__name__} has no fitted attributes {odd[:5]}. Save the estimator again."
        )
    vars(obj).update(attributes)


def decode(value: Any, tensors: dict[str, torch.Tensor], depth: int = 0) -> Any:
    """Return what `encode` of the same folder turned into JSON and tensors."""
    if depth > DEEPEST:
        raise ValueError(f"config.json is nested more than {DEEPEST} deep. Save the estimator again.")
    if isinstance(value, list):
        return [decode(v, tensors, depth + 1) for v in value]
    if not isinstance(value, dict):
        return value
    kinds = [kind for kind in KINDS if kind in value]
    if not kinds:
        raise ValueError(
            f"config.json has an entry of unknown kind: {list(value)[:5]}. Save the estimator again."
        )
    return KINDS[kinds[0]](value, tensors, depth + 1)


def _array(value: dict[str, Any], tensors: dict[str, torch.Tensor], depth: int) -> np.ndarray:
    name = value["array"]
    tensor = tensors.get(name) if isinstance(name, str) else None
    if tensor is None or tensor.dtype == torch.bfloat16:
        raise ValueError(f"The array {name!r} is missing. Save the estimator again.")
    return tensor.numpy().copy()


def _strings(value: dict[str, Any], tensors: dict[str, torch.Tensor], depth: int) -> np.ndarray:
    texts, objects = value["strings"], value.get("objects", True)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError("An array of texts holds something else. Save the estimator again.")
    if not objects and len(texts) * max(map(len, texts), default=0) > MOST_LETTERS:
        raise ValueError("An array of texts is too wide. Save the estimator again.")
    return np.array(texts, dtype=object if objects else str)


def _tuple(value: dict[str, Any], tensors: dict[str, torch.Tensor], depth: int) -> tuple[Any, ...]:
    return tuple(decode(v, tensors, depth) for v in value["tuple"])


def _dict(value: dict[str, Any], tensors: dict[str, torch.Tensor], depth: int) -> dict[str, Any]:
    return {k: decode(v, tensors, depth) for k, v in value["dict"].items()}


def _pairs(value: dict[str, Any], tensors: dict[str, torch.Tensor], depth: int) -> dict[Any, Any]:
    return {decode(k, tensors, depth): decode(v, tensors, depth) for k, v in value["pairs"]}


def _estimator(value: dict[str, Any], tensors: dict[str, torch.Tensor], depth: int) -> Any:
    return made(find(SaveMixin, value["estimator"]), decode(value["params"], tensors, depth))


def _module(value: dict[str, Any], tensors: dict[str, torch.Tensor], depth: int) -> Any:
    own = "plan" in value
    return rebuilt(decode(value["plan"], tensors, depth), tensors) if own else Missing(str(value["module"]))


def _modality(value: dict[str, Any], tensors: dict[str, torch.Tensor], depth: int) -> Modality:
    modality = made(find(Modality, value["modality"]), decode(value["params"], tensors, depth))
    set_fitted(modality, decode(value["fitted"], tensors, depth))
    return modality


KINDS = {
    "array": _array,
    "strings": _strings,
    "tuple": _tuple,
    "dict": _dict,
    "pairs": _pairs,
    "estimator": _estimator,
    "module": _module,
    "modality": _modality,
}
