"""How skl2onnx writes estimators with a network, wherever they are in a pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from sklearn.base import is_classifier
from torch import Tensor, nn

from ..base import TrainedNetwork
from ..modalities import Sequences
from ..training import Batch
from ._graph import OPSET, Joined, graph_of, parts_of

ALIAS = "SklearnSSLNetwork"
# of skl2onnx: "batch" is one that the network is to take, None if the graph prepares raw rows; "single" says whether
# results are float32 even if rows are float64, which else they follow, since skl2onnx joins columns of one type only
OPTIONS = {"batch": None, "single": [True, False], "zipmap": [True, False, "columns"]}
ROWS = 3  # of the example that a network is traced with: one row would become a constant
STEPS = 24  # of series of any length, in that example


class RefusedError(Exception):
    """Carries an error of ours past skl2onnx."""

    def __init__(self, error: Exception):
        super().__init__(str(error))
        self.error = error


def register() -> None:
    """Tell skl2onnx of all classes with a network, those of users too."""
    from skl2onnx import update_registered_converter

    for cls in _subclasses(TrainedNetwork):
        update_registered_converter(cls, ALIAS, set_shapes, convert, parser=parse, options=OPTIONS)


def _subclasses(cls: type) -> Iterator[type]:
    children: list[type] = cls.__subclasses__()
    for child in children:
        yield child
        yield from _subclasses(child)


def parse(scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:
    """Declare what an estimator returns: features or numbers, or labels and probabilities."""
    from skl2onnx.common.data_types import FloatTensorType, guess_tensor_type

    operator = scope.declare_local_operator(ALIAS, model)
    operator.inputs, name = inputs, "variable"
    if is_classifier(model):
        name = "probabilities"
        operator.outputs.append(scope.declare_local_variable("label", _label_type(model.classes_)([None])))
    single = scope.get_options(model, {"single": False})["single"]
    kind = FloatTensorType() if single else guess_tensor_type(inputs[0].type)
    operator.outputs.append(scope.declare_local_variable(name, kind))
    return operator.outputs


def set_shapes(operator: Any) -> None:
    """Set the shape of features, numbers or probabilities."""
    model = operator.raw_operator
    sizes: dict[str, Any] = {"n_components_": int, "classes_": len, "target_mean_": len}
    width = next((size(getattr(model, name)) for name, size in sizes.items() if hasattr(model, name)), None)
    operator.outputs[-1].type.shape = [None, width]


def convert(scope: Any, operator: Any, container: Any) -> None:
    """Write the graph of an estimator into that of the pipeline."""
    from onnx import compose

    model = operator.raw_operator
    batch = container.get_options(model, {"batch": None})["batch"]
    try:
        graph = _raw_graph(model, operator.inputs[0].type) if batch is None else _batch_graph(model, batch)
    except (TypeError, ValueError) as error:
        raise RefusedError(error) from error
    graph = compose.add_prefix(graph, f"{operator.onnx_name}/").graph
    _splice(graph, operator.inputs, operator.outputs[-1], container)
    if is_classifier(model):
        _add_labels(scope, operator, container)


def free_axes(modality: Any, batch: Batch) -> list[tuple[int, ...]]:
    """Return the axes of each part of a batch whose length may be any, besides the first."""
    parts = parts_of(batch)
    if not isinstance(modality, Sequences):
        return [()] * len(parts)
    # steps are the second axis of the first part, and of others with something at each step
    return [(1,) if place == 0 or part.ndim > 2 else () for place, part in enumerate(parts.values())]


def _batch_graph(model: Any, batch: Batch) -> Any:
    """Return the graph of a fitted estimator from batches on."""
    network = (
        model._deployed() if isinstance(batch, Tensor) else nn.Sequential(Joined(batch), model._deployed())
    )
    return graph_of(network, parts_of(batch), free_axes(model.modality_, batch), type(model).__name__)


def _raw_graph(model: Any, kind: Any) -> Any:
    """Return the graph of a fitted estimator from raw rows on, which are of this type of skl2onnx."""
    from onnx.helper import tensor_dtype_to_np_dtype

    preparation = model.modality_.preparation()
    sides = [STEPS if side is None else side for side in preparation.shape]
    dtype = tensor_dtype_to_np_dtype(kind.to_onnx_type().tensor_type.elem_type)
    example = {"X": torch.from_numpy(np.zeros((ROWS, *sides), dtype))}
    free = [tuple(axis for axis, side in enumerate(preparation.shape, 1) if side is None)]
    return graph_of(nn.Sequential(preparation, model._deployed()), example, free, type(model).__name__)


def _splice(graph: Any, inputs: list[Any], output: Any, container: Any) -> None:
    """Add the nodes of a graph to a container of skl2onnx, between its variables."""
    used = {name for node in graph.node for name in node.input}
    container.initializers.extend(tensor for tensor in graph.initializer if tensor.name in used)
    for value, given in zip(graph.input, inputs, strict=True):
        container.add_node("Identity", [given.full_name], [value.name], name=f"{value.name}_in", op_version=1)
    for node in graph.node:
        container.nodes.append(node)
    container.node_domain_version_pair_sets.add(("", OPSET))
    end, kind = graph.output[0].name, output.type.to_onnx_type().tensor_type.elem_type
    container.add_node("Cast", [end], [output.full_name], name=f"{end}_out", to=kind, op_version=13)


def _add_labels(scope: Any, operator: Any, container: Any) -> None:
    """Add the most likely class of each row."""
    labels, probabilities = (value.full_name for value in operator.outputs)
    classes, best = (scope.get_unique_variable_name(name) for name in ("classes", "best"))
    values, code = _as_onnx(operator.raw_operator.classes_)
    container.add_initializer(classes, code, [len(values)], values)
    container.add_node(
        "ArgMax", [probabilities], [best], name=f"{best}_at", axis=1, keepdims=0, op_version=13
    )
    container.add_node("Gather", [classes, best], [labels], name=f"{labels}_of", axis=0, op_version=13)


def _as_onnx(classes: np.ndarray) -> tuple[list[Any], int]:
    """Return classes as a list, and the number of their type in ONNX."""
    from onnx import TensorProto

    if classes.dtype.kind in "biu":
        return classes.astype(np.int64).tolist(), TensorProto.INT64
    if classes.dtype.kind == "f":
        return classes.astype(np.float32).tolist(), TensorProto.FLOAT
    return [str(label).encode() for label in classes], TensorProto.STRING


def _label_type(classes: np.ndarray) -> Any:
    from skl2onnx.common import data_types

    kind = classes.dtype.kind
    name = "Int64TensorType" if kind in "biu" else "FloatTensorType" if kind == "f" else "StringTensorType"
    return getattr(data_types, name)
