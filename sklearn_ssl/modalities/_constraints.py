"""Numbers that parameters may be, as constraints for scikit-learn's check of parameters."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval

LARGEST = 2**31 - 1  # of a count
EXACT = 2**53  # the largest int that is a float; torch overflows soon after


class Numbers(Interval):
    """An interval of plain numbers: booleans are none, nor are fractions, of which torch knows nothing.

    scikit-learn takes True for a count, and any int for a real.
    """

    def is_satisfied_by(self, val: Any) -> bool:
        """Return whether a value is such a number."""
        whole = isinstance(val, (int, np.integer)) and not isinstance(val, bool)
        if self.type is Real and whole and abs(int(val)) > EXACT:
            return False
        return (whole or isinstance(val, (float, np.floating))) and super().is_satisfied_by(val)


def count(low: int, high: int = LARGEST) -> Numbers:
    """Return the constraint of an int from `low` to `high`."""
    return Numbers(Integral, low, high, closed="both")


def real(low: float | None = None, high: float | None = None, *, closed: str) -> Numbers:
    """Return the constraint of a finite number; `closed` says which of the limits belong to the interval."""
    return Numbers(Real, low, high, closed=closed)


def is_count(value: Any, low: int) -> bool:
    """Return whether a value is an int of at least `low`, and no boolean."""
    return count(low).is_satisfied_by(value)


def check_crop_scale(crop_scale: Any) -> None:
    """Raise a ValueError if a range of crops is not two shares above 0, the smaller one first."""
    ends = tuple(crop_scale)
    if len(ends) != 2 or not all(is_share(end) for end in ends) or not 0 < ends[0] <= ends[1]:
        raise ValueError(f"crop_scale={crop_scale!r} must be two numbers, 0 < smallest <= largest <= 1.")


def is_share(value: Any) -> bool:
    """Return whether a value is a number from 0 to 1, and no boolean."""
    return real(0, 1, closed="both").is_satisfied_by(value)
