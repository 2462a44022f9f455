"""Texts: tokens, views of them, and the prediction of tokens."""

from ._doubts import doubt_documents, doubt_words
from ._subwords import to_json_string
from ._text import Text
from ._tokens import SPECIAL, collect, find_vocabulary
from ._words import normalized

__all__ = [
    "SPECIAL",
    "Text",
    "collect",
    "doubt_documents",
    "doubt_words",
    "find_vocabulary",
    "normalized",
    "to_json_string",
]
