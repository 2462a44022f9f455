"""Warnings that point at the user's own line, however deep the code that raises them."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

# frames of these packages are not the user's: estimators are called by pipelines, searches and worker processes
OTHERS = ("sklearn_ssl", "sklearn", "joblib", "skorch", "torch")
_HERE = threading.local()  # warnings.catch_warnings would change what other threads see


class Said(NamedTuple):
    """A warning that was not given yet."""

    message: str
    category: type[Warning]
    about: Hashable


def warn(message: str, category: type[Warning] = UserWarning, about: Hashable = None) -> None:
    """Warn from the innermost line outside of this package and of those that call it.

    Parameters
    ----------
    message : str
    category : class, default=UserWarning
    about : hashable, optional
        What it is about, if other rows of the same data change the message, such as numbers in it: where
        :func:`warn_once` is used, of several warnings about the same thing the first is given.
    """
    gathered = getattr(_HERE, "gathered", None)
    if gathered is not None:
        gathered.append(Said(message, category, message if about is None else about))
        return
    depth = 1
    while True:
        try:
            module = sys._getframe(depth).f_globals.get("__name__", "")
        except ValueError:  # called from within such a package only
            warnings.warn(message, category, stacklevel=2)
            return
        if module.split(".")[0] not in OTHERS or module == "sklearn_ssl.__main__":
            warnings.warn(message, category, stacklevel=depth + 1)
            return
        depth += 1


def warn_once(found: Iterable[Said], told: set[Hashable]) -> None:
    """Give those warnings that are not about what was told already, which is added to `told`."""
    for one in found:
        if one.about not in told:
            told.add(one.about)
            warn(*one)


@contextmanager
def gathered_warnings() -> Iterator[list[Said]]:
    """Put what :func:`warn` says within the block, in this thread, into a list, and say nothing."""
    before, _HERE.gathered = getattr(_HERE, "gathered", None), []
    try:
        yield _HERE.gathered
    finally:
        _HERE.gathered = before


def quietly(run: Callable[..., Any], *args: Any) -> tuple[Any, list[Said]]:
    """Return what a function returns, and the warnings that it would have given; give them if it fails.

    Where a function runs on each of several splits, all have the same to say: pass what they say to :func:`warn_once`.
    """
    said: list[Said] = []
    try:
        with gathered_warnings() as said:
            return run(*args), said
    except BaseException:
        warn_once(said, set())  # which may tell why
        raise
