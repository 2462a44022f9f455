"""Decoded rows are like the user's: the container, the names, the types and the range of fit."""

import json
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn

import sklearn_ssl
from sklearn_ssl import AutoencoderPretrainer, GANPretrainer, VAEPretrainer
from sklearn_ssl.modalities import Image, Tabular

N = 60
RNG = np.random.default_rng(0)
WORDS = RNG.choice(["a", "b"], N)
SMALL = RNG.integers(0, 5, N)
HOLES = [None, *SMALL[1:].tolist()]
PANDAS = pd.DataFrame(
    {
        "price": RNG.normal(20, 5, N),
        "weight": RNG.normal(size=N).astype(np.float32),
        "tickets": SMALL,
        "pixel": RNG.integers(200, 256, N).astype(np.uint8),
        "huge": np.array([2**63 - 1, -(2**63)] * (N // 2)),
        "flag": RNG.random(N) < 0.3,
        "maybe": pd.array([None, *(RNG.random(N - 1) < 0.3)], dtype="boolean"),
        "visits": pd.array(HOLES, dtype="Int64"),
        "grade": pd.array(SMALL, dtype="UInt8"),
        "share": pd.array(RNG.random(N), dtype="Float32"),
        "whole floats": [np.nan, *SMALL[1:].astype(float)],
        "zone": WORDS,
        "string": pd.array(WORDS, dtype="string"),
        "objects": pd.Series(WORDS.tolist(), dtype=object),
        "size": pd.Categorical(WORDS, categories=["b", "a", "never"], ordered=True),
        "codes": pd.Categorical(SMALL),
        "object flags": pd.Series([None, *(RNG.random(N - 1) < 0.5).tolist()], dtype=object),
        "object counts": pd.Series(SMALL.tolist(), dtype=object),
        "nothing": [np.nan] * N,
    }
)
POLARS = pl.DataFrame(
    {
        "price": RNG.normal(20, 5, N),
        "weight": pl.Series(RNG.normal(size=N)).cast(pl.Float32),
        "tickets": SMALL,
        "byte": pl.Series(SMALL).cast(pl.Int8),
        "unsigned": pl.Series(SMALL).cast(pl.UInt64),
        "flag": RNG.random(N) < 0.3,
        "visits": pl.Series(HOLES),
        "cost": pl.Series(SMALL).cast(pl.Decimal(10, 2)),
        "zone": WORDS,
        "category": pl.Series(WORDS).cast(pl.Categorical),
        "size": pl.Series(WORDS).cast(pl.Enum(["b", "a", "never"])),
        "nothing": pl.Series([None] * N),
    }
)
FRAMES = pytest.mark.parametrize("frame", [PANDAS, POLARS], ids=["pandas", "polars"])


def quick(cls=VAEPretrainer, **params):
    return cls(n_components=4, max_epochs=1, random_state=0, on_collapse="ignore", **params)


def rows_of(est, X, n=40):
    return est.sample(n) if hasattr(est, "sample") else est.inverse_transform(est.transform(X[:n]))


def types_of(frame):
    return dict(zip(frame.columns, frame.dtypes, strict=True))


@pytest.mark.filterwarnings("ignore:Column")
@FRAMES
@pytest.mark.parametrize("cls", [AutoencoderPretrainer, VAEPretrainer, GANPretrainer])
def test_a_frame_comes_back_with_names_types_and_ranges(cls, frame):
    rows = rows_of(quick(cls).fit(frame), frame)
    assert type(rows) is type(frame) and len(rows) == 40
    assert types_of(rows) == types_of(frame)
    for name in frame.columns:
        cells, seen = (pd.Series(x[name].to_list(), dtype=object).dropna() for x in (rows, frame))
        assert len(cells) == (0 if name == "nothing" else 40)
        if all(isinstance(value, str) for value in seen):
            assert set(cells) <= set(seen)
            continue
        assert ((cells >= seen.min()) & (cells <= seen.max())).all()
        if (seen == seen.astype(int)).all():
            assert (cells == cells.astype(int)).all()


@FRAMES
def test_a_frame_of_numbers_comes_back_as_one(frame):
    numbers = frame[["price", "tickets", "flag"]]
    est = quick().fit(numbers)
    back = est.inverse_transform(est.transform(numbers))
    assert type(back) is type(frame) and types_of(back) == types_of(numbers)
    plain = est.set_output(transform="default").sample(5)
    assert type(plain) is np.ndarray and plain.dtype == np.float64
    assert (plain[:, 1] % 1 != 0).any() and (plain[:, 2] % 1 != 0).any()  # a probability, as before


@pytest.mark.filterwarnings("ignore:Column")
@FRAMES
def test_saved_and_pickled_estimators_give_back_the_same(frame, tmp_path):
    est = quick().fit(frame)
    est.save(tmp_path)
    for other in (sklearn_ssl.load(tmp_path), pickle.loads(pickle.dumps(est))):
        assert other.sample(9).equals(est.sample(9))
        assert types_of(other.sample(9)) == types_of(frame)


@FRAMES
def test_folders_of_earlier_versions_give_arrays(frame, tmp_path):
    est = quick().fit(frame[["price", "tickets", "zone"]])
    est.save(tmp_path)
    file = tmp_path / "config.json"
    config = json.loads(file.read_text())
    del config["digests"]
    for name in ("frame_", "range_", "whole_"):
        del config["modality"]["fitted"]["dict"][name]
    file.write_text(json.dumps(config))
    rows = sklearn_ssl.load(tmp_path).sample(9)
    assert type(rows) is np.ndarray and rows.dtype == object
    assert any(value % 1 for value in rows[:, 1])
    assert list(sklearn_ssl.load(tmp_path).set_output(transform="pandas").sample(9)) == [
        "price",
        "tickets",
        "zone",
    ]


@pytest.mark.filterwarnings("ignore:Column")
@FRAMES
def test_set_output_chooses_the_container(frame):
    est = quick().fit(frame)
    own, types = est.sample(9), {"pandas": pd.DataFrame, "polars": pl.DataFrame}
    for library, kind in types.items():
        rows = est.set_output(transform=library).sample(9)
        assert type(rows) is kind and list(rows.columns) == list(frame.columns)
        for name in ("tickets", "flag", "zone", "price", "weight", "visits"):
            assert rows[name].to_list() == own[name].to_list()
        assert "bool" in str(rows["flag"].dtype).lower() and "int" in str(rows["tickets"].dtype).lower()
        assert "float32" in str(rows["weight"].dtype).lower() and "cat" in str(rows["size"].dtype).lower()
    array = est.set_output(transform="default").sample(9)
    assert type(array) is np.ndarray and array.dtype == object
    assert type(array[0, 2]) is int and type(array[0, 5]) is bool
    with sklearn.config_context(transform_output="pandas"):
        assert type(quick().fit(frame).sample(2)) is pd.DataFrame


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array], ids=["array", "sparse"])
def test_arrays_of_numbers_stay_arrays(container):
    X = RNG.integers(0, 9, (N, 3)) * 1.0
    est = quick().fit(container(X))
    rows = est.sample(9)
    assert type(rows) is np.ndarray and rows.dtype == np.float64 and (rows % 1 != 0).any()
    frame = est.set_output(transform="pandas").sample(9)
    assert list(frame) == ["x0", "x1", "x2"] and (frame % 1 == 0).all(axis=None)
    np.testing.assert_allclose(frame, rows, atol=0.5)
    assert est.set_output(transform="polars").sample(2).columns == ["x0", "x1", "x2"]


def test_an_array_of_objects_stays_one_with_whole_numbers():
    X = PANDAS[["price", "tickets", "zone", "object flags"]].to_numpy(dtype=object)
    est = quick(modality=Tabular(categorical_features=[2])).fit(X)
    rows = est.sample(20)
    assert type(rows) is np.ndarray and rows.dtype == object
    assert [type(value) for value in rows[0]] == [float, int, str, bool]
    assert all(0 <= value <= 4 for value in rows[:, 1])
    assert (rows[:, 0].astype(float) <= X[:, 0].max()).all()
    frame = est.set_output(transform="pandas").sample(20)
    assert [str(kind) for kind in frame.dtypes.iloc[[0, 1, 3]]] == ["float64", "int64", "bool"]


@pytest.mark.filterwarnings("ignore:Column")
@FRAMES
def test_a_pool_does_not_change_the_types(frame):
    rows = quick().fit(frame[:40], X_unlabeled=frame[40:]).sample(5)
    assert types_of(rows) == types_of(frame)


def test_categories_that_are_no_plain_values_become_texts():
    frame = PANDAS[["price", "tickets"]].assign(part=pd.cut(PANDAS["price"], 3))
    rows = quick().fit(frame).sample(5)
    assert set(rows["part"]) <= {str(interval) for interval in frame["part"].cat.categories}


def test_images_stay_arrays():
    X = RNG.random((20, 64))
    est = quick(modality=Image(shape=(8, 8))).fit(X).set_output(transform="pandas")
    assert type(est.sample(2)) is np.ndarray
