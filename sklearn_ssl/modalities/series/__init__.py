"""Time series: how they are read and scaled, their views and decoders."""

from ._decoder import StepDecoder
from ._positions import positions_of_steps
from ._series import Series
from ._views import crop, hide_steps

__all__ = ["Series", "StepDecoder", "crop", "hide_steps", "positions_of_steps"]
