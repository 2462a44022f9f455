"""Which rows to label first."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_blobs
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils import estimator_checks

from sklearn_ssl import ContrastivePretrainer, MaskedPretrainer, RowSelector
from sklearn_ssl.few_labels import _coverage
from sklearn_ssl.modalities import Image, Text

BLOBS, blob = make_blobs([200, 100, 60, 30], centers=None, cluster_std=0.3, random_state=3)
TEXTS = ["the cat", "a dog", "the mat on a cat"] * 10
STRATEGIES = ["centre", "typical"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_one_row_of_each_cluster_that_of_the_largest_first(strategy):
    found = RowSelector(4, pretrainer=None, strategy=strategy, random_state=0).fit(BLOBS).selected_
    assert blob[found].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("none", [-1, None, np.nan], ids=str)
def test_clusters_with_a_label_are_covered(strategy, none):
    y = np.full(len(BLOBS), none, dtype=object)
    y[[np.flatnonzero(blob == 0)[0], np.flatnonzero(blob == 2)[0]]] = 1
    found = RowSelector(2, pretrainer=None, strategy=strategy, random_state=0).fit(BLOBS, y).selected_
    assert blob[found].tolist() == [1, 3]


def test_rounds_never_choose_a_row_twice():
    y = np.full(len(BLOBS), -1)
    for _ in range(5):
        found = RowSelector(n_rows=7, pretrainer=None, random_state=0).fit(BLOBS, y).selected_
        assert len(set(found)) == 7 and (y[found] == -1).all()
        y[found] = blob[found]
    rest = int((y == -1).sum())
    last = RowSelector(n_rows=rest, pretrainer=None, random_state=0).fit(BLOBS, y).selected_
    assert set(last) == set(np.flatnonzero(y == -1))
    with pytest.raises(ValueError, match=f"n_rows={rest + 1}, and X has {rest} rows without a label"):
        RowSelector(n_rows=rest + 1, pretrainer=None).fit(BLOBS, y)


def test_in_later_rounds_the_classifier_is_least_sure_of_what_is_chosen():
    X = np.linspace(0, 1, 101)[:, None]
    y = np.full(101, None, dtype=object)
    y[[0, 1, 2, 98, 99, 100]] = ["low"] * 3 + ["high"] * 3
    selector = RowSelector(2, pretrainer=None, classifier=LogisticRegression(C=100), random_state=0)
    found = selector.fit(X, y).selected_
    assert np.abs(X[found, 0] - 0.5).max() < 0.2  # between the classes
    assert np.abs(X[found[0], 0] - 0.5) <= np.abs(X[found[1], 0] - 0.5)
    alike = RowSelector(2, pretrainer=None, random_state=0).fit(X, y).selected_
    assert np.abs(X[alike, 0] - 0.5).max() > 0.2
    # nothing to learn from: no labels, and labels of one class
    none, one, sign = np.full(101, -1), np.r_[3, np.full(100, -1)], np.r_[1, 1, np.full(99, -1)]
    for labels in (None, none, one, sign):  # -1 beside 1 is a row without a label, too
        plain = RowSelector(2, pretrainer=None, random_state=0).fit(X, labels)
        assert (selector.fit(X, labels).selected_ == plain.selected_).all()
    with pytest.raises(ValueError, match="classifier"):
        RowSelector(2, pretrainer=None, classifier=KMeans(2)).fit(X)


def test_the_centre_is_the_row_nearest_to_it():
    found = RowSelector(1, pretrainer=None, strategy="centre", random_state=0).fit(BLOBS).selected_
    assert found.tolist() == [((BLOBS - BLOBS.mean(0)) ** 2).sum(1).argmin()]


def test_the_most_typical_row_has_the_nearest_neighbours(monkeypatch):
    distances = np.sqrt(((BLOBS[:, None] - BLOBS) ** 2).sum(-1))
    expected = np.sort(distances, axis=1)[:, : _coverage.TYPICAL_NEIGHBOURS + 1].mean(1).argmin()
    select = RowSelector(1, pretrainer=None, strategy="typical", random_state=0)
    assert select.fit(BLOBS).selected_.tolist() == [expected]
    monkeypatch.setattr(_coverage, "TYPICAL_ROWS", 50)
    assert blob[select.fit(BLOBS).selected_[0]] == 0  # of many rows, among some of them


def test_chosen_rows_tell_a_classifier_more_than_random_ones():
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    chosen = RowSelector(20, pretrainer=None, random_state=0).fit(X).selected_
    draws = [rng.permutation(len(X))[:20] for _ in range(5)]
    scores = [KNeighborsClassifier(1).fit(X[rows], y[rows]).score(X, y) for rows in (chosen, *draws)]
    assert scores[0] > max(scores[1:])


def test_many_rows_are_clustered_in_batches(monkeypatch):
    monkeypatch.setattr(_coverage, "FULL_ROWS", 100)
    found = RowSelector(4, pretrainer=None, random_state=0).fit(BLOBS).selected_
    assert set(blob[found]) == {0, 1, 2, 3}


def test_equal_rows_do_not_hinder():
    X = np.repeat(BLOBS[:3], 10, axis=0)
    found = RowSelector(8, pretrainer=None, random_state=0).fit(X).selected_
    assert len(set(found)) == 8 and len(np.unique(X[found[:3]], axis=0)) == 3


@pytest.mark.parametrize(
    "pretrainer, X",
    [
        (MaskedPretrainer(max_epochs=0), pd.DataFrame({"a": range(30), "b": list("xyz") * 10})),
        (ContrastivePretrainer(modality=Image(), max_epochs=0), load_digits().images[:30]),
        (
            ContrastivePretrainer(modality=Text(), encoder="bag", max_epochs=0),
            ["the cat", "a dog", "the mat on a cat"] * 10,
        ),
        (PCA(2), BLOBS[:30]),
    ],
    ids=["table", "images", "texts", "PCA"],
)
def test_features_of_any_transformer(pretrainer, X):
    select = RowSelector(3, pretrainer=pretrainer, random_state=0).fit(X)
    assert len(set(select.selected_)) == 3 and set(select.selected_) < set(range(30))
    again = RowSelector(3, pretrainer=select.pretrainer_, random_state=0).fit(X)
    assert again.pretrainer_ is select.pretrainer_
    assert (again.selected_ == select.selected_).all()


def test_by_default_it_pretrains_and_the_same_seed_chooses_the_same(monkeypatch):
    monkeypatch.setattr(ContrastivePretrainer, "_epoch_budget", 20)
    select = RowSelector(n_rows=5, random_state=0).fit(BLOBS)
    assert isinstance(select.pretrainer_, ContrastivePretrainer) and select.pretrainer_.history_
    assert (clone(select).fit(BLOBS).selected_ == select.selected_).all()


def test_a_fitted_pretrainer_is_kept_by_clone():
    fitted = PCA(2).fit(BLOBS)
    for one in (fitted, FrozenEstimator(fitted)):
        select = RowSelector(3, pretrainer=one, random_state=0).fit(BLOBS[:50])
        assert clone(select).pretrainer is one and select.pretrainer_ is one


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"pretrainer": PCA}, "Add"),
        ({"pretrainer": KMeans}, "Add"),
        ({"pretrainer": KNeighborsClassifier()}, "must be a pretrainer"),
        ({"pretrainer": "contrastive"}, "must be a pretrainer"),
        ({"n_rows": 0}, "n_rows"),
        ({"n_rows": True}, "n_rows"),
        ({"n_rows": 391}, "n_rows=391, and X has 390 rows"),
        ({"strategy": "best"}, "strategy"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said(wrong, said):
    with pytest.raises((ValueError, TypeError), match=said):
        RowSelector(**{"n_rows": 3, "pretrainer": None} | wrong).fit(BLOBS)


def test_as_many_labels_as_rows():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        RowSelector(3, pretrainer=None).fit(BLOBS, blob[:-1])


@pytest.mark.parametrize(
    "name",
    [
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_get_params_invariance",
        "check_no_attributes_set_in_init",
        "check_param_validation",
        "check_parameters_default_constructible",
        "check_set_params",
        "check_valid_tag_types",
    ],
)
def test_estimator_checks_that_give_no_labels(name):
    getattr(estimator_checks, name)("RowSelector", RowSelector(2, pretrainer=None))
