"""Checks of fitted attributes that were read from a file: their types, shapes and ranges."""

from __future__ import annotations

from numbers import Integral
from typing import Any, NoReturn

import numpy as np

LARGEST = 2**31


def refuse(obj: Any, name: str, why: str) -> NoReturn:
    """Raise the error for a fitted attribute that cannot be right."""
    raise ValueError(
        f"{name} of {type(obj).__name__} {why}. The folder is damaged: save the estimator again."
    )


def whole(obj: Any, name: str, low: int = 0) -> int:
    """Return a fitted attribute that is an int of at least `low`; raise a ValueError if it is not."""
    value: Any = getattr(obj, name, None)
    if not isinstance(value, Integral) or isinstance(value, bool) or not low <= int(value) < LARGEST:
        refuse(obj, name, f"must be an integer of at least {low}, and is {value!r:.60}")
    return int(value)


def real_number(obj: Any, name: str, low: float) -> float:
    """Return a fitted attribute that is a finite number of at least `low`; raise a ValueError if it is not."""
    value: Any = getattr(obj, name, None)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value < np.inf:
        refuse(obj, name, f"must be a finite number of at least {low:.3g}, and is {value!r:.60}")
    return float(value)


def array(
    obj: Any,
    name: str,
    kinds: str,
    shape: tuple[int | None, ...],
    low: float = -np.inf,
    high: float = np.inf,
    endless: bool = False,
) -> np.ndarray:
    """Return a fitted attribute that is an array; raise a ValueError if it is not as it should be.

    Parameters
    ----------
    obj : object
    name : str
        Of the attribute.
    kinds : str
        Kinds of dtype, as in ``numpy.dtype.kind``.
    shape : tuple of int or None
        None stands for any length.
    low, high : float
        Range of the values.
    endless : bool, default=False
        Whether values may be infinite.
    """
    value = getattr(obj, name, None)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in kinds:
        refuse(obj, name, f"must be an array of kind {kinds}, and is {value!r:.60}")
    fits = len(shape) == value.ndim and all(
        n is None or n == m for n, m in zip(shape, value.shape, strict=True)
    )
    if not fits:
        refuse(obj, name, f"must have the shape {shape}, and has {value.shape}")
    if value.dtype.kind == "f" and not (endless or np.isfinite(value).all()):
        refuse(obj, name, "must be finite")
    if value.dtype.kind in "if" and not ((value >= low) & (value <= high)).all():
        refuse(obj, name, f"must lie between {low} and {high}")
    return value


def texts(obj: Any, name: str, n: int | None = None) -> tuple[str, ...]:
    """Return a fitted attribute that is a tuple or an array of `n` str; raise a ValueError if it is not."""
    value: Any = getattr(obj, name, None)
    listed = isinstance(value, tuple) or (isinstance(value, np.ndarray) and value.ndim == 1)
    if not listed or not all(isinstance(text, str) for text in value):
        refuse(obj, name, f"must be texts, and is {value!r:.60}")
    if n is not None and len(value) != n:
        refuse(obj, name, f"must have {n} entries, and has {len(value)}")
    return tuple(value)


def places(obj: Any, name: str, n: int) -> dict[str, int]:
    """Return a fitted attribute that gives each text a place of its own below `n`; raise a ValueError if not."""
    value = getattr(obj, name, None)
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        refuse(obj, name, f"must be a dict of str to int, and is {value!r:.60}")
    for place in value.values():
        if not isinstance(place, Integral) or isinstance(place, bool) or not 0 <= int(place) < n:
            refuse(obj, name, f"must have places from 0 to {n - 1}, and has {place!r:.60}")
    if len(set(value.values())) != len(value):
        refuse(obj, name, "has a place twice")
    return value
