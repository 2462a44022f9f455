"""Loading: estimators from JSON and tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..modalities import Modality
from ..naming import public_name
from ..training import seeded
from ._files import read
from ._save import SaveMixin, is_fitted_name, name_of

RENAMED = {"finder": "mask_head"}  # parts of networks, since format 1


class Missing:
    """Stands where a module was that cannot be written without pickle."""

    def __init__(self, name: str):
        self.name = name


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
    config, tensors = read(Path(path))
    try:
        params = decode(config["params"], tensors)
        fitted = {k: v for k, v in decode(config["fitted"], tensors).items() if is_fitted_name(k)}
        cls = find(SaveMixin, config["class"])
        if hasattr(cls, "_restore") and "encoder" in params:
            params["encoder"] = settle(params["encoder"], encoder)
        elif encoder is not None:
            raise ValueError(f"{config['class']} has no encoder. Leave out encoder.")
        estimator = cls(**params)
        estimator._validate_params()
        vars(estimator).update(fitted)
        if hasattr(cls, "_restore"):
            with seeded(0):
                estimator._restore(decode(config["modality"], tensors), weights(tensors, config["format"]))
        elif config["modality"] is not None:
            estimator.modality_ = decode(config["modality"], tensors)
        return estimator.set_output(**config["set_output"]) if config["set_output"] else estimator
    except ValueError:
        raise
    except Exception as error:  # whatever a changed file brings about
        raise ValueError(f"{path} is damaged: {error!r}. Save the estimator again.") from error


def settle(saved: Any, given: nn.Module | None) -> Any:
    """Return the encoder to build with: the saved name, or the module given in place of one."""
    if isinstance(saved, Missing) == (given is not None):
        return saved if given is None else given
    raise ValueError(
        f"This estimator was made with a module of your own, {saved.name}. Pass one of the same "
        "architecture: load(path, encoder=...)."
        if isinstance(saved, Missing)
        else f"This estimator was made with encoder={saved!r}, which is built anew. Leave out encoder."
    )


def weights(tensors: dict[str, torch.Tensor], version: int) -> dict[str, torch.Tensor]:
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
    todo = [base]
    while todo:
        cls = todo.pop()
        if name_of(cls) == wanted:
            return cls
        todo += cls.__subclasses__()
    raise ValueError(f"No class {name} is known. Import the module that defines it, then load again.")


def decode(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, list):
        return [decode(v, tensors) for v in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return tensors[value["array"]].numpy().copy()
    if "strings" in value:
        return np.array(value["strings"], dtype=object if value.get("objects", True) else str)
    if "tuple" in value:
        return tuple(decode(v, tensors) for v in value["tuple"])
    if "dict" in value:
        return {k: decode(v, tensors) for k, v in value["dict"].items()}
    if "estimator" in value:
        return find(SaveMixin, value["estimator"])(**decode(value["params"], tensors))
    if "module" in value:
        return Missing(value["module"])
    modality = find(Modality, value["modality"])(**decode(value["params"], tensors))
    for name, fitted in decode(value["fitted"], tensors).items():
        setattr(modality, name, fitted)
    return modality
