"""From a pool and few labels to a classifier."""

from ._labeled_only import LabeledOnly
from ._labels import as_array, is_labeled, plain

__all__ = ["LabeledOnly", "as_array", "is_labeled", "plain"]
