"""Series as people have them: arrays padded with NaN, and lists of arrays of unequal length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from ...encoders import Frames
from ...warning import warn
from .._base import Modality
from .._frames import is_frame, is_pandas
from .._input import check_rows, is_texts, shape_of
from ._scale import Moments, moments

FEW = 3  # times as many channels as steps are probably steps as channels
CHUNK = 1024  # series that are looked at at once
MANY = 12  # rows that say whether a frame has one step per row; one with as many columns is not looked at
LOUD = 1000  # samples from which on whole numbers of 16 bits are probably sound
ALIGNED = 8  # steps that padding is a multiple of: memory grows with every new size


class Read(NamedTuple):
    """X as rows of channels and steps, not copied if it is an array.

    Attributes
    ----------
    rows : ndarray of shape (n, channels, time), or list of ndarray of shape (channels, time_i)
    lengths : ndarray of shape (n,), int64
    flat : bool
        Whether X has no axis of channels.
    """

    rows: np.ndarray | list[np.ndarray]
    lengths: np.ndarray
    flat: bool


class SeriesRows:
    """Series that are padded, and prepared as batches, on demand.

    Parameters
    ----------
    read : Read
        The series; NaN stands for what is not known. They are never written to.
    prepare : callable
        Maps float64 ``(n, channels, time)``, with NaN, and lengths to a batch.
    restore : callable
        Maps scaled values ``(n, channels, steps)`` and the raw series they belong to to the units of X.
    """

    def __init__(
        self,
        read: Read,
        prepare: Callable[[np.ndarray, np.ndarray], Frames],
        restore: Callable[[np.ndarray, np.ndarray], np.ndarray],
    ):
        self.rows, self.lengths, self.flat = read
        self.prepare, self.restore = prepare, restore

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: np.ndarray) -> Frames:
        return self.prepare(self.raw(index), self.lengths[index])

    def in_units(self, index: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return scaled values ``(n, steps, channels)`` in the units of some series and in the layout of X."""
        rows = self.restore(values.transpose(0, 2, 1).astype(np.float64), self.raw(index))
        return rows[:, 0] if self.flat else rows

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


def read_series(X: Any, modality: Modality, least: int = 1) -> Read:
    """Return X as rows of channels and steps, and the length of each.

    Parameters
    ----------
    X : array of shape (n, channels, time) or (n, time), or list of arrays (channels, time_i) or (time_i,)
    modality : Modality
        Named in the errors.
    least : int, default=1
        Number of series that there must be.

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
    if (
        len(shape_of(X)) == 1
        and getattr(getattr(X, "dtype", None), "kind", "") in "biuf"
        and hasattr(X, "dtype")
    ):
        raise ValueError(
            f"X of shape {shape_of(X)} is one series. Pass a list of series, [X] for one. Fit needs several: cut a "
            "long one, for example by numpy.lib.stride_tricks.sliding_window_view(X, 100)[::50]."
        )
    _refuse_long_form(X)
    ragged = _ragged(X)
    if ragged is not None:
        rows: np.ndarray | list[np.ndarray] = [_row(x, i, modality) for i, x in enumerate(ragged)]
        _check_channels(rows)
        flat = len(shape_of(ragged[0])) == 1
    else:
        array = _array(X, modality)
        rows, flat = (array[:, None], True) if array.ndim == 2 else (array, False)
        _check_array(rows)
    if len(rows) < least:
        raise ValueError(
            f"Found array with {len(rows)} sample(s): Series needs at least {least} series to learn from."
        )
    lengths = lengths_of_rows(rows)
    empty = np.flatnonzero(lengths == 0)
    if len(empty):
        raise ValueError(
            f"Series {empty[0]} of X has no step: it is empty, or NaN throughout. Leave out such series."
        )
    return Read(rows, lengths, flat)


def _refuse_long_form(X: Any) -> None:
    """Refuse a DataFrame with a row per step, in which one column names the series and one the time."""
    if not is_frame(X) or not 2 < X.shape[1] < MANY or len(X) < MANY:
        return
    columns = {name: np.asarray(X[name]) for name in X.columns}
    for key, values in columns.items():
        same = values[1:] == values[:-1]
        n_runs = 1 + np.count_nonzero(~same)
        if values.dtype.kind == "f" or not 1 < n_runs <= len(X) / 2 or len(set(values.tolist())) != n_runs:
            continue
        for time, steps in columns.items():
            if steps.dtype.kind not in "iufM" or not (steps[1:] > steps[:-1])[same].all():
                continue
            series = (
                time if values.dtype.kind == "M" else key
            )  # sorted by time: then each time has all series
            raise ValueError(
                _taken_apart(X, series, [key, time]) + " If each row is a series, pass X.to_numpy()."
            )
    _refuse_unsorted(X, columns)


def _refuse_unsorted(X: Any, columns: dict[Any, np.ndarray]) -> None:
    """Refuse a DataFrame of steps in any order, in which a column of texts names the series: no series has texts."""
    ranked = {name: _ranks(values) for name, values in columns.items() if values.dtype.kind not in "fb"}
    texts = [name for name in ranked if columns[name].dtype.kind in "OUT"]
    for key in texts:
        # dates first, then texts, which may be dates, then whole numbers
        for time in sorted(
            ranked.keys() - {key}, key=lambda name: "MOTUiu".find(columns[name].dtype.kind) % 7
        ):
            n_series, pairs = len(set(ranked[key].tolist())), set(zip(ranked[key], ranked[time], strict=True))
            if 1 < n_series <= len(X) / 2 and len(pairs) == len(X):
                raise ValueError(_taken_apart(X, key, [key, time], time))


def _ranks(values: np.ndarray) -> np.ndarray:
    return np.unique(values.astype(str) if values.dtype.kind in "OT" else values, return_inverse=True)[1]


def _taken_apart(X: Any, series: Any, keys: list[Any], time: Any = None) -> str:
    """Return an error message: how a DataFrame of steps becomes series, sorted by `time` if it is given."""
    rest = [name for name in X.columns if name not in keys]
    group = f"groupby({series!r})" if is_pandas(X) else f"group_by({series!r}, maintain_order=True)"
    part = f"part[{rest!r}]" if is_pandas(X) else f"part.select({rest!r})"
    sort = "" if time is None else f"sort_values({time!r})." if is_pandas(X) else f"sort({time!r})."
    return (
        f"Series takes one series per row, and X has one step per row: {series!r} seems to name the series. Take X "
        f"apart first: [{part}.to_numpy().T for _, part in X.{sort}{group}], and give y in the order of those groups."
    )


def lengths_of_rows(rows: np.ndarray | Sequence[np.ndarray], chunk: int = CHUNK) -> np.ndarray:
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


def _check_channels(rows: Any) -> None:
    most = sum(len(row) > FEW * row.shape[1] for row in rows)
    if 2 * most > len(rows):
        raise ValueError(_transposed(f"arrays like that of shape {rows[0].shape}", "[x.T for x in X]"))
    counts = [len(row) for row in rows]
    odd = next((i for i, count in enumerate(counts) if count != counts[0]), None)
    if odd is not None:
        raise ValueError(
            f"Series 0 of X has {counts[0]} channels and series {odd} has {counts[odd]}. All need the same channels: "
            "fill those that are missing with NaN. If these arrays are (time, channels), pass [x.T for x in X]."
        )


def _array(X: Any, modality: Modality) -> np.ndarray:
    if isinstance(X, (list, tuple)) and len(X) and all(isinstance(x, np.ndarray) for x in X):
        X = np.stack(X)
    array = check_rows(X, modality, allow_nd=True, ensure_all_finite="allow-nan")
    if array.ndim not in (2, 3):
        raise ValueError(
            f"Series takes arrays of shape (n, time) or (n, channels, time), got shape {array.shape}."
        )
    return array


def _check_array(rows: np.ndarray) -> None:
    if rows.shape[1] > FEW * rows.shape[2] and rows.shape[2]:
        raise ValueError(_transposed(f"shape {rows.shape}", "X.transpose(0, 2, 1)"))


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


def are_series(X: Any) -> bool:
    """Return whether X is a list of arrays of numbers that can only be series.

    Arrays of two dimensions have the same number of channels and differ in length. Others may be images, and so may
    arrays of bytes.
    """
    listed = isinstance(X, (list, tuple)) or getattr(getattr(X, "dtype", None), "kind", "") == "O"
    if not listed or getattr(X, "ndim", 1) != 1 or not len(X):
        return False
    if not all(isinstance(x, np.ndarray) and x.dtype.kind in "iuf" and x.dtype != np.uint8 for x in X):
        return False
    shapes = {x.shape for x in X}
    flat = {len(shape) for shape in shapes} == {1}
    return flat or (
        {len(shape) for shape in shapes} == {2} and len({s[0] for s in shapes}) == 1 < len(shapes)
    )


def doubt_sound(X: Any) -> None:
    """Warn if X is a list of waveforms, as files of sounds are read, judging by the first ones."""
    if all(x.dtype == np.int16 and x.ndim == 1 and len(x) >= LOUD for x in list(X)[:10]):
        warn(
            "X is a list of long arrays of int16, which look like sound, and they are taken for series. For sound pass "
            "modality=Audio(sample_rate=...), else modality=Series()."
        )


def in_parts(store: SeriesRows) -> Moments:
    """Return the moments of all series of a store, of which few are in memory at once."""
    index = np.arange(len(store))
    parts = [moments(store.raw(index[i : i + CHUNK])) for i in range(0, len(index), CHUNK)]
    return Moments(*map(np.concatenate, zip(*parts, strict=True)))


def example_series() -> np.ndarray:
    """Return 120 waves, ``(120, 1, 24)``: of two frequencies, at a random phase, with noise."""
    rng = np.random.default_rng(0)
    time, phase = np.arange(24), rng.uniform(0, 2 * np.pi, (120, 1, 1))
    pitch = np.where(np.arange(120) % 2, 0.4, 0.8)[:, None, None]
    return np.sin(pitch * time + phase) + 0.3 * rng.normal(size=(120, 1, 24))


def series_of(X: Any) -> list[np.ndarray]:
    """Return valid series as a list of arrays ``(channels, time_i)``, without padding and with NaN in holes."""
    listed = not isinstance(X, np.ndarray) and not hasattr(X, "to_numpy")
    rows = [np.atleast_2d(np.asarray(x, dtype=float)) for x in (X if listed else np.asarray(X, dtype=float))]
    return [row[:, :length] for row, length in zip(rows, lengths_of_rows(rows), strict=True)]
