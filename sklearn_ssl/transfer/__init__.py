"""Transfer: from a pretrained network to predictions."""

from ..naming import publish
from ._fine_tune import FineTuneClassifier, FineTuneRegressor

__all__ = ["FineTuneClassifier", "FineTuneRegressor"]

publish(__name__)
