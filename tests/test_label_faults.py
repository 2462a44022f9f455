"""Labels as other people's data have them: texts that stand for missing ones, odd containers, odd targets."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import DataConversionWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import (
    ContrastivePretrainer,
    DistillationClassifier,
    FewLabelClassifier,
    FineTuneClassifier,
    FineTuneRegressor,
    LabelDiffusion,
    LabeledOnly,
    ZeroShotClassifier,
)
from sklearn_ssl.few_labels import is_labeled
from sklearn_ssl.model_selection import SemiSupervisedKFold, SemiSupervisedStratifiedKFold, label_efficiency

X, Y = load_iris(return_X_y=True)
NAMES = load_iris().target_names
SOME = np.arange(150) % 6 == 0
LR = LogisticRegression(max_iter=2000)


def texts(hole):
    return [str(name) if some else hole for name, some in zip(NAMES[Y], SOME, strict=True)]


CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "str array": lambda y: np.array(y, dtype=str),
    "bytes": lambda y: np.array(y, dtype=bytes),
    "StringDType": lambda y: np.array(y, dtype=np.dtypes.StringDType()),
    "object": lambda y: np.array(y, dtype=object),
    "object column": lambda y: np.array(y, dtype=object)[:, None],
    "Series": pd.Series,
    "Series of objects": lambda y: pd.Series(y, dtype=object),
    "Series of string": lambda y: pd.Series(y, dtype="string"),
    "categories": lambda y: pd.Series(y, dtype="category"),
    "Categorical": pd.Categorical,
    "polars": pl.Series,
    "polars categories": lambda y: pl.Series(y, dtype=pl.Categorical),
}
CALLS = {
    "is_labeled": is_labeled,
    "fit": lambda y: LabeledOnly(LR).fit(X, np.ravel(np.asarray(y)) if np.ndim(y) == 2 else y),
    "folds": lambda y: next(SemiSupervisedKFold(3).split(X, y)),
    "label_efficiency": lambda y: label_efficiency({"LR": LR}, X, y, budgets=[2], cv=2),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS)
@pytest.mark.parametrize("hole", ["-1", "-1.0", " -1 "])
def test_minus_one_among_texts_is_refused_in_every_container(make, call, hole):
    with pytest.raises(ValueError, match=r"'-1.*missing label.*by None.*dtype=object.*rename"):
        call(make(texts(hole)))


def test_minus_one_beside_none_and_numbers():
    mixed = [*texts("-1")[:149], None]
    with pytest.raises(ValueError, match="among them"):
        is_labeled(mixed)
    assert is_labeled(["a", -1, None, -1.0, "b-1", "1"]).tolist() == [True, False, False, False, True, True]
    with pytest.raises(ValueError, match="among them"):
        is_labeled(["a", "\N{MINUS SIGN}1"])
    unused = pd.Series(texts("-1"), dtype="category")[SOME]  # "-1" is a category without a row
    assert is_labeled(unused).all()


@pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS)
@pytest.mark.parametrize("hole", ["", "  ", "None", "<NA>"])
def test_texts_that_look_like_missing_labels_warn_once(make, hole):
    y = make(texts(hole))
    with pytest.warns(UserWarning, match="look like missing.*None") as caught:
        assert is_labeled(y).all()
    assert len(caught) == 1


def test_an_empty_text_warns_once_a_fit_and_is_a_class():
    with pytest.warns(UserWarning, match=r"classes here: ''\.") as caught:
        fitted = LabeledOnly(LR).fit(X, texts(""))
    assert len(caught) == 1 and "" in fitted.classes_
    with pytest.warns(UserWarning, match="''") as caught:
        list(SemiSupervisedStratifiedKFold(3).split(X, texts("")))
    assert len(caught) == 1


def test_nan_among_texts():
    with pytest.raises(ValueError, match="dtype=object"):
        is_labeled(np.array(texts("nan")))
    with pytest.warns(UserWarning, match="'nan'"):
        is_labeled(pd.Series(texts("nan")))


@pytest.mark.parametrize("hole", [None, np.nan, pd.NA])
def test_the_remedies_of_the_message_work(hole):
    y = pd.Series(texts("-1")).replace({"-1": hole})
    assert set(LabeledOnly(LR).fit(X, y).predict(X)) == set(NAMES)
    y = np.array(texts(hole), dtype=object)
    assert set(LabeledOnly(LR).fit(X, y).predict(X)) == set(NAMES)


@pytest.mark.parametrize("truth", [bool, np.bool_])
@pytest.mark.parametrize("hole", [None, np.nan, pd.NA, -1])
@pytest.mark.parametrize("make", [list, tuple, lambda y: np.array(y, dtype=object), pd.Series])
def test_truth_values_beside_holes(truth, hole, make):
    y = make([truth(v) if some else hole for v, some in zip(Y > 0, SOME, strict=True)])
    fitted = LabeledOnly(LR).fit(X, y)
    assert fitted.classes_.dtype == bool and fitted.score(X, Y > 0) == 1
    for train, test in SemiSupervisedStratifiedKFold(3).split(X, y):
        assert SOME[test].all() and len(train) + len(test) == 150
    assert label_efficiency({"LR": LR}, X, y, budgets=[2], cv=2).scores.min() > 0.8


@pytest.mark.parametrize("make", [pl.Series, lambda y: pd.Series(y, dtype="boolean")])
def test_truth_values_of_frames(make):
    y = make([bool(v) if some else None for v, some in zip(Y > 0, SOME, strict=True)])
    assert LabeledOnly(LR).fit(X, y).score(X, Y > 0) == 1


COLUMNS = {
    "array": lambda y: np.asarray(y)[:, None],
    "object": lambda y: np.asarray(y, dtype=object)[:, None],
    "list": lambda y: [[v] for v in y],
    "frame": lambda y: pd.DataFrame({"y": y}),
    "polars": lambda y: pl.DataFrame({"y": y}),
}


@pytest.mark.parametrize("make", COLUMNS.values(), ids=COLUMNS)
@pytest.mark.parametrize("labels", [Y.tolist(), np.where(SOME, Y, -1).tolist(), NAMES[Y].tolist()])
def test_a_column_of_labels_is_like_a_vector(make, labels):
    expected = label_efficiency({"LR": LR}, X, labels, budgets=[3], cv=2)
    found = label_efficiency({"LR": LR}, X, make(labels), budgets=[3], cv=2)
    assert (found.scores == expected.scores).all()
    forest = RandomForestClassifier(5, random_state=0)
    with pytest.warns(DataConversionWarning, match="column-vector") as caught:
        column = LabeledOnly(forest).fit(X, make(labels))
    assert {warning.filename for warning in caught} == {__file__}
    assert (column.predict(X) == LabeledOnly(forest).fit(X, labels).predict(X)).all()
    folds = [test.tolist() for _, test in SemiSupervisedStratifiedKFold(3).split(X, make(labels))]
    assert folds == [test.tolist() for _, test in SemiSupervisedStratifiedKFold(3).split(X, labels)]


def test_columns_of_targets():
    y = X[:, 3]
    expected = label_efficiency({"ridge": Ridge()}, X[:, :3], y, budgets=[30], cv=2).scores
    assert (
        label_efficiency({"ridge": Ridge()}, X[:, :3], y[:, None], budgets=[30], cv=2).scores == expected
    ).all()
    both = label_efficiency({"ridge": Ridge()}, X[:, :2], X[:, 2:], budgets=[30], cv=2)
    assert both.scores.min() > 0.5
    with pytest.raises(ValueError, match=r"y has shape \(150, 2\)"):
        label_efficiency({"LR": LR}, X, np.c_[Y, Y], budgets=[3], cv=2)


DEGREES = np.arange(150.0) - 75
DEGREES[::4] = np.nan
TARGETS = {
    "float": np.array,
    "float32": lambda y: np.array(y, dtype=np.float32),
    "column": lambda y: np.array(y)[:, None],
    "list": lambda y: [None if np.isnan(v) else int(v) for v in y],
    "objects": lambda y: np.array([None if np.isnan(v) else int(v) for v in y], dtype=object),
    "Int64": lambda y: pd.Series(y).astype("Int64"),
    "Series": pd.Series,
    "polars": lambda y: pl.Series([None if np.isnan(v) else int(v) for v in y]),
}


@pytest.mark.parametrize("make", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize(
    "t", [DEGREES, np.where(np.arange(150) % 4, np.arange(150.0) - 3, np.nan)], ids=["below", "one below"]
)
def test_every_whole_number_of_a_regression_is_scored(make, t):
    scored = np.concatenate([test for _, test in SemiSupervisedKFold(3).split(X, make(t))])
    assert sorted(scored) == np.flatnonzero(~np.isnan(t)).tolist()


def test_few_whole_numbers_with_some_below_minus_one():
    t = np.where(SOME, np.nan, np.arange(150) % 5 - 2.0)  # -2 to 2
    scored = [test for _, test in SemiSupervisedKFold(3).split(X, t)]
    assert sum(map(len, scored)) == (~SOME).sum()
    complete = np.arange(150) - 75  # without a hole
    assert sum(len(test) for _, test in SemiSupervisedKFold(3).split(X, complete)) == 150
    above = np.where(SOME, np.nan, np.arange(150) - 1.0)  # from -1 up
    above[1] = -1
    assert sum(len(test) for _, test in SemiSupervisedKFold(3).split(X, above)) == (~SOME).sum()


def test_minus_one_still_means_no_label_among_classes():
    for y in (
        np.where(SOME, Y, -1),
        np.where(SOME, Y, -1.0),
        np.where(SOME, Y, np.where(np.arange(150) % 2, -1, np.nan)),  # both marks
        np.where(SOME, np.arange(150), -1),  # many classes
    ):
        scored = np.concatenate([test for _, test in SemiSupervisedKFold(3).split(X, y)])
        assert sorted(scored) == np.flatnonzero(SOME).tolist()


def test_minus_one_beside_classes_below_it_warns():
    ratings = np.arange(150) % 5 - 2
    with pytest.warns(
        UserWarning, match=r"-1, which means.*and -2, which is a label.*rename classes"
    ) as caught:
        LabeledOnly(LR).fit(X, ratings)
    assert len(caught) == 1
    with pytest.warns(UserWarning, match="and -2"):
        list(SemiSupervisedKFold(3).split(X, ratings))
    LabeledOnly(Ridge()).fit(X, ratings)
    list(KFold(3).split(X, ratings))


LEARNERS = {
    "FineTuneClassifier": lambda: FineTuneClassifier(ContrastivePretrainer()),
    "FineTuneRegressor": lambda: FineTuneRegressor(ContrastivePretrainer()),
    "DistillationClassifier": lambda: DistillationClassifier(LR),
    "ZeroShotClassifier": ZeroShotClassifier,
    "FewLabelClassifier": lambda: FewLabelClassifier(pretrainers=None),
}


@pytest.mark.parametrize("make", LEARNERS.values(), ids=LEARNERS)
@pytest.mark.parametrize(
    "y",
    [
        np.where(SOME, Y, np.nan),
        np.array(texts(None), dtype=object),
        texts(None),
        pd.Series(texts(None), dtype="string"),
        pd.Series(np.where(SOME, Y, np.nan)).astype("Int64"),
        pl.Series(texts(None)),
    ],
    ids=["float", "objects", "list", "string", "Int64", "polars"],
)
def test_missing_labels_name_what_takes_them(make, y):
    with pytest.raises(ValueError, match=r"125 of 150 rows have no label.*LabeledOnly\("):
        make().fit(X, y)


def test_what_a_mask_hides_has_no_label():
    y = np.ma.array(Y, mask=np.arange(len(Y)) % 3 > 0)
    known = ~y.mask
    est = LabeledOnly(LogisticRegression(max_iter=2000)).fit(X, y)
    expected = LogisticRegression(max_iter=2000).fit(X[known], Y[known])
    assert (est.predict(X) == expected.predict(X)).all()
    tests = np.concatenate([test for _, test in SemiSupervisedKFold(3).split(X, y)])
    assert sorted(tests) == np.flatnonzero(known).tolist()
    with pytest.raises(ValueError, match="100 of 150 rows have no label"):
        FewLabelClassifier().fit(X, y)


def test_a_column_of_labels_warns_from_the_users_line():
    for est in (LabelDiffusion(), ZeroShotClassifier(), FewLabelClassifier(pretrainers=None, cv=2)):
        with pytest.warns(DataConversionWarning, match=r"column-vector y.*ravel") as caught:
            est.fit(X[::5], Y[::5, None])
        assert {warning.filename for warning in caught} == {__file__}


def test_what_takes_columns_of_labels_only_gets_them():
    several = MultiOutputClassifier(LR)
    for est in (several, make_pipeline(StandardScaler(), several)):
        assert LabeledOnly(est).fit(X, Y[:, None]).predict(X).shape == (150, 1)
