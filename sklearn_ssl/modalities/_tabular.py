"""Tables of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from ..encoders import MLP
from ..training import Rows
from ._base import Modality, check_frame, check_rows, is_frame, unknown_encoder


def replace_cells(x: Tensor, rate: float) -> Tensor:
    """Replace each cell, with probability `rate`, by the cell of a random row in the same column.

    Parameters
    ----------
    x : Tensor of shape (n, d)
    rate : float in [0, 1]

    Returns
    -------
    Tensor of shape (n, d)
        A draw from SCARF's corruption: the column's own distribution, other columns ignored.
    """
    donor = torch.randint(len(x), x.shape, device=x.device)
    replaced = torch.rand(x.shape, device=x.device) < rate
    return torch.where(replaced, x.gather(0, donor), x)


@dataclass(kw_only=True, eq=False, repr=False)
class Tabular(Modality):
    """Tables: numeric arrays, DataFrames with numeric columns, sparse matrices.

    Columns are centred and divided by their standard deviation, and long tails are drawn in by the inverse
    hyperbolic sine, which leaves values near the mean as they are and takes the logarithm of those far
    away: no StandardScaler is needed before. Sparse matrices are made dense one batch at a time.

    Parameters
    ----------
    corruption_rate : float, default=0.3
        Share of the cells that a second view replaces by values of other rows of the same column.
    clip : float, default=10.0
        Largest distance from the mean that counts, in standard deviations; the network sees its
        inverse hyperbolic sine.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns.
    mean_ : ndarray of shape (n_features_in_,), float64
        Centre of each column.
    scale_ : ndarray of shape (n_features_in_,), float64
        Standard deviation of each column; for a constant column its size.

    References
    ----------
    .. [1] D. Bahri, H. Jiang, Y. Tay, D. Metzler. "SCARF: Self-Supervised Contrastive Learning using
       Random Feature Corruption." ICLR 2022. https://arxiv.org/abs/2106.15147

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.modalities import Tabular
    >>> X = load_iris().data
    >>> ssl = ContrastivePretrainer(modality=Tabular(corruption_rate=0.5), max_epochs=2)
    >>> ssl.fit_transform(X).shape
    (150, 1536)
    """

    corruption_rate: float = 0.3
    clip: float = 10.0

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "corruption_rate": [Interval(Real, 0, 1, closed="both")],
        "clip": [Interval(Real, 0, None, closed="neither")],
    }

    def fit(self, X: Any) -> Tabular:
        """Learn the centre and the spread of each column.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix of shape (n, d)

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X is not a table of finite numbers with at least two rows.
        """
        self._validate_params()
        table = self._check(X, min_rows=2)
        # squares of 1e200 overflow and those of 1e-200 vanish: bring columns to the order of 1 first
        size, scaler = MaxAbsScaler(), StandardScaler(with_mean=not sp.issparse(table))
        chunks = list(gen_batches(table.shape[0], 8192))
        for rows in chunks:
            size.partial_fit(table[rows])
        order = np.where(size.max_abs_ > 0, size.max_abs_, 1.0).astype(np.float64)
        for rows in chunks:
            scaler.partial_fit(_divide_columns(table[rows], order))
        self.n_features_in_ = table.shape[1]
        self.mean_ = scaler.mean_ * order
        self.scale_ = scaler.scale_ * order
        return self

    def validate(self, X: Any) -> Rows:
        """Return X as a store of float32 batches ``(n, d)``, scaled.

        An array in memory is scaled once, into one float32 copy; memory maps and sparse matrices are
        read a batch at a time.
        """
        table = self._check(X, min_rows=1)
        if table.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {table.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input. Pass the columns that fit saw."
            )
        store = Rows(table, self._scale)
        lazy = sp.issparse(table) or isinstance(X, np.memmap)
        return store if lazy else store.in_memory()

    def encoder(self, name: str, n_components: int | None) -> nn.Module:
        """Build an MLP; ``"auto"`` and ``"mlp"`` are the names."""
        if name not in ("auto", "mlp"):
            raise unknown_encoder(name, ("mlp",), self)
        return MLP(self.n_features_in_, n_components)

    def views(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the batch ``(n, d)`` as it is, and with some cells replaced."""
        return x, replace_cells(x, self.corruption_rate)

    def _check(self, X: Any, min_rows: int) -> Any:
        if is_frame(X):
            check_frame(X)
            _refuse_text_columns(X)
        table = check_rows(X, self, accept_sparse="csr", ensure_min_samples=min_rows)
        if sp.issparse(table) and not table.has_canonical_format:
            table = table.copy()
            table.sum_duplicates()
        return table

    def _scale(self, rows: Any) -> Tensor:
        dense = rows.toarray() if sp.issparse(rows) else rows
        scaled = (np.asarray(dense, dtype=np.float64) - self.mean_) / self.scale_
        return torch.from_numpy(np.arcsinh(np.clip(scaled, -self.clip, self.clip)).astype(np.float32))


def _divide_columns(rows: Any, order: np.ndarray) -> Any:
    if sp.issparse(rows):
        return (rows.astype(np.float64) @ sp.diags_array(1 / order)).tocsr()
    return np.asarray(rows, dtype=np.float64) / order


def _refuse_text_columns(X: Any) -> None:
    """Name the columns that are no numbers, before a conversion fails on one cell."""
    kinds = zip(X.columns, X.dtypes, strict=True)
    bad = [name for name, kind in kinds if not _is_number(X[name], kind)]
    if bad:
        raise ValueError(
            f"Columns that are not numbers: {bad[:5]}. Encode them first, for example with "
            "OneHotEncoder in a ColumnTransformer, or leave them out."
        )


def _is_number(column: Any, kind: Any) -> bool:
    if hasattr(kind, "is_numeric"):  # polars
        return bool(kind.is_numeric() or str(kind) == "Boolean")
    from pandas.api.types import is_bool_dtype, is_numeric_dtype, is_object_dtype

    if is_object_dtype(kind):
        return not any(isinstance(value, str) for value in column)
    return bool(is_numeric_dtype(kind) or is_bool_dtype(kind))
