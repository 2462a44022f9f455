"""Time series: how they are read and scaled, their views and decoders."""

from ._series import Series

__all__ = ["Series"]
