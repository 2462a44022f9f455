"""Public names of classes and functions: the package users import them from, not the private file."""

from __future__ import annotations

import sys


def publish(module: str) -> None:
    """Set ``__module__`` of everything in the ``__all__`` of a package to that package.

    ``ContrastivePretrainer.__module__`` is then ``"sklearn_ssl"``. So pickles, saved folders, help and error messages
    name a stable place, whichever file the class moves to.

    Parameters
    ----------
    module : str
        ``__name__`` of the package, at the end of its ``__init__``. Names that it only re-exports from another
        public place stay as they are.
    """
    for name in sys.modules[module].__all__:
        value = getattr(sys.modules[module], name)
        origin = getattr(value, "__module__", None) or ""
        if origin != public_name(origin) and origin.startswith(module.split(".")[0] + "."):
            value.__module__ = module


def public_name(name: str) -> str:
    """Return a dotted name without its private parts: ``"a._b.C"`` becomes ``"a.C"``."""
    return ".".join(part for part in name.split(".") if not part.startswith("_") or part.startswith("__"))
