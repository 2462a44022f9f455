"""Zero-shot classification: the closed form, calibrated stacking, descriptions of all kinds, and wrong ones."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import zero_shot
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_ssl
from sklearn_ssl import ContrastivePretrainer, ZeroShotClassifier
from sklearn_ssl.transfer._eszsl import (
    Trial,
    best_seen_penalty,
    best_temperature,
    centred_unit_rows,
    eszsl,
    left_out_places,
    one_against_others,
    ridge,
    trial,
)

CODES = np.array([[int(on) for on in code] for code in zero_shot.SEGMENTS])
DIGITS = dict(enumerate(CODES.tolist()))
NAMES = np.array(zero_shot.NAMES)
X, y = load_digits(return_X_y=True)
X, y = X[::3], y[::3]
SEEN = y != 3


def problem(n=40, d=6, k=5, a=4):
    rng = np.random.default_rng(0)
    codes = np.r_[np.arange(k), rng.integers(k, size=n - k)]
    return rng.normal(size=(n, d)), codes, one_against_others(codes, k), rng.normal(size=(k, a))


@pytest.mark.parametrize("n, d", [(40, 6), (5, 9)])
def test_closed_form_solves_its_kronecker_system(n, d):
    X, _, Y, S = problem(n, d)
    g, h = 0.7, 0.3
    # X'X V S'S + g V S'S + h X'X V + g h V = X'Y S, with the columns of V one below the other
    G, H = X.T @ X, S.T @ S
    left = np.kron(H, G) + g * np.kron(H, np.eye(d)) + h * np.kron(np.eye(4), G) + g * h * np.eye(4 * d)
    V = np.linalg.solve(left, (X.T @ Y @ S).ravel(order="F")).reshape(d, 4, order="F")
    np.testing.assert_allclose(eszsl(X, Y, S, g, h), V, rtol=1e-6)


def test_closed_form_is_the_minimum():
    X, _, Y, S = problem()
    g, h = 0.7, 0.3

    def loss(V):
        parts = ((X @ V @ S.T - Y) ** 2).sum(), (V @ S.T) ** 2, (X @ V) ** 2, V**2
        return parts[0] + g * parts[1].sum() + h * parts[2].sum() + g * h * parts[3].sum()

    V = eszsl(X, Y, S, g, h)
    steps = np.random.default_rng(1).normal(size=(20, *V.shape)) * 1e-3
    assert all(loss(V + step) > loss(V) for step in steps)


@pytest.mark.parametrize("n, d", [(12, 4), (5, 9)])
def test_rows_are_left_out_as_if_they_had_never_been_there(n, d):
    X, _, Y, S = problem(n, d)
    places = left_out_places(X, Y, S, 0.7, 0.3)
    for i in range(n):
        others = np.arange(n) != i
        np.testing.assert_allclose(places[i], X[i] @ eszsl(X[others], Y[others], S, 0.7, 0.3), rtol=1e-6)
    hat = X @ np.linalg.inv(X.T @ X + 0.7 * np.eye(d)) @ X.T
    np.testing.assert_allclose(ridge(X, Y, 0.7)[1], np.diag(hat), rtol=1e-6)


def test_a_trial_is_a_fit_without_the_classes_held_out():
    X, codes, _, S = problem()
    held = np.array([False, True, False, False, True])
    scores = trial(X, codes, S, held, (0.7, 0.3)).scores
    rows = ~held[codes]
    Y = np.where(codes[rows, None] == np.flatnonzero(~held), 1.0, -1.0)
    mean = X[rows].mean(0)
    V = eszsl(X[rows] - mean, Y, S[~held], 0.7, 0.3)
    np.testing.assert_allclose(scores[~rows], (X[~rows] - mean) @ V @ S.T)


def harmonic(found, codes, held):
    right = np.array([np.mean(found[codes == k] == k) for k in range(len(held))])
    seen, unseen = right[~held].mean(), right[held].mean()
    return 2 * seen * unseen / max(seen + unseen, 1e-12)


def test_seen_penalty_is_the_best_of_all():
    rng = np.random.default_rng(0)
    codes, held = rng.integers(5, size=200), np.array([False, False, False, True, True])
    scores = 2 * one_against_others(codes, 5) + rng.normal(size=(200, 5)) * 2 + 1.5 * ~held
    best = best_seen_penalty([Trial(scores, codes, held)])
    values = [harmonic((scores - p * ~held).argmax(1), codes, held) for p in np.linspace(0, 8, 400)]
    found = harmonic((scores - best * ~held).argmax(1), codes, held)
    assert found >= max(values) - 1e-12 > harmonic(scores.argmax(1), codes, held) + 0.05


def test_temperature_has_the_best_likelihood():
    rng = np.random.default_rng(0)
    codes = rng.integers(4, size=300)
    scores = one_against_others(codes, 4) + rng.normal(size=(300, 4))

    def loss(temperature):
        return -log_softmax(scores / temperature, axis=1)[np.arange(300), codes].mean()

    best = best_temperature(scores, codes)
    assert all(loss(best) <= loss(other) for other in np.geomspace(0.05, 20, 50))


def test_descriptions_are_centred_and_of_length_1():
    S = centred_unit_rows(np.array([[1.0, 2], [3, 2], [2, 2]]) * 1e9)
    np.testing.assert_allclose(S, [[-1, 0], [1, 0], [0, 0]])
    assert (centred_unit_rows(np.full((3, 2), 0.1)) == 0).all()


def test_unseen_digits_are_found():
    clf = ZeroShotClassifier(DIGITS).fit(X[SEEN], y[SEEN])
    assert list(clf.classes_) == list(range(10)) and 3 not in clf.seen_classes_
    unseen, seen = clf.score(X[~SEEN], y[~SEEN]), clf.score(X[SEEN], y[SEEN])
    assert 2 * seen * unseen / (seen + unseen) > 0.5
    assert (clf.predict(X[~SEEN], candidates=[3, 1]) == 3).mean() > 0.9
    assert set(clf.predict(X, candidates=np.array([7, 2]))) == {2, 7}
    scores = clf.decision_function(X)
    assert (clf.classes_[scores.argmax(1)] == clf.predict(X)).all()
    np.testing.assert_allclose(clf.predict_proba(X).sum(1), 1)


def test_the_penalty_moves_rows_from_seen_to_unseen_classes():
    share = [
        (ZeroShotClassifier(DIGITS, seen_penalty=p).fit(X[SEEN], y[SEEN]).predict(X) == 3).mean()
        for p in (-9.0, 0.0, 0.3, 9.0)
    ]
    assert share[0] == 0 and share[-1] == 1 and share[1] < share[2]
    auto = ZeroShotClassifier(DIGITS).fit(X[SEEN], y[SEEN])
    assert 0 < auto.seen_penalty_ < 1
    assert ZeroShotClassifier(DIGITS).fit(X, y).seen_penalty_ == 0  # nothing is unseen
    assert ZeroShotClassifier(DIGITS).fit(X[y < 2], y[y < 2]).seen_penalty_ == 0  # nothing to hold out


@pytest.mark.parametrize(
    "other",
    [
        {"feature_penalty": 9.0},
        {"description_penalty": 9.0},
        {"seen_penalty": 0.5},
        {"class_descriptions": {k: [*v[::-1], k] for k, v in DIGITS.items()}},
    ],
    ids=str,
)
def test_every_parameter_changes_something(other):
    clf = ZeroShotClassifier(DIGITS).fit(X[SEEN], y[SEEN])
    base = clf.decision_function(X)
    assert not np.allclose(clf.set_params(**other).fit(X[SEEN], y[SEEN]).decision_function(X), base)


def test_without_descriptions_it_is_a_ridge_classifier():
    clf = ZeroShotClassifier(feature_penalty=0.1).fit(X[::2], y[::2])
    ridge = make_pipeline(StandardScaler(), RidgeClassifier(0.1 * len(X[::2]))).fit(X[::2], y[::2])
    assert (clf.predict(X) == ridge.predict(X)).mean() > 0.95
    assert clf.score(X[1::2], y[1::2]) > 0.85
    loss = -np.log(clf.predict_proba(X[1::2])[np.arange(len(X[1::2])), y[1::2]]).mean()
    assert loss < 0.7  # probabilities mean something


@pytest.mark.parametrize(
    "names",
    [NAMES, NAMES.astype(object), np.arange(10), np.arange(10) - 4, np.arange(10) / 2],
    ids=lambda names: str(names.dtype),
)
def test_classes_survive_save_pickle_and_clone(names, tmp_path):
    names, labels = names.tolist(), names[y]
    clf = ZeroShotClassifier(dict(zip(names, CODES, strict=True)))
    if labels.dtype.kind == "f":
        with pytest.raises(ValueError, match="continuous"):
            clf.fit(X[SEEN], labels[SEEN])
        return
    clf.fit(X[SEEN], labels[SEEN])
    assert clf.score(X, labels) > 0.5 and sorted(names) == clf.classes_.tolist()
    clf.save(tmp_path)
    for other in (
        sklearn_ssl.load(tmp_path),
        pickle.loads(pickle.dumps(clf)),
        clone(clf).fit(X[SEEN], labels[SEEN]),
    ):
        assert (other.predict(X) == clf.predict(X)).all()
        assert other.classes_.dtype == clf.classes_.dtype
        assert list(other.class_descriptions) == names
        assert other.fit(X, labels).score(X, labels) > 0.8


def test_booleans_are_classes(tmp_path):
    clf = ZeroShotClassifier({True: [1, 0], False: [0, 1]}).fit(X, y > 4)
    assert clf.classes_.dtype == bool and clf.score(X, y > 4) > 0.8
    assert clf.decision_function(X).shape == (len(X),)
    clf.save(tmp_path)
    loaded = sklearn_ssl.load(tmp_path)
    assert loaded.classes_.dtype == bool and list(loaded.class_descriptions) == [True, False]
    assert all(isinstance(key, bool) for key in loaded.class_descriptions)


class Letters(BaseEstimator):
    """Embeds texts as models of sentence-transformers do."""

    def encode(self, texts):
        return np.array(
            [[text.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts], float
        )


TEXTS = {k: " ".join(f"s{i}" if on else "dark" for i, on in enumerate(code)) for k, code in DIGITS.items()}


def test_descriptions_may_be_texts():
    counts = TfidfVectorizer(use_idf=False)
    clf = ZeroShotClassifier(TEXTS, text_embedder=counts).fit(X[SEEN], y[SEEN])
    assert not hasattr(counts, "vocabulary_")
    assert (clf.predict(X[~SEEN], candidates=[3, 1]) == 3).mean() > 0.9
    fitted = FrozenEstimator(counts.fit(TEXTS.values()))
    again = clone(ZeroShotClassifier(TEXTS, text_embedder=fitted)).fit(X[SEEN], y[SEEN])
    assert (again.predict(X) == clf.predict(X)).all()
    by_names = ZeroShotClassifier(dict(enumerate(NAMES.tolist())), text_embedder=Letters()).fit(X, y)
    assert by_names.descriptions_.shape == (10, 26) and by_names.score(X, y) > 0.7
    ssl = ContrastivePretrainer(encoder="bag", n_components=4, max_epochs=1, random_state=0)
    assert ZeroShotClassifier(TEXTS, text_embedder=ssl).fit(X, y).descriptions_.shape == (10, 4)


def test_texts_are_not_needed_after_a_load(tmp_path):
    clf = ZeroShotClassifier(TEXTS, text_embedder=TfidfVectorizer()).fit(X[SEEN], y[SEEN])
    clf.save(tmp_path)
    loaded = sklearn_ssl.load(tmp_path)
    assert loaded.text_embedder is None and (loaded.predict(X) == clf.predict(X)).all()
    with pytest.raises(ValueError, match="text_embedder=None"):
        loaded.fit(X, y)


def test_pipelines_and_searches_over_classes_held_out():
    clf = make_pipeline(StandardScaler(), ZeroShotClassifier(DIGITS)).fit(X[SEEN], y[SEEN])
    assert set(clf.predict(X, candidates=[3, 4])) == {3, 4}
    grid = {"feature_penalty": [1e-1, 1e6], "description_penalty": [1.0]}
    search = GridSearchCV(ZeroShotClassifier(DIGITS), grid, cv=GroupKFold(5)).fit(X, y, groups=y)
    assert search.best_params_["feature_penalty"] == 0.1
    assert search.best_score_ > 0.2  # of classes that were not seen


@pytest.mark.parametrize(
    "descriptions, error, words",
    [
        ({0: [1, 0], 1: [0, 1]}, ValueError, "Classes without a description: 2, 3, 4, 5, 6, .* Add them"),
        (
            {str(k): v for k, v in DIGITS.items()},
            ValueError,
            "Those of y are integers, and those described are texts",
        ),
        ({**DIGITS, 9: [1, 0]}, ValueError, "differ in length: 7 for 0, 2 for 9"),
        ({**DIGITS, 9: "nine"}, TypeError, "Some descriptions are texts and others"),
        ({**DIGITS, 9: [1, "a"]}, TypeError, "description of 9 is no vector of numbers"),
        ({**DIGITS, 9: None}, ValueError, "description of 9 must be a vector"),
        ({**DIGITS, 9: 1.0}, ValueError, r"description of 9 must be a vector .* shape \(\)"),
        ({**DIGITS, 9: [np.nan] * 7}, ValueError, "NaN or infinity"),
        ({**DIGITS, "nine": [1] * 7}, TypeError, "must all be texts, numbers or booleans"),
        ({}, ValueError, "class_descriptions is empty"),
        (TEXTS, ValueError, "Descriptions are texts, and text_embedder=None"),
        ([[1, 0]], ValueError, "class_descriptions"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_wrong_descriptions(descriptions, error, words):
    with pytest.raises(error, match=words):
        ZeroShotClassifier(descriptions).fit(X, y)
    clf = ZeroShotClassifier(DIGITS).fit(X, y)
    before = clf.predict(X)
    with pytest.raises(error):
        clf.set_params(class_descriptions=descriptions).fit(X[:, :9], y)
    assert (clf.predict(X) == before).all()  # a refused fit changes nothing


@pytest.mark.parametrize(
    "embedder, error, words",
    [
        (TfidfVectorizer, TypeError, "text_embedder=TfidfVectorizer is the class"),
        (RidgeClassifier(), TypeError, "RidgeClassifier has no transform or encode"),
    ],
)
def test_wrong_embedders(embedder, error, words):
    with pytest.raises(error, match=words):
        ZeroShotClassifier(TEXTS, text_embedder=embedder).fit(X, y)


@pytest.mark.parametrize(
    "candidates, error, words",
    [
        ([3, 10], ValueError, "Classes without a description: 10"),
        ([], ValueError, "at least one class"),
        ("3", TypeError, "must be a list of classes"),
        (3, TypeError, r"such as \[3\]"),
        (["3"], ValueError, "Those of y are texts, and those described are integers"),
    ],
)
def test_wrong_candidates(candidates, error, words):
    clf = ZeroShotClassifier(DIGITS).fit(X[SEEN], y[SEEN])
    with pytest.raises(error, match=words):
        clf.predict(X, candidates=candidates)


def test_same_descriptions_warn():
    with pytest.warns(UserWarning, match="Classes 0, 8 have the same description, and cannot be told apart"):
        ZeroShotClassifier({**DIGITS, 0: DIGITS[8]}).fit(X, y)


def test_wrong_rows():
    with pytest.raises(ValueError, match="squares overflow"):
        ZeroShotClassifier().fit(X * 1e200, y)
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        ZeroShotClassifier().fit(sp.csr_array(X), y)
    with pytest.raises(NotFittedError):
        ZeroShotClassifier().predict(X)
    constant = ZeroShotClassifier(DIGITS).fit(np.ones_like(X), y)
    assert np.isfinite(constant.decision_function(X)).all()
    assert ZeroShotClassifier({"one": [1, 2]}).fit(X, ["one"] * len(X)).predict(X[:2]).tolist() == [
        "one",
        "one",
    ]
