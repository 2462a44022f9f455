"""Words of all scripts: Unicode forms are made one, and vowel signs and accents belong to their words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache

TOKEN_PATTERN = r"\w+|[^\w\s]"
JOINERS = "\u200c\u200d"  # they join or part letters in Persian and in the scripts of India
PLANES = (range(0x1FFFF), range(0xE0000, 0xE01F0))  # no other plane has marks


def normalized(text: str, lowercase: bool) -> str:
    """Return a text composed (NFC), so that é is one character however it was typed.

    It is composed after it is in lower case: ǰ has a composed form, and its capital has none.
    """
    if lowercase:
        text = text.lower()
    return text if text.isascii() else unicodedata.normalize("NFC", text)


@cache
def marks() -> str:
    """Return the combining marks of Unicode as the inside of a character class."""
    found = [i for part in PLANES for i in part if unicodedata.category(chr(i))[0] == "M"]
    ranges: list[list[int]] = []
    for i in found:
        if ranges and ranges[-1][1] == i - 1:
            ranges[-1][1] = i
        else:
            ranges.append([i, i])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


@cache
def words_with_marks() -> re.Pattern[str]:
    """Return the default pattern for texts that may have marks.

    A word or a sign takes the marks behind it. A joiner belongs to a word if a letter follows or a mark precedes.
    """
    mark = marks()
    inner = rf"[\w{mark}]"
    joined = rf"[{JOINERS}]+(?:{inner}+|(?<=[{mark}][{JOINERS}]))"
    return re.compile(rf"\w{inner}*(?:{joined})*|[^\w\s][{mark}]*")


def word_finder(pattern: str) -> Callable[[str], list[str]]:
    """Return a function that lists the words of a text; with a pattern of the user's own, as it is."""
    plain = re.compile(pattern).findall
    if pattern != TOKEN_PATTERN:
        return plain
    # texts in ASCII have no marks, and the plain pattern is quicker
    return lambda text: plain(text) if text.isascii() else words_with_marks().findall(text)
