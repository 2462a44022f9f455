"""Checks of rows for methods without a network, which take dense numbers only."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from ..modalities import check_frame, dense_frame, is_frame, other_than_numbers, refuse_complex


def dense_numbers(X: Any, estimator: Any, *, first: bool, min_rows: int = 1, way: str = "") -> np.ndarray:
    """Return X as an array of float64 or float32, or say what it holds that is no number.

    Parameters
    ----------
    X : array or DataFrame of shape (n, d)
    estimator : estimator
        Named in the errors.
    first : bool
        Whether this is ``fit``; otherwise X must have the columns that ``fit`` saw.
    min_rows : int, default=1
        The fewest rows of ``fit``.
    way : str, default=""
        How a pretrainer takes other rows in the place of the estimator. If empty, as a step before it.

    Raises
    ------
    ValueError, TypeError
        If X is sparse, or holds categories, texts, dates or missing values.
    """
    name = type(estimator).__name__
    before = way or (
        f"or put a pretrainer before it, which takes them: make_pipeline(ContrastivePretrainer(), {name}())"
    )
    if sp.issparse(X):
        raise TypeError(
            f"{name} takes dense numbers, and X is a sparse matrix. Pass X.toarray() if memory allows, reduce its "
            f"columns by TruncatedSVD, {before}."
        )
    if is_frame(X):
        check_frame(X)
        X = dense_frame(X)
        odd = other_than_numbers(X)
        if odd:
            raise ValueError(
                f"{name} takes numbers, and columns {odd[:5]} are not. Encode them, for example by OneHotEncoder, "
                f"{before}."
            )
    options: dict[str, Any] = {"dtype": [np.float64, np.float32]}
    try:
        if first:
            return check_array(X, input_name="X", estimator=estimator, ensure_min_samples=min_rows, **options)
        return validate_data(estimator, X, reset=False, **options)
    except ValueError as error:
        if "could not convert" in str(error):
            raise ValueError(f"{name} takes numbers: {error}. Encode texts, {before}.") from error
        if "NaN" in str(error):  # without scikit-learn's advice on other models
            raise ValueError(
                f"Input X contains NaN, and {name} takes no missing values. Fill them, for example by SimpleImputer, "
                f"{before}."
            ) from error
        refuse_complex(error)
        raise
