"""Warnings that point at the user's own line, however deep the code that raises them."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# frames of these packages are not the user's: estimators are called by pipelines, searches and worker processes
OTHERS = ("sklearn_ssl", "sklearn", "joblib", "skorch", "torch")
_HERE = threading.local()  # warnings.catch_warnings would change what other threads see


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn from the innermost line outside of this package and of those that call it.

    Parameters
    ----------
    message : str
    category : class, default=UserWarning
    """
    gathered = getattr(_HERE, "gathered", None)
    if gathered is not None:
        gathered.append((message, category))
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


@contextmanager
def gathered_warnings() -> Iterator[list[tuple[str, type[Warning]]]]:
    """Put what :func:`warn` says within the block, in this thread, into a list, and say nothing."""
    before, _HERE.gathered = getattr(_HERE, "gathered", None), []
    try:
        yield _HERE.gathered
    finally:
        _HERE.gathered = before
