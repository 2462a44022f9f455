"""Few labels around and beside scikit-learn: ensembles, folds in time, predictions out of the fold, groups."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from joblib import parallel_config
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_selection import RFE, SelectFromModel, SelectKBest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RepeatedKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler, TargetEncoder

from sklearn_ssl import ContrastivePretrainer, LabeledOnly
from sklearn_ssl.inspection import LabelEfficiencyDisplay
from sklearn_ssl.model_selection import (
    SemiSupervisedGroupKFold,
    SemiSupervisedKFold,
    SemiSupervisedStratifiedKFold,
    SemiSupervisedTimeSeriesSplit,
    cross_val_predict_labeled,
    label_efficiency,
)

X, Y = load_iris(return_X_y=True)
NAMES = load_iris().target_names
SOME = np.arange(150) % 3 == 0
FEW = np.where(SOME, Y, -1)
LR = LogisticRegression(max_iter=2000)
GROUPS = np.arange(150) // 2 % 15

AROUND = {
    "voting": lambda est: VotingClassifier([("a", est), ("b", est)]),
    "soft voting": lambda est: VotingClassifier([("a", est)], voting="soft"),
    "stacking": lambda est: StackingClassifier([("a", est)], cv=3),
    "bagging": lambda est: BaggingClassifier(est, 3, random_state=0),
    "calibration": lambda est: CalibratedClassifierCV(est, cv=3),
    "one against the rest": OneVsRestClassifier,
    "one against one": OneVsOneClassifier,
    "codes": lambda est: OutputCodeClassifier(est, code_size=4, random_state=0),
    "within another": lambda est: VotingClassifier([("bag", BaggingClassifier(est, 2, random_state=0))]),
    "in a pipeline": lambda est: make_pipeline(StandardScaler(), VotingClassifier([("a", est)])),
}
around = pytest.mark.parametrize("make", AROUND.values(), ids=AROUND)


@around
@pytest.mark.parametrize("y", [FEW, FEW.astype(float), FEW.tolist(), pd.Series(FEW)], ids=type)
def test_an_ensemble_around_is_refused_where_minus_one_is_a_class(make, y):
    with pytest.raises(ValueError, match=r"around LabeledOnly takes -1.*LabeledOnly\(\w+\(\.\.\.\)\)"):
        make(Pipeline([("scale", StandardScaler()), ("clf", LabeledOnly(LR))])).fit(X, y)


@around
def test_an_ensemble_inside_works(make):
    ours = LabeledOnly(make(LR)).fit(X, FEW)
    assert ours.classes_.tolist() == [0, 1, 2] and ours.score(X, Y) > 0.8
    assert (ours.predict(X) == make(LR).fit(X[SOME], Y[SOME]).predict(X)).all()


@around
def test_an_ensemble_around_is_fine_where_all_rows_have_a_label(make):
    est = make(LabeledOnly(LR)).fit(X, NAMES[Y])
    assert set(est.predict(X)) == set(NAMES)
    assert LabeledOnly(make(LabeledOnly(LR))).fit(X, FEW).score(X, Y) > 0.8


def test_an_ensemble_inside_a_search_over_all_rows():
    ssl = ContrastivePretrainer(max_epochs=1, random_state=0)
    vote = VotingClassifier([("lr", LR), ("forest", RandomForestClassifier(5, random_state=0))])
    pipe = Pipeline([("ssl", ssl), ("clf", LabeledOnly(vote))])
    grid = {"clf__estimator__lr__C": [0.1, 1]}
    search = GridSearchCV(pipe, grid, cv=SemiSupervisedStratifiedKFold(3), error_score="raise").fit(X, FEW)
    assert search.score(X, Y) > 0.8


# folds in time


@pytest.mark.parametrize(
    "params",
    [{}, {"test_size": 3}, {"gap": 2}, {"max_train_size": 7}, {"gap": 1, "max_train_size": 5}],
    ids=str,
)
@pytest.mark.parametrize("kind", ["minus one", "none", "series", "fractions"])
def test_folds_in_time_learn_nothing_of_the_future(params, kind):
    known = np.random.default_rng(0).random(150) < 0.4
    order = np.random.default_rng(1).permutation(150)
    y = {
        "minus one": np.where(known, Y[order], -1),
        "none": [NAMES[v] if k else None for v, k in zip(Y[order], known, strict=True)],
        "series": pd.Series(Y[order], index=np.arange(150) + 7).where(known),
        "fractions": np.where(known, X[order, 0] - 6, np.nan),
    }[kind]
    rows = np.flatnonzero(known)
    cv = SemiSupervisedTimeSeriesSplit(4, **params)
    expected = list(TimeSeriesSplit(4, **params).split(rows))
    found = list(cv.split(X, y))
    assert len(found) == cv.get_n_splits(X, y) == 4
    for (train, test), (some, block) in zip(found, expected, strict=True):
        assert (test == rows[block]).all()
        assert (train[known[train]] == rows[some]).all()
        assert train.max() < test.min()
        left_out = rows[block[0] - params.get("gap", 0)]
        first = rows[some[0]] if some[0] else 0
        between = np.arange(first, left_out)
        assert set(train[~known[train]]) == set(between[~known[between]])


def test_folds_in_time_in_a_search_and_their_errors():
    order = np.random.default_rng(1).permutation(150)
    cv = SemiSupervisedTimeSeriesSplit(3)
    scores = cross_val_score(LabeledOnly(LR), X[order], FEW[order], cv=cv, scoring="accuracy")
    assert scores.min() > 0.5
    assert "n_splits=3" in repr(cv)
    for y, words in (
        (None, "needs y"),
        (FEW[:9], "one y a row"),
        (np.r_[0, 1, 2, np.full(147, -1)], "3 labelled rows.*n_splits=3"),
    ):
        with pytest.raises(ValueError, match=words):
            next(cv.split(X, y))
    with pytest.raises(ValueError, match="Too many splits"):  # scikit-learn's word
        next(SemiSupervisedTimeSeriesSplit(3, test_size=40).split(X, FEW))


# predictions out of the fold


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
@pytest.mark.parametrize(
    "make", [np.asarray, pd.DataFrame, lambda X: pl.DataFrame(X, list("abcd")), sp.csr_array]
)
def test_predictions_are_those_of_cross_val_predict_on_the_labelled_rows(method, make):
    rows, found = cross_val_predict_labeled(LabeledOnly(LR), make(X), FEW, cv=4, method=method)
    assert (rows == np.flatnonzero(SOME)).all()
    expected = cross_val_predict(LR, X[SOME], Y[SOME], cv=4, method=method)
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize(
    "y",
    [
        np.where(SOME, NAMES[Y], None),
        np.where(SOME, NAMES[Y], None).tolist(),
        pd.Series(NAMES[Y]).where(SOME),
        pl.Series([str(NAMES[v]) if k else None for v, k in zip(Y, SOME, strict=True)]),
    ],
    ids=type,
)
def test_predictions_have_the_type_of_the_labels(y):
    rows, found = cross_val_predict_labeled(LabeledOnly(LR), X, y, n_jobs=2)
    assert len(rows) == len(found) == 50 and set(found) == set(NAMES)
    assert (found == NAMES[Y][rows]).mean() > 0.9


def test_every_row_trains_but_those_of_the_fold():
    seen = []

    class Spy(LogisticRegression):
        def fit(self, X, y):
            seen.append(set(X[:, -1].astype(int)))
            return super().fit(X, y)

    tagged = np.c_[X, np.arange(150)]

    class Watched(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            seen.append(set(X[:, -1].astype(int)))
            self.fitted_ = True
            return self

        def transform(self, X):
            return X[:, :-1]

    cross_val_predict_labeled(make_pipeline(Watched(), LabeledOnly(LR)), tagged, FEW, cv=3)
    assert [len(rows) for rows in seen] == [150 - 17, 150 - 17, 150 - 16]
    assert all(set(np.flatnonzero(~SOME)) < rows for rows in seen)


@pytest.mark.parametrize(
    "cv",
    [
        SemiSupervisedKFold(5, shuffle=True, random_state=0),
        SemiSupervisedStratifiedKFold(5),
        SemiSupervisedGroupKFold(5),
        KFold(5, shuffle=True, random_state=0),
        list(StratifiedKFold(5).split(X, Y)),
    ],
    ids=type,
)
def test_predictions_of_any_folds(cv):
    groups = GROUPS if isinstance(cv, SemiSupervisedGroupKFold) else None
    rows, found = cross_val_predict_labeled(LabeledOnly(LR), X, FEW, cv=cv, groups=groups)
    assert (rows == np.flatnonzero(SOME)).all() and (found == Y[rows]).mean() > 0.9


def test_folds_in_time_leave_the_first_rows_without_a_prediction():
    order = np.random.default_rng(1).permutation(150)
    y = FEW[order]
    rows, found = cross_val_predict_labeled(LabeledOnly(LR), X[order], y, cv=SemiSupervisedTimeSeriesSplit(4))
    assert (rows == np.flatnonzero(y >= 0)[10:]).all() and (found == y[rows]).mean() > 0.7


def test_groups_of_predictions_and_regressors():
    t = np.where(SOME, X[:, 3], np.nan)
    t[3] = -1.0  # a target
    rows, found = cross_val_predict_labeled(LabeledOnly(Ridge()), X[:, :3], t)
    assert len(rows) == 50 and found.shape == (50,)
    degrees = np.where(SOME, np.round(10 * X[:, 3]) - 2, np.nan)  # -1 is among them, and none is below
    assert (degrees == -1).any()
    rows, _ = cross_val_predict_labeled(LabeledOnly(Ridge()), X[:, :3], degrees, groups=GROUPS, cv=3)
    assert (rows == np.flatnonzero(SOME)).all()
    both = np.c_[t, t]
    assert cross_val_predict_labeled(LabeledOnly(Ridge()), X[:, :3], both)[1].shape == (50, 2)
    weight = np.random.default_rng(0).random(150)
    _, weighted = cross_val_predict_labeled(
        LabeledOnly(Ridge()), X[:, :3], t, params={"sample_weight": weight}
    )
    assert (weighted != cross_val_predict_labeled(LabeledOnly(Ridge()), X[:, :3], t)[1]).any()


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"cv": RepeatedKFold(n_splits=3, n_repeats=2)}, "more than once"),
        ({"cv": [(np.arange(100), np.array([1, 2]))]}, "No labelled row is scored"),
        ({"cv": KFold(3), "method": "predict_proba"}, "different classes.*Stratify"),
        ({"y": FEW[:9]}, "inconsistent"),
        ({"groups": GROUPS[:9]}, "inconsistent"),
    ],
)
def test_bad_folds_of_predictions_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        cross_val_predict_labeled(LabeledOnly(LR), X, **{"y": FEW, **settings})


# label_efficiency


class Groups(TransformerMixin, BaseEstimator):
    """Remember the rows that are learned from, by their last column."""

    seen = ()

    def fit(self, X, y=None):
        Groups.seen = (*Groups.seen, set(X[:, -1].astype(int)))
        self.fitted_ = True
        return self

    def transform(self, X):
        return X[:, :-1]


@pytest.mark.parametrize("cv", [4, GroupKFold(5)], ids=type)
def test_groups_stay_on_one_side(cv):
    Groups.seen = ()
    tagged = np.c_[X, np.arange(150)]
    found = label_efficiency(
        {"LR": make_pipeline(Groups(), LR)}, tagged, Y, budgets=[2], cv=cv, groups=GROUPS
    )
    assert found.scores.shape[2] == len(Groups.seen)
    for train in Groups.seen:
        rest = set(range(150)) - train
        assert rest and not set(GROUPS[list(train)]) & set(GROUPS[list(rest)])
    y = np.where(SOME, Y, -1)
    Groups.seen = ()
    label_efficiency(
        {"LR": make_pipeline(Groups(), LR)}, tagged, y, budgets=[2], cv=cv, groups=GROUPS.tolist()
    )
    for train in Groups.seen:
        rest = sorted(set(range(150)) - train)
        scored = [row for row in train if SOME[row]]
        assert SOME[rest].all() and not set(GROUPS[scored]) & set(GROUPS[rest])
    with pytest.raises(ValueError, match="inconsistent"):
        label_efficiency({"LR": LR}, X, Y, budgets=[2], cv=cv, groups=GROUPS[:5])


def test_processes_change_no_score():
    pipelines = {"LR": LR, "scaled": make_pipeline(StandardScaler(), LR)}
    one = label_efficiency(pipelines, X, Y, budgets=[2, 5], cv=3, n_draws=2)
    two = label_efficiency(pipelines, X, Y, budgets=[2, 5], cv=3, n_draws=2, n_jobs=2)
    assert (one.scores == two.scores).all() and two.fit_seconds.shape == (2, 3)
    display = LabelEfficiencyDisplay.from_estimators(
        pipelines, X, Y, budgets=[2, 5], cv=3, n_draws=2, groups=GROUPS, n_jobs=2
    )
    assert display.found.scores.shape == (2, 2, 6)


class Sampler(BaseEstimator):
    """As those of imbalanced-learn."""

    def fit_resample(self, X, y):
        return X[::2], y[::2]


@pytest.mark.parametrize(
    "step, words",
    [
        (SelectKBest(k=2), "A step of 'mine' needs y"),
        (SelectFromModel(LR), "A step of 'mine' needs y"),
        (RFE(LR), "A step of 'mine' needs y"),
        (LinearDiscriminantAnalysis(), "A step of 'mine' needs y"),
        (TargetEncoder(), "A step of 'mine' needs y"),
        (LabeledOnly(SelectKBest(k=2)), "A step of 'mine' needs y"),
        (make_pipeline(StandardScaler(), SelectKBest(k=2)), "A step of 'mine' needs y"),
        (Sampler(), "Step 'step' of 'mine' resamples rows"),
        (FunctionTransformer(lambda X: X[::2]), "made 60 rows of 120"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_steps_that_need_labels_are_refused_with_the_way_out(step, words):
    pipe = Pipeline([("step", step), ("clf", LR)])
    with pytest.raises(ValueError, match=f"{words}.*without labels.*into the last step"):
        label_efficiency({"LR": LR, "mine": pipe}, X, Y, budgets=[5], cv=2)


def test_the_way_out_works():
    pipe = make_pipeline(StandardScaler(), make_pipeline(SelectKBest(k=2), LR))
    assert label_efficiency({"mine": pipe}, X, Y, budgets=[5], cv=2).scores.mean() > 0.8
    with pytest.raises(
        ValueError, match="Found array with 0 feature"
    ) as raised:  # other errors stay as they are
        none = FunctionTransformer(lambda X: X[:, :0])
        label_efficiency({"mine": make_pipeline(none, StandardScaler(), LR)}, X, Y, budgets=[5], cv=2)
    assert "without labels" not in str(raised.value)


AT_ONCE = ["voting", "stacking", "bagging", "calibration", "one against the rest", "one against one"]


@pytest.mark.parametrize("name", AT_ONCE)
def test_an_ensemble_around_is_refused_in_other_workers_too(name):
    """Threads, like processes, see nothing of who called them."""
    ensemble = AROUND[name](Pipeline([("scale", StandardScaler()), ("clf", LabeledOnly(LR))]))
    ensemble.set_params(n_jobs=2)
    with parallel_config(backend="threading"):
        with pytest.raises(ValueError, match=f"{type(ensemble).__name__} around LabeledOnly takes -1"):
            ensemble.fit(X, FEW)
        assert ensemble.fit(X, Y).score(X, Y) > 0.8
