"""Whether images have intensities like those that fit saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from ..warning import warn
from ._fitted import refuse

SAMPLE = 16  # images that are looked at
NARROW = 0.1  # share of the spread of fit: 0 to 1 after 0 to 16 has less
NARROW_ALONE = 0.02  # for a single image, which may have little contrast
FAR = 10.0  # standard deviations; in fit at most one in a hundred values was beyond
SHARE = 0.05
MOVED = 0.5  # standard deviations from the mean of fit, which images that are scaled to -1 to 1 exceed
MANY = 256  # images of fit that are looked at


def white_of(low: float, high: float) -> float | None:
    """Return the intensity that stands for white, judging by the range in fit; None below zero.

    It is 1 or 255, if the brightest pixel comes near; else it is the brightest pixel, as for 0 to 16.
    """
    if low < 0:
        return None
    return next((white for white in (1.0, 255.0) if white / 2 < high <= white), float(high) or 1.0)


def fit_intensities(parts: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray, float | None]:
    """Return mean and scale of each channel, and what stands for white, of images ``(n, h, w, c)`` in parts."""
    scaler, low, high = StandardScaler(), np.inf, -np.inf
    for pixels in parts:
        scaler.partial_fit(pixels.reshape(-1, pixels.shape[-1]).astype(np.float64))
        low, high = min(low, pixels.min()), max(high, pixels.max())
    return scaler.mean_, scaler.scale_, white_of(low, high)


def check_white(modality: Any) -> None:
    """Raise a ValueError if what stands for white is no positive number or None; earlier versions had none."""
    white = getattr(modality, "white_", None)
    if white is not None and not (isinstance(white, float) and 0 < white < np.inf):
        refuse(modality, "white_", f"must be a positive number or None, and is {white!r:.60}")


def doubt_mixture(array: np.ndarray, white: float | None) -> None:
    """Warn if some images of fit are on a scale of 0 to 1 among others of 0 to 255, such as those of a pool."""
    if white != 255 or array.dtype.kind != "f":
        return
    rows = array[np.unique(np.linspace(0, len(array) - 1, MANY).astype(int))].reshape(-1, array[0].size)
    small = (rows.max(axis=1) <= 1) & (rows != np.rint(rows)).any(axis=1)
    if small.mean() > SHARE:
        warn(
            f"The intensities of {small.mean():.0%} of the images are from 0 to 1, and others reach {rows.max():.3g}. "
            "The former look nearly alike. Scale all in the same way, those of X_unlabeled too: for example, divide "
            "all by 255 or none.",
            about="intensities from 0 to 1",
        )


def doubt_range(
    array: np.ndarray,
    channels_last: Callable[[np.ndarray], np.ndarray],
    mean: np.ndarray,
    scale: np.ndarray,
    white: float | None = None,
) -> None:
    """Warn if images were scaled otherwise than those of fit, such as 0 to 1 after 0 to 255.

    Parameters
    ----------
    array : ndarray of shape (n, ...)
        Images as the user passes them.
    channels_last : callable
        Maps rows of it to images ``(n, h, w, c)``.
    mean, scale : ndarray of shape (c,)
        Of the intensities in fit.
    white : float, optional
        What stands for white. If given, no intensity was below zero in fit.

    Warns
    -----
    UserWarning
        If nearly all values lie in a small part of the range of fit, or many far outside, or below zero where none did
        in fit and with another mean. Images without any contrast, such as black ones, are no sign of it.
    """
    rows = np.unique(np.linspace(0, len(array) - 1, SAMPLE).astype(int))
    pixels = np.asarray(channels_last(array[rows]), dtype=np.float64)
    varied = scale != 1  # the scale of a channel that was constant in fit
    varied = varied if varied.any() else np.ones_like(varied)
    with np.errstate(over="ignore", invalid="ignore"):
        z = ((pixels - mean) / scale)[..., varied]
        spread = z.reshape(-1, z.shape[-1]).std(axis=0).max()
        contrast = np.ptp(z.reshape(-1, z.shape[-1]), axis=0).max()
    if not contrast > 1e-9 * np.abs(z).max():
        return
    narrow = spread < (NARROW if len(rows) > 1 else NARROW_ALONE)
    # noise goes below zero too, but leaves the mean where it was
    moved = np.abs(z.mean()) > MOVED
    below = white is not None and moved and (pixels < 0).mean() > SHARE
    if narrow or below or (np.abs(z) > FAR).mean() > SHARE:
        where = "Many are below 0, and none was in fit" if below and not narrow else "They lie far outside"
        low, high = pixels.min(), pixels.max()
        warn(
            f"The intensities of X, {low:.3g} to {high:.3g}, are not on the scale of fit, whose mean was "
            f"{mean.mean():.3g} and standard deviation {scale.mean():.3g}. "
            f"{'All images look nearly alike' if narrow else where}. Scale X as the images of fit: "
            "for example, do not divide by 255 here only.",
            about="intensities on another scale",
        )
