"""Features of raw rows, by a pretrainer that is fitted, or fitted first."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from ..modalities import stack_rows


def is_fitted(transformer: Any) -> bool:
    """Return whether a transformer is fitted or frozen, so that its features are taken as they are."""
    if isinstance(transformer, FrozenEstimator):
        return True
    try:
        check_is_fitted(transformer)
    except (NotFittedError, TypeError):
        return False
    return True


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
    new = clone(transformer)
    params = new.get_params()
    states = [key for key in params if key.split("__")[-1] == "random_state" and params[key] is None]
    new.set_params(**dict.fromkeys(states, seed))
    if pool is None:
        return new.fit(X)
    if has_fit_parameter(new, "X_unlabeled"):
        return new.fit(X, X_unlabeled=pool)
    return new.fit(stack_rows(X, pool))
