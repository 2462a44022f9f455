"""Features of raw rows, by a pretrainer that is fitted, or fitted first."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import has_fit_parameter

from ..base import is_fitted, seeded_clone
from ..modalities import stack_rows


def check_transformer(transformer: Any, name: str, example: str) -> None:
    """Raise a TypeError if something is no transformer."""
    if isinstance(transformer, type):
        raise TypeError(f"{name}={transformer.__name__} is the class. Add () to it.")
    if not (hasattr(transformer, "fit") and hasattr(transformer, "transform")):
        raise TypeError(
            f"{name} must be a pretrainer or another transformer, such as {example}; got {transformer!r}."
        )


def fitted_on(transformer: Any, X: Any, pool: Any, seed: int) -> Any:
    """Return a transformer that is fitted as it is, and of any other a clone that is fitted to X and a pool.

    Parameters
    ----------
    transformer : transformer
        It is not changed.
    X, pool : raw rows
        The pool may be None.
    seed : int
        In place of a `random_state` of None.
    """
    if is_fitted(transformer):
        return transformer
    new = seeded_clone(transformer, seed)
    if pool is None:
        return new.fit(X)
    if has_fit_parameter(new, "X_unlabeled"):
        return new.fit(X, X_unlabeled=pool)
    return new.fit(stack_rows(X, pool))
