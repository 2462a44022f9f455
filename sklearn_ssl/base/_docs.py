"""Shared parameters are documented and constrained once; every class gets what its bases say of them."""

from __future__ import annotations

import inspect
import re
from typing import Any


def merged_constraints(cls: type) -> dict[str, Any]:
    """Return the constraints on the parameters of a class and its bases; the class's own replace theirs."""
    merged: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        merged |= vars(base).get("_parameter_constraints", {})
    return merged


def with_shared_sections(doc: str | None, shared_doc: str | None, ranks: tuple[str, ...] = ()) -> str | None:
    """Append the parameters and attributes of `shared_doc` to those of a numpydoc docstring.

    An entry that the class documents itself, for example because of another default, replaces the shared one. Those
    named in `ranks` stand in its order.
    """
    if doc is None or shared_doc is None:
        return doc
    intro, own = _sections(doc)
    _, shared = _sections(shared_doc)
    merged = {}
    for title in ("Parameters", "Attributes"):
        entries = _entries(shared[title]) | _entries(own.get(title, ""))
        names = dict.fromkeys([*_entries(own.pop(title, "")), *_entries(shared[title])])
        # entries that are not among the ranks are the class's own, and come first
        order = sorted(names, key=lambda name: ranks.index(name) if name in ranks else -1)
        merged[title] = "".join(entries[name] for name in order)
    parts = [f"{title}\n{'-' * len(title)}\n{text}" for title, text in (merged | own).items()]
    return "\n".join([intro.rstrip() + "\n", *parts])


def _entries(section: str) -> dict[str, str]:
    """Split a section into the texts of its entries, by name."""
    texts = re.split(r"^(?=\S)", section, flags=re.MULTILINE)[1:]
    return {text.split(" :")[0]: text for text in texts}


def _sections(doc: str) -> tuple[str, dict[str, str]]:
    """Split a numpydoc docstring into its head and its sections by title."""
    intro, *rest = re.split(r"^(\w[\w ]*)\n-+\n", inspect.cleandoc(doc) + "\n", flags=re.MULTILINE)
    return intro, {title: text.strip() + "\n" for title, text in zip(rest[::2], rest[1::2], strict=True)}
