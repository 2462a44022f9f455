"""What is wrong with an input is said at once, in our words, with what to do."""

from collections.abc import Mapping
from typing import ClassVar

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from torch import nn

import sklearn_ssl
from sklearn_ssl import ContrastivePretrainer, RotationPretrainer
from sklearn_ssl.modalities import Image, Tabular

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4))
GREY = RNG.integers(0, 255, (20, 8, 8)).astype(np.uint8)
NAN, INF = X.copy(), X.copy()
NAN[0, 0], INF[1, 1] = np.nan, np.inf
FRAME = pd.DataFrame(X, columns=list("abcd"))
NUMBERS = Tabular(categorical_features=None)


class Cube(nn.Module):
    def forward(self, x):
        return x[:, None]


class Crash(nn.Module):
    def __init__(self, only_in_training=False):
        super().__init__()
        self.only_in_training = only_in_training

    def forward(self, x):
        if self.training or not self.only_in_training:
            raise RuntimeError("CUDA is on fire")
        return x


class Apply(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Table:
    """Like a table of pyarrow: columns without names, and shape, but neither of the libraries that we know."""

    columns: ClassVar = [[1.0, 2.0], [3.0, 4.0]]
    column_names: ClassVar = ["a", "b"]
    shape = (2, 2)

    def __len__(self):
        return 2


class Delayed(Table):
    """Like a frame of dask."""

    columns: ClassVar = ["a", "b"]
    iloc = None

    def compute(self):
        return FRAME


class Dataset(Mapping):
    """Like a Dataset of xarray."""

    def __getitem__(self, name):
        return X[:, 0]

    def __iter__(self):
        return iter(["a"])

    def __len__(self):
        return 1


def new(**params):
    return ContrastivePretrainer(**{"max_epochs": 1, "random_state": 0, **params})


def fit(data, **params):
    return lambda: new(**params).fit(data)


def pool(data, X=X):
    return lambda: new().fit(X, X_unlabeled=data)


def image(data, **params):
    return lambda: new(modality=Image(**params)).fit(data)


def after(method, data, train=X, **params):
    return lambda: getattr(new(**params).fit(train), method)(data)


BAD_DATA = {
    "infinite": (fit(INF), "infinity.*Clip"),
    "no rows": (fit(X[:0]), "0 sample"),
    "no columns": (fit(X[:, :0]), "0 feature"),
    "one row": (fit(X[:1]), "1 sample.*minimum of 2"),
    "one dimension": (fit(X[0]), "Reshape your data"),
    "five dimensions": (fit(X[:4].reshape(4, 1, 1, 2, 2)), "reshape X"),
    "None": (fit(None), "Expected 2D array"),
    "a dict": (fit({"a": [1, 2]}), r"Expected 2D array.*pandas\.DataFrame\(X\)"),
    "a generator": (fit(x for x in X), r"Pass list\(X\)"),
    "a folder": (fit("photos"), "name of a file or a folder"),
    "a folder for images": (image("photos"), r"'photos'.*pandas\.read_csv\(X\).*PIL\.Image\.open"),
    "tokens": (fit([["a", "b"], ["c"]]), r"' '\.join\(tokens\)"),
    "a generator of images": (image(x for x in GREY), r"Pass list\(X\)"),
    "one image": (after("transform", GREY[0], GREY, modality=Image()), r"one image.*X\[numpy\.newaxis\]"),
    "rows of colours": (image(np.ones((4, 192)), shape=(8, 8)), r"3 times.*Image\(shape=\(8, 8, 3\)\)"),
    "complex": (fit(X + 1j), "Complex data not supported"),
    "complex objects": (fit((X + 1j).astype(object)), "takes real numbers.*Pass an array"),
    "complex objects in a frame": (
        fit(pd.DataFrame((X + 1j).astype(object), columns=list("abcd"))),
        r"\['a'",
    ),
    "objects": (fit(np.array([[object()] * 3] * 5)), "takes real numbers.*Pass an array"),
    "a frame of another library": (fit(Table()), r"Table of test_inputs.*\.to_pandas\(\) first"),
    "a frame that is not computed": (fit(Delayed()), r"Delayed of test_inputs.*\.compute\(\) first"),
    "a frame of another library, named": (fit(Table(), modality=NUMBERS), r"\.to_pandas\(\) first"),
    "a pool of another library": (pool(Table(), FRAME), r"\.to_pandas\(\) first"),
    "a set of arrays": (fit(Dataset()), r"Dataset, in which names stand for arrays.*to_dataframe"),
    "a sparse tensor": (fit(torch.tensor(X).to_sparse()), r"to_dense\(\)"),
    "cells of text": (fit(np.array([["a", "b"]] * 5)), "numeric"),
    "objects of text": (fit(np.array([["a", 1.0]] * 5, dtype=object)), "Encode"),
    "rows of many lengths": (fit([[1, 2], [3]]), "one length"),
    "texts for a table": (fit(["one text", "another"], modality=Tabular()), "2D array"),
    "waves": (lambda: RotationPretrainer().fit([X[0], X[1]]), "needs images and got"),
    "waves of many lengths": (lambda: RotationPretrainer().fit([X[0], X[1, :2]]), "needs images and got"),
    "three dimensions": (fit(GREY), r"Series|Image\(\)"),
    "pandas with texts": (
        fit(FRAME.assign(city="Oslo"), modality=NUMBERS),
        r"\['city'\].*categorical_features",
    ),
    "dates": (fit(np.array([["2020-01-01"]] * 5, dtype="datetime64[D]")), "dates"),
    "hidden values": (fit(np.ma.masked_less(X, 0)), "masked"),
    "names that occur twice": (fit(FRAME.rename(columns={"b": "a"})), r"twice: \['a'\]"),
    "polars that is lazy": (fit(pl.LazyFrame({"a": [1, 2]})), "collect"),
    "hidden values in the pool": (pool(np.ma.masked_less(X, 0)), "masked"),
    "hidden values beside a pool": (pool(X, np.ma.masked_less(X, 0)), "masked"),
    "dates in the pool": (pool(np.zeros((3, 4), "datetime64[D]")), "dates"),
    "a lazy pool": (pool(pl.LazyFrame({"a": [1, 2]}), pl.DataFrame({"a": [1, 2]})), "collect"),
    "lazy in transform": (
        after("transform", pl.LazyFrame({"a": [1, 2]}), pl.DataFrame({"a": [1, 2]})),
        "collect",
    ),
    "pandas with dates": (fit(FRAME.assign(day=pd.Timestamp(0))), r"\['day'\]"),
    "polars with texts": (
        fit(pl.DataFrame({"a": [1, 2], "city": ["x", "y"]}), modality=NUMBERS),
        r"\['city'\]",
    ),
    "infinite in transform": (after("transform", INF), "infinity"),
    "texts in transform": (after("transform", FRAME.assign(d="x"), FRAME), r"in fit: \['d'\]"),
    "categories that are not there": (
        fit(FRAME, modality=Tabular(categorical_features=["e"])),
        r"lacks: \['e'\]",
    ),
    "categories of a wrong length": (fit(X, modality=Tabular(categorical_features=[True])), "4 columns"),
    "categories beyond the columns": (fit(X, modality=Tabular(categorical_features=[4])), "from 0 to 3"),
    "categories by name of an array": (fit(X, modality=Tabular(categorical_features=["a"])), "from 0 to 3"),
    "categories by a wrong word": (fit(X, modality=Tabular(categorical_features="dtype")), "from_dtype"),
    "categories of a sparse matrix": (
        fit(sp.csr_array(X), modality=Tabular(categorical_features=[0])),
        "sparse matrix",
    ),
    "lists as categories": (
        fit(FRAME.assign(e=[[1]] * len(FRAME)), modality=Tabular(categorical_features=["e"])),
        r"\['e'\]",
    ),
    "lists in cells": (fit(FRAME.assign(e=[[1]] * len(FRAME))), r"\['e'\]"),
    "width in transform": (after("transform", X[:, :3]), "3 features.* 4 features"),
    "width of a list": (after("transform", X[:, :3].tolist()), "3 features.* 4 features"),
    "names in transform": (after("transform", FRAME.rename(columns={"d": "e"}), FRAME), "now missing"),
    "width in partial_fit": (after("partial_fit", X[:, :3]), "3 features.* 4 features"),
    "score of one row": (after("score", X[:1]), "at least 2 rows"),
    "pool of another width": (pool(X[:, :2]), "X_unlabeled of shape"),
    "pool without a column": (pool(FRAME.drop(columns="d"), FRAME), r"X_unlabeled lacks.*\['d'\]"),
    "pool of one length each": (pool([[1.0, 2.0], [3.0]]), "X_unlabeled must have rows of one length"),
    "pool with other names": (
        pool(pd.DataFrame(X, columns=[0, 1, 2, 9]), pd.DataFrame(X)),
        r"lacks columns that X has: \[3\]",
    ),
    "pool of polars texts": (
        pool(pl.DataFrame({"a": ["x", "y"]}), pl.DataFrame({"a": [1, 2]})),
        "types of X|not numbers",
    ),
    "infinite pool": (pool(INF), "infinity"),
    "pool of text": (pool("abc"), "X_unlabeled of shape"),
    "images of two sizes": (after("transform", GREY[:, :4], GREY, modality=Image()), r"\(8, 8\)"),
    "table as images": (image(RNG.normal(size=(5, 64))), r"Image\(shape=\(8, 8\)\)"),
    "shape that does not fit": (image(GREY.reshape(20, -1), shape=(8, 9)), r"\(8, 9\)"),
    "shape of four numbers": (image(GREY, shape=(1, 2, 3, 4)), r"\(h, w\)"),
    "negative shape": (image(GREY, shape=(-8, 8)), "positive integers"),
    "no axis for channels": (fit(np.ones((5, 7, 8, 9))), "channels='first'"),
    "two axes for channels": (fit(np.ones((5, 3, 8, 4))), "channels='first'"),
    "sparse images": (image(sp.csr_array(GREY.reshape(20, -1)), shape=(8, 8)), "dense"),
    "nan in images": (image(np.full((5, 8, 8), np.nan)), "NaN"),
}

BAD_PARAMETERS = {
    "n_components": (fit(X, n_components=-3), "n_components"),
    "batch_size of 0": (fit(X, batch_size=0), "batch_size"),
    "batch_size of 1": (fit(X, batch_size=1), "batch_size"),
    "max_epochs": (fit(X, max_epochs=-1), "max_epochs"),
    "half an epoch": (fit(X, max_epochs=1.5), "max_epochs"),
    "lr": (fit(X, lr=0), "lr"),
    "lr that is too high": (fit(X, lr=1e30, max_epochs=5), "Lower lr"),
    "temperature": (fit(X, temperature=0), "temperature"),
    "validation_fraction": (fit(X, early_stopping=True, validation_fraction=1.5), "validation_fraction"),
    "early_stopping": (fit(X[:3], early_stopping=True), "lower validation_fraction"),
    "random_state": (fit(X, random_state="a"), "random_state"),
    "modality of no such name": (fit(X, modality="table"), r"Tabular\(\), Text\(\), Image\(.* or Audio\("),
    "modality as a class": (fit(GREY, modality=Image), r"Tabular\(\), Text\(\), Image\(.* or Audio\("),
    "device that is not here": (fit(X, device="cuda:99"), "device='auto'"),
    "device of no such name": (fit(X, device="gpu"), "device='auto'"),
    "precision": (fit(X, precision="half"), "precision"),
    "callbacks": (fit(X, callbacks=["progress"]), "skorch.callbacks.Callback"),
    "encoder of no such name": (fit(X, encoder="resnet"), "'auto', 'mlp'"),
    "encoder for tables, on images": (fit(GREY, modality=Image(), encoder="mlp"), "'auto', 'convnet'"),
    "encoder as a class": (fit(X, encoder=nn.Linear), "encoder"),
    "encoder with three axes": (fit(X, encoder=Cube()), r"\(n, d\).*\(3, 1, 4\)"),
    "encoder that crashes": (fit(X, encoder=Crash()), "encoder=Crash.*on fire"),
    "encoder that crashes in training": (fit(X, encoder=Crash(True)), "encoder=Crash.*on fire"),
    "encoder in float64": (fit(X, encoder=Apply(torch.Tensor.double)), "float32"),
    "encoder that drops rows": (fit(X, encoder=Apply(lambda x: x[:2])), r"\(n, d\)"),
    "encoder that gives nan": (fit(X, encoder=Apply(lambda x: x / 0)), "finite"),
    "features without end": (fit(X, n_components=10**11), "Lower n_components"),
    "device without data": (fit(X, device="meta"), "device='auto'"),
    "encoder of the wrong width": (fit(X, encoder=nn.Linear(5, 3)), "encoder=Linear fails"),
    "encoder against n_components": (fit(X, encoder=nn.Linear(4, 3), n_components=2), "n_components=None"),
    "corruption_rate": (fit(X, modality=Tabular(corruption_rate=2)), "corruption_rate"),
    "clip": (fit(X, modality=Tabular(clip=-1)), "clip"),
    "crop_scale": (image(GREY, crop_scale=(0, 2)), "crop_scale"),
    "crop_scale of text": (image(GREY, crop_scale=(0.5, "a")), "crop_scale"),
    "intensity": (image(GREY, intensity=-1), "intensity"),
    "not fitted": (lambda: new().transform(X), "not fitted"),
    "save before fit": (lambda: new().save("nowhere"), "not fitted"),
    "load of nothing": (lambda: sklearn_ssl.load("nowhere"), "not a folder that save wrote"),
}


@pytest.mark.parametrize(
    "call, message", [*BAD_DATA.values(), *BAD_PARAMETERS.values()], ids=[*BAD_DATA, *BAD_PARAMETERS]
)
def test_bad_input(call, message):
    """Ours is every error whose advice is matched; none comes out of torch's or skorch's own code."""
    with pytest.raises((ValueError, TypeError), match=f"(?s){message}"):
        call()


def test_short_floats_are_taken():
    assert new(n_components=4).fit_transform(torch.tensor(X).bfloat16()).shape == (30, 4)


@pytest.mark.skipif(not hasattr(pl, "Int128"), reason="this version of polars has no such numbers")
def test_numbers_of_128_bits_are_taken():
    wide = pl.DataFrame(
        {"a": pl.Series(range(9), dtype=pl.Int128), "b": pl.Series([2**100] * 9, dtype=pl.Int128)}
    )
    est = new(n_components=4).fit(wide)
    assert est.modality_.mean_[0] == 4
    assert est.transform(wide).shape == (9, 4)


def test_after_a_failed_training_there_are_no_features():
    est = new(lr=1e30, max_epochs=5)
    with pytest.raises(ValueError, match="Lower lr"):
        est.fit(X)
    assert not [name for name in vars(est) if name.endswith("_") and not name.startswith("_")]
    with pytest.raises(ValueError, match="not fitted"):
        est.transform(X)


@pytest.mark.parametrize(
    "params, data",
    [({"early_stopping": True}, X[:3]), ({}, INF), ({}, FRAME.assign(day=pd.Timestamp(0)))],
    ids=["too few", "infinite", "dates"],
)
def test_a_refit_that_is_refused_leaves_the_estimator_as_it_was(params, data):
    est = new().fit(FRAME)
    before, Z = joblib.hash(est), est.transform(FRAME)
    with pytest.raises(ValueError):
        est.set_params(**params).fit(data)
    assert (est.transform(FRAME) == Z).all()
    assert joblib.hash(est.set_params(**new().get_params())) == before


def test_training_on_that_goes_astray_is_undone():
    est = new(max_epochs=2, warm_start=True).fit(X)
    Z = est.transform(X)
    with pytest.raises(ValueError, match="Lower lr"):
        est.set_params(lr=1e30, max_epochs=5).fit(X)
    assert (est.transform(X) == Z).all()
    assert len(est.history_) == 2
    with pytest.raises(ValueError, match="at least 2 rows"):
        est.partial_fit(X[:1])
    est.set_params(lr=1e-3).partial_fit(X)
    assert len(est.history_) == 3
    assert np.isfinite(est.transform(X)).all()


def test_an_encoder_that_drops_rows_later_is_caught():
    est = new(encoder=Apply(lambda x: x[:10]), max_epochs=0).fit(X)
    with pytest.raises(ValueError, match="Do not drop or mix rows"):
        est.transform(X)
