"""Public names of classes and functions: the package that users import them from, not a private file."""

from __future__ import annotations

import inspect
import sys


def publish(module: str, also: tuple[str, ...] = ()) -> None:
    """Make what a package lists in ``__all__`` name that package as its module.

    ``ContrastivePretrainer.__module__`` is then ``"sklearn_ssl"``. Pickles, saved folders, help and error messages
    name a place that stays the same whichever file the class is moved to. The price, as with every library that does
    so: ``inspect.getsource`` of a class looks for it in the package.

    Parameters
    ----------
    module : str
        ``__name__`` of the package, at the end of its ``__init__``. What it only passes on, from a place that is
        public already, is left unchanged.
    also : tuple of str
        Public packages whose names are taken over all the same.
    """
    for name in sys.modules[module].__all__:
        value = getattr(sys.modules[module], name)
        origin = getattr(value, "__module__", None) or ""
        private = origin != public_name(origin) and origin.startswith(module.split(".")[0] + ".")
        if private or origin in also:
            if isinstance(value, type):
                # annotations are texts, which are looked up in the module: here most of their names are unknown
                value.__annotations__ = inspect.get_annotations(value, eval_str=True)
            value.__module__ = module


def public_name(name: str) -> str:
    """Return a dotted name without its private parts: ``"a._b.C"`` becomes ``"a.C"``."""
    return ".".join(part for part in name.split(".") if not part.startswith("_") or part.startswith("__"))
