"""Multi-layer perceptron for tables."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn


def random_directions(n_features: int, n_directions: int) -> Tensor:
    """Draw random unit vectors, in sets of up to `n_features` that are orthogonal to each other.

    A full set is a rotation, which preserves all distances between rows.

    Parameters
    ----------
    n_features : int
    n_directions : int

    Returns
    -------
    Tensor of shape (n_features, n_directions)
    """
    rank = min(n_features, n_directions)
    sets = [torch.linalg.qr(torch.randn(n_features, rank)).Q for _ in range(-(-n_directions // rank))]
    return torch.cat(sets, dim=1)[:, :n_directions]


def head(n_in: int, width: int, n_out: int) -> nn.Sequential:
    """Return a head for pretext tasks: a linear layer, batch normalisation, ReLU and a second linear layer.

    Parameters
    ----------
    n_in, width, n_out : int
        Widths of the input, of the hidden layer, and of the output.
    """
    return nn.Sequential(nn.Linear(n_in, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, n_out))


class MLP(nn.Module):
    """Fully connected layers with batch normalisation; the features are all layers, concatenated.

    A pretext task makes the last layer forget what the task does not need. So the features are fixed
    random directions of the input, followed by the output of each layer. There are enough directions
    that the columns weigh half as much as the network in a linear classifier. Features come out
    standardised.

    Parameters
    ----------
    n_features : int
        Width of the input.
    n_components : int or None, default=None
        Width of the output, set by a linear layer on top. None leaves that layer out and gives
        ``n_directions + sum(widths)`` features.
    widths : tuple of int, default=(512, 256, 256)
        Widths of the layers.
    n_directions : int, default=512
        Number of random directions of the input among the features; 0 leaves them out.

    Attributes
    ----------
    columns : tuple or None
        What each input stands for, if known: one entry per input, all different.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.encoders import MLP
    >>> MLP(n_features=8)(torch.randn(5, 8)).shape
    torch.Size([5, 1536])
    """

    directions: Tensor

    def __init__(
        self,
        n_features: int,
        n_components: int | None = None,
        *,
        widths: tuple[int, ...] = (512, 256, 256),
        n_directions: int = 512,
    ):
        super().__init__()
        self.columns: tuple[Any, ...] | None = None
        # load looks at shapes on the device "meta", where drawing would import torch's compiler
        draws = n_directions > 0 and not torch.empty(0).is_meta
        directions = (random_directions if draws else torch.empty)(n_features, n_directions)
        self.register_buffer("directions", directions)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(n_in, n_out, bias=False), nn.BatchNorm1d(n_out), nn.ReLU())
            for n_in, n_out in zip((n_features, *widths), widths, strict=False)
        )
        n_all = n_directions + sum(widths)
        self.head = nn.Sequential(
            nn.Identity() if n_components is None else nn.Linear(n_all, n_components, bias=False),
            nn.BatchNorm1d(n_components or n_all, affine=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map floats ``(n, n_features)`` to features ``(n, n_components)``."""
        outputs = [x @ self.directions]
        for layer in self.layers:
            x = layer(x)
            outputs.append(x)
        return self.head(torch.cat(outputs, dim=1))

    def stages(self) -> list[nn.Module]:
        """Return the parts of the network in depth order, see :func:`~sklearn_ssl.encoders.stages_of`."""
        return [*self.layers, self.head]

    def with_columns(self, columns: tuple[Any, ...]) -> MLP:
        """Return a copy for other inputs: known inputs keep their weights, new ones get fresh weights.

        Parameters
        ----------
        columns : tuple
            What the inputs stand for; known ones may be at other positions.
        """
        old = {column: place for place, column in enumerate(self.columns or ())}
        known = [place for place, column in enumerate(columns) if column in old]
        places = [old[columns[place]] for place in known]
        new = copy.deepcopy(self)
        new.columns = columns
        layer: Any = new.layers[0]
        first = layer[0]
        linear = nn.Linear(len(columns), first.out_features, bias=False).to(first.weight)
        directions = self.directions.new_empty(len(columns), 0)
        if n_directions := self.directions.shape[1]:
            directions = random_directions(len(columns), n_directions).to(self.directions)
        with torch.no_grad():
            linear.weight[:, known] = first.weight[:, places]
            directions[known] = self.directions[places]
        layer[0] = linear
        new.directions = directions
        return new
