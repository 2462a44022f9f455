"""Learning from few labels: which rows have one, and how to fit an estimator to those."""

from ._labeled_only import LabeledOnly
from ._labels import as_array, has_minus_one, is_labeled, plain
from ._targets import labeled_rows, warn_of_minus_one

__all__ = [
    "LabeledOnly",
    "as_array",
    "has_minus_one",
    "is_labeled",
    "labeled_rows",
    "plain",
    "warn_of_minus_one",
]
