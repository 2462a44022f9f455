"""Where features go piece by piece: Parquet files, a file of numpy, or an array of the user's."""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ._parquet import ParquetTable, library

FILE = 2**28  # bytes of features in one of several Parquet files, about
CHUNKS = 2**14  # columns of row groups in it, about: what the writer notes of each stays in memory
NEW = ".partial"  # what is added to a name until all is written


class Sink(ABC):
    """Takes features from the first row to the last."""

    @abstractmethod
    def write(self, rows: np.ndarray) -> None:
        """Write features of the next rows, ``(m, d)`` float32."""

    @abstractmethod
    def finish(self) -> Any:
        """Return all that was written, as it can be read again."""

    @abstractmethod
    def give_up(self) -> None:
        """Remove what was written."""


class ArraySink(Sink):
    """Writes to an array of the user's, of any library."""

    def __init__(self, out: Any):
        self.out, self.start = out, 0

    def write(self, rows: np.ndarray) -> None:
        """Write the next rows."""
        self.out[self.start : self.start + len(rows)] = rows
        self.start += len(rows)

    def finish(self) -> Any:
        """Return the array."""
        return self.out

    def give_up(self) -> None:
        """Leave the array as it is: it is the user's."""


class NumpySink(Sink):
    """Writes one file ``.npy``."""

    def __init__(self, path: Path, shape: tuple[int, int]):
        self.path, self.new = path, path.with_name(path.name + NEW)
        self.file = self.new.open("wb")
        header = {"descr": np.dtype(np.float32).str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self.file, header)

    def write(self, rows: np.ndarray) -> None:
        """Write the next rows: not through a memory map, whose pages would count as memory of the process."""
        self.file.write(np.ascontiguousarray(rows, dtype=np.float32).data)

    def finish(self) -> np.ndarray:
        """Return the file as a memory map."""
        self.file.close()
        self.new.replace(self.path)
        return np.load(self.path, mmap_mode="r")

    def give_up(self) -> None:
        """Remove the file."""
        self.file.close()
        self.new.unlink(missing_ok=True)


class ParquetSink(Sink):
    """Writes one Parquet file, or a folder of those; each piece is a row group."""

    def __init__(self, path: Path, names: Sequence[str]):
        library()
        self.path, self.new, self.names = path, path.with_name(path.name + NEW), list(names)
        self.one_file = path.suffix == ".parquet"
        self.writer: Any = None
        self.n_files = self.n_bytes = self.n_chunks = 0
        self.give_up()  # what an earlier run has left
        if not self.one_file:
            self.new.mkdir(parents=True)

    def write(self, rows: np.ndarray) -> None:
        """Write the next rows."""
        import pyarrow as pa

        columns = np.asarray(rows, dtype=np.float32).T.copy()  # arrow wants each column in one piece
        table = pa.table(dict(zip(self.names, map(pa.array, columns), strict=True)))
        if self.writer is None:
            place = self.new if self.one_file else self.new / f"part-{self.n_files:05d}.parquet"
            # features hardly repeat: a dictionary, statistics and compression would take time and save nothing
            options: dict[str, Any] = {
                "use_dictionary": False,
                "write_statistics": False,
                "compression": "none",
            }
            self.writer = library().ParquetWriter(str(place), table.schema, **options)
        self.writer.write_table(table, row_group_size=len(rows))
        self.n_bytes += rows.nbytes
        self.n_chunks += len(self.names)
        if (self.n_bytes > FILE or self.n_chunks > CHUNKS) and not self.one_file:
            self._close()

    def finish(self) -> ParquetTable:
        """Return the table."""
        self._close()
        self.new.replace(self.path)
        return ParquetTable(self.path)

    def give_up(self) -> None:
        """Remove the files."""
        self._close()
        if self.new.is_dir():
            shutil.rmtree(self.new)
        self.new.unlink(missing_ok=True)

    def _close(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer, self.n_bytes, self.n_chunks = None, 0, 0
            self.n_files += 1


@contextmanager
def sink_of(out: Any, shape: tuple[int, int], names: Sequence[str]) -> Iterator[Sink]:
    """Yield the sink that `out` stands for; what it has written is removed if the block fails.

    Parameters
    ----------
    out : str, Path, or array of shape `shape` that can be written to
    shape : tuple of int
        Number of rows and of features.
    names : sequence of str
        Of the features.

    Raises
    ------
    ValueError, TypeError
        If there is such a file already, a folder that is not empty, or an array of another shape or type.
    """
    sink = _sink(out, shape, names)
    try:
        yield sink
    except BaseException:
        sink.give_up()
        raise


def _sink(out: Any, shape: tuple[int, int], names: Sequence[str]) -> Sink:
    if isinstance(out, (str, os.PathLike)):
        path = Path(out)
        if path.is_dir() and not any(path.iterdir()) and not path.suffix:
            path.rmdir()
        if path.exists() or not str(out).strip():
            raise ValueError(f"out={str(out)!r} is there already. Delete it, or choose another name.")
        if path.suffix not in ("", ".npy", ".parquet"):
            raise ValueError(
                f"out={str(out)!r} ends in {path.suffix!r}. Write 'name.npy' for an array, 'name.parquet' for a table "
                "in one file, or a name without an ending for a folder of Parquet files."
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        return NumpySink(path, shape) if path.suffix == ".npy" else ParquetSink(path, names)
    if not hasattr(out, "__setitem__") or not hasattr(out, "shape") or hasattr(out, "columns"):
        raise TypeError(
            f"out must be a name, or an array to write to, such as numpy.memmap, and is {type(out).__name__}."
        )
    kind = getattr(getattr(out, "dtype", None), "kind", "f")
    flags = getattr(out, "flags", None)
    if tuple(out.shape) != shape or kind != "f" or (flags is not None and not flags.writeable):
        raise ValueError(
            f"out of shape {tuple(out.shape)} and type {getattr(out, 'dtype', None)} must be an array of floats of "
            f"shape {shape} that can be written to."
        )
    return ArraySink(out)
