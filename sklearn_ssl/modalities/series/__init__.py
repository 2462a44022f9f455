"""Time series: how they are read and scaled, their views and decoders."""

from ._decoder import SeriesDecoder, StepDecoder
from ._input import series_of
from ._positions import positions_of_steps
from ._segments import swap_segments
from ._series import Series
from ._views import crop, hide_steps, jitter

__all__ = [
    "Series",
    "SeriesDecoder",
    "StepDecoder",
    "crop",
    "hide_steps",
    "jitter",
    "positions_of_steps",
    "series_of",
    "swap_segments",
]
