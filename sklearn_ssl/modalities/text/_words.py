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
    """Return a text composed (NFC), so that é is one character however it was typed, and without what is not seen.

    It is composed after it is in lower case: ǰ has a composed form, and its capital has none.
    """
    if lowercase:
        text = text.lower()
    return text if text.isascii() else unicodedata.normalize("NFC", UNSEEN.sub("", text))


# soft hyphens, marks of the direction of writing and of the order of bytes: within a word they would break it
UNSEEN = re.compile("[\u00ad\u061c\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
UNSPACED = re.compile(  # letters of scripts that are written without spaces between words, by their blocks
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u3005-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\U00020000-\U0003ffff]"
)


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


def has_spaces(words: list[str]) -> bool:
    """Return whether words are of scripts that have spaces between words, by most of their letters."""
    return sum(len(UNSPACED.findall(word)) for word in words) <= sum(map(len, words)) / 2
