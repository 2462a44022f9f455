"""What a new user tries first: names, words for names that do not exist, links to the docs."""

import io
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from methods import METHODS
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import estimator_html_repr

import sklearn_ssl
from sklearn_ssl import (
    AutoencoderPretrainer,
    AutoregressivePretrainer,
    ContrastivePretrainer,
    DistillationClassifier,
    FewLabelClassifier,
    FewLabelRegressor,
    FineTuneClassifier,
    FineTuneRegressor,
    LabelDiffusion,
    LabeledOnly,
    MaskedPretrainer,
    PredictiveCodingPretrainer,
    RowSelector,
    SegmentOrderPretrainer,
    SelfOrganizingMap,
    Word2VecPretrainer,
    ZeroShotClassifier,
)
from sklearn_ssl.doc_link import DOCS, SECTIONS
from sklearn_ssl.inspection import EmbeddingDisplay, LossCurveDisplay, ReconstructionDisplay, SOMDisplay
from sklearn_ssl.modalities import Audio, Image, Series, Tabular, Text, infer_modality
from sklearn_ssl.modalities.series._input import read_series
from sklearn_ssl.model_selection import cross_val_predict_labeled, label_efficiency

X = load_iris().data
ROOT = Path(__file__).parent.parent
FOLDERS = ("callbacks", "encoders", "inspection", "metrics", "modalities", "model_selection", "testing")
FAST = {"max_epochs": 1, "n_components": 4, "random_state": 0}


def test_folders_are_there_without_an_import_of_their_own():
    program = f"""
import sys
import sklearn_ssl
slow = [name for name in ("inspection", "metrics", "model_selection", "testing", "callbacks")
        if f"sklearn_ssl.{{name}}" in sys.modules]
assert not slow, slow
for name in {FOLDERS}:
    assert name in dir(sklearn_ssl), name
    assert getattr(sklearn_ssl, name).__name__ == f"sklearn_ssl.{{name}}"
sklearn_ssl.metrics.rankme_score, sklearn_ssl.callbacks.OnlineProbe, sklearn_ssl.testing.check_pretrainer
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, cwd=ROOT)
    with pytest.raises(AttributeError, match="module 'sklearn_ssl' has no attribute 'nonsense'"):
        sklearn_ssl.nonsense  # noqa: B018
    assert not hasattr(sklearn_ssl, "__wrapped__")


@pytest.mark.parametrize(
    "name, written",
    [
        ("tabular", "Tabular()"),
        ("Tabular", "Tabular()"),
        ("table", "Tabular()"),
        ("tables", "Tabular()"),
        ("text", "Text()"),
        ("texts", "Text()"),
        ("series", "Series()"),
        ("audio", "Audio(sample_rate=16000)"),
        ("sound", "Audio(sample_rate=16000)"),
        ("image", "Image(shape=(28, 28))"),
        ("images", "Image(shape=(28, 28))"),
    ],
)
def test_a_modality_by_name_is_told_what_to_write(name, written):
    with pytest.raises(TypeError) as caught:
        ContrastivePretrainer(modality=name).fit(X)
    cls = written.split("(")[0]
    words = f"Write modality={written}, after `from sklearn_ssl.modalities import {cls}`."
    assert str(caught.value).endswith(words)


@pytest.mark.parametrize("name", ["", "nonsense", "t", 3])
def test_other_names_get_no_hint(name):
    with pytest.raises(TypeError, match="must be 'auto' or a modality") as caught:
        ContrastivePretrainer(modality=name).fit(X)
    assert "Write modality=" not in str(caught.value)


def test_a_pretrained_model_by_name_is_told_what_to_write():
    with pytest.raises(ValueError, match=r"encoder=SentenceTransformer\('all-MiniLM-L6-v2'\)\."):
        ContrastivePretrainer(encoder="all-MiniLM-L6-v2").fit(["one text", "another"] * 5)
    with pytest.raises(ValueError, match=r"any nn\.Module") as caught:
        ContrastivePretrainer(encoder="resnet18").fit(X)
    assert "SentenceTransformer" not in str(caught.value)


def test_partial_fit_takes_a_pool():
    est = ContrastivePretrainer(**FAST).partial_fit(X[:100], X_unlabeled=X[100:])
    both = ContrastivePretrainer(**FAST).partial_fit(X)
    assert est.history_ == both.history_
    np.testing.assert_allclose(est.modality_.mean_, X.mean(0))
    again = [one.partial_fit(X[:50], X_unlabeled=X[50:]).history_ for one in (est, both)]
    assert again[0] == again[1] and len(again[0]) == 2
    with pytest.raises(ValueError, match=r"X_unlabeled of shape \(150, 3\) does not go with X"):
        est.partial_fit(X, X_unlabeled=X[:, :3])
    assert est.get_metadata_routing().partial_fit.requests == {"X_unlabeled": True}


ESTIMATORS = [
    *{type(m.estimator): m.estimator for m in METHODS.values()}.values(),
    SelfOrganizingMap(),
    Word2VecPretrainer(),
    LabeledOnly(SelfOrganizingMap()),
    RowSelector(n_rows=5),
    LabelDiffusion(),
    FewLabelClassifier(),
    FewLabelRegressor(),
    FineTuneClassifier(ContrastivePretrainer()),
    FineTuneRegressor(ContrastivePretrainer()),
    DistillationClassifier(SelfOrganizingMap()),
    ZeroShotClassifier({}),
    Tabular(),
    Image(),
    Series(),
    Audio(),
    Text(),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_the_diagram_leads_to_our_docs(estimator):
    html = estimator_html_repr(estimator)
    links = set(re.findall(re.escape(DOCS) + r"([\w./-]+(?:#[\w-]+)?)", html))
    assert SECTIONS.get(type(estimator).__name__, "README.md#all-methods") in links
    for link in links:
        page, _, anchor = link.partition("#")
        heads = re.findall(r"^##? (.*)$", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
        assert not anchor or anchor in anchors


def test_every_section_is_of_a_class_that_is_there():
    names = {type(estimator).__name__ for estimator in ESTIMATORS}
    assert set(SECTIONS) <= names
    homepage = re.search(r'^Homepage = "(.*)"$', (ROOT / "pyproject.toml").read_text(), flags=re.MULTILINE)[1]
    assert DOCS.startswith(homepage + "/")


def test_classes_of_others_do_not_lead_to_our_docs():
    class Mine(ContrastivePretrainer):
        """Of another package."""

    Mine.__module__ = "elsewhere"
    assert Mine()._get_doc_link() == ""


def series(X):
    return lambda: MaskedPretrainer(modality=Series(), **FAST).fit(X)


def long_form(**columns):
    frame = pd.DataFrame({"who": np.repeat([3, 1, 2, 7], 5), "week": np.tile(np.arange(5), 4)})
    return frame.assign(sales=np.sin(np.arange(20.0)), **columns)


LONG = {
    "numbers": (long_form(), "groupby('who')"),
    "names": (long_form(who=np.repeat(["a", "b", "c", "d"], 5)), "groupby('who')"),
    "dates": (long_form(week=np.tile(pd.date_range("2024-01-01", periods=5), 4)), "groupby('who')"),
    "by date": (
        pd.DataFrame(
            {
                "day": np.repeat(pd.date_range("2024-01-01", periods=4), 5),
                "who": [*range(5)] * 4,
                "sales": 1.0,
            }
        ),
        "groupby('who')",
    ),
    "polars": (pl.DataFrame(long_form().to_dict("list")), "group_by('who', maintain_order=True)"),
}


@pytest.mark.parametrize("name", LONG)
def test_a_frame_with_a_row_per_step_is_no_series(name):
    X, group = LONG[name]
    with pytest.raises(ValueError, match="one step per row: 'who' seems to name the series") as caught:
        series(X)()
    fix = re.search(r"first: (\[.*\]), and", str(caught.value))[1]
    assert group in fix
    parts = eval(fix, {"X": X})
    assert len(parts) in (4, 5) and {part.shape for part in parts} in ({(1, 5)}, {(1, 4)})


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
@pytest.mark.parametrize("week", ["2024-01-0", ""], ids=["dates as texts", "numbers"])
def test_steps_in_any_order_are_no_series(library, week):
    whole = long_form(who=np.repeat(["d", "b", "c", "a"], 5))
    whole["week"] = [f"{week}{w + 1}" if week else w for w in whole["week"]]
    X = library.DataFrame(whole.sample(frac=1, random_state=0).to_dict("list"))
    with pytest.raises(ValueError, match="'who' seems to name the series") as caught:
        series(X)()
    parts = eval(re.search(r"first: (\[.*\]),", str(caught.value))[1], {"X": X})
    expected = {tuple(part) for part in whole["sales"].to_numpy().reshape(4, 5)}
    assert {tuple(part[0]) for part in parts} == expected  # each in order of time


def test_a_frame_with_a_series_per_row_is_one():
    waves = np.sin(np.arange(20)[:, None] + np.arange(6.0))
    frame = pd.DataFrame(waves, columns=list("abcdef"))
    assert read_series(frame, Series()).rows.shape == (20, 1, 6)
    counts = (
        frame.round().astype(int).assign(a=np.repeat([0, 1], 10))
    )  # a group, and nothing that rises in it
    assert read_series(counts, Series()).rows.shape == (20, 1, 6)


def test_one_series_and_steps_before_channels_are_told():
    for one in (X[:, 0], pd.Series(X[:, 0])):
        with pytest.raises(
            ValueError, match=r"is one series\. Pass a list of series, \[X\].*sliding_window_view"
        ):
            series(one)()
    with pytest.raises(ValueError, match=r"channels\)\? Pass \[x\.T for x in X\]"):
        series([X[:20], X[:30]])()


def test_a_list_that_looks_like_sound_is_doubted():
    waves = [np.zeros(n, np.int16) for n in (1000, 1200)]
    with pytest.warns(UserWarning, match=r"look like sound.*Audio\(sample_rate=\.\.\.\)"):
        assert type(infer_modality(waves)) is Series
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        infer_modality([wave[:100] for wave in waves])
        infer_modality([wave.astype(float) for wave in waves])


@pytest.mark.parametrize("separator", [";", "\t", ","])
@pytest.mark.parametrize("library", [pd, pl])
def test_a_file_read_with_another_separator_is_told(separator, library):
    text = "\n".join(
        separator.join(row) for row in [("id", "price"), *[(f"k{i}", f"{i}.5") for i in range(20)]]
    )
    read = {
        pd: lambda: pd.read_csv(io.StringIO(text), sep="#"),
        pl: lambda: pl.read_csv(text.encode(), separator="#"),
    }
    with pytest.warns(UserWarning) as told:
        Tabular().fit(read[library]())
    assert len(told) == 1 and f"separator. Read it with {library.__name__}.read_csv(file, sep" in str(
        told[0].message
    )
    assert str(told[0].message).endswith(f"={separator!r}).") and told[0].filename == __file__


NAMES = pd.DataFrame({"age": [30.0, 40, 50] * 10, "job": ["cook", "nurse", "clerk"] * 10})


@pytest.mark.parametrize(
    "estimator, way",
    [
        (LabelDiffusion(), "make_pipeline(ContrastivePretrainer(), LabelDiffusion())"),
        (ZeroShotClassifier(), "make_pipeline(ContrastivePretrainer(), ZeroShotClassifier())"),
        (RowSelector(3, pretrainer=None), "pass pretrainer=ContrastivePretrainer()"),
        (SelfOrganizingMap(), "make_pipeline(ContrastivePretrainer(), SelfOrganizingMap())"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_takes_numbers_names_the_columns_that_are_none(estimator, way):
    y = None if isinstance(estimator, RowSelector) else [0, 1] * 15
    with pytest.raises(ValueError, match=rf"takes numbers, and columns \['job'\] are not.*{re.escape(way)}"):
        estimator.fit(NAMES, y)
    with pytest.raises(ValueError, match="takes numbers: could not convert string"):
        estimator.fit(NAMES.to_numpy(), y)
    with pytest.raises(ValueError, match=r"(?s)NaN.*SimpleImputer"):
        estimator.fit(NAMES[["age"]].replace(30, np.nan), y)
    with pytest.raises(TypeError, match=r"sparse matrix\. Pass X\.toarray\(\)"):
        estimator.fit(sp.csr_array(NAMES[["age"]]), y)
    fitted = estimator.fit(NAMES[["age"]], y)
    if hasattr(fitted, "predict"):
        with pytest.raises(ValueError, match=r"takes numbers, and columns \['age'\] are not"):
            fitted.predict(NAMES[["age"]].astype(str))


KEPT = ContrastivePretrainer(**FAST).fit(X)
CLASSIFIERS = {
    "few": FewLabelClassifier(
        pretrainers=[KEPT], estimators=[("tree", DecisionTreeClassifier(), "raw")], random_state=0
    ),
    "tuned": FineTuneClassifier(KEPT, tune="head", max_epochs=0, random_state=0),
    "student": DistillationClassifier(DecisionTreeClassifier(), max_epochs=1, random_state=0),
    "zero-shot": ZeroShotClassifier(),
    "diffusion": LabelDiffusion(),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_rows_without_a_label_are_not_scored_as_wrong(name):
    y = np.array(["setosa", "versicolor", "virginica"], dtype=object)[load_iris().target]
    holes = np.where(np.arange(150) % 3 == 0, y, None)
    known = np.arange(150) % 3 == 0
    clf = clone(CLASSIFIERS[name]).fit(X[known], y[known])
    for none in (None, np.nan, -1):
        with pytest.raises(ValueError, match="100 of 150 rows have no label, and score needs one for each"):
            clf.score(X, np.where(known, y, none))
    assert clf.score(X[known], holes[known]) == clf.score(X[known], y[known], np.ones(50))
    codes = np.where(known, load_iris().target, -1)
    clf = clone(CLASSIFIERS[name]).fit(X[known], codes[known])
    with pytest.raises(ValueError, match="have no label"):
        clf.score(X, codes)
    both = np.where(codes == 0, -1, 1)
    clf = clone(CLASSIFIERS[name]).fit(X, both)  # two classes, one of them called -1
    assert clf.score(X, both) == (clf.predict(X) == both).mean()


@pytest.mark.parametrize("name", [name for name in CLASSIFIERS if name != "diffusion"])
def test_minus_one_among_names_of_classes_is_no_class(name):
    y = np.array(["a", "b", "c"], dtype=object)[load_iris().target]
    holes = np.where(np.arange(150) % 2 == 0, y, -1)
    clf = clone(CLASSIFIERS[name])
    with pytest.raises(ValueError, match=r"-1 among texts: 75 of 150 rows .* LabeledOnly\("):
        clf.fit(X, holes)
    with pytest.raises(ValueError, match=r"y is texts with '-1' among them"):
        clf.fit(X, holes.astype(str))
    assert clf.fit(X, np.where(y == "a", "-1", "1")).classes_.tolist() == ["-1", "1"]


TEXTS = ["one two three. four five six.", "red blue green. one two four."] * 5
IN_A_TABLE = {
    "tokens": [text.split() for text in TEXTS],
    "a frame": pd.DataFrame({"n": range(10), "words": TEXTS}),
    "polars": pl.DataFrame({"words": TEXTS, "n": range(10)}),
    "an array": np.array(TEXTS, dtype=object)[:, None],
}


@pytest.mark.parametrize("name", IN_A_TABLE)
def test_texts_in_a_table_are_told_how_to_be_passed(name):
    X = IN_A_TABLE[name]
    for method in (SegmentOrderPretrainer, AutoregressivePretrainer, PredictiveCodingPretrainer):
        with pytest.raises(ValueError, match=r"got a table of shape .* pass (.*)\.$") as caught:
            method(**FAST).fit(X)
        fix = re.search(r" pass (.*)\.$", str(caught.value))[1]
        assert list(eval(fix, {"X": X})) == TEXTS


def test_a_mean_of_tokens_knows_no_order():
    with pytest.raises(ValueError, match=r"TokenBag takes the mean of tokens.*encoder='auto'"):
        SegmentOrderPretrainer(encoder="bag", **FAST).fit(TEXTS)


@pytest.mark.parametrize(
    "wrong, kind", [("", ValueError), (" ", ValueError), (None, TypeError), (3, TypeError)]
)
def test_no_folder_is_told(wrong, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=r"^path="):
        KEPT.save(wrong)
    with pytest.raises(kind, match=r"^path="):
        sklearn_ssl.load(wrong)
    if kind is ValueError:
        for seed in (0, None):
            with pytest.raises(ValueError, match=r"^checkpoint=.* names no folder"):
                ContrastivePretrainer(**{**FAST, "random_state": seed}, checkpoint=wrong).fit(X)
    assert not list(tmp_path.iterdir())


COMPARED = {"tree": DecisionTreeClassifier()}
BAD_COMPARISONS = {
    "a list": ({"estimators": [DecisionTreeClassifier()]}, "dict of names and estimators"),
    "one": ({"estimators": make_pipeline(DecisionTreeClassifier())}, "dict of names and estimators"),
    "none": ({"estimators": {}}, "dict of names and estimators"),
    "a class": ({"estimators": {"tree": DecisionTreeClassifier}}, r"\['tree'\] is the class.*Add \(\)"),
    "no estimator": ({"estimators": {"tree": "tree"}}, r"\['tree'\] must be an estimator"),
    "a number as a name": ({"estimators": {1: DecisionTreeClassifier()}}, "Names must be str: '1'"),
    "numbers for cv": ({"cv": np.array([1, 2])}, r"cv=array\(\[1, 2\]\) must be an integer, a splitter"),
    "a text for cv": ({"cv": "5"}, r"cv='5' must be an integer, a splitter"),
    "a fraction for cv": ({"cv": 1.5}, r"cv=1.5 must be an integer, a splitter"),
    "a name like a score": ({"scoring": "acuracy"}, "scoring='acuracy' is no score .* such as 'accuracy'"),
    "no name of a score": ({"scoring": ""}, "scoring='' is no score .* such as 'accuracy'"),
    "several scores": ({"scoring": ["accuracy", "f1"]}, "must be one score"),
    "verbose": ({"verbose": np.array([1, 2])}, "'verbose' parameter of label_efficiency"),
}


@pytest.mark.parametrize("name", BAD_COMPARISONS)
def test_bad_arguments_of_a_comparison(name):
    options, message = BAD_COMPARISONS[name]
    given = {"estimators": COMPARED, "cv": 1, "budgets": [2], **options}
    with pytest.raises((ValueError, TypeError), match=message):
        label_efficiency(X=X, y=load_iris().target, **given)
    if name.endswith("for cv"):
        with pytest.raises(ValueError, match=message):
            cross_val_predict_labeled(DecisionTreeClassifier(), X, load_iris().target, cv=given["cv"])


def test_splits_may_come_one_by_one():
    halves = (np.arange(0, 150, 2), np.arange(1, 150, 2))
    given = {"estimators": COMPARED, "budgets": [2], "X": X, "y": load_iris().target}
    one_by_one = label_efficiency(cv=(pair for pair in [halves, halves[::-1]]), **given)
    assert one_by_one.scores.shape == (1, 1, 2)


def test_bad_arguments_of_displays():
    pytest.importorskip("matplotlib").use("Agg")
    auto = AutoencoderPretrainer(**FAST).fit(X)
    for n_samples in (0, True, 1.5, np.nan, "", [], np.array([1, 2]), 2**70):
        with pytest.raises(ValueError, match=r"n_samples=.* must be an integer of at least 1"):
            ReconstructionDisplay.from_estimator(auto, X, n_samples=n_samples)
    for rows in (1, 1.5, True, object()):
        with pytest.raises(TypeError, match=r"^X_noisy=.* must be rows"):
            ReconstructionDisplay.from_estimator(auto, X, X_noisy=rows)
        with pytest.raises(TypeError, match=r"^X=.* must be rows"):
            ReconstructionDisplay.from_estimator(auto, rows)
    som = SelfOrganizingMap(shape=(2, 2)).fit(X)
    for kind in (np.array([1, 2]), ["hits"], "hit", 1):
        with pytest.raises(ValueError, match=r"kind=.* must be one of"):
            SOMDisplay.from_estimator(som, kind=kind)
        with pytest.raises(ValueError, match=r"method=.* must be"):
            EmbeddingDisplay.from_estimator(auto, X, method=kind)


def test_sounds_are_reconstructed_as_spectrograms():
    pytest.importorskip("matplotlib").use("Agg")
    waves = [np.sin(np.arange(800 + 400 * i) / 3) for i in range(6)]
    auto = AutoencoderPretrainer(modality=Audio(sample_rate=8000), **FAST).fit(waves)
    heard = auto.modality_.spectrograms(waves)
    display = ReconstructionDisplay.from_estimator(auto, waves, n_samples=4)
    assert list(display.parts) == ["original", "reconstruction"]
    original = display.parts["original"]
    assert original.shape == display.parts["reconstruction"].shape == (4, 64, len(heard[3]))
    np.testing.assert_array_equal(
        original[0, ::-1, : len(heard[0])].T, heard[0]
    )  # low bands are at the bottom
    assert np.isnan(original[0, :, len(heard[0]) :]).all()
    # a tone is loudest in the band that it is in: 8000 / (2 pi 3) Hz
    assert heard[3].mean(0).argmax() == original[3].mean(1)[::-1].argmax()
    loud = [*waves, 1e18 * waves[0]]
    for call in (auto.transform, clone(auto).fit):
        with pytest.raises(ValueError, match=r"Waveform 6 of X has samples up to 1e\+18.*Divide it"):
            call(loud)


def test_a_training_without_a_whole_epoch_says_why_there_is_no_curve():
    pytest.importorskip("matplotlib").use("Agg")
    est = ContrastivePretrainer(n_components=4, batch_size=10, max_time=1e-9, random_state=0).fit(X)
    assert est.history_ == [] and est.transform(X).shape == (150, 4)
    with pytest.raises(ValueError, match="a max_time that is enough for one"):
        LossCurveDisplay.from_estimator(est)
