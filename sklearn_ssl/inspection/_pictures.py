"""Images and sounds as matplotlib draws them, and colours that go with its style."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..modalities import Image


def ink(ax: Any) -> Any:
    """Return the colour of the axes' labels: black on white, white in a dark style."""
    return ax.xaxis.label.get_color()


def mix(ax: Any, share: float) -> tuple[float, float, float]:
    """Return a colour between that of the background (0) and that of labels (1)."""
    from matplotlib.colors import to_rgb

    back, front = np.array(to_rgb(ax.get_facecolor())), np.array(to_rgb(ink(ax)))
    red, green, blue = back + share * (front - back)
    return float(red), float(green), float(blue)


def framed(images: np.ndarray, ax: Any) -> np.ndarray:
    """Return images ``(n, h, w)`` or ``(n, h, w, 3)`` with a margin of one pixel, in the colour of the background."""
    if images.ndim == 3:
        return np.pad(images, [(0, 0), (1, 1), (1, 1)], constant_values=np.nan)  # nothing is drawn there
    n, height, width, _ = images.shape
    out = np.broadcast_to(mix(ax, 0.0), (n, height + 2, width + 2, 3)).copy()
    out[:, 1:-1, 1:-1] = images
    return out


def strips(parts: dict[str, list[np.ndarray]]) -> dict[str, np.ndarray]:
    """Return spectrograms ``(time_i, bands)`` as arrays ``(n, bands, time)``, high bands first, NaN after the ends."""
    longest = max(len(row) for rows in parts.values() for row in rows)
    ends = [(0, 0), (0, longest)]
    return {
        name: np.stack([np.pad(row.T[::-1], ends, constant_values=np.nan)[:, :longest] for row in rows])
        for name, rows in parts.items()
    }


def pictures(rows: np.ndarray, modality: Image) -> np.ndarray:
    """Return images as ``(n, h, w)``, or as ``(n, h, w, 3)`` if they have colours."""
    images = modality.channels_last(rows)
    if images.shape[-1] in (3, 4):
        return images[..., :3]
    return images.mean(-1)
