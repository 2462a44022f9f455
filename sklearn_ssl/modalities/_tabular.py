"""Tables of numbers and categories."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor, nn

from ..encoders import MLP
from ..training import Rows
from ._base import Decoder, Modality, check_frame, check_rows, is_frame, unknown_encoder, unknown_target
from ._columns import (
    categorical_columns,
    column_of,
    columns_of,
    encode,
    find_categories,
    numbers_of,
    refuse_columns,
)
from ._table_decoders import BinDecoder, Cells, TableDecoder, cut_points

SAMPLE_CELLS = 10**7  # that quantiles are taken of


def replace_cells(x: Tensor, rate: float, owners: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Replace each cell, with probability `rate`, by the cell of a random row in the same column.

    Parameters
    ----------
    x : Tensor of shape (n, width)
    rate : float in [0, 1]
    owners : Tensor of int of shape (width,), optional
        Which cell each float belongs to, where a cell is several. The floats of a cell stay together: a
        category becomes one that another row has.

    Returns
    -------
    corrupted : Tensor of shape (n, width)
        A draw from SCARF's corruption: the column's own distribution, other columns ignored.
    replaced : Tensor of bool of shape (n, d)
    """
    shape = x.shape if owners is None else (len(x), int(owners.max()) + 1)
    donor = torch.randint(len(x), shape, device=x.device)
    replaced = torch.rand(shape, device=x.device) < rate
    if owners is None:
        return torch.where(replaced, x.gather(0, donor), x), replaced
    owners = owners.to(x.device)
    return torch.where(replaced[:, owners], x.gather(0, donor[:, owners]), x), replaced


@dataclass(kw_only=True, eq=False, repr=False)
class Tabular(Modality):
    """Tables: arrays, DataFrames (pandas, polars) with numbers and categories, sparse matrices.

    Numbers are centred and divided by their standard deviation, and long tails are drawn in by the inverse
    hyperbolic sine, which leaves values near the mean as they are and takes the logarithm of those far
    away: no StandardScaler is needed before. Categories are one-hot, so that the network's first layer
    embeds them; a category seen in one row only, or not seen in fit, counts as "rare" in columns that had
    rare ones, and as missing elsewhere. A missing cell (NaN, None) is hidden from the network, and in columns
    where fit saw holes it is told that there is one; nothing is filled in. Sparse matrices are made dense,
    and categories one-hot, one batch at a time.

    Parameters
    ----------
    corruption_rate : float, default=0.3
        Share of the cells that a second view replaces by values of other rows of the same column.
    clip : float, default=10.0
        Largest distance from the mean that counts, in standard deviations; the network sees its
        inverse hyperbolic sine.
    n_bins : int, default=10
        Number of quantile bins, where a method predicts the bin of a number.
    categorical_features : "from_dtype", array-like of bool, int or str, or None, default="from_dtype"
        Which columns hold categories. ``"from_dtype"`` takes those of a DataFrame whose type is category,
        string or object with texts, and none of an array; columns of booleans are numbers, 0 and 1. Else a
        mask, positions, or names.
    max_categories : int, default=100
        Largest number of categories of a column, the most frequent; the others count as one, "rare".

    Attributes
    ----------
    n_features_in_ : int
        Number of columns.
    numeric_, categorical_ : ndarray of int
        Positions of the columns of numbers, and of categories.
    categories_ : tuple of tuple
        The categories of each categorical column, without rare ones.
    has_rare_ : ndarray of bool of shape (n_categorical,)
        Whether a categorical column has rare categories.
    missing_ : ndarray of shape (n_features_in_,), float64
        Share of missing cells in fit, of the columns of numbers, then of those of categories.
    mean_ : ndarray of shape (n_numeric,), float64
        Centre of each column of numbers.
    scale_ : ndarray of shape (n_numeric,), float64
        Standard deviation of each column of numbers; for a constant column its size.
    binary_ : ndarray of shape (n_numeric,), bool
        Columns of zeros and ones.
    edges_ : ndarray of shape (n_numeric, n_bins - 1), float32
        Cut points between the bins, in scaled columns.
    columns_ : tuple of str, or None
        Names of the columns of a DataFrame.

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
    categorical_features: Any = "from_dtype"
    max_categories: int = 100

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "corruption_rate": [Interval(Real, 0, 1, closed="both")],
        "clip": [Interval(Real, 0, None, closed="neither")],
        "n_bins": [Interval(Integral, 2, None, closed="left")],
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "max_categories": [Interval(Integral, 2, None, closed="left")],
    }

    def fit(self, X: Any) -> Tabular:
        """Learn the centre and the spread of the numbers, and the categories.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix of shape (n, d)

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X is not a table of finite numbers, missing values and categories with at least two rows, or if
            a column holds dates.
        """
        self._validate_params()
        X = self._as_table(X)
        self.categorical_ = categorical_columns(X, self.categorical_features)
        refuse_columns(X, self.categorical_, first=True)
        self.n_features_in_ = X.shape[1]
        self.numeric_ = np.setdiff1d(np.arange(self.n_features_in_), self.categorical_)
        self.columns_ = tuple(str(name) for name in X.columns) if is_frame(X) else None
        found = [find_categories(c, self.max_categories) for c in self._categorical_cells(X)]
        self.categories_ = tuple(categories for categories, _ in found)
        # a column without any category, all holes, gets one nobody has
        self.has_rare_ = np.array([rare or not categories for categories, rare in found], dtype=bool)
        table = self._numbers(X, min_rows=2)
        holes = self._fit_numbers(table)
        lost = [np.isnan(codes).sum() for codes in self._codes(X)]
        self.missing_ = np.concatenate([holes, lost]) / table.shape[0]
        n_sample = min(10_000, max(100, SAMPLE_CELLS // X.shape[1]))
        sample = np.unique(np.linspace(0, table.shape[0] - 1, n_sample).astype(int))
        scaled = self._scale(table[sample]).numpy()
        edges = [cut_points(column, self.n_bins) for column in scaled.T]
        self.edges_ = np.array(edges, dtype=np.float32).reshape(-1, self.n_bins - 1)
        return self

    def _fit_numbers(self, table: Any) -> np.ndarray:
        """Learn the scale of the columns of numbers, and return how many cells each lacks."""
        self.mean_ = self.scale_ = np.empty(0)
        self.binary_ = np.empty(0, dtype=bool)
        holes = np.zeros(table.shape[1], dtype=int)
        if not table.shape[1]:
            return holes
        # squares of 1e200 overflow and those of 1e-200 vanish: bring columns to the order of 1 first
        size, scaler = MaxAbsScaler(), StandardScaler(with_mean=not sp.issparse(table))
        chunks = list(gen_batches(table.shape[0], 8192))
        if sp.issparse(table) and np.isnan(table.data).any():
            chunks = [slice(None)]  # scikit-learn's sums over chunks go wrong where one has no number
        strange = np.zeros(table.shape[1], dtype=int)  # cells that are neither zero nor one
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of columns without a number
            for rows in chunks:
                _update(size, table[rows], "max_abs_")
            order = np.where(size.max_abs_ > 0, size.max_abs_, 1.0).astype(np.float64)
            for rows in chunks:
                _update(scaler, _divide_columns(table[rows], order), "mean_", "var_")
                strange += _neither_zero_nor_one(table[rows])
                holes += _missing(table[rows])
        self.mean_ = scaler.mean_ * order
        self.scale_ = scaler.scale_ * order
        self.binary_ = (strange == 0) & (scaler.var_ > 0)
        return holes

    def validate(self, X: Any) -> Rows:
        """Return X as a store of float32 batches ``(n, width)``: scaled numbers, one-hot categories.

        An array in memory is scaled once, into one float32 copy; memory maps and sparse matrices are
        read a batch at a time.
        """
        table = self._as_table(X)
        if table.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {table.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input. Pass the columns that fit saw."
            )
        refuse_columns(table, self.categorical_, first=False)
        numbers, cells = self._numbers(table, min_rows=1), self.cells
        if len(self.categorical_):
            store = Rows(self._in_memory(table, numbers), cells.expand)
        else:
            store = Rows(numbers, lambda rows: cells.expand(self._known(self._scale(rows))))
            if not sp.issparse(numbers) and not isinstance(X, np.memmap):
                compact = Rows(numbers, self._scale).in_memory()
                store = Rows(self._known(compact.rows), cells.expand)
        return store

    @property
    def cells(self) -> Cells:
        """Where the cells of a row are in a batch."""
        sizes = [len(known) + rare for known, rare in zip(self.categories_, self.has_rare_, strict=True)]
        lacking = np.flatnonzero(self.missing_ > 0).tolist()
        return Cells(len(self.numeric_), tuple(lacking), tuple(int(size) for size in sizes))

    def _in_memory(self, X: Any, numbers: Any) -> Tensor:
        """Return the cells ``(n, d)`` of a table with categories: scaled numbers and codes, NaN where missing."""
        n_numbers = len(self.numeric_)
        cells = torch.empty((X.shape[0], self.n_features_in_), dtype=torch.float32)
        if n_numbers:
            for rows in gen_batches(X.shape[0], 8192):
                cells[rows, :n_numbers] = self._scale(numbers[rows])
        for j, codes in enumerate(self._codes(X)):
            cells[:, n_numbers + j] = torch.from_numpy(codes)
        return self._known(cells)

    def _known(self, cells: Tensor) -> Tensor:
        """Warn of holes where fit saw none: the network has no way to be told of them."""
        new = cells.isnan().any(0).numpy() & (self.missing_ == 0)
        if new.any():
            at = np.concatenate([self.numeric_, self.categorical_])[new]
            names = [self.columns_[j] if self.columns_ else int(j) for j in at]
            warnings.warn(
                f"Columns {names[:5]} lack values, or hold unknown categories, where fit saw none: such cells are "
                "taken for the mean, or for no category. Let fit see rows like these.",
                UserWarning,
                stacklevel=2,
            )
            if self.cells.is_plain:
                return cells.nan_to_num(0.0)
        return cells

    def encoder(self, name: str, n_components: int | None, causal: bool = False) -> nn.Module:
        """Build an MLP; ``"auto"`` and ``"mlp"`` are the names."""
        if name not in ("auto", "mlp"):
            raise unknown_encoder(name, ("mlp",), self)
        net = MLP(self.cells.width, n_components)
        net.columns = self._inputs()
        return net

    def adapt(self, encoder: nn.Module) -> nn.Module:
        """Fit an MLP that was trained on a DataFrame to the columns of this one, by their names.

        What it knows keeps its weights; a warning says what it does not.
        """
        inputs = self._inputs()
        if not isinstance(encoder, MLP) or None in (encoder.columns, inputs) or encoder.columns == inputs:
            return encoder
        before, now = set(encoder.columns or ()), set(inputs or ())
        old = list(dict.fromkeys(name for name, _ in encoder.columns or ()))
        new = list(dict.fromkeys(name for name, _ in inputs or ()))
        known = {name for name, what in before & now if what != "hole"}
        if not known:
            raise ValueError(
                f"The encoder was trained on columns {old[:5]}, and X has none of them, or others of that name. "
                "Rename the columns of X, or leave encoder='auto'."
            )
        in_part = {name for name, _ in before ^ now} & known
        if before != now:
            warnings.warn(
                f"The encoder knows {len(known)} of the {len(new)} columns of X. New, with fresh weights: "
                f"{[name for name in new if name not in known][:5]}. Known in part, with other categories or "
                f"holes: {[name for name in new if name in in_part][:5]}. Not in X, and dropped: "
                f"{[name for name in old if name not in new][:5]}.",
                UserWarning,
                stacklevel=2,
            )
        return encoder.with_columns(inputs or ())

    def _inputs(self) -> tuple[tuple[str, Any], ...] | None:
        """Return what each float of a batch is: the name of its column, and which of its inputs."""
        return None if self.columns_ is None else self.inputs_by(self.columns_)

    def inputs_by(self, columns: Sequence[str]) -> tuple[tuple[str, Any], ...]:
        """Return what each float of a batch is, given the names of the columns.

        Pairs of a name and ``"number"``, ``"hole"``, ``("category", value)`` or ``"rare"``.
        """
        names = [columns[j] for j in (*self.numeric_, *self.categorical_)]
        inputs: list[tuple[str, Any]] = [(name, "number") for name in names[: len(self.numeric_)]]
        inputs += [(names[cell], "hole") for cell in self.cells.lacking]
        for name, known, rare in zip(
            names[len(self.numeric_) :], self.categories_, self.has_rare_, strict=True
        ):
            inputs += [(name, ("category", value)) for value in known] + [(name, "rare")] * int(rare)
        return tuple(inputs)

    def views(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the batch ``(n, width)`` as it is, and with some cells replaced."""
        return x, self.mask(x, self.corruption_rate)[0]

    def mask(self, x: Tensor, rate: float) -> tuple[Tensor, Tensor]:
        """Return the batch with a share of its cells replaced by those of other rows, and which ``(n, d)``."""
        cells = self.cells
        return replace_cells(x, rate, None if cells.is_plain else cells.owners())

    def decoder(self, n_components: int, target: str = "value", linear: bool = False) -> Decoder:
        """Build a network from features to the columns (``"value"``) or to their bins (``"bin"``).

        It learns a linear map fast enough by itself: `linear` changes nothing.
        """
        missing = torch.from_numpy(self.missing_.astype(np.float32))
        if target == "bin":
            return BinDecoder(n_components, torch.from_numpy(self.edges_), self.cells, missing)
        if target != "value":
            raise unknown_target(target, ("value", "bin"), self)
        low_high = torch.from_numpy(self._zero_and_one().astype(np.float32))
        return TableDecoder(n_components, low_high, torch.from_numpy(self.binary_), self.cells, missing)

    def critic(self, n_components: int) -> nn.Module:
        """Build two layers without batch normalisation, from a batch to ``(n, n_components)``."""
        return nn.Sequential(
            nn.Linear(self.cells.width, 256),
            nn.LeakyReLU(0.2),
            nn.Linear(256, n_components),
            nn.LeakyReLU(0.2),
        )

    def restore(self, x: Tensor) -> np.ndarray:
        """Return rows ``(n, d)`` in the units of X; a column of zeros and ones gets probabilities.

        They are float64, or objects if there are categories: the likeliest that is not rare, None if all are.
        What lies beyond `clip` is drawn back to it: the encoder never saw it.
        """
        numbers, _, blocks = self.cells.parts(x.cpu().double())
        table, far = numbers.numpy(), np.arcsinh(self.clip)
        low, high = self._zero_and_one()
        rows = np.sinh(np.clip(table, -far, far)) * self.scale_ + self.mean_
        rows = np.where(self.binary_, np.clip((table - low) / (high - low), 0, 1), rows)
        if not blocks:
            return rows
        out = np.empty((len(x), self.n_features_in_), dtype=object)
        out[:, self.numeric_] = rows
        for j, known, block in zip(self.categorical_, self.categories_, blocks, strict=True):
            values = np.array([*known, None], dtype=object)
            out[:, j] = values[block[:, : len(known)].argmax(1)] if known else None
        return out

    def _zero_and_one(self) -> np.ndarray:
        """Return how the encoder sees a zero and a one ``(2, d)``; 0 and 1 in other columns."""
        table = np.zeros((2, len(self.numeric_)))
        table[1] = 1.0
        mean, scale = self.mean_[self.binary_], self.scale_[self.binary_]
        scaled = np.clip((table[:, self.binary_] - mean) / scale, -self.clip, self.clip)
        table[:, self.binary_] = np.arcsinh(scaled)
        return table

    def _as_table(self, X: Any) -> Any:
        """Return X as something with columns: a frame, a sparse matrix or an array of two dimensions."""
        if is_frame(X):
            check_frame(X)
            if 0 in X.shape:
                raise ValueError(
                    f"X is a frame with {X.shape[0]} samples and {X.shape[1]} features. Pass some."
                )
            return X
        listed = self.categorical_features is not None and not isinstance(self.categorical_features, str)
        if not sp.issparse(X) and (listed or len(getattr(self, "categorical_", ()))):
            X = np.asarray(X, dtype=object) if isinstance(X, (list, tuple)) else X
            return check_rows(X, self, dtype=None, ensure_all_finite=False)
        return check_rows(X, self, accept_sparse="csr", ensure_all_finite="allow-nan")

    def _numbers(self, X: Any, min_rows: int) -> Any:
        """Return the columns of numbers as an array or CSR matrix."""
        if not len(self.numeric_):
            return np.empty((X.shape[0], 0))
        checks = {"ensure_all_finite": "allow-nan", "ensure_min_samples": min_rows}
        table = numbers_of(columns_of(X, self.numeric_))
        table = check_rows(table, self, accept_sparse="csr", **checks)
        if sp.issparse(table) and not table.has_canonical_format:
            table = table.copy()
            table.sum_duplicates()
        return table

    def _categorical_cells(self, X: Any) -> Iterator[Any]:
        for j in self.categorical_:
            yield column_of(X, j)

    def _codes(self, X: Any) -> Iterator[np.ndarray]:
        """Yield the codes of each categorical column, ``(n,)`` float32."""
        columns = zip(self._categorical_cells(X), self.categories_, self.has_rare_, strict=True)
        for column, known, has_rare in columns:
            yield encode(column, known, has_rare)

    def _scale(self, rows: Any) -> Tensor:
        dense = rows.toarray() if sp.issparse(rows) else rows
        scaled = (np.asarray(dense, dtype=np.float64) - self.mean_) / self.scale_
        return torch.from_numpy(np.arcsinh(np.clip(scaled, -self.clip, self.clip)).astype(np.float32))


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
