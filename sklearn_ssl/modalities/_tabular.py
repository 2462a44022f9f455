"""Tables of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
import torch
import torch.nn.functional as F
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from ..encoders import MLP
from ..training import Rows
from ._base import (
    Decoder,
    Modality,
    ValueDecoder,
    check_frame,
    check_rows,
    is_frame,
    unknown_encoder,
    unknown_target,
)

SAMPLE_CELLS = 10**7  # that quantiles are taken of


def replace_cells(x: Tensor, rate: float) -> tuple[Tensor, Tensor]:
    """Replace each cell, with probability `rate`, by the cell of a random row in the same column.

    Parameters
    ----------
    x : Tensor of shape (n, d)
    rate : float in [0, 1]

    Returns
    -------
    corrupted : Tensor of shape (n, d)
        A draw from SCARF's corruption: the column's own distribution, other columns ignored.
    replaced : Tensor of bool of shape (n, d)
    """
    donor = torch.randint(len(x), x.shape, device=x.device)
    replaced = torch.rand(x.shape, device=x.device) < rate
    return torch.where(replaced, x.gather(0, donor), x), replaced


def cut_points(column: np.ndarray, n_bins: int) -> np.ndarray:
    """Return where to cut a column into up to `n_bins` bins of nearly equal numbers of rows.

    Cuts lie halfway between neighbouring distinct values, so that equal values share a bin, and two
    values that make up a whole column never do.

    Parameters
    ----------
    column : ndarray of shape (n,)
    n_bins : int

    Returns
    -------
    ndarray of shape (n_bins - 1,)
        Ascending; infinite where the column has too few values for as many cuts.
    """
    values, counts = np.unique(column, return_counts=True)
    cuts = np.full(n_bins - 1, np.inf)
    if len(values) > 1:
        below = counts.cumsum()[:-1] / len(column)
        wanted = np.arange(1, n_bins) / n_bins
        nearest = np.unique(np.abs(below - wanted[:, np.newaxis]).argmin(1))
        cuts[: len(nearest)] = (values[nearest] + values[nearest + 1]) / 2
    return cuts


class TableDecoder(ValueDecoder):
    """The columns themselves: squared error for numbers, cross-entropy for columns of zeros and ones.

    Parameters
    ----------
    n_components : int
        Width of the features.
    low_high : Tensor of shape (2, n_columns)
        A zero and a one of each column, as the encoder sees them.
    binary : Tensor of bool of shape (n_columns,)
        Columns of zeros and ones; their output is the log-odds of a one.
    """

    low_high: Tensor

    def __init__(self, n_components: int, low_high: Tensor, binary: Tensor):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n_components, 256), nn.ReLU(), nn.Linear(256, len(binary)))
        self.register_buffer("low_high", low_high)
        self.register_buffer("numeric", ~binary)

    def forward(self, z: Tensor) -> Tensor:
        """Map features ``(n, n_components)`` to ``(n, n_columns)``."""
        return self.net(z)

    def loss(self, output: Tensor, x: Tensor) -> Tensor:
        """Return the error of each cell, ``(n, n_columns)``."""
        output, ones = output.float(), (x > 0).float()
        wrong = F.binary_cross_entropy_with_logits(output, ones, reduction="none")
        return torch.where(self.numeric, (output - x) ** 2, wrong)

    def values(self, output: Tensor) -> Tensor:
        """Return a table ``(n, n_columns)`` as the encoder sees it."""
        low, high = self.low_high
        between = torch.lerp(low, high, output.float().sigmoid())
        return torch.where(self.numeric, output.float(), between)


class BinDecoder(Decoder):
    """The quantile bin of each column, by cross-entropy.

    Parameters
    ----------
    n_components : int
        Width of the features.
    edges : Tensor of shape (n_columns, n_bins - 1)
        Cut points, as the encoder sees the columns.
    """

    edges: Tensor

    def __init__(self, n_components: int, edges: Tensor):
        super().__init__()
        n_columns, n_cuts = edges.shape
        self.net = nn.Linear(n_components, n_columns * (n_cuts + 1))
        self.register_buffer("edges", edges)

    def forward(self, z: Tensor) -> Tensor:
        """Map features ``(n, n_components)`` to log-odds ``(n, n_columns, n_bins)``."""
        return self.net(z).unflatten(1, (len(self.edges), -1))

    def loss(self, output: Tensor, x: Tensor) -> Tensor:
        """Return the cross-entropy of each cell, ``(n, n_columns)``."""
        bins = torch.searchsorted(self.edges, x.T.contiguous()).T
        return F.cross_entropy(output.float().transpose(1, 2), bins, reduction="none")


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
    n_bins : int, default=10
        Number of quantile bins, where a method predicts the bin of a cell.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns.
    mean_ : ndarray of shape (n_features_in_,), float64
        Centre of each column.
    scale_ : ndarray of shape (n_features_in_,), float64
        Standard deviation of each column; for a constant column its size.
    binary_ : ndarray of shape (n_features_in_,), bool
        Columns of zeros and ones.
    edges_ : ndarray of shape (n_features_in_, n_bins - 1), float32
        Cut points between the bins, in scaled columns.

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
    n_bins: int = 10

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "corruption_rate": [Interval(Real, 0, 1, closed="both")],
        "clip": [Interval(Real, 0, None, closed="neither")],
        "n_bins": [Interval(Integral, 2, None, closed="left")],
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
        strange = np.zeros(table.shape[1], dtype=int)  # cells that are neither zero nor one
        for rows in chunks:
            scaler.partial_fit(_divide_columns(table[rows], order))
            strange += _neither_zero_nor_one(table[rows])
        self.n_features_in_ = table.shape[1]
        self.mean_ = scaler.mean_ * order
        self.scale_ = scaler.scale_ * order
        self.binary_ = (strange == 0) & (scaler.var_ > 0)
        n_sample = min(10_000, max(100, SAMPLE_CELLS // table.shape[1]))
        sample = np.unique(np.linspace(0, table.shape[0] - 1, n_sample).astype(int))
        scaled = self._scale(table[sample]).numpy()
        self.edges_ = np.stack([cut_points(c, self.n_bins) for c in scaled.T]).astype(np.float32)
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
        return x, self.mask(x, self.corruption_rate)[0]

    def mask(self, x: Tensor, rate: float) -> tuple[Tensor, Tensor]:
        """Return the batch with a share of its cells replaced by those of other rows, and which."""
        return replace_cells(x, rate)

    def decoder(self, n_components: int, target: str = "value", linear: bool = False) -> Decoder:
        """Build a network from features to the columns (``"value"``) or to their bins (``"bin"``).

        It learns a linear map fast enough by itself: `linear` changes nothing.
        """
        if target == "bin":
            return BinDecoder(n_components, torch.from_numpy(self.edges_))
        if target != "value":
            raise unknown_target(target, ("value", "bin"), self)
        low_high = torch.from_numpy(self._zero_and_one().astype(np.float32))
        return TableDecoder(n_components, low_high, torch.from_numpy(self.binary_))

    def critic(self, n_components: int) -> nn.Module:
        """Build two layers without batch normalisation, from a batch to ``(n, n_components)``."""
        return nn.Sequential(
            nn.Linear(self.n_features_in_, 256),
            nn.LeakyReLU(0.2),
            nn.Linear(256, n_components),
            nn.LeakyReLU(0.2),
        )

    def restore(self, x: Tensor) -> np.ndarray:
        """Return float64 rows ``(n, d)`` in the units of X; a column of zeros and ones gets probabilities.

        What lies beyond `clip` is drawn back to it: the encoder never saw it.
        """
        table, far = x.cpu().double().numpy(), np.arcsinh(self.clip)
        low, high = self._zero_and_one()
        rows = np.sinh(np.clip(table, -far, far)) * self.scale_ + self.mean_
        return np.where(self.binary_, np.clip((table - low) / (high - low), 0, 1), rows)

    def _zero_and_one(self) -> np.ndarray:
        """Return how the encoder sees a zero and a one ``(2, d)``; 0 and 1 in other columns."""
        table = np.zeros((2, self.n_features_in_))
        table[1] = 1.0
        mean, scale = self.mean_[self.binary_], self.scale_[self.binary_]
        scaled = np.clip((table[:, self.binary_] - mean) / scale, -self.clip, self.clip)
        table[:, self.binary_] = np.arcsinh(scaled)
        return table

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


def _neither_zero_nor_one(rows: Any) -> np.ndarray:
    """Count such cells in each column."""
    if sp.issparse(rows):
        return np.bincount(rows.indices[(rows.data != 0) & (rows.data != 1)], minlength=rows.shape[1])
    return ((rows != 0) & (rows != 1)).sum(0)


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
