"""Shared parameters are documented once and appear in the help of every class."""

from __future__ import annotations

import inspect
import re


def with_shared_sections(doc: str | None, shared_doc: str | None) -> str | None:
    """Add the parameters and attributes of `shared_doc` to a numpydoc docstring, behind its own."""
    if doc is None or shared_doc is None:
        return doc
    intro, own = _sections(doc)
    _, shared = _sections(shared_doc)
    merged = {title: own.pop(title, "") + shared[title] for title in ("Parameters", "Attributes")}
    parts = [f"{title}\n{'-' * len(title)}\n{text}" for title, text in (merged | own).items()]
    return "\n".join([intro.rstrip() + "\n", *parts])


def _sections(doc: str) -> tuple[str, dict[str, str]]:
    """Split a numpydoc docstring into its head and its sections by title."""
    intro, *rest = re.split(r"^(\w[\w ]*)\n-+\n", inspect.cleandoc(doc) + "\n", flags=re.MULTILINE)
    return intro, {title: text.strip() + "\n" for title, text in zip(rest[::2], rest[1::2], strict=True)}
