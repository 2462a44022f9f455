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
from methods import METHODS
from sklearn.datasets import load_iris
from sklearn.utils import estimator_html_repr

import sklearn_ssl
from sklearn_ssl import (
    ContrastivePretrainer,
    FewLabelClassifier,
    LabelDiffusion,
    LabeledOnly,
    MaskedPretrainer,
    RowSelector,
    SelfOrganizingMap,
    Word2VecPretrainer,
)
from sklearn_ssl.doc_link import README, SECTIONS
from sklearn_ssl.modalities import Audio, Image, Series, Tabular, Text, infer_modality
from sklearn_ssl.modalities.series._input import read_series

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
    Tabular(),
    Image(),
    Series(),
    Audio(),
    Text(),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_the_diagram_leads_to_our_docs(estimator):
    html = estimator_html_repr(estimator)
    links = set(re.findall(re.escape(README) + r"#([\w-]+)", html))
    heads = re.findall(r"^## (.*)$", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
    assert SECTIONS.get(type(estimator).__name__, "all-methods") in links
    assert links <= anchors


def test_every_section_is_of_a_class_that_is_there():
    names = {type(estimator).__name__ for estimator in ESTIMATORS}
    assert set(SECTIONS) <= names
    homepage = re.search(r'^Homepage = "(.*)"$', (ROOT / "pyproject.toml").read_text(), flags=re.MULTILINE)[1]
    assert README.startswith(homepage + "/")


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
    fix = re.search(r"first: (\[.*\])\. If", str(caught.value))[1]
    assert group in fix
    parts = eval(fix, {"X": X})
    assert len(parts) in (4, 5) and {part.shape for part in parts} in ({(1, 5)}, {(1, 4)})


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
