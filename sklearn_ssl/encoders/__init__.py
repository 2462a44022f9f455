"""Plain networks from a batch to features; no self-supervision in them."""

from ._convolutional import ConvNet
from ._mlp import MLP

__all__ = ["MLP", "ConvNet"]
