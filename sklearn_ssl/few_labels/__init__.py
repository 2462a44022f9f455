"""Learning from few labels: which rows have one, how to fit an estimator to those, and how labels spread."""

from ..naming import publish
from ._diffusion import LabelDiffusion
from ._few_label import FewLabelClassifier
from ._few_label_regressor import FewLabelRegressor
from ._labeled_only import LabeledOnly
from ._labels import as_array, has_minus_one, is_labeled, not_missing, plain, require_rows
from ._pool import pool_keyword
from ._propagation import class_shares, neighbour_graph, propagate
from ._row_selector import RowSelector
from ._scored import LabeledScoreMixin
from ._targets import (
    class_labels,
    labeled_rows,
    one_column,
    refuse_plus_and_minus_one,
    require_labels,
    warn_of_minus_one,
)

__all__ = ["FewLabelClassifier", "FewLabelRegressor", "LabelDiffusion", "LabeledOnly", "RowSelector"]

publish(__name__)
