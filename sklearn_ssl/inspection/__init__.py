"""Plots of what was learned, in the style of scikit-learn's displays."""

from ..naming import publish
from ._embedding import EmbeddingDisplay
from ._feature_importance import FeatureImportanceDisplay
from ._forecast import ForecastDisplay
from ._importance import gradient_importance, permutation_importance
from ._label_efficiency import LabelEfficiencyDisplay
from ._loss_curve import LossCurveDisplay
from ._neighbors import NeighborsDisplay
from ._reconstruction import ReconstructionDisplay
from ._som import SOMDisplay

__all__ = [
    "EmbeddingDisplay",
    "FeatureImportanceDisplay",
    "ForecastDisplay",
    "LabelEfficiencyDisplay",
    "LossCurveDisplay",
    "NeighborsDisplay",
    "ReconstructionDisplay",
    "SOMDisplay",
    "gradient_importance",
    "permutation_importance",
]

publish(__name__)
