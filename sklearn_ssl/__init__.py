"""Self-supervised learning for scikit-learn users."""

from .few_labels import LabeledOnly
from .methods import (
    AutoencoderPretrainer,
    AutoregressivePretrainer,
    ContrastivePretrainer,
    GANPretrainer,
    MaskedPretrainer,
    RotationPretrainer,
    SegmentOrderPretrainer,
    SelfOrganizingMap,
    SiamesePretrainer,
    VAEPretrainer,
    Word2VecPretrainer,
)
from .naming import publish
from .persistence import load
from .transfer import FineTuneClassifier, FineTuneRegressor

__version__ = "0.1.0.dev0"

__all__ = [
    "AutoencoderPretrainer",
    "AutoregressivePretrainer",
    "ContrastivePretrainer",
    "FineTuneClassifier",
    "FineTuneRegressor",
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

publish(
    __name__,
    also=("sklearn_ssl.methods", "sklearn_ssl.few_labels", "sklearn_ssl.persistence", "sklearn_ssl.transfer"),
)
