"""What features depend on, and which rows are near, against what is known of the data."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from matplotlib.colors import to_rgb
from methods import KINDS
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from torch import nn

from sklearn_ssl import ContrastivePretrainer, FineTuneClassifier, RowSelector
from sklearn_ssl.inspection import (
    EmbeddingDisplay,
    FeatureImportanceDisplay,
    ForecastDisplay,
    NeighborsDisplay,
    ReconstructionDisplay,
    gradient_importance,
    permutation_importance,
)
from sklearn_ssl.modalities import Image, Series, Tabular

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4))
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"])
PICTURES = load_digits().data[:60]


def weighted(*factors):
    return FunctionTransformer(lambda rows: np.asarray(rows, dtype=float)[:, : len(factors)] * factors).fit(X)


class Linear(nn.Module):
    """An encoder with known derivatives."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight, dtype=torch.float32))

    def forward(self, x):
        return x.flatten(1) @ self.weight.T


@pytest.mark.parametrize(
    "rows", [X, FRAME, pl.DataFrame(FRAME), X.tolist()], ids=lambda rows: type(rows).__name__
)
def test_permutation_gives_each_column_its_share(rows):
    found = permutation_importance(weighted(1, 2, 0), rows, n_repeats=10, random_state=0)
    variance = X.var(0)[:3] * np.array([1, 4, 0])
    np.testing.assert_allclose(found.importances_mean, [*(variance / variance.sum()), 0], atol=0.03)
    assert found.importances.shape == (4, 10) and found.importances_mean[2:].tolist() == [0, 0]
    assert found.names == (["x0", "x1", "x2", "x3"] if rows is X or isinstance(rows, list) else list("abcd"))
    np.testing.assert_array_equal(found.importances_std, found.importances.std(1))


def test_permutation_of_everything_is_one_and_follows_its_seed():
    one = permutation_importance(weighted(3), X[:, :1], n_repeats=20, random_state=0)
    np.testing.assert_allclose(one.importances_mean, 1, atol=0.05)
    again = permutation_importance(weighted(3), X[:, :1], n_repeats=20, random_state=0)
    assert np.array_equal(one.importances, again.importances)
    other = permutation_importance(weighted(3), X[:, :1], n_repeats=20, random_state=1)
    assert not np.array_equal(one.importances, other.importances)


def test_permutation_leaves_the_rows_alone():
    frozen = X.copy()
    frozen.flags.writeable = False
    frame, sparse = FRAME.copy(), sp.csr_array(np.where(X > 0, X, 0))
    before = sparse.toarray()
    permutation_importance(PCA(2).fit(X), frozen, n_repeats=1)
    permutation_importance(PCA(2).fit(frame), frame.set_index(frame.index[::-1]), n_repeats=1)
    dense = permutation_importance(weighted(1, 1), before, n_repeats=2, random_state=0)
    pipe = make_pipeline(FunctionTransformer(lambda rows: rows.toarray()), weighted(1, 1)).fit(sparse)
    found = permutation_importance(pipe, sparse, n_repeats=2, random_state=0)
    np.testing.assert_allclose(found.importances, dense.importances)
    assert frame.equals(FRAME) and np.array_equal(sparse.toarray(), before)


def test_permutation_of_categories_and_pixels_and_steps():
    table = FRAME.assign(city=np.where(X[:, 0] > 0, "u", "v"))
    ssl = ContrastivePretrainer(n_components=4, max_epochs=0, random_state=0).fit(table)
    assert permutation_importance(ssl, table, n_repeats=1).importances_mean[4] > 0
    images = PICTURES.reshape(-1, 8, 8)
    for rows, modality in ((PICTURES, Image(shape=(8, 8))), (images, Image()), (images[..., None], Image())):
        ssl = ContrastivePretrainer(modality=modality, max_epochs=0, encoder=_Corner()).fit(rows)
        mean = permutation_importance(ssl, rows, n_repeats=1, patch_size=4).importances_mean
        assert mean.shape == (8, 8) and len(np.unique(mean)) == 2
        np.testing.assert_allclose(mean[4:, :4], 1, atol=0.2)
        assert mean.sum() == pytest.approx(16 * mean[4, 0])
    waves = np.nan_to_num(KINDS["series"].X)
    ssl = ContrastivePretrainer(modality=Series(), n_components=4, max_epochs=0, random_state=0).fit(waves)
    found = permutation_importance(ssl, waves, n_repeats=1, patch_size=4)
    assert (
        found.importances_mean.shape == (2, 12)
        and (found.importances > 0).all()
        and len(found.importances) == 6
    )


class _Corner(nn.Module):
    """Features are the pixels of the patch in rows 4 to 7 and columns 0 to 3."""

    def forward(self, x):
        return x[:, :, 4:, :4].flatten(1)


def test_gradients_are_those_of_a_linear_map():
    weight = RNG.normal(size=(6, 4))
    ssl = ContrastivePretrainer(modality=Tabular(clip=1e9), encoder=Linear(weight), max_epochs=0).fit(X)
    scaled = ssl.modality_.validate(X)[np.arange(200)].numpy().astype(float)
    spread = (scaled @ weight.T).var(0).sum()
    found = gradient_importance(ssl, X, n_draws=400, random_state=0)
    want = np.sqrt((weight**2).sum(0) / spread)
    np.testing.assert_allclose(found.importances_mean, want, rtol=0.1)
    one = gradient_importance(ssl, X, n_draws=2, random_state=0)
    assert np.array_equal(one.importances, gradient_importance(ssl, X, n_draws=2, random_state=0).importances)
    assert found.importances.shape == (4, 400) and (found.importances_std < 0.1 * want).all()
    still = ContrastivePretrainer(encoder=Linear(weight), max_epochs=0).fit(np.c_[X[:, :3], np.ones(200)])
    assert gradient_importance(still, np.c_[X[:, :3], np.ones(200)]).importances_mean.shape == (4,)


def test_gradients_of_cells_pixels_and_steps():
    table = FRAME.assign(a=np.where(X[:, 0] > 0, "u", "v"), b=np.where(X[:, 1] > 1, np.nan, X[:, 1]))
    # floats of a row: the numbers b, c and d, whether b is missing, and the categories u and v of a
    weight = RNG.normal(size=(5, 6))
    ssl = ContrastivePretrainer(encoder=Linear(weight), max_epochs=0, random_state=0).fit(table)
    state = torch.get_rng_state()
    found = gradient_importance(ssl, table, n_draws=400, random_state=0)
    squares = (weight**2).sum(0)
    spread = ssl.transform(table).astype(float).var(0).sum()
    want = np.sqrt(
        np.array([squares[4] + squares[5], squares[0] + squares[3], squares[1], squares[2]]) / spread
    )
    assert found.names == ["a", "b", "c", "d"]
    np.testing.assert_allclose(found.importances_mean, want, rtol=0.1)
    assert all(p.grad is None for p in ssl.net_.module_.parameters()) and torch.equal(
        state, torch.get_rng_state()
    )
    clf = FineTuneClassifier(ssl, tune="head", random_state=0).fit(table, (X[:, 2] > 0).astype(int))
    assert gradient_importance(clf, table).importances_mean.argmax() == 2
    ssl = ContrastivePretrainer(modality=Image(shape=(8, 8)), max_epochs=0, encoder=_Corner()).fit(PICTURES)
    mean = gradient_importance(ssl, PICTURES, n_draws=2).importances_mean
    assert (mean[4:, :4] > 0).all() and np.count_nonzero(mean) == 16
    waves = KINDS["series"].X
    ssl = ContrastivePretrainer(modality=Series(), n_components=4, max_epochs=0).fit(waves)
    assert gradient_importance(ssl, waves, n_draws=1).importances_mean.shape == (2, 12)


@pytest.mark.parametrize(
    "ask", [permutation_importance, gradient_importance, FeatureImportanceDisplay.from_estimator]
)
def test_importance_says_what_it_needs(ask):
    texts = ["a b", "b c", "c a"] * 5
    with pytest.raises(TypeError, match=r"^Text has"):
        ask(ContrastivePretrainer(max_epochs=0).fit(texts), texts)
    with pytest.raises(TypeError, match=r"^RowSelector has no"):
        ask(RowSelector(pretrainer=None).fit(X), X)


def test_importance_checks_its_parameters():
    pca = PCA(2).fit(X)
    with pytest.raises(ValueError, match="n_repeats=0"):
        permutation_importance(pca, X, n_repeats=0)
    with pytest.raises(ValueError, match="patch_size=0"):
        permutation_importance(pca, X, patch_size=0)
    with pytest.raises(ValueError, match="same features"):
        permutation_importance(weighted(0), X)
    with pytest.raises(TypeError, match="PCA has no network of this package"):
        gradient_importance(pca, X)
    with pytest.raises(ValueError, match="method='shap'"):
        FeatureImportanceDisplay.from_estimator(pca, X, method="shap")
    with pytest.raises(ValueError, match="max_columns=0"):
        FeatureImportanceDisplay.from_estimator(pca, X, max_columns=0, n_repeats=1)


def test_bars_are_sorted_and_maps_are_not():
    display = FeatureImportanceDisplay.from_estimator(
        weighted(1, 3, 2), FRAME, n_repeats=2, max_columns=3, color="r"
    )
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert names == ["b", "c", "a"] and display.im_ is None
    widths = [bar.get_width() for bar in display.bars_]
    assert widths == sorted(widths, reverse=True) and display.bars_[0].get_facecolor()[:3] == to_rgb("r")
    assert display.ax_.get_ylim()[0] > display.ax_.get_ylim()[1]  # the first on top
    ax = plt.subplots()[1]
    again = FeatureImportanceDisplay(np.arange(12.0).reshape(3, 4)).plot(ax=ax, cmap="magma")
    assert again.ax_ is ax and again.figure_ is ax.figure and again.bars_ is None
    assert (
        np.array_equal(again.im_.get_array(), np.arange(12.0).reshape(3, 4))
        and again.im_.cmap.name == "magma"
    )


def test_neighbours_are_the_nearest_rows():
    points = np.array([0.0, 1.0, 1.1, 3.0, 3.05, 3.05])[:, None]
    same = FunctionTransformer().fit(points)
    display = NeighborsDisplay.from_estimator(same, points, n_neighbors=2, rows=[1, 5, -2])
    assert display.rows.tolist() == [1, 5, 4]
    assert display.neighbors.tolist() == [[2, 0], [4, 3], [5, 3]]
    np.testing.assert_allclose(display.distances, [[0.1, 1.0], [0, 0.05], [0, 0.05]], atol=1e-9)
    assert NeighborsDisplay.from_estimator(same, points, n_neighbors=1, rows=3).rows.tolist() == [0, 2, 5]
    copies = np.zeros((5, 1))
    display = NeighborsDisplay.from_estimator(same, copies, n_neighbors=2)
    assert not (display.neighbors == display.rows[:, None]).any()


def test_neighbours_are_drawn_as_what_they_are():
    pictures = ContrastivePretrainer(modality=Image(shape=(8, 8)), n_components=4, max_epochs=0).fit(PICTURES)
    display = NeighborsDisplay.from_estimator(pictures, PICTURES, n_neighbors=3, rows=[7, 9])
    (drawn,) = display.ax_.get_images()
    assert drawn.get_array().shape == (20, 40)
    np.testing.assert_allclose(drawn.get_array()[1:9, 1:9], PICTURES[7].reshape(8, 8) / 16)
    np.testing.assert_allclose(
        drawn.get_array()[11:19, 11:19], PICTURES[display.neighbors[1, 0]].reshape(8, 8) / 16
    )
    table = NeighborsDisplay.from_estimator(PCA(2).fit(FRAME), FRAME, n_neighbors=2, rows=[3])
    np.testing.assert_allclose(table.ax_.get_images()[0].get_array()[0], StandardScaler().fit_transform(X)[3])
    assert [label.get_text() for label in table.ax_.get_xticklabels()] == list("abcd")
    waves = KINDS["series"].X
    series = ContrastivePretrainer(modality=Series(), n_components=4, max_epochs=0).fit(waves)
    assert (
        len(NeighborsDisplay.from_estimator(series, waves, n_neighbors=2, rows=[0, 1]).ax_.get_lines())
        == 2 * 3 * 2
    )
    texts = ["a red apple", "a green apple", "the sea"] * 4
    words = NeighborsDisplay.from_estimator(TfidfVectorizer().fit(texts), texts, n_neighbors=1, rows=[2])
    assert [text.get_text() for text in words.ax_.texts] == ["the sea", "the sea"]
    mixed = FRAME.assign(city=np.where(X[:, 0] > 0, "u", "v"))
    ssl = ContrastivePretrainer(n_components=4, max_epochs=0).fit(mixed)
    names = NeighborsDisplay.from_estimator(ssl, mixed, n_neighbors=1).ax_.get_xticklabels()
    assert [name.get_text() for name in names] == [*"abcd", "city = u", "city = v"]


@pytest.mark.slow
def test_neighbours_of_sound():
    kind = KINDS["audio"]
    ssl = ContrastivePretrainer(modality=kind.modality, n_components=4, max_epochs=0).fit(kind.X)
    assert NeighborsDisplay.from_estimator(ssl, kind.X, n_neighbors=2, rows=[0]).ax_.get_images()


def test_neighbours_check_their_parameters():
    pca = PCA(2).fit(X)
    for wrong in ({"n_neighbors": 0}, {"rows": 0}, {"rows": [200]}, {"rows": [0.5]}, {"rows": []}):
        (name,) = wrong
        with pytest.raises(ValueError, match=f"^{name}="):
            NeighborsDisplay.from_estimator(pca, X, **wrong)
    with pytest.raises(ValueError, match="n_neighbors=5 needs more rows than that, and X has 3"):
        NeighborsDisplay.from_estimator(pca, X[:3])
    with pytest.raises(TypeError, match="has no transform"):
        NeighborsDisplay.from_estimator(RowSelector(pretrainer=None).fit(X), X)


def contrast(a, b):
    """Return the contrast of two colours, from 1 to 21, as accessibility guidelines define it."""
    lights = []
    for colour in (a, b):
        channels = np.array(to_rgb(colour))
        channels = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        lights.append(channels @ [0.2126, 0.7152, 0.0722] + 0.05)
    return max(lights) / min(lights)


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_lines_and_points_are_seen_in_light_and_dark(style):
    waves = [np.array([[0.0, 1, np.nan, 1, 0]])]
    with plt.style.context(style):
        known = ForecastDisplay({"known": waves, "forecast": waves}).plot()
        back = known.ax_.get_facecolor()
        assert contrast(known.lines_[0].get_color(), back) > 12
        (hole,) = known.ax_.collections
        assert 1.1 < contrast(hole.get_facecolor()[0], back) < 2
        points = EmbeddingDisplay(X[:30, :2], np.repeat([0, 1, -1], 10)).plot().ax_.collections
        grey, classes = sorted(points, key=lambda one: len(one.get_offsets()))
        assert contrast(grey.get_facecolor()[0], back) < 2.2
        classes.update_scalarmappable()
        assert min(contrast(colour, back) for colour in classes.get_facecolor()) > 1.8
        colours = ReconstructionDisplay({"original": np.full((2, 3, 3, 3), 0.5)}).plot()
        assert colours.im_.get_array()[0, 0].tolist() == list(to_rgb(back))
        bars = FeatureImportanceDisplay(np.array([1.0, 2.0]), errors=np.array([0.1, 0.1])).plot()
        whisker = bars.bars_.errorbar.lines[2][0]
        assert contrast(whisker.get_color()[0], back) > 12
