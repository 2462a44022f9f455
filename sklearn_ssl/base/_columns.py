"""What scikit-learn's estimators know of the columns of X, and of having been fitted."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from ..modalities import check_frame, is_frame


def check_columns(estimator: BaseEstimator, X: Any, reset: bool = False) -> None:
    """Set or check feature_names_in_, and n_features_in_ where X has two dimensions."""
    if is_frame(X):
        check_frame(X)
    nested = isinstance(X, (list, tuple)) and len(X) > 0 and isinstance(X[0], (list, tuple))
    two_d = getattr(X, "ndim", None) == 2 or is_frame(X) or nested
    validate_data(estimator, X, reset=reset, skip_check_array=True, ensure_2d=two_d)


def forget_fitted(estimator: BaseEstimator) -> None:
    """Remove all fitted attributes, so that none of an earlier fit stays."""
    for name in [name for name in vars(estimator) if name.endswith("_") and not name.startswith("_")]:
        delattr(estimator, name)
