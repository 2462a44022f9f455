"""Equal rows, and their weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp


def distinct_rows(X: Any, codes: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return one index for each kind of row, and the weight of all rows of that kind.

    Rows are of one kind if they are equal and have the same label. The order depends on what is in the rows, not on
    their order: so a row of weight 2 is the same as two such rows, to the bit. Rows of weight 0 are left out. Of what
    is no array of numbers in memory and no sparse matrix, every row is a kind of its own.

    Parameters
    ----------
    X : raw rows
    codes : ndarray of int of shape (n,)
    weight : ndarray of shape (n,)
    """
    used = np.flatnonzero(weight)
    if sp.issparse(X):
        rows = sp.csr_array(X)
        rows.sum_duplicates()
        cut = [slice(*rows.indptr[[i, i + 1]]) for i in used]
        keys = [rows.indices[s].tobytes() + rows.data[s].tobytes() for s in cut]
    elif isinstance(X, np.ndarray) and not isinstance(X, np.memmap) and X.dtype.kind in "biuf":
        keys = [X[i].tobytes() for i in used]
    else:
        return used, weight[used]
    of_row = np.unique(np.array([*keys, None], dtype=object)[:-1], return_inverse=True)[1]
    kinds = of_row * (codes.max() + 1) + codes[used]
    _, first, kind = np.unique(kinds, return_index=True, return_inverse=True)
    return used[first], np.bincount(kind, weight[used])
