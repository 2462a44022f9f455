"""What estimators with a network are made of: objectives, the engine, and the pretrainer on it."""

from ..modalities import Modality
from ..naming import publish
from ._columns import check_columns, forget_fitted
from ._network import NetworkEstimator, modality_of
from ._objective import Objective, SupervisedObjective
from ._pretrainer import Pretrainer

__all__ = [
    "Modality",
    "NetworkEstimator",
    "Objective",
    "Pretrainer",
    "SupervisedObjective",
    "check_columns",
    "forget_fitted",
    "modality_of",
]

publish(__name__)
