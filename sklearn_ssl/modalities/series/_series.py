"""Time series, of one length or of many."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils import InputTags
from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn

from ...encoders import Frames, TemporalConvNet
from .._base import unknown_encoder, unknown_target
from .._constraints import check_crop_scale, real
from .._fitted import array, refuse, whole
from .._input import shape_of
from ._decoder import SeriesDecoder
from ._forecast import append, recent
from ._input import SeriesRows, are_series, as_frames, doubt_sound, example_series, in_parts, read_series
from ._lags import LinearForecast, number_of_lags
from ._of_frames import FrameSequences
from ._preparation import SeriesPreparation
from ._scale import Scale, in_units, learn_scale, restored, scaled
from ._segments import swap_segments
from ._views import change_magnitude, change_spectrum, crop, hide_steps, jitter

SCALE_ARRAYS = ("mean_", "scale_", "usual_", "centre_", "width_")
LEAST_SPAN = 3  # steps of a stretch that is predicted: less could be told from its neighbours
DEPTH, DEEPEST = 6, 10  # layers of an encoder
STRIDE = 4  # steps that a position of the strided encoder stands for
STEPS = 4096  # of a batch, about: a step of training costs little less for fewer


def causal_depth(n_positions: int) -> int:
    """Return how many layers let the last position see the first, of so many; at least 6, and at most 10.

    What predicts the next steps must see a whole season. Each layer, of three positions, reaches twice as far as the
    one before.
    """
    return min(DEEPEST, max(DEPTH, math.ceil(math.log2(n_positions / 2 + 1))))


@dataclass(kw_only=True, eq=False, repr=False)
class Series(FrameSequences):
    """Time series of one or more channels, of one length or of many.

    X is an array ``(n, channels, time)``, as in aeon, an array ``(n, time)``, or a list of arrays
    ``(channels, time_i)`` or ``(time_i,)``. NaN at the end of a series is padding. Other NaN are holes: the
    network is told that nothing is known there. The encoder ``"convnet"``, which ``"auto"`` takes, has dilated
    convolutions with a position per step; that of ``"strided"`` has one per four steps, for long series. Methods that
    predict what comes next look back as far as the longest series of ``fit``, or 2,046 positions.

    Other containers take one line:

    - ``(n, time, channels)``, as in tslearn: ``X.transpose(0, 2, 1)``.
    - A DataFrame with one row per value: ``[g.sort_values("time")["value"].to_numpy() for _, g in df.groupby("id")]``,
      or ``g[["a", "b"]].to_numpy().T`` for several channels.
    - A nested DataFrame of sktime: ``[np.stack([c.to_numpy() for c in row]) for row in df.to_numpy()]``.

    Parameters
    ----------
    scale : {"channel", "series", "global"}, default="channel"
        What shares a mean and a standard deviation, to which values are scaled: a ``"channel"`` of all series,
        each channel of each ``"series"``, or all values. Where only shapes matter, as with sensors that drift,
        ``"series"`` may be better. The level and spread that each series had are then features of their own.
    crop_scale : tuple (smallest, largest), default=(0.5, 1.0)
        Range of the share of a series that a random crop keeps, within (0, 1]; for views.
    jitter : float, default=0.1
        Standard deviation of the noise of a view, in units of the scaled series.
    magnitude : float, default=0.1
        Standard deviation of the random factor of each channel of a view.
    time_mask : float, default=0.1
        Share of the steps of a view that are hidden, in stretches; in [0, 1).
    frequency_noise : float, default=0.1
        Standard deviation of the random factor of each frequency of a view.
    span : float, default=0.1
        Length of a hidden stretch, as a share of the series; in (0, 1]. For views and for `MaskedPretrainer`.

    Attributes
    ----------
    n_channels_ : int
        Number of channels.
    longest_ : int
        Length of the longest series of ``fit``.
    reach_ : int
        Number of steps that an encoder which predicts should look back. Series that were saved by an earlier version
        have none: their encoders look back 127 steps.
    n_lags_ : int
        Number of steps before the last one that a forecast is linear in; 0 if series are too short for it. Series that
        were saved by an earlier version have none: their forecasts are those of a network.
    ragged_ : bool
        Whether the series of ``fit`` differ in length.
    layout_ : str
        ``"flat"`` if X has no axis of channels, else ``"channels"``.
    container_ : str
        ``"list"`` if X is a list of arrays that differ in shape, else ``"array"``.
    mean_, scale_ : ndarray of shape (n_channels_,), float64
        Mean and standard deviation of each channel, or of all; a scale of 0 says that a channel is constant.
    usual_ : ndarray of shape (n_channels_,), float64
        Usual standard deviation of a channel within a series.
    centre_, width_ : ndarray of shape (2 * n_channels_,), float64
        Mean and standard deviation of the levels and the logarithms of the spreads of series.

    References
    ----------
    .. [1] J.-Y. Franceschi, A. Dieuleveut, M. Jaggi. "Unsupervised Scalable Representation Learning for
       Multivariate Time Series." NeurIPS 2019. https://arxiv.org/abs/1901.10738

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.modalities import Series
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(2, length)) for length in rng.integers(5, 20, size=30)]
    >>> ssl = ContrastivePretrainer(modality=Series(), n_components=16, max_epochs=2, random_state=0)
    >>> ssl.fit_transform(X).shape
    (30, 16)
    >>> [h.shape for h in ssl.transform_steps(X[:2])] == [(x.shape[1], 64) for x in X[:2]]
    True
    """

    scale: str = "channel"
    crop_scale: tuple[float, float] = (0.5, 1.0)
    jitter: float = 0.1
    magnitude: float = 0.1
    time_mask: float = 0.1
    frequency_noise: float = 0.1
    span: float = 0.1

    noun: ClassVar[str] = "series"
    advice: ClassVar[str] = (
        "Pass an array of numbers (n, channels, time), or a list of arrays (channels, time_i)."
    )
    usage: ClassVar[str] = "Series()"
    encoders: ClassVar[tuple[str, ...]] = ("convnet", "strided")
    can_forecast: ClassVar[bool] = True
    steps_ahead: ClassVar[int] = 24

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "scale": [StrOptions({"series", "channel", "global"})],
        "crop_scale": [tuple, list],
        "jitter": [real(0, closed="left")],
        "magnitude": [real(0, closed="left")],
        "time_mask": [real(0, 1, closed="left")],
        "frequency_noise": [real(0, closed="left")],
        "span": [real(0, 1, closed="right")],
    }

    @property
    def batch_size(self) -> int:  # type: ignore[override]  # here it follows what fit saw
        """Rows per batch, where the estimator leaves it to the modality: more of short series."""
        return min(256, max(32, STEPS // getattr(self, "longest_", STEPS)))

    @classmethod
    def accepts(cls, X: Any) -> bool:
        """Return whether X is a list of arrays ``(time_i,)``, or ``(channels, time_i)`` of several lengths."""
        return are_series(X)

    @classmethod
    def hint(cls, X: Any) -> str:
        """Return how to pass an array of two or three dimensions as series."""
        n_dims = len(shape_of(X))
        if n_dims == 3:
            return "For series (n, channels, time) pass modality=Series()."
        return "If each row is a series, pass modality=Series()." if n_dims == 2 else ""

    @classmethod
    def doubt(cls, X: Any) -> None:
        """Warn if X looks like sound."""
        doubt_sound(X)

    def input_tags(self) -> InputTags:
        """Return scikit-learn's tags: X has three dimensions or is a list, and NaN is allowed."""
        return InputTags(two_d_array=False, three_d_array=True, allow_nan=True)

    def example_rows(self) -> np.ndarray:
        """Return synthetic series: waves of two kinds, ``(120, 1, 24)``."""
        return example_series()

    def fit_validate(self, X: Any) -> SeriesRows:
        """Learn the scale, and return X as a store of batches of :class:`~sklearn_ssl.encoders.Frames`.

        Parameters
        ----------
        X : array of shape (n, channels, time) or (n, time), or list of arrays (channels, time_i) or (time_i,)

        Raises
        ------
        ValueError, TypeError
            If X is anything else, a series has no step, or a parameter is invalid.
        """
        self._validate_params()
        check_crop_scale(self.crop_scale)
        read = read_series(X, self, least=2)
        self.n_channels_ = int(read.rows[0].shape[0])
        self.longest_ = self.reach_ = int(read.lengths.max())
        self.n_lags_ = number_of_lags(self.longest_, self.steps_ahead)
        self.ragged_ = bool((read.lengths != self.longest_).any())
        self.layout_ = "flat" if read.flat else "channels"
        self.container_ = "array" if isinstance(read.rows, np.ndarray) else "list"
        store = SeriesRows(read, self._prepare, self._in_units)
        learned = learn_scale(in_parts(store), self.scale)
        for name, value in zip(SCALE_ARRAYS, learned, strict=True):
            setattr(self, name, value)
        return store

    def validate(self, X: Any) -> SeriesRows:
        """Return X as a store of batches of :class:`~sklearn_ssl.encoders.Frames`."""
        read = read_series(X, self)
        n_channels = read.rows[0].shape[0]
        if n_channels != self.n_channels_:
            raise ValueError(
                f"X has {n_channels} channels, and fit saw {self.n_channels_}. Pass series of the same channels, "
                "(n, channels, time)."
            )
        return SeriesRows(read, self._prepare, self._in_units)

    def preparation(self) -> SeriesPreparation:
        """Return the scaling of series as a module, which takes arrays, padded with NaN.

        They have the length that all series of `fit` had, or any length if those differed.
        """
        n_steps = None if self.ragged_ else self.longest_
        return SeriesPreparation(self._learned(), self.scale, self.layout_ == "flat", n_steps)

    def check_fitted(self) -> None:
        """Raise a ValueError if fitted attributes do not go with each other."""
        check_crop_scale(self.crop_scale)
        n = whole(self, "n_channels_", 1)
        longest = whole(self, "longest_", 1)
        if getattr(self, "reach_", longest) != longest:
            refuse(self, "reach_", f"is {self.reach_!r:.60}, with longest_={longest}")
        n_lags = number_of_lags(longest, self.steps_ahead)
        if getattr(self, "n_lags_", n_lags) != n_lags:
            refuse(self, "n_lags_", f"is {self.n_lags_!r:.60}, with longest_={longest}")
        if not isinstance(self.ragged_, bool):
            refuse(self, "ragged_", f"must be True or False, and is {self.ragged_!r:.60}")
        for name, known in (("layout_", ("flat", "channels")), ("container_", ("array", "list"))):
            if getattr(self, name) not in known:
                refuse(self, name, f"is {getattr(self, name)!r:.60}")
        if self.layout_ == "flat" and n != 1:
            refuse(self, "n_channels_", f"is {n}, of series without channels")
        for name, size in zip(SCALE_ARRAYS, (n, n, n, 2 * n, 2 * n), strict=True):
            array(self, name, "f", (size,), low=-np.inf if name in ("mean_", "centre_") else 0.0)

    def encoder(self, name: str, n_components: int | None, causal: bool = False) -> nn.Module:
        """Build dilated convolutions with a position per step (``"auto"``, ``"convnet"``), or one per four."""
        if name not in ("auto", *self.encoders):
            raise unknown_encoder(name, self)
        stride = STRIDE if name == "strided" else 1
        longest = getattr(self, "reach_", 1) if causal else 1
        return TemporalConvNet(
            self.n_channels_,
            n_components,
            depth=causal_depth(-(-longest // stride)),
            stride=stride,
            causal=causal,
            n_extras=self._n_extras,
        )

    def view(self, x: Frames) -> Frames:
        """Return series with a random crop, noise, another magnitude, and hidden stretches."""
        low, high = self.crop_scale
        x = change_spectrum(crop(x, (low, high)), self.frequency_noise)
        x = jitter(change_magnitude(x, self.magnitude), self.jitter)
        x, _ = hide_steps(x, self.time_mask, self.span)
        # the scale of a series would tell which views belong together, and nothing be learned of its shape
        return x._replace(extras=torch.zeros_like(x.extras))

    def mask(self, x: Frames, rate: float) -> tuple[Frames, Tensor]:
        """Return the series with a share of their steps hidden, in stretches, and the mask ``(n, time)``."""
        return hide_steps(x, rate, self.span, least=LEAST_SPAN)

    def noisy(self, x: Frames, strength: float) -> Frames:
        """Add Gaussian noise of a standard deviation of `strength` to known values."""
        return jitter(x, strength)

    def decoder(self, n_components: int, target: str = "value", linear: bool = False) -> SeriesDecoder:
        """Build a convolutional network that maps features to series, with their scale and length."""
        if target != "value":
            raise unknown_target(target, ("value",), self)
        shape = (self.n_channels_, self.longest_, self._n_extras)
        return SeriesDecoder(n_components, *shape, ragged=self.ragged_, linear=linear)

    def permute_segments(self, x: Frames) -> tuple[Frames, Tensor, Tensor]:
        """Cut each series in two, with a hidden gap between the parts, and swap those of a random half."""
        return swap_segments(x)

    def example(self) -> Frames:
        """Return a small synthetic batch."""
        values = torch.arange(32.0).sin()[None, :, None].repeat(2, 1, self.n_channels_)
        known = torch.ones_like(values, dtype=torch.bool)
        return Frames(values, known, torch.tensor([32, 32]), torch.zeros(2, self._n_extras))

    def recent(self, x: Frames, stride: int) -> Frames:
        """Return the end of each series, no longer than the longest of ``fit``, in whole positions of an encoder."""
        return recent(x, stride, self.longest_)

    def linear_forecast(self, stride: int) -> LinearForecast | None:
        """Build what forecasts by regression, beside a network of `stride` steps a position, if series are long."""
        n_ahead = self.steps_ahead * stride
        n_lags = number_of_lags(self.longest_, n_ahead) if hasattr(self, "n_lags_") else 0
        return LinearForecast(n_lags, n_ahead) if n_lags else None

    def append(self, x: Frames, values: Tensor) -> Frames:
        """Return the series with further steps `values`, ``(n, steps, channels)``, after the end of each."""
        return append(x, values)

    def restore(self, x: Frames) -> np.ndarray:
        """Return float64 series in the units of X, ``(n, channels, time)`` or ``(n, time)``, padded with NaN."""
        values = x.values.cpu().double().numpy().transpose(0, 2, 1)
        rows = restored(values, x.extras.cpu().double().numpy(), self._learned(), self.scale)
        rows = np.where(x.present().cpu().numpy()[:, None], rows, np.nan)
        return rows[:, 0] if self.layout_ == "flat" else rows

    def give_back(self, rows: np.ndarray, container: str | None) -> Any:
        """Return restored series as a list without padding, if fit saw a list; else as they are."""
        if self.container_ == "array" or container is not None:
            return rows
        known = ~np.isnan(rows)
        lengths = (known if rows.ndim == 2 else known.any(axis=1)).sum(axis=1)
        return [row[..., :length] for row, length in zip(rows, lengths, strict=True)]

    @property
    def _n_extras(self) -> int:
        return 2 * self.n_channels_ if self.scale == "series" else 0

    def _learned(self) -> Scale:
        return Scale(*(getattr(self, name) for name in SCALE_ARRAYS))

    def _prepare(self, rows: np.ndarray, lengths: np.ndarray) -> Frames:
        values, known, extras = scaled(rows, self._learned(), self.scale)
        return as_frames(values, known, lengths, extras)

    def _in_units(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return in_units(values, rows, self._learned(), self.scale)
