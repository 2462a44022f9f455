"""One file of tensors and JSON, replaced whole, from which a training goes on."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from ._files import (
    NEW,
    damage_told,
    digest_of_weights,
    in_our_words,
    is_there,
    library,
    newer_version,
    read_tensors,
    write_tensors,
)
from ._save import encode

CHECKPOINT_FORMAT = 1
JSON = "json"  # the tensor that holds the text: a header of safetensors may not be long
STALE = 600  # seconds after which half a file is nobody's: writing takes less
ADVICE = "Delete it, or pass another checkpoint, to train anew."


def write_checkpoint(file: Path, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    """Write a file so that it is the old one or the new one, wherever this is broken off.

    Parameters
    ----------
    file : Path
        Its folder is made if it is not there.
    config : dict
        What JSON can hold.
    tensors : dict of Tensor
        Copied to the CPU. They may share memory; each is written.

    Raises
    ------
    ValueError
        If the folder is a file.
    OSError
        If the file cannot be written.
    """
    folder = file.parent
    text = json.dumps(config).encode()
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    plain[JSON] = torch.frombuffer(bytearray(text), dtype=torch.uint8)
    # a name of its own: two processes may train the same, each to the same bits
    new = folder / f"{file.name}.{secrets.token_hex(4)}{NEW}"
    with in_our_words(
        file, "written to", "Choose a checkpoint folder that you may write to, on a disk with room"
    ):
        if folder.exists() and not folder.is_dir():
            raise ValueError(
                f"checkpoint={str(folder)!r} is a file, and must be a folder. Choose another path."
            )
        folder.mkdir(parents=True, exist_ok=True)
        try:
            digest = digest_of_weights(plain)
            write_tensors(new, plain, {"format": str(CHECKPOINT_FORMAT), "digest": digest})
            new.replace(file)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        _sync(folder)


def read_checkpoint(file: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]] | None:
    """Return what `write_checkpoint` wrote, and remove what it left when it was killed; None if there is no file.

    Raises
    ------
    ValueError
        If the file is damaged, a link or no regular file, or was written by a newer version.
    OSError
        If it cannot be read.
    """
    with in_our_words(file, "read", "Ask the owner for the permission, or pass another checkpoint"):
        _remove_halves(file)
        if not is_there(file, ADVICE):
            return None
        library()
        with damage_told(file, ADVICE):
            metadata, tensors = read_tensors(file)
            newer = int(metadata["format"]) > CHECKPOINT_FORMAT
            if not newer and digest_of_weights(tensors) != metadata["digest"]:
                raise ValueError("its values are not those that were written")
            config = {} if newer else json.loads(tensors.pop(JSON).numpy().tobytes())
            if not isinstance(config, dict):
                raise ValueError("its description is none")
    if newer:
        raise newer_version(file)
    return config, tensors


def digest_of(value: Any) -> str:
    """Return a digest of numbers, texts, arrays and whatever else `save` can write; an empty one of anything else."""
    tensors: dict[str, torch.Tensor] = {}
    try:
        text = json.dumps(encode(value, tensors, "value"), sort_keys=True)
    except TypeError:
        return ""
    return hashlib.sha256((text + digest_of_weights(tensors)).encode()).hexdigest()


def _sync(folder: Path) -> None:
    """Make the new name of a file as lasting as its content, where the system can."""
    with suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_halves(file: Path) -> None:
    for half in file.parent.glob(f"{file.name}.*{NEW}"):
        with suppress(OSError):  # another process was faster
            if time.time() - half.lstat().st_mtime > STALE:
                half.unlink()
