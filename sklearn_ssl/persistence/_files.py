"""The two files of a folder: written whole or not at all, and read together."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch

FORMAT = 2  # 1 named classes by the private files that they lay in, and some parts of a network otherwise
CONFIG, TENSORS = "config.json", "model.safetensors"
NEW = ".new"  # what a file is called until it is whole


def write(path: Path, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    """Write a configuration and weights to a folder."""
    _replace_both(path, config, tensors)


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
        finish(path, new_config)
    try:
        with new_config.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        library().save_file(tensors, str(new_tensors), metadata={"save": config["save"]})
        new_tensors.chmod(new_config.stat().st_mode)  # safetensors lets nobody else read it
        with new_tensors.open("rb") as file:
            os.fsync(file.fileno())
    except BaseException:
        new_tensors.unlink(missing_ok=True)
        new_config.unlink(missing_ok=True)
        raise
    new_tensors.replace(path / TENSORS)
    new_config.replace(path / CONFIG)


def finish(path: Path, new_config: Path) -> None:
    """Complete a save that was killed between its two last steps."""
    try:
        config, _ = read_same([path / CONFIG, new_config], path / TENSORS)
        complete = config == json.loads(new_config.read_text(encoding="utf-8"))
    except Exception:  # whatever is wrong with what is there, the save under way replaces it
        return
    if complete:
        new_config.replace(path / CONFIG)


def read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    configs = [path / CONFIG, path / (CONFIG + NEW)]  # the second where a save was broken off
    if not any(file.is_file() for file in configs) or not (path / TENSORS).is_file():
        raise ValueError(f"{path} is not a folder that save wrote: it needs {CONFIG} and {TENSORS}.")
    library()
    try:
        config, tensors = read_same(configs, path / TENSORS)
        newer = config["format"] > FORMAT
    except Exception as error:  # json, safetensors and Python each have their own for a broken file
        raise ValueError(f"{path} is damaged: {error}. Save the estimator again.") from error
    if newer:
        raise ValueError(
            f"{path} was written by a newer sklearn_ssl. Upgrade with pip install -U sklearn-ssl."
        )
    return config, tensors


def read_same(configs: list[Path], path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Return the configuration and the weights that one save wrote."""
    with library().safe_open(str(path), framework="pt") as file:
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


def library() -> Any:
    try:
        import safetensors.torch
    except ImportError as error:
        raise ImportError(
            "save and load need safetensors: pip install 'sklearn-ssl[save]', or pip install safetensors."
        ) from error
    return safetensors.torch
