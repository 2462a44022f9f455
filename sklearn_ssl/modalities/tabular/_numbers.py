"""Mean and scale of numeric columns of any magnitude, a chunk of rows at a time."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.utils import gen_batches
from sklearn.utils.sparsefuncs import min_max_axis


class NumberScale(NamedTuple):
    """Statistics of numeric columns, ``(n_numeric,)`` each.

    Attributes
    ----------
    mean, scale : ndarray of float64
        Mean and standard deviation. The scale of a constant column is its absolute value, or 1 if it is 0.
    binary : ndarray of bool
        Which columns are binary, zeros and ones.
    holes : ndarray of int
        Number of missing cells.
    constant : ndarray of bool
        Which columns have no more than one value.
    range : ndarray of shape (2, n_numeric), float64
        Smallest and largest number; NaN for columns without any.
    whole : ndarray of bool
        Which columns have whole numbers only.
    """

    mean: np.ndarray
    scale: np.ndarray
    binary: np.ndarray
    holes: np.ndarray
    constant: np.ndarray
    range: np.ndarray
    whole: np.ndarray


class ScaleTally:
    """Statistics of numeric columns, gathered from one part of the rows after the other.

    Parameters
    ----------
    order : ndarray of shape (n_numeric,)
        Magnitude of each column, about: squares of 1e200 overflow and those of 1e-200 underflow.
    sparse : bool
        Whether parts are CSR matrices.
    """

    def __init__(self, order: np.ndarray, sparse: bool = False):
        n = len(order)
        self.order, self.scaler = order, StandardScaler(with_mean=not sparse)
        self.strange = np.zeros(n, dtype=int)  # cells that are neither zero nor one
        self.holes, self.broken, self.limits = (
            self.strange.copy(),
            self.strange.copy(),
            np.full((2, n), np.nan),
        )

    def add(self, part: Any) -> None:
        """Take further rows ``(m, n_numeric)`` into account."""
        if not len(self.order):
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # from columns without a number
            _update(self.scaler, _divide_columns(part, self.order), "mean_", "var_")
            low, high = _low_high(part)
        self.strange += _neither_zero_nor_one(part)
        self.holes += _missing(part)
        self.limits = np.array([np.fmin(self.limits[0], low), np.fmax(self.limits[1], high)])
        self.broken += _broken(part)

    def result(self) -> NumberScale:
        """Return the statistics of all rows so far."""
        if not len(self.order):
            none = np.empty(0, dtype=bool)
            return NumberScale(np.empty(0), np.empty(0), none, self.holes, none, self.limits, none)
        scaler = self.scaler
        binary = (self.strange == 0) & (scaler.var_ > 0)
        # scikit-learn sets the scale of a column that is constant, up to rounding, to 1; others have a smaller variance
        constant = (scaler.scale_ == 1) & (scaler.var_ < 0.5)
        whole = (self.broken == 0) & ~np.isnan(self.limits[0])
        mean, scale = scaler.mean_ * self.order, scaler.scale_ * self.order
        return NumberScale(mean, scale, binary, self.holes, constant, self.limits, whole)


def scale_of(table: Any) -> NumberScale:
    """Return the statistics of numeric columns.

    Parameters
    ----------
    table : array or CSR matrix of shape (n, n_numeric)
        NaN means missing.
    """
    if not table.shape[1]:
        return ScaleTally(np.empty(0)).result()
    chunks = list(gen_batches(table.shape[0], 8192))
    if sp.issparse(table) and np.isnan(table.data).any():
        chunks = [slice(None)]  # scikit-learn's sums over chunks are wrong if a column of one has no number
    size = MaxAbsScaler()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for rows in chunks:
            _update(size, table[rows], "max_abs_")
    tally = ScaleTally(orders(size.max_abs_), sp.issparse(table))
    for rows in chunks:
        tally.add(table[rows])
    return tally.result()


def orders(largest: np.ndarray) -> np.ndarray:
    """Return what columns are divided by, given their largest absolute values, ``(n_numeric,)`` float64."""
    return np.where(largest > 0, largest, 1.0).astype(np.float64)


def keep_still(scaled: np.ndarray, constant: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Return scaled numbers ``(n, n_numeric)`` in which columns that told nothing in fit are as they were in fit.

    The network never learned what a change of theirs means, so it would answer with its initial weights.

    Parameters
    ----------
    scaled : ndarray of shape (n, n_numeric)
        Changed in place.
    constant : ndarray of bool of shape (n_numeric,)
    missing : ndarray of shape (n_numeric,)
        Share of missing cells in fit.
    """
    if constant.any():
        # holes stay where fit saw some
        lost = np.isnan(scaled[:, constant]) & (missing[constant] > 0) | (missing[constant] == 1)
        scaled[:, constant] = np.where(lost, np.nan, 0.0)
    return scaled


def zero_and_one(mean: np.ndarray, scale: np.ndarray, binary: np.ndarray, clip: float) -> np.ndarray:
    """Return how the encoder sees a zero and a one ``(2, n_numeric)``; 0 and 1 in columns not binary."""
    table = np.zeros((2, len(mean)))
    table[1] = 1.0
    scaled = np.clip((table[:, binary] - mean[binary]) / scale[binary], -clip, clip)
    table[:, binary] = np.arcsinh(scaled)
    return table


def _update(scaler: Any, rows: Any, *names: str) -> None:
    """Call ``partial_fit``, and restore what it loses of columns without a number in these rows."""
    before = {name: getattr(scaler, name, 0.0) for name in names}
    scaler.partial_fit(rows)
    for name, old in before.items():
        new = getattr(scaler, name)
        setattr(scaler, name, np.where(np.isnan(new), old, new))
    if "var_" in names:
        spread = np.sqrt(scaler.var_)
        # keep scikit-learn's own where it is finite: it is 1 for columns that are constant up to rounding
        scaler.scale_ = np.where(np.isnan(scaler.scale_), np.where(spread > 0, spread, 1.0), scaler.scale_)


def _neither_zero_nor_one(rows: Any) -> np.ndarray:
    """Count the numbers in each column that are neither zero nor one."""
    if sp.issparse(rows):
        strange = (rows.data != 0) & (rows.data != 1) & (rows.data == rows.data)
        return np.bincount(rows.indices[strange], minlength=rows.shape[1])
    return ((rows != 0) & (rows != 1) & (rows == rows)).sum(0)


def _low_high(rows: Any) -> np.ndarray:
    """Return the smallest and the largest number of each column, ``(2, n_numeric)`` float64; NaN without any."""
    low_high = (
        min_max_axis(rows, axis=0, ignore_nan=True)
        if sp.issparse(rows)
        else (np.fmin.reduce(rows), np.fmax.reduce(rows))
    )
    return np.asarray(low_high, dtype=np.float64)


def _broken(rows: Any) -> np.ndarray:
    """Count the numbers in each column that are not whole."""
    if sp.issparse(rows):
        broken = (rows.data != np.floor(rows.data)) & (rows.data == rows.data)
        return np.bincount(rows.indices[broken], minlength=rows.shape[1])
    if rows.dtype.kind in "biu":
        return np.zeros(rows.shape[1], dtype=int)
    return ((rows != np.floor(rows)) & (rows == rows)).sum(0)


def _missing(rows: Any) -> np.ndarray:
    """Count the missing cells in each column."""
    if sp.issparse(rows):
        return np.bincount(rows.indices[np.isnan(rows.data)], minlength=rows.shape[1])
    return np.isnan(rows).sum(0) if rows.dtype.kind == "f" else np.zeros(rows.shape[1], dtype=int)


def _divide_columns(rows: Any, order: np.ndarray) -> Any:
    if sp.issparse(rows):
        return (rows.astype(np.float64) @ sp.diags_array(1 / order)).tocsr()
    return np.asarray(rows, dtype=np.float64) / order
