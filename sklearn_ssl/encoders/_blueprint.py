"""How encoders of this package are built anew without pickle: class, arguments, and what inputs they know."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ._convolutional import ConvNet
from ._mlp import MLP
from ._shapes import shapes_only
from ._spectrogram import SpectrogramConvNet
from ._temporal import TemporalConvNet
from ._token_bag import TokenBag
from ._token_convolution import TokenConvNet
from ._transformer import Transformer
from ._waveform import WaveformConvNet

CLASSES: tuple[type[nn.Module], ...] = (
    MLP,
    ConvNet,
    TokenBag,
    TokenConvNet,
    Transformer,
    TemporalConvNet,
    WaveformConvNet,
    SpectrogramConvNet,
)
WRONG = "The saved encoder does not go with its weights. Save the estimator again."
KNOWS = ("columns", "vocabulary")  # attributes that name the inputs


def blueprint(encoder: nn.Module, tensors: dict[str, Tensor], name: str) -> dict[str, Any] | None:
    """Return how an encoder is built anew, and put its weights into `tensors`.

    Parameters
    ----------
    encoder : nn.Module
    tensors : dict of Tensor
        Gets parameters and buffers, under `name`, a dot, and their own names.
    name : str

    Returns
    -------
    dict or None
        The name of the class, its arguments, what the inputs are called, and `name`, as numbers, str, tuples and
        None. None for modules of other classes, and of subclasses.
    """
    if type(encoder) not in CLASSES:
        return None
    knows = {key: getattr(encoder, key) for key in KNOWS if hasattr(encoder, key)}
    try:
        plan = {"class": type(encoder).__name__, "arguments": _arguments(encoder), "knows": knows}
    except AttributeError:  # it was pickled by an earlier version
        return None
    tensors.update({f"{name}.{key}": tensor for key, tensor in encoder.state_dict().items()})
    return {**plan, "weights": name}


def rebuilt(plan: dict[str, Any], tensors: dict[str, Tensor]) -> nn.Module:
    """Build an encoder anew, without drawing a random number.

    Parameters
    ----------
    plan : dict
        What :func:`blueprint` returned.
    tensors : dict of Tensor

    Raises
    ------
    ValueError
        If the plan is not one of an encoder with these weights. Nothing large is built then.
    """
    start = f"{plan['weights']}."
    weights = {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}
    cls = next((cls for cls in CLASSES if cls.__name__ == plan["class"]), None)
    # no layer without a weight, and no width that no weight has: a changed file cannot ask for billions
    most = max([len(weights), *(side for tensor in weights.values() for side in tensor.shape)])
    counts = [plan["arguments"].get(name) for name in ("depth", "n_directions", "n_heads")]
    if cls is None or any(isinstance(count, int) and count > most for count in counts):
        raise ValueError(WRONG)
    with shapes_only():
        encoder = cls(**plan["arguments"])
    expected = encoder.state_dict()
    if _looks(expected) != _looks(weights):
        raise ValueError(WRONG)
    encoder.load_state_dict({key: _like(meta, weights[key]) for key, meta in expected.items()}, assign=True)
    for key in plan["knows"].keys() & set(KNOWS):
        setattr(encoder, key, plan["knows"][key])
    return encoder.eval()


def _looks(tensors: dict[str, Tensor]) -> dict[str, Any]:
    """Return the shapes of tensors, and the types of those that are no floats."""
    return {key: (t.shape, None if t.is_floating_point() else t.dtype) for key, t in tensors.items()}


def _like(meta: Tensor, tensor: Tensor) -> Tensor:
    """Return a copy of a tensor in the memory layout of one on the device "meta"."""
    return torch.empty_strided(meta.shape, meta.stride(), dtype=tensor.dtype).copy_(tensor)


def _arguments(encoder: Any) -> dict[str, Any]:
    """Return the arguments of the constructor that make an encoder of the same shapes."""
    if isinstance(encoder, MLP):
        n_features, n_directions = encoder.directions.shape
        widths = tuple(layer[0].out_features for layer in encoder.layers)  # type: ignore[index]  # torch types items of a ModuleList as Module
        return {
            "n_features": n_features,
            "n_components": _width(encoder.head),
            "widths": widths,
            "n_directions": n_directions,
        }
    if isinstance(encoder, ConvNet):
        widths = tuple(layer[0].out_channels for layer in encoder.layers)  # type: ignore[index]  # torch types items of a ModuleList as Module
        own = {"shape": encoder.shape, "grid": encoder.grid, "stride": encoder.stride}
        return {**own, "n_components": _width(encoder.head), "widths": widths}
    if isinstance(encoder, TemporalConvNet):
        front = encoder.front
        return {
            "n_channels": front.in_channels // 3,
            "n_components": _width(encoder.pooling.head),
            "width": front.out_channels,
            "depth": len(encoder.convolutions),
            "size": encoder.size,
            "stride": encoder.stride,
            "causal": encoder.causal,
            "n_extras": encoder.pooling.n_extras,
            "spread": encoder.pooling.spread,
        }
    if isinstance(encoder, SpectrogramConvNet):
        first: Any = encoder.layers[0]
        return {
            "n_bands": encoder.n_bands,
            "depth": len(encoder.layers),
            "n_hidden": encoder.mlp[0].out_features,
            "n_components": _width(encoder.pooling.head),
            "width": first[0].out_channels,
        }
    if isinstance(encoder, WaveformConvNet):
        temporal = _arguments(encoder.temporal)
        names = ("n_components", "width", "depth", "stride", "causal", "spread")
        shared = {name: temporal[name] for name in names}
        own = {"n_samples": encoder.n_samples, "frequencies": encoder.frequencies, "size": encoder.size}
        return {**own, **shared}
    table = encoder.embedding
    arguments = {
        "n_tokens": table.num_embeddings,
        "n_components": _width(encoder.pooling.head),
        "width": table.embedding_dim,
    }
    if isinstance(encoder, TokenConvNet):
        causal = encoder.pad[0] != encoder.pad[1]
        arguments |= {"depth": len(encoder.convolutions), "size": sum(encoder.pad) + 1, "causal": causal}
    if isinstance(encoder, Transformer):
        arguments |= {"n_positions": encoder.n_positions, "depth": len(encoder.blocks)}
        arguments |= {"n_heads": table.embedding_dim // encoder.head_width, "causal": encoder.causal}
    return arguments


def _width(head: nn.Sequential) -> int | None:
    return getattr(head[0], "out_features", None)
