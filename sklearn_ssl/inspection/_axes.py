"""Axes to plot on, their legends, and names that fit into them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

LONGEST = 28  # characters of a name
PER_COLUMN = 15  # names in a column of a legend
_NARROWED: WeakKeyDictionary[Any, tuple[Any, Any]] = WeakKeyDictionary()  # places of axes, before and after


def pyplot() -> Any:
    """Return matplotlib.pyplot, or raise an error that says how to install it."""
    try:
        import matplotlib.pyplot
    except ImportError as error:
        raise ImportError(
            "Displays need matplotlib: pip install 'sklearn-ssl[plots]', or pip install matplotlib."
        ) from error
    return matplotlib.pyplot


def one_axes(ax: Any) -> Any:
    """Return `ax`, or the axes of a new figure if it is None."""
    return pyplot().subplots(layout="constrained")[1] if ax is None else ax


def legend_beside(
    ax: Any, handles: Sequence[Any], names: Sequence[str], title: str | None = None, gap: float = 0.1
) -> None:
    """Put a legend to the right of the axes, where it covers nothing.

    In a figure that makes no room by itself, the axes give up as much of their width as the legend needs.

    Parameters
    ----------
    ax : matplotlib Axes
    handles : sequence of matplotlib Artist
    names : sequence of str
        Long ones are cut.
    title : str or None
    gap : float
        Inches between the axes and the legend: room for the labels of a second axis.
    """
    from matplotlib.transforms import ScaledTranslation

    figure = ax.get_figure()
    legend = ax.legend(
        handles,
        [shortened(name) for name in names],
        title=title,
        ncols=1 + (len(names) - 1) // PER_COLUMN,
        loc="upper left",  # this corner of the legend is fixed beside the axes
        bbox_to_anchor=(1.0, 1.0),
        bbox_transform=ax.transAxes + ScaledTranslation(gap, 0, figure.dpi_scale_trans),
        borderaxespad=0.0,
        frameon=False,
    )
    for handle in legend.legend_handles:
        if hasattr(handle, "set_sizes"):
            handle.set_sizes([20])  # points may be too small to see
    if figure.get_layout_engine() is None:
        figure.draw_without_rendering()  # only then it is known how wide the legend is
        place = ax.get_position().bounds
        before, after = _NARROWED.get(ax, (place, place))
        x, y, full, height = before if place == after else place  # as it was before an earlier legend
        needed = legend.get_window_extent().width / figure.bbox.width + gap / figure.get_figwidth()
        ax.set_position((x, y, max(full / 4, full - needed), height))
        _NARROWED[ax] = (x, y, full, height), ax.get_position().bounds


def shortened(name: Any, longest: int = LONGEST) -> str:
    """Return a name of at most `longest` characters; the middle of a longer one is left out."""
    text = str(name)
    if len(text) <= longest:
        return text
    head = (longest - 1) * 2 // 3
    return f"{text[:head]}…{text[head + 1 - longest :]}"


def natural(name: Any) -> list[Any]:
    """Return a key that sorts names as people do: ``"class 10"`` comes after ``"class 9"``."""
    parts = re.split(r"(\d+)", str(name))
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
