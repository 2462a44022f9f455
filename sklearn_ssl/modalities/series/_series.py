"""Time series, of one length or of many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn

from ...encoders import Frames, Hidden, TemporalConvNet
from .._base import unknown_encoder
from .._constraints import real
from .._input import shape_of
from .._sequences import Positions, Sequences
from ._decoder import StepDecoder
from ._input import SeriesRows, as_frames, read_series
from ._positions import positions_of_steps
from ._scale import Moments, Scale, learn_scale, moments, scaled
from ._views import change_magnitude, change_spectrum, crop, hide_steps, jitter

CHUNK = 1024  # series whose moments are taken at once


@dataclass(kw_only=True, eq=False, repr=False)
class Series(Sequences):
    """Time series of one or more channels, of one length or of many.

    X is an array ``(n, channels, time)``, an array ``(n, time)``, or a list of arrays ``(channels, time_i)`` or
    ``(time_i,)``. NaN at the end of a series is padding. Other NaN are holes: the network is told that nothing
    is known there.
    """

    scale: str = "series"
    crop_scale: tuple[float, float] = (0.5, 1.0)
    jitter: float = 0.1
    magnitude: float = 0.1
    time_mask: float = 0.1
    frequency_noise: float = 0.1
    span: float = 0.1

    noun: ClassVar[str] = "series"
    usage: ClassVar[str] = "Series()"
    encoders: ClassVar[tuple[str, ...]] = ("convnet", "strided")
    batch_size: ClassVar[int] = 32

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "scale": [StrOptions({"series", "channel", "global"})],
        "crop_scale": [tuple, list],
        "jitter": [real(0, closed="left")],
        "magnitude": [real(0, closed="left")],
        "time_mask": [real(0, 1, closed="left")],
        "frequency_noise": [real(0, closed="left")],
        "span": [real(0, 1, closed="right")],
    }

    @classmethod
    def hint(cls, X: Any) -> str:
        """Return how to pass an array of two or three dimensions as series."""
        n_dims = len(shape_of(X))
        if n_dims == 3:
            return "For series (n, channels, time) pass modality=Series()."
        return "If each row is a series, pass modality=Series()." if n_dims == 2 else ""

    def fit_validate(self, X: Any) -> SeriesRows:
        """Learn the scale, and return X as a store of batches of :class:`~sklearn_ssl.encoders.Frames`."""
        self._validate_params()
        rows, lengths = read_series(X, self)
        self.n_channels_ = int(rows[0].shape[0])
        store = SeriesRows(rows, lengths, self._prepare)
        index = np.arange(len(store))
        parts = [moments(store.raw(index[i : i + CHUNK])) for i in range(0, len(index), CHUNK)]
        learned = learn_scale(Moments(*map(np.concatenate, zip(*parts, strict=True))), self.scale)
        self.mean_, self.scale_, self.usual_, self.centre_, self.width_ = learned
        self.longest_ = int(lengths.max())
        return store

    def validate(self, X: Any) -> SeriesRows:
        """Return X as a store of batches of :class:`~sklearn_ssl.encoders.Frames`."""
        rows, lengths = read_series(X, self)
        if rows[0].shape[0] != self.n_channels_:
            raise ValueError(
                f"X has {rows[0].shape[0]} channels, and fit saw {self.n_channels_}. Series are (n, channels, time)."
            )
        return SeriesRows(rows, lengths, self._prepare)

    def encoder(self, name: str, n_components: int | None, causal: bool = False) -> nn.Module:
        """Build dilated convolutions with a position per step (``"auto"``, ``"convnet"``), or one per four."""
        if name not in ("auto", *self.encoders):
            raise unknown_encoder(name, self)
        return TemporalConvNet(
            self.n_channels_,
            n_components,
            stride=4 if name == "strided" else 1,
            causal=causal,
            n_extras=2 * self.n_channels_ if self.scale == "series" else 0,
        )

    def view(self, x: Frames) -> Frames:
        """Return series with a random crop, noise, another magnitude, and hidden stretches."""
        low, high = self.crop_scale
        x = crop(x, (low, high))
        if self.frequency_noise:
            x = change_spectrum(x, self.frequency_noise)
        if self.magnitude:
            x = change_magnitude(x, self.magnitude)
        if self.jitter:
            x = jitter(x, self.jitter)
        if self.time_mask:
            x, _ = hide_steps(x, self.time_mask, self.span)
        # the scale of a series would tell which views belong together, and nothing be learned of its shape
        return x._replace(extras=torch.zeros_like(x.extras))

    def mask(self, x: Frames, rate: float) -> tuple[Frames, Tensor]:
        """Return the series with a share of their steps hidden, in stretches, and the mask ``(n, time)``."""
        return hide_steps(x, rate, self.span, least=3)

    def positions(self, x: Frames, hidden: Hidden) -> Positions:
        """Return the targets: the steps under each position, and which of their values are known."""
        return positions_of_steps(x, hidden)

    def position_decoder(self, encoder: nn.Module) -> StepDecoder:
        """Build a decoder of the steps under a position."""
        x = self.example()
        hidden = self.try_positions(encoder, x)
        return StepDecoder(self.position_width(encoder), self.positions(x, hidden).values.shape[2] // 2)

    def example(self) -> Frames:
        """Return a small synthetic batch."""
        values = torch.arange(32.0).sin()[None, :, None].repeat(2, 1, self.n_channels_)
        extras = torch.zeros(2, 2 * self.n_channels_ if self.scale == "series" else 0)
        return Frames(values, torch.ones_like(values, dtype=torch.bool), torch.tensor([32, 32]), extras)

    def change_end(self, x: Frames) -> Frames:
        """Return the series with another last step."""
        values = torch.cat([x.values[:, :-1], x.values[:, -1:] + 1], dim=1)
        return x._replace(values=values.masked_fill(~x.observed, 0))

    def _prepare(self, rows: np.ndarray, lengths: np.ndarray) -> Frames:
        scale = Scale(self.mean_, self.scale_, self.usual_, self.centre_, self.width_)
        values, known, extras = scaled(rows, scale, self.scale)
        return as_frames(values, known, lengths, extras)
