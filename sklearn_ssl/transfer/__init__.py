"""Transfer: what one model has learned, in another one."""

from ..naming import publish
from ._distillation import DistillationClassifier
from ._distillation_pretrainer import DistillationPretrainer
from ._fine_tune import FineTuneClassifier, FineTuneRegressor
from ._zero_shot import ZeroShotClassifier

__all__ = [
    "DistillationClassifier",
    "DistillationPretrainer",
    "FineTuneClassifier",
    "FineTuneRegressor",
    "ZeroShotClassifier",
]

publish(__name__)
