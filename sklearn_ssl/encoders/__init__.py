"""Plain networks from a batch to features, and back; no self-supervision in them."""

from ._convolutional import ConvDecoder, ConvNet
from ._mlp import MLP, head

__all__ = ["MLP", "ConvDecoder", "ConvNet", "head"]
