"""Whether pretraining helped: pipelines on the same rows and labels."""

import re
from functools import partial
from typing import ClassVar

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from sklearn_ssl import ContrastivePretrainer, LabeledOnly, RowSelector
from sklearn_ssl.inspection import LabelEfficiencyDisplay
from sklearn_ssl.model_selection import LabelEfficiency, draw_labels, label_efficiency, mean_and_interval
from sklearn_ssl.model_selection._splits import n_workers

X, Y = load_iris(return_X_y=True)
FEW = {"dummy": DummyClassifier(), "SVC": SVC(), "scaled": make_pipeline(StandardScaler(), SVC())}


class Counter(TransformerMixin, BaseEstimator):
    """Count fits, and remember which rows were learned from."""

    fits, labels = 0, 0
    seen: ClassVar[list] = []

    def __init__(self, width=2):
        self.width = width

    def fit(self, X, y=None):
        Counter.fits += 1
        Counter.labels += y is not None
        Counter.seen.append(set(X[:, -1].astype(int)))
        self.fitted_ = True
        return self

    def transform(self, X):
        return X[:, : self.width]


def test_labels_are_drawn_per_class_and_smaller_budgets_are_part_of_larger_ones():
    y = np.repeat([0, 1, 2], [50, 30, 20])
    rows = draw_labels(y, 5, seed=0)
    assert np.bincount(y[rows]).tolist() == [5, 5, 5]
    assert len(set(rows)) == 15
    assert (draw_labels(y, 5, seed=0) == rows).all() and (draw_labels(y, 5, seed=1) != rows).any()
    assert set(rows) < set(draw_labels(y, 10, seed=0))
    assert len(draw_labels(y, 5, seed=0, per_class=False)) == 5
    with pytest.raises(ValueError, match=r"has 20 labelled rows.*budget of 21"):
        draw_labels(y, 21, seed=0)


def test_scores_are_those_of_a_loop():
    found = label_efficiency(FEW, X, Y, budgets=[3, 10], cv=StratifiedKFold(4), n_draws=2, random_state=7)
    assert found.scores.shape == (3, 2, 8) and found.fit_seconds.shape == (3, 4)
    for s, (train, test) in enumerate(StratifiedKFold(4).split(X, Y)):
        scaler = StandardScaler().fit(X[train])  # learns from all rows, labelled or not
        for draw in range(2):
            for b, budget in enumerate((3, 10)):
                rows = train[draw_labels(Y[train], budget, 7 + 2 * s + draw)]
                model = SVC().fit(scaler.transform(X[rows]), Y[rows])
                expected = model.score(scaler.transform(X[test]), Y[test])
                assert found.scores[2, b, 2 * s + draw] == expected


def test_equal_steps_are_fitted_once_a_split_and_without_labels():
    Counter.fits = Counter.labels = 0
    tagged = np.c_[X, np.arange(150)]
    pipelines = {
        "SVC": make_pipeline(Counter(), SVC()),
        "LR": make_pipeline(Counter(), LogisticRegression()),
        "other": make_pipeline(Counter(width=3), SVC()),
    }
    label_efficiency(pipelines, tagged, Y, budgets=[2, 5], cv=3, n_draws=2)
    assert Counter.fits == 2 * 3 and Counter.labels == 0


def test_rows_without_labels_always_train_and_are_never_scored():
    y = np.where(np.arange(150) % 3 == 0, Y, -1).astype(object)
    y[y == -1] = None

    Counter.seen.clear()
    tagged = np.c_[X, np.arange(150)]
    pipe = make_pipeline(Counter(width=4), LabeledOnly(SVC()))
    found = label_efficiency({"SVC": pipe}, tagged, y, budgets=[3], cv=4)
    unlabeled = set(np.flatnonzero(np.arange(150) % 3))
    assert len(Counter.seen) == 4
    assert all(unlabeled < rows and len(rows) == 100 + 40 for rows in Counter.seen)
    assert found.scores.mean() > 0.8
    Counter.seen.clear()
    minus_one = np.where(np.arange(150) % 3 == 0, Y, -1)
    label_efficiency({"SVC": pipe}, tagged, minus_one, budgets=[3], cv=StratifiedKFold(5))
    assert all(unlabeled < rows and len(rows) == 100 + 40 for rows in Counter.seen)


def test_steps_that_cannot_be_pickled_will_do():
    steps = make_pipeline(FunctionTransformer(lambda X: X[:, :2]), SVC())
    assert label_efficiency({"SVC": SVC(), "two": steps}, X, Y, budgets=[2], cv=2).scores.shape == (2, 1, 2)


def test_gains_are_paired_with_intervals_by_students_t():
    found = label_efficiency(FEW, X, Y, budgets=[2], cv=6)
    difference = found.scores[1, 0] - found.scores[0, 0]
    mean, low, high = found.gain("SVC", 2)
    assert mean == pytest.approx(difference.mean())
    expected = stats.ttest_1samp(difference, 0).confidence_interval(0.95)
    assert (low, high) == pytest.approx(tuple(expected))
    assert found.gain("dummy", 2, over="SVC")[0] == pytest.approx(-mean)
    assert mean_and_interval(np.array([0.5])) == (0.5, -np.inf, np.inf)
    for wrong in (("none", 2), ("SVC", 3)):
        with pytest.raises(ValueError, match="is not one of"):
            found.gain(*wrong)


def test_it_says_in_words_what_is_within_noise():
    scores = np.array([[[0.5, 0.6, 0.7]], [[0.8, 0.9, 1.0]], [[0.6, 0.5, 0.7]], [[0.1, 0.2, 0.3]]])
    found = LabelEfficiency(("raw", "SSL", "PCA", "noise"), (5,), scores, np.zeros((4, 3)))
    lines = str(found).splitlines()
    assert lines[0] == "With 5 labels (3 runs), against raw, 95 % intervals:"
    assert lines[2].split() == ["SSL", "0.900", "+0.300", "(+0.300", "to", "+0.300):", "better"]
    assert lines[3].endswith("no difference beyond noise") and lines[4].endswith("worse")
    one = LabelEfficiency(("raw", "SSL"), (5,), scores[:2, :, :1], np.zeros((2, 1)))
    assert str(one).endswith("one run cannot tell")
    frame = found.to_frame()
    assert frame[(frame.estimator == "PCA") & (frame.run == 1)].score.tolist() == [0.5]


def test_regression_has_budgets_of_rows():
    X, y = load_diabetes(return_X_y=True)
    pipelines = {"ridge": Ridge(), "PCA": make_pipeline(PCA(5), Ridge())}
    found = label_efficiency(pipelines, X, y, budgets=[20, 200], cv=5)
    assert found.scores[0, 1].mean() > found.scores[0, 0].mean()
    error = label_efficiency(pipelines, X, y, budgets=[20], cv=2, scoring="neg_mean_absolute_error")
    assert (error.scores < 0).all()


def test_the_answer_on_digits_is_that_pretraining_helps():
    """The untrained encoder is beside the trained one: what helps is the training."""
    X, y = load_digits(return_X_y=True)
    from sklearn_ssl.modalities import Image

    digits = Image(shape=(8, 8), horizontal_flip=False)
    pipelines = {
        "untrained": make_pipeline(
            ContrastivePretrainer(modality=digits, max_epochs=0, random_state=0), SVC()
        ),
        "SSL": make_pipeline(ContrastivePretrainer(modality=digits, max_epochs=12, random_state=0), SVC()),
    }
    found = label_efficiency(pipelines, X, y, budgets=[5], cv=1, n_draws=6)
    assert "SSL" in str(found) and str(found).endswith("better")


def test_too_few_labels_are_refused():
    with pytest.raises(
        ValueError, match=r"class, \w+, has \d+ .* fewer than the budget of 100. Pass smaller .*merge"
    ):
        label_efficiency(FEW, X, Y, budgets=[100], cv=2)


def test_splits_without_a_class_to_learn_are_refused():
    with pytest.raises(ValueError, match=r"lacks the classes \[0\]. Shuffle"):
        label_efficiency(FEW, X, Y, budgets=[3], cv=KFold(3))
    assert label_efficiency(FEW, X, Y, budgets=[3], cv=np.int64(2)).scores[1].mean() > 0.7


def test_display_draws_a_line_for_each_pipeline():
    display = LabelEfficiencyDisplay.from_estimators(FEW, X, Y, budgets=[2, 10], cv=3, scoring="accuracy")
    assert [bar.get_label() for bar in display.errorbar_] == ["dummy", "SVC", "scaled"]
    line = display.errorbar_[1].lines[0]
    np.testing.assert_allclose(line.get_ydata(), display.found.scores[1].mean(axis=1))
    assert display.ax_.get_ylabel().startswith("accuracy")
    assert display.figure_ is display.ax_.figure
    again = LabelEfficiencyDisplay(display.found).plot(ax=display.ax_, color="black")
    assert again.ax_ is display.ax_


def test_it_reads_well_and_is_a_table_in_a_notebook():
    scores = np.array([[[0.5, 0.6, 0.7]], [[0.8, 0.9, 1.0]]])
    found = LabelEfficiency(("raw", "<b>SSL</b>"), (5,), scores, np.zeros((2, 3)), "accuracy")
    assert repr(found) == str(found) and "array" not in repr(found) and "95 % intervals" in repr(found)
    html = found._repr_html_()
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    assert re.findall(r"<td>(.*?)</td>", rows[1]) == ["0.600", "baseline"]
    assert re.findall(r"<td>(.*?)</td>", rows[2]) == ["0.900", "+0.300 (+0.300 to +0.300): better"]
    assert "&lt;b&gt;SSL&lt;/b&gt;" in rows[2] and "<b>" not in html
    assert "accuracy" in html and "95 % intervals" in html and "5 labels, 3 runs" in rows[0]


def test_the_axis_says_what_was_scored():
    assert label_efficiency(FEW, X, Y, budgets=[2], cv=2).score_name == "accuracy"
    squared = label_efficiency({"ridge": Ridge()}, *load_diabetes(return_X_y=True), budgets=[20], cv=2)
    assert squared.score_name == "R²"
    found = label_efficiency(FEW, X, Y, budgets=[2], cv=2, scoring="balanced_accuracy")
    assert LabelEfficiencyDisplay(found).plot().ax_.get_ylabel().startswith("balanced_accuracy")
    own = label_efficiency(FEW, X, Y, budgets=[2], cv=2, scoring=lambda model, X, y: model.score(X, y))
    assert own.score_name == "score"
    assert LabelEfficiencyDisplay(own, score_name="mine").plot().ax_.get_ylabel().startswith("mine")
    legend = LabelEfficiencyDisplay(found).plot().ax_.get_legend()
    legend.figure.canvas.draw()
    assert legend.get_window_extent().x0 >= legend.axes.get_window_extent().x1


@pytest.mark.parametrize(
    "wrong",
    [{"budgets": budgets} for budgets in (5, True, [], "", [True], [0], [1.5], [2**70], [np.nan])]
    + [{"n_draws": n_draws} for n_draws in (True, 0, 1.5, np.inf, np.array([1, 2]))],
    ids=str,
)
def test_counts_are_counts(wrong):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        label_efficiency({"LR": LogisticRegression()}, X, y, **wrong)


def test_log_losses_stand_beside_scores():
    with_proba = {"LR": LogisticRegression(max_iter=500), "prior": DummyClassifier(), "SVC": SVC()}
    found = label_efficiency(with_proba, X, Y, budgets=[1, 5], cv=3)
    assert found.log_losses.shape == found.scores.shape
    np.testing.assert_allclose(found.log_losses[1], np.log(3))
    assert np.isnan(found.log_losses[2]).all()
    mean, low, high = found.gain("prior", 5, log_loss=True)
    assert (
        mean == pytest.approx((found.log_losses[0, 1] - found.log_losses[1, 1]).mean())
        and low <= mean <= high
    )
    lines = str(found).splitlines()
    assert "; log loss " in lines[1] and lines[2].endswith("worse") and "; log loss 1.10, +" in lines[6]
    assert "log loss" not in lines[3]
    assert found.to_frame().log_loss.count() == 2 * 2 * 3
    assert "; log loss 1.10" in found._repr_html_()
    numbers = label_efficiency({"ridge": Ridge()}, X[:, :3], X[:, 3], budgets=[20], cv=2)
    assert numbers.log_losses is None
    with pytest.raises(ValueError, match="no log losses"):
        numbers.gain("ridge", 20, log_loss=True)


def test_chosen_rows_beside_random_ones():
    Counter.fits = 0
    tagged = np.c_[X, np.arange(150)]
    ways = {"random": None, "chosen": RowSelector(pretrainer=Counter(width=4))}
    found = label_efficiency(
        {"LR": LogisticRegression(max_iter=500), "SVC": SVC()}, tagged, Y, budgets=[1, 3], cv=2, rows=ways
    )
    assert found.names == ("LR, random rows", "SVC, random rows", "LR, chosen rows", "SVC, chosen rows")
    assert found.scores.shape == (4, 2, 2) and found.fit_seconds.shape == (4, 2)
    assert Counter.fits == 2  # once a split
    plain = label_efficiency({"LR": LogisticRegression(max_iter=500)}, tagged, Y, budgets=[1, 3], cv=2)
    assert (found.scores[0] == plain.scores[0]).all()
    numbers = label_efficiency({"ridge": Ridge()}, X[:, :3], X[:, 3], budgets=[20], cv=2, rows=ways)
    assert numbers.names == ("ridge, random rows", "ridge, chosen rows")


def test_chosen_rows_of_one_class_predict_it():
    sorted_rows = np.r_[np.zeros((140, 1)), np.ones((10, 1))]
    labels = np.r_[np.zeros(145, dtype=int), np.ones(5, dtype=int)]
    found = label_efficiency(
        {"LR": LogisticRegression()},
        sorted_rows,
        labels,
        budgets=[1],
        cv=StratifiedKFold(2),
        rows={"chosen": RowSelector(pretrainer=None)},
    )
    assert found.scores.min() > 0.9 and np.isfinite(found.log_losses).all()


def test_estimators_that_take_a_pool_get_the_other_rows():
    class Pooled(DummyClassifier):
        sizes: ClassVar[list] = []

        def fit(self, X, y, X_unlabeled=None):
            Pooled.sizes.append((len(X), len(X_unlabeled)))
            return super().fit(X, y)

    label_efficiency({"pooled": Pooled()}, X, Y, budgets=[2], cv=2)
    assert Pooled.sizes == [(6, 114)] * 2


@pytest.mark.parametrize("rows", ["chosen", {}, {"a": "random"}, [RowSelector()]], ids=str)
def test_ways_to_choose_rows_are_checked(rows):
    with pytest.raises(TypeError, match="RowSelector"):
        label_efficiency(FEW, X, Y, budgets=[2], cv=2, rows=rows)


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("cv", 2**70, "cv=1180591620717411303424 must be an integer from 1 to 10000"),
        ("cv", True, "cv=True must be an integer"),
        ("cv", 0, "cv=0 must be an integer"),
        ("cv", [], r"cv=\[\] has no splits"),
        ("n_draws", 2**31 - 1, "n_draws=2147483647 must be an integer from 1 to 10000"),
        ("n_jobs", True, "n_jobs=True must be None or an integer"),
        ("n_jobs", 1.5, r"n_jobs=1\.5 must be None or an integer"),
        ("n_jobs", 0, "n_jobs=0 must be None or an integer"),
        ("random_state", 2**70, "random_state=1180591620717411303424 must be an integer from 0"),
        ("random_state", True, "random_state=True must be an integer from 0"),
        ("random_state", "zero", "'zero' cannot be used to seed"),
    ],
)
def test_numbers_without_sense_are_refused(name, value, words):
    with pytest.raises(ValueError, match=words):
        label_efficiency({"LR": LogisticRegression()}, X, Y, **{"budgets": [1], "cv": 1, name: value})


def test_no_more_workers_than_tasks():
    assert [n_workers(n, 3) for n in (None, 1, 2, 2**70, -1, np.int64(8))] == [None, 1, 2, 3, -1, 3]


def test_a_random_state_may_be_none_or_a_generator():
    run = partial(label_efficiency, {"LR": LogisticRegression()}, X, Y, budgets=[1], cv=2)
    a, b = (run(random_state=np.random.RandomState(0)).scores for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert run(random_state=None).scores.shape == a.shape
