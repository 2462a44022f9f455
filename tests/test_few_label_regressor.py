"""Regressors on raw columns and on features, weighed by numbers that they have not seen."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.decomposition import PCA
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, LeaveOneOut, TimeSeriesSplit
from sklearn.neighbors import KNeighborsRegressor

import sklearn_ssl
from sklearn_ssl import (
    ContrastivePretrainer,
    FewLabelClassifier,
    FewLabelRegressor,
    LabeledOnly,
    MaskedPretrainer,
)
from sklearn_ssl.few_labels import _mean, _members, _saved
from sklearn_ssl.few_labels._mean import folds_of, least_squares_weights
from sklearn_ssl.modalities import Text
from sklearn_ssl.model_selection import draw_labels, label_efficiency

X, y = load_diabetes(return_X_y=True)
FEW = np.arange(len(y)) % 8 == 0
LIGHT = [("line", LinearRegression(), "raw"), ("near", KNeighborsRegressor(3), "pca")]
SSL = MaskedPretrainer(n_components=8, max_epochs=1, random_state=0).fit(X)


def new(**params):
    return FewLabelRegressor(**{"pretrainers": [PCA(2)], "estimators": LIGHT, "random_state": 0, **params})


@pytest.fixture
def few_trees(monkeypatch):
    monkeypatch.setattr(_members, "N_TREES", 5)


def predictions(n=400, seed=0):
    rng = np.random.default_rng(seed)
    targets = rng.normal(size=n)
    good = targets + 0.5 * rng.normal(size=n)
    return targets, good, rng.normal(size=n)


def test_what_knows_nothing_weighs_nothing():
    targets, good, noise = predictions()
    weights = least_squares_weights(np.stack([good, noise]), targets)
    assert weights.sum() == pytest.approx(1)
    # errors of .5 and, since it says nothing, of sqrt(2): the mean square is least at some of both
    assert weights == pytest.approx([0.87, 0.13], abs=0.07)


def test_weights_do_not_depend_on_units():
    targets, good, noise = predictions(30)
    said = np.stack([good, noise])
    expected = least_squares_weights(said, targets)
    assert least_squares_weights(1e-9 * said, 1e-9 * targets) == pytest.approx(expected)
    assert least_squares_weights(1e9 * said, 1e9 * targets) == pytest.approx(expected)


@pytest.mark.parametrize("n", [30, 300])
def test_what_fails_badly_is_dropped_and_keeps_nothing_else_back(n):
    targets, good, noise = predictions(n)
    once = np.where(np.arange(n) == 3, 100.0, good)
    for wild in (10 * noise, 1e3 * noise, 1e20 * noise, once):
        weights = least_squares_weights(np.stack([good, wild]), targets)
        together = np.std(weights @ np.stack([good, wild]) - targets)
        assert together < 1.2 * np.std(good - targets)


def test_errors_that_cancel():
    targets, _, noise = predictions(50)
    said = np.stack([targets + 1e6 * noise, targets - 1e6 * noise])
    assert least_squares_weights(said, targets) == pytest.approx([0.5, 0.5], abs=1e-3)


def test_weights_are_drawn_towards_equal_ones(monkeypatch):
    targets, good, noise = predictions(12)
    free = least_squares_weights(np.stack([good, noise]), targets)
    monkeypatch.setattr(_mean, "RIDGE", 1e3)
    drawn = least_squares_weights(np.stack([good, noise]), targets)
    assert np.abs(drawn - 0.5).max() < 0.05 < np.abs(free - 0.5).max()
    assert least_squares_weights(np.zeros((4, 0)), np.zeros(0)).tolist() == [0.25] * 4
    assert least_squares_weights(np.ones((2, 9)), np.zeros(9)).tolist() == [0.5] * 2
    perfect = least_squares_weights(np.stack([targets, targets]), targets)
    assert np.isfinite(perfect).all() and perfect.sum() == pytest.approx(1, abs=1e-3)


def test_each_row_is_left_out_once():
    for n, cv in ((10, 3), (3, 5), (2, 5)):
        splits = list(folds_of(np.zeros(n), cv, np.random.default_rng(0)))
        assert sorted(np.concatenate([test for _, test in splits])) == list(range(n))
        assert all(len(train) + len(test) == n and len(train) for train, test in splits)


def test_the_sum_is_that_of_its_parts():
    reg = new().fit(X[FEW], y[FEW], X_unlabeled=X[~FEW])
    pca = PCA(2).fit(X[np.r_[np.flatnonzero(FEW), np.flatnonzero(~FEW)]])
    raw = LinearRegression().fit(X[FEW], y[FEW]).predict(X)
    near = KNeighborsRegressor(3).fit(pca.transform(X[FEW]), y[FEW]).predict(pca.transform(X))
    np.testing.assert_allclose(reg.predict(X), reg.weights_ @ np.stack([raw, near]), rtol=1e-3)
    assert reg.weights_.sum() == pytest.approx(1) and (reg.target_mean_, reg.target_scale_) == (0, 1)


def test_losses_are_of_rows_that_were_left_out():
    reg = new(estimators=[*LIGHT, ("1-NN", KNeighborsRegressor(1), "X"), ("mean", DummyRegressor(), "X")])
    few = y[FEW]
    reg.fit(X[FEW], np.random.default_rng(0).permutation(few))
    assert reg.losses_[2] > few.std()  # it has learned them by heart
    assert reg.losses_[3] == pytest.approx(few.std(), rel=0.1)
    assert reg.weights_[2] < 0.2 and reg.loss_ < reg.losses_[2]


def test_the_whole_recipe_by_default(monkeypatch, few_trees):
    for cls in (ContrastivePretrainer, MaskedPretrainer):
        monkeypatch.setattr(cls, "_epoch_budget", 60)
    reg = FewLabelRegressor(random_state=0).fit(X[FEW], y[FEW], X_unlabeled=X[~FEW])
    assert reg.score(X[~FEW], y[~FEW]) > 0.3
    assert [*reg.pretrainers_] == ["contrastive", "masked"]
    assert [name for name, *_ in reg.estimators_] == [
        "ridge regression on contrastive",
        "ridge regression on masked",
        "ridge regression on raw",
        "extra trees on raw",
    ]
    again = clone(reg).fit(X[FEW], y[FEW], X_unlabeled=X[~FEW])
    np.testing.assert_array_equal(again.predict(X), reg.predict(X))
    lines = repr(reg).splitlines()
    first = reg.estimators_[reg.weights_.argmax()][0]
    assert lines[1].startswith(f"{first}: weight {reg.weights_.max():.2f}, error")
    assert lines[-1].startswith(f"all together: error {reg.loss_:.3g}")


def test_without_features_and_of_texts(few_trees):
    reg = FewLabelRegressor(pretrainers=None, random_state=0).fit(X[FEW], y[FEW])
    assert [view for *_, view in reg.estimators_] == ["raw", "raw"] and reg.score(X, y) > 0.3
    texts = [f"{a} {b}" for a in ("good", "very good", "bad", "very bad") for b in ("cat", "dog", "cow")]
    stars = np.repeat([4.0, 5, 2, 1], 3)
    reg = FewLabelRegressor(pretrainers=None, modality=Text(), random_state=0).fit(texts, stars)
    assert [name for name, *_ in reg.estimators_] == ["ridge regression on raw"]
    assert reg.predict(["a good horse"]) > reg.predict(["a bad horse"])


def test_rows_without_a_number_are_the_pool():
    some = np.where(FEW, y, np.nan)
    reg = LabeledOnly(new()).fit(X, some)
    direct = new().fit(X[FEW], y[FEW], X_unlabeled=X[~FEW])
    np.testing.assert_allclose(reg.predict(X), direct.predict(X))
    minus = np.where(y > 150, 1.0, -1.0)  # -1 is a number like others
    assert new().fit(X[FEW], minus[FEW]).predict(X).min() < 0


@pytest.mark.parametrize("scale, shift", [(1.0, 1.6e12), (1e-10, 0.0), (1e200, 0.0), (1e-3, -1e6)])
def test_units_of_y_do_not_matter(few_trees, scale, shift):
    def fitted(targets):
        return FewLabelRegressor(pretrainers=[SSL], random_state=0).fit(X[FEW], targets)

    expected, reg = fitted(y[FEW]), fitted(scale * y[FEW] + shift)
    # splits of trees between equal gains depend on rounding
    assert reg.weights_ == pytest.approx(expected.weights_, abs=0.1)
    assert r2_score(y, (reg.predict(X) - shift) / scale) == pytest.approx(expected.score(X, y), abs=0.03)


def test_regressors_that_are_given_learn_y_as_it_is():
    logarithms = TransformedTargetRegressor(LinearRegression(), func=np.log, inverse_func=np.exp)
    column = LinearRegression()
    reg = new(
        estimators=[("logarithms", logarithms, "raw"), ("frozen", FrozenEstimator(column.fit(X, y)), "X")]
    )
    assert reg.fit(X[FEW], y[FEW]).score(X, y) > 0.3
    ravelled = new(estimators=[("columns", _Column(), "X")], weights="equal").fit(X[FEW], y[FEW])
    assert ravelled.predict(X).shape == y.shape
    with pytest.raises(ValueError, match="'wild' of estimators predicts inf or NaN"):
        new(estimators=[("wild", _Column(np.nan), "X")]).fit(X[FEW], y[FEW])


class _Column(LinearRegression):
    """Predicts a column."""

    def __init__(self, factor=1.0):
        super().__init__()
        self.factor = factor

    def predict(self, X):
        return self.factor * super().predict(X)[:, None]


def test_few_rows_are_enough():
    reg = FewLabelRegressor(pretrainers=[SSL], random_state=0).fit(X[:2], y[:2])
    assert np.ptp(reg.weights_) < 1e-3  # no fold has two rows to learn from, so all say the same
    assert y[:2].min() <= reg.predict(X[:1])[0] <= y[:2].max()
    same = new().fit(X[:5], np.full(5, 7.0))
    assert same.predict(X).tolist() == [7.0] * len(X) and same.loss_ == 0


def test_folds_and_weights_may_be_given():
    for cv in (KFold(3), LeaveOneOut(), TimeSeriesSplit(3)):
        assert np.isfinite(new(cv=cv).fit(X[FEW], y[FEW]).loss_)
    none = np.array([], dtype=int)
    rows = np.arange(FEW.sum())
    unseen = new(cv=[(rows, none)]).fit(X[FEW], y[FEW])
    assert np.isnan(unseen.loss_) and unseen.weights_.tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match="without a row to learn from"):
        new(cv=[(none, rows)]).fit(X[FEW], y[FEW])
    assert new(weights="equal").fit(X[FEW], y[FEW]).weights_.tolist() == [0.5, 0.5]
    reg = new(weights=[0, 3]).fit(X[FEW], y[FEW])
    Z = reg.pretrainers_["pca"].transform(X)
    np.testing.assert_allclose(
        reg.predict(X), KNeighborsRegressor(3).fit(Z[FEW], y[FEW]).predict(Z), rtol=1e-6
    )


def test_label_efficiency_hands_it_the_pool():
    rows = np.arange(len(y))
    train, test = rows[::2], rows[1::2]
    found = label_efficiency({"few": new()}, X, y, budgets=[20], cv=[(train, test)], random_state=3)
    few = train[draw_labels(y[train], 20, 3, per_class=False)]
    pool = np.setdiff1d(train, few)
    direct = new().fit(X[few], y[few], X_unlabeled=X[pool])
    assert found.scores.item() == pytest.approx(direct.score(X[test], y[test]), rel=1e-4)
    alone = new().fit(X[few], y[few])
    assert alone.score(X[test], y[test]) != pytest.approx(found.scores.item(), rel=1e-3)


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"estimators": [("NB", LinearRegression, "raw")]}, "must be a regressor with predict"),
        ({"estimators": [("PCA", PCA(), "raw")]}, "must be a regressor with predict"),
        ({"estimators": [("forest", ExtraTreesClassifier(), "raw")]}, "must be a regressor with predict"),
        ({"estimators": [("means", KMeans(), "raw")]}, "must be a regressor with predict"),
        ({"estimators": [LinearRegression()]}, r"list of \(name, estimator, view\)"),
        ({"estimators": [("line", LinearRegression(), "masked")]}, "there is only: pca, raw, X"),
        ({"weights": [1.0]}, "each of the 2 estimators"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said(wrong, said):
    with pytest.raises((ValueError, TypeError), match=said):
        new(**wrong).fit(X[FEW], y[FEW])


@pytest.mark.parametrize(
    "targets, said",
    [
        (y[:1], "2 labelled rows"),
        (np.where(FEW, np.nan, y), "LabeledOnly"),
        (np.c_[y, y], "1d array"),
        (np.array(["low", "high"])[(y > 100).astype(int)], "could not convert"),
        (None, "y"),
    ],
    ids=["one", "missing", "two columns", "texts", "none"],
)
def test_labels_that_are_no_numbers_are_refused(targets, said):
    rows = X if targets is None else X[: len(targets)]
    with pytest.raises(ValueError, match=said):
        new().fit(rows, targets)


def test_saved_and_pickled_it_predicts_the_same(few_trees, tmp_path):
    reg = FewLabelRegressor(pretrainers=[SSL], random_state=0).fit(X[FEW], y[FEW])
    reg.save(tmp_path)
    for other in (pickle.loads(pickle.dumps(reg)), sklearn_ssl.load(tmp_path)):
        np.testing.assert_allclose(other.predict(X), reg.predict(X), rtol=1e-5)
        assert repr(other).splitlines()[1:] == repr(reg).splitlines()[1:]
    with pytest.raises(TypeError, match=r"KNeighborsRegressor|LinearRegression|PCA"):
        new().fit(X[FEW], y[FEW]).save(tmp_path / "other")


def test_damaged_members_are_refused():
    ridge = _saved.state_of(RidgeCV([1.0]).fit(X, y))
    trees = _saved.state_of(ExtraTreesRegressor(3, random_state=0).fit(X, y))
    for name, wrong in (("coef", None), ("coef", np.full(10, np.nan)), ("intercept", np.zeros(2))):
        with pytest.raises(ValueError, match="damaged"):
            _saved.model_of({**ridge, name: wrong}, 0)
    for name in ("sizes", "depths", "values", "fields", "n_features"):
        with pytest.raises(ValueError, match="damaged"):
            _saved.model_of({**trees, name: -1}, 0)
    for state in (ridge, trees):  # a classifier has none of these
        with pytest.raises(ValueError, match="damaged"):
            _saved.model_of(state, 3)
    with pytest.raises(ValueError, match="damaged"):
        _saved.model_of([], 0)


def test_its_parameters_are_those_of_the_classifier():
    assert FewLabelRegressor().get_params() == FewLabelClassifier().get_params()
