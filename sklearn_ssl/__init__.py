"""Self-supervised learning for scikit-learn users."""

import importlib
from typing import Any

from .threads import import_torch

import_torch()

# isort: split

from .few_labels import FewLabelClassifier, FewLabelRegressor, LabelDiffusion, LabeledOnly, RowSelector
from .methods import (
    AutoencoderPretrainer,
    AutoregressivePretrainer,
    ContrastivePretrainer,
    GANPretrainer,
    MaskedPretrainer,
    PredictiveCodingPretrainer,
    RotationPretrainer,
    SegmentOrderPretrainer,
    SelfOrganizingMap,
    SiamesePretrainer,
    VAEPretrainer,
    Word2VecPretrainer,
)
from .naming import publish
from .persistence import load
from .transfer import (
    DistillationClassifier,
    DistillationPretrainer,
    FineTuneClassifier,
    FineTuneRegressor,
    ZeroShotClassifier,
)
from .version import __version__

__all__ = [
    "AutoencoderPretrainer",
    "AutoregressivePretrainer",
    "ContrastivePretrainer",
    "DistillationClassifier",
    "DistillationPretrainer",
    "FewLabelClassifier",
    "FewLabelRegressor",
    "FineTuneClassifier",
    "FineTuneRegressor",
    "GANPretrainer",
    "LabelDiffusion",
    "LabeledOnly",
    "MaskedPretrainer",
    "PredictiveCodingPretrainer",
    "RotationPretrainer",
    "RowSelector",
    "SegmentOrderPretrainer",
    "SelfOrganizingMap",
    "SiamesePretrainer",
    "VAEPretrainer",
    "Word2VecPretrainer",
    "ZeroShotClassifier",
    "load",
]

# imported when they are first asked for: displays and searches would make the import slower
_LAZY = (
    "base",
    "callbacks",
    "encoders",
    "export",
    "files",
    "inspection",
    "metrics",
    "modalities",
    "model_selection",
    "testing",
)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})


PASSED_ON = ("methods", "few_labels", "persistence", "transfer")
publish(__name__, also=tuple(f"{__name__}.{package}" for package in PASSED_ON))
