"""Series as lines, one above the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._pictures import ink, mix

GAP = 1.1  # heights from one line to the next


def draw_series(
    ax: Any, parts: dict[str, list[np.ndarray]], starts: dict[str, list[int]], **plot_kwargs: Any
) -> list[Any]:
    """Draw series one above the other, each channel on a line of its own, and shade the holes of the first part.

    Parameters
    ----------
    ax : matplotlib Axes
    parts : dict of str to list of n ndarrays of shape (channels, time_i)
        What is drawn over each other, with NaN in holes.
    starts : dict of str to list of n ints
        The steps at which the series of each part begin.
    **plot_kwargs
        Passed to ``ax.plot``.

    Returns
    -------
    list of matplotlib Line2D
        One for each part.
    """
    first = next(iter(parts.values()))
    lines: dict[str, Any] = {}
    place = 0.0
    for i, series in enumerate(first):
        for channel in range(len(series)):
            shown = {name: rows[i][channel] for name, rows in parts.items()}
            known = np.concatenate([row[~np.isnan(row)] for row in shown.values()])
            low, height = known.min(), (known.max() - known.min()) or 1.0
            for number, (name, row) in enumerate(shown.items()):
                steps = starts[name][i] + np.arange(len(row))
                style = {"color": f"C{number}" if number else ink(ax), "linewidth": 1.0, **plot_kwargs}
                (lines[name],) = ax.plot(steps, place + (row - low) / height, **style)
            for start, stop in _holes(series[channel]):
                ax.fill_between([start - 0.5, stop - 0.5], place, place + 1, color=mix(ax, 0.15), linewidth=0)
            place -= GAP
    ax.set_xlabel("step")
    ax.set_yticks([])
    return [lines[name] for name in parts]


def _holes(row: np.ndarray) -> list[tuple[int, int]]:
    """Return where stretches of NaN begin and end (exclusive)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.isnan(row), [0]])))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
