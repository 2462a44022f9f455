"""Searches and features on Dask."""

import re
from pathlib import Path

import dask
import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
from dask.distributed import Client, LocalCluster
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from sklearn_ssl import ContrastivePretrainer

SHORT = {"n_components": 8, "batch_size": 64, "random_state": 0}


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.slow)], ids=["threads", "processes"])
def client(request, tmp_path):
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        dask.config.set({"temporary-directory": str(tmp_path)}),
        LocalCluster(processes=request.param, **options) as cluster,
        Client(cluster) as client,
    ):
        yield client


def test_search_and_features(client):
    X, y = load_iris(return_X_y=True)
    X = pd.DataFrame(X, columns=list("abcd"))
    pipe = Pipeline([("ssl", ContrastivePretrainer(max_epochs=1, **SHORT)), ("clf", LogisticRegression())])
    grid = {"ssl__temperature": [0.1, 1.0], "clf__C": [0.01, 1]}
    one = GridSearchCV(pipe, grid, cv=2, n_jobs=1).fit(X, y)
    with joblib.parallel_config(backend="dask"):
        many = GridSearchCV(pipe, grid, cv=2).fit(X, y)
    assert many.best_params_ == one.best_params_
    np.testing.assert_array_equal(many.cv_results_["mean_test_score"], one.cv_results_["mean_test_score"])
    ssl = one.best_estimator_["ssl"]
    Z = ssl.transform(X)
    np.testing.assert_array_equal(many.best_estimator_["ssl"].transform(X), Z)
    ssl.set_output(transform="pandas")
    features = dd.from_pandas(X, npartitions=3).map_partitions(ssl.transform)
    assert list(features.columns) == list(ssl.get_feature_names_out())
    np.testing.assert_array_equal(features.compute().to_numpy(), Z)


def test_blocks_one_after_the_other():
    X = load_iris().data
    rows, by_hand = da.from_array(X, chunks=(50, 4)), ContrastivePretrainer(**SHORT)
    ssl = dask.delayed(ContrastivePretrainer(**SHORT))
    for block in rows.to_delayed().ravel():
        ssl = dask.delayed(lambda est, rows: est.partial_fit(rows))(ssl, block)
    for start in range(0, 150, 50):
        by_hand.partial_fit(X[start : start + 50])
    ssl = ssl.compute(scheduler="sync")
    features = rows.map_blocks(ssl.transform, dtype="float32", chunks=(rows.chunks[0], (8,)))
    np.testing.assert_array_equal(features.compute(scheduler="sync"), by_hand.transform(X))
    np.testing.assert_array_equal(ssl.transform(rows), by_hand.transform(X))


def test_frames_of_dask_are_refused_with_a_way_out():
    X = pd.DataFrame(load_iris().data, columns=list("abcd"))
    rows = dd.from_pandas(X, npartitions=2)
    ssl = ContrastivePretrainer(max_epochs=0, **SHORT).fit(X)
    for call in (ssl.fit, ssl.transform):
        with pytest.raises(TypeError, match=r"X is DataFrame of dask.*map_partitions\(estimator.transform\)"):
            call(rows)


@pytest.mark.slow
def test_code_of_the_guide_runs(tmp_path, monkeypatch):
    text = (Path(__file__).parent.parent / "docs/guide/beyond_one_machine.md").read_text(encoding="utf-8")
    code = "".join(re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "beyond_one_machine.md", "exec"), {"__name__": "guide"})
    assert (tmp_path / "features").is_dir()
