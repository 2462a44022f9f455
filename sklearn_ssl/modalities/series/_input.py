"""Series as people have them: arrays padded with NaN, and lists of arrays of unequal length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from ...encoders import Frames
from .._base import Modality
from .._input import check_rows, is_texts, shape_of

FEW = 3  # times as many channels as steps are probably steps as channels
ALIGNED = 8  # steps that padding is a multiple of: memory grows with every new size


class SeriesRows:
    """Series that are padded, and prepared as batches, on demand.

    Parameters
    ----------
    rows : ndarray of shape (n, channels, time), or list of ndarray of shape (channels, time_i)
        NaN stands for what is not known. It is never written to.
    lengths : ndarray of shape (n,), int64
        Number of steps of each series.
    prepare : callable
        Maps float64 ``(n, channels, time)``, with NaN, and lengths to a batch.
    """

    def __init__(
        self,
        rows: np.ndarray | Sequence[np.ndarray],
        lengths: np.ndarray,
        prepare: Callable[[np.ndarray, np.ndarray], Frames],
    ):
        self.rows, self.lengths, self.prepare = rows, lengths, prepare

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: np.ndarray) -> Frames:
        return self.prepare(self.raw(index), self.lengths[index])

    def raw(self, index: np.ndarray) -> np.ndarray:
        """Return some series as they are, float64 ``(n, channels, time)``, padded with NaN."""
        lengths = self.lengths[index]
        longest = -(-int(lengths.max()) // ALIGNED) * ALIGNED
        n_channels = self.rows[0].shape[0]
        out = np.full((len(index), n_channels, longest), np.nan)
        if isinstance(self.rows, np.ndarray):
            steps = min(longest, self.rows.shape[2])
            out[:, :, :steps] = self.rows[index][:, :, :steps]
        else:
            for place, (i, length) in enumerate(zip(index, lengths, strict=True)):
                out[place, :, :length] = self.rows[i][:, :length]
        return out


def read_series(X: Any, modality: Modality) -> tuple[np.ndarray | list[np.ndarray], np.ndarray]:
    """Return X as rows of channels and steps, not copied if it is an array, and the length of each.

    Parameters
    ----------
    X : array of shape (n, channels, time) or (n, time), or list of arrays (channels, time_i) or (time_i,)
    modality : Modality
        Named in the errors.

    Raises
    ------
    ValueError, TypeError
        If X is anything else, or a series has no step.
    """
    if is_texts(X) or isinstance(X, (str, bytes)):
        raise TypeError(
            "Series takes numbers, and X holds texts. Pass an array of shape (n, channels, time) or a list of "
            "arrays; for texts, take modality=Text()."
        )
    ragged = _ragged(X)
    if ragged is not None:
        rows: np.ndarray | list[np.ndarray] = [_row(x, i, modality) for i, x in enumerate(ragged)]
        _check_channels(rows)
    else:
        rows = _array(X, modality)
    lengths = lengths_of_rows(rows)
    empty = np.flatnonzero(lengths == 0)
    if len(empty):
        raise ValueError(
            f"Series {empty[0]} of X has no step: it is empty, or NaN throughout. Leave out such series."
        )
    return rows, lengths


def lengths_of_rows(rows: np.ndarray | Sequence[np.ndarray], chunk: int = 1024) -> np.ndarray:
    """Return the number of steps of each series, without those at its end that are NaN in all channels."""
    if not isinstance(rows, np.ndarray):
        return np.array([_length(row[None])[0] for row in rows], dtype=np.int64)
    if rows.dtype.kind != "f":
        return np.full(len(rows), rows.shape[2], dtype=np.int64)
    parts = [_length(rows[start : start + chunk]) for start in range(0, len(rows), chunk)]
    return np.concatenate(parts).astype(np.int64)


def _length(rows: np.ndarray) -> np.ndarray:
    known = ~np.isnan(rows).all(axis=1)
    last = known.shape[1] - known[:, ::-1].argmax(axis=1) if known.shape[1] else np.zeros(len(rows), int)
    return np.where(known.any(axis=1), last, 0)


def _ragged(X: Any) -> list[Any] | None:
    """Return the entries of a list of arrays that differ in shape; None if X is an array, or can be made one."""
    listed = isinstance(X, (list, tuple)) or getattr(getattr(X, "dtype", None), "kind", "") == "O"
    if not listed or getattr(X, "ndim", 1) != 1:
        return None
    entries = list(X)
    shapes = {shape_of(x) for x in entries if hasattr(x, "__len__")}
    all_arrays = bool(entries) and all(hasattr(x, "__len__") for x in entries)
    return entries if all_arrays and len(shapes) > 1 else None


def _row(x: Any, i: int, modality: Modality) -> np.ndarray:
    shape = shape_of(x)
    if len(shape) not in (1, 2):
        raise ValueError(
            f"Series {i} of X has shape {shape}. Each entry of a list must be (time,) or (channels, time)."
        )
    if 0 in shape:
        raise ValueError(f"Series {i} of X has no step: its shape is {shape}. Leave out such series.")
    row = x if len(shape) == 2 else np.asarray(x)[None]
    return check_rows(row, modality, ensure_all_finite="allow-nan")


def _check_channels(rows: Sequence[np.ndarray]) -> None:
    counts = [len(row) for row in rows]
    odd = next((i for i, count in enumerate(counts) if count != counts[0]), None)
    if odd is not None:
        raise ValueError(
            f"Series 0 of X has {counts[0]} channels and series {odd} has {counts[odd]}. All need the same channels: "
            "fill those that are missing with NaN."
        )
    most = sum(len(row) > FEW * row.shape[1] for row in rows)
    if 2 * most > len(rows):
        raise ValueError(_transposed(f"arrays like that of shape {rows[0].shape}", "[x.T for x in X]"))


def _array(X: Any, modality: Modality) -> np.ndarray:
    if isinstance(X, (list, tuple)) and len(X) and all(isinstance(x, np.ndarray) for x in X):
        X = np.stack(X)
    array = check_rows(X, modality, allow_nd=True, ensure_all_finite="allow-nan")
    if array.ndim not in (2, 3):
        raise ValueError(
            f"Series takes arrays of shape (n, time) or (n, channels, time), got shape {array.shape}."
        )
    array = array[:, None] if array.ndim == 2 else array
    if array.shape[1] > FEW * array.shape[2] and array.shape[2]:
        raise ValueError(_transposed(f"shape {array.shape}", "X.transpose(0, 2, 1)"))
    return array


def _transposed(what: str, fix: str) -> str:
    return (
        f"Series takes (n, channels, time) and got {what}, with far more channels than steps: (n, time, channels)? "
        f"Pass {fix}. If there are indeed so few steps, pass Tabular() with one row per series."
    )


def as_frames(values: np.ndarray, known: np.ndarray, lengths: np.ndarray, extras: np.ndarray) -> Frames:
    """Return scaled values ``(n, channels, time)`` as a batch; those that are not known are 0."""
    values = np.where(known, values, 0).transpose(0, 2, 1).astype(np.float32)
    return Frames(
        torch.from_numpy(np.ascontiguousarray(values)),
        torch.from_numpy(np.ascontiguousarray(known.transpose(0, 2, 1))),
        torch.from_numpy(lengths.astype(np.int64)),
        torch.from_numpy(extras.astype(np.float32)),
    )
