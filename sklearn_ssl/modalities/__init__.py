"""What the data is: how raw X becomes batches, and what a view and an encoder are there."""

from ._base import Modality, Sequences
from ._image import Image
from ._infer import check_kind, infer_modality
from ._tabular import Tabular
from ._text import Text

__all__ = ["Image", "Modality", "Sequences", "Tabular", "Text", "check_kind", "infer_modality"]
