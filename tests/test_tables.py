"""Tables as people have them: categories, holes, strings, names."""

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import OneHotEncoder

import sklearn_ssl
from sklearn_ssl import (
    AutoencoderPretrainer,
    ContrastivePretrainer,
    GANPretrainer,
    MaskedPretrainer,
    VAEPretrainer,
)
from sklearn_ssl.modalities import Tabular
from sklearn_ssl.modalities.tabular._categories import encode, factorize, find_categories
from sklearn_ssl.modalities.tabular._cells import Cells, replace_cells

N = 120
RNG = np.random.default_rng(0)
COLUMNS = {
    "age": RNG.normal(40, 10, N),
    "job": RNG.choice(["clerk", "cook", "nurse"], N),
    "children": RNG.integers(0, 4, N),
    "smokes": RNG.random(N) < 0.3,
    "size": RNG.choice(["S", "M", "L"], N),
    "income": np.exp(RNG.normal(10, 1, N)),
}
COMPLETE = pd.DataFrame(COLUMNS).astype({"size": "category"})
PEOPLE = COMPLETE.copy()
PEOPLE.loc[::5, "age"] = np.nan
PEOPLE.loc[3::7, "job"] = None
PEOPLE.loc[0, "size"] = None
POLARS = pl.DataFrame(
    {
        name: pl.Series(name, [None if pd.isna(v) else v for v in PEOPLE[name].tolist()])
        for name in PEOPLE.columns
    }
).with_columns(pl.col("size").cast(pl.Categorical))


def quick(cls=ContrastivePretrainer, **params):
    return cls(**{"max_epochs": 2, "random_state": 0, "batch_size": 64, **params})


def test_a_batch_says_what_is_in_the_frame():
    modality = Tabular().fit(PEOPLE)
    assert modality.numeric_.tolist() == [0, 2, 3, 5] and modality.categorical_.tolist() == [1, 4]
    assert modality.categories_ == (("clerk", "cook", "nurse"), ("L", "M", "S"))
    assert not modality.has_rare_.any()
    batch = modality.validate(PEOPLE)[np.arange(N)]
    assert batch.shape == (N, 4 + 3 + 3 + 3) and batch.isfinite().all()
    age, job, size = PEOPLE.age.to_numpy(), PEOPLE.job.to_numpy(), PEOPLE["size"].to_numpy()
    numbers, indicators, (jobs, sizes) = modality.cells.parts(batch)
    assert (numbers[:, 0].numpy() == 0)[np.isnan(age)].all()
    expected = np.arcsinh((age - np.nanmean(age)) / np.nanstd(age))
    np.testing.assert_allclose(numbers[:, 0].numpy()[~np.isnan(age)], expected[~np.isnan(age)], atol=1e-6)
    assert indicators.numpy().tolist() == np.c_[np.isnan(age), pd.isna(job), pd.isna(size)].tolist()
    assert jobs.numpy().tolist() == np.c_[job == "clerk", job == "cook", job == "nurse"].tolist()
    assert sizes.numpy().tolist() == np.c_[size == "L", size == "M", size == "S"].tolist()


def test_pandas_and_polars_give_the_same_features():
    assert (quick().fit_transform(PEOPLE) == quick().fit_transform(POLARS)).all()
    enum = POLARS.with_columns(
        pl.col("size").cast(pl.Enum(["S", "M", "L"])), pl.col("job").cast(pl.Categorical)
    )
    assert (quick().fit_transform(PEOPLE) == quick().fit_transform(enum)).all()
    nullable = PEOPLE.convert_dtypes()
    assert (quick().fit_transform(PEOPLE) == quick().fit_transform(nullable)).all()
    ssl = quick().fit(POLARS)
    assert (ssl.transform(POLARS) == ssl.transform(PEOPLE)).all()


@pytest.mark.parametrize(
    "wanted", [[1, 4], ["job", "size"], [False, True, False, False, True, False], [-2, 1]]
)
def test_categories_can_be_named(wanted):
    found = Tabular(categorical_features=wanted).fit(PEOPLE)
    assert found.categorical_.tolist() == [1, 4]
    more = Tabular(categorical_features=["job", "size", "children"]).fit(PEOPLE)
    assert more.categories_[1] == (0, 1, 2, 3)
    if not isinstance(wanted[0], str):
        array = PEOPLE.to_numpy(dtype=object)
        by_position = Tabular(categorical_features=wanted).fit(array)
        batches = [m.validate(X)[np.arange(N)] for m, X in ((found, PEOPLE), (by_position, array))]
        assert (batches[0] == batches[1]).all()


def test_codes_in_an_array_can_be_categories():
    X = np.c_[RNG.normal(size=N), RNG.integers(0, 3, N), RNG.normal(size=N)]
    X[0, 1] = np.nan
    modality = Tabular(categorical_features=[1]).fit(X)
    assert modality.categories_ == ((0.0, 1.0, 2.0),)
    assert modality.validate(X)[np.arange(N)].shape == (N, 2 + 1 + 3)


@pytest.mark.parametrize(
    "cells, most, kept, has_rare",
    [
        (["a"] * 3 + ["b"] * 2, 5, ("a", "b"), False),
        (["a"] * 3 + ["b"] * 2 + ["c"], 5, ("a", "b"), True),  # one row only
        (["a"] * 3 + ["b"] * 2 + ["c"] * 4, 2, ("c",), True),  # the most frequent, and the rest as one
        (["a"] * 3 + ["b"] * 2 + ["c"] * 4, 3, ("a", "b", "c"), False),
        (["a", "b", "c"], 5, (), True),
        ([None, "a", "a", None], 5, ("a",), False),
        ([None, None], 5, (), False),
        ([10, 9, 10, 9, 1.5, 1.5, "x", "x"], 9, (1.5, 9, 10, "x"), False),
    ],
)
def test_rare_categories_are_one(cells, most, kept, has_rare):
    for column in (pd.Series(cells, dtype=object), np.array(cells, dtype=object)):
        assert find_categories(factorize(column), most) == (kept, has_rare)
        codes = encode(factorize(pd.Series([*cells, "new", None], dtype=object)), kept, has_rare)
        expected = [
            kept.index(c) if c in kept else np.nan if c is None or not has_rare else len(kept) for c in cells
        ]
        np.testing.assert_array_equal(codes[:-2], np.array(expected, dtype=float))
        np.testing.assert_array_equal(codes[-2:], [len(kept) if has_rare else np.nan, np.nan])


def test_unknown_categories_are_rare_where_there_are_rare_ones_and_else_missing():
    frame = COMPLETE.assign(town=[f"town {min(i % 50, 40)}" for i in range(N)])
    frame.loc[0, "town"] = "seen once"
    ssl = quick().fit(frame)
    new, once = frame.assign(town="never seen"), frame.assign(town="seen once")
    with pytest.warns(UserWarning, match=r"\['town'\]: most values, such as '(never seen|seen once)'"):
        assert (ssl.transform(new) == ssl.transform(once)).all()
    with pytest.warns(UserWarning, match=r"\['job'\] lack values, or hold unknown categories"):
        Z = ssl.transform(frame.assign(job="judge"))
    assert np.isfinite(Z).all() and (ssl.transform(frame) != Z).any()
    with pytest.warns(UserWarning, match=r"\['age'\] lack values"):
        Z = ssl.transform(frame.assign(age=np.nan))
    assert np.isfinite(Z).all()
    with pytest.warns(UserWarning, match=r"Columns \[2\] lack values"):
        quick().fit(load_iris().data).transform(np.where(np.arange(4) == 2, np.nan, load_iris().data))


def test_a_missing_cell_is_told_from_the_mean():
    """Other than filled in, a hole changes the features of a row whose value is the mean."""
    ssl = quick().fit(PEOPLE)
    mean = PEOPLE.assign(age=PEOPLE.age.mean())
    hole = PEOPLE.assign(age=np.nan)
    assert np.abs(ssl.transform(mean) - ssl.transform(hole)).max() > 0.1


def test_views_respect_categories():
    """What a second view has in a cell is what some row has there, all of it; cells go one by one."""
    modality = Tabular(corruption_rate=0.5).fit(PEOPLE)
    batch = modality.validate(PEOPLE)[np.arange(N)]
    torch.manual_seed(0)
    _, view = modality.views(batch)
    _, _, blocks = modality.cells.parts(view)
    indicators = modality.cells.parts(view)[1]
    for block, missing in zip(blocks, indicators.T[1:], strict=True):
        assert ((block == 0) | (block == 1)).all() and (block.sum(1) == 1 - missing).all()
    rows = {tuple(row) for row in batch[:, [0, 4]].tolist()}  # ages, and whether there is one
    assert {tuple(row) for row in view[:, [0, 4]].tolist()} <= rows
    changed, hidden = modality.mask(batch, 0.5)
    assert hidden.shape == (N, 6) and 0.4 < hidden.float().mean() < 0.6
    owners = modality.cells.owners()
    assert (changed == batch)[~hidden[:, owners]].all()


def test_pure_numbers_are_replaced_as_ever():
    x = torch.randn(50, 4)
    torch.manual_seed(0)
    plain = replace_cells(x, 0.3)
    torch.manual_seed(0)
    owned = replace_cells(x, 0.3, Cells(4, (), ()))
    assert all((a == b).all() for a, b in zip(plain, owned, strict=True))


def test_errors_of_cells_are_those_of_a_loop():
    modality = Tabular().fit(PEOPLE)
    x = modality.validate(PEOPLE)[np.arange(N)]
    decoder = modality.decoder(7)
    output = torch.randn(N, modality.cells.width)
    numbers, indicators, blocks = modality.cells.parts(x)
    odds, _, logits = modality.cells.parts(output)
    binary, missing = modality.binary_, modality.missing_
    expected = np.zeros((N, 6))
    for i in range(N):
        for j in range(4):
            lost = j == 0 and indicators[i, 0] == 1
            if binary[j]:
                p = 1 / (1 + np.exp(-float(odds[i, j])))
                error = -np.log(p if numbers[i, j] > 0 else 1 - p)
            else:
                error = float(odds[i, j] - numbers[i, j]) ** 2
            expected[i, j] = 0 if lost else error / (1 - missing[j])
        for j in range(2):
            if blocks[j][i].sum():
                p = np.exp(logits[j][i].numpy()) / np.exp(logits[j][i].numpy()).sum()
                expected[i, 4 + j] = -np.log(p[int(blocks[j][i].argmax())]) / (1 - missing[4 + j])
    np.testing.assert_allclose(decoder.loss(output, x).detach().numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("frame", [PEOPLE, POLARS], ids=["pandas", "polars"])
@pytest.mark.parametrize("cls", [AutoencoderPretrainer, VAEPretrainer, GANPretrainer])
def test_rows_come_back_with_their_categories(cls, frame):
    est = quick(cls, max_epochs=1).fit(frame)
    rows = est.inverse_transform(est.transform(frame)) if cls is not GANPretrainer else est.sample(50)
    assert type(rows) is type(frame) and list(rows.columns) == list(frame.columns)
    assert set(rows["job"]) <= {"clerk", "cook", "nurse"} and set(rows["size"]) <= {"S", "M", "L"}
    assert all(np.isfinite(rows[name].to_numpy()).all() for name in ("age", "children", "smokes", "income"))


def test_an_autoencoder_rebuilds_categories():
    n = 400
    job = RNG.choice(["clerk", "cook", "nurse"], n)
    wage = pd.Series(job).map({"clerk": 1.0, "cook": 5.0, "nurse": 9.0}).to_numpy() + RNG.normal(0, 0.1, n)
    frame = pd.DataFrame({"job": job, "wage": wage, "dress": np.char.add("for a ", job)})
    ae = AutoencoderPretrainer(noise=0.0, n_components=8, max_epochs=60, random_state=0).fit(frame)
    rows = ae.inverse_transform(ae.transform(frame))
    assert (rows["job"] == job).mean() > 0.95 and (rows["dress"] == frame.dress).mean() > 0.95
    assert np.abs(rows["wage"] - wage).mean() < 1  # the mean would be off by 2.7


@pytest.mark.parametrize("target", ["value", "bin"])
def test_masked_learns_to_predict_categories(target):
    ssl = quick(MaskedPretrainer, target=target, mask_weight=0.5, max_epochs=30).fit(PEOPLE)
    losses = [row["train_target"] for row in ssl.history_]
    assert np.mean(losses[-3:]) < 0.9 * losses[0]


def test_save_load_and_clone_keep_categories(tmp_path):
    frame = PEOPLE.assign(part=pd.cut(PEOPLE.income, 3))  # intervals
    ssl = quick(AutoencoderPretrainer).fit(frame)
    ssl.save(tmp_path / "ae")
    loaded = sklearn_ssl.load(tmp_path / "ae")
    assert (loaded.transform(frame) == ssl.transform(frame)).all()
    assert loaded.modality_.categories_ == ssl.modality_.categories_
    Z = ssl.transform(frame)
    pd.testing.assert_frame_equal(loaded.inverse_transform(Z), ssl.inverse_transform(Z))


def test_columns_go_by_name_as_in_scikit_learn():
    ssl = quick().fit(PEOPLE)
    with pytest.raises(ValueError, match="same order as they were in fit"):
        ssl.transform(PEOPLE[PEOPLE.columns[::-1]])
    with pytest.raises(ValueError, match="unseen at fit time"):
        ssl.transform(PEOPLE.rename(columns={"age": "years"}))


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.date_range("2020-01-01", periods=N)),
        pd.Series(pd.date_range("2020-01-01", periods=N).date),
        pd.Series(pd.timedelta_range(0, periods=N)),
        pd.Series(pd.period_range("2020-01", periods=N, freq="M")),
        pl.Series([None] * (N - 1) + [1]).cast(pl.Date),
        pl.Series(range(N)).cast(pl.Duration("us")),
    ],
    ids=["days", "dates", "spans", "months", "polars days", "polars spans"],
)
def test_dates_are_refused_with_advice(column):
    frame = (
        POLARS.with_columns(column.alias("when"))
        if isinstance(column, pl.Series)
        else PEOPLE.assign(when=column)
    )
    with pytest.raises(ValueError, match=r"\['when'\].*days since"):
        quick().fit(frame)
    named = Tabular(categorical_features=["when"])
    with pytest.raises(ValueError, match=r"\['when'\].*days since"):
        quick(modality=named).fit(frame)


def test_a_pool_may_have_other_categories():
    pool = PEOPLE.assign(size=pd.Categorical(["XL"] * N), extra=1)
    ssl = quick().fit(PEOPLE, X_unlabeled=pool)
    assert ssl.modality_.categories_[1] == ("L", "M", "S", "XL")
    other = POLARS.with_columns(pl.lit("XL").alias("size"))
    texts = POLARS.with_columns(pl.col("size").cast(pl.String))
    for X in (POLARS, texts):
        assert quick().fit(X, X_unlabeled=other).modality_.categories_[1] == ("L", "M", "S", "XL")


def test_strange_columns_do_no_harm():
    frame = PEOPLE.assign(
        constant=1.0, one="same", twin=PEOPLE.income, empty=np.nan, none=None, huge=PEOPLE.income * 1e150,
        tail=np.exp(PEOPLE.age.fillna(0)), name=[f"person {i}" for i in range(N)],
    )  # fmt: skip
    for cls in (ContrastivePretrainer, MaskedPretrainer, VAEPretrainer):
        with pytest.warns(UserWarning) as caught:
            Z = quick(cls).fit_transform(frame)
        assert np.isfinite(Z).all() and np.abs(Z).max() < 1e4
        told = [str(warning.message).split(",")[0] for warning in caught]
        assert told == ["Columns ['empty'", "Column 'name' looks like identifiers"]


def test_only_categories():
    frame = PEOPLE[["job", "size"]]
    assert np.isfinite(quick(MaskedPretrainer).fit_transform(frame)).all()
    assert np.isfinite(quick(MaskedPretrainer, target="bin").fit_transform(frame)).all()
    assert quick(VAEPretrainer).fit(frame).sample(3).shape == (3, 2)
    with pytest.raises(ValueError):
        quick().fit(frame[:0])
    with pytest.raises(ValueError, match="at least 2 rows"):
        quick().fit(frame[:1])


@pytest.mark.parametrize("encoder", [TfidfVectorizer(), OneHotEncoder()], ids=["tf-idf", "one-hot"])
def test_sparse_matrices_of_texts_and_categories(encoder):
    words = COMPLETE.job + " " + COMPLETE["size"].astype(str)
    X = encoder.fit_transform(words if isinstance(encoder, TfidfVectorizer) else words.to_frame())
    assert sp.issparse(X)
    np.testing.assert_array_equal(quick().fit_transform(X), quick().fit_transform(X.toarray()))
    holes = X.copy()
    holes.data[::3] = np.nan
    np.testing.assert_array_equal(quick().fit_transform(holes), quick().fit_transform(holes.toarray()))


NAMES = st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=5, unique=True)
NUMBERS = st.floats(allow_nan=True, allow_infinity=False, width=32)
KINDS = ["float", "int", "bool", "text", "category", "nullable", "same", "codes"]


@st.composite
def frames(draw):
    """Draw a frame of pandas or polars: kinds of columns, holes, widths and lengths at random."""
    n, data = draw(st.integers(2, 30)), {}
    texts = st.one_of(st.none(), st.sampled_from(["a", "b", "cc", "", "ü"]), st.text(max_size=3))
    for name in draw(NAMES):
        kind = draw(st.sampled_from(KINDS))
        cells = {
            "float": NUMBERS,
            "int": st.integers(-(2**40), 2**40),
            "bool": st.booleans(),
            "text": texts,
            "category": texts,
            "nullable": st.one_of(st.none(), st.integers(-5, 5)),
            "same": st.just(3.5),
            "codes": st.integers(0, 2),
        }[kind]
        data[name] = (kind, draw(st.lists(cells, min_size=n, max_size=n)))
    if draw(st.booleans()):
        types = {"text": pl.String, "category": pl.Categorical, "nullable": pl.Int64, "float": pl.Float64}
        return pl.DataFrame(
            {name: pl.Series(cells, dtype=types.get(kind)) for name, (kind, cells) in data.items()}
        )
    types = {"text": object, "category": "category", "nullable": "Int64", "float": "float64"}
    columns = {name: pd.Series(cells, dtype=types.get(kind)) for name, (kind, cells) in data.items()}
    return pd.DataFrame(columns).set_axis(range(100, 100 + n))


METHODS = [ContrastivePretrainer, MaskedPretrainer, AutoencoderPretrainer]


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(frame=frames(), method=st.sampled_from(METHODS), data=st.data())
def test_any_frame_gives_finite_features_and_stays_as_it_is(frame, method, data):
    before = frame.clone() if isinstance(frame, pl.DataFrame) else frame.copy(deep=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # columns may have no value, or look like identifiers
        est = method(max_epochs=1, n_components=8, random_state=0, on_collapse="ignore").fit(frame)
    Z = est.transform(frame)
    assert Z.shape == (len(frame), 8) and np.isfinite(Z).all()
    rows = data.draw(st.permutations(range(len(frame))))
    part = frame[list(rows)] if isinstance(frame, pl.DataFrame) else frame.iloc[list(rows)]
    np.testing.assert_allclose(est.transform(part), Z[list(rows)], rtol=1e-3, atol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a part may lack what the whole has
        assert np.isfinite(est.transform(part[:1])).all()
    if isinstance(frame, pl.DataFrame):
        assert frame.equals(before, null_equal=True)
    else:
        pd.testing.assert_frame_equal(frame, before)


def weights_of(encoder, inputs):
    """Return what the first layer and the directions give the floats of a batch, by their names."""
    return {
        name: (encoder.layers[0][0].weight[:, place].tolist(), encoder.directions[place].tolist())
        for place, name in enumerate(encoder.columns)
        if name in inputs
    }


@pytest.mark.parametrize("how", ["encoder", "warm_start", "loaded"])
def test_an_encoder_knows_the_columns_of_another_table(how, tmp_path):
    ssl = quick(max_epochs=3).fit(PEOPLE)
    other = PEOPLE.drop(columns=["children"]).assign(
        town=np.resize(["Oslo", "Bergen"], N), job=np.resize(["cook", "judge", "nurse"], N)
    )[["town", "size", "job", "age", "smokes", "income"]]
    text = r"knows 5 of the 6 columns of X. New.*\['town'\]. Known in part.*\['job'\]. Not.*dropped: \['children'\]"
    before = ssl.encoder_
    with pytest.warns(UserWarning, match=text):
        if how == "warm_start":
            new = ssl.set_params(warm_start=True, max_epochs=0).fit(other)
        elif how == "encoder":
            new = quick(encoder=ssl.encoder_, max_epochs=0).fit(other)
        else:
            ssl.save(tmp_path / "ssl")
            new = quick(encoder=sklearn_ssl.load(tmp_path / "ssl").encoder_, max_epochs=0).fit(other)
    known = set(before.columns) & set(new.encoder_.columns)
    assert ("age", "number") in known and ("job", ("category", "cook")) in known and ("age", "hole") in known
    assert {name for name, _ in known} == {"age", "job", "smokes", "size", "income"}
    assert weights_of(before, known) == weights_of(new.encoder_, known)
    fresh = set(new.encoder_.columns) - known
    assert fresh == {
        ("job", ("category", "judge")),
        ("town", ("category", "Bergen")),
        ("town", ("category", "Oslo")),
    }
    assert np.isfinite(new.transform(other)).all()
    assert len(quick(encoder=new.encoder_).fit(other).history_) == 2


def test_an_encoder_stays_as_it_is_where_columns_are_the_same_or_none_is_known():
    ssl = quick().fit(PEOPLE)
    same = quick(encoder=ssl.encoder_, max_epochs=0).fit(PEOPLE)  # without a warning
    assert weights_of(same.encoder_, ssl.encoder_.columns) == weights_of(ssl.encoder_, ssl.encoder_.columns)
    with pytest.raises(ValueError, match="X has none of them"):
        quick(encoder=ssl.encoder_).fit(PEOPLE.add_prefix("new "))
    arrays = quick().fit(load_iris().data)
    assert arrays.encoder_.columns is None
    quick(encoder=arrays.encoder_).fit(load_iris().data)


def test_what_was_learned_of_columns_helps_on_a_table_with_more():
    """With little time to learn, an encoder that knows most columns starts ahead."""
    X = pd.DataFrame(load_iris().data, columns=list("abcd"))
    ssl = ContrastivePretrainer(max_epochs=60, random_state=0).fit(X[["a", "b", "c"]])
    with pytest.warns(UserWarning, match="3 of the 4"):
        known = ContrastivePretrainer(encoder=ssl.encoder_, max_epochs=1, random_state=0).fit(X)
    fresh = ContrastivePretrainer(max_epochs=1, random_state=0).fit(X)
    assert known.history_[0]["train_loss"] < fresh.history_[0]["train_loss"]


@pytest.mark.parametrize("frame", [PEOPLE, PEOPLE[["job", "size"]]], ids=["mixed", "categories"])
def test_pickles_have_the_same_hash(frame):
    """Else ``memory=`` would pretrain again."""
    ssl = quick().fit(frame)
    assert joblib.hash(pickle.loads(pickle.dumps(ssl))) == joblib.hash(ssl)


@pytest.mark.parametrize("make", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("lost", [slice(0, 8192), slice(8192, 16384), slice(-8192, None), slice(0, 9000)])
def test_the_scale_is_that_of_the_cells_that_are_there(make, lost):
    """Wherever the holes are: statistics are taken a chunk at a time, and one may have none."""
    X = RNG.normal(1e4, 500, (20_000, 2))
    X[lost, 0] = np.nan
    modality = Tabular().fit(make(X))
    np.testing.assert_allclose(modality.mean_, np.nanmean(X, axis=0))
    np.testing.assert_allclose(modality.scale_, np.nanstd(X, axis=0))


@pytest.mark.parametrize(
    "ours, theirs",
    [([1, 2], [1, 3]), ([True, False], [True, True]), ([0.5, 1.5], [0.5, 2.5]), (["a", "b"], ["a", "c"])],
    ids=["int", "bool", "float", "text"],
)
def test_categories_of_a_pool_stay_categories(ours, theirs):
    X = pd.DataFrame({"x": RNG.normal(size=20), "a": pd.Categorical(ours * 10)})
    pool = pd.DataFrame({"x": RNG.normal(size=20), "a": pd.Categorical(theirs * 10)})
    ssl = quick().fit(X, X_unlabeled=pool)
    assert set(ssl.modality_.categories_[0]) == {*ours, *theirs}
    assert np.isfinite(ssl.transform(X)).all() and np.isfinite(ssl.transform(pool)).all()


def test_columns_of_a_pool_without_a_value_are_of_any_type():
    for X, holes in (
        (PEOPLE, {"job": np.nan, "age": None}),
        (POLARS, {"job": pl.lit(None), "size": pl.lit(None).cast(pl.Enum(["S"]))}),
    ):
        pool = X.assign(**holes) if X is PEOPLE else X.with_columns(**holes)
        ssl = quick().fit(X, X_unlabeled=pool)
        assert ssl.modality_.missing_[[0, 4]].min() >= 0.1
        assert ssl.modality_.categories_ == (("clerk", "cook", "nurse"), ("L", "M", "S"))


def test_holes_of_every_kind_in_objects():
    for hole in (None, np.nan, pd.NA):
        frame = pd.DataFrame({"a": pd.Series([1, hole, 3, 1] * 5, dtype=object), "b": ["x", "y"] * 10})
        assert Tabular().fit(frame).missing_.tolist() == [0.25, 0]
        array = np.array([[1.5, "x"], [hole, "y"], [2.5, hole], [np.int64(3), "x"]] * 5, dtype=object)
        modality = Tabular(categorical_features=[1]).fit(array)
        assert modality.missing_.tolist() == [0.25, 0.25] and modality.categories_ == (("x", "y"),)
        codes = Tabular(categorical_features=[0]).fit(
            np.array([[np.int64(1), 0.5], [2, 1.5]] * 5, dtype=object)
        )
        assert codes.categories_ == ((1, 2),)


def test_lists_and_arrays_of_texts_with_categories():
    rows = [[1.5, "a"], [2.0, "b"]] * 10
    for X in (rows, np.array(rows)):
        modality = Tabular(categorical_features=[1]).fit(X)
        assert modality.mean_.tolist() == [1.75] and modality.categories_ == (("a", "b"),)


@pytest.mark.parametrize(
    "column",
    [
        pd.Categorical(pd.date_range("2020-01-01", periods=N)),
        pd.Series([pd.Timestamp("2020-01-01").date(), "soon"] * (N // 2), dtype=object),
    ],
    ids=["categories", "objects"],
)
def test_dates_among_others_are_refused(column):
    with pytest.raises(ValueError, match=r"\['when'\].*days since"):
        quick().fit(PEOPLE.assign(when=column))


def test_errors_say_what_fit_saw():
    ssl = quick().fit(PEOPLE)
    with pytest.raises(ValueError, match=r"as they were in fit: \['age'\]"):
        ssl.transform(PEOPLE.assign(age="forty"))
    with pytest.raises(ValueError, match="0 features"):
        quick().fit(pd.DataFrame(index=range(5)))
    with pytest.raises(ValueError, match=r"categorical_features=\.\.\."):
        quick().fit(PEOPLE.to_numpy(dtype=object))


def test_an_encoder_that_knows_names_only_is_told():
    ssl = quick().fit(PEOPLE[["job", "size"]])
    other = PEOPLE[["job", "size"]].assign(size=np.resize(["XL", "XXL"], N))
    with pytest.warns(UserWarning, match=r"knows 1 of the 2 .*New, with fresh weights: \['size'\]"):
        quick(encoder=ssl.encoder_, max_epochs=0).fit(other)
    with pytest.raises(ValueError, match="others of that name"):
        quick(encoder=ssl.encoder_).fit(PEOPLE[["age", "income"]].set_axis(["job", "size"], axis=1))
    with pytest.warns(UserWarning, match=r"Known in part.*\['size'\]. Not in X, and dropped: \[\]"):
        more = PEOPLE[["job", "size"]].astype({"size": object})
        more.loc[:5, "size"] = "XL"
        quick(encoder=ssl.encoder_, max_epochs=0).fit(more)


def test_columns_may_have_numbers_for_names():
    frame = pd.DataFrame(
        {0: pd.Series([1, None, 3, 1] * 5, dtype=object), 1: pd.Categorical(["x", "y"] * 10)}
    )
    before = frame.copy(deep=True)
    pool = pd.DataFrame({0: [None] * 8, 1: pd.Categorical(["x", "z"] * 4)})
    modality = quick().fit(frame, X_unlabeled=pool).modality_
    assert modality.missing_[0] == 13 / 28 and modality.categories_ == (("x", "y", "z"),)
    assert Tabular().fit(frame).missing_.tolist() == [0.25, 0]
    pd.testing.assert_frame_equal(frame, before)
