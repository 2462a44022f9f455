"""Estimators that began with an encoder of this package load without it."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_ssl import (
    AutoregressivePretrainer,
    ContrastivePretrainer,
    MaskedPretrainer,
    load,
)
from sklearn_ssl.encoders import MLP, ConvNet, TokenBag, TokenConvNet, Transformer, blueprint, rebuilt
from sklearn_ssl.modalities import Image, Text
from sklearn_ssl.training import weights_of

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"a": RNG.normal(size=40), "b": RNG.choice(["x", "y"], 40), "c": RNG.normal(size=40)})
PICTURES = RNG.random((20, 12, 16))
TEXTS = ["a red cat ran", "a blue dog ran home", "red dogs and blue cats", "home is a cat"] * 3
FAST = {"max_epochs": 1, "random_state": 0, "on_collapse": "ignore"}


def text(encoder):
    return {"modality": Text(min_df=1), "encoder": encoder, "batch_size": 8}


FIRST = {
    "mlp": (ContrastivePretrainer, {}, FRAME),
    "mlp, a linear layer on top": (ContrastivePretrainer, {"n_components": 5}, FRAME),
    "mlp, no directions": (
        ContrastivePretrainer,
        {"encoder": MLP(4, 5, widths=(8, 6), n_directions=0)},
        FRAME,
    ),
    "convnet": (ContrastivePretrainer, {"modality": Image()}, PICTURES),
    "convnet, of its own size": (
        ContrastivePretrainer,
        {"modality": Image(), "encoder": ConvNet((1, 12, 16), 5, widths=(4, 8), grid=2, stride=2)},
        PICTURES,
    ),
    "bag": (ContrastivePretrainer, text("bag"), TEXTS),
    "convolutions": (MaskedPretrainer, text("convnet"), TEXTS),
    "transformer": (MaskedPretrainer, text("transformer"), TEXTS),
    "causal transformer": (AutoregressivePretrainer, text("transformer"), TEXTS),
    "causal convolutions": (AutoregressivePretrainer, text("convnet"), TEXTS),
}


@pytest.mark.parametrize("cls, params, X", FIRST.values(), ids=FIRST)
def test_an_encoder_of_ours_is_rebuilt(cls, params, X, tmp_path):
    other = cls(**{**FAST, **params}).fit(X)
    est = cls(**{**FAST, **params, "n_components": None, "encoder": other.encoder_}).fit(X)
    est.save(tmp_path)
    state = torch.random.get_rng_state()
    loaded = load(tmp_path)
    assert (torch.random.get_rng_state() == state).all()
    assert (loaded.transform(X) == est.transform(X)).all()
    assert type(loaded.encoder) is type(est.encoder) and not loaded.encoder.training
    old, new = weights_of(est.encoder), weights_of(loaded.encoder)
    assert old.keys() == new.keys() and all((old[name] == new[name]).all() for name in old)
    for name in ("columns", "vocabulary"):
        assert getattr(loaded.encoder, name, None) == getattr(est.encoder, name, None)
    # it begins from the same weights again
    assert (loaded.fit(X).transform(X) == est.fit(X).transform(X)).all()
    loaded.save(tmp_path / "again")
    assert (load(tmp_path / "again").transform(X) == est.transform(X)).all()


def test_an_encoder_of_other_columns(tmp_path):
    other = ContrastivePretrainer(**FAST).fit(FRAME)
    wider = FRAME.assign(d=FRAME["a"] ** 2)
    with pytest.warns(UserWarning, match="d"):
        est = ContrastivePretrainer(encoder=other.encoder_, **FAST).fit(wider)
    est.save(tmp_path)
    loaded = load(tmp_path)  # which has nothing to say of the column
    assert (loaded.transform(wider) == est.transform(wider)).all()


def test_a_module_may_still_be_given(tmp_path):
    est = ContrastivePretrainer(encoder=MLP(4, 5), **FAST).fit(FRAME)
    est.save(tmp_path)
    given = MLP(4, 5)
    assert load(tmp_path, encoder=given).encoder is given
    assert (load(tmp_path, encoder=given).transform(FRAME) == est.transform(FRAME)).all()


class Mine(MLP):
    """A subclass, whose code is the user's."""


def test_subclasses_are_modules_of_the_users_own(tmp_path):
    ContrastivePretrainer(encoder=Mine(4), **FAST).fit(FRAME).save(tmp_path)
    with pytest.raises(ValueError, match=r"module of your own.*Mine"):
        load(tmp_path)


def test_encoders_of_earlier_folders_must_be_given(tmp_path):
    ContrastivePretrainer(encoder=MLP(4, 5), **FAST).fit(FRAME).save(tmp_path)
    change(tmp_path, lambda encoder: encoder.pop("plan"))
    with pytest.raises(ValueError, match=r"module of your own.*MLP"):
        load(tmp_path)
    assert load(tmp_path, encoder=MLP(4, 5)).transform(FRAME).shape == (40, 5)


def change(folder, how):
    config = json.loads((folder / "config.json").read_text())
    del config["digests"]
    how(config["params"]["dict"]["encoder"])
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    "name, value", [("n_features", 10**12), ("n_components", 10**12), ("n_directions", 10**12), ("widths", 3)]
)
def test_a_changed_encoder_is_refused_before_it_is_built(name, value, tmp_path):
    ContrastivePretrainer(encoder=MLP(4, 5), **FAST).fit(FRAME).save(tmp_path)
    change(tmp_path, lambda encoder: encoder["plan"]["dict"]["arguments"]["dict"].update({name: value}))
    with pytest.raises(ValueError, match="Save the estimator again"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["Sequential", "torch.nn.Linear", "os.system"])
def test_no_other_class_is_built(name, tmp_path):
    ContrastivePretrainer(encoder=MLP(4, 5), **FAST).fit(FRAME).save(tmp_path)
    change(tmp_path, lambda encoder: encoder["plan"]["dict"].update({"class": name}))
    with pytest.raises(ValueError, match="Save the estimator again"):
        load(tmp_path)


@pytest.mark.parametrize(
    "encoder",
    [
        MLP(4, widths=(8,)),
        ConvNet((3, 40, 70), stride=2),
        TokenBag(9, width=6),
        TokenConvNet(9, depth=0),
        TokenConvNet(9, size=1, causal=True),
        Transformer(9, 7, width=16, n_heads=2, depth=1),
    ],
    ids=lambda encoder: type(encoder).__name__,
)
def test_all_arguments_are_known(encoder):
    tensors = {}
    again = rebuilt(blueprint(encoder, tensors, "x"), tensors)
    assert str(again) == str(encoder)
    assert blueprint(again, {}, "x") == blueprint(encoder, {}, "x")


def test_weights_that_are_no_floats_are_refused():
    encoder, tensors = MLP(4, widths=(8,), n_directions=0), {}
    plan = blueprint(encoder.half(), tensors, "x")
    assert rebuilt(plan, tensors).layers[0][0].weight.dtype == torch.float16
    tensors["x.layers.0.0.weight"] = tensors["x.layers.0.0.weight"].to(torch.int64)
    with pytest.raises(ValueError, match="does not go with its weights"):
        rebuilt(plan, tensors)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_weights_of_any_precision_are_float32_in_the_copy(dtype, precision):
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.LayerNorm(8)).to(dtype)
    X = RNG.normal(size=(20, 4))
    est = ContrastivePretrainer(encoder=net, precision=precision, **FAST).fit(X)
    assert est.transform(X).dtype == np.float32 and net[0].weight.dtype == dtype
    assert {p.dtype for p in est.encoder_.parameters()} == {torch.float32}
