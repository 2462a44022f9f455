"""What single texts look like: numbers, money, dates, times, e-mail addresses."""

from __future__ import annotations

import re
import unicodedata


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MAGNITUDE = re.compile(r"(k|mio|mrd|mn|bn|m|b)\b\.?", re.IGNORECASE)
"""Thousands and more, behind a number."""

MARKS = _words("""
    ? ?? - -- --- . .. * / n/a #n/a na n.a. n.a <na> nan nat nil none null missing unknown undefined empty k.a. s/d nd
    n.d. #value! #div/0! inf -inf
""") | {""}
"""Texts that stand for a missing value, in lower case."""

CURRENCIES = _words("""
    usd eur gbp chf jpy cny rmb inr brl aud cad nzd sek nok dkk pln czk huf ron rub try zar mxn ars clp cop krw sgd hkd
    thb idr myr php vnd ils aed sar egp ngn kes uah bgn isk twd euro euros dollar dollars kr zł kč ft rs us r fr sfr lei
""")
MONTHS = tuple(
    _words("""
    jan feb mar apr may jun jul aug sep oct nov dec mär mrz mai okt dez janv févr fév avr juin juil août déc ene abr ago
    dic gen mag giu lug set ott out fev mei maj
""")
)
OTHER_WORDS = _words("""
    mon tue wed thu fri sat sun tues thur thurs monday tuesday wednesday thursday friday saturday sunday montag dienstag
    mittwoch donnerstag freitag samstag sonntag lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes
    miércoles jueves viernes sábado domingo st nd rd th of de t z am pm utc gmt est edt cet cest pst pdt cst mst
""")

QUOTES, BOUNDS = "\"'`", "<>~\u2248\u2264\u2265\u2243\u00b1="  # around and before numbers
SIGN, GAP = r"[-+\u2212\u2013]?", r"[,.'\u2019_\u066c \u00a0\u2009\u202f]"
PLAIN = rf"{SIGN}\s?(?:\d+(?:[.,\u066b]\d*)?|[.,\u066b]\d+)"
POWER = rf"{PLAIN}[eE][-+]?\d+"
GROUPED = rf"{SIGN}\s?\d{{1,3}}(?:{GAP}\d{{2,3}})*{GAP}\d{{3}}(?:[.,\u066b]\d+)?(?!\d)"
NUMBER = re.compile(rf"(?P<body>{POWER}|{GROUPED}|{PLAIN}|\((?:{GROUPED}|{PLAIN})\)|(?:{GROUPED}|{PLAIN})-)")
TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[ap]\.?m\.?)?"
ZONE = r"(?:\s?(?:Z|UTC|GMT|[-+]\d{2}(?::?\d{2})?))?"
DAY = (
    r"\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{4}[-/]\d{1,2}|\d{1,2}([-/.])\s?\d{1,2}\2\s?(?:\d{4}|\d{2})|\d{1,2}[-/]\d{4}"
    r"|(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})?|\d{4}[- ]?[QW]\d{1,2}|Q[1-4][-/ ]?\d{4}"
    r"|\d{2,4}\s?[\u5e74\ub144]\s?\d{1,2}\s?[\u6708\uc6d4](?:\s?\d{1,2}\s?[\u65e5\uc77c])?"
)
DATE = re.compile(rf"(?:{DAY})(?:[T ,]\s?{TIME}{ZONE})?|{TIME}{ZONE}", re.IGNORECASE)
CODE = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


def is_mark(text: str) -> bool:
    """Return whether a text stands for a missing value."""
    return text.strip().lower() in MARKS


def look_of(text: str) -> tuple[str, str]:
    """Return what a text looks like, and its unit.

    Returns
    -------
    look : {"date", "number", "decimal", "percent", "money", ""}
        "decimal" is a number with digits after a point or comma, "" nothing of all that.
    unit : str
        What follows a number, such as "kg", or "k" in an amount of money; empty for other looks.
    """
    text = text.strip().strip(QUOTES).lstrip(BOUNDS).lstrip()
    if not any(sign.isdigit() for sign in text) or len(text) > 60:
        return "", ""
    if DATE.fullmatch(text) or _names_a_month(text):
        return "date", ""
    match = NUMBER.search(text)
    if not match:
        return "", ""
    before, after = text[: match.start()].strip(), text[match.end() :].strip()
    if any(sign.isdigit() for sign in before + after):
        return "", ""
    if not before and after in ("", "-"):
        zeros = text.isdigit() and len(text) > 1 and text[0] == "0"  # a code, such as 01234
        body = re.sub(rf"{GAP}(?=\d{{3}}(?:\D|$))", "", match["body"])
        return ("" if zeros else "decimal" if re.search(r"[.,\u066b]\d", body) else "number"), ""
    if {before, after} <= {"", "%", "‰"}:
        return "percent", ""
    power = MAGNITUDE.match(after)
    rest = after[power.end() :].strip() if power else after
    if _is_currency(before) and _is_currency(rest) and (not power or before or rest):
        return "money", power[1] if power else ""
    spaced = text[match.end() : match.end() + 1].isspace() or len(after) <= 3
    return ("decimal", after) if not before and len(after) <= 8 and spaced else ("", "")


def _is_currency(text: str) -> bool:
    rest = "".join(sign for sign in text if unicodedata.category(sign) != "Sc").strip(" -+.\u2212\u00a0()")
    return not rest or rest.lower() in CURRENCIES


def _names_a_month(text: str) -> bool:
    words = re.findall(r"[^\W\d_]+", text.lower())
    months = [word for word in words if word not in OTHER_WORDS and word.startswith(MONTHS)]
    others = [word for word in words if word not in OTHER_WORDS and word not in months]
    return bool(months) and not others and all(len(word) <= 10 for word in months)
