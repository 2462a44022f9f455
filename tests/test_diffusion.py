"""Labels spread over a graph of neighbours, and new rows ask theirs."""

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline

import sklearn_ssl
from sklearn_ssl import LabelDiffusion, LabeledOnly, MaskedPretrainer
from sklearn_ssl.few_labels import _graph
from sklearn_ssl.few_labels._diffusion import shares, sources

X, y = load_digits(return_X_y=True)
X, y = X[:600], y[:600]
FEW = np.where(np.arange(len(y)) % 20 == 0, y, -1)


def test_it_follows_the_shape_of_classes_where_a_linear_model_cannot():
    Z, labels = make_moons(400, noise=0.05, random_state=0)
    some = np.full(400, -1)
    some[[np.flatnonzero(labels == c)[0] for c in (0, 1)]] = [0, 1]
    clf = LabelDiffusion().fit(Z, some)
    known = some >= 0
    assert clf.score(Z, labels) > 0.95 > LogisticRegression().fit(Z[known], some[known]).score(Z, labels)


def test_what_is_received_solves_the_equation_of_the_paper():
    clf = LabelDiffusion(n_components=None, alpha=0.9).fit(X[:60], FEW[:60])
    graph = _graph.scaled_graph(clf.rows_, 10)
    distances, columns = NearestNeighbors(n_neighbors=10).fit(clf.rows_).kneighbors()
    W = np.zeros((60, 60))
    for i in range(60):
        for d, j in zip(distances[i], columns[i], strict=True):
            W[i, j] = W[j, i] = np.exp(-(d**2) / (distances[i, -1] * distances[j, -1]))
    S = W / np.sqrt(np.outer(W.sum(1), W.sum(1)))
    np.testing.assert_allclose(graph.edges.toarray(), S, atol=1e-9)
    known = np.flatnonzero(FEW[:60] >= 0)
    codes = np.searchsorted(clf.classes_, FEW[known])
    Y = np.zeros((60, len(clf.classes_)))
    Y[known, codes] = 1 / np.bincount(codes)[codes]
    F = np.linalg.solve(np.eye(60) - 0.9 * S, Y)
    expected = F / F.sum(1, keepdims=True)
    np.testing.assert_allclose(clf.label_distributions_, expected, atol=1e-3)


def test_each_class_gives_the_same_amount():
    Y = sources(np.array([0, 0, 0, 1, -1]), 2)
    assert Y.sum(axis=0).tolist() == [1, 1] and not Y[4].any()
    assert shares(np.array([[3.0, 1.0], [0.0, 0.0]]), np.array([0.9, 0.1])).tolist() == [
        [0.75, 0.25],
        [0.9, 0.1],
    ]


def test_new_rows_ask_their_neighbours():
    clf = LabelDiffusion().fit(X[:400], FEW[:400])
    P = clf.predict_proba(X[400:])
    np.testing.assert_allclose(P.sum(axis=1), 1)
    assert (clf.classes_[P.argmax(axis=1)] == y[400:]).mean() > 0.8
    assert (clf.predict(X[400:]) == clf.classes_[P.argmax(axis=1)]).all()
    far = clf.predict_proba(X[:3] * 1e3)
    assert np.isfinite(far).all() and far.sum(axis=1) == pytest.approx(1)


def test_a_pool_is_the_same_as_rows_without_a_label():
    known = FEW >= 0
    order = np.r_[np.flatnonzero(known), np.flatnonzero(~known)]
    one = LabelDiffusion().fit(X[order], FEW[order])
    pool = LabelDiffusion().fit(X[known], y[known], X_unlabeled=X[~known])
    only = LabeledOnly(LabelDiffusion()).fit(X[order], FEW[order])
    for other in (pool, only):
        np.testing.assert_array_equal(other.predict_proba(X), one.predict_proba(X))
    assert len(pool.transduction_) == len(X)


@pytest.mark.parametrize(
    "names, missing",
    [
        (np.array(["a", "b", "c"], dtype=object), None),
        (np.array([5, 7, 9]), -1),
        (np.array([0.0, 1.0, 2.0]), np.nan),
    ],
    ids=["texts", "integers", "numbers"],
)
def test_classes_of_all_kinds(names, missing):
    Z, labels = load_iris(return_X_y=True)
    some = [names[c] if i % 10 == 0 else missing for i, c in enumerate(labels)]
    clf = LabelDiffusion().fit(Z, some)
    assert clf.classes_.tolist() == names.tolist()
    assert clf.score(Z, names[labels]) > 0.85


def test_minus_one_beside_one_is_a_class_and_elsewhere_no_label():
    two = np.where(y[:100] > 4, 1, -1)
    assert LabelDiffusion().fit(X[:100], two).classes_.tolist() == [-1, 1]
    assert LabelDiffusion().fit(X[:100], np.where(two > 0, 2, -1)).classes_.tolist() == [2]
    with pytest.raises(ValueError, match="No row of y has a label"):
        LabelDiffusion().fit(X[:100], np.full(100, -1))


def test_many_rows_have_nearly_the_same_neighbours(monkeypatch):
    distances, columns = _graph.nearest_neighbours(X, 10, 0)
    monkeypatch.setattr(_graph, "EXACT_ROWS", 100)
    near, found = _graph.nearest_neighbours(X, 10, 0)
    assert (found != np.arange(len(X))[:, None]).all()
    assert np.mean([len(set(a) & set(b)) for a, b in zip(columns, found, strict=True)]) > 8
    assert (np.diff(near, axis=1) >= 0).all() and (near[:, 0] >= distances[:, 0] - 1e-6).all()
    equal = _graph.nearest_neighbours(np.zeros((200, 3)) + (np.arange(200) > 150)[:, None], 5, 0)
    assert not equal[0].any() and (equal[1] != np.arange(200)[:, None]).all()


def test_equal_rows_are_no_obstacle():
    Z = np.repeat(X[:40], 15, axis=0)
    labels = np.repeat(y[:40], 15)
    some = np.where(np.arange(600) % 15 == 0, labels, -1)
    assert LabelDiffusion().fit(Z, some).score(Z, labels) > 0.9


def test_a_refused_input_changes_nothing():
    clf = LabelDiffusion().fit(X, FEW)
    before = clf.predict_proba(X[:5])
    with pytest.raises(ValueError, match="features"):
        clf.fit(X, FEW, X_unlabeled=X[:, :3])
    np.testing.assert_array_equal(clf.predict_proba(X[:5]), before)


def test_saved_and_pickled_it_predicts_the_same(tmp_path):
    clf = LabelDiffusion().fit(X[:100], np.array([f"digit {label}" for label in y[:100]]))
    clf.save(tmp_path)
    for other in (sklearn_ssl.load(tmp_path), pickle.loads(pickle.dumps(clf))):
        np.testing.assert_array_equal(other.predict_proba(X), clf.predict_proba(X))
        assert other.predict(X[:3]).dtype == clf.classes_.dtype
    clf.scale_ = clf.scale_[:-1]
    clf.save(tmp_path)
    with pytest.raises(ValueError, match="scale_"):
        sklearn_ssl.load(tmp_path)


def test_it_takes_the_features_of_a_pretrainer():
    pipe = make_pipeline(MaskedPretrainer(max_epochs=1, random_state=0), LabelDiffusion())
    assert pipe.fit(X[:300], FEW[:300]).score(X[:300], y[:300]) > 0.7
