"""Columns that are not what they seem: numbers, dates, identifiers and texts that a table takes for categories."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...warning import warn
from .._frames import is_frame, is_pandas
from ._categories import Factorized, Value
from ._drift import counts_of, rare_share
from ._looks import MAGNITUDE, is_mark, look_of

SAMPLE = 1000  # different values that are looked at
SEPARATORS = (";", "\t", "|", ",")  # of columns in a file
FEW_ROWS = 10  # a table with fewer is not judged

# what to do about each look, with pandas and with polars; "column" stands for a column
PARSE = 'pd.to_numeric({}, errors="coerce")', "{}.cast(pl.Float64, strict=False)"
FIXES = {
    "number": (PARSE[0].format("column"), PARSE[1].format("column")),
    # "Rs." goes with its point
    "number with signs": (
        PARSE[0].format(r'column.str.replace(r"[^\W\d]+\.?|[^\d.-]", "", regex=True)'),
        PARSE[1].format(r'column.str.replace_all(r"[^\W\d]+\.?|[^\d.-]", "")'),
    ),
    "number with comma": (
        PARSE[0].format(
            r'column.str.replace(r"[^\W\d]+\.?|[^\d,-]", "", regex=True).str.replace(",", ".", regex=False)'
        ),
        PARSE[1].format(
            r'column.str.replace_all(r"[^\W\d]+\.?|[^\d,-]", "").str.replace(",", ".", literal=True)'
        ),
    ),
    "date": (
        '(pd.to_datetime(column, errors="coerce") - pd.Timestamp("2020-01-01")).dt.days',
        "(column.str.to_date(strict=False) - pl.date(2020, 1, 1)).dt.total_days(), or str.to_datetime",
    ),
}
# what stands for a minus: brackets, a minus behind, and signs that are no hyphen
MINUS = re.compile(r"\s*\(.*\)\s*|\s*[\u2212\u2013].*|.*\d\s?-\s*")
WITH_MINUS = (
    r"""column.str.replace(r"^\s*[(\u2212\u2013](.*?)\)?\s*$|^(.*)-\s*$", r"-\1\2", regex=True)""",
    r"""column.str.replace(r"^\s*[(\u2212\u2013](.*?)\)?\s*$|^(.*)-\s*$", "-${1}${2}")""",
)
NEGATIVE = ", negative"
WORD = re.compile(r"[^\W\d]+\.?")  # such as "Rs.", which is no decimal point
EXPONENT = re.compile(r"\d[eE][-+]?\d")
EXPONENTS = ", exponents"
# what "k" behind a number stands for, where numbers of a column differ in it
POWERS = '{"k": 1e3, "m": 1e6, "b": 1e9, "mrd": 1e9}'
SCALED = (
    rf' * column.str.extract(r"(?i)\d\s*(k|mrd|m|b)", expand=False).str.lower().map({POWERS}).fillna(1)',
    rf' * column.str.extract(r"(?i)\d\s*(k|mrd|m|b)").str.to_lowercase().replace_strict({POWERS}, default=1.0)',
)
MAGNITUDES = ", magnitudes"
UNITS = ", units"
NAMES = {"number": "numbers", "percent": "percentages", "money": "amounts of money", "date": "dates or times"}


class Look(NamedTuple):
    """What a column looks like.

    Attributes
    ----------
    name : str
        Of the column.
    kind : {"number", "percent", "money", "date", "identifier", "text"}
    fix : str
        Key of `FIXES`, or empty.
    example, exception : str
        A value that looks so, and one that does not; either may be empty.
    """

    name: Any
    kind: str
    fix: str
    example: str
    exception: str = ""


def warn_of_empty(X: Any, empty: np.ndarray) -> None:
    """Warn of columns of a frame without a value, given their positions; nobody names those of an array."""
    if is_frame(X) and len(empty) and len(X) > 1:  # else fit refuses it anyway
        names = [X.columns[j] for j in empty]
        which = f"Column {names[0]!r} has" if len(names) == 1 else f"Columns {names[:5]} have"
        warn(
            f"{which} no value in fit and {'is' if len(names) == 1 else 'are'} ignored, whatever may be there later. "
            "Drop what is always empty, or let fit see rows that have a value."
        )


def warn_of_looks(
    X: Any, names: list[Any], columns: list[Factorized], categories: Sequence[Sequence[Value]], chosen: bool
) -> None:
    """Warn of categorical columns that look like something else and lose what they tell as categories.

    Parameters
    ----------
    X : raw table
    names : list
        Names or positions of the columns.
    columns : list of Factorized
    categories : sequence
        The categories of each column, without rare ones.
    chosen : bool
        Whether the user named the columns as categories. Then only those that become a constant are told.
    """
    separator = next((sign for sign in SEPARATORS if sign in str(names[0])), "") if names else ""
    if is_frame(X) and X.shape[1] == 1 and separator:
        how = "pandas.read_csv(file, sep=" if is_pandas(X) else "polars.read_csv(file, separator="
        warn(
            f"X has one column, {names[0]!r:.80}, which looks like several of a file that was read with "
            f"another separator. Read it with {how}{separator!r})."
        )
        return
    rare = [rare_share(*one) for one in zip(columns, categories, strict=True)]
    found = [judge(*one, chosen) for one in zip(names, columns, rare, strict=True)]
    looks = [look for look in found if look is not None]
    parts = []
    for key in dict.fromkeys((look.kind, look.fix) for look in looks):
        parts.append(_advice([look for look in looks if (look.kind, look.fix) == key], X))
    if parts:
        warn("\n".join(parts), about=tuple((look.name, look.kind) for look in looks))


def judge(name: Any, column: Factorized, rare: float, chosen: bool = False) -> Look | None:
    """Return what a column looks like, if it loses what it tells as a category; else None."""
    counts = counts_of(column)
    if counts.sum() < FEW_ROWS or not any(isinstance(value, str) for value in column.values):
        return _identifier(name, column, rare) if counts.sum() >= FEW_ROWS else None
    # a few of all values, and the most frequent ones, among which are marks such as "?"
    frequent = np.argsort(-counts, kind="stable")[:20]
    at = np.unique([*np.linspace(0, len(counts) - 1, SAMPLE).astype(int), *frequent])
    at = at[counts[at] > 0]
    sample = [column.values[i] for i in at]
    is_text = np.array([not isinstance(value, str) or not is_mark(value) for value in sample], dtype=bool)
    texts = [value for value, keep in zip(sample, is_text, strict=True) if keep]
    marks = int(counts[at[~is_text]].sum())
    if not chosen and texts:
        rows_each = (counts.sum() - marks) / max(1, len(column.values) - (len(sample) - len(texts)))
        look = _parsed(name, sample, texts, rows_each, rare)
        if look is not None:
            return look
    words = np.mean([len(value.split()) for value in texts if isinstance(value, str)] or [0])
    if words >= 3 and rare >= 0.8 and not chosen:
        return Look(name, "text", "", "")
    return _identifier(name, column, rare)


def _identifier(name: Any, column: Factorized, rare: float) -> Look | None:
    example = next((value for value in column.values if not (isinstance(value, str) and is_mark(value))), "")
    return Look(name, "identifier", "", str(example)) if rare >= 0.9 else None


def _parsed(name: Any, sample: list[Value], texts: list[Value], rows_each: float, rare: float) -> Look | None:
    """Return the look of a column whose values are numbers or dates by their form, if most are."""
    looks = [_look(value) for value in texts]
    units = Counter(unit for _, unit in looks if unit)
    common = {unit for unit, _ in units.most_common(3)}
    kinds = [kind if unit in common or not unit else "" for kind, unit in looks]
    counts = Counter("number" if kind == "decimal" else kind for kind in kinds)
    numbers = counts["number"] + counts["percent"] + counts["money"]
    kind = "date" if counts["date"] > numbers else max(("money", "percent", "number"), key=counts.__getitem__)
    if (counts["date"] if kind == "date" else numbers) < 0.8 * len(texts):
        return None
    many = len(texts) > 10 and (rows_each < 5 or (rare >= 0.5 and not _are_codes(texts)))
    if not many and not (len(texts) > 15 and kind != "date" and kinds.count("decimal") > len(texts) / 2):
        return None
    good = {str(value) for value, look in zip(texts, kinds, strict=True) if look}
    other = next((repr(value) for value in sample if str(value) not in good), "")
    example = next(str(value) for value, look in zip(texts, kinds, strict=True) if look)
    if kind == "date":
        return Look(name, kind, "date", example, other)
    found = {unit.lower() for number, (_, unit) in zip(kinds, looks, strict=True) if number}
    return Look(name, kind, _fix([str(v) for v in texts]) + _of_units(found), example, other)


def _of_units(units: set[str]) -> str:
    """Return what a conversion must heed of the units of a column, where an empty one is a number without a unit."""
    if len(units) < 2:
        return ""
    return MAGNITUDES if all(MAGNITUDE.fullmatch(unit) for unit in units if unit) else UNITS


def _look(value: Value) -> tuple[str, str]:
    if isinstance(value, str):
        return look_of(value)
    return ("decimal" if value != int(value) else "number", "") if abs(value) < 1e300 else ("number", "")


def _are_codes(texts: list[Value]) -> bool:
    """Return whether all are digits of one length, such as postal codes."""
    return len({len(str(value)) for value in texts}) == 1 and all(str(value).isdigit() for value in texts)


def _fix(texts: list[str]) -> str:
    """Return the key of the conversion that these texts need, and whether some are negative in another way than -1."""
    exponents = EXPONENTS if any(map(EXPONENT.search, texts)) else ""
    return _decimal_sign(texts) + exponents + (NEGATIVE if any(map(MINUS.fullmatch, texts)) else "")


def _decimal_sign(texts: list[str]) -> str:
    """Return the key of a conversion: which sign is the decimal one."""
    given, texts = texts, [text if EXPONENT.search(text) else WORD.sub("", text) for text in texts]
    commas = [text for text in texts if "," in text]
    if not commas and any(text.count(".") > 1 for text in texts):
        return "number with comma"  # 1.234.567: the point parts thousands
    last = [text for text in commas if text.rfind(",") > text.rfind(".")]
    thousands = [
        text for text in commas if len(_digits_after(text)) == 3 and not text.lstrip("-+ ").startswith("0,")
    ]
    if commas and len(last) > len(commas) / 2 and ("." in "".join(commas) or len(thousands) < len(commas)):
        return "number with comma"
    return (
        "number"
        if all(_is_float(text) or not any(map(str.isdigit, text)) for text in given)
        else ("number with signs")
    )


def _digits_after(text: str) -> str:
    return "".join(sign for sign in text[text.rfind(",") + 1 :] if sign.isdigit())


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _advice(looks: list[Look], X: Any) -> str:
    """Return the sentences on columns of one look."""
    names, kind = [look.name for look in looks], looks[0].kind
    if kind == "text":
        return "\n".join(
            f"Column {name!r} of X looks like texts, and a table takes it for a category. Pass X[{name!r}] for its "
            f"texts; in a ColumnTransformer select {name!r}, not [{name!r}]."
            for name in names[:5]
        )
    one = len(names) == 1
    which = f"Column {names[0]!r}" if one else f"Columns {names[:5]}"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    if kind == "identifier":
        return (
            f"{which}{more} {'looks' if one else 'look'} like identifiers, such as {looks[0].example!r}: nearly every "
            "row has a value of its own, so that all are rare categories and tell nothing. Drop "
            f"{'it' if one else 'them'}, or take apart what matters in {'it' if one else 'them'}."
        )
    but = next((f" ({look.exception} is none)" for look in looks if look.exception), "")
    library = 0 if not is_frame(X) or is_pandas(X) else 1
    base, *flags = looks[0].fix.split(", ")
    fix = FIXES[base][library]
    if EXPONENTS[2:] in flags:
        fix = fix.replace(r"[^\W\d]+\.?|[^\d.-]", r"[^\d.eE-]").replace(r"[^\W\d]+\.?|[^\d,-]", r"[^\d,eE-]")
    if NEGATIVE[2:] in flags:
        fix = fix.replace("column", WITH_MINUS[library])
    if MAGNITUDES[2:] in flags:
        fix += SCALED[library]
    but += " (in several units: bring them to one)" * (UNITS[2:] in flags)
    read = (
        ""
        if base != "number with comma" or library
        else ' Or read the file with decimal="," and thousands=".".'
    )
    return (
        f"{which}{more} {'looks' if one else 'look'} like {NAMES[kind]}, such as {looks[0].example!r}{but}, and a "
        f"table takes {'it for a category' if one else 'them for categories'}, most of them rare. Convert "
        f"{'it' if one else 'them'} first: {fix.replace('column', f'X[{names[0]!r}]')}.{read} If "
        f"{'it is' if one else 'they are'} to be categories, name {'it' if one else 'them'} in "
        "Tabular(categorical_features=...)."
    )
