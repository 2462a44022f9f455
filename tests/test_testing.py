"""The kit finds what it is there to find."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.datasets import load_iris
from sklearn.utils._param_validation import StrOptions
from torch import nn

from sklearn_ssl import ContrastivePretrainer, RotationPretrainer
from sklearn_ssl.base import Objective, Pretrainer
from sklearn_ssl.modalities import Image
from sklearn_ssl.testing import (
    check_bad_input,
    check_features,
    check_input_is_not_written_to,
    check_pretrainer,
    check_same_bits,
    new_case,
)

X = load_iris().data


class Guess(Objective):
    """Rebuild a row from its features, and break one promise."""

    def __init__(self, encoder, width, columns, sin, power):
        super().__init__(encoder)
        self.back, self.sin, self.power = nn.Linear(width, columns), sin, 1.0 if sin == "idle" else power

    def forward(self, x):
        if self.sin == "numpy":
            np.random.rand()
        noise = np.random.default_rng().normal() if self.sin == "unseeded" else 0.0
        z = self.encoder(x)
        loss = (
            self.back(z.detach() if self.sin == "no gradient" else z).float() - self.power * x + noise
        ) ** 2
        return loss.mean(1) if self.sin == "no scalar" else loss.mean()

    def embedding(self, x):
        z = self.encoder(x)
        return z + 100 * torch.randn_like(z) if self.sin == "blind" else z


@dataclass(kw_only=True, eq=False, repr=False)
class Sinner(Pretrainer):
    """Rebuilds rows."""

    sin: str = ""
    power: float = 1.0

    def _objective(self, modality, encoder, width):
        return Guess(encoder, width, X.shape[1], self.sin, self.power)


@pytest.mark.parametrize(
    "sin, words",
    [
        ("no gradient", "no gradient reaches the encoder"),
        ("no scalar", r"the loss has shape \(32,\)"),
        ("numpy", "numpy's global generator was changed"),
        ("unseeded", "the same seed"),
        ("blind", "on_collapse"),
        ("idle", "power has no effect.*other="),
    ],
)
def test_broken_promises_are_found(sin, words):
    with pytest.raises(AssertionError, match=words):
        check_pretrainer(Sinner(sin=sin), X, other={"sin": "no gradient"})


def test_a_sound_one_passes():
    check_pretrainer(Sinner(), X, other={"sin": "no gradient"})


@pytest.mark.slow  # the guide for contributors runs the check on two more
def test_what_takes_images_is_checked_on_images():
    check_pretrainer(RotationPretrainer(), other={"lr": 0.01})


def test_what_it_does_not_take():
    with pytest.raises(TypeError, match="takes a Pretrainer, got ABCMeta"):
        check_pretrainer(ContrastivePretrainer)
    with pytest.raises(ValueError, match="at least 100 rows of X; it has 20"):
        check_pretrainer(ContrastivePretrainer(), X[:20])
    with pytest.raises(ValueError, match="Pass X"):
        check_pretrainer(ContrastivePretrainer(modality=Image(shape=(28, 28))))


def test_settings_of_shared_parameters_do_not_matter():
    params = {"lr": 1e-4, "n_components": 16, "early_stopping": True, "warm_start": True}
    check_pretrainer(ContrastivePretrainer(**params, encoder=nn.Linear(4, 8), max_epochs=0, batch_size=32))


def test_sparse_rows_and_frames():
    for rows in (sp.csr_array(X), pd.DataFrame(X, columns=list("abcd"))):
        case = new_case(ContrastivePretrainer(), rows)
        for check in (check_features, check_same_bits, check_input_is_not_written_to, check_bad_input):
            check(case)


@dataclass(kw_only=True, eq=False, repr=False)
class Broken(Pretrainer):
    """Fails for one of its options."""

    kind: str = "sound"

    _parameter_constraints: ClassVar[dict[str, Any]] = {"kind": [StrOptions({"sound", "broken"})]}

    def _objective(self, modality, encoder, width):
        if self.kind == "broken":
            raise ValueError("not what you think")
        return Guess(encoder, width, X.shape[1], "", 1.0)


def test_an_option_that_fails_is_found():
    with pytest.raises(AssertionError, match="kind has no effect"):
        check_pretrainer(Broken())
