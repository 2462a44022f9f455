"""Sounds as a store of batches of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from ...encoders import Frames
from ._input import Sound, waveform

IN_MEMORY = 2**29  # bytes of spectrograms, or of waveforms, that are computed once and kept
ALIGNED = 8  # frames that padding is a multiple of: memory grows with every new size
FAR = 10.0  # standard deviations beyond which values are cut off


class SoundRows:
    """Sounds whose frames, of spectrograms or of samples, are computed on request, or once.

    Parameters
    ----------
    frames : callable
        Maps a row number to the frames of a sound, float32 ``(n_frames, width)``.
    n_frames : ndarray of shape (n,), int64
        Number of frames of each.
    unit : int
        Number of frames that count as one in `lengths`.
    """

    def __init__(self, frames: Callable[[int], np.ndarray], n_frames: np.ndarray, unit: int):
        self.frames, self.n_frames, self.far = frames, n_frames, FAR
        self.lengths = -(-n_frames // unit)
        self.kept: list[np.ndarray] | None = None
        self.mean, self.scale = np.zeros(1, np.float32), np.ones(1, np.float32)

    def __len__(self) -> int:
        return len(self.n_frames)

    def __getitem__(self, index: np.ndarray) -> Frames:
        lengths = self.n_frames[index]
        longest = -(-int(lengths.max()) // ALIGNED) * ALIGNED
        values = np.zeros((len(index), longest, len(self.scale)), np.float32)
        for place, i in enumerate(index):
            values[place, : lengths[place]] = np.clip(
                (self.raw(i) - self.mean) / self.scale, -self.far, self.far
            )
        here = np.arange(longest) < lengths[:, None]
        observed = np.broadcast_to(here[:, :, None], values.shape)
        return Frames(
            torch.from_numpy(values),
            torch.from_numpy(observed.copy()),
            torch.from_numpy(lengths),
            torch.zeros(len(index), 0, dtype=torch.float32),
        )

    def raw(self, i: int) -> np.ndarray:
        """Return the frames of a sound as they are, float32 ``(n_frames, width)``."""
        return self.frames(i) if self.kept is None else self.kept[i]

    def each(self) -> Iterator[np.ndarray]:
        """Yield the frames of all sounds as they are."""
        for i in range(len(self)):
            yield self.raw(i)

    def keep(self) -> None:
        """Compute all frames once, and keep them in memory."""
        self.kept = list(self.each())

    def scaled_by(self, mean: np.ndarray, scale: np.ndarray, far: float = FAR) -> SoundRows:
        """Return the store, whose batches are scaled by `mean` and `scale` from now on, and cut off at `far`."""
        self.far = far
        self.mean, self.scale = mean.astype(np.float32), scale.astype(np.float32)
        return self


def moments_of(store: SoundRows) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the standard deviation of each band over all frames, float64 ``(n_bands,)``."""
    total = square = count = 0.0
    for values in store.each():
        values = values.astype(np.float64)
        total, square, count = total + values.sum(0), square + np.square(values).sum(0), count + len(values)
    mean = np.asarray(total) / count
    return mean, np.sqrt(np.maximum(np.asarray(square) / count - mean**2, 0.0))


def level_of(store: SoundRows, n_samples: int) -> float:
    """Return the root of the mean square of all samples, of which there are `n_samples`."""
    return float(np.sqrt(sum(np.square(steps, dtype=np.float64).sum() for steps in store.each()) / n_samples))


def rows_of(
    sounds: Sequence[Sound],
    rate: int,
    frames: Callable[[np.ndarray], np.ndarray],
    n_frames: np.ndarray,
    width: int,
) -> SoundRows:
    """Return the frames of sounds as a store, which keeps them if there are not too many.

    Parameters
    ----------
    sounds : list of Sound
    rate : int
        What waveforms are converted to.
    frames : callable
        Maps a waveform ``(n_samples,)`` to its frames, float32 ``(n_frames, width)``.
    n_frames : ndarray of shape (n,), int64
    width : int
    """
    store = SoundRows(lambda i: frames(waveform(sounds[i], rate)), n_frames, 1)
    if 4 * width * int(n_frames.sum()) <= IN_MEMORY:
        store.keep()
    return store
