"""Label-free scores against plain loops, as scorers of a search, and the probe while training."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from torch import nn

from sklearn_ssl import ContrastivePretrainer, metrics
from sklearn_ssl.callbacks import OnlineProbe
from sklearn_ssl.metrics import (
    alignment_score,
    alignment_scorer,
    neighbor_agreement_score,
    neighbor_agreement_scorer,
    rankme_score,
    rankme_scorer,
    uniformity_score,
    uniformity_scorer,
)
from sklearn_ssl.testing import same_bits

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 30, 4))
B = A + 0.5 * B
X, Y = load_iris(return_X_y=True)
SCORERS = [rankme_scorer, uniformity_scorer, alignment_scorer, neighbor_agreement_scorer]


def unit(z):
    return z / np.linalg.norm(z)


def test_rankme_equals_the_paper():
    """Equation 1 of the paper."""
    for Z in (A, A.T, A[:, :1], np.outer(A[:, 0], A[0]) + 1e-9 * A):
        sigma = np.linalg.svd(Z, compute_uv=False)
        shares = [s / sum(sigma) + 1e-12 for s in sigma]
        expected = math.exp(-sum(p * math.log(p) for p in shares))
        assert rankme_score(Z) == pytest.approx(expected, rel=1e-3)
    assert rankme_score(1e-200 * np.eye(3)) == pytest.approx(3)
    assert math.isnan(rankme_score(np.zeros((3, 2))))


def test_alignment_and_uniformity_equal_the_paper():
    n = len(A)
    gaps = [((unit(a) - unit(b)) ** 2).sum() for a, b in zip(A, B, strict=True)]
    assert alignment_score(A, B) == pytest.approx(-np.mean(gaps))
    pairs = [((unit(A[i]) - unit(A[j])) ** 2).sum() for i in range(n) for j in range(i)]
    assert uniformity_score(A) == pytest.approx(-math.log(np.mean([math.exp(-2 * d) for d in pairs])))
    assert alignment_score(A, A) == 0
    assert alignment_score(A, -A) == pytest.approx(-4)
    assert uniformity_score(np.ones((5, 3))) == 0


def test_neighbor_agreement_equals_loops():
    n, k = len(A), 5

    def near(Z, i):
        cosines = [(unit(Z[i]) @ unit(Z[j]), j) for j in range(n) if j != i]
        return {j for _, j in sorted(cosines, reverse=True)[:k]}

    shared = np.mean([len(near(A, i) & near(B, i)) / k for i in range(n)])
    chance = k / (n - 1)
    expected = (shared - chance) / (1 - chance)
    assert neighbor_agreement_score(A, B, n_neighbors=k) == pytest.approx(expected)
    assert 0.2 < expected < 0.9
    far = RNG.normal(size=(2, 2000, 3))
    assert abs(neighbor_agreement_score(*far)) < 0.01


def test_many_rows_are_sampled():
    Z = RNG.normal(size=(5000, 3))
    some = [uniformity_score(Z, random_state=seed) for seed in (0, 0, 1)]
    assert some[0] == some[1] != some[2]
    assert some[0] == pytest.approx(some[2], rel=0.05)
    assert neighbor_agreement_score(Z, Z) == 1


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: rankme_score([1.0, 2.0]), "2D"),
        (lambda: rankme_score([[np.nan, 1.0]]), "NaN"),
        (lambda: uniformity_score([[1.0]]), "minimum of 2"),
        (lambda: alignment_score(A, A[:5]), r"A of shape \(30, 4\) and B of shape \(5, 4\)"),
        (lambda: neighbor_agreement_score(A, B, n_neighbors=0), "n_neighbors=0"),
        (lambda: neighbor_agreement_score(A[:2], B[:2]), "minimum of 3"),
        (lambda: alignment_scorer(PCA(2).fit(X), X), "PCA draws none.*rankme_scorer"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises((ValueError, TypeError), match=words):
        call()


@pytest.mark.parametrize("scorer", SCORERS)
def test_scorers_choose_in_a_search_without_labels(scorer):
    ssl = ContrastivePretrainer(max_epochs=2, random_state=0)
    search = GridSearchCV(ssl, {"temperature": [0.1, 1.0]}, scoring=scorer, cv=2, error_score="raise").fit(X)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert scores[0] != scores[1]
    best = search.best_estimator_
    assert scorer(best, X) == scorer(best, X)
    piped = make_pipeline(MinMaxScaler(), ContrastivePretrainer(max_epochs=1, random_state=0)).fit(X)
    assert np.isfinite(scorer(piped, X))
    alone = make_pipeline(ContrastivePretrainer(max_epochs=1, random_state=0)).fit(X)
    assert scorer(alone, X) == scorer(alone[-1], X)


def test_several_scorers_at_once():
    scoring = {scorer.__name__: scorer for scorer in SCORERS}
    found = cross_validate(
        ContrastivePretrainer(max_epochs=1, random_state=0), X, scoring=scoring, cv=2, error_score="raise"
    )
    assert {f"test_{name}" for name in scoring} <= set(found)
    assert set(scoring) <= set(metrics.__all__)


def test_views_are_of_their_rows_and_of_a_fixed_seed():
    est = ContrastivePretrainer(max_epochs=1, random_state=0, batch_size=64).fit(X)
    first, second = est.transform_views(X)
    again, _ = est.transform_views(X)
    assert first.shape == second.shape == est.transform(X).shape
    assert (first == again).all()
    assert (first != second).any()
    assert alignment_score(first, second) > alignment_score(first, np.roll(second, 60, axis=0))


def test_probe_reports_and_never_touches_the_loss():
    few = np.r_[0:6, 50:56, 100:106]
    probe = OnlineProbe(X[few], Y[few])
    plain = ContrastivePretrainer(max_epochs=4, random_state=0).fit(X)
    watched = ContrastivePretrainer(max_epochs=4, random_state=0, callbacks=[probe]).fit(X)
    assert same_bits(plain, watched)
    seen = [row.pop("probe_accuracy") for row in watched.history_]
    assert watched.history_ == plain.history_
    assert all(0.6 < accuracy <= 1 for accuracy in seen)
    other = OnlineProbe(X[few], np.roll(Y[few], 3))
    wrong = ContrastivePretrainer(max_epochs=4, random_state=0, callbacks=[other]).fit(X)
    assert same_bits(plain, wrong)
    assert np.mean([row["probe_accuracy"] for row in wrong.history_]) < np.mean(seen)


def test_probe_takes_any_classifier_every_few_epochs():
    digits, y = load_digits(return_X_y=True)
    probe = OnlineProbe(digits[:100], y[:100], classifier=LogisticRegression(), cv=3, every=2)
    est = ContrastivePretrainer(max_epochs=4, random_state=0, callbacks=[("probe", probe)]).fit(digits)
    assert ["probe_accuracy" in row for row in est.history_] == [False, True, False, True]
    assert est.history_[-1]["probe_accuracy"] > 0.5
    # on what transform gives, but for batch norm's statistics, which are set anew after training
    after = KNeighborsClassifier(1, metric="cosine").fit(est.transform(digits[:50]), y[:50])
    assert after.score(est.transform(digits[50:100]), y[50:100]) > 0.5


@pytest.mark.parametrize(
    "probe, words",
    [
        (OnlineProbe(X[:3, :2], Y[:3]), "2 features"),
        (OnlineProbe(X[:3], Y[:2]), "inconsistent numbers of samples"),
        (OnlineProbe(X[[0, 50, 100]], Y[[0, 50, 100]]), "two rows of each class"),
        (OnlineProbe(X, Y, every=0), "every=0"),
    ],
)
def test_probe_of_bad_input(probe, words):
    est = ContrastivePretrainer(max_epochs=1, callbacks=[probe])
    with pytest.raises(ValueError, match=words):
        est.fit(X)
    assert not hasattr(est, "net_")


def test_features_that_say_nothing_score_low():
    for Z in (np.ones((100, 5)), np.zeros((100, 5))):
        assert abs(neighbor_agreement_score(Z, Z)) < 0.1
        assert abs(uniformity_score(Z)) < 1e-9
    assert rankme_score(np.ones((100, 5))) == pytest.approx(1)


def test_views_do_not_depend_on_the_order_of_rows_or_the_batch_size():
    est = ContrastivePretrainer(max_epochs=1, random_state=0).fit(X)
    scores = {}
    for size in (16, 256):
        for order in (np.arange(150), RNG.permutation(150)):
            scores[size, order[0]] = alignment_scorer(est.set_params(batch_size=size), X[order])
    values = list(scores.values())
    assert max(values) - min(values) < 0.3 * abs(np.mean(values))
    with pytest.raises(ValueError, match="at least 2 rows"):
        est.transform_views(X[:1])


def test_scorers_take_a_frozen_pretrainer_and_many_rows():
    est = ContrastivePretrainer(max_epochs=1, random_state=0).fit(X)
    many = np.tile(X, (20, 1))
    for scorer in SCORERS:
        assert scorer(FrozenEstimator(est), X) == scorer(est, X)
        assert np.isfinite(scorer(est, many))
    with pytest.raises(ValueError, match="cannot be used to seed"):
        uniformity_score(A, random_state="x")


def test_probe_leaves_dropout_alone_and_knows_names():
    class Dropped(nn.Linear):
        def forward(self, x):
            return nn.functional.dropout(super().forward(x), 0.3)

    few = np.r_[0:6, 50:56, 100:106]
    settings = {"encoder": Dropped(4, 8), "max_epochs": 3, "random_state": 0}
    watched = ContrastivePretrainer(**settings, callbacks=[OnlineProbe(X[few], Y[few])]).fit(X)
    assert same_bits(ContrastivePretrainer(**settings).fit(X), watched)
    frame = pd.DataFrame(X, columns=list("abcd"))
    probe = OnlineProbe(frame.iloc[few, ::-1], Y[few])
    with pytest.raises(ValueError, match="feature names"):
        ContrastivePretrainer(max_epochs=1, callbacks=[probe]).fit(frame)
