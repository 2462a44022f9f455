"""The two files of a folder: written whole or not at all, and read together."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

FORMAT = 2  # 1 named classes by the private files that they lay in, and some parts of a network otherwise
CONFIG, TENSORS = "config.json", "model.safetensors"
NEW = ".new"  # what a file is called until it is whole
LARGEST = {
    CONFIG: 2**30,
    TENSORS: 2**22,
}  # bytes that are parsed, of the second file its header; more is no model


def folder_of(path: Any, name: str) -> Path:
    """Return the folder that a parameter names.

    Parameters
    ----------
    path : str or Path
    name : str
        Of the parameter, for errors.

    Raises
    ------
    ValueError, TypeError
        If it is an empty text, or no path.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{name}={path!r:.60} must be the name of a folder, such as 'my-model', or a Path.")
    if isinstance(path, str) and not path.strip():
        raise ValueError(f"{name}={path!r} names no folder. For the one that you are in pass '.'.")
    return Path(path)


def write(path: Path, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    """Write a configuration and weights to a folder.

    Raises
    ------
    ValueError
        If `path` is a file.
    OSError
        If the folder cannot be written to.
    """
    with in_our_words(path, "written to", "Choose a folder that you may write to, on a disk with room"):
        if path.exists() and not path.is_dir():
            raise ValueError(f"{path} is a file, and save writes a folder. Choose another path.")
        _replace_both(path, config, tensors)


def _replace_both(path: Path, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    """Write both files so that the folder holds the old model or the new one, wherever this is broken off.

    Both are written under other names first. Then the weights are put in place, then the configuration. In between,
    the folder holds the new weights and a new configuration under its other name, which is enough to load it.
    """
    text = json.dumps(config, indent=1)  # what cannot be written shows before anything is
    path.mkdir(parents=True, exist_ok=True)
    new_config, new_tensors = path / (CONFIG + NEW), path / (TENSORS + NEW)
    for new in (new_config, new_tensors):
        if new.is_symlink() or new.is_fifo():  # what it leads to is not ours to write
            new.unlink()
    if new_config.is_file() and (path / TENSORS).is_file():
        # the last save was killed: if this configuration is the one of the weights, it must not be overwritten
        finish(path, new_config)
    try:
        with new_config.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        write_tensors(new_tensors, tensors, {"save": config["save"]})
        new_tensors.chmod(new_config.stat().st_mode)  # safetensors lets nobody else read it
    except BaseException:
        new_tensors.unlink(missing_ok=True)
        new_config.unlink(missing_ok=True)
        raise
    new_tensors.replace(path / TENSORS)
    new_config.replace(path / CONFIG)


def write_tensors(file: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
    """Write a file of tensors to the disk itself."""
    from safetensors import SafetensorError

    try:
        library().save_file(tensors, str(file), metadata=metadata)
    except SafetensorError as error:  # it tells of a full disk in its own way
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
    with file.open("rb") as stream:
        os.fsync(stream.fileno())


def finish(path: Path, new_config: Path) -> None:
    """Complete a save that was killed between its two last steps."""
    try:
        config, _ = read_same([path / CONFIG, new_config], path / TENSORS)
        complete = config == json.loads(text_of(new_config))
    except Exception:  # whatever is wrong with what is there, the save under way replaces it
        return
    if complete:
        new_config.replace(path / CONFIG)


def read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Return the configuration and the weights of a folder.

    Raises
    ------
    ValueError
        If the folder does not hold both, if they are damaged, or if one is a link or no regular file.
    OSError
        If a file cannot be read.
    """
    configs = [path / CONFIG, path / (CONFIG + NEW)]  # the second where a save was broken off
    with in_our_words(path, "read", "Ask the owner for the permission, or copy the folder"):
        there = [file for file in configs if is_there(file)]
        if not is_there(path / TENSORS) or not there:
            raise ValueError(f"{path} is not a folder that save wrote: it needs {CONFIG} and {TENSORS}.")
        library()
        with damage_told(path, "Save the estimator again."):
            config, tensors = read_same(there, path / TENSORS)
            newer = config["format"] > FORMAT
    if newer:
        raise newer_version(path)
    return config, tensors


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Return the metadata and the tensors of a file of safetensors."""
    check_header(path)
    with library().safe_open(str(path), framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it cannot be iterated over
        return file.metadata() or {}, tensors


@contextmanager
def damage_told(path: Path, advice: str) -> Iterator[None]:
    """Raise whatever comes of a broken file as a ValueError that says so; an OSError stays as it is."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # json, safetensors and Python each have their own for a broken file
        raise ValueError(f"{path} is damaged: {error}. {advice}") from error


def newer_version(path: Path) -> ValueError:
    """Return the error for a file of a later format."""
    return ValueError(f"{path} was written by a newer sklearn_ssl. Upgrade with pip install -U sklearn-ssl.")


def read_same(configs: list[Path], path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Return the configuration and the weights that one save wrote."""
    metadata, tensors = read_tensors(path)
    save = metadata.get("save")
    problems: list[Exception] = []
    for config in configs:
        try:  # a save that was killed may have left half a file beside a good one
            found = json.loads(text_of(config))
            if found.get("save") == save:
                return found, tensors
        except (ValueError, AttributeError, RecursionError) as error:
            problems.append(error)
    raise problems[0] if problems else ValueError(f"{CONFIG} and {TENSORS} are of two models")


def is_there(file: Path, advice: str = "Save the estimator again, to another folder.") -> bool:
    """Return whether there is a regular file; refuse links, which may lead out of the folder, pipes and devices."""
    try:
        mode = file.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_ISLNK(mode):
        raise ValueError(f"{file} is a link, which is not followed. Put the file itself in its place.")
    if not stat.S_ISREG(mode):
        raise ValueError(f"{file} is not a regular file. {advice}")
    return True


def text_of(file: Path) -> str:
    """Return the content of a configuration."""
    with opened(file) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as stream:
        content = stream.read(LARGEST[CONFIG] + 1)
    if len(content) > LARGEST[CONFIG]:
        raise ValueError(f"{file.name} has more than {LARGEST[CONFIG]} bytes")
    return content.decode("utf-8")


def check_header(file: Path) -> None:
    """Refuse weights whose header is longer than any that save writes, before it is parsed."""
    with opened(file) as descriptor:
        size, length = os.fstat(descriptor).st_size, int.from_bytes(os.read(descriptor, 8), "little")
    if size < 8 or length > min(size - 8, LARGEST[TENSORS]):
        raise ValueError(f"{file.name} of {size} bytes cannot have a header of {length}")


@contextmanager
def opened(file: Path) -> Iterator[int]:
    """Open a regular file for reading: no link is followed and no pipe waited for, even if it has just come there."""
    flags = (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
    descriptor = os.open(file, os.O_RDONLY | sum(flags))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError(f"{file.name} is not a regular file")
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def in_our_words(path: Path, what: str, advice: str) -> Iterator[None]:
    """Say of an OSError which folder it is about, and what to do; its class and number stay."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if isinstance(error, PermissionError):
            reason = "the permission is lacking"
        text = f"{path} cannot be {what}: {reason}. {advice}."
        raise (type(error)(text) if error.errno is None else type(error)(error.errno, text)) from error


def digest_of_weights(tensors: dict[str, torch.Tensor]) -> str:
    """Return a digest of the names, types, shapes and values of tensors."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        if tensor.numel():
            digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def digest_of_description(config: dict[str, Any]) -> str:
    """Return a digest of what a configuration says of the estimator."""
    parts = [config[name] for name in ("class", "params", "fitted", "modality", "set_output")]
    parts += [config["parts"]] if "parts" in config else []
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def library() -> Any:
    """Return the module of safetensors for torch, or raise an error that says how to install it."""
    try:
        import safetensors.torch
    except ImportError as error:
        raise ImportError(
            "save, load and checkpoint need safetensors: pip install 'sklearn-ssl[save]', or pip install safetensors."
        ) from error
    return safetensors.torch
