"""Sound as people have it: waveforms of any length, type, rate and number of channels."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from numbers import Integral, Real
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np
import torch

from ...warning import warn
from .._input import is_texts

INTEGERS = (np.uint8, np.int8, np.int16, np.int32)  # of sound files
RATES = (100, 1_000_000)  # samples per second that make sense
LOUDEST = 1e15  # whose power is a float32 still
OTHER_SCALE = 1000  # times as loud, or as soft, is probably an error
LARGEST_FACTOR = 1000  # of resampling; the error in the rate is below one in a million


class Sound(NamedTuple):
    """A waveform as it was given.

    Attributes
    ----------
    samples : ndarray of shape (n_samples,), or (channels, n_samples), or (n_samples, channels)
    rate : int or None
        Samples per second, if it came with the waveform.
    """

    samples: np.ndarray
    rate: int | None


def read_sounds(X: Any) -> list[Sound]:
    """Return the waveforms of X, as they are and not copied.

    Parameters
    ----------
    X : list of waveforms, or array of shape (n, n_samples)
        A waveform is an array, or a pair of an array and its rate, in either order.

    Raises
    ------
    ValueError, TypeError
        If X is anything else, or a waveform is empty, not finite, or of more than two channels.
    """
    if isinstance(X, (str, bytes, PurePath)) or is_texts(X) or _are_paths(X):
        raise TypeError(
            "Audio takes waveforms, and X holds texts. Read files first: [soundfile.read(name) for name in X], or "
            "[scipy.io.wavfile.read(name) for name in X]."
        )
    if isinstance(X, torch.Tensor):
        X = X.detach().cpu().numpy()
    if not isinstance(X, (list, tuple, np.ndarray)) and not hasattr(X, "__array__"):
        raise TypeError(f"Audio takes a list of waveforms, got {type(X).__name__}. Pass a list of arrays.")
    rows = X if isinstance(X, (list, tuple)) else np.asanyarray(X)
    if isinstance(rows, np.ndarray) and rows.dtype != object:
        if rows.ndim not in (2, 3):
            raise ValueError(
                f"Audio takes a list of waveforms or an array (n, n_samples), got shape {rows.shape}. "
                "For one waveform pass [X]."
            )
    elif len(rows) and all(isinstance(x, Real) for x in rows):
        raise ValueError("X is a list of numbers. For one waveform pass [np.array(X)].")
    if len(rows) == 0:
        raise ValueError("Found array with 0 sample(s): Audio needs at least one waveform.")
    return [_sound(x, i) for i, x in enumerate(rows)]


def _are_paths(X: Any) -> bool:
    listed = isinstance(X, (list, tuple)) or getattr(getattr(X, "dtype", None), "kind", "") == "O"
    return bool(listed and len(X) and isinstance(X[0], PurePath))


def _sound(x: Any, i: int) -> Sound:
    rate = None
    if isinstance(x, tuple) and len(x) == 2 and any(np.ndim(part) == 0 for part in x):
        x, rate = (x[1], x[0]) if np.ndim(x[0]) == 0 else x
        if not isinstance(rate, Integral) or isinstance(rate, bool):
            raise TypeError(f"The rate of waveform {i} must be an integer, got {rate!r:.60}.")
        rate = check_rate(int(rate), f"The rate of waveform {i}")
    if isinstance(x, torch.Tensor):
        x = x.detach().cpu().numpy()
    try:
        samples = np.asanyarray(x)
    except ValueError as error:
        raise ValueError(f"The channels of waveform {i} differ in length. Pad or cut them.") from error
    return Sound(_checked(samples, i), rate)


def _checked(samples: np.ndarray, i: int) -> np.ndarray:
    if samples.dtype.kind == "O" and samples.ndim == 1 and len(samples) and np.ndim(samples[0]) == 1:
        raise ValueError(f"The channels of waveform {i} differ in length. Pad or cut them.")
    if samples.dtype.kind != "f" and samples.dtype not in INTEGERS:
        # int64 is what numpy makes of a list: its numbers may be of any scale
        raise TypeError(
            f"Waveform {i} of X must hold real numbers, as int16, int32 or float, got {samples.dtype}. Cast integers "
            "to the type that the file has, or divide them, so that the loudest sound is at 1."
        )
    if samples.ndim not in (1, 2) or (samples.ndim == 2 and min(samples.shape) > 2):
        raise ValueError(
            f"Waveform {i} of X has shape {samples.shape}. Each must be (n_samples,), or have one or two channels."
        )
    if samples.size == 0:
        raise ValueError(f"Waveform {i} of X is empty. Leave it out.")
    if samples.dtype.kind == "f" and not np.isfinite(samples).all():
        raise ValueError(
            f"Waveform {i} of X contains NaN or infinity. Replace those samples, or leave it out."
        )
    if samples.dtype.kind == "f" and max(samples.max(), -samples.min()) > LOUDEST:
        raise ValueError(
            f"Waveform {i} of X has samples up to {max(samples.max(), -samples.min()):.3g}, whose powers overflow. "
            "Divide it, so that the loudest sound is at 1."
        )
    return samples


def check_rate(rate: int, what: str) -> int:
    """Return a rate, in samples per second, if it is one.

    Raises
    ------
    ValueError
        If it is too low or too high; `what` names it.
    """
    low, high = RATES
    if not low <= rate <= high:
        raise ValueError(f"{what} must be in samples per second, from {low} to {high}, got {rate}.")
    return rate


def common_rate(sounds: Sequence[Sound]) -> int:
    """Return the rate that all waveforms came with.

    Raises
    ------
    ValueError
        If some came without, or they differ.
    """
    rates = {sound.rate for sound in sounds}
    if None in rates:
        raise ValueError(
            "The rate of the waveforms is not known. Pass Audio(sample_rate=...), in samples per second, or pairs "
            "(rate, waveform) as rows."
        )
    if len(rates) > 1:
        raise ValueError(
            f"Waveforms have the rates {sorted(filter(None, rates))[:5]}. Pass Audio(sample_rate=...), the one that "
            "all are converted to."
        )
    return int(rates.pop())  # type: ignore[arg-type]  # None was refused


def n_samples(sound: Sound) -> int:
    """Return the length of a waveform as it was given, in samples."""
    return max(sound.samples.shape)


def lengths_at(sounds: Sequence[Sound], rate: int) -> np.ndarray:
    """Return the number of samples of ``waveform(sound, rate)`` of each sound, int64 ``(n,)``."""
    ratios = (_ratio(sound, rate) for sound in sounds)
    pairs = zip(sounds, ratios, strict=True)
    return np.array([-(-n_samples(sound) * r.numerator // r.denominator) for sound, r in pairs])


def _ratio(sound: Sound, rate: int) -> Fraction:
    return Fraction(rate, sound.rate or rate).limit_denominator(LARGEST_FACTOR)


def peak(sounds: Sequence[Sound]) -> float:
    """Return the largest sample of all waveforms, by its absolute value; that of integers is at most 1."""
    return max(
        float(max(abs(float(part.min())), abs(float(part.max())))) / _unit(part.dtype)
        for part in (sound.samples for sound in sounds)
    )


def read_again(X: Any, known: float) -> list[Sound]:
    """Return what :func:`read_sounds` does, and warn if X is on another scale than in fit, whose peak is `known`."""
    sounds = read_sounds(X)
    loudest = peak(sounds)
    if loudest and known and not 1 / OTHER_SCALE < loudest / known < OTHER_SCALE:
        warn(
            f"The largest sample of X is {loudest:.3g}, and that of fit was {known:.3g}. Are they on another "
            "scale, such as integers that were cast to float? Give X as in fit.",
            about="loudness",
        )
    return sounds


def _unit(dtype: np.dtype) -> float:
    """Return the number that full scale is stored as."""
    return 1.0 if dtype.kind == "f" else 2.0 ** (8 * dtype.itemsize - 1)


def waveform(sound: Sound, rate: int) -> np.ndarray:
    """Return a waveform of one channel at `rate`, float32 ``(n_samples,)``; integers become numbers from -1 to 1."""
    samples = sound.samples
    if samples.ndim == 2:
        samples = samples.mean(axis=0 if samples.shape[0] <= samples.shape[1] else 1, dtype=np.float64)
    kind = sound.samples.dtype
    wave = samples.astype(np.float64)
    if kind.kind == "u":  # WAV files of 8 bits
        wave -= _unit(kind)
    wave /= _unit(kind)
    ratio = _ratio(sound, rate)
    if ratio != 1:
        from scipy.signal import (
            resample_poly,
        )  # here: few need it, and it is slow to import

        wave = resample_poly(wave, ratio.numerator, ratio.denominator)
    return wave.astype(np.float32)
