"""Tables in Parquet files, read a row group at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ._blocks import BUFFER, Blocks, check_buffer, megabytes

CELL = 8  # bytes of a number in memory
TEXT = 64  # bytes of a text in memory, about


class ParquetTable(Blocks):
    """A table in Parquet files that may be larger than memory.

    Every pretrainer of tables takes it as X, in ``fit``, ``transform`` and ``score``. A row group is read at a time.
    For training, row groups come in random order, and the rows of several are mixed. What is learned of columns is
    learned in one pass over all rows; quantiles are those of a random sample.

    Parameters
    ----------
    path : str, Path, or list of those
        A file, files, or a folder, whose files ``*.parquet`` are taken in the order of their names, with those of
        folders in it. Names that begin with ``_`` or ``.`` are left out.
    columns : list of str or None, default=None
        Names of the columns to read, in that order. None reads all.
    buffer_bytes : int, default=3 * 2**24
        Memory for rows that are mixed at a time, and for the row group that is read. A table that fits in is treated
        as a DataFrame is.

    Attributes
    ----------
    shape : tuple of int
        Number of rows and of columns.
    column_names : list of str
    files : list of str

    Raises
    ------
    ImportError
        If pyarrow or pandas is not installed: ``pip install 'sklearn-ssl[files]'``.
    ValueError, TypeError
        If there is no such file or folder, files do not go together, there are no rows, or a row group is too large.

    Notes
    -----
    ``table[rows]`` returns rows as a DataFrame, given a slice, row numbers, or a mask. ``table.whole()`` returns all.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.files import ParquetTable
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load_iris(as_frame=True).data.to_parquet(f"{folder}/iris.parquet")
    ...     table = ParquetTable(folder)
    ...     ssl = ContrastivePretrainer(max_epochs=1, n_components=8).fit(table)
    ...     features = ssl.transform(table, out=f"{folder}/features")
    >>> features.shape
    (150, 8)
    """

    def __init__(self, path: Any, columns: Sequence[str] | None = None, *, buffer_bytes: int = BUFFER):
        check_buffer(buffer_bytes)
        self.buffer_bytes = buffer_bytes
        self.files: list[str] = []
        self._groups: list[tuple[int, int]] = []  # the file of each block, and its row group there
        self._idle: list[tuple[int, Any]] = []  # the file that was read last
        names, sizes = _files_of(path), list[int]()
        schema = _opened(names[0]).schema_arrow
        self.column_names = _chosen(schema, columns, names[0])
        for name in names:
            file = _opened(name)
            _check_like(schema, file.schema_arrow, self.column_names, names[0], name, columns is None)
            rows = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
            self._groups += [(len(self.files), i) for i, n in enumerate(rows) if n]
            sizes += [n for n in rows if n]
            self.files.append(name)
        if not sizes:
            raise ValueError(f"{_shown(path)} has no rows. Pass Parquet files with rows.")
        self.starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self.shape = (int(self.starts[-1]), len(self.column_names))
        self.row_bytes = sum(_bytes_of(schema.field(name).type) for name in self.column_names)
        self._check_sizes(sizes)

    def read(self, block: int) -> Any:
        """Return a row group as a DataFrame of pandas."""
        from pandas.api.types import is_object_dtype

        file, group = self._groups[block]
        reader = self._reader(file)
        try:
            table = reader.read_row_group(group, columns=self.column_names, use_threads=False)
        except (OSError, ValueError) as error:  # pyarrow's own are of both kinds
            raise ValueError(
                f"{self.name_of(block)} cannot be read: {error} If files have changed, make a new ParquetTable."
            ) from error
        # an index that pandas wrote is no column, and no name of a row here
        self._idle[:] = [(file, reader)]
        table = table.select(self.column_names).replace_schema_metadata(None)
        texts = [field.name for field in table.schema if _kind(field.type) == "texts"]
        frame = table.to_pandas(self_destruct=True, split_blocks=True, use_threads=False)
        del table
        release_unused()  # arrow would keep it for later
        # pandas before 3 makes objects of texts, and None alone does not say that texts are meant
        empty = [name for name in texts if is_object_dtype(frame[name]) and frame[name].isna().all()]
        return frame.astype(dict.fromkeys(empty, "string")) if empty else frame

    def join(self, parts: Sequence[Any]) -> Any:
        """Return rows one after the other."""
        import pandas as pd

        return parts[0] if len(parts) == 1 else pd.concat(_with_one_type(parts), ignore_index=True)

    def pick(self, rows: Any, places: np.ndarray) -> Any:
        """Return a copy of some rows."""
        return rows.iloc[places]

    def name_of(self, block: int) -> str:
        """Return the row group and its file."""
        file, group = self._groups[block]
        return f"row group {group} of {self.files[file]}"

    def whole(self) -> Any:
        """Return all rows as a DataFrame of pandas."""
        return self.join([self.read(block) for block in range(self.n_blocks)])

    def __getitem__(self, rows: Any) -> Any:
        index = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else np.asarray(rows)
        index = (
            np.flatnonzero(index) if index.dtype == bool else np.where(index < 0, index + len(self), index)
        )
        if index.ndim != 1 or (index.size and not (index.min() >= 0 and index.max() < len(self))):
            raise IndexError(
                f"Rows of {self!r} are a slice, a list of numbers from 0 to {len(self) - 1}, or a mask."
            )
        block = np.searchsorted(self.starts, index, side="right") - 1
        found = [(np.flatnonzero(block == b), b) for b in np.unique(block)]
        if not found:
            return self.head.iloc[:0]
        parts = [self.pick(self.read(b), index[places] - self.starts[b]) for places, b in found]
        order = np.argsort(np.concatenate([places for places, _ in found]))
        return self.join(parts).iloc[order].reset_index(drop=True)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise TypeError(
            "X is a ParquetTable, which pretrainers read a part at a time and others cannot. If it fits into memory, "
            "pass X.whole()."
        )

    def __repr__(self) -> str:
        return f"ParquetTable of {self.shape[0]:,} rows x {self.shape[1]:,} columns in {self.n_blocks:,} row groups"

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_idle": []}  # a file that is open cannot be pickled

    def _reader(self, file: int) -> Any:
        """Return an open file, which no other thread reads meanwhile."""
        try:
            kept, reader = self._idle.pop()
        except IndexError:
            kept, reader = -1, None
        return reader if kept == file else _opened(self.files[file])

    def _check_sizes(self, sizes: list[int]) -> None:
        largest = max(sizes)
        if largest * self.row_bytes > self.buffer_bytes / 2 and not self.is_small:
            rows = max(1, self.buffer_bytes // (16 * self.row_bytes))
            raise ValueError(
                f"{self.name_of(int(np.argmax(sizes)))} has {largest:,} rows, about "
                f"{megabytes(largest * self.row_bytes)} in memory, and may have {megabytes(self.buffer_bytes / 2)}. "
                "Write the table anew with smaller ones: import pyarrow.dataset as ds; "
                f"ds.write_dataset(ds.dataset(path), new_path, format='parquet', max_rows_per_group={rows}, "
                f"max_rows_per_file={100 * rows}). Or allow more memory: "
                f"ParquetTable(path, buffer_bytes={2 * largest * self.row_bytes})."
            )


def library() -> Any:
    """Return pyarrow's module for Parquet, or raise an error that says how to install it."""
    try:
        import pandas  # noqa: F401
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            "Parquet files need pyarrow and pandas: pip install 'sklearn-ssl[files]', or pip install pyarrow pandas."
        ) from error
    return pyarrow.parquet


def release_unused() -> None:
    """Give memory that arrow does not need now back to the system."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def _files_of(path: Any) -> list[str]:
    """Return the names of the files that a path, a folder or a list of those stands for."""
    if isinstance(path, (str, os.PathLike)):
        place = Path(path)
        if place.is_dir():
            found = sorted(
                file for file in place.rglob("*.parquet") if not _is_hidden(file.relative_to(place))
            )
            if not found:
                raise ValueError(f"The folder {place} has no file *.parquet. Pass the folder that has them.")
            return [str(file) for file in found]
        if not place.exists():
            raise ValueError(f"There is no file or folder {place}. Check the path.")
        return [str(place)]
    if not isinstance(path, Iterable) or isinstance(path, bytes):
        raise TypeError(f"path must be a str, a Path or a list of those, and is {type(path).__name__}.")
    names = [name for one in path for name in _files_of(one)]
    if not names:
        raise ValueError("path is an empty list. Pass the names of Parquet files.")
    return names


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(("_", ".")) for part in path.parts)


def _shown(path: Any) -> str:
    return str(path) if isinstance(path, (str, os.PathLike)) else f"The list of {len(list(path))} paths"


def _opened(name: str) -> Any:
    try:
        # without pre_buffer the bytes of a row group are not kept after it was read
        return library().ParquetFile(name, pre_buffer=False, buffer_size=2**16)
    except (OSError, ValueError) as error:
        raise ValueError(f"{name} cannot be read as a Parquet file: {error}") from error


def _chosen(schema: Any, columns: Sequence[str] | None, file: str) -> list[str]:
    """Return the names of the columns to read, all but an index of pandas if none are named."""
    index = (schema.pandas_metadata or {}).get("index_columns", [])
    own = [name for name in schema.names if name not in index]
    twice = sorted({name for name in own if own.count(name) > 1})
    if twice:
        raise ValueError(f"Column names that occur twice in {file}: {twice[:5]}. Rename or drop columns.")
    if columns is None:
        return own
    if isinstance(columns, str):
        raise TypeError(f"columns={columns!r} must be a list of names: [{columns!r}].")
    names = list(columns)
    unknown = [name for name in names if name not in schema.names]
    if unknown or not names or len(set(names)) < len(names):
        what = f"has no columns {unknown[:5]}" if unknown else f"cannot be read with columns={columns!r}"
        raise ValueError(f"{file} {what}. It has {own[:20]}; name each once.")
    return names


def _check_like(schema: Any, other: Any, names: list[str], first: str, file: str, every: bool) -> None:
    """Raise an error if a file has not the columns of the first, no further ones (`every`), and the same types."""
    known, there = set(schema.names), set(other.names)  # arrow makes a list of the names each time
    lacking = [name for name in names if name not in there]
    more = [name for name in other.names if name not in known] if every and not lacking else []
    if lacking or more:
        what = f"lacks columns {lacking[:5]}" if lacking else f"has further columns {more[:5]}"
        raise ValueError(
            f"{file} {what}, compared with {first}. Files of one table must have the same columns: pass those that do, "
            "or name common ones in columns=."
        )
    for name in names:
        kinds = [_kind(one.field(name).type) for one in (schema, other)]
        if kinds[0] != kinds[1] and "null" not in kinds:
            raise ValueError(
                f"Column {name!r} holds {kinds[1]} ({other.field(name).type}) in {file}, and {kinds[0]} "
                f"({schema.field(name).type}) in {first}. Write them with one type, or leave the column out by "
                "columns=."
            )


def _kind(kind: Any) -> str:
    """Return what values of a type of arrow are."""
    import pyarrow.types as types

    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_null(kind):
        return "null"
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind):
        return "numbers"
    return "texts" if types.is_string(kind) or types.is_large_string(kind) else str(kind)


def _bytes_of(kind: Any) -> int:
    return CELL if _kind(kind) in ("numbers", "null") else TEXT


def _with_one_type(parts: Sequence[Any]) -> Sequence[Any]:
    """Return frames whose categories have the same levels; pandas makes objects of others."""
    from pandas.api.types import union_categoricals

    for name in parts[0].columns[[str(kind) == "category" for kind in parts[0].dtypes]]:
        if any(part[name].dtype != parts[0][name].dtype for part in parts):
            dtype = union_categoricals([part[name] for part in parts], ignore_order=True).dtype
            parts = [part.assign(**{name: part[name].astype(dtype)}) for part in parts]
    return parts
