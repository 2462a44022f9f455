"""Plots of what was learned, in the style of scikit-learn's displays."""

from ..naming import publish
from ._embedding import EmbeddingDisplay
from ._forecast import ForecastDisplay
from ._label_efficiency import LabelEfficiencyDisplay
from ._loss_curve import LossCurveDisplay
from ._reconstruction import ReconstructionDisplay
from ._som import SOMDisplay

__all__ = [
    "EmbeddingDisplay",
    "ForecastDisplay",
    "LabelEfficiencyDisplay",
    "LossCurveDisplay",
    "ReconstructionDisplay",
    "SOMDisplay",
]

publish(__name__)
