"""Sound: how waveforms are read and turned into spectrograms, and their views."""

from ._audio import Audio

__all__ = ["Audio"]
