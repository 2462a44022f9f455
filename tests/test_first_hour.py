"""What a new user tries first: names, words for names that do not exist, links to the docs."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from methods import METHODS
from sklearn.datasets import load_iris
from sklearn.utils import estimator_html_repr

import sklearn_ssl
from sklearn_ssl import ContrastivePretrainer, LabeledOnly, SelfOrganizingMap, Word2VecPretrainer
from sklearn_ssl.doc_link import README, SECTIONS
from sklearn_ssl.modalities import Image, Tabular, Text

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


@pytest.mark.parametrize("name", ["", "nonsense", "t", "series", 3])
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
    Tabular(),
    Image(),
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
