"""Few labels: LabeledOnly, and folds that score labelled rows only."""

from typing import ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from sklearn_ssl import ContrastivePretrainer, LabeledOnly
from sklearn_ssl.few_labels import is_labeled
from sklearn_ssl.model_selection import (
    SemiSupervisedGroupKFold,
    SemiSupervisedKFold,
    SemiSupervisedStratifiedGroupKFold,
    SemiSupervisedStratifiedKFold,
)

X, Y = load_iris(return_X_y=True)
HALF = np.where(np.arange(150) % 2 == 0, Y, -1)
CHECKED = [LabeledOnly(LogisticRegression()), LabeledOnly(Ridge())]
MINUS_ONE = {"check_classifiers_classes": "-1 is a class there"}


def exempt(estimator):
    return MINUS_ONE if isinstance(estimator.estimator, LogisticRegression) else {}


@parametrize_with_checks(CHECKED, expected_failed_checks=exempt)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_number_of_scikit_learns_checks():
    found = [len(list(estimator_checks_generator(est))) for est in CHECKED]
    assert found in ([55, 53], [54, 52])  # the second of scikit-learn 1.6


@pytest.mark.parametrize(
    "y, labeled",
    [
        (np.array([0, -1, 1]), [0, 2]),
        (np.array([0.0, np.nan, -1.0, 1.0]), [0, 3]),
        ([0, None, 1], [0, 2]),
        ([0, -1, float("nan")], [0]),
        (["a", None, "b", float("nan"), -1], [0, 2]),
        (np.array(["a", "b"]), [0, 1]),
        (np.array([True, False]), [0, 1]),
        (pd.Series([1, None, 0], dtype="Int64"), [0, 2]),
        (pd.Series(["a", None, "b"]), [0, 2]),
        (pd.Series(["a", None, "b"], dtype="category"), [0, 2]),
        (pd.Series(["a", pd.NA, "b"], dtype="string"), [0, 2]),
        (pl.Series([1, None, 0]), [0, 2]),
        (pl.Series(["a", None, "b"]), [0, 2]),
        (np.array([[1, 2], [-1, 2], [0, 1]]), [0, 2]),
    ],
)
def test_rows_without_a_label_are_known(y, labeled):
    assert np.flatnonzero(is_labeled(y)).tolist() == labeled
    estimator = LabeledOnly(DecisionTreeClassifier()).fit(np.arange(len(y))[:, None], y)
    assert (estimator.predict([[0]]) == (y.tolist() if hasattr(y, "tolist") else list(y))[0]).all()


@pytest.mark.parametrize("make", [np.asarray, pd.DataFrame, lambda X: pl.DataFrame(X, list("abcd")), list])
def test_what_is_fitted_is_what_the_labelled_rows_give(make):
    rows = np.flatnonzero(HALF >= 0)
    direct = SVC().fit(X[rows], Y[rows])
    ours = LabeledOnly(SVC()).fit(make(X), HALF)
    assert (ours.decision_function(make(X)) == direct.decision_function(X)).all()
    assert (ours.predict(make(X)) == direct.predict(X)).all()
    assert ours.score(make(X), HALF) == direct.score(X[rows], Y[rows])  # rows without a label do not count
    assert (ours.classes_ == [0, 1, 2]).all() and (ours.support_ == direct.support_).all()


def test_a_regressor_may_have_minus_one_for_a_target():
    y = X[:, 0] - 6
    y[:10] = -1
    holes = np.where(np.arange(150) % 3 == 0, np.nan, y)
    rows = ~np.isnan(holes)
    ours, direct = LabeledOnly(LinearRegression()).fit(X, holes), LinearRegression().fit(X[rows], y[rows])
    np.testing.assert_allclose(ours.coef_, direct.coef_)
    assert ours.score(X, holes) == pytest.approx(direct.score(X[rows], y[rows]))
    several = LabeledOnly(LinearRegression()).fit(X, np.c_[holes, y])
    assert several.predict(X).shape == (150, 2)


def test_methods_are_those_of_the_estimator():
    assert not hasattr(LabeledOnly(SVC()), "predict_proba")
    assert not hasattr(LabeledOnly(SVC()), "partial_fit")
    assert not hasattr(LabeledOnly(SVC()).fit(X, HALF), "coef_")
    assert hasattr(LabeledOnly(LogisticRegression()), "predict_proba")
    with pytest.raises(AttributeError, match="has no attribute 'feature_importances_'"):
        LabeledOnly(RandomForestClassifier()).feature_importances_  # noqa: B018  # to ask is enough
    some = LabeledOnly(SelectKBest(k=2)).fit(X, HALF)
    assert some.transform(X).shape == (150, 2)
    forest = LabeledOnly(RandomForestClassifier(5, random_state=0)).fit(X, HALF)
    assert forest.feature_importances_.shape == (4,) and forest.n_features_in_ == 4
    logistic = LabeledOnly(LogisticRegression(max_iter=2000)).fit(X, HALF)
    np.testing.assert_allclose(logistic.predict_log_proba(X), np.log(logistic.predict_proba(X)))
    assert clone(forest).get_params()["estimator__n_estimators"] == 5


def test_partial_fit_waits_for_labels():
    est = LabeledOnly(SGDClassifier(random_state=0))
    est.partial_fit(X[:3], [-1, -1, -1], classes=[0, 1, 2])
    est.partial_fit(X, HALF, classes=[0, 1, 2])
    assert (est.classes_ == [0, 1, 2]).all()


@pytest.mark.parametrize("routing", [False, True])
def test_sample_weights_go_with_their_rows(routing):
    weight = np.random.default_rng(0).random(150)
    rows = HALF >= 0
    direct = LogisticRegression().fit(X[rows], Y[rows], sample_weight=weight[rows])
    with sklearn.config_context(enable_metadata_routing=routing):
        inner = LogisticRegression()
        if routing:
            inner.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        ours = LabeledOnly(inner).fit(X, HALF, sample_weight=weight)
        score = ours.score(X, HALF, sample_weight=weight)
        pipe = Pipeline([("clf", LabeledOnly(inner))])
        key = "sample_weight" if routing else "clf__sample_weight"
        np.testing.assert_array_equal(pipe.fit(X, HALF, **{key: weight})[-1].coef_, direct.coef_)
    np.testing.assert_array_equal(ours.coef_, direct.coef_)
    assert score == direct.score(X[rows], Y[rows], sample_weight=weight[rows])


@pytest.mark.parametrize(
    "y, text",
    [
        (np.full(150, -1), "No row of y has a label"),
        ([None] * 150, "No row of y has a label"),
        (np.where(Y == 0, 1, -1), r"-1 and 1 only.*0 and 1: \(y \+ 1\) // 2"),
        (None, "requires y to be passed"),
        (HALF[:-1], "inconsistent numbers of samples"),
    ],
)
def test_bad_labels_are_refused(y, text):
    with pytest.raises(ValueError, match=text):
        LabeledOnly(LogisticRegression()).fit(X, y)


FOLDS = [
    (SemiSupervisedKFold, KFold, {}),
    (SemiSupervisedStratifiedKFold, StratifiedKFold, {"shuffle": True, "random_state": 0}),
    (SemiSupervisedGroupKFold, GroupKFold, {}),
    (SemiSupervisedStratifiedGroupKFold, StratifiedGroupKFold, {"shuffle": True, "random_state": 0}),
]
GROUPS = np.arange(150) % 13


@pytest.mark.parametrize("ours, theirs, params", FOLDS)
@pytest.mark.parametrize("kind", ["minus one", "none", "frame"])
def test_folds_are_those_of_the_labelled_rows(ours, theirs, params, kind):
    y = {
        "minus one": HALF,
        "none": [None if value < 0 else "abc"[value] for value in HALF],
        "frame": pd.Series(HALF, index=np.arange(150) + 1000),
    }[kind]
    rows = np.flatnonzero(HALF >= 0)
    groups = GROUPS if "Group" in ours.__name__ else None
    expected = theirs(3, **params).split(rows, HALF[rows], None if groups is None else groups[rows])
    cv = ours(3, **params)
    assert cv.get_n_splits(X, y, groups) == 3
    for (train, test), (some, others) in zip(cv.split(X, y, groups), expected, strict=True):
        assert (test == rows[others]).all()
        assert (train == np.sort(np.r_[rows[some], np.flatnonzero(HALF < 0)])).all()


def test_folds_of_numbers_keep_minus_one():
    y = np.r_[np.linspace(-1.5, 1.5, 7), -1.0, np.nan]
    scored = np.concatenate([test for _, test in SemiSupervisedKFold(2).split(y, y)])
    assert sorted(scored) == list(range(8))


@pytest.mark.parametrize(
    "y, text", [(None, "needs y"), (np.r_[0, 1, [-1] * 148], "2 labelled rows"), (HALF[:9], "one y a row")]
)
def test_folds_need_labels(y, text):
    with pytest.raises(ValueError, match=text):
        next(SemiSupervisedKFold(3).split(X, y))


class Recorder(TransformerMixin, BaseEstimator):
    """Remember which rows it was fitted to, by their first column."""

    fitted: ClassVar[list] = []
    seen: ClassVar[list] = []

    def fit(self, X, y=None, X_unlabeled=None):
        Recorder.fitted.append((set(X[:, 0].astype(int)), X_unlabeled))
        self.fitted_ = True
        return self

    def transform(self, X):
        Recorder.seen.append(set(X[:, 0].astype(int)))
        return X[:, 1:]


class Recalled(LogisticRegression):
    """Remember the rows that a classifier was fitted to."""

    fitted: ClassVar[list] = []

    def fit(self, X, y):
        Recalled.fitted.append((set(X[:, 0].astype(int)), set(y)))
        return super().fit(X, y)


@pytest.mark.parametrize(
    "cv, groups", [(SemiSupervisedKFold(5), None), (SemiSupervisedGroupKFold(5), GROUPS)]
)
def test_each_fold_learns_from_all_but_the_rows_it_scores(cv, groups):
    """The first step sees every row without a label, and none that is scored; the last only labelled rows."""
    number = np.arange(150)
    tagged = np.c_[number, number, X]
    pipe = Pipeline([("ssl", Recorder()), ("clf", LabeledOnly(Recalled(max_iter=2000)))])
    Recorder.fitted.clear(), Recorder.seen.clear(), Recalled.fitted.clear()
    search = GridSearchCV(pipe, {"clf__estimator__C": [1.0]}, cv=cv).fit(tagged, HALF, groups=groups)
    labeled, unlabeled = set(np.flatnonzero(HALF >= 0)), set(np.flatnonzero(HALF < 0))
    folds = [set(test) for _, test in cv.split(tagged, HALF, groups)]
    assert set.union(*folds) == labeled and sum(map(len, folds)) == len(labeled)
    for fold, (trained, _), (learned, classes) in zip(folds, Recorder.fitted, Recalled.fitted, strict=False):
        assert trained == set(number) - fold
        assert learned == labeled - fold
        assert classes == {0, 1, 2} and not fold & unlabeled
    assert Recorder.fitted[-1][0] == set(number) and len(Recorder.fitted) == 6  # refitted to all rows
    assert Recalled.fitted[-1][0] == labeled
    scored = [rows for rows in Recorder.seen if len(rows) < 100]
    assert scored == folds
    assert search.best_score_ > 0.9


@pytest.mark.parametrize("routing", [False, True])
def test_a_pool_goes_through_pipeline_search_and_cross_validation(routing):
    pool = np.c_[np.arange(1000, 1100), np.zeros((100, 4))]
    tagged = np.c_[np.arange(150), X]
    with sklearn.config_context(enable_metadata_routing=routing):
        recorder = Recorder()
        if routing:
            recorder.set_fit_request(X_unlabeled=True)
        pipe = Pipeline([("ssl", recorder), ("clf", LabeledOnly(LogisticRegression(max_iter=2000)))])
        key = "X_unlabeled" if routing else "ssl__X_unlabeled"
        Recorder.fitted.clear()
        pipe.fit(tagged, HALF, **{key: pool})
        cv = SemiSupervisedStratifiedKFold(3)
        GridSearchCV(pipe, {"clf__estimator__C": [1.0]}, cv=cv, refit=False).fit(tagged, HALF, **{key: pool})
        cross_validate(pipe, tagged, HALF, cv=cv, params={key: pool})
    assert len(Recorder.fitted) == 7
    assert all((got == pool).all() for _, got in Recorder.fitted)


def test_search_with_minus_one_in_y():
    ssl = ContrastivePretrainer(max_epochs=2, random_state=0)
    pipe = Pipeline([("ssl", ssl), ("clf", LabeledOnly(SVC()))])
    grid = {"ssl__temperature": [0.1, 0.5], "clf__estimator__C": [1, 10]}
    search = GridSearchCV(pipe, grid, cv=SemiSupervisedKFold(5, shuffle=True, random_state=0), n_jobs=2)
    search.fit(X, HALF)
    assert search.best_score_ > 0.8
    assert set(search.predict(X)) == {0, 1, 2}
    words = np.array(["setosa", "versicolor", "virginica", None], dtype=object)[HALF]
    cv = SemiSupervisedStratifiedKFold(5)
    assert cross_val_score(pipe, X, words, cv=cv, scoring="accuracy").mean() > 0.8


def test_minus_one_and_one_are_refused_where_the_classes_are_learned():
    est = LabeledOnly(SGDClassifier(random_state=0))
    est.partial_fit(X[:4], [0, 1, -1, 0], classes=[0, 1]).partial_fit(X[:4], [-1, 1, -1, -1])
    fitted = LabeledOnly(SVC()).fit(X[:100], Y[:100])
    some = np.r_[50:60, 0:3]
    assert fitted.score(X[some], [1] * 10 + [-1] * 3) == 1


@pytest.mark.parametrize("y", [np.array(["a", "b", -1] * 50), np.array(["a", "b", np.nan] * 50)])
def test_texts_that_numpy_made_of_missing_labels_are_refused(y):
    for call in (lambda: LabeledOnly(SVC()).fit(X, y), lambda: next(SemiSupervisedKFold(3).split(X, y))):
        with pytest.raises(ValueError, match="dtype=object"):
            call()


@pytest.mark.parametrize("y", [HALF, np.where(HALF < 0, np.nan, HALF)], ids=["-1", "nan"])
def test_named_scorers_in_a_search(y):
    pipe = LabeledOnly(SVC())
    scores = cross_val_score(pipe, X, y, cv=SemiSupervisedStratifiedKFold(3), scoring="balanced_accuracy")
    assert scores.min() > 0.8


def test_names_of_what_a_transformer_gives():
    frame = load_iris(as_frame=True).data
    pipe = Pipeline([("best", LabeledOnly(SelectKBest(k=2)))]).set_output(transform="pandas")
    found = pipe.fit(frame, HALF).transform(frame)
    assert list(found.columns) == list(pipe.get_feature_names_out()) and found.shape == (150, 2)
