"""Columns of numbers: their centre and spread, whatever their size, a chunk of rows at a time."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.utils import gen_batches


class NumberScale(NamedTuple):
    """What is known of columns of numbers, ``(n_numeric,)`` each.

    Attributes
    ----------
    mean, scale : ndarray of float64
        Centre and standard deviation; of a constant column, its size.
    binary : ndarray of bool
        Columns of zeros and ones.
    holes : ndarray of int
        How many cells are missing.
    """

    mean: np.ndarray
    scale: np.ndarray
    binary: np.ndarray
    holes: np.ndarray


def scale_of(table: Any) -> NumberScale:
    """Return the scale of columns of numbers.

    Parameters
    ----------
    table : array or CSR matrix of shape (n, n_numeric)
        NaN is missing.
    """
    n_columns = table.shape[1]
    holes = np.zeros(n_columns, dtype=int)
    if not n_columns:
        return NumberScale(np.empty(0), np.empty(0), np.empty(0, dtype=bool), holes)
    # squares of 1e200 overflow and those of 1e-200 vanish: bring columns to the order of 1 first
    size, scaler = MaxAbsScaler(), StandardScaler(with_mean=not sp.issparse(table))
    chunks = list(gen_batches(table.shape[0], 8192))
    if sp.issparse(table) and np.isnan(table.data).any():
        chunks = [slice(None)]  # scikit-learn's sums over chunks go wrong where one has no number
    strange = np.zeros(n_columns, dtype=int)  # cells that are neither zero nor one
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of columns without a number
        for rows in chunks:
            _update(size, table[rows], "max_abs_")
        order = np.where(size.max_abs_ > 0, size.max_abs_, 1.0).astype(np.float64)
        for rows in chunks:
            _update(scaler, _divide_columns(table[rows], order), "mean_", "var_")
            strange += _neither_zero_nor_one(table[rows])
            holes += _missing(table[rows])
    binary = (strange == 0) & (scaler.var_ > 0)
    return NumberScale(scaler.mean_ * order, scaler.scale_ * order, binary, holes)


def _update(scaler: Any, rows: Any, *names: str) -> None:
    """Call ``partial_fit``; what it forgets of a column without a number in these rows is put back."""
    before = {name: getattr(scaler, name, 0.0) for name in names}
    scaler.partial_fit(rows)
    for name, old in before.items():
        new = getattr(scaler, name)
        setattr(scaler, name, np.where(np.isnan(new), old, new))
    if "var_" in names:
        spread = np.sqrt(scaler.var_)
        # scikit-learn's own is 1 where a column is constant to within rounding
        scaler.scale_ = np.where(np.isnan(scaler.scale_), np.where(spread > 0, spread, 1.0), scaler.scale_)


def _neither_zero_nor_one(rows: Any) -> np.ndarray:
    """Count such cells in each column."""
    if sp.issparse(rows):
        strange = (rows.data != 0) & (rows.data != 1) & (rows.data == rows.data)
        return np.bincount(rows.indices[strange], minlength=rows.shape[1])
    return ((rows != 0) & (rows != 1) & (rows == rows)).sum(0)


def _missing(rows: Any) -> np.ndarray:
    """Count the holes in each column."""
    if sp.issparse(rows):
        return np.bincount(rows.indices[np.isnan(rows.data)], minlength=rows.shape[1])
    return np.isnan(rows).sum(0) if rows.dtype.kind == "f" else np.zeros(rows.shape[1], dtype=int)


def _divide_columns(rows: Any, order: np.ndarray) -> Any:
    if sp.issparse(rows):
        return (rows.astype(np.float64) @ sp.diags_array(1 / order)).tocsr()
    return np.asarray(rows, dtype=np.float64) / order
