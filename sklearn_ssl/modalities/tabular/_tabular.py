"""Tables of numbers and categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.datasets import load_iris
from sklearn.utils import InputTags
from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn

from ...encoders import MLP
from ...training import Rows
from .._base import Decoder, Modality, unknown_encoder
from .._constraints import count, real
from .._frames import is_frame
from .._input import shape_of
from ._categories import categorical_columns, encode
from ._cells import Cells, chunk_of, replace_cells, side_by_side
from ._decoders import critic_of, decoder_of, edges_of
from ._doubts import warn_of_empty, warn_of_looks
from ._drift import warn_of_drift, warn_of_holes, without_constant
from ._fitted import check_fitted
from ._input import ADVICE, Table, as_table, check_width, kinds_of, refuse_columns, take_apart
from ._marginals import marginal_rows
from ._names import adapt, inputs_by, names_of
from ._numbers import keep_still, scale_of
from ._preparation import TablePreparation, preparation_of
from ._rows_back import frame_of, restored, rows_back
from ._statistics import learn_blocks, set_statistics, tallies_of


@dataclass(kw_only=True, eq=False, repr=False)
class Tabular(Modality):
    """Tables: arrays, DataFrames (pandas, polars) with numbers and categories, and sparse matrices.

    Numeric columns are standardised; no StandardScaler is needed before. Then the inverse hyperbolic sine
    shortens long tails: it hardly changes values near the mean and takes the logarithm of those far away.
    Categories are one-hot encoded, so that the network's first layer embeds them. A category that occurs in
    a single row of fit counts as "rare". So does a category that fit did not see, if its column has rare
    ones; otherwise it counts as missing. Missing cells (NaN, None) are not imputed but hidden from the
    network, which gets a missing indicator for each column with missing cells in fit. Sparse matrices are
    made dense, and categories one-hot encoded, one batch at a time. A column with a single value in fit, or
    none, told nothing: whatever it holds later moves no feature.

    Parameters
    ----------
    corruption_rate : float, default=0.3
        Share of the cells that the second view replaces by values of the same column in other rows.
    clip : float, default=10.0
        Distance from the mean, in standard deviations, at which numbers are clipped. The network sees the
        inverse hyperbolic sine of the result.
    n_bins : int, default=10
        Number of quantile bins, for methods that predict the bin of a number.
    categorical_features : "from_dtype", array-like of bool, int or str, or None, default="from_dtype"
        Which columns are categorical. ``"from_dtype"`` takes the columns of a DataFrame whose dtype is
        category, string, or object with strings, and none of an array; boolean columns are numbers, 0 and
        1. Otherwise a mask, positions, or names; None takes no column.
    max_categories : int, default=100
        Maximum number of categories per column. The most frequent are kept, and the others are merged into
        one, "rare", which counts too.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns.
    numeric_, categorical_ : ndarray of int
        Positions of the numeric and of the categorical columns.
    categories_ : tuple of tuple
        The categories of each categorical column, without rare ones.
    has_rare_ : ndarray of bool of shape (n_categorical,)
        Whether a categorical column has rare categories.
    missing_ : ndarray of shape (n_features_in_,), float64
        Share of missing cells of each column in fit: the numeric columns, then the categorical ones.
    mean_ : ndarray of shape (n_numeric,), float64
        Mean of each numeric column.
    scale_ : ndarray of shape (n_numeric,), float64
        Standard deviation of each numeric column; for a constant column, its absolute value, or 1 if it is 0.
    binary_ : ndarray of shape (n_numeric,), bool
        Which numeric columns are binary, zeros and ones.
    constant_ : ndarray of shape (n_numeric,), bool
        Which numeric columns had no more than one value in fit.
    range_ : ndarray of shape (2, n_numeric), float64
        Smallest and largest number of each numeric column; NaN without any.
    whole_ : ndarray of shape (n_numeric,), bool
        Which numeric columns had whole numbers only.
    frame_ : dict or None
        Library, names and types of a DataFrame, or types of an array of objects.
    total_variance_ : float
        That of all features of an MLP together: four for each column, unless there are fewer features.
    types_ : tuple of str
        Type of the values of each categorical column in fit: "texts", "numbers", "both", or "" without a value.
    rare_ : ndarray of shape (n_categorical,), float64
        Share of the cells of each categorical column whose value would be rare or unknown, were it not for
        their own row.
    edges_ : ndarray of shape (n_numeric, n_bins - 1), float32
        Cut points between the bins, in scaled values.
    columns_ : tuple of str, or None
        Column names of a DataFrame.

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
    >>> ContrastivePretrainer(modality=Tabular(corruption_rate=0.5), max_epochs=2).fit_transform(X).shape
    (150, 1536)
    """

    corruption_rate: float = 0.3
    clip: float = 10.0
    n_bins: int = 10
    categorical_features: Any = "from_dtype"
    max_categories: int = 100

    noun: ClassVar[str] = "tables"
    advice: ClassVar[str] = ADVICE
    usage: ClassVar[str] = "Tabular()"
    encoders: ClassVar[tuple[str, ...]] = ("mlp",)
    reads_blocks: ClassVar[bool] = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "corruption_rate": [real(0, 1, closed="both")],
        "clip": [real(0, closed="neither")],
        "n_bins": [count(2)],
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "max_categories": [count(2)],
    }

    @classmethod
    def accepts(cls, X: Any) -> bool:
        """Return whether X is a frame, a sparse matrix, or a two-dimensional array or list."""
        if is_frame(X) or sp.issparse(X):
            return True
        # a list of arrays may be series or sound, even if all have the same length
        of_arrays = isinstance(X, (list, tuple)) and len(X) > 0 and isinstance(X[0], np.ndarray)
        return not of_arrays and len(shape_of(X)) == 2

    def describe(self, X: Any) -> str:
        """Return a description of a table by its shape."""
        return f"a table of shape {shape_of(X)}"

    def input_tags(self) -> InputTags:
        """Return scikit-learn's tags: X is two-dimensional, and may have missing values and categories."""
        return InputTags(sparse=True, allow_nan=True, categorical=True)

    def example_rows(self) -> np.ndarray:
        """Return the iris data."""
        return load_iris().data

    def fit_validate(self, X: Any) -> Rows:
        """Learn the mean and scale of the numbers, and the categories, and return X as a store.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix of shape (n, d)

        Raises
        ------
        ValueError
            If X is not a table of finite numbers, missing values and categories with at least two rows, or if
            a column holds dates.

        Warns
        -----
        UserWarning
            If a column of a frame has no value, or a categorical one looks like numbers, dates, identifiers or texts.
        """
        self._validate_params()
        listed = self._names_categories
        raw = as_table(X, self, listed, min_rows=2)
        kinds = kinds_of(raw)
        self.categorical_ = categorical_columns(raw, self.categorical_features, kinds)
        refuse_columns(raw, kinds, self.categorical_, first=True)
        self.n_features_in_ = raw.shape[1]
        self.numeric_ = np.setdiff1d(np.arange(self.n_features_in_), self.categorical_)
        self.columns_ = tuple(str(name) for name in raw.columns) if is_frame(raw) else None
        empty = np.flatnonzero([kind == "empty" for kind in kinds or ()])
        table = take_apart(raw, self, self.numeric_, self.categorical_, empty, mixed=listed, min_rows=2)
        set_statistics(self, scale_of(table.numbers), tallies_of(table.categories), raw.shape[0])
        self.frame_, self.total_variance_ = frame_of(raw), 4.0 * self.n_features_in_
        self.edges_ = edges_of(table.numbers, self._scale, self.n_bins, self.n_features_in_)
        warn_of_empty(raw, self._empty)
        warn_of_looks(raw, names_of(raw, self.categorical_), table.categories, self.categories_, listed)
        return self._store(table.numbers, self._codes(table), on_disk=isinstance(X, np.memmap))

    def learn_blocks(self, survey: Any) -> None:
        """Learn from a pass over all rows what was learned from a sample; quantiles are those of a larger one."""
        learn_blocks(self, survey)

    def validate(self, X: Any) -> Rows:
        """Return X as a store of float32 batches ``(n, width)``: scaled numbers, one-hot categories.

        An array in memory is scaled once, into a float32 copy; memory maps and sparse matrices a batch at a time.

        Warns
        -----
        UserWarning
            If values are of another type than in fit, most are unknown, or some lack where fit saw none.
        """
        raw, table = self._taken_apart(X, self._empty)
        drifted = warn_of_drift(raw, table.categories, self)
        codes = without_constant(self._codes(table), self)
        return self._store(table.numbers, codes, isinstance(X, np.memmap), drifted)

    def preparation(self) -> TablePreparation:
        """Return the scaling of numbers, and the encoding of categories that are numbers, as a module."""
        return preparation_of(self)

    def _taken_apart(self, X: Any, empty: np.ndarray) -> tuple[Any, Table]:
        """Return X as something with columns, and its numbers and categories; what `empty` columns hold is ignored."""
        mixed = self._names_categories or len(self.categorical_) > 0
        raw = as_table(X, self, mixed, min_rows=1)
        check_width(raw, self)
        refuse_columns(raw, kinds_of(raw), self.categorical_, first=False, empty=empty)
        return raw, take_apart(raw, self, self.numeric_, self.categorical_, empty, mixed=mixed, min_rows=1)

    def check_fitted(self) -> None:
        """Raise a ValueError if fitted attributes do not go with each other."""
        check_fitted(self)

    def encoder(self, name: str, n_components: int | None, causal: bool = False) -> nn.Module:
        """Build an MLP, called ``"auto"`` or ``"mlp"``."""
        if name not in ("auto", *self.encoders):
            raise unknown_encoder(name, self)
        net = MLP(self.cells.width, n_components)
        net.columns = self._inputs()
        return net

    def adapt_encoder(self, encoder: nn.Module) -> nn.Module:
        """Adapt an MLP that was trained on a DataFrame to the columns of this one, by their names.

        Inputs that it knows keep their weights. A warning names the columns that it does not know.
        """
        return adapt(encoder, self._inputs())

    def feature_scale(self, encoder: nn.Module, width: int) -> float:
        """Return the factor that gives features of an MLP the variance ``total_variance_``; 1 if they have less."""
        variance = getattr(self, "total_variance_", width)  # of an earlier version
        return float(np.sqrt(min(variance, width) / width)) if isinstance(encoder, MLP) else 1.0

    def inputs_by(self, columns: Sequence[str]) -> tuple[tuple[str, Any], ...]:
        """Return what each float of a batch stands for, given the names of the columns.

        Each is a pair of a name and ``"number"``, ``"hole"``, ``("category", value)`` or ``"rare"``.
        """
        names = [columns[j] for j in (*self.numeric_, *self.categorical_)]
        return inputs_by(names, self.cells, self.categories_, self.has_rare_)

    def view(self, x: Tensor) -> Tensor:
        """Return the batch ``(n, width)`` with some cells replaced by those of other rows."""
        return self.mask(x, self.corruption_rate)[0]

    def views(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the batch ``(n, width)`` unchanged, and with some cells replaced."""
        return x, self.view(x)

    def mask(self, x: Tensor, rate: float) -> tuple[Tensor, Tensor]:
        """Return the batch with a share of its cells replaced by those of other rows, and the mask ``(n, d)``."""
        cells = self.cells
        return replace_cells(x, rate, None if cells.is_plain else cells)

    def reference_rows(self, n: int) -> Tensor:
        """Return n rows whose cells are spread over the marginal distributions of the columns."""
        return self.cells.expand(marginal_rows(self, n))

    def decoder(self, n_components: int, target: str = "value", linear: bool = False) -> Decoder:
        """Build a network that maps features to the columns (``"value"``) or to their bins (``"bin"``).

        `linear` has no effect: this network learns a linear map fast enough by itself.
        """
        return decoder_of(self, n_components, target)

    def critic(self, n_components: int) -> nn.Module:
        """Build two layers without batch normalisation that map a batch to ``(n, n_components)``."""
        return critic_of(self.cells.width, n_components)

    def restore(self, x: Tensor) -> np.ndarray:
        """Return rows ``(n, d)`` in the units of X; a binary column gets the probability of a one.

        They are float64, or objects if there are categories: the most likely category that is not rare, or
        None if all are. Values beyond `clip` are clipped, since the encoder never saw such values.
        """
        return restored(x, self)

    def give_back(self, rows: np.ndarray, container: str | None) -> Any:
        """Return restored rows ``(n, d)`` in the container of fit, or in the one that is asked for."""
        return rows_back(rows, self, container)

    @property
    def cells(self) -> Cells:
        """The layout of the cells of a row in a batch."""
        sizes = [len(known) + rare for known, rare in zip(self.categories_, self.has_rare_, strict=True)]
        lacking = np.flatnonzero(self.missing_ > 0).tolist()
        return Cells(len(self.numeric_), tuple(lacking), tuple(int(size) for size in sizes))

    def _inputs(self) -> tuple[tuple[str, Any], ...] | None:
        """Return what each float of a batch stands for, by column names; None if columns have no names."""
        return None if self.columns_ is None else self.inputs_by(self.columns_)

    @property
    def _names_categories(self) -> bool:
        """Whether the user says which columns are categories."""
        return self.categorical_features is not None and not isinstance(self.categorical_features, str)

    @property
    def _empty(self) -> np.ndarray:
        """Positions of the columns without a value in fit."""
        return np.sort(np.concatenate([self.numeric_, self.categorical_])[self.missing_ == 1])

    def _codes(self, table: Table) -> list[np.ndarray]:
        """Return the codes of each categorical column, ``(n,)`` float32."""
        columns = zip(table.categories, self.categories_, self.has_rare_, strict=True)
        return [encode(column, known, has_rare) for column, known, has_rare in columns]

    def _store(
        self, numbers: Any, codes: list[np.ndarray], on_disk: bool, told: np.ndarray | None = None
    ) -> Rows:
        """Return a store with one number or code per cell in memory; batches are expanded to one-hot."""
        expand = self.cells.expand
        if codes:
            return Rows(self._known(side_by_side(numbers, codes, self._scale), told), expand)
        if sp.issparse(numbers) or on_disk:
            return Rows(numbers, lambda rows: expand(self._known(self._scale(rows))))
        cells = Rows(numbers, self._scale).in_memory(chunk_of(numbers.shape[1])).rows
        return Rows(self._known(cells), expand)

    def _known(self, cells: Tensor, told: np.ndarray | None = None) -> Tensor:
        """Warn of missing cells in columns where fit saw none: the network has no indicator for them."""
        new = cells.isnan().any(0).numpy() & (self.missing_ == 0)
        warn_of_holes(new, self, told)
        return cells.nan_to_num(0.0) if new.any() and self.cells.is_plain else cells

    def _scale(self, rows: Any) -> Tensor:
        dense = rows.toarray() if sp.issparse(rows) else rows
        scaled = (np.asarray(dense, dtype=np.float64) - self.mean_) / self.scale_
        constant = getattr(self, "constant_", np.zeros(len(self.mean_), dtype=bool))  # of an earlier version
        keep_still(scaled, constant, self.missing_[: len(self.mean_)])
        return torch.from_numpy(np.arcsinh(np.clip(scaled, -self.clip, self.clip)).astype(np.float32))
