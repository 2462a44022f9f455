"""From a module to an ONNX graph."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..training import Batch, in_float32

OPSET = 18  # of the graphs: what torch writes without a conversion, and runtimes read since 2023
LIBRARIES = ("onnx", "onnxscript", "skl2onnx")


class Joined(nn.Module):
    """The parts of a batch made a batch again.

    Parameters
    ----------
    batch : NamedTuple of Tensor
        An example. Its parts that hold nothing are no input.
    """

    def __init__(self, batch: Batch):
        super().__init__()
        self.kind, self.given = type(batch), [*parts_of(batch)]

    def forward(self, parts: tuple[Tensor, ...]) -> Batch:
        """Map tensors ``(n, ...)`` to a batch."""
        found = dict(zip(self.given, parts, strict=True))
        nothing = torch.zeros(len(parts[0]), 0)
        return self.kind(*(found.get(name, nothing) for name in self.kind._fields))


def need_libraries() -> None:
    """Raise an ImportError that names the extra if a library is missing."""
    for name in LIBRARIES:
        try:
            __import__(name)
        except ImportError as error:
            raise ImportError(
                f"to_onnx needs {', '.join(LIBRARIES[:-1])} and {LIBRARIES[-1]}, and {name} is not installed: "
                "pip install 'sklearn-ssl[onnx]'."
            ) from error


def parts_of(batch: Batch) -> dict[str, Tensor]:
    """Return the tensors of a batch that hold something, by the names that inputs of a graph have."""
    if isinstance(batch, Tensor):
        return {"X": batch}
    return {name: part for name, part in batch._asdict().items() if 0 not in part.shape[1:]}


def graph_of(module: nn.Module, example: dict[str, Tensor], free: list[tuple[int, ...]], what: str) -> Any:
    """Return a module as an ONNX model.

    Parameters
    ----------
    module : nn.Module
        Maps a tensor, or a tuple of several, to a tensor ``(n, width)``. It is not changed.
    example : dict of str to Tensor
        Inputs of several rows: one row would become a constant.
    free : list of tuple of int
        The axes of each input whose length may be any, besides the first.
    what : str
        What errors call the network.

    Returns
    -------
    onnx.ModelProto
        Its inputs have the names of the example.

    Raises
    ------
    ValueError
        If there is no such graph.
    """
    shapes = tuple(dict.fromkeys((0, *axes), torch.export.Dim.AUTO) for axes in free)
    module = copy.deepcopy(module).cpu().eval()
    try:
        with _quietly(), torch.no_grad():
            program = in_float32(_export, module, example, shapes)
    except Exception as error:  # torch and onnxscript each have their own for what they cannot write
        raise refusal(what, _why(error)) from error
    model = program.model_proto
    for value, axes in zip(model.graph.input, free, strict=True):
        sides = value.type.tensor_type.shape.dim
        if not all(sides[axis].dim_param for axis in (0, *axes)):
            raise refusal(what, "the number of rows, or of steps, became a constant.")
    return model


def refusal(what: str, why: str) -> ValueError:
    """Return the error for a network that cannot be written."""
    return ValueError(
        f"The network of {what} cannot be written as an ONNX graph: {why} It must run the same operations for "
        "all rows, as torch.export asks. Otherwise deploy the estimator with save and load."
    )


def _export(module: nn.Module, example: dict[str, Tensor], shapes: tuple[Any, ...]) -> Any:
    tensors = tuple(example.values())
    return torch.onnx.export(
        module,
        (tensors if len(tensors) > 1 else tensors[0],),
        dynamo=True,
        dynamic_shapes=(shapes if len(tensors) > 1 else shapes[0],),
        input_names=[*example],
        opset_version=OPSET,
        verbose=False,
    )


def _why(error: BaseException) -> str:
    """Return the first line of the error that began it all."""
    while error.__cause__ is not None:
        error = error.__cause__
    line = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {line:.200}".rstrip(".") + "."


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence what torch's exporter tells of itself: operators of libraries that are not there, and old names."""
    logs = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript")]
    levels = [log.level for log in logs]
    try:
        for log in logs:
            log.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
