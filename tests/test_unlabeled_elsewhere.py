"""Rows without a label in the display of features and in the probe."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import ContrastivePretrainer
from sklearn_ssl.callbacks import OnlineProbe
from sklearn_ssl.inspection import EmbeddingDisplay

mpl.use("Agg")

X, Y = load_iris(return_X_y=True)
NAMES = load_iris().target_names
KNOWN = np.arange(150) % 3 == 0
NUMBERED = ["0", "1", "2", "no label"]
NAMED = [*NAMES, "no label"]
SCALER = StandardScaler().fit(X)
KINDS = {
    "-1": (np.where(KNOWN, Y, -1), NUMBERED),
    "-1.0": (np.where(KNOWN, Y, -1.0), NUMBERED),
    "NaN": (np.where(KNOWN, Y, np.nan), NUMBERED),
    "None": (np.where(KNOWN, NAMES[Y], None), NAMED),
    "list of None": ([int(v) if k else None for v, k in zip(Y, KNOWN, strict=True)], NUMBERED),
    "column": (np.where(KNOWN, Y, -1)[:, None], NUMBERED),
    "Int64": (pd.Series(Y).astype("Int64").where(KNOWN), NUMBERED),
    "Series of texts": (pd.Series(NAMES[Y]).where(KNOWN), NAMED),
    "Series of string": (pd.Series(NAMES[Y], dtype="string").where(KNOWN), NAMED),
    "Series of objects": (pd.Series(NAMES[Y].astype(object)).where(KNOWN), NAMED),
    "categories": (pd.Series(NAMES[Y], dtype="category").where(KNOWN), NAMED),
    "polars": (pl.Series([str(NAMES[v]) if k else None for v, k in zip(Y, KNOWN, strict=True)]), NAMED),
    "polars numbers": (pl.Series([int(v) if k else None for v, k in zip(Y, KNOWN, strict=True)]), NUMBERED),
    "truth": (np.where(KNOWN, Y > 0, None), ["False", "True", "no label"]),
}
kinds = pytest.mark.parametrize("y, names", KINDS.values(), ids=KINDS)


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def draw(y, **settings):
    return EmbeddingDisplay.from_estimator(SCALER, X, y, **settings)


def legend(display):
    found = display.ax_.get_legend()
    return None if found is None else [text.get_text() for text in found.get_texts()]


@kinds
def test_rows_without_a_label_are_small_grey_points_below_the_others(y, names):
    display = draw(y)
    assert legend(display) == names
    grey, coloured = display.ax_.collections
    np.testing.assert_array_equal(grey.get_offsets(), display.embedding[~KNOWN])
    np.testing.assert_array_equal(coloured.get_offsets(), display.embedding[KNOWN])
    assert grey.get_zorder() < coloured.get_zorder() and grey.get_sizes()[0] < coloured.get_sizes()[0]
    np.testing.assert_allclose(grey.get_facecolor()[0, :3], (0.8, 0.8, 0.8))
    again = EmbeddingDisplay(display.embedding, y).plot()
    assert legend(again) == names


def test_colours_of_the_labelled_rows_are_those_without_the_others():
    with_holes = draw(np.where(KNOWN, Y, -1)).ax_.collections[1]
    without = EmbeddingDisplay(SCALER.transform(X)[KNOWN, :2], Y[KNOWN]).plot().ax_.collections[0]
    np.testing.assert_array_equal(
        with_holes.cmap(with_holes.norm(with_holes.get_array())),
        without.cmap(without.norm(without.get_array())),
    )


def test_numbers_with_holes_get_a_colour_bar_and_a_legend():
    y = np.where(KNOWN, X[:, 0], np.nan)
    display = draw(y)
    assert legend(display) == ["no label"] and len(display.figure_.axes) == 2
    np.testing.assert_array_equal(display.ax_.collections[1].get_array(), y[KNOWN])
    below = np.where(KNOWN, np.arange(150.0) - 75, np.nan)  # -1 is a number like the others
    below[1] = -1
    assert len(draw(below).ax_.collections[1].get_offsets()) == KNOWN.sum() + 1


def test_nothing_but_rows_without_a_label():
    for y in ([None] * 150, np.full(150, -1), np.full(150, np.nan)):
        display = draw(y)
        assert legend(display) == ["no label"] and len(display.ax_.collections) == 1


def test_minus_one_and_one_are_two_classes():
    assert legend(draw(np.where(Y > 0, 1, -1))) == ["-1", "1"]
    assert legend(draw(np.where(Y > 0, 1, -1).tolist())) == ["-1", "1"]


def test_settings_reach_both_kinds_of_points():
    sizes = np.arange(1.0, 151)
    grey, coloured = draw(np.where(KNOWN, Y, -1), s=sizes, cmap="Set1", marker="^", lw=1).ax_.collections
    np.testing.assert_array_equal(coloured.get_sizes(), sizes[KNOWN])
    np.testing.assert_allclose(grey.get_sizes(), sizes[~KNOWN] / 3)
    assert coloured.get_cmap().name == "Set1" and grey.get_linewidth() == [1]
    assert len(draw(np.where(KNOWN, Y, -1), c="k").ax_.collections) == 1
    assert len(draw(np.where(KNOWN, Y, -1), vmin=0, vmax=5, edgecolors="k").ax_.collections) == 2


def accuracies(X, y, **settings):
    probe = OnlineProbe(X, y, **settings)
    est = ContrastivePretrainer(max_epochs=2, random_state=0, callbacks=[probe])
    return [row["probe_accuracy"] for row in est.fit(load_iris().data).history_]


@kinds
def test_the_probe_leaves_rows_without_a_label_out(y, names):
    right = NAMES[Y] if names == NAMED else Y > 0 if len(names) == 3 else Y
    assert accuracies(X, y) == accuracies(X[KNOWN], right[KNOWN])


def test_the_probe_takes_holes_with_cv_of_its_own_and_of_any_rows():
    y = np.where(KNOWN, Y, -1)
    assert accuracies(X, y, cv=3) == accuracies(X[KNOWN], Y[KNOWN], cv=3)
    texts = ["a red fox", "a blue sea", "red and red", "blue or blue", "no", "a word more than those"] * 5
    labels = [1, 0, 1, 0, None, None] * 5
    probe = OnlineProbe(texts, labels)
    ContrastivePretrainer(max_epochs=1, random_state=0, callbacks=[probe]).fit(texts)
    assert len(probe.y_) == 20


@pytest.mark.parametrize(
    "y, words",
    [
        (np.full(150, -1), "two rows of each class.*0 labels for 150 rows"),
        ([None] * 150, "two rows of each class"),
        (np.r_[0, 1, 2, np.full(147, -1)], "two rows of each class.*3 labels"),
        (np.where(Y > 0, 1, -1), "-1 and 1 only"),
        (np.where(KNOWN, NAMES[Y], "-1"), "missing label"),
    ],
)
def test_a_probe_with_too_few_labels_is_refused(y, words):
    with pytest.raises(ValueError, match=words):
        accuracies(X, y)


def test_blank_labels_warn_once_in_a_plot():
    with pytest.warns(UserWarning, match="look like missing") as caught:
        assert legend(draw(np.where(KNOWN, NAMES[Y], "").tolist())) == ["", *NAMES]
    assert len(caught) == 1
