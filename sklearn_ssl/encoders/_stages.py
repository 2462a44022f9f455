"""The parts of a network in depth order, for layer-wise learning rates and for freezing."""

from __future__ import annotations

from torch import nn


def stages_of(encoder: nn.Module) -> list[nn.Module]:
    """Return the parts of a network, from its input to its output.

    Together they hold all its parameters. An encoder defines its parts by a method ``stages()``. The parts of
    an ``nn.Sequential`` are its layers with parameters. Any other network is one part.

    Parameters
    ----------
    encoder : nn.Module

    Returns
    -------
    list of nn.Module

    Examples
    --------
    >>> from torch import nn
    >>> from sklearn_ssl.encoders import MLP, stages_of
    >>> len(stages_of(MLP(n_features=8)))
    3
    >>> stages_of(nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2)))
    [Linear(in_features=8, out_features=4, bias=True), Linear(in_features=4, out_features=2, bias=True)]
    """
    if callable(getattr(encoder, "stages", None)):
        parts = encoder.stages()  # type: ignore[operator]  # mypy does not learn from callable(getattr(...))
    elif isinstance(encoder, nn.Sequential):
        parts = list(encoder)
    else:
        parts = [encoder]
    return [part for part in parts if next(part.parameters(), None) is not None]
