"""Tables that are not what they seem, or not what they were in fit: what is told, and what moves nothing."""

import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline

import sklearn_ssl
from sklearn_ssl import (
    AutoencoderPretrainer,
    ContrastivePretrainer,
    DistillationClassifier,
    DistillationPretrainer,
    FewLabelClassifier,
    FineTuneClassifier,
    FineTuneRegressor,
    GANPretrainer,
    MaskedPretrainer,
    RowSelector,
    SiamesePretrainer,
    VAEPretrainer,
    Word2VecPretrainer,
)
from sklearn_ssl.inspection import ReconstructionDisplay
from sklearn_ssl.modalities import Tabular

N = 200
RNG = np.random.default_rng(0)
ZONES = RNG.integers(0, 4, N)
FAST = {"max_epochs": 1, "n_components": 8, "random_state": 0}
WINE, KIND = load_wine(as_frame=True, return_X_y=True)


def quick(cls=ContrastivePretrainer, **params):
    return cls(**FAST | params)


def zones(values=ZONES, rare=True, library=pd):
    """Return a table with a column of zones, one of which may occur once."""
    cells = [*values[:-1], "99" if isinstance(values[0], str) else 99] if rare else list(values)
    return library.DataFrame({"zone": cells, "x": np.linspace(0, 1, N)})


def told(call, *args):
    """Return the one warning that a call gives."""
    with pytest.warns(UserWarning) as caught:
        call(*args)
    (warning,) = caught
    return str(warning.message)


TEXTS = [str(zone) for zone in ZONES]
TYPED = Tabular(categorical_features=["zone"])


@pytest.mark.parametrize("rare", [True, False], ids=["rare", "none rare"])
@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
@pytest.mark.parametrize(
    "before, after, text",
    [
        (
            TEXTS,
            ZONES.tolist(),
            r"'zone' \(texts in fit, numbers now\): X\['zone'\]\.(astype\(str|cast\(pl.String)",
        ),
        (TEXTS, ZONES.astype(float).tolist(), r"texts in fit, numbers now.*(Int64|cast\(pl.String)"),
        (
            ZONES.tolist(),
            TEXTS,
            r"numbers in fit, texts now\): (pd.to_numeric\(X\['zone'|X\['zone'\]\.cast\(pl.F)",
        ),
        ([f"0{zone}" for zone in ZONES], ZONES.tolist(), r"zfill\(2\)|texts of 2 digits"),
        (TEXTS, [zone > 1 for zone in ZONES], "texts in fit, numbers now"),
    ],
    ids=["texts to numbers", "to floats", "numbers to texts", "leading zeros", "to flags"],
)
def test_a_column_of_another_type_is_told(before, after, text, library, rare):
    ssl = quick(modality=TYPED).fit(zones(before, rare, library))
    other = zones(after, False, library)
    for call in (ssl.transform, ssl.score, ssl.partial_fit):
        message = told(call, other)
        assert re.search(text, message), message
    assert "'x'" not in message


def test_a_column_of_another_type_in_an_array_is_told():
    rows = np.array([[zone, x] for zone, x in zip(TEXTS, np.linspace(0, 1, N), strict=True)], dtype=object)
    ssl = quick(modality=Tabular(categorical_features=[0])).fit(rows)
    numbers = np.c_[ZONES, np.linspace(0, 1, N)]
    assert "0 (texts in fit, numbers now): X[:, 0].astype(str)" in told(ssl.transform, numbers)


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
@pytest.mark.parametrize(
    "change",
    [str.upper, lambda zone: f" {zone}", lambda zone: None if zone == "1" else f"{zone}.0"],
    ids=["capitals", "space", "decimals"],
)
def test_mostly_unknown_categories_are_told(change, library):
    texts = [f"z{zone}" for zone in TEXTS]
    X = zones(texts, library=library)
    ssl = quick().fit(X)
    message = told(ssl.transform, zones([change(zone) for zone in texts], False, library))
    assert "['zone']: most values" in message
    few = [change(zone) if i % 3 == 0 else zone for i, zone in enumerate(texts)]
    holes = zones([None if zone is None else zone for zone in few], False, library)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ssl.transform(X)
        if None not in few:
            ssl.transform(holes)  # a third is not most


def test_a_column_with_many_rare_values_is_not_told_of_others():
    """Of a long tail, many values are new in other rows too."""
    draws = np.random.default_rng(1).zipf(1.4, 600)
    X = pd.DataFrame({"town": [f"town {draw}" for draw in draws], "x": np.arange(600.0)})
    ssl = quick().fit(X[:300])
    for part in (X[300:], X[300:303], X[:1]):
        ssl.transform(part)


def test_one_warning_names_all_columns_that_drifted():
    X = pd.DataFrame(dict.fromkeys("abcdefg", TEXTS) | {"x": np.arange(N)})
    message = told(quick().fit(X).transform, X.assign(**dict.fromkeys("abcdefg", ZONES)))
    assert message.count("texts in fit") == 5


def test_a_folder_saved_before_tells_of_other_types(tmp_path):
    ssl = quick().fit(zones(TEXTS))
    for name in ("types_", "rare_", "constant_"):
        delattr(ssl.modality_, name)
    ssl.save(tmp_path / "ssl")
    loaded = sklearn_ssl.load(tmp_path / "ssl")
    assert (loaded.transform(zones(TEXTS)) == ssl.transform(zones(TEXTS))).all()
    assert "texts in fit" in told(loaded.transform, zones(ZONES.tolist(), False))


VALUES = np.random.default_rng(2).normal(500, 2000, N).round(2)
DAYS = pd.date_range("2020-01-01", periods=N, freq="31h")


def every(form):
    return [format(value, form) for value in VALUES]


SEEMING = {
    "numbers": (every(".2f"), "numbers", "to_numeric"),
    "numbers with a mark": ([*every(".2f")[:-1], "?"], r"numbers.*'\?' is none", "errors="),
    "numbers with marks": (["n/a", "", "-", *every(".1f")[3:]], "numbers", "to_numeric"),
    "numbers and marks in objects": ([*VALUES.tolist()[:-1], "?"], "numbers", "to_numeric"),
    "many digits": ([repr(float(value)) for value in VALUES / 7], "numbers", "to_numeric"),
    "small": ([repr(float(value)) for value in VALUES / 7e4], "numbers", "to_numeric"),
    "minus behind": ([f"{abs(value)}-" for value in VALUES], "numbers", "str.replace"),
    "quarters": ([f"Q{i % 4 + 1} {1900 + i // 4}" for i in range(N)], "dates", "to_datetime"),
    "padded": ([f" {v} " for v in every(".2f")], "numbers", "to_numeric"),
    "exponents": (every(".3e"), "numbers", "to_numeric"),
    "decimal comma": ([v.replace(".", ",") for v in every(".2f")], "numbers", '",", "."'),
    "thousands": (every(",.0f"), "numbers", "str.replace"),
    "thousands and decimals": (every(",.2f"), "numbers", "str.replace"),
    "German": (
        [v.translate(str.maketrans(",.", ".,")) for v in every(",.2f")],
        "numbers",
        '",", "."',
    ),
    "thin spaces": ([v.replace(",", "\u202f") for v in every(",.0f")], "numbers", "str.replace"),
    "brackets": ([f"({v})" for v in every(",.2f")], "numbers", "str.replace"),
    "percent": ([f"{v}%" for v in every(".1f")], "percent", "str.replace"),
    "percent, spaced": ([f"{v} %" for v in every(".1f")], "percent", "str.replace"),
    "dollars": ([f"${abs(v):,.2f}" for v in VALUES], "money", "str.replace"),
    "minus dollars": ([f"-${abs(v):,.2f}" for v in VALUES], "money", "str.replace"),
    "euros": (
        [f"{v} €".translate(str.maketrans(",.", ".,")) for v in every(",.2f")],
        "money",
        '",", "."',
    ),
    "USD": ([f"USD {abs(v):.0f}" for v in VALUES], "money", "str.replace"),
    "rupees": ([f"₹{abs(v):,.0f}" for v in VALUES], "money", "str.replace"),
    "quoted": ([f'"{v}"' for v in every(".2f")], "numbers", "str.replace"),
    "apostrophes": ([f"'{v}" for v in every(".2f")], "numbers", "str.replace"),
    "limits of detection": (
        [f"<{abs(v)}" if i % 5 == 0 else f"{abs(v)}" for i, v in enumerate(VALUES)],
        "numbers",
        "str.replace",
    ),
    "about": ([f"~{v}" for v in every(".2f")], "numbers", "str.replace"),
    "units": ([f"{v} kg" for v in every(".1f")], "numbers", "str.replace"),
    "days": (DAYS.strftime("%Y-%m-%d").tolist(), "dates", "to_datetime"),
    "days with slashes": (DAYS.strftime("%d/%m/%Y").tolist(), "dates", "to_datetime"),
    "days with dots": (DAYS.strftime("%d.%m.%Y").tolist(), "dates", "to_datetime"),
    "American": (DAYS.strftime("%-m/%-d/%y").tolist(), "dates", "to_datetime"),
    "moments": (DAYS.strftime("%Y-%m-%d %H:%M").tolist(), "dates", "to_datetime"),
    "ISO": (DAYS.strftime("%Y-%m-%dT%H:%M:%S.123Z").tolist(), "dates", "to_datetime"),
    "zones": (DAYS.strftime("%Y-%m-%d %H:%M:%S+01:00").tolist(), "dates", "to_datetime"),
    "afternoon": (DAYS.strftime("%m/%d/%Y %I:%M %p").tolist(), "dates", "to_datetime"),
    "months": (DAYS.strftime("%d %b %Y").tolist(), "dates", "to_datetime"),
    "long months": (DAYS.strftime("%B %d, %Y").tolist(), "dates", "to_datetime"),
    "mail": (DAYS.strftime("%a, %d %b %Y %H:%M:%S GMT").tolist(), "dates", "to_datetime"),
    "compact": (DAYS.strftime("%Y%m%d").tolist(), "dates", "to_datetime"),
    "Japanese": ([f"{d.year}年{d.month}月{d.day}日" for d in DAYS], "dates", "to_datetime"),
    "clock": (
        [f"{i % 24:02d}:{i * 7 % 60:02d}:{i % 57:02d}" for i in range(N)],
        "dates or times",
        "to_datetime",
    ),
    "dates and marks": (["?", "unknown", *DAYS.strftime("%Y-%m-%d")[2:]], "dates", "to_datetime"),
    "u17": ([f"u{i}" for i in range(N)], "identifiers", "Drop it"),
    "hex": ([f"{i * 7919:08x}-aa" for i in range(N)], "identifiers", "Drop it"),
    "uuid": ([f"{i:08x}-0000-4000-8000-{i:012x}" for i in range(N)], "identifiers", "Drop it"),
    "mails": ([f"person{i}@example.com" for i in range(N)], "identifiers", "Drop it"),
    "names": ([f"Ann{chr(97 + i % 26)}{i // 26} Lee" for i in range(N)], "identifiers", "Drop it"),
    "codes": ([f"0{i:04d}" for i in range(N)], "identifiers", "Drop it"),
    "texts": ([f"the train came {i} minutes late" for i in range(N)], "texts", "for its"),
}


# a column of polars has one type
IN_POLARS = [name for name, (cells, *_) in SEEMING.items() if isinstance(cells[0], str)]


@pytest.mark.parametrize(
    "name, library", [*((name, pd) for name in SEEMING), *((name, pl) for name in IN_POLARS)]
)
def test_a_column_that_is_not_what_it_seems_is_told(name, library):
    cells, look, fix = SEEMING[name]
    X = library.DataFrame({"x": np.arange(float(N)), "odd": cells})
    message = told(quick(max_epochs=0).fit, X)
    assert message.startswith("Column 'odd'") and re.search(f"look.*{look}", message), message
    assert library is pl or fix in message, message
    assert library is pd or ("to_numeric" not in message and "pd." not in message)
    if library is pd:
        assert told(Tabular().fit, X.astype({"odd": "category"})) == message


@pytest.mark.parametrize(
    "cells, form",
    [
        (every(",.2f"), "number"),
        ([f"${abs(v):,.2f}" for v in VALUES], "number"),
        ([v.translate(str.maketrans(",.", ".,")) + " €" for v in every(",.2f")], "number"),
        ([*every(".2f")[:-1], "?"], "number"),
        ([v.replace("-", "\u2212") for v in every(".2f")], "number"),
        ([f"({v[1:]})" if v[0] == "-" else v for v in every(",.2f")], "number"),
        ([f"{v[1:]}-" if v[0] == "-" else v for v in every(",.2f")], "number"),
        ([f"\u2013{v[1:]} €" if v[0] == "-" else f"{v} €" for v in every(",.2f")], "number"),
        ([f'"{v}"' for v in every(".2f")], "number"),
    ],
)
def test_the_advice_on_numbers_works(cells, form):
    X = pd.DataFrame({"x": np.arange(float(N)), "odd": cells})
    message = told(Tabular().fit, X)
    code = re.split(r"\. (?:If it is|Or read)", message.split("first: ")[1])[0]
    found = eval(code, {"pd": pd, "X": X})
    expected = np.abs(VALUES) if "$" in cells[0] else VALUES
    np.testing.assert_allclose(found[:-1], expected[:-1])


def in_units(value, sign=""):
    """An amount as people write it: in thousands, in millions, or as it is."""
    scale, unit, digits = (1e3, "k", 6) if value > 2000 else (1e6, "M", 9) if value > 900 else (1, "", 2)
    return f"{sign}{value / scale:.{digits}f}{unit}"


AMOUNTS = np.abs(VALUES) + 1
WRITTEN = {
    "k and M": [in_units(v) for v in AMOUNTS],
    "$ and k": [in_units(v, "$") for v in AMOUNTS],
    "k, currency behind": [in_units(v) + " EUR" for v in AMOUNTS],
    "an E that is no exponent": [f"EUR {v}" for v in AMOUNTS],
    "a point that is no decimal one": [f"Rs. {v}" for v in AMOUNTS],
    "a point behind": [f"{v} kr.".replace(".", ",", 1) for v in AMOUNTS],
    "Mio.": [
        f"{v / 1e6:.9f} Mio. €".replace(".", ",", 1) if v > 900 else f"{v} €".replace(".", ",")
        for v in AMOUNTS
    ],
    "points that part thousands": [f"{v * 1e4:,.0f}".replace(",", ".") for v in AMOUNTS],
}


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
@pytest.mark.parametrize("name", WRITTEN)
def test_the_advice_keeps_units_and_points(name, library):
    X = library.DataFrame({"x": np.arange(float(N)), "odd": WRITTEN[name]})
    message = told(Tabular().fit, X)
    code = re.split(r"\. (?:If it is|Or read)", message.split("first: ")[1])[0]
    found = np.asarray(eval(code, {"pd": pd, "pl": pl, "X": X}), dtype=float)
    np.testing.assert_allclose(found, AMOUNTS * (1e4 if "thousands" in name else 1), rtol=1e-6)
    assert ("thousands=" in message) == (library is pd and '",", "."' in code)


def test_several_units_are_told():
    weights = [f"{v} kg" if i % 2 else f"{1000 * v} g" for i, v in enumerate(AMOUNTS)]
    message = told(Tabular().fit, pd.DataFrame({"x": np.arange(float(N)), "odd": weights}))
    assert "in several units" in message
    assert "in several" not in told(
        Tabular().fit, pd.DataFrame({"odd": [f"{v} kg" for v in AMOUNTS], "x": AMOUNTS})
    )


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_the_advice_on_dates_works(library):
    X = library.DataFrame({"x": np.arange(float(N)), "day": DAYS})
    with pytest.raises(ValueError, match="Columns that hold dates") as caught:
        quick(max_epochs=0).fit(X)
    days, month = str(caught.value).split("data: ")[1].removesuffix(".").split(", or ")
    found = np.asarray(eval(days, {"X": X}))
    np.testing.assert_array_equal(found, (DAYS - DAYS[0]).days)
    np.testing.assert_array_equal(np.asarray(eval(month, {"X": X})), DAYS.month)


ORDINARY = {
    "few numbers": [str(i % 3) for i in range(N)],
    "scale": [str(i % 10 + 1) if i else "?" for i in range(N)],
    "postal codes": [str(10115 + 37 * (i % 8)) for i in range(N)],
    "years": [str(2010 + i % 12) for i in range(N)],
    "sizes": ["SML"[i % 3] for i in range(N)],
    "days of a month": [f"2020-01-{i % 10 + 1:02d}" for i in range(N)],
    "towns": [f"town {i % 60}" for i in range(N)],
    "long tail": [f"maker {draw}" for draw in np.random.default_rng(3).zipf(1.6, N)],
    "ranges": [f"{10 * (i % 6)}-{10 * (i % 6) + 9}" for i in range(N)],
    "yes": ["yes" if i % 2 else "no" for i in range(N)],
    "sentences": [["very happy with it", "not at all happy", "could not say so"][i % 3] for i in range(N)],
}


@pytest.mark.parametrize("cells", ORDINARY.values(), ids=ORDINARY.keys())
def test_ordinary_categories_are_not_told(cells):
    X = {"x": np.arange(float(N)), "zone": cells}
    for frame in (pd.DataFrame(X), pl.DataFrame(X)):
        Tabular().fit(frame).validate(frame)


def test_columns_that_are_named_as_categories_are_told_only_if_they_become_a_constant():
    X = pd.DataFrame({"x": np.arange(float(N)), "odd": [f"{i // 2}.5" for i in range(N)]})
    modality = Tabular(categorical_features=["odd"])
    modality.fit(X)
    assert "'odd' looks like identifiers" in told(modality.fit, X.assign(odd=np.arange(N) + 0.5))
    assert "1 looks like identifiers" in told(
        Tabular(categorical_features=[1]).fit, X.assign(odd=range(N)).to_numpy()
    )


def test_wine_as_texts_is_told_once():
    texts = WINE.astype(str).mask(np.eye(*WINE.shape, dtype=bool), "?")
    for frame in (texts, WINE.astype(str).apply(lambda column: column.str.replace(".", ","))):
        for part in (frame, frame[::2]):
            message = told(Tabular().fit, part)
            assert message.count("Column") == 1 and "and 8 more look like numbers" in message


def test_a_large_table_is_judged_from_a_sample():
    cells = [f"{i}.25" for i in range(200_000)]
    assert "'odd' looks like numbers" in told(Tabular().fit, pd.DataFrame({"odd": cells, "x": 1.0}))


EMPTY = {
    "None": pd.Series([None] * N, dtype=object),
    "NaN": pd.Series([np.nan] * N),
    "NA": pd.Series([pd.NA] * N, dtype="Int64"),
    "string": pd.Series([None] * N, dtype="str"),
    "category": pd.Series([None] * N, dtype="category"),
    "boolean": pd.Series([None] * N, dtype="boolean"),
    "Null": pl.Series([None] * N),
    "polars NaN": pl.Series([np.nan] * N),
    "String": pl.Series([None] * N, dtype=pl.String),
    "Categorical": pl.Series([None] * N, dtype=pl.Categorical),
    "List": pl.Series([None] * N, dtype=pl.List(pl.Int64)),
}
LATER = {
    "texts": ["late"] * N,
    "numbers": [5e4 + i for i in range(N)],
    "flags": [True, False] * (N // 2),
    "dates": DAYS.to_list(),
    "mixed": ["late", None] * (N // 2),
    "lists": [[1, 2]] * N,
}


@pytest.mark.parametrize("empty", EMPTY.values(), ids=EMPTY.keys())
def test_a_column_without_a_value_in_fit_is_ignored(empty):
    X = zones(TEXTS, False, pl if isinstance(empty, pl.Series) else pd)

    def with_note(cells):
        if isinstance(empty, pl.Series):
            return X.with_columns(pl.Series("note", cells))
        return X.assign(note=pd.Series(cells, dtype=object) if isinstance(cells[0], list) else cells)

    A = with_note(empty)
    for cls in (ContrastivePretrainer, VAEPretrainer):
        ssl = quick(cls)
        assert "Column 'note' has no value in fit and is ignored" in told(ssl.fit, A)
        Z = ssl.transform(A)
        for cells in LATER.values():
            B = with_note(cells)
            before = B.clone() if isinstance(B, pl.DataFrame) else B.copy(deep=True)
            np.testing.assert_array_equal(ssl.transform(B), Z)
            assert B.equals(before)
    ReconstructionDisplay.from_estimator(ssl, A)


@pytest.mark.parametrize("dtype", [object, "string", "category", "float"])
def test_a_fold_without_a_value_has_a_score(dtype):
    X = pd.DataFrame({"x": np.arange(90.0) % 7, "note": [None] * 88 + [1, 2]})
    X["note"] = (X.note if dtype == "float" else X.note.map({1: "late", 2: "late"})).astype(dtype)
    pipeline = make_pipeline(quick(), LogisticRegression())
    with pytest.warns(UserWarning, match="'note'"):
        scores = cross_val_score(pipeline, X, np.arange(90) % 2, cv=3)
    assert np.isfinite(scores).all()


def test_a_pool_fills_a_column_without_a_value():
    X = zones(TEXTS, False)
    empty, full = X.assign(note=None), X.assign(note=["a", "b"] * (N // 2))
    for A, pool in ((empty, full), (full, empty)):
        assert quick().fit(A, X_unlabeled=pool).modality_.categories_[1] == ("a", "b")
    assert "'note' has no value" in told(lambda: quick().fit(empty, X_unlabeled=empty))


def test_an_array_may_have_columns_without_a_value():
    A, B = (np.c_[WINE, np.full(len(WINE), value)] for value in (np.nan, 5e4))
    for make in (np.asarray, sp.csr_array):
        ssl = quick().fit(make(A))
        np.testing.assert_array_equal(ssl.transform(make(B)), ssl.transform(make(A)))
    listed = Tabular(categorical_features=[0])
    rows = [[zone, None] for zone in TEXTS]
    ssl = quick(modality=listed).fit(rows)
    np.testing.assert_array_equal(ssl.transform([[zone, "late"] for zone in TEXTS]), ssl.transform(rows))


METHODS = [
    VAEPretrainer,
    ContrastivePretrainer,
    AutoencoderPretrainer,
    MaskedPretrainer,
    SiamesePretrainer,
    GANPretrainer,
]


@pytest.mark.parametrize("cls", METHODS)
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array, pd.DataFrame, pl.DataFrame])
def test_columns_that_told_nothing_move_nothing(cls, make):
    old = np.c_[WINE, np.full((len(WINE), 5), [3.0, 0.0, np.nan, 1e9, 0.1])]
    new = np.c_[WINE, np.full((len(WINE), 5), [30.0, 1.0, 5e4, np.nan, -0.1])]
    new[::2, -5:] = old[::2, -5:]
    if make in (pd.DataFrame, pl.DataFrame):
        old, new = (
            make({f"c{j}": column for j, column in enumerate(rows.T) if j != 15}) for rows in (old, new)
        )
    else:
        old, new = make(old), make(new)
    ssl = quick(cls).fit(old)
    np.testing.assert_array_equal(ssl.transform(new), ssl.transform(old))
    assert ssl.score(new) == ssl.score(old)


def test_columns_of_one_category_move_nothing():
    X = zones(TEXTS, False).assign(one="same", holes=["same", None] * (N // 2))
    ssl = quick().fit(X)
    for other in ("another", None, ["another", "same"] * (N // 2)):
        np.testing.assert_array_equal(ssl.transform(X.assign(one=other)), ssl.transform(X))


def test_holes_in_a_constant_column_still_tell():
    X = WINE.assign(flag=np.where(np.arange(len(WINE)) % 3, 1.0, np.nan))
    ssl = quick().fit(X)
    assert (ssl.transform(X.assign(flag=1.0)) != ssl.transform(X)).any()
    np.testing.assert_array_equal(ssl.transform(X.assign(flag=X.flag * 9)), ssl.transform(X))


def test_constant_columns_of_a_memory_map_move_nothing(tmp_path):
    rows = []
    for value in (3.0, 30.0):
        np.save(tmp_path / "X.npy", np.c_[WINE, np.full(len(WINE), value)])
        rows.append(np.load(tmp_path / "X.npy", mmap_mode="r"))
        rows[-1] = np.array(rows[-1]) if value == 3.0 else rows[-1]
    ssl = quick().fit(rows[0])
    np.testing.assert_allclose(ssl.transform(rows[1]), ssl.transform(rows[0]), rtol=1e-5, atol=1e-5)


MIXED = zones(TEXTS, False)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: quick().set_params(modality__corruption_rate=0.1),
            r"modality='auto' .* ContrastivePretrainer\(modality=Tabular\(\)\)",
        ),
        (lambda: quick().set_params(modality__crop_scale=(0.5, 1)), r"modality=Image\("),
        (
            lambda: quick(MaskedPretrainer).set_params(modality__min_df=2),
            r"MaskedPretrainer\(modality=Text\(",
        ),
        (lambda: quick().set_params(modality__x=2), r"modality=Tabular\(\)\) or .*modality=Text\("),
        (lambda: quick().set_params(encoder__widths=(8,)), r"encoder__widths cannot be set: encoder='auto'"),
        (lambda: quick(modality=Tabular).set_params(modality__clip=3), r"is the class\. Add \(\)"),
        (lambda: quick().set_params(colour__x=3), "Invalid parameter 'colour'"),
        (
            lambda: GridSearchCV(
                Pipeline([("ssl", quick()), ("clf", LogisticRegression())]),
                {"ssl__modality__corruption_rate": [0.1, 0.3]},
                cv=2,
            ).fit(WINE, KIND),
            r"modality=Tabular\(\)",
        ),
        (lambda: quick().fit(MIXED, X_unlabeled=MIXED.to_numpy()), "X_unlabeled is of type ndarray.*'zone'"),
        (
            lambda: quick().fit(MIXED.to_numpy(), X_unlabeled=MIXED),
            "X is of type ndarray and X_unlabeled is a DataFrame",
        ),
        (lambda: quick().fit(MIXED, X_unlabeled=MIXED.to_numpy().tolist()), "X_unlabeled is of type list"),
        (
            lambda: quick().fit(MIXED, X_unlabeled=zones(TEXTS, False, pl)),
            "X_unlabeled is a DataFrame of polars",
        ),
        (
            lambda: quick().fit(zones(TEXTS, False, pl), X_unlabeled=MIXED),
            "X_unlabeled is a DataFrame of pandas",
        ),
        (
            lambda: quick().fit(MIXED, X_unlabeled=sp.csr_array(np.ones((5, 2)))),
            "X_unlabeled is of type csr_array",
        ),
        (lambda: quick().fit(MIXED, X_unlabeled=np.ones((5, 3))), "X_unlabeled is of type ndarray"),
        (lambda: quick().fit(WINE, X_unlabeled=np.ones((5, 3))), r"X_unlabeled of shape \(5, 3\)"),
        (lambda: quick().fit(None, X_unlabeled=WINE), r"X is None.*fit\(pool\)"),
        (lambda: Word2VecPretrainer().fit(None, X_unlabeled=["a b"] * 9), r"X is None.*fit\(pool\)"),
    ],
)
def test_errors_say_what_is_meant(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_nested_parameters_of_a_modality_that_is_given():
    ssl = quick().set_params(modality=Tabular(), modality__corruption_rate=0.1)
    assert ssl.modality.corruption_rate == 0.1
    search = GridSearchCV(
        Pipeline([("ssl", quick(modality=Tabular())), ("clf", LogisticRegression())]),
        {"ssl__modality__corruption_rate": [0.1, 0.3]},
        cv=2,
    )
    assert search.fit(WINE, KIND).best_score_ > 0.5
    numbers = WINE.to_numpy()
    assert quick().fit(WINE, X_unlabeled=numbers).n_features_in_ == 13
    assert quick(modality=Tabular(categorical_features=[0])).fit(MIXED, X_unlabeled=MIXED.to_numpy())


@pytest.mark.filterwarnings("ignore:Column 'note' has no value")
@pytest.mark.parametrize(
    "nothing",
    [pd.Series([pd.NaT] * N), pd.Series([None] * N, dtype="string"), pd.Categorical([None] * N)],
    ids=["dates", "strings", "categories"],
)
def test_a_column_without_a_value_may_be_of_any_type_that_would_be_refused(nothing):
    X = pd.DataFrame({"x": np.linspace(0, 1, N), "note": nothing})
    ssl = quick(max_epochs=0).fit(X)
    expected = ssl.transform(X)
    for later in (pd.Timestamp("2020-01-01"), 3, "late"):
        assert (ssl.transform(X.assign(note=later)) == expected).all()


def test_sparse_columns_of_pandas_are_read_without_a_word():
    X = pd.DataFrame({"x": np.linspace(0, 1, N), "z": ZONES * 1.0})
    sparse = X.assign(z=pd.arrays.SparseArray(X["z"]))
    ssl = quick(max_epochs=0).fit(sparse)
    assert (ssl.transform(sparse) == quick(max_epochs=0).fit(X).transform(X)).all()


def test_complex_numbers_are_named_without_all_of_x():
    with pytest.raises(ValueError, match=r"Complex data not supported.*real and imaginary") as caught:
        quick().fit(WINE.to_numpy() + 1j)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "est, name",
    [
        (FewLabelClassifier(), "pretrainers__modality__corruption_rate"),
        (FewLabelClassifier(), "estimators__C"),
        (RowSelector(), "pretrainer__lr"),
        (RowSelector(pretrainer=None), "pretrainer__lr"),
        (DistillationPretrainer(), "teacher__lr"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_parameters_of_what_is_not_given_say_what_to_give(est, name):
    own = name.split("__")[0]
    with pytest.raises(ValueError, match=f"{name} cannot be set: {own}=.*has no parameters. Give {own}"):
        est.set_params(**{name: 1})


def test_no_rows_with_labels_but_a_pool():
    pool = WINE[:20]
    for est in (
        FineTuneClassifier(quick()),
        FineTuneRegressor(quick()),
        DistillationClassifier(LogisticRegression()),
    ):
        with pytest.raises(ValueError, match=f"{type(est).__name__} requires X.*X_unlabeled"):
            est.fit(None, KIND[:20], X_unlabeled=pool)


def test_texts_and_a_pool_of_several_columns():
    pool = pd.DataFrame({"words": ["a b"] * 9, "x": range(9)})
    with pytest.raises(ValueError, match=r"X holds texts.*X_unlabeled\['words'\]"):
        quick().fit(["a b", "b c"] * 9, X_unlabeled=pool)
