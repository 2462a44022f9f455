"""Deployed graphs: the same numbers, in a process without torch; and what is said where there is no graph."""

import json
import subprocess
import sys
import warnings

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import skops.io
import torch
from methods import KINDS, METHODS
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from torch import nn

from sklearn_ssl import (
    ContrastivePretrainer,
    DistillationClassifier,
    FineTuneClassifier,
    FineTuneRegressor,
    LabeledOnly,
    MaskedPretrainer,
    SelfOrganizingMap,
    VAEPretrainer,
)
from sklearn_ssl.encoders import TemporalConvNet
from sklearn_ssl.export import network_inputs, to_onnx
from sklearn_ssl.modalities import Image, Series, Tabular, Text

RNG = np.random.default_rng(0)
Y = np.arange(60) % 3
# holes, tiny and huge scales, a date in seconds, a constant, an empty and a binary column
X = RNG.normal(size=(60, 8)) * [1, 1e-9, 1e12, 1e6, 1, 1, 1, 1] + [0, 0, 0, 1.7e9, 0, 0, 0, 0]
X[:, 0] += Y
X[:, 4], X[:, 5], X[::5, 6], X[:, 7] = 2.5, np.nan, np.nan, np.arange(60) % 2
# and what fit did not see: far values, a hole where there was none, values in columns that told nothing
NEW = X.copy()
NEW[0], NEW[1, 0], NEW[2, 4] = [1e9, 5, 0, 7, 3, 4, np.nan, 1], np.nan, np.nan
SHORT = {"max_epochs": 1, "random_state": 0, "batch_size": 64}
TINY = {"n_components": 4, **SHORT}
PICTURES = RNG.integers(0, 255, (20, 6, 5, 3)).astype(np.uint8)
SERIES = RNG.normal(size=(20, 2, 12))
SERIES[::5, :, 9:], SERIES[3, 0, 4], SERIES[4, 0] = np.nan, np.nan, np.nan


def quietly(call, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return call(*args)


def run(model, feed):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    outputs = [value.name for value in session.get_outputs()]
    return dict(zip(outputs, session.run(None, feed), strict=True))


def assert_same(got, want):
    want = np.asarray(want)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-4 * want.std())


CODES = X.copy()
CODES[:, 0], CODES[0, 0], CODES[:, 1], CODES[3:6, 1], CODES[:, 2] = (
    np.arange(60) % 4,
    77,
    np.arange(60) % 2,
    np.nan,
    5,
)
OTHER = CODES.copy()
OTHER[0, :2], OTHER[1, 0], OTHER[:3, 2], OTHER[3, 5] = [99, 42], np.nan, [9, np.nan, 5], 1


@pytest.mark.parametrize(
    "modality, rows, new",
    [
        (Tabular(), X, NEW),
        (Tabular(clip=1.0), X[:, :4], X[:, :4].astype(np.float32)),
        (Tabular(), PICTURES.reshape(20, -1), PICTURES.reshape(20, -1)),
        (Tabular(categorical_features=[0, 1, 2, 5]), CODES, OTHER),
        (Tabular(categorical_features=[0, 1, 2]), CODES[:, :3], OTHER[:, :3]),
        *((Image(), rows, rows) for rows in (PICTURES, PICTURES.transpose(0, 3, 1, 2), PICTURES[..., 0])),
        (Image(shape=(6, 5)), PICTURES[..., 0].reshape(20, -1), PICTURES[..., 0].reshape(20, -1)),
        *((Series(scale=scale), SERIES, SERIES) for scale in ("channel", "series", "global")),
        *((Series(scale=s), SERIES[:4, 1], SERIES[:, 1]) for s in ("channel", "series")),
        (Series(scale="series"), np.where(SERIES > 9, 0, SERIES) * [[1], [0]] + 3, SERIES),
    ],
    ids=lambda value: type(value).__name__,
)
def test_preparation_is_that_of_the_modality(modality, rows, new):
    quietly(modality.fit, rows)
    want = quietly(modality.validate, new)[np.arange(len(new))]
    got = modality.preparation()(torch.from_numpy(new))
    pairs = [(want, got)] if isinstance(want, torch.Tensor) else zip(want, got, strict=True)
    for a, b in pairs:
        a = a[:, : b.shape[1]] if a.ndim > 1 else a  # the store pads series
        assert a.dtype == b.dtype
        torch.testing.assert_close(b, a, rtol=1e-6, atol=1e-6)


@pytest.fixture(scope="module")
def deployed():
    """A pipeline of holes and odd columns, and its graph."""
    clf = LabeledOnly(LogisticRegression())
    pipe = make_pipeline(ContrastivePretrainer(**TINY), StandardScaler(), clf)
    quietly(pipe.fit, X, np.where(Y == 0, "a", np.where(Y == 1, "b", None)))
    return pipe, to_onnx(pipe, X[:1])


def test_a_pipeline_predicts_without_torch(deployed, tmp_path):
    pipe, model = deployed
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    np.save(tmp_path / "X.npy", NEW)
    script = """
import json, sys
import numpy as np
import onnxruntime
session = onnxruntime.InferenceSession("model.onnx")
X = np.load("X.npy")
label, probabilities = session.run(["label", "probabilities"], {"X": X})
alone = np.concatenate([session.run(["probabilities"], {"X": X[[i]]})[0] for i in range(5)])
known = [name for name in ("torch", "sklearn", "sklearn_ssl") if name in sys.modules]
print(json.dumps([label.tolist(), probabilities.tolist(), alone.tolist(), known]))
"""
    command = [sys.executable, "-W", "error", "-c", script]
    told = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    label, probabilities, alone, known = json.loads(told)
    assert known == []
    assert label == quietly(pipe.predict, NEW).tolist()
    assert_same(np.array(probabilities), quietly(pipe.predict_proba, NEW))
    np.testing.assert_allclose(alone, probabilities[:5], atol=1e-6)


def test_inputs_keep_the_type_of_the_example_and_rows_are_free(deployed):
    (value,) = deployed[1].graph.input
    sides = value.type.tensor_type.shape.dim
    assert value.name == "X" and value.type.tensor_type.elem_type == 11  # float64
    assert not sides[0].dim_value and sides[1].dim_value == 8


def test_images(tmp_path):
    ssl = ContrastivePretrainer(encoder=nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten()), **SHORT)
    ssl.fit(PICTURES)
    model = to_onnx(ssl, PICTURES[:1])
    Z = run(model, {"X": PICTURES})["variable"]
    assert Z.dtype == np.float32
    assert_same(Z, ssl.transform(PICTURES))


@pytest.mark.slow
def test_series():
    encoder = TemporalConvNet(n_channels=2, n_components=3, width=4, depth=1)
    ssl = ContrastivePretrainer(modality=Series(), encoder=encoder, **SHORT).fit(np.nan_to_num(SERIES))
    assert_same(run(to_onnx(ssl, SERIES[:1]), {"X": SERIES})["variable"], ssl.transform(SERIES))


def test_inputs_of_networks():
    for name in ("text", "audio", "series", "mixed"):
        kind = KINDS[name]
        ssl = quietly(ContrastivePretrainer(modality=kind.modality, max_epochs=0).fit, kind.X)
        feed = quietly(network_inputs, ssl, kind.X[:7])
        assert len({len(part) for part in feed.values()}) == 1 and "extras" not in feed
        assert all(0 not in part.shape for part in feed.values())
    with pytest.raises(TypeError, match="begin with an estimator with a network, but with StandardScaler"):
        network_inputs(make_pipeline(StandardScaler(), Ridge()).fit(CODES[:, :1], Y), CODES[:, :1])


class Odd(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.n_ = 1
        return self

    def transform(self, X):
        return X


def test_what_has_no_graph():
    fitted = ContrastivePretrainer(max_epochs=0)
    texts = ["a b", "b c", "c a"] * 5
    frame = pd.DataFrame({"number": np.arange(20.0), "city": ["x", "y"] * 10})
    with pytest.raises(NotFittedError):
        to_onnx(fitted, X)
    with pytest.raises(TypeError, match=r"^Text prepares rows in Python.* preprocessing=False"):
        to_onnx(fitted.fit(texts), texts)
    with pytest.raises(
        TypeError, match=r"^Columns \['city'\] have categories that are texts.* OneHotEncoder"
    ):
        to_onnx(fitted.fit(frame), frame)
    fitted = quietly(fitted.fit, X)
    pictures = ContrastivePretrainer(modality=Image(), max_epochs=0).fit(PICTURES)
    with pytest.raises(
        ValueError, match=r"of shape \(1, 3, 5, 3\), and the graph takes numbers of shape \(n, 6, 5, 3\)"
    ):
        to_onnx(pictures, PICTURES[:1, :3])
    with pytest.raises(ValueError, match="X has 3 features"):
        to_onnx(make_pipeline(fitted), X[:1, :3])
    for odd in (Odd().fit(X), SelfOrganizingMap(max_epochs=1).fit(X[:, :4])):
        with pytest.raises(
            ValueError, match=f"{type(odd).__name__} cannot be written as an ONNX graph. skl2onnx"
        ):
            to_onnx(odd, X[:, :4])


@pytest.mark.slow
def test_a_network_that_depends_on_its_rows():
    class Fickle(nn.Module):
        def forward(self, x):
            return x * 2 if x.sum() > 0 else x

    ssl = ContrastivePretrainer(encoder=Fickle(), max_epochs=0).fit(X[:, :4])
    with pytest.raises(ValueError, match="The network of ContrastivePretrainer cannot be written") as told:
        to_onnx(ssl, X[:1, :4])
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["onnx", "onnxscript", "skl2onnx"])
def test_a_missing_library_is_named(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=rf"{name} is not installed: pip install 'sklearn-ssl\[onnx\]'"):
        to_onnx(quietly(ContrastivePretrainer(max_epochs=0).fit, X), X)


SOON = ("contrastive", "segment order")


@pytest.mark.parametrize(
    "name", [name if name in SOON else pytest.param(name, marks=pytest.mark.slow) for name in METHODS]
)
def test_skops_keeps_whole_pipelines(name):
    method = METHODS[name]
    kind = KINDS[method.kinds[0]]
    rows = kind.X[:40]
    ssl = method(modality=kind.modality, max_epochs=0, n_components=4)
    pipe = quietly(make_pipeline(ssl, LogisticRegression()).fit, rows, np.arange(40) % 2)
    data = skops.io.dumps(pipe)
    trusted = skops.io.get_untrusted_types(data=data)
    assert all(name.startswith(("sklearn_ssl.", "torch.nn.modules.", "methods.")) for name in trusted), (
        trusted
    )
    loaded = skops.io.loads(data, trusted=trusted)
    assert np.array_equal(loaded.predict_proba(rows), pipe.predict_proba(rows))
    assert loaded[0].score(rows) == pipe[0].score(rows)


CASES = {
    "vae": (VAEPretrainer(**TINY), None),
    "classes": (
        FineTuneClassifier(MaskedPretrainer(**TINY), tune="head", **SHORT),
        np.array(["x", "y", "z"])[Y],
    ),
    "numbers": (FineTuneRegressor(MaskedPretrainer(**TINY), tune="head", **SHORT), X[:, 0] * 3 + 100),
    "distilled": (DistillationClassifier(RandomForestClassifier(5, random_state=0), **SHORT), Y),
    "frozen": (make_pipeline(FrozenEstimator(ContrastivePretrainer(**TINY).fit(X[:, :4])), Ridge()), X[:, 0]),
    "labels": (make_pipeline(ContrastivePretrainer(**TINY), LinearSVC()), Y),
    "union": (
        make_pipeline(
            make_union(ContrastivePretrainer(**TINY), MaskedPretrainer(**TINY), "passthrough"),
            SelectKBest(k=5),
            LogisticRegression(max_iter=1000),
        ),
        Y,
    ),
    "search": (
        GridSearchCV(make_pipeline(ContrastivePretrainer(**TINY), Ridge()), {"ridge__alpha": [1]}, cv=2),
        Y,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_estimators_and_pipelines(name):
    estimator, y = CASES[name]
    rows = X[:, :4].copy()
    rows[:, 2:] = RNG.normal(size=(60, 2))
    estimator.fit(rows, y)
    out = run(to_onnx(estimator, rows[:2]), {"X": rows})
    if "label" in out:
        assert out["label"].tolist() == estimator.predict(rows).tolist()
    if hasattr(estimator, "predict_proba"):
        assert_same(out["probabilities"], estimator.predict_proba(rows))
    elif not hasattr(estimator, "predict"):
        assert_same(out["variable"], estimator.transform(rows))
    elif "label" not in out:
        assert_same(out["variable"].ravel(), estimator.predict(rows))


@pytest.mark.slow
def test_columns_of_a_frame():
    frame = pd.DataFrame(RNG.normal(size=(60, 3)), columns=list("abc")).assign(
        city=np.array(["u", "v", "w"])[Y], count=np.arange(60) % 7
    )
    first = make_column_transformer((OneHotEncoder(), ["city", "count"]), (StandardScaler(), ["a", "b", "c"]))
    pipe = make_pipeline(first, ContrastivePretrainer(**TINY), LogisticRegression()).fit(frame, Y)
    feed = {name: frame[[name]].to_numpy() for name in frame}
    out = run(to_onnx(pipe, frame[:1]), feed)
    assert out["label"].tolist() == pipe.predict(frame).tolist()
    assert_same(out["probabilities"], pipe.predict_proba(frame))


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["bag", "convnet", "transformer"])
def test_networks_of_texts(encoder):
    kind = KINDS["text"]
    pipe = make_pipeline(
        ContrastivePretrainer(modality=Text(), encoder=encoder, **TINY), LogisticRegression()
    )
    pipe.fit(kind.X, np.arange(len(kind.X)) % 2)
    model = to_onnx(pipe, kind.X[:2], preprocessing=False)
    for rows in (kind.X, kind.X[:1]):  # other numbers of rows and of tokens
        assert_same(run(model, network_inputs(pipe, rows))["probabilities"], pipe.predict_proba(rows))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["audio", "mixed"])
def test_networks_alone(name):
    kind = KINDS[name]
    ssl = ContrastivePretrainer(modality=kind.modality, **TINY).fit(kind.X)
    model = to_onnx(ssl, kind.X[:2], preprocessing=False)
    assert_same(run(model, network_inputs(ssl, kind.X))["variable"], ssl.transform(kind.X))


@pytest.mark.slow
@pytest.mark.parametrize("scale, encoder", [("channel", "convnet"), ("series", "strided")])
def test_series_of_any_length(scale, encoder):
    rows = [*np.nan_to_num(SERIES), RNG.normal(size=(2, 30))]
    ssl = ContrastivePretrainer(modality=Series(scale=scale), encoder=encoder, **TINY).fit(rows)
    model = to_onnx(ssl, rows)
    for new in (SERIES, RNG.normal(size=(5, 2, 40))):
        assert_same(run(model, {"X": new})["variable"], ssl.transform(new))
