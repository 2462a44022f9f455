"""Rows that are set aside for early stopping."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from ._loader import Selection, Store, in_blocks


def hold_out(
    store: Store, fraction: float, random_state: int | np.random.RandomState | None
) -> tuple[Store, Store | None]:
    """Set a share of the rows aside for early stopping, with a separate seed, so that weights do not depend on it.

    Parameters
    ----------
    store : Store
        If its targets have ``strata``, a number for each row, the same share of each is set aside, and no row of a
        negative one. If they have a ``weight`` instead, no row without any is set aside, as long as others are left.
    fraction : float
        0 keeps all rows for training; otherwise at least two are set aside.
    random_state : int, RandomState instance or None
        An int decides which rows; otherwise the choice is fixed.

    Returns
    -------
    train : Store
    valid : Store or None

    Raises
    ------
    ValueError
        If fewer than two rows are left to train on.
    """
    n = len(store)
    if n < 2:
        raise ValueError("Training needs at least 2 rows of X; it has 1. Collect rows and pass them at once.")
    if not fraction:
        return store, None
    targets = getattr(store, "targets", None)
    strata, weight = getattr(targets, "strata", None), getattr(targets, "weight", None)
    if strata is None and weight is not None:
        strata = (weight > 0).long() - 1  # a validation loss of rows without weight would say nothing
    eligible = n if strata is None else int((strata >= 0).sum())
    n_valid = max(2, round(fraction * eligible))  # a loss that compares rows needs two
    if n - n_valid < 2:
        raise ValueError(
            f"early_stopping=True leaves {max(0, n - n_valid)} of {n} rows to train on. Give more "
            "rows, lower validation_fraction, or set early_stopping=False."
        )
    # a RandomState must not be drawn from here: the weights would differ from those without early stopping
    seed = random_state if isinstance(random_state, Integral) else 0
    if in_blocks(store):
        return store.split(n_valid / n, int(seed))
    order = np.random.default_rng(int(seed)).permutation(n)
    if strata is not None:
        order = _by_turns(order, strata.numpy()[order])
    return Selection(store, order[n_valid:]), Selection(store, order[:n_valid])


def _by_turns(order: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Reorder rows so that each stratum is spread evenly over them; those of negative strata come last."""
    place = np.empty(len(order))
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        # the middle of the part of the whole that each row stands for
        place[rows] = np.inf if stratum < 0 else (np.arange(len(rows)) + 0.5) / len(rows)
    return order[np.argsort(place, kind="stable")]
