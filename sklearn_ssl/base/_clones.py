"""Estimators within estimators: fitted ones are taken as they are, others as clones with a seed."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted


def is_fitted(estimator: Any) -> bool:
    """Return whether an estimator is fitted or frozen, so that it is taken as it is."""
    if isinstance(estimator, FrozenEstimator):
        return True
    try:
        check_is_fitted(estimator)
    except (NotFittedError, TypeError):
        return False
    return True


def seeded_clone(estimator: Any, seed: int) -> Any:
    """Return an unfitted clone, with `seed` in place of every ``random_state=None``, its own and nested ones."""
    new = clone(estimator)
    params = new.get_params()
    states = [name for name in params if name.split("__")[-1] == "random_state" and params[name] is None]
    new.set_params(**dict.fromkeys(states, seed))  # a frozen estimator returns nothing here
    return new
