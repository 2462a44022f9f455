"""The scale of series: of each one, of each channel, or one for all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

FLAT = 1e-10  # times the largest value: what varies less does so by rounding
LEAST = 1e-2  # times a channel's usual spread: a series that varies less is not magnified further
FEW_UNITS = 10.0  # where what is kept of a scale is clipped
FAR = 100.0  # units; values are clipped there, so that none overflows


class Moments(NamedTuple):
    """Mean and spread of the known values of each channel of each series.

    Attributes
    ----------
    level, spread : ndarray of shape (n, channels), float64
        The mean and the standard deviation; 0 where nothing is known.
    n_known : ndarray of shape (n, channels)
        Number of known values.
    """

    level: np.ndarray
    spread: np.ndarray
    n_known: np.ndarray


def moments(rows: np.ndarray) -> Moments:
    """Return the moments of series ``(n, channels, time)``, with NaN where nothing is known."""
    known = ~np.isnan(rows)
    count = known.sum(axis=2)
    n = np.maximum(count, 1)
    filled = np.where(known, rows, 0.0)
    largest = np.abs(filled).max(axis=2, initial=0.0)
    unit = np.where(largest > 0, largest, 1.0)  # squares of tiny and of huge numbers are none
    filled = filled / unit[..., None]
    level = filled.sum(axis=2) / n
    square = np.where(known, filled - level[..., None], 0.0) ** 2
    spread = np.sqrt(square.sum(axis=2) / n)
    return Moments(level * unit, np.where(spread > FLAT, spread, 0.0) * unit, count)


def pooled(parts: Moments, axis: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the standard deviation of all known values along axes of the moments, ``(channels,)``."""
    largest = np.maximum(np.abs(parts.level), parts.spread).max(axis=axis, keepdims=True)
    unit = np.where(largest > 0, largest, 1.0)
    n = np.maximum(parts.n_known.sum(axis=axis, keepdims=True), 1)
    level = (parts.level / unit * parts.n_known).sum(axis=axis, keepdims=True) / n
    square = (parts.spread / unit) ** 2 + (parts.level / unit - level) ** 2
    spread = np.sqrt((square * parts.n_known).sum(axis=axis, keepdims=True) / n)
    n_channels = parts.level.shape[1]
    level, spread = level * unit, np.where(spread > FLAT, spread, 0.0) * unit
    return np.broadcast_to(level, (1, n_channels))[0].copy(), np.broadcast_to(spread, (1, n_channels))[
        0
    ].copy()


class Scale(NamedTuple):
    """How series are scaled, as arrays that are saved.

    Attributes
    ----------
    mean, scale : ndarray of shape (channels,), float64
        Mean and standard deviation of each channel, or of all; a scale of 0 says that it is constant.
    usual : ndarray of shape (channels,), float64
        Usual standard deviation within a series, for a scale of each series.
    centre, width : ndarray of shape (2 * channels,), float64
        Mean and standard deviation of what is kept of the scales of series.
    """

    mean: np.ndarray
    scale: np.ndarray
    usual: np.ndarray
    centre: np.ndarray
    width: np.ndarray


def learn_scale(parts: Moments, kind: str) -> Scale:
    """Return how series with these moments are scaled: by ``"series"``, by ``"channel"`` or ``"global"``."""
    mean, scale = pooled(parts, (0, 1) if kind == "global" else (0,))
    largest = np.maximum(parts.spread.max(axis=0), np.finfo(float).tiny)
    usual = np.sqrt(((parts.spread / largest) ** 2).mean(axis=0)) * largest
    usual = np.where(usual > largest * FLAT, usual, 0.0)
    new = Scale(mean, scale, usual, np.zeros(2 * len(mean)), np.ones(2 * len(mean)))
    kept = _kept(parts, new)
    spread = kept.std(axis=0)
    return new._replace(centre=kept.mean(axis=0), width=np.where(spread > 1e-6, spread, 0.0))


def scaled(rows: np.ndarray, scale: Scale, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scale series ``(n, channels, time)``, with NaN where nothing is known.

    Returns
    -------
    values : ndarray of the same shape
        0 in channels that were constant in ``fit``.
    known : ndarray of bool of the same shape
    extras : ndarray of shape (n, n_extras)
        What is kept of the scale that each series had, standardised; nothing if all have the same scale.
    """
    known = ~np.isnan(rows)
    if kind != "series":
        unit = np.where(scale.scale > 0, scale.scale, np.inf)[:, None]
        values = (np.where(known, rows, 0.0) - scale.mean[:, None]) / unit
        return np.clip(values, -FAR, FAR), known, np.zeros((len(rows), 0))
    parts = moments(rows)
    unit = np.where(scale.usual > 0, np.maximum(parts.spread, LEAST * scale.usual), np.inf)
    values = (np.where(known, rows, 0.0) - parts.level[..., None]) / unit[..., None]
    width = np.where(scale.width > 0, scale.width, np.inf)
    extras = np.where(np.tile(parts.n_known > 0, 2), (_kept(parts, scale) - scale.centre) / width, 0.0)
    return np.clip(values, -FAR, FAR), known, np.clip(extras, -FEW_UNITS, FEW_UNITS)


def restored(values: np.ndarray, extras: np.ndarray, scale: Scale, kind: str) -> np.ndarray:
    """Undo `scaled`: return series in the units of X, ``(n, channels, time)``."""
    if kind != "series":
        return values * scale.scale[:, None] + scale.mean[:, None]
    level, log_spread = np.split(extras * scale.width + scale.centre, 2, axis=1)
    level = level * np.where(scale.scale > 0, scale.scale, 1.0) + scale.mean
    return values * (np.exp(log_spread) * scale.usual)[..., None] + level[..., None]


def in_units(values: np.ndarray, rows: np.ndarray, scale: Scale, kind: str) -> np.ndarray:
    """Return scaled values ``(n, channels, steps)`` in the units of the series that they belong to."""
    if kind != "series":
        return values * scale.scale[:, None] + scale.mean[:, None]
    parts = moments(rows)
    unit = np.where(scale.usual > 0, np.maximum(parts.spread, LEAST * scale.usual), 0.0)
    return values * unit[..., None] + parts.level[..., None]


def _kept(parts: Moments, scale: Scale) -> np.ndarray:
    """Return the level of each series, in standard deviations of its channel, and the logarithm of its spread."""
    level = (parts.level - scale.mean) / np.where(scale.scale > 0, scale.scale, 1.0)
    level = np.where(scale.scale > 0, level, 0.0)
    usual = np.where(scale.usual > 0, scale.usual, 1.0)
    ratio = np.where(scale.usual > 0, np.maximum(parts.spread / usual, LEAST), 1.0)
    return np.concatenate([level, np.log(ratio)], axis=1)
