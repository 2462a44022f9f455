"""Rows that stay on disk and are read in blocks."""

from __future__ import annotations

import mmap
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

BUFFER = 3 * 2**24  # bytes of rows that are mixed at a time: fewer than libraries take
MIXED = 32  # blocks in a buffer, where blocks may have any size
SAMPLE = 10_000  # rows that stand for all
FEW = 8  # blocks that are read to see what rows look like
LIBRARIES = (("h5py", "Dataset"), ("zarr", "Array"))  # whose arrays are on disk


class Blocks(ABC):
    """Rows on disk, which are read a block of consecutive rows at a time.

    Attributes
    ----------
    shape : tuple of int
        The first is the number of rows.
    starts : ndarray of int64 of shape (n_blocks + 1,)
        The first row of each block, and the number of rows.
    row_bytes : int
        Memory that a row takes once it is read.
    buffer_bytes : int
        Memory for rows that are mixed at a time.
    """

    shape: tuple[int, ...]
    starts: np.ndarray
    row_bytes: int
    buffer_bytes: int

    @abstractmethod
    def read(self, block: int) -> Any:
        """Return the rows of a block as an array or a DataFrame."""

    @abstractmethod
    def join(self, parts: Sequence[Any]) -> Any:
        """Return rows that were read one after the other as one array or DataFrame."""

    @abstractmethod
    def pick(self, rows: Any, places: np.ndarray) -> Any:
        """Return a copy of some of the rows that were read, given their places among these."""

    @abstractmethod
    def name_of(self, block: int) -> str:
        """Return what errors call a block."""

    @abstractmethod
    def whole(self) -> Any:
        """Return all rows, as they would be passed if they were in memory."""

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return len(self.starts) - 1

    @property
    def is_small(self) -> bool:
        """Whether all rows fit into the buffer: then they are treated as rows in memory are."""
        return len(self) * self.row_bytes <= self.buffer_bytes

    def n_mixed(self, prepared_bytes: float) -> int:
        """Return the number of blocks that are mixed at a time, at least two, given what a prepared row takes."""
        largest = int(np.diff(self.starts).max())
        # the block that is read is there three times: as the file's library has it, as rows of X, and as numbers
        left = self.buffer_bytes - 3 * largest * self.row_bytes
        return max(2, int(left // max(1.0, largest * prepared_bytes)))

    @property
    def n_sampled(self) -> int:
        """Number of rows that stand for all."""
        return min(len(self), SAMPLE, max(256, self.buffer_bytes // (16 * self.row_bytes)))

    @cached_property
    def head(self) -> Any:
        """The first rows."""
        return self.pick(self.read(0), np.arange(min(2, int(self.starts[1]))))

    def few(self) -> Any:
        """Return some rows of a few blocks, evenly spaced."""
        blocks = np.unique(np.linspace(0, self.n_blocks - 1, FEW).astype(int))
        each = -(-self.n_sampled // len(blocks))
        parts = []
        for block in blocks:
            rows = self.read(block)
            n = int(self.starts[block + 1] - self.starts[block])
            parts.append(self.pick(rows, np.unique(np.linspace(0, n - 1, each).astype(int))))
        return self.join(parts)


class Survey:
    """A pass over all blocks, which keeps a random sample of their rows.

    Parameters
    ----------
    blocks : Blocks

    Attributes
    ----------
    sample : array or DataFrame
        After the pass: rows that were drawn without replacement, in order, always the same.
    n_rows : int
        Of all blocks.
    place : str
        The block that was read last, for errors.
    """

    def __init__(self, blocks: Blocks):
        self.blocks, self.n_rows, self.place = blocks, len(blocks), ""
        self.sample: Any = None

    def __iter__(self) -> Iterator[Any]:
        blocks = self.blocks
        drawn = np.sort(np.random.default_rng(0).choice(len(blocks), blocks.n_sampled, replace=False))
        bounds, parts = np.searchsorted(drawn, blocks.starts), []
        for block in range(blocks.n_blocks):
            self.place = blocks.name_of(block)
            rows = blocks.read(block)
            places = drawn[bounds[block] : bounds[block + 1]] - blocks.starts[block]
            if len(places):
                parts.append(blocks.pick(rows, places))
            if len(parts) == MIXED:  # a table of one row takes many times what its values do
                parts = [blocks.join(parts)]
            yield rows
        self.sample = blocks.join(parts)


class DiskArray(Blocks):
    """An array on disk, of which a few blocks at a time are in memory.

    A large ``numpy.memmap``, ``h5py.Dataset`` or ``zarr.Array`` is taken for one by itself. Pass a ``DiskArray`` to
    decide how many bytes are in memory.

    Parameters
    ----------
    array : numpy.memmap, h5py.Dataset or zarr.Array of shape (n, ...)
        Numbers. It is not written to.
    buffer_bytes : int, default=3 * 2**24
        Memory for rows that are mixed at a time, and for those that are read. An array that fits in is treated as one
        in memory.

    Raises
    ------
    TypeError, ValueError
        If it is no such array, has no rows, or its chunks are too large.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.files import DiskArray
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/X.npy", np.random.default_rng(0).normal(size=(400, 5)))
    ...     X = np.load(f"{folder}/X.npy", mmap_mode="r")
    ...     ssl = ContrastivePretrainer(max_epochs=1, n_components=8).fit(DiskArray(X, buffer_bytes=2**12))
    ...     ssl.transform(X).shape
    (400, 8)
    """

    def __init__(self, array: Any, buffer_bytes: int = BUFFER):
        if not is_disk_array(array):
            raise TypeError(
                f"DiskArray takes a numpy.memmap, an h5py.Dataset or a zarr.Array, and got {type(array).__name__}. "
                "Pass an array in memory to fit as it is."
            )
        check_buffer(buffer_bytes)
        if type(array).__module__.startswith("h5py") and not array:
            raise ValueError(
                "X is a dataset of a file that is closed. Keep the h5py.File open until fit returns."
            )
        if array.dtype.kind not in "biuf":
            raise ValueError(
                f"X holds {array.dtype}, and must hold numbers. Turn texts into numbers first, or write a table with "
                "categories as Parquet and pass ParquetTable(path)."
            )
        if not array.ndim or not array.shape[0]:
            raise ValueError(f"X of shape {tuple(array.shape)} has no rows. Pass some.")
        self.array, self.buffer_bytes = array, buffer_bytes
        self.shape = tuple(int(side) for side in array.shape)
        self.row_bytes = max(1, array.dtype.itemsize * int(np.prod(self.shape[1:])))
        rows = self._rows_of_a_block()
        self.starts = np.append(np.arange(0, len(self), rows, dtype=np.int64), len(self))

    def read(self, block: int) -> np.ndarray:
        """Return the rows of a block in memory."""
        rows = np.array(self.array[int(self.starts[block]) : int(self.starts[block + 1])])
        _forget_pages(self.array)
        return rows

    def join(self, parts: Sequence[Any]) -> np.ndarray:
        """Return rows one after the other."""
        return np.concatenate(parts)

    def pick(self, rows: Any, places: np.ndarray) -> np.ndarray:
        """Return a copy of some rows."""
        return rows[places]

    def name_of(self, block: int) -> str:
        """Return the numbers of the rows."""
        return f"rows {self.starts[block]} to {self.starts[block + 1]} of X"

    def whole(self) -> np.ndarray:
        """Return the array; a memory map as it is."""
        return self.array if isinstance(self.array, np.memmap) else self.array[:]

    def __repr__(self) -> str:
        return f"DiskArray of shape {self.shape}"

    def _rows_of_a_block(self) -> int:
        rows = max(1, self.buffer_bytes // (MIXED * self.row_bytes))
        chunk = (getattr(self.array, "chunks", None) or (1,))[0]  # what is read and unpacked together
        if chunk * self.row_bytes > self.buffer_bytes / 2 and not self.is_small:
            raise ValueError(
                f"Chunks of X have {chunk} rows, {megabytes(chunk * self.row_bytes)} in memory, and may have "
                f"{megabytes(self.buffer_bytes // 2)}. Write X with chunks of fewer rows, or allow more: "
                f"DiskArray(X, buffer_bytes={2 * chunk * self.row_bytes})."
            )
        return -(-rows // chunk) * chunk if chunk < rows else chunk


def is_disk_array(X: Any) -> bool:
    """Return whether X is an array on disk: a memory map, or one of h5py or zarr."""
    if isinstance(X, np.memmap):
        return True
    return (type(X).__module__.split(".")[0], type(X).__name__) in LIBRARIES


def on_disk(X: Any) -> Any:
    """Return rows on disk as :class:`Blocks`; those that fit into the buffer, and all others, as rows in memory."""
    # what is wrong with other memory maps is said as of arrays in memory
    if is_disk_array(X) and not (isinstance(X, np.memmap) and (X.dtype.kind not in "biuf" or not X.size)):
        X = DiskArray(X)
    return X.whole() if isinstance(X, Blocks) and X.is_small else X


def head_of(X: Any) -> Any:
    """Return the first rows of :class:`Blocks`, and other rows as they are."""
    return X.head if isinstance(X, Blocks) else X


def check_buffer(buffer_bytes: Any) -> None:
    """Raise an error if a number of bytes is none."""
    if not isinstance(buffer_bytes, int) or isinstance(buffer_bytes, bool) or buffer_bytes < 1:
        raise ValueError(f"buffer_bytes={buffer_bytes!r} must be a positive integer, such as 2**26.")


def megabytes(n: float) -> str:
    """Return a number of bytes in words."""
    return f"{n / 1e6:,.0f} MB" if n >= 1e6 else f"{n:,.0f} bytes"


def _forget_pages(array: Any) -> None:
    """Let go of the pages of a memory map that were read: they would count as memory of the process."""
    owner = array if isinstance(array, np.memmap) and array.mode != "c" else None
    while owner is not None and not isinstance(owner, mmap.mmap):
        owner = getattr(owner, "base", None)
    # written pages of mode "c" are nowhere else; those of other modes belong to the file
    if owner is not None and hasattr(owner, "madvise"):
        owner.madvise(mmap.MADV_DONTNEED)
