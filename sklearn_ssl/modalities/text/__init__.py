"""Texts: tokens, views of them, and the prediction of tokens."""

from ._subwords import to_json_string
from ._text import Text
from ._tokens import SPECIAL, collect, find_vocabulary

__all__ = ["SPECIAL", "Text", "collect", "find_vocabulary", "to_json_string"]
