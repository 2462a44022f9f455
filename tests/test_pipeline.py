"""What users type: pipelines, searches, caches, more unlabeled rows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits, load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import nn

from sklearn_ssl import ContrastivePretrainer, LabeledOnly, MaskedPretrainer
from sklearn_ssl.modalities import Image, Tabular
from sklearn_ssl.model_selection import SemiSupervisedStratifiedKFold

X, y = load_iris(return_X_y=True)
POOL = np.random.default_rng(0).normal(X.mean(axis=0), X.std(axis=0), size=(37, 4))


def quick(**params):
    return ContrastivePretrainer(**{"max_epochs": 1, "random_state": 0, **params})


def n_cached_fits(folder):
    return len(list(Path(folder).rglob("output.pkl")))


class RowCount(Tabular):
    """Remember how many rows fit saw."""

    def fit(self, X):
        self.n_rows_ = len(X)
        return super().fit(X)


def counting():
    return quick(modality=RowCount())


def test_pipeline_grid_search_in_two_processes():
    pipe = Pipeline([("ssl", quick()), ("clf", SVC())])
    assert pipe.fit(X, y).score(X, y) > 0.8
    grid = {"ssl__temperature": [0.1, 0.5], "clf__C": [1, 10]}
    search = GridSearchCV(pipe, grid, n_jobs=2, error_score="raise").fit(X, y)
    assert search.best_score_ > 0.8
    assert set(search.best_params_) == set(grid)


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize(
    "encoder",
    ["auto", nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8))],
    ids=["name", "module"],
)
def test_memory_fits_the_pretrainer_once_per_fold(tmp_path, encoder, n_jobs):
    pipe = Pipeline([("ssl", quick(encoder=encoder)), ("clf", SVC())], memory=str(tmp_path))
    grid = {"clf__C": [0.1, 1, 10]}
    search = GridSearchCV(pipe, grid, cv=3, n_jobs=n_jobs, error_score="raise").fit(X, y)
    assert search.best_score_ > 0.8
    assert n_cached_fits(tmp_path) == 4  # three folds and the refit


def test_memory_with_a_frozen_pretrainer(tmp_path):
    frozen = FrozenEstimator(quick(encoder=nn.Linear(4, 8)).fit(POOL))
    pipe = Pipeline([("ssl", frozen), ("clf", SVC())], memory=str(tmp_path))
    search = GridSearchCV(pipe, {"clf__C": [0.1, 1, 10]}, cv=3, n_jobs=2, error_score="raise").fit(X, y)
    assert n_cached_fits(tmp_path) == 4
    assert (search.best_estimator_[:-1].transform(X) == frozen.transform(X)).all()


def test_x_unlabeled_trains_and_scales():
    est = counting().fit(X, y, X_unlabeled=POOL)
    assert est.modality_.n_rows_ == len(X) + len(POOL)
    np.testing.assert_allclose(est.modality_.mean_, np.vstack([X, POOL]).mean(axis=0))


@pytest.mark.parametrize("routing", [False, True])
def test_x_unlabeled_through_pipeline_and_search(routing):
    key = "X_unlabeled" if routing else "ssl__X_unlabeled"
    pipe = Pipeline([("ssl", counting()), ("clf", SVC())])
    with config_context(enable_metadata_routing=routing):
        fitted = clone(pipe).fit(X, y, **{key: POOL})
        assert fitted[0].modality_.n_rows_ == len(X) + len(POOL)
        search = GridSearchCV(pipe, {"clf__C": [1, 10]}, cv=3, error_score="raise").fit(X, y, **{key: POOL})
        assert search.best_estimator_[0].modality_.n_rows_ == len(X) + len(POOL)
        params = {"params": {key: POOL}}
        result = cross_validate(pipe, X, y, cv=3, return_estimator=True, error_score="raise", **params)
        assert [e[0].modality_.n_rows_ for e in result["estimator"]] == [100 + len(POOL)] * 3


def test_a_pool_of_exactly_len_x_rows_is_sliced_by_fold():
    pipe = Pipeline([("ssl", counting()), ("clf", SVC())])
    params = {"ssl__X_unlabeled": POOL[np.arange(150) % 37]}
    result = cross_validate(pipe, X, y, cv=3, params=params, return_estimator=True, error_score="raise")
    assert [e[0].modality_.n_rows_ for e in result["estimator"]] == [200] * 3  # documented, not wished for


def test_behind_a_scaler_the_pool_arrives_unscaled_unless_transform_input():
    steps = [("scale", StandardScaler()), ("ssl", quick()), ("clf", SVC())]
    with config_context(enable_metadata_routing=True):
        plain = Pipeline(steps).fit(X, y, X_unlabeled=POOL)
        assert abs(plain["ssl"].modality_.mean_).max() > 0.5  # the pool has means of 1 to 6
        both = Pipeline(steps, transform_input=["X_unlabeled"]).fit(X, y, X_unlabeled=POOL)
        assert abs(both["ssl"].modality_.mean_).max() < 0.1


def test_column_transformer_hands_each_branch_the_whole_pool():
    names = ["a", "b", "c", "d"]
    frame, pool = pd.DataFrame(X, columns=names), pd.DataFrame(POOL, columns=names)
    columns = ColumnTransformer([("left", counting(), ["a", "c"]), ("right", counting(), ["b", "d"])])
    pipe = make_pipeline(columns, LogisticRegression(max_iter=1000))
    with config_context(enable_metadata_routing=True):
        pipe.fit(frame, y, X_unlabeled=pool)
        for name, expected in [("left", ["a", "c"]), ("right", ["b", "d"])]:
            branch = pipe[0].named_transformers_[name]
            assert branch.modality_.n_rows_ == len(X) + len(POOL)
            assert list(branch.feature_names_in_) == expected


def test_frozen_pretrainer_in_a_pipeline():
    ssl = quick().fit(POOL)
    pipe = Pipeline([("ssl", FrozenEstimator(ssl)), ("clf", SVC())]).fit(X, y)
    assert (pipe[0].transform(X) == ssl.transform(X)).all()
    assert pipe.score(X, y) > 0.8


def test_search_without_labels_uses_score():
    search = GridSearchCV(quick(), {"lr": [1e-4, 1e-2]}, cv=2, error_score="raise").fit(X)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.cv_results_["mean_test_score"].std() > 0


def test_pretrainers_side_by_side_on_images():
    digits = load_digits()
    pipe = make_pipeline(quick(modality=Image(shape=(8, 8)), n_components=16), SVC())
    assert pipe.fit(digits.data[:300], digits.target[:300]).score(digits.data, digits.target) > 0.5


def test_set_output_gives_frames_with_names():
    frame = quick(n_components=3).set_output(transform="pandas").fit_transform(X)
    assert list(frame.columns) == [f"contrastivepretrainer{i}" for i in range(3)]
    assert set(frame.dtypes) == {np.dtype("float32")}


def test_halving_search_with_epochs_as_the_resource():
    pipe = Pipeline([("ssl", quick()), ("clf", SVC())])
    search = HalvingGridSearchCV(
        pipe, {"ssl__temperature": [0.1, 0.5, 1.0, 2.0]}, resource="ssl__max_epochs", min_resources=1,
        max_resources=4, factor=2, cv=3, error_score="raise", random_state=0,
    ).fit(X, y)  # fmt: skip
    assert search.n_resources_ == [1, 2, 4] and search.n_candidates_ == [4, 2, 1]
    assert len(search.best_estimator_["ssl"].history_) == search.best_params_["ssl__max_epochs"] == 4
    assert search.best_score_ > 0.8


def test_memory_with_labelled_only_in_a_search(tmp_path):
    few = np.where(np.arange(150) % 5 == 0, y, -1)
    pipe = Pipeline([("ssl", quick()), ("clf", LabeledOnly(SVC()))], memory=str(tmp_path))
    cv = SemiSupervisedStratifiedKFold(3)
    search = GridSearchCV(pipe, {"clf__estimator__C": [0.1, 1, 10]}, cv=cv, error_score="raise").fit(X, few)
    assert n_cached_fits(tmp_path) == 4
    assert search.best_score_ > 0.7


def test_a_table_a_text_and_an_image_go_to_one_classifier():
    """Each part has its own pretrainer; the classifier sees all features."""
    images, digit = load_digits(return_X_y=True)
    images, digit = images[:300], digit[:300]
    rng = np.random.default_rng(0)
    words = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])[digit]
    frame = pd.DataFrame(images, columns=[f"pixel{i}" for i in range(64)]).assign(
        size=rng.normal(digit, 2.0),
        parity=np.where(digit % 2, "odd", "even"),
        note=[f"it looks like {word}" if rng.random() < 0.5 else None for word in words],
    )
    frame.loc[::6, "size"] = np.nan
    frame["note"] = frame.note.fillna("no idea")
    pixels = [c for c in frame if c.startswith("pixel")]
    parts = ColumnTransformer(
        [
            ("table", quick(n_components=8), ["size", "parity"]),
            (
                "text",
                make_pipeline(TfidfVectorizer(), MaskedPretrainer(max_epochs=1, n_components=16)),
                "note",
            ),
            ("image", quick(modality=Image(shape=(8, 8), horizontal_flip=False), n_components=32), pixels),
        ]
    )
    pipe = Pipeline([("ssl", parts), ("clf", LogisticRegression(max_iter=2000))])
    train, test = np.arange(300) % 2 == 0, np.arange(300) % 2 == 1
    pipe.fit(frame[train], digit[train])
    assert pipe[:-1].transform(frame[test]).shape == (150, 8 + 16 + 32)
    assert pipe.score(frame[test], digit[test]) > 0.8
    alone = make_pipeline(clone(parts.transformers[2][1]), LogisticRegression(max_iter=2000))
    alone.fit(frame.loc[train, pixels], digit[train])
    assert pipe.score(frame[test], digit[test]) > alone.score(frame.loc[test, pixels], digit[test])
    grid = {"ssl__table__temperature": [0.1, 0.5], "clf__C": [0.1, 1]}
    assert GridSearchCV(pipe, grid, cv=2, error_score="raise").fit(frame, digit).best_score_ > 0.8
