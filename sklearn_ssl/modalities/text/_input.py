"""Raw texts: checked, and some to try a method with."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

from .._frames import check_frame, column_of, is_frame


def list_of_texts(X: Any) -> list[str]:
    """Return X as a list of str; a column of texts is one too."""
    if is_frame(X):
        check_frame(X)
    if isinstance(X, (str, bytes)):
        raise TypeError("Text takes a list of texts, and X is one text. Pass [X], or X.splitlines().")
    if is_frame(X) or getattr(X, "ndim", 1) == 2:
        if X.shape[1] != 1:
            raise ValueError(
                f"Text takes one text per row, and X has {X.shape[1]} columns. Pass one of them."
            )
        X = column_of(X, 0)
    listed = all(hasattr(X, name) for name in ("__len__", "__getitem__")) and not isinstance(X, dict)
    if not listed or getattr(X, "ndim", 1) != 1:
        raise TypeError(
            f"Text takes a list, array or Series of str, and X is {type(X).__name__}. Pass list(X) if it yields "
            "texts in their order."
        )
    texts = list(X)
    if not texts:
        raise ValueError("X has no texts. Pass at least one.")
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(
                f"Text takes str, and row {i} of X is {type(text).__name__}: {text!r:.60}. Decode bytes; fill "
                "holes, for example with ''."
            )
    return texts


def are_bytes(X: Any) -> bool:
    """Return whether X is a list or array of bytes."""
    if isinstance(X, np.ndarray):
        return X.ndim == 1 and X.dtype.kind == "S"
    return isinstance(X, (list, tuple)) and len(X) > 0 and isinstance(X[0], bytes)


def example_texts() -> list[str]:
    """Return the lines of scikit-learn's descriptions of its datasets."""
    bunches = (load_breast_cancer(), load_diabetes(), load_iris(), load_wine())
    return [line for bunch in bunches for line in bunch.DESCR.splitlines() if len(line.split()) > 3]
