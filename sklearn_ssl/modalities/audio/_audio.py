"""Sound, as log-mel spectrograms of waveforms of any length, or as these waveforms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn

from ...encoders import Frames, SpectrogramConvNet, TemporalConvNet, WaveformConvNet
from ...training import resident
from .._base import unknown_encoder, unknown_target
from .._constraints import check_crop_scale, count, real
from .._fitted import array, refuse, whole
from .._input import shape_of
from ..series import FrameSequences, SeriesDecoder, crop, hide_steps, jitter, swap_segments
from ._input import RATES, check_rate, common_rate, lengths_at, peak, read_again, read_sounds
from ._mel import edges, frame_sizes, log_mel, n_frames
from ._store import SoundRows, level_of, moments_of, rows_of
from ._views import hide_bands, view_of_spectrograms
from ._waves import folded, step_of, view_of_waves, windows_of

STRIDE = 4  # frames that a position of the default encoder stands for
SPAN, LARGEST_SPAN = 0.15, 0.25  # of a stretch that is hidden: seconds, and share of a sound
LONGEST = 512  # frames of a sound that are decoded
LEAST_SCALE = 0.1  # nats: the spread of a band that hardly varies, as in silence
LEAST_LEVEL = 1e-6  # of silence
LOUDEST_SAMPLE = 100.0  # times the level beyond which samples are cut off


@dataclass(kw_only=True, eq=False, repr=False)
class Audio(FrameSequences):
    """Sound: waveforms of any length, as log-mel spectrograms or as they are.

    X is a list of waveforms. Each is an array ``(n_samples,)`` of any length, or of one or two channels in
    either order, whose mean is taken. Integers are read as samples of a WAV file: those of int16 are divided by
    32,768. An array ``(n, n_samples)`` holds waveforms of one length. Waveforms of other rates are given as pairs
    ``(rate, waveform)``, as ``scipy.io.wavfile.read`` returns them, or ``(waveform, rate)``, as ``soundfile.read``
    does, and converted to `sample_rate`. Files are read first: ``[soundfile.read(name) for name in names]``.

    Networks see frames: the logarithm of the power in each band of each short window, scaled by the mean and the
    spread that the band has in ``fit``. All views and masks are drawn on frames. Frames of up to half a gigabyte
    are computed once; above that, those of each batch when it is needed, so that memory does not grow with X. By
    default, contrastive and siamese learning have a :class:`~sklearn_ssl.encoders.SpectrogramConvNet`, and all others a
    :class:`~sklearn_ssl.encoders.TemporalConvNet` (``encoder="strided"``).
    Autoencoders reconstruct spectrograms, of up to 512 frames: ``inverse_transform`` returns them as a list of arrays
    ``(n_frames, n_bands)``, since no waveform can be had from them.

    With ``front_end="waveform"`` networks see samples, and learn a bank of filters, which begin as those of the bands.
    Views and masks are those of waveforms. What is hidden, or comes next, is still predicted as a spectrogram.

    Parameters
    ----------
    sample_rate : int or None, default=None
        Samples per second, of waveforms that come without a rate, and what all others are converted to. None takes
        the rate that all rows come with.
    front_end : {"log-mel", "waveform"}, default="log-mel"
        What networks see: spectrograms, or samples, in steps of about `hop` seconds.
    n_bands : int, default=64
        Number of bands, evenly spaced in mel from 60 Hz to half of the rate.
    window : float, default=0.025
        Length of a frame in seconds.
    hop : float, default=0.01
        Time from one frame to the next in seconds.
    crop_scale : tuple (smallest, largest), default=(0.5, 1.0)
        Range of the share of a sound that a random crop keeps, within (0, 1]; for views.
    stretch : float, default=1.2
        Largest factor by which views are stretched in time, at least 1; its inverse is the smallest. A waveform is
        played faster or slower, which changes its pitch too.
    pitch : float, default=0.1
        Share of the bands by which views move the lowest and the highest band, at most. Not used on waveforms.
    gain : float, default=6.0
        Decibels by which views are louder or softer at their start and at their end, at most.
    mixing : float, default=0.4
        Largest share of another sound of the batch in a view, in [0, 1); as in BYOL-A [1]_.
    noise : float or None, default=10.0
        Lowest ratio of signal to noise in a view, in decibels; None adds no noise.
    time_mask : float, default=0.1
        Share of the frames of a view that is hidden, in stretches of 0.15 seconds, or a quarter of a
        short sound [2]_.
    band_mask : float, default=0.2
        Largest share of the bands of a view that is hidden [2]_. Not used on waveforms.

    Attributes
    ----------
    sample_rate_ : int
        Samples per second of the waveforms that frames are computed from.
    peak_ : float
        Largest sample, by its absolute value.
    longest_ : int
        Number of frames of the longest sound of ``fit``.
    ragged_ : bool
        Whether the sounds of ``fit`` differ in their number of frames.
    mean_, scale_ : ndarray of shape (n_bands,)
        Mean and standard deviation of each band, over all frames; of the natural logarithm of power.
    level_ : float
        Root of the mean square of all samples. Only set with ``front_end="waveform"``.
    spread_ : bool
        True: networks pool the spread over positions. Folders saved by earlier versions have none.

    References
    ----------
    .. [1] D. Niizumi, D. Takeuchi, Y. Ohishi, N. Harada, K. Kashino. "BYOL for Audio: Self-Supervised Learning for
       General-Purpose Audio Representation." IJCNN 2021. https://arxiv.org/abs/2103.06695
    .. [2] D. S. Park et al. "SpecAugment: A Simple Data Augmentation Method for Automatic Speech Recognition."
       Interspeech 2019. https://arxiv.org/abs/1904.08779

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.modalities import Audio
    >>> X = [np.sin(np.arange(800 + 80 * i) * (0.1 + 0.02 * i)) for i in range(20)]  # tones of 0.1 to 0.3 seconds
    >>> ssl = ContrastivePretrainer(modality=Audio(sample_rate=8000), n_components=8, max_epochs=2, random_state=0)
    >>> ssl.fit_transform(X).shape
    (20, 8)
    """

    sample_rate: int | None = None
    front_end: str = "log-mel"
    n_bands: int = 64
    window: float = 0.025
    hop: float = 0.01
    crop_scale: tuple[float, float] = (0.5, 1.0)
    stretch: float = 1.2
    pitch: float = 0.1
    gain: float = 6.0
    mixing: float = 0.4
    noise: float | None = 10.0
    time_mask: float = 0.1
    band_mask: float = 0.2

    noun: ClassVar[str] = "sounds"
    usage: ClassVar[str] = "Audio(sample_rate=16000)"
    encoders: ClassVar[tuple[str, ...]] = ("strided", "convnet", "spectrogram")
    batch_size: ClassVar[int] = 32

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "sample_rate": [count(1), None],
        "front_end": [StrOptions({"log-mel", "waveform"})],
        "n_bands": [count(2, 512)],
        "window": [real(0, 1, closed="right")],
        "hop": [real(0, 1, closed="right")],
        "crop_scale": [tuple, list],
        "stretch": [real(1, closed="left")],
        "pitch": [real(0, 0.5, closed="left")],
        "gain": [real(0, closed="left")],
        "mixing": [real(0, 1, closed="left")],
        "noise": [real(closed="neither"), None],
        "time_mask": [real(0, 1, closed="left")],
        "band_mask": [real(0, 1, closed="left")],
    }

    @classmethod
    def hint(cls, X: Any) -> str:
        """Return how to pass an array of two dimensions, or a list, as sound."""
        return "For sound pass modality=Audio(sample_rate=...)." if len(shape_of(X)) == 1 else ""

    def fit_validate(self, X: Any) -> SoundRows:
        """Learn the rate and the scale of each band, and return X as a store of batches of frames."""
        self._check_params()
        sounds = read_sounds(X)
        if self.sample_rate is None:
            self.sample_rate_ = common_rate(sounds)
        else:
            self.sample_rate_ = check_rate(int(self.sample_rate), "sample_rate")
        self.peak_ = peak(sounds)
        spectrograms = self._rows(sounds)
        self.mean_, spread = moments_of(spectrograms)
        self.scale_ = np.maximum(spread, LEAST_SCALE)
        store = spectrograms
        if self._is_raw:
            store = self._waves(sounds)
            self.level_ = max(level_of(store, lengths_at(sounds, self.sample_rate_).sum()), LEAST_LEVEL)
        self.longest_, self.spread_ = int(store.n_frames.max()), True
        self.ragged_ = bool((store.n_frames != self.longest_).any())
        return self._scaled(store)

    def validate(self, X: Any) -> SoundRows:
        """Return X as a store of batches of :class:`~sklearn_ssl.encoders.Frames`."""
        sounds = read_again(X, self.peak_)
        return self._scaled(self._waves(sounds) if self._is_raw else self._rows(sounds))

    def check_fitted(self) -> None:
        """Raise a ValueError if fitted attributes do not go with each other."""
        self._check_params()
        if whole(self, "sample_rate_", RATES[0]) != self.sample_rate and self.sample_rate is not None:
            refuse(self, "sample_rate_", f"is {self.sample_rate_}, with sample_rate={self.sample_rate}")
        if not isinstance(self.peak_, float) or not 0 <= self.peak_ < np.inf:
            refuse(self, "peak_", f"must be a number of at least 0, and is {self.peak_!r:.60}")
        whole(self, "longest_", 1)
        for name, value in (("ragged_", self.ragged_), ("spread_", getattr(self, "spread_", False))):
            if not isinstance(value, bool):
                refuse(self, name, f"must be True or False, and is {value!r:.60}")
        array(self, "mean_", "f", (self.n_bands,))
        array(self, "scale_", "f", (self.n_bands,), low=LEAST_SCALE)
        if self._is_raw and (not isinstance(self.level_, float) or not LEAST_LEVEL <= self.level_ < np.inf):
            refuse(self, "level_", f"must be a number of at least {LEAST_LEVEL}, and is {self.level_!r:.60}")

    def _check_params(self) -> None:
        self._validate_params()
        check_crop_scale(self.crop_scale)

    @property
    def _is_raw(self) -> bool:
        return self.front_end == "waveform"

    @property
    def _step(self) -> int:
        """Samples of a step of a waveform."""
        return step_of(self.sample_rate_, self.hop)

    @property
    def _hop(self) -> float:
        """Seconds from one step to the next."""
        return self._step / self.sample_rate_ if self._is_raw else self.hop

    def _scaled(self, store: SoundRows) -> SoundRows:
        if not self._is_raw:
            return store.scaled_by(self.mean_, self.scale_)
        return store.scaled_by(np.zeros(1), np.full(self._step, self.level_), LOUDEST_SAMPLE)

    def _rows(self, sounds: list[Any]) -> SoundRows:
        def spectrogram(wave: np.ndarray) -> np.ndarray:
            return self._log_mel(torch.from_numpy(wave)[None])[0].numpy()

        size, step, _ = self._sizes()
        counts = n_frames(lengths_at(sounds, self.sample_rate_), size, step)
        return rows_of(sounds, self.sample_rate_, spectrogram, counts, self.n_bands)

    def _waves(self, sounds: list[Any]) -> SoundRows:
        step = self._step
        counts = -(-lengths_at(sounds, self.sample_rate_) // step)
        return rows_of(sounds, self.sample_rate_, lambda wave: folded(wave, step), counts, step)

    def _sizes(self) -> tuple[int, int, int]:
        return frame_sizes(self.sample_rate_, self.window, self._hop, self.n_bands)

    def _log_mel(self, waves: Tensor) -> Tensor:
        return log_mel(waves, self.sample_rate_, self.window, self._hop, self.n_bands)

    def auto_encoder(self, compares_views: bool) -> str:
        """Return "spectrogram" where views are compared, as in BYOL-A."""
        return "spectrogram" if compares_views and not self._is_raw and hasattr(self, "spread_") else "auto"

    def encoder(self, name: str, n_components: int | None, causal: bool = False) -> nn.Module:
        """Build dilated convolutions over every fourth frame (``"auto"``), or each, or ones over bands too."""
        if name not in ("auto", *self.encoders):
            raise unknown_encoder(name, self)
        if name == "spectrogram":
            if self._is_raw:
                raise ValueError("encoder='spectrogram' needs Audio(front_end='log-mel').")
            return SpectrogramConvNet(self.n_bands, n_components)
        stride = 1 if name == "convnet" else STRIDE
        how: dict[str, Any] = {"stride": stride, "causal": causal, "spread": getattr(self, "spread_", False)}
        if self._is_raw:
            size, corners = self._sizes()[0], edges(self.sample_rate_, self.n_bands) / self.sample_rate_
            return WaveformConvNet(self._step, corners[1:-1].tolist(), n_components, size=size, **how)
        return TemporalConvNet(self.n_bands, n_components, **how)

    def targets(self, x: Frames) -> Frames:
        """Return the scaled spectrograms of a batch: what is predicted of it, whatever networks see."""
        if not self._is_raw:
            return x
        mean, scale = (resident(part, x.values.device, torch.float32) for part in (self.mean_, self.scale_))
        values = (self._log_mel(windows_of(x, self._sizes()[0]) * self.level_) - mean) / scale
        known = x.observed.any(2, keepdim=True).expand_as(values)
        return x._replace(values=values.masked_fill(~known, 0), observed=known)

    def view(self, x: Frames) -> Frames:
        """Return a random part of each sound, mixed, stretched, moved in pitch, louder, noisy and masked."""
        low, high = self.crop_scale
        if self._is_raw:
            x = view_of_waves(crop(x, (low, high)), self.mixing, self.stretch, self.gain, self.noise)
            return self.mask(x, self.time_mask)[0] if self.time_mask else x
        mean, scale = (resident(part, x.values.device, torch.float32) for part in (self.mean_, self.scale_))
        changes = self.mixing, self.stretch, self.pitch, self.gain, self.noise
        x = view_of_spectrograms(crop(x, (low, high)), mean, scale, *changes)
        if self.time_mask:
            x, _ = self.mask(x, self.time_mask)
        return hide_bands(x, self.band_mask) if self.band_mask else x

    def mask(self, x: Frames, rate: float) -> tuple[Frames, Tensor]:
        """Return the sounds with a share of their frames hidden, in stretches, and the mask ``(n, time)``."""
        share = (SPAN / self._hop / x.lengths).clamp(max=LARGEST_SPAN)
        return hide_steps(x, rate, share, least=STRIDE)

    def noisy(self, x: Frames, strength: float) -> Frames:
        """Add Gaussian noise of a standard deviation of `strength` to scaled frames."""
        return jitter(x, strength)

    def permute_segments(self, x: Frames) -> tuple[Frames, Tensor, Tensor]:
        """Cut each sound in two, with a hidden gap between the parts, and swap those of a random half."""
        return swap_segments(x)

    def decoder(self, n_components: int, target: str = "value", linear: bool = False) -> SeriesDecoder:
        """Build a convolutional network that maps features to spectrograms."""
        if target != "value":
            raise unknown_target(target, ("value",), self)
        if self._is_raw:
            raise self.lacks("no decoder of waveforms (that of front_end='log-mel' is one of spectrograms)")
        shape = (self.n_bands, min(self.longest_, LONGEST), 0)
        return SeriesDecoder(n_components, *shape, ragged=self.ragged_, linear=linear)

    def restore(self, x: Frames) -> np.ndarray:
        """Return spectrograms, the logarithm of power, float64 ``(n, n_frames, n_bands)``, padded with NaN."""
        values = x.values.cpu().double().numpy() * self.scale_ + self.mean_
        return np.where(x.present().cpu().numpy()[:, :, None], values, np.nan)

    def spectrograms(self, X: Any) -> list[np.ndarray]:
        """Return the log-mel spectrograms of sounds, which are what networks see before it is standardised.

        Parameters
        ----------
        X : list of waveforms, as in fit

        Returns
        -------
        list of ndarray of shape (n_frames_i, n_bands), float64
            The logarithm of power, from low to high bands.

        Raises
        ------
        ValueError, TypeError
            If X is no list of sounds.
        """
        store = self._rows(read_again(X, self.peak_)).scaled_by(self.mean_, self.scale_)
        return [self.restore(store[np.array([i])])[0][: int(store.n_frames[i])] for i in range(len(store))]

    def give_back(self, rows: np.ndarray, container: str | None) -> Any:
        """Return restored spectrograms as a list without padding, or as they are if an array is asked for."""
        if container is not None:
            return rows
        return [row[~np.isnan(row[:, 0])] for row in rows]

    def example(self) -> Frames:
        """Return a small synthetic batch."""
        width = self._step if self._is_raw else self.n_bands
        values = torch.arange(32.0).sin()[None, :, None].repeat(2, 1, width)
        return Frames(
            values, torch.ones_like(values, dtype=torch.bool), torch.tensor([32, 32]), torch.zeros(2, 0)
        )
