"""Sounds as a store of batches of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from ...encoders import Frames

ALIGNED = 8  # frames that padding is a multiple of: memory grows with every new size
FAR = 10.0  # standard deviations beyond which values are cut off


class SoundRows:
    """Sounds whose spectrograms are computed on request, or once.

    Parameters
    ----------
    spectrogram : callable
        Maps a row number to the spectrogram of a sound, float32 ``(n_frames, n_bands)``.
    n_frames : ndarray of shape (n,), int64
        Number of frames of each.
    unit : int
        Number of frames that count as one in `lengths`.
    """

    def __init__(self, spectrogram: Callable[[int], np.ndarray], n_frames: np.ndarray, unit: int):
        self.spectrogram, self.n_frames = spectrogram, n_frames
        self.lengths = -(-n_frames // unit)
        self.kept: list[np.ndarray] | None = None
        self.mean, self.scale = np.zeros(1, np.float32), np.ones(1, np.float32)

    def __len__(self) -> int:
        return len(self.n_frames)

    def __getitem__(self, index: np.ndarray) -> Frames:
        lengths = self.n_frames[index]
        longest = -(-int(lengths.max()) // ALIGNED) * ALIGNED
        values = np.zeros((len(index), longest, len(self.mean)), np.float32)
        for place, i in enumerate(index):
            values[place, : lengths[place]] = np.clip((self.raw(i) - self.mean) / self.scale, -FAR, FAR)
        here = np.arange(longest) < lengths[:, None]
        observed = np.broadcast_to(here[:, :, None], values.shape)
        return Frames(
            torch.from_numpy(values),
            torch.from_numpy(observed.copy()),
            torch.from_numpy(lengths),
            torch.zeros(len(index), 0, dtype=torch.float32),
        )

    def raw(self, i: int) -> np.ndarray:
        """Return a spectrogram as it is, float32 ``(n_frames, n_bands)``."""
        return self.spectrogram(i) if self.kept is None else self.kept[i]

    def each(self) -> Iterator[np.ndarray]:
        """Yield all spectrograms as they are."""
        for i in range(len(self)):
            yield self.raw(i)

    def keep(self) -> None:
        """Compute all spectrograms once, and keep them in memory."""
        self.kept = list(self.each())

    def scaled_by(self, mean: np.ndarray, scale: np.ndarray) -> SoundRows:
        """Return the store, whose batches are scaled by the mean and the spread of each band from now on."""
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
