"""The self-supervised methods, one file each: what is predicted."""

from ..naming import publish
from ._adversarial import GANPretrainer
from ._autoencoder import AutoencoderPretrainer
from ._autoregressive import AutoregressivePretrainer
from ._contrastive import ContrastivePretrainer
from ._decoding import DecoderMixin, DecodingObjective, SamplerMixin
from ._dense import dense_numbers
from ._grid import neighbour_pairs
from ._masked import MaskedPretrainer
from ._predictive_coding import PredictiveCodingPretrainer
from ._rotation import RotationPretrainer
from ._segment_order import SegmentOrderPretrainer
from ._siamese import SiamesePretrainer
from ._som import SelfOrganizingMap
from ._variational import VAEPretrainer
from ._word2vec import Word2VecPretrainer

__all__ = [
    "AutoencoderPretrainer",
    "AutoregressivePretrainer",
    "ContrastivePretrainer",
    "DecoderMixin",
    "DecodingObjective",
    "GANPretrainer",
    "MaskedPretrainer",
    "PredictiveCodingPretrainer",
    "RotationPretrainer",
    "SamplerMixin",
    "SegmentOrderPretrainer",
    "SelfOrganizingMap",
    "SiamesePretrainer",
    "VAEPretrainer",
    "Word2VecPretrainer",
    "dense_numbers",
    "neighbour_pairs",
]

publish(__name__)
