"""Rows with weights: an integer weight is as many equal rows, whatever their order."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import _safe_indexing, indexable

from ..modalities import is_frame


def rows_at(X: Any, index: np.ndarray) -> Any:
    """Return some rows of raw X, in a container of its kind."""
    return _safe_indexing(indexable(X)[0], index)


def distinct_rows(X: Any, Y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of positive weight, equal ones once, in an order that only their contents decide.

    So a weight of two is the same as two rows, and a weight of zero the same as none, to the last bit.

    Parameters
    ----------
    X : raw rows
    Y : ndarray of shape (n, n_outputs)
        Targets. Rows are equal if their targets are, too.
    weight : ndarray of shape (n,)

    Returns
    -------
    index : ndarray of int
        One of each.
    weight : ndarray of float
        The sum of the weights of all that are equal.

    Raises
    ------
    ValueError
        If no weight is positive.
    """
    rows = _contents(indexable(X)[0])
    found: dict[tuple[bytes, bytes], int] = {}
    sums: dict[tuple[bytes, bytes], float] = {}
    for i in np.flatnonzero(weight > 0):
        key = _key(rows[i]), Y[i].tobytes()
        found.setdefault(key, int(i))
        sums[key] = sums.get(key, 0.0) + float(weight[i])
    if not found:
        raise ValueError("sample_weight is 0 for all rows. Give some rows a positive weight.")
    keys = sorted(found)
    return np.array([found[key] for key in keys]), np.array([sums[key] for key in keys])


def _contents(X: Any) -> Any:
    """Return something whose entries are the rows."""
    if sp.issparse(X):
        csr = sp.csr_array(X)
        csr.sort_indices()
        parts = zip(
            np.split(csr.indices, csr.indptr[1:-1]), np.split(csr.data, csr.indptr[1:-1]), strict=True
        )
        return [indices.astype(np.int64).tobytes() + values.tobytes() for indices, values in parts]
    if is_frame(X):
        return X.to_numpy()
    return X if isinstance(X, (list, tuple)) else np.asarray(X)


def _key(row: Any) -> bytes:
    if isinstance(row, bytes):
        return row
    if getattr(getattr(row, "dtype", None), "kind", "") == "O" or not hasattr(row, "tobytes"):
        # the addresses of objects are no contents
        return repr(row.tolist() if hasattr(row, "tolist") else row).encode()
    return bytes(row.tobytes())
