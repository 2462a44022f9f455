"""Plain networks that map a batch to features, and back; no self-supervision in them."""

from ..naming import publish
from ._blueprint import blueprint, rebuilt
from ._convolutional import ConvDecoder, ConvNet
from ._mlp import MLP, head
from ._pretrained import (
    PretrainedText,
    default_prompt,
    is_sentence_transformer,
    is_transformer,
    longest_input,
)
from ._pretrained_image import PretrainedImage, image_encoder
from ._sequence import Hidden, SequenceEncoder
from ._shapes import without_memory
from ._spectrogram import SpectrogramConvNet
from ._stages import stages_of
from ._temporal import Frames, TemporalConvNet
from ._token_bag import TokenBag
from ._token_convolution import TokenConvNet
from ._tokens import TokenEncoder, Tokens
from ._transformer import Transformer
from ._waveform import WaveformConvNet

__all__ = [
    "MLP",
    "ConvDecoder",
    "ConvNet",
    "Frames",
    "Hidden",
    "PretrainedImage",
    "PretrainedText",
    "SequenceEncoder",
    "SpectrogramConvNet",
    "TemporalConvNet",
    "TokenBag",
    "TokenConvNet",
    "TokenEncoder",
    "Tokens",
    "Transformer",
    "WaveformConvNet",
    "blueprint",
    "default_prompt",
    "head",
    "image_encoder",
    "is_sentence_transformer",
    "is_transformer",
    "longest_input",
    "rebuilt",
    "stages_of",
    "without_memory",
]

publish(__name__)
