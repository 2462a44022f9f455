"""What the fitted attributes of ``Text`` must be like, wherever they come from."""

from __future__ import annotations

from typing import Any

from .._fitted import array, places, refuse, whole
from ._input import check_params
from ._subwords import Subwords
from ._tokens import SPECIAL


def check_fitted(text: Any) -> None:
    """Raise a ValueError if fitted attributes of a ``Text`` do not go with each other and its parameters."""
    check_params(text)
    prompt, source = getattr(text, "prompt_", ""), text.tokenizer_
    if not isinstance(prompt, str):
        refuse(text, "prompt_", "must be a text")
    if (source is None) != (text.analyzer != "subword"):
        refuse(text, "tokenizer_", f"does not go with analyzer={text.analyzer!r}")
    subwords = None if source is None else Subwords(source, trained_here=text.tokenizer is None)
    if not hasattr(text, "counts_"):  # a method without a network has a vocabulary of its own
        return
    n = len(array(text, "counts_", "i", (None,), low=0))
    array(text, "kinds_", "b", (4, n))
    longest = whole(text, "n_positions_", 4)
    if text.max_length is not None and longest != text.max_length + 3:
        refuse(text, "n_positions_", f"is {longest}, and max_length={text.max_length}")
    vocabulary = places(text, "vocabulary_", n)
    special = tuple(range(len(SPECIAL))) if subwords is None else subwords.special
    if text.special_ != special or max(special) >= n:
        refuse(text, "special_", f"is {text.special_!r:.60}, and should be {special}")
    if subwords is None and list(vocabulary.values()) != list(range(len(SPECIAL), n)):
        refuse(text, "vocabulary_", "must number its tokens in their order")
    if subwords is not None and not subwords.is_of(vocabulary):
        refuse(text, "tokenizer_", "has other tokens than vocabulary_")
