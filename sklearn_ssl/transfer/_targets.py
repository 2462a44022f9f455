"""Targets of rows of which some may be set aside, the same share of each kind."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class StratifiedTargets(NamedTuple):
    """Targets of rows, their weights, and the strata that rows are set aside from.

    Attributes
    ----------
    values : Tensor of float32 of shape (n, n_outputs)
    weight : Tensor of float32 of shape (n,)
    strata : Tensor of int64 of shape (n,)
        Early stopping sets the same share of each aside, and none of those below 0.
    """

    values: Tensor
    weight: Tensor
    strata: Tensor
