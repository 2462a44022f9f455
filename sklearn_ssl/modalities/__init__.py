"""Modalities (kinds of data): how raw X becomes batches, and their views, encoders and decoders."""

from ..naming import publish
from ._base import Decoder, Modality, ValueDecoder, unknown_encoder, unknown_target
from ._constraints import count, is_count, real
from ._fitted import array, places, real_number, refuse, texts, whole
from ._frames import check_frame, dense_frame, is_frame, other_than_numbers
from ._image import Image
from ._input import check_rows, is_texts, refuse_complex, shape_of, stack_rows
from ._missing import is_hole, is_missing
from ._registry import MODALITIES, check_kind, choose_modality, infer_modality, kind_of_modality
from ._sequences import Positions, Sequences
from .audio import Audio
from .series import Series, series_of
from .tabular import Tabular
from .text import (
    SPECIAL,
    Text,
    collect,
    doubt_documents,
    doubt_words,
    find_vocabulary,
    normalized,
    to_json_string,
)

# what users and authors of modalities import; the rest serves the packages above
__all__ = [
    "Audio",
    "Decoder",
    "Image",
    "Modality",
    "Positions",
    "Sequences",
    "Series",
    "Tabular",
    "Text",
    "ValueDecoder",
    "check_kind",
    "check_rows",
    "infer_modality",
    "unknown_encoder",
    "unknown_target",
]

publish(__name__)
