"""Model selection and evaluation with few labels: unlabeled rows are trained on, and never scored."""

from ..naming import publish
from ._few_label_runs import draw_labels
from ._label_efficiency import LabelEfficiency, label_efficiency, mean_and_interval
from ._predict import cross_val_predict_labeled
from ._splits import (
    SemiSupervisedGroupKFold,
    SemiSupervisedKFold,
    SemiSupervisedStratifiedGroupKFold,
    SemiSupervisedStratifiedKFold,
)
from ._time import SemiSupervisedTimeSeriesSplit

__all__ = [
    "LabelEfficiency",
    "SemiSupervisedGroupKFold",
    "SemiSupervisedKFold",
    "SemiSupervisedStratifiedGroupKFold",
    "SemiSupervisedStratifiedKFold",
    "SemiSupervisedTimeSeriesSplit",
    "cross_val_predict_labeled",
    "label_efficiency",
]

publish(__name__)
