"""Labels as other people's data have them: texts that stand for missing ones, odd containers, odd targets."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from sklearn_ssl import LabeledOnly
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
