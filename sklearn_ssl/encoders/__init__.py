"""Plain networks from a batch to features, and back; no self-supervision in them."""

from ._convolutional import ConvDecoder, ConvNet
from ._mlp import MLP, head
from ._pretrained import PretrainedText
from ._token_bag import TokenBag
from ._token_convolution import TokenConvNet
from ._tokens import Tokens
from ._transformer import Transformer

__all__ = [
    "MLP",
    "ConvDecoder",
    "ConvNet",
    "PretrainedText",
    "TokenBag",
    "TokenConvNet",
    "Tokens",
    "Transformer",
    "head",
]
