"""The tables that every method and every modality joins with one line, and a network that tests share."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits, load_iris
from torch import nn

from sklearn_ssl import (
    AutoencoderPretrainer,
    ContrastivePretrainer,
    GANPretrainer,
    MaskedPretrainer,
    VAEPretrainer,
)
from sklearn_ssl.base import Modality, Pretrainer
from sklearn_ssl.modalities import Image, Tabular

DIGITS = load_digits().data[:200]


@dataclass(frozen=True)
class Kind:
    """A modality, rows of it, and a second value for each of its parameters."""

    modality: Modality
    X: Any
    other: dict[str, Any]


@dataclass(frozen=True)
class Method:
    """An estimator class, the modalities it takes, and a second value for each own parameter."""

    estimator: type[Pretrainer]
    kinds: tuple[str, ...]
    other: dict[str, Any] = field(default_factory=dict)
    ignores: tuple[str, ...] = ()  # modality parameters that its pretext task does not ask for
    tables_only: tuple[str, ...] = ()  # own parameters with one value elsewhere
    enough: int = 12  # epochs on digits after which features beat the untrained ones
    is_game: bool = False  # its loss is of players against each other, and need not fall

    def __call__(self, **params: Any) -> Pretrainer:
        return self.estimator(**{"max_epochs": 2, "random_state": 0, "batch_size": 64, **params})


KINDS = {
    "tabular": Kind(Tabular(), load_iris().data, {"corruption_rate": 0.6, "clip": 0.5, "n_bins": 4}),
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
}

VIEWS = ("corruption_rate", "crop_scale", "horizontal_flip", "intensity")
HOLES = ("n_bins", "patch_size")
BOTH = ("tabular", "image")

METHODS = {
    "contrastive": Method(ContrastivePretrainer, BOTH, {"temperature": 0.1}, HOLES),
    "masked": Method(
        MaskedPretrainer,
        BOTH,
        {"target": "bin", "visible_weight": 0.0, "mask_rate": 0.6, "mask_weight": 1.0},
        (*VIEWS, "n_bins"),  # which target="bin" alone asks for
        tables_only=("target",),
    ),
    "autoencoder": Method(AutoencoderPretrainer, BOTH, {"noise": 0.0}, VIEWS + HOLES),
    "vae": Method(VAEPretrainer, BOTH, {"beta": 4.0}, VIEWS + HOLES),
    "gan": Method(GANPretrainer, BOTH, {"penalty": 10.0}, VIEWS + HOLES, enough=60, is_game=True),
}

CASES = [(method, kind) for method, m in METHODS.items() for kind in m.kinds]


class Drifting(nn.Linear):
    """Moves a buffer that state_dict leaves out, in training."""

    def __init__(self):
        super().__init__(4, 3)
        self.register_buffer("shift", torch.zeros(3), persistent=False)

    def forward(self, x):
        if self.training:
            self.shift += 1
        return super().forward(x) + self.shift
