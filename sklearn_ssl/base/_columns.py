"""Columns of X and fitted attributes, handled as scikit-learn's estimators do."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from ..files import head_of
from ..modalities import Modality, check_frame, is_frame, kind_of_modality


def check_columns(estimator: BaseEstimator, X: Any, reset: bool = False) -> None:
    """Set or check feature_names_in_, and n_features_in_ if X has two dimensions."""
    X = head_of(X)
    if is_frame(X):
        check_frame(X)
    nested = isinstance(X, (list, tuple)) and len(X) > 0 and isinstance(X[0], (list, tuple))
    two_d = getattr(X, "ndim", None) == 2 or is_frame(X) or nested
    modality = getattr(estimator, "modality_", None)
    if modality is not None and not modality.input_tags().two_d_array:
        two_d = False  # columns of series are steps: there may be more or fewer
    validate_data(estimator, X, reset=reset, skip_check_array=True, ensure_2d=two_d)


def forget_fitted(estimator: BaseEstimator) -> None:
    """Remove all fitted attributes, so that none is left from an earlier fit."""
    for name in [name for name in vars(estimator) if name.endswith("_") and not name.startswith("_")]:
        delattr(estimator, name)


def set_fitted(estimator: BaseEstimator, learned: dict[str, Any]) -> None:
    """Set fitted attributes."""
    for name, value in learned.items():
        setattr(estimator, name, value)


def modality_of(estimator: Any) -> Modality | None:
    """Return the modality of an unfitted estimator; for ``"auto"``, the first that it accepts, if one is known."""
    return kind_of_modality(estimator.modality, estimator._modalities)


def has_other_columns(estimator: BaseEstimator, X: Any) -> bool:
    """Return whether X is a frame whose columns are not those of the last fit."""
    names, X = getattr(estimator, "feature_names_in_", None), head_of(X)
    return names is not None and is_frame(X) and set(X.columns) != set(names)


def check_same(estimator: BaseEstimator, learned: dict[str, Any], advice: str) -> None:
    """Raise a ValueError, with advice, if fitted attributes, such as classes, are not as expected."""
    for name, value in learned.items():
        if not np.array_equal(getattr(estimator, name), value):
            raise ValueError(f"{name} is {getattr(estimator, name)}, and should be {value}. {advice}")
