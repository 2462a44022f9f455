"""Every parameter set to what it cannot be is refused by name, by us, or trains as it should."""

import fractions
import traceback
from pathlib import Path

import numpy as np
import pytest
from methods import METHODS
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.utils._param_validation import Interval

from sklearn_ssl import (
    AutoregressivePretrainer,
    ContrastivePretrainer,
    LabeledOnly,
    MaskedPretrainer,
    SelfOrganizingMap,
    VAEPretrainer,
    Word2VecPretrainer,
)
from sklearn_ssl.modalities import Image, Tabular, Text

X, y = load_iris(return_X_y=True)
X, y = X[::5], y[::5]
DIGITS = load_digits().images[:20]
TEXTS = ["the cat sat", "a dog sat on the mat", "the mat and the cat", "a cat, a dog"] * 5
HOSTILE = [
    *(True, 2**70, -(2**70), -1, 1.5, float("nan"), float("inf"), fractions.Fraction(1, 3), np.True_),
    *(np.array([1, 2]), np.array([]), np.array(1), "", "x", b"x", [], [None], (), {}, object(), int, None),
    *((True, True), (2**70, 2**70), (float("nan"), 1.0), [[1]], np.datetime64("2020"), 1j, lambda: None),
]
FEW = {"max_epochs": 1, "random_state": 0, "n_components": 4}
SHARED = set(ContrastivePretrainer().get_params(deep=False)) - {"temperature"}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Any text may name a folder of checkpoints: it is not to lie where the tests are run."""
    monkeypatch.chdir(tmp_path)


def is_ours(error):
    """Return whether an error comes from this package, or from scikit-learn's check of parameters."""
    frame = traceback.extract_tb(error.__traceback__)[-1].filename
    return "sklearn_ssl" in Path(frame).parts or frame.endswith("_param_validation.py")


def complaint(estimator, name, data, labels=None):
    """Return what is wrong with how a parameter was refused; an empty string if the estimator is fitted or refused."""
    try:
        fitted = estimator.fit(data, labels)
        if hasattr(fitted, "transform") and not np.isfinite(fitted.transform(data)).all():
            return "features are not finite"
    except (ValueError, TypeError) as error:
        if name not in str(error) or not is_ours(error):
            return f"{type(error).__name__}: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def complaints(base, names, data, labels=None):
    found = []
    for name in names:
        for value in HOSTILE:
            estimator = clone(base).set_params(**{name: value})
            said = complaint(estimator, name, data, labels)
            if said:
                found.append(f"{name}={value!r:.40}: {said:.150}")
    return found


def own(estimator):
    return sorted(set(estimator.get_params(deep=False)) - SHARED)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(SHARED))
def test_shared_parameters(name):
    assert complaints(ContrastivePretrainer(**FEW), [name], X) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", METHODS)
def test_parameters_of_methods(method):
    estimator, kinds = METHODS[method].estimator, METHODS[method].kinds
    data = X if "tabular" in kinds else DIGITS if "image" in kinds else TEXTS
    modality = Tabular() if "tabular" in kinds else Image() if "image" in kinds else Text()
    base = clone(estimator).set_params(**FEW, modality=modality)
    assert complaints(base, own(base), data) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "base, data",
    [
        (SelfOrganizingMap(max_epochs=2), X),
        (Word2VecPretrainer(n_components=4, max_epochs=1, random_state=0), TEXTS),
        (LabeledOnly(LogisticRegression()), X),
    ],
    ids=["map", "word2vec", "labeled only"],
)
def test_parameters_of_other_estimators(base, data):
    labels = y if isinstance(base, LabeledOnly) else None
    assert complaints(base, base.get_params(deep=False), data, labels) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "modality, data",
    [(Tabular(), X), (Image(), DIGITS), (Text(), TEXTS), (Text(analyzer="subword", max_features=9), TEXTS)],
    ids=["table", "image", "text", "subwords"],
)
def test_parameters_of_modalities(modality, data):
    encoder = "bag" if isinstance(modality, Text) else "auto"
    base = ContrastivePretrainer(modality=modality, encoder=encoder, **FEW)
    found = []
    for name in modality.get_params(deep=False):
        for value in HOSTILE:
            said = complaint(clone(base).set_params(**{f"modality__{name}": value}), name, data)
            found += [f"{name}={value!r:.40}: {said:.150}"] if said else []
    assert found == []


@pytest.mark.parametrize("value", [True, 2**70, -1, 1.5, float("nan"), "x", np.array([1, 2]), None])
def test_numbers_of_samples(value):
    vae = VAEPretrainer(max_epochs=0, n_components=2).fit(X)
    gpt = AutoregressivePretrainer(max_epochs=0).fit(TEXTS)
    for sample in (vae.sample, lambda n: gpt.sample("the", n)):
        with pytest.raises((ValueError, TypeError), match="n_samples") as error:
            sample(value)
        assert is_ours(error.value)


@pytest.mark.parametrize("device", ["cpu:99", "cuda:7", "cuda:99", "meta", "cpu:-1", "", "gpu", "CPU"])
def test_devices_that_are_not_here(device):
    with pytest.raises(ValueError, match=r"device=.* cannot be used here"):
        MaskedPretrainer(**FEW, device=device).fit(X)


@pytest.mark.parametrize("pattern", ["", r"\w*", "a|", "(x)?"])
def test_a_pattern_of_nothing_is_refused(pattern):
    with pytest.raises(ValueError, match="pattern of nothing"):
        Text(token_pattern=pattern).fit(TEXTS)


@pytest.mark.parametrize(
    "cls",
    [
        *dict.fromkeys(type(method.estimator) for method in METHODS.values()),
        SelfOrganizingMap,
        Word2VecPretrainer,
        Tabular,
        Image,
        Text,
    ],
)
def test_booleans_are_no_numbers(cls):
    """scikit-learn's own intervals take True for 1."""
    numbers = [c for listed in cls._parameter_constraints.values() for c in listed if isinstance(c, Interval)]
    assert numbers
    assert not any(number.is_satisfied_by(True) for number in numbers)
