"""Classifiers on raw columns, on features and on the graph of all rows, weighed by labels that they have not seen."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

import sklearn_ssl
from sklearn_ssl import (
    ContrastivePretrainer,
    FewLabelClassifier,
    LabelDiffusion,
    LabeledOnly,
    MaskedPretrainer,
)
from sklearn_ssl.few_labels import _members, _product, _saved
from sklearn_ssl.few_labels._product import likelihood_weights, log_probabilities, product, splits_of
from sklearn_ssl.modalities import Image, Text

X, y = load_iris(return_X_y=True)
FEW = np.arange(150) % 10 == 0
LIGHT = [("LR", LogisticRegression(max_iter=500), "raw"), ("NB", GaussianNB(), "pca")]
SSL = MaskedPretrainer(n_components=8, max_epochs=1, random_state=0).fit(X)


def new(**params):
    return FewLabelClassifier(**{"pretrainers": [PCA(2)], "estimators": LIGHT, "random_state": 0, **params})


@pytest.fixture
def few_trees(monkeypatch):
    monkeypatch.setattr(_members, "N_TREES", 5)


# the product


def draws(n=400, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, n_classes, n)
    good = softmax(2 * np.eye(n_classes)[codes] + rng.normal(size=(n, n_classes)), axis=1)
    return codes, good, softmax(rng.normal(size=(n, n_classes)), axis=1)


def test_what_knows_nothing_weighs_nothing():
    codes, good, noise = draws()
    weights = likelihood_weights(np.log([good, noise]), codes)
    assert weights[0] > 0.5 and abs(weights[1]) < 0.1


def test_what_misleads_on_labels_left_out_still_names_a_likeliest_class():
    codes = np.array([0, 1] * 5)
    wrong = np.where(np.eye(2)[1 - codes] == 1, 0.99, 0.01)
    weights = likelihood_weights(np.log([wrong, wrong]), codes)
    assert weights.tolist() == pytest.approx([0.05, 0.05])
    new = np.array([[0.2, 0.8], [0.9, 0.1]])
    assert product(np.log([new, new]), weights).argmax(axis=1).tolist() == [1, 0]


def test_weights_say_how_sure_the_product_is():
    codes, good, _ = draws(n=4000)
    for power in (0.5, 2.0):
        log_p = np.log(good)[None] * power
        found = product(log_p, likelihood_weights(log_p, codes))
        own = product(np.log(good)[None], likelihood_weights(np.log(good)[None], codes))
        loss, expected = (-one[np.arange(len(codes)), codes].mean() for one in (found, own))
        assert loss == pytest.approx(expected, abs=0.05)


def test_weights_are_drawn_towards_equal_ones(monkeypatch):
    codes, good, noise = draws(n=20)
    free = likelihood_weights(np.log([good, noise]), codes)
    monkeypatch.setattr(_product, "RIDGE", 100.0)
    drawn = likelihood_weights(np.log([good, noise]), codes)
    assert np.abs(drawn - 0.5).max() < 0.1 < np.abs(free - 0.5).max()
    assert likelihood_weights(np.empty((4, 0, 2)), np.empty(0, dtype=int)).tolist() == [0.25] * 4


def test_no_probability_is_zero():
    assert np.isfinite(log_probabilities(np.eye(3))).all()
    assert np.exp(log_probabilities(np.eye(3))).sum(axis=1) == pytest.approx(1)


def test_each_class_is_spread_over_the_folds_and_a_single_row_is_never_left_out():
    codes = np.array([0] * 7 + [1] * 2 + [2])
    splits = list(splits_of(codes, 5, np.random.default_rng(0)))
    tested = np.concatenate([test for _, test in splits])
    assert sorted(tested) == list(range(9))
    for train, test in splits:
        assert not set(train) & set(test) and set(codes[train]) == {0, 1, 2}


# the estimator


def test_the_product_is_that_of_its_parts():
    clf = new().fit(X[FEW], y[FEW], X_unlabeled=X[~FEW])
    pca = PCA(2).fit(X[np.r_[np.flatnonzero(FEW), np.flatnonzero(~FEW)]])
    assert clf.pretrainers_["pca"].components_.ravel() == pytest.approx(pca.components_.ravel())
    scaled = (X - X.mean(0)) / X.std(0)
    raw = LogisticRegression(max_iter=500).fit(scaled[FEW], y[FEW])
    features = GaussianNB().fit(pca.transform(X[FEW]), y[FEW])
    each = [raw.predict_proba(scaled), features.predict_proba(pca.transform(X))]
    logits = sum(w * np.log(0.99 * P + 0.01 / 3) for w, P in zip(clf.weights_, each, strict=True))
    np.testing.assert_allclose(clf.predict_proba(X), softmax(logits, axis=1), atol=1e-3)
    np.testing.assert_allclose(np.exp(clf.predict_log_proba(X)), clf.predict_proba(X))


def test_losses_are_of_labels_that_were_left_out():
    clf = new(estimators=[*LIGHT, ("1-NN", KNeighborsClassifier(1), "X"), ("prior", DummyClassifier(), "X")])
    clf.fit(X[FEW], np.random.default_rng(0).permutation(y[FEW]))
    assert (clf.losses_[:3] > 0.9).all()  # it has learned them by heart
    assert clf.losses_[3] == pytest.approx(np.log(3), abs=0.1)
    assert clf.weights_[2] < 0.1
    assert clf.loss_ < clf.losses_.max()


def test_the_whole_recipe_by_default(monkeypatch, few_trees):
    for cls in (ContrastivePretrainer, MaskedPretrainer):
        monkeypatch.setattr(cls, "_epoch_budget", 60)
    clf = FewLabelClassifier(random_state=0).fit(X[FEW], y[FEW], X_unlabeled=X[~FEW])
    assert clf.score(X, y) > 0.85
    assert [*clf.pretrainers_] == ["contrastive", "masked"]
    assert [name for name, _, _ in clf.estimators_] == [
        "logistic regression on contrastive",
        "extra trees on contrastive",
        "diffusion on contrastive",
        "logistic regression on masked",
        "logistic regression on raw",
        "extra trees on raw",
    ]
    assert len(clf.estimators_[2][1].transduction_) == 150  # labels spread over the pool
    again = clone(clf).fit(X[FEW], y[FEW], X_unlabeled=X[~FEW])
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


def test_it_says_what_it_leans_on():
    clf = new()
    assert "weight" not in repr(clf) and "<li>" not in clf._repr_html_inner()
    lines = repr(clf.fit(X[FEW], y[FEW])).splitlines()
    first = clf.estimators_[clf.weights_.argmax()][0]
    assert lines[-3].startswith(f"{first}: weight {clf.weights_.max():.2f}, log loss")
    assert lines[-1].startswith(f"all together: log loss {clf.loss_:.2f}")
    assert f"<li>{first}: weight" in clf._repr_html_inner()


def test_fitted_pretrainers_are_taken_as_they_are_and_kept_by_clone():
    clf = new(
        pretrainers=[SSL, FrozenEstimator(PCA(2).fit(X))],
        estimators=[("LR", LIGHT[0][1], "masked"), LIGHT[1]],
    )
    for one in (clf, clone(clf)):
        assert [*one.fit(X[FEW], y[FEW]).pretrainers_] == ["masked", "pca"]
        assert one.pretrainers_["masked"] is SSL
    two = new(pretrainers=[SSL, SSL], estimators=[("LR", LIGHT[0][1], "masked 2")]).fit(X[FEW], y[FEW])
    assert [*two.pretrainers_] == ["masked", "masked 2"]


def test_without_features(few_trees):
    clf = FewLabelClassifier(pretrainers=None, random_state=0).fit(X[FEW], y[FEW])
    assert [view for *_, view in clf.estimators_] == ["raw", "raw"] and clf.score(X, y) > 0.85


@pytest.mark.parametrize(
    "labels", [["a", "b", "c"], [True, False, False], [3, 5, 9]], ids=["texts", "truth", "ints"]
)
def test_classes_of_all_kinds_and_rows_without_a_label(labels):
    known = np.array(labels)[y]
    some = np.where(FEW, known.astype(object), None)
    clf = LabeledOnly(new(estimators=[*LIGHT, ("LD", LabelDiffusion(), "pca")])).fit(X, some)
    assert clf.classes_.tolist() == sorted(set(labels))
    assert clf.score(X, known) > 0.8
    assert len(clf.estimators_[2][1].rows_) == 150


def test_one_label_a_class_gives_equal_weights():
    rows = [0, 50, 100]
    clf = new().fit(X[rows], y[rows], X_unlabeled=X)
    assert clf.weights_.tolist() == [0.5, 0.5] and np.isnan(clf.losses_).all() and np.isnan(clf.loss_)
    assert clf.score(X, y) > 0.7
    clf.fit(X[[0, 50, 100, 101]], y[[0, 50, 100, 101]])
    assert np.isfinite(clf.loss_)


def test_weights_may_be_given():
    assert new(weights="equal").fit(X[FEW], y[FEW]).weights_.tolist() == [0.5, 0.5]
    clf = new(weights=[0, 1]).fit(X[FEW], y[FEW])
    alone = GaussianNB().fit(clf.pretrainers_["pca"].transform(X[FEW]), y[FEW])
    assert (clf.predict(X) == alone.predict(clf.pretrainers_["pca"].transform(X))).all()


def test_mixed_tables(few_trees):
    frame = pd.DataFrame({"size": X[:, 0], "long": X[:, 2], "shape": np.array(list("uvw"))[y]})
    frame.loc[::7, "size"] = np.nan
    frame.loc[::9, "shape"] = None
    ssl = MaskedPretrainer(n_components=8, max_epochs=0, random_state=0)
    clf = FewLabelClassifier(pretrainers=[ssl], random_state=0)
    clf.fit(frame[FEW], y[FEW], X_unlabeled=frame[~FEW])
    assert clf.score(frame, y) > 0.85 and list(clf.feature_names_in_) == ["size", "long", "shape"]
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame.rename(columns={"size": "big"}))


def test_images_and_texts(few_trees):
    digits, labels = load_digits(return_X_y=True)
    digits, labels = digits[:120], labels[:120]
    of_images = MaskedPretrainer(modality=Image(shape=(8, 8)), n_components=8, max_epochs=0, random_state=0)
    clf = FewLabelClassifier(pretrainers=[of_images], random_state=0).fit(
        digits[:60], labels[:60], X_unlabeled=digits[60:]
    )
    assert clf.score(digits[60:], labels[60:]) > 0.6
    texts = [
        f"{a} {b}" for a in ("a cat", "the dog", "one cow", "my dog") for b in ("sat", "ran", "ate", "is it")
    ] * 2
    about = np.array(["dog" in text for text in texts])
    of_texts = ContrastivePretrainer(
        modality=Text(max_length=8), encoder="bag", n_components=8, max_epochs=0, random_state=0
    )
    clf = FewLabelClassifier(pretrainers=[of_texts], random_state=0).fit(
        texts[:16], about[:16], X_unlabeled=texts[16:]
    )
    assert [name for name, _, view in clf.estimators_ if view == "raw"] == ["logistic regression on raw"]
    assert clf.score(texts, about) > 0.9


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"pretrainers": "contrastive"}, "pretrainers"),
        ({"pretrainers": [PCA]}, "Add"),
        ({"pretrainers": [SVC()]}, "must be a pretrainer"),
        ({"estimators": []}, "nothing to combine"),
        ({"estimators": [LogisticRegression()]}, r"list of \(name, estimator, view\)"),
        ({"estimators": [("svc", SVC(), "raw")]}, "predict_proba"),
        ({"estimators": [("LR", LogisticRegression, "raw")]}, "predict_proba"),
        ({"estimators": [("LR", LogisticRegression(), "masked")]}, "there is only: pca, raw, X"),
        ({"weights": [1.0]}, "each of the 2 estimators"),
        ({"weights": [-1.0, 1.0]}, "none of them negative"),
        ({"weights": "best"}, "weights"),
        ({"cv": 1}, "cv"),
        ({"modality": "table", "pretrainers": None, "estimators": LIGHT[:1]}, "modality"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said(wrong, said):
    with pytest.raises((ValueError, TypeError), match=said):
        new(**wrong).fit(X[FEW], y[FEW])
    with pytest.raises(ValueError, match="2 classes"):
        new().fit(X[:5], y[:5])


def test_saved_and_pickled_it_predicts_the_same(few_trees, tmp_path):
    names = np.array(["a", "b", "c"])[y]
    clf = FewLabelClassifier(pretrainers=[FrozenEstimator(SSL)], random_state=0).fit(X[FEW], names[FEW])
    clf.save(tmp_path)
    for other in (pickle.loads(pickle.dumps(clf)), sklearn_ssl.load(tmp_path)):
        np.testing.assert_allclose(other.predict_proba(X), clf.predict_proba(X), rtol=1e-4, atol=1e-7)
        assert (other.predict(X) == clf.predict(X)).all()
        assert repr(other).splitlines()[1:] == repr(clf).splitlines()[1:]


def test_words_count_as_much_as_they_tell():
    """With the default penalty their probabilities are nearly equal, and the weights cannot make up for that."""
    rng = np.random.default_rng(0)
    about = np.arange(60) % 20
    texts = [f"topic{a} {' '.join(rng.choice(['some', 'other', 'words', 'here'], 6))}" for a in about]
    unsure = [("LR", LogisticRegression(max_iter=500), "raw")]
    losses = [
        FewLabelClassifier(pretrainers=None, modality=Text(), random_state=0, **given)
        .fit(texts, about)
        .losses_
        for given in ({}, {"estimators": unsure})
    ]
    assert losses[0] < 0.8 * losses[1]


def test_texts_are_saved_with_their_words(tmp_path):
    texts, about = ["the cat", "a dog", "my cat", "one dog", "cat", "dog"] * 2, [0, 1] * 6
    clf = FewLabelClassifier(pretrainers=None, modality=Text(), random_state=0).fit(texts, about)
    clf.save(tmp_path)
    loaded = sklearn_ssl.load(tmp_path)
    np.testing.assert_allclose(loaded.predict_proba(["your cat", "?"]), clf.predict_proba(["your cat", "?"]))


def test_what_cannot_be_saved_is_said(tmp_path):
    with pytest.raises(TypeError, match=r"GaussianNB|LogisticRegression|PCA"):
        new().fit(X[FEW], y[FEW]).save(tmp_path)


@pytest.mark.parametrize(
    "name, value",
    [("left_child", 10**6), ("right_child", 0), ("feature", 99), ("feature", -3), ("threshold", np.nan)],
)
def test_trees_without_an_end_are_refused(name, value):
    forest = ExtraTreesClassifier(3, random_state=0).fit(X, y)
    state = _saved.state_of(forest)
    np.testing.assert_array_equal(_saved.model_of(state, 3).predict_proba(X), forest.predict_proba(X))
    state["fields"][name][np.flatnonzero(state["fields"]["left_child"] != -1)[0]] = value
    with pytest.raises(ValueError, match="damaged"):
        _saved.model_of(state, 3)


@pytest.mark.parametrize("name", ["classes", "sizes", "depths", "values", "fields", "n_features"])
def test_damaged_trees_are_refused(name):
    state = _saved.state_of(ExtraTreesClassifier(3, random_state=0).fit(X, y))
    for value in (None, np.zeros(2), -1):
        with pytest.raises(ValueError, match="damaged"):
            _saved.model_of({**state, name: value}, 3)
