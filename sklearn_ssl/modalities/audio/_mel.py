"""Log-mel spectrograms, in batches."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...training import resident

LOWEST = 60.0  # Hz: below is hum
FLOOR = 1e-7  # power that is added before the logarithm, about that of the noise of 12 bits
CHUNK = 2**21  # numbers that are transformed at once


def to_mel(frequency: float | np.ndarray) -> np.ndarray:
    """Return the pitch of a frequency in Hz, in mel."""
    return 2595.0 * np.log10(1.0 + np.asarray(frequency) / 700.0)


def to_hertz(mel: float | np.ndarray) -> np.ndarray:
    """Return the frequency in Hz of a pitch in mel."""
    return 700.0 * (10.0 ** (np.asarray(mel) / 2595.0) - 1.0)


def edges(rate: int, n_bands: int) -> np.ndarray:
    """Return the frequencies in Hz at which bands begin, peak and end, ``(n_bands + 2,)``, evenly spaced in mel."""
    lowest = min(LOWEST, rate / 8)
    return to_hertz(np.linspace(to_mel(lowest), to_mel(rate / 2), n_bands + 2))


def frame_sizes(rate: int, window: float, hop: float, n_bands: int) -> tuple[int, int, int]:
    """Return the samples of a window, those from one to the next, and the length of the Fourier transform.

    The transform is long enough that each band has a frequency of its own.
    """
    size, step = max(2, round(window * rate)), max(1, round(hop * rate))
    narrowest = np.diff(edges(rate, n_bands)).min()
    return size, step, 2 ** int(np.ceil(np.log2(max(size, rate / narrowest))))


def n_frames(n_samples: np.ndarray, size: int, step: int) -> np.ndarray:
    """Return the number of windows in waveforms of so many samples, at least one."""
    return 1 + np.maximum(0, n_samples - size) // step


@cache
def filters(rate: int, n_fft: int, n_bands: int) -> np.ndarray:
    """Return the weight of each frequency in each band, ``(n_fft / 2 + 1, n_bands)``: triangles that peak at 1."""
    frequencies = np.arange(n_fft // 2 + 1) * rate / n_fft
    corners = edges(rate, n_bands)
    low, peak, high = corners[:-2], corners[1:-1], corners[2:]
    rising = (frequencies[:, None] - low) / (peak - low)
    falling = (high - frequencies[:, None]) / (high - peak)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


@cache
def taper(size: int) -> np.ndarray:
    """Return a Hann window of unit energy, float32 ``(size,)``."""
    window = torch.hann_window(size, periodic=True, dtype=torch.float64)
    return (window / window.square().sum().sqrt()).float().numpy()


def log_mel(waves: Tensor, rate: int, window: float, hop: float, n_bands: int) -> Tensor:
    """Return the logarithm of the power in each band of each window.

    Parameters
    ----------
    waves : Tensor of float32 of shape (n, n_samples)
        Padded with zeros to the longest.
    rate : int
        Samples per second.
    window, hop : float
        Length of a window, and time from one to the next, in seconds.
    n_bands : int

    Returns
    -------
    Tensor of float32 of shape (n, n_frames, n_bands)
    """
    size, step, n_fft = frame_sizes(rate, window, hop, n_bands)
    waves = F.pad(waves, (0, max(0, size - waves.shape[1])))
    weights, bands = (resident(table, waves.device) for table in (taper(size), filters(rate, n_fft, n_bands)))
    frames = waves.unfold(1, size, step)
    n_at_once = max(1, CHUNK // (len(waves) * n_fft))
    parts = []
    for part in frames.split(n_at_once, dim=1):
        spectrum = torch.fft.rfft(part * weights, n=n_fft)
        parts.append((spectrum.real.square() + spectrum.imag.square()) @ bands)
    return (torch.cat(parts, dim=1) + FLOOR).log()
