"""Shared parameters are documented once and spliced into the docstring of every class."""

from __future__ import annotations

import inspect
import re


def with_shared_sections(doc: str | None, shared_doc: str | None) -> str | None:
    """Append the parameters and attributes of `shared_doc` to those of a numpydoc docstring.

    An entry that the class documents itself, for example because of another default, replaces the shared one.
    """
    if doc is None or shared_doc is None:
        return doc
    intro, own = _sections(doc)
    _, shared = _sections(shared_doc)
    merged = {}
    for title in ("Parameters", "Attributes"):
        entries = _entries(shared[title]) | _entries(own.get(title, ""))
        order = [*_entries(own.pop(title, "")), *_entries(shared[title])]
        merged[title] = "".join(entries[name] for name in dict.fromkeys(order))
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
