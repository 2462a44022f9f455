"""Networks that know the columns of a DataFrame by their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from ...encoders import MLP
from ...warning import warn
from .._frames import is_frame
from ._categories import Value
from ._cells import Cells


def names_of(X: Any, positions: np.ndarray) -> list[Any]:
    """Return the names of some columns of a frame; for other X, their positions."""
    names = list(X.columns) if is_frame(X) else None
    return [int(j) if names is None else names[j] for j in positions]


def inputs_by(
    names: Sequence[str], cells: Cells, categories: tuple[tuple[Value, ...], ...], has_rare: np.ndarray
) -> tuple[tuple[str, Any], ...]:
    """Return what each float of a batch stands for.

    Parameters
    ----------
    names : sequence of str of length d
        Names of the numeric columns, then of the categorical ones.
    cells : Cells
    categories : tuple of tuple
        Categories of each categorical column.
    has_rare : ndarray of bool of shape (n_categorical,)

    Returns
    -------
    tuple of (str, what)
        The name of a column, and ``"number"``, ``"hole"``, ``("category", value)`` or ``"rare"``.
    """
    inputs: list[tuple[str, Any]] = [(name, "number") for name in names[: cells.n_numbers]]
    inputs += [(names[cell], "hole") for cell in cells.lacking]
    for name, known, rare in zip(names[cells.n_numbers :], categories, has_rare, strict=True):
        inputs += [(name, ("category", value)) for value in known] + [(name, "rare")] * int(rare)
    return tuple(inputs)


def adapt(encoder: nn.Module, inputs: tuple[tuple[str, Any], ...] | None) -> nn.Module:
    """Adapt an MLP that was trained on a DataFrame to the columns of another, by their names.

    Parameters
    ----------
    encoder : nn.Module
        Any network but an MLP is returned unchanged.
    inputs : tuple or None
        What each float of a batch stands for now, as returned by ``inputs_by``; None if columns have no names.

    Raises
    ------
    ValueError
        If it knows none of the columns.

    Warns
    -----
    UserWarning
        If columns are new, known in part, or dropped.
    """
    if not isinstance(encoder, MLP) or None in (encoder.columns, inputs) or encoder.columns == inputs:
        return encoder
    before, now = set(encoder.columns or ()), set(inputs or ())
    old = list(dict.fromkeys(name for name, _ in encoder.columns or ()))
    new = list(dict.fromkeys(name for name, _ in inputs or ()))
    known = {name for name, what in before & now if what != "hole"}
    if not known:
        raise ValueError(
            f"The encoder was trained on columns {old[:5]}, and X has none of them, or others of that name. "
            "Rename the columns of X, or leave encoder='auto'."
        )
    in_part = {name for name, _ in before ^ now} & known
    if before != now:
        warn(
            f"The encoder knows {len(known)} of the {len(new)} columns of X. New, with fresh weights: "
            f"{[name for name in new if name not in known][:5]}. Known in part, with other categories or "
            f"holes: {[name for name in new if name in in_part][:5]}. Not in X, and dropped: "
            f"{[name for name in old if name not in new][:5]}.",
        )
    return encoder.with_columns(inputs or ())
