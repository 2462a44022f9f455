"""The modalities that ``modality="auto"`` knows, and how one is chosen. A new one takes one line here."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone

from ._base import Modality
from ._frames import check_frame, is_frame
from ._image import Image
from ._input import shape_of
from .audio import Audio
from .series import Series
from .tabular import Tabular
from .text import Text

# the first is the fallback: if no modality accepts X, its validation raises the error
MODALITIES: tuple[type[Modality], ...] = (Tabular, Text, Image, Series, Audio)


def choose_modality(wanted: Any, X: Any, kinds: tuple[type[Modality], ...], method: str) -> Modality:
    """Return a new modality: the one that is wanted, or the only one that X can be.

    Parameters
    ----------
    wanted : "auto" or Modality
        The parameter `modality` of an estimator.
    X : raw rows
    kinds : tuple of classes
        Modalities that the estimator takes.
    method : str
        Name of the estimator, for errors.

    Raises
    ------
    ValueError, TypeError
        If the kind of X is ambiguous, `wanted` is not a modality, or the modality is not one of `kinds`.
    """
    if isinstance(wanted, Modality):
        modality: Modality = clone(wanted)
    elif isinstance(wanted, str) and wanted == "auto":
        modality = infer_modality(X)
    else:
        *some, last = [kind.usage for kind in MODALITIES]
        hint = " It is the class: add ()." if isinstance(wanted, type) else _what_to_write(wanted)
        raise TypeError(
            f"modality={wanted!r} must be 'auto' or a modality, such as {', '.join(some)} or "
            f"{last} from sklearn_ssl.modalities.{hint}"
        )
    check_kind(modality, kinds, method, X)
    return modality


def infer_modality(X: Any) -> Modality:
    """Return the only modality that X can be, or raise an error that asks for one.

    Two-dimensional numbers, DataFrames and sparse matrices are tables. Four-dimensional arrays are images.
    Lists, arrays and Series of str are texts. Lists of arrays of numbers, of one dimension, or of two and
    of several lengths, are time series. Anything else is taken for a table, whose validation refuses it.

    Raises
    ------
    ValueError
        If X has three dimensions (greyscale images or multivariate series) or more than four.
    TypeError
        If X is a list of names of files.

    Warns
    -----
    UserWarning
        If a column of a DataFrame looks like texts. It is treated as categorical.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl.modalities import infer_modality
    >>> infer_modality(np.zeros((5, 3))), infer_modality(["a text", "another"])
    (Tabular(), Text())
    """
    if is_frame(X):
        check_frame(X)
    for kind in MODALITIES:
        if kind.accepts(X):
            kind.doubt(X)
            return kind()
    for kind in MODALITIES:
        kind.refuse(X)
    shape = shape_of(X)
    if len(shape) > 2:
        hints = "".join(f" {hint}" for hint in (kind.hint(X) for kind in MODALITIES) if hint)
        raise ValueError(
            f"X of shape {shape} has {len(shape)} dimensions: what is it?{hints} Otherwise "
            "reshape X, for example to a table with one row per sample."
        )
    return MODALITIES[0]()


def kind_of_modality(wanted: Any, kinds: tuple[type[Modality], ...]) -> Modality | None:
    """Return the modality that is wanted or, for ``"auto"``, the first registered one that an estimator takes."""
    if isinstance(wanted, Modality):
        return wanted
    return next((kind() for kind in MODALITIES if issubclass(kind, kinds)), None)


def check_kind(modality: Modality, kinds: tuple[type[Modality], ...], method: str, X: Any) -> None:
    """Raise a ValueError that names the fix if `method` does not take data of this kind."""
    if isinstance(modality, kinds):
        return
    if not modality.accepts(X):
        clone(modality).fit(X)  # if X is not of this kind either, this raises a better error
    known = [kind for kind in MODALITIES if issubclass(kind, kinds)] or list(kinds)
    names = " or ".join(kind.__name__ for kind in known)
    hints = [hint for hint in (kind.hint(X) for kind in known) if hint]
    fix = hints[0] if hints else f"Pass modality={names}(...), or take a method for this kind of data."
    needs = known[0].noun if len(known) == 1 and known[0].noun else f"the modality {names}"
    raise ValueError(f"{method} needs {needs} and got {modality.describe(X)}. {fix}")


def _what_to_write(wanted: Any) -> str:
    """Return what to write for a modality that was given by a name; an empty string if it is none that we know."""
    name = wanted.lower().removesuffix("s") if isinstance(wanted, str) else ""
    for kind in MODALITIES if len(name) > 2 else ():
        cls = kind.__name__
        if cls.lower().startswith(name) or kind.noun.startswith(name):
            return f" Write modality={kind.usage}, after `from sklearn_ssl.modalities import {cls}`."
    return ""
