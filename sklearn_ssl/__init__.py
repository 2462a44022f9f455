"""Self-supervised learning for scikit-learn users."""

from ._adversarial import GANPretrainer
from ._autoencoder import AutoencoderPretrainer
from ._autoregressive import AutoregressivePretrainer
from ._contrastive import ContrastivePretrainer
from ._labeled_only import LabeledOnly
from ._masked import MaskedPretrainer
from ._rotation import RotationPretrainer
from ._segment_order import SegmentOrderPretrainer
from ._siamese import SiamesePretrainer
from ._som import SelfOrganizingMap
from ._variational import VAEPretrainer
from ._word2vec import Word2VecPretrainer
from .persistence import load

__version__ = "0.1.0.dev0"

__all__ = [
    "AutoencoderPretrainer",
    "AutoregressivePretrainer",
    "ContrastivePretrainer",
    "GANPretrainer",
    "LabeledOnly",
    "MaskedPretrainer",
    "RotationPretrainer",
    "SegmentOrderPretrainer",
    "SelfOrganizingMap",
    "SiamesePretrainer",
    "VAEPretrainer",
    "Word2VecPretrainer",
    "load",
]
