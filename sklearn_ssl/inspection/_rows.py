"""The first rows of what users pass to displays."""

from __future__ import annotations

from typing import Any

from ..modalities import is_count


def first_rows(given: dict[str, Any], n_samples: Any) -> list[Any]:
    """Return the first rows of several containers.

    Parameters
    ----------
    given : dict of str to rows
        By the names of the parameters.
    n_samples : int

    Raises
    ------
    ValueError
        If `n_samples` is no integer of at least 1.
    TypeError
        If a container holds no rows.
    """
    if not is_count(n_samples, 1):
        raise ValueError(f"n_samples={n_samples!r:.60} must be an integer of at least 1.")
    for name, rows in given.items():
        if not (isinstance(rows, (list, tuple)) or len(getattr(rows, "shape", ()))):
            raise TypeError(f"{name}={rows!r:.60} must be rows, such as an array, a DataFrame or a list.")
    return [rows[:n_samples] for rows in given.values()]
