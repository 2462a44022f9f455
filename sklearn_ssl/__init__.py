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
from .transfer import DistillationClassifier, DistillationPretrainer, ZeroShotClassifier

__version__ = "0.1.0.dev0"

__all__ = [
    "AutoencoderPretrainer",
    "AutoregressivePretrainer",
    "ContrastivePretrainer",
    "DistillationClassifier",
    "DistillationPretrainer",
    "GANPretrainer",
    "LabeledOnly",
    "MaskedPretrainer",
    "RotationPretrainer",
    "SegmentOrderPretrainer",
    "SelfOrganizingMap",
    "SiamesePretrainer",
    "VAEPretrainer",
    "Word2VecPretrainer",
    "ZeroShotClassifier",
    "load",
]

PASSED_ON = ("methods", "few_labels", "persistence", "transfer")
publish(__name__, also=tuple(f"{__name__}.{package}" for package in PASSED_ON))
