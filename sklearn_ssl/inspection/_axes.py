"""Axes to draw on."""

from __future__ import annotations

from typing import Any


def pyplot() -> Any:
    """Return matplotlib.pyplot, or say how to get it."""
    try:
        import matplotlib.pyplot
    except ImportError as error:
        raise ImportError(
            "Displays need matplotlib: pip install 'sklearn-ssl[plots]', or pip install matplotlib."
        ) from error
    return matplotlib.pyplot


def one_axes(ax: Any) -> Any:
    """Return `ax`, or new axes of a figure of their own."""
    return pyplot().subplots(layout="constrained")[1] if ax is None else ax
