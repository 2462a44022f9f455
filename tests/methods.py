"""The tables that every method and every modality joins with one line, and a network that tests share."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import load_digits, load_iris
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted
from torch import nn

from sklearn_ssl import (
    AutoencoderPretrainer,
    AutoregressivePretrainer,
    ContrastivePretrainer,
    DistillationPretrainer,
    GANPretrainer,
    MaskedPretrainer,
    PredictiveCodingPretrainer,
    RotationPretrainer,
    SegmentOrderPretrainer,
    SiamesePretrainer,
    VAEPretrainer,
)
from sklearn_ssl.base import Modality, Pretrainer
from sklearn_ssl.modalities import Audio, Image, Series, Tabular, Text

DIGITS = load_digits().data[:120]
MIXED = load_iris().data.copy()
TONES = [np.sin(np.arange(1200 + 8 * i) * (0.1 + 0.01 * i)) for i in range(100)]
WAVES = np.sin(np.arange(12) / 2 + np.arange(200).reshape(100, 2, 1)) * np.linspace(1, 2, 100)[:, None, None]
WAVES[::5, :, 9:] = WAVES[3::7, 0, 4] = np.nan  # padding, and holes
MIXED[::7, 0] = MIXED[3::9, 1] = np.nan


@dataclass(frozen=True)
class Kind:
    """A modality, rows of it, and a second value for each of its parameters."""

    modality: Modality
    X: Any
    other: dict[str, Any]


@dataclass(frozen=True)
class Method:
    """An estimator, the modalities it takes, and a second value for own parameters that need one."""

    estimator: Pretrainer
    kinds: tuple[str, ...]
    other: dict[str, Any] = field(default_factory=dict)
    ignores: tuple[str, ...] = ()  # modality parameters that its pretext task does not ask for
    is_game: bool = False  # its loss is of players against each other, and need not fall

    def __call__(self, **params: Any) -> Pretrainer:
        return clone(self.estimator).set_params(
            **{"max_epochs": 2, "random_state": 0, "batch_size": 64, **params}
        )


KINDS = {
    "tabular": Kind(
        Tabular(),
        load_iris().data,
        {"corruption_rate": 0.6, "clip": 0.5, "n_bins": 4, "categorical_features": [3]},
    ),
    "mixed": Kind(
        Tabular(categorical_features=[0, 3]),
        MIXED,
        {"corruption_rate": 0.6, "clip": 0.5, "n_bins": 4, "categorical_features": None, "max_categories": 3},
    ),
    "image": Kind(
        Image(),
        np.repeat(DIGITS.reshape(-1, 8, 8, 1), 3, axis=3),
        {
            "channels": "first",
            "crop_scale": (0.2, 0.5),
            "horizontal_flip": False,
            "intensity": 0.1,
            "patch_size": 3,
        },
    ),
    "text": Kind(
        Text(max_length=8),
        Text().example_rows()[:100],
        {
            "analyzer": "char",
            "ngram_range": (2, 2),
            "max_features": 30,
            "min_df": 1,
            "lowercase": False,
            "max_length": 3,
            "token_pattern": r"\w+",
            "crop_scale": (0.2, 0.5),
            "token_dropout": 0.5,
        },
    ),
    "series": Kind(
        Series(),
        WAVES,
        {
            "scale": "series",
            "crop_scale": (0.2, 0.5),
            "jitter": 0.5,
            "magnitude": 0.5,
            "time_mask": 0.5,
            "frequency_noise": 0.9,
            "span": 0.5,
        },
    ),
    "audio": Kind(
        Audio(sample_rate=4000, n_bands=8, noise=-10.0),
        TONES,
        {
            "sample_rate": 3000,
            "front_end": "waveform",
            "n_bands": 6,
            "window": 0.03,
            "hop": 0.012,
            "crop_scale": (0.2, 0.5),
            "stretch": 2.0,
            "pitch": 0.3,
            "gain": 20.0,
            "mixing": 0.9,
            "noise": None,
            "time_mask": 0.5,
            "band_mask": 0.9,
        },
    ),
}

OF_SERIES = ("jitter", "magnitude", "frequency_noise")
OF_SOUND = ("stretch", "pitch", "gain", "mixing", "noise", "time_mask", "band_mask")
VIEWS = (
    "corruption_rate",
    "crop_scale",
    "horizontal_flip",
    "intensity",
    "token_dropout",
    *OF_SERIES,
    *OF_SOUND,
)
HOLES = ("n_bins", "patch_size")
UNSEEN = (*VIEWS, *HOLES, "span")  # by tasks that draw neither views nor masks
TABLES, IMAGES, TEXTS, SERIES, SOUNDS = ("tabular",), ("image",), ("text",), ("series",), ("audio",)
NUMBERS = ("tabular", "mixed", "image")


class Directions(TransformerMixin, BaseEstimator):
    """A light teacher for rows of any kind: their numbers, or counts of letters, along random directions."""

    def __init__(self, seed=0):
        self.seed = seed

    def fit(self, X, y=None):
        numbers = self._numbers(X)
        self.mean_, scale = numbers.mean(0), numbers.std(0)
        # a constant may seem to vary, by rounding
        self.scale_ = np.where(scale > 1e-9 * np.abs(self.mean_), scale, 1.0)
        shape = (numbers.shape[1], 16)
        directions = np.random.default_rng(self.seed).normal(size=shape) / np.sqrt(shape[0])
        self.directions_ = directions.astype(np.float32)
        return self

    def transform(self, X):
        check_is_fitted(self)
        return (self._numbers(X) - self.mean_) / self.scale_ @ self.directions_

    def _numbers(self, X):
        if isinstance(X, list) and X and isinstance(X[0], str):
            X = [[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in X]
        X = check_array(X, dtype=float, allow_nd=True, ensure_all_finite="allow-nan")
        return np.nan_to_num(X.reshape(len(X), -1))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


METHODS = {
    "contrastive": Method(
        ContrastivePretrainer(), NUMBERS + TEXTS + SERIES + SOUNDS, {"temperature": 0.1}, HOLES
    ),
    "byol": Method(SiamesePretrainer(loss="byol"), TABLES, {"momentum": 0.5}, HOLES),
    "simsiam": Method(SiamesePretrainer(loss="simsiam"), TABLES, ignores=HOLES),
    "barlow twins": Method(SiamesePretrainer(loss="barlow_twins"), TABLES, {"redundancy": 1.0}, HOLES),
    "vicreg": Method(SiamesePretrainer(loss="vicreg"), TABLES + TEXTS, ignores=HOLES),
    "rotation": Method(RotationPretrainer(), IMAGES, ignores=HOLES),
    "masked": Method(
        MaskedPretrainer(), NUMBERS + TEXTS + SERIES + SOUNDS, {"mask_weight": 1.0}, (*VIEWS, "n_bins")
    ),  # only target="bin" asks for n_bins
    "autoencoder": Method(AutoencoderPretrainer(), NUMBERS + SERIES, {"noise": 0.0}, UNSEEN),
    "vae": Method(VAEPretrainer(), NUMBERS + SERIES, {"beta": 4.0}, UNSEEN),
    "gan": Method(GANPretrainer(), NUMBERS, {"penalty": 10.0}, VIEWS + HOLES, is_game=True),
    "autoregressive": Method(AutoregressivePretrainer(), TEXTS + SERIES, ignores=UNSEEN),
    "predictive coding": Method(
        PredictiveCodingPretrainer(),
        TEXTS + SERIES + SOUNDS,
        {"n_steps": 1, "n_negatives": 8, "temperature": 0.5},
        UNSEEN,
    ),
    "segment order": Method(SegmentOrderPretrainer(), TEXTS + SERIES, ignores=UNSEEN),
    "distillation": Method(
        DistillationPretrainer(Directions()),
        NUMBERS + TEXTS,
        {"teacher": Directions(seed=1)},
        VIEWS + HOLES,
    ),
}

CASES = [(method, kind) for method, m in METHODS.items() for kind in m.kinds]
# every method once, and every kind of rows once
COVER = [(method, m.kinds[0]) for method, m in METHODS.items()]
COVER += [("contrastive", kind) for kind in METHODS["contrastive"].kinds[1:]]


def slow_beyond_cover(cases):
    """Mark the cases that take most of the time and seldom find what the others do not."""
    return [case if case in COVER else pytest.param(*case, marks=pytest.mark.slow) for case in cases]


class Drifting(nn.Linear):
    """Moves a buffer that state_dict leaves out, in training."""

    def __init__(self):
        super().__init__(4, 3)
        self.register_buffer("shift", torch.zeros(3), persistent=False)

    def forward(self, x):
        if self.training:
            self.shift += 1
        return super().forward(x) + self.shift
