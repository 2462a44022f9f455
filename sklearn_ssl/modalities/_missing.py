"""Missing values, in whatever container."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_missing(values: np.ndarray) -> np.ndarray:
    """Return where an array holds None, NaN or pandas' NA."""
    return np.frompyfunc(is_hole, 1, 1)(values).astype(bool)


def is_hole(value: Any) -> bool:
    """Return whether a single value is None, NaN or pandas' NA."""
    if value is None:
        return True
    try:
        return bool(value != value)  # NaN is the one value that differs from itself
    except TypeError:
        return True  # pandas' NA has no truth value
