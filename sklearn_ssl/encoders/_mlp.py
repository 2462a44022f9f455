"""Multi-layer perceptron, for tables."""

from __future__ import annotations

from torch import Tensor, nn


class MLP(nn.Module):
    """Fully connected layers with batch normalisation; features come out standardised.

    Parameters
    ----------
    n_features : int
        Width of the input.
    n_components : int, default=256
        Width of the output.
    width : int, default=256
        Width of the hidden layers.
    depth : int, default=3
        Number of linear layers, the last one included.

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.encoders import MLP
    >>> MLP(n_features=8, n_components=32)(torch.randn(5, 8)).shape
    torch.Size([5, 32])
    """

    def __init__(self, n_features: int, n_components: int = 256, *, width: int = 256, depth: int = 3):
        super().__init__()
        layers: list[nn.Module] = []
        for i in range(depth - 1):
            layers += [nn.Linear(width if i else n_features, width, bias=False)]
            layers += [nn.BatchNorm1d(width), nn.ReLU()]
        layers += [nn.Linear(width if depth > 1 else n_features, n_components, bias=False)]
        layers += [nn.BatchNorm1d(n_components, affine=False)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Map floats ``(n, n_features)`` to features ``(n, n_components)``."""
        return self.layers(x)
