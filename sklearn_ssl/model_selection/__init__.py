"""Model selection and evaluation with few labels: unlabeled rows are trained on, and never scored."""

from ..naming import publish
from ._label_efficiency import LabelEfficiency, draw_labels, label_efficiency, mean_and_interval
from ._splits import (
    SemiSupervisedGroupKFold,
    SemiSupervisedKFold,
    SemiSupervisedStratifiedGroupKFold,
    SemiSupervisedStratifiedKFold,
)

__all__ = [
    "LabelEfficiency",
    "SemiSupervisedGroupKFold",
    "SemiSupervisedKFold",
    "SemiSupervisedStratifiedGroupKFold",
    "SemiSupervisedStratifiedKFold",
    "label_efficiency",
]

publish(__name__)
