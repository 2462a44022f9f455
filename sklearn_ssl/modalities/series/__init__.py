"""Time series: how they are read and scaled, their views and decoders."""

from ._decoder import SeriesDecoder, StepDecoder
from ._input import series_of
from ._of_frames import FrameSequences
from ._segments import swap_segments
from ._series import Series
from ._views import crop, hide_steps, jitter

__all__ = [
    "FrameSequences",
    "Series",
    "SeriesDecoder",
    "StepDecoder",
    "crop",
    "hide_steps",
    "jitter",
    "series_of",
    "swap_segments",
]
