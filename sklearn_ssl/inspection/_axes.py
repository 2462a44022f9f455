"""Axes to plot on."""

from __future__ import annotations

from typing import Any


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
