"""The base of estimators with a network: objectives, the training engine, and the pretrainer built on it."""

from ..modalities import Modality
from ..naming import publish
from ._checkpoint import entropy_of
from ._clones import is_fitted, seeded_clone
from ._columns import check_columns, forget_fitted, has_other_columns, modality_of
from ._deployed import Features, Numbers, Probabilities
from ._docs import with_shared_sections
from ._nested import NestedParamsMixin, first_step
from ._network import NetworkEstimator
from ._objective import Objective, SupervisedObjective
from ._pretrainer import Pretrainer
from ._trained import TrainedNetwork

__all__ = [
    "Modality",
    "NetworkEstimator",
    "Objective",
    "Pretrainer",
    "SupervisedObjective",
    "TrainedNetwork",
    "check_columns",
    "entropy_of",
    "first_step",
    "forget_fitted",
    "has_other_columns",
    "is_fitted",
    "modality_of",
    "seeded_clone",
    "with_shared_sections",
]

publish(__name__)
