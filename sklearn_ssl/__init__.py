"""Self-supervised learning for scikit-learn users."""

from ._adversarial import GANPretrainer
from ._autoencoder import AutoencoderPretrainer
from ._contrastive import ContrastivePretrainer
from ._labeled_only import LabeledOnly
from ._masked import MaskedPretrainer
from ._rotation import RotationPretrainer
from ._siamese import SiamesePretrainer
from ._som import SelfOrganizingMap
from ._variational import VAEPretrainer
from .persistence import load

__version__ = "0.1.0.dev0"

__all__ = [
    "AutoencoderPretrainer",
    "ContrastivePretrainer",
    "GANPretrainer",
    "LabeledOnly",
    "MaskedPretrainer",
    "RotationPretrainer",
    "SelfOrganizingMap",
    "SiamesePretrainer",
    "VAEPretrainer",
    "load",
]
