"""Displays show what they say, on axes of their own or given ones."""

import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import (
    AutoencoderPretrainer,
    ContrastivePretrainer,
    RotationPretrainer,
    SelfOrganizingMap,
    VAEPretrainer,
)
from sklearn_ssl.callbacks import OnlineProbe
from sklearn_ssl.inspection import EmbeddingDisplay, LossCurveDisplay, ReconstructionDisplay, SOMDisplay
from sklearn_ssl.methods import neighbour_pairs
from sklearn_ssl.modalities import Image

mpl.use("Agg")

WINE = load_wine(as_frame=True)
DIGITS = load_digits().data[:60]


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def table_ae():
    return AutoencoderPretrainer(n_components=3, max_epochs=2, early_stopping=True, random_state=0).fit(
        WINE.data
    )


@pytest.fixture(scope="module")
def image_ae():
    return AutoencoderPretrainer(modality=Image(shape=(8, 8)), max_epochs=1, random_state=0).fit(DIGITS)


def test_loss_curves_are_the_history(table_ae):
    display = LossCurveDisplay.from_estimator(table_ae, name="AE", color="k")
    assert [line.get_label() for line in display.lines_] == ["AE: train loss", "AE: valid loss"]
    for line, key in zip(display.lines_, ("train_loss", "valid_loss"), strict=True):
        assert line.get_xdata().tolist() == [1, 2]
        assert line.get_ydata().tolist() == [row[key] for row in table_ae.history_]
        assert line.get_color() == "k"
    table_ae.history_[0]["dur"] = 0.5  # what skorch's EpochTimer adds is no loss
    ax = plt.subplots()[1]
    assert len(LossCurveDisplay.from_estimator(table_ae).lines_) == 2
    assert list(LossCurveDisplay.from_estimator(table_ae, curves=["dur"]).curves) == ["dur"]
    again = LossCurveDisplay.from_estimator(table_ae, curves=["valid_loss"], ax=ax)
    assert again.ax_ is ax and again.figure_ is ax.figure and len(again.lines_) == 1
    vae = VAEPretrainer(max_epochs=1).fit(WINE.data)
    assert list(LossCurveDisplay.from_estimator(vae).curves) == [
        "train_loss",
        "train_reconstruction",
        "train_kl",
    ]


def test_loss_curves_tell_what_is_missing(table_ae):
    with pytest.raises(
        ValueError, match=r"history_ has no \['accuracy'\]. It has \['train_loss', 'valid_loss'"
    ):
        LossCurveDisplay.from_estimator(table_ae, curves=["accuracy"])
    for untrained in (ContrastivePretrainer(max_epochs=0).fit(WINE.data), SelfOrganizingMap().fit(WINE.data)):
        with pytest.raises(ValueError, match="has no losses to draw"):
            LossCurveDisplay.from_estimator(untrained)


def test_images_stand_above_their_reconstructions(image_ae):
    display = ReconstructionDisplay.from_estimator(image_ae, DIGITS, n_samples=7)
    mosaic = display.im_.get_array()
    assert mosaic.shape == (2 * 10, 7 * 10)
    np.testing.assert_allclose(mosaic[1:9, 1:9], DIGITS[0].reshape(8, 8) / 16)
    np.testing.assert_allclose(mosaic[1:9, 61:69], DIGITS[6].reshape(8, 8) / 16)
    rebuilt = image_ae.inverse_transform(image_ae.transform(DIGITS[6:7])).reshape(8, 8)
    np.testing.assert_allclose(mosaic[11:19, 61:69], np.clip(rebuilt / 16, 0, 1), atol=1e-5)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["original", "reconstruction"]


def test_noisy_images_are_drawn_and_reconstructed(image_ae):
    noisy = DIGITS[::-1]
    display = ReconstructionDisplay.from_estimator(
        image_ae, DIGITS, X_noisy=noisy, n_samples=3, cmap="gray_r"
    )
    assert list(display.parts) == ["original", "noisy", "reconstruction"]
    rebuilt = image_ae.inverse_transform(image_ae.transform(noisy[:3])).reshape(3, 8, 8)
    np.testing.assert_allclose(display.parts["reconstruction"], rebuilt)


@pytest.mark.parametrize("layout", [(6, 6, 3), (3, 6, 6), (6, 6, 4), (6, 6, 1)])
def test_colours_are_drawn_in_colour(layout):
    X = np.random.default_rng(0).integers(0, 256, size=(12, *layout)).astype(np.uint8)
    ae = AutoencoderPretrainer(max_epochs=1).fit(X)
    first = ReconstructionDisplay.from_estimator(ae, X).parts["original"]
    assert first.shape == ((10, 6, 6) if 1 in layout else (10, 6, 6, 3))


def test_tables_are_a_heat_map_in_standard_deviations(table_ae):
    display = ReconstructionDisplay.from_estimator(table_ae, WINE.data, n_samples=4)
    drawn = display.im_.get_array()
    assert drawn.shape == (4 + 1 + 4, 13)
    expected = StandardScaler().fit_transform(WINE.data.to_numpy())[:4]
    np.testing.assert_allclose(drawn[:4], expected, atol=1e-6)
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == list(WINE.data.columns)
    ReconstructionDisplay.from_estimator(
        AutoencoderPretrainer(max_epochs=1).fit(WINE.data.to_numpy()), WINE.data.to_numpy()
    )


def test_other_transformers_and_sparse_tables_can_be_drawn(table_ae):
    for estimator in (PCA(2).fit(WINE.data), make_pipeline(StandardScaler(), PCA(13)).fit(WINE.data)):
        parts = ReconstructionDisplay.from_estimator(estimator, WINE.data).parts
        np.testing.assert_allclose(
            parts["original"], StandardScaler().fit_transform(WINE.data[:10]), atol=1e-9
        )
    np.testing.assert_allclose(parts["reconstruction"], parts["original"], atol=1e-6)
    X = sp.csr_array(WINE.data.to_numpy())
    ae = AutoencoderPretrainer(max_epochs=1).fit(X)
    assert ReconstructionDisplay.from_estimator(ae, X).parts["original"].shape == (10, 13)


def test_reconstruction_needs_a_decoder(table_ae):
    with pytest.raises(TypeError, match="ContrastivePretrainer has no inverse_transform"):
        ReconstructionDisplay.from_estimator(ContrastivePretrainer(), WINE.data)
    with pytest.raises(ValueError, match="n_samples=0"):
        ReconstructionDisplay.from_estimator(table_ae, WINE.data, n_samples=0)


def test_embedding_keeps_what_two_components_can(table_ae):
    display = EmbeddingDisplay.from_estimator(table_ae, WINE.data, WINE.target_names[WINE.target])
    assert display.embedding.shape == (178, 2)
    Z = StandardScaler().fit_transform(table_ae.transform(WINE.data))
    two = np.linalg.svd(Z - Z.mean(0), compute_uv=False)[:2]
    np.testing.assert_allclose(np.linalg.norm(display.embedding, axis=0), two, rtol=1e-3)
    legend = display.ax_.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == sorted(WINE.target_names)
    share = two[0] ** 2 / np.linalg.norm(Z) ** 2
    assert f"{100 * share:.0f} %" in display.ax_.get_xlabel()


def test_embedding_takes_any_transformer_and_any_y(table_ae):
    ax = plt.subplots()[1]
    scaled = make_pipeline(StandardScaler()).fit(WINE.data)
    display = EmbeddingDisplay.from_estimator(scaled, WINE.data, WINE.data["alcohol"], ax=ax, s=3)
    assert display.ax_ is ax and ax.get_legend() is None
    assert len(display.figure_.axes) == 2  # the colour bar
    narrow = make_pipeline(StandardScaler()).fit(WINE.data[["hue"]])
    assert (EmbeddingDisplay.from_estimator(narrow, WINE.data[["hue"]]).embedding[:, 1] == 0).all()
    many = EmbeddingDisplay.from_estimator(scaled, WINE.data, np.arange(178) % 25)
    assert len(many.ax_.get_legend().get_texts()) == 25
    with pytest.raises(ValueError, match="inconsistent"):
        EmbeddingDisplay.from_estimator(scaled, WINE.data, [1, 2])


def test_embedding_lets_colours_and_lines_be_set(table_ae):
    scaled = make_pipeline(StandardScaler()).fit(WINE.data)
    named = EmbeddingDisplay.from_estimator(scaled, WINE.data, WINE.target, cmap="Set1", linewidth=1)
    assert named.ax_.collections[0].get_cmap().name == "Set1"
    assert named.ax_.collections[0].get_linewidth() == [1]
    black = EmbeddingDisplay.from_estimator(scaled, WINE.data, WINE.target, c="k")
    assert black.ax_.get_legend() is None
    assert (black.ax_.collections[0].get_facecolor()[0, :3] == 0).all()


def test_many_numbers_get_a_colour_bar_and_few_rows_are_drawn():
    scaled = make_pipeline(StandardScaler()).fit(WINE.data)
    display = EmbeddingDisplay.from_estimator(scaled, WINE.data, np.arange(178))
    assert display.ax_.get_legend() is None and len(display.figure_.axes) == 2
    wide = ContrastivePretrainer(max_epochs=1).fit(WINE.data)
    state = np.random.get_state()[1].copy()
    for n in (1, 2, 3):
        assert np.isfinite(EmbeddingDisplay.from_estimator(wide, WINE.data[:n]).embedding).all()
    assert (np.random.get_state()[1] == state).all()


def test_embedding_by_umap_tells_what_to_install(table_ae, monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ImportError, match="pip install umap-learn"):
        EmbeddingDisplay.from_estimator(table_ae, WINE.data, method="umap")
    with pytest.raises(ValueError, match="method='isomap' must be 'pca', 'tsne' or 'umap'"):
        EmbeddingDisplay.from_estimator(table_ae, WINE.data, method="isomap")


def test_embedding_by_umap(table_ae, monkeypatch):
    class Stub:
        class UMAP:
            def __init__(self, random_state):
                self.random_state = random_state

            def fit_transform(self, X):
                return X[:, :2] * self.random_state

    monkeypatch.setitem(sys.modules, "umap", Stub)
    display = EmbeddingDisplay.from_estimator(table_ae, WINE.data, method="umap", random_state=2)
    expected = 2 * StandardScaler().fit_transform(table_ae.transform(WINE.data))[:, :2]
    np.testing.assert_allclose(display.embedding, expected)
    assert display.ax_.get_xlabel() == "UMAP 1"


@pytest.mark.parametrize("topology, n_corners", [("rectangular", 4), ("hexagonal", 6)])
def test_map_draws_every_unit_where_it_lies(topology, n_corners):
    som = SelfOrganizingMap(shape=(3, 5), topology=topology).fit(WINE.data)
    display = SOMDisplay.from_estimator(som)
    (units,) = display.ax_.collections
    outlines = [path.vertices[:n_corners] for path in units.get_paths()]
    np.testing.assert_allclose([o.mean(0)[::-1] for o in outlines], som.positions_, atol=1e-9)
    pairs = neighbour_pairs(som.positions_, topology)
    near = [np.concatenate([pairs[pairs[:, 0] == i, 1], pairs[pairs[:, 1] == i, 0]]) for i in range(15)]
    expected = [np.linalg.norm(som.codebook_[near[i]] - som.codebook_[i], axis=1).mean() for i in range(15)]
    np.testing.assert_allclose(units.get_array(), expected)


def test_hits_are_counts():
    som = SelfOrganizingMap(shape=(3, 4)).fit(WINE.data)
    own = SOMDisplay.from_estimator(som, kind="hits")
    assert own.values["rows"].tolist() == np.bincount(som.predict(WINE.data), minlength=12).tolist()
    some = SOMDisplay.from_estimator(som, WINE.data[:50], kind="hits", cmap="magma")
    assert some.values["rows"].sum() == 50
    assert some.ax_.collections[0].get_cmap().name == "magma"


def test_component_planes_are_columns_of_the_units():
    som = SelfOrganizingMap(shape=(3, 4)).fit(WINE.data)
    display = SOMDisplay.from_estimator(som, kind="components")
    assert [ax.get_title() for ax in display.axes_] == list(WINE.data.columns)
    some = SOMDisplay.from_estimator(som, kind="components", features=["hue", 0], ax=plt.subplots(1, 2)[1])
    assert list(some.values) == ["hue", "alcohol"]
    np.testing.assert_allclose(some.values["alcohol"], som.cluster_centers_[:, 0])
    assert list(SOMDisplay.from_estimator(som, kind="components", features="hue").values) == ["hue"]
    plain = SelfOrganizingMap(shape=(3, 4)).fit(WINE.data.to_numpy())
    assert list(SOMDisplay.from_estimator(plain, kind="components", features=[2]).values) == ["x2"]


def test_map_display_tells_what_it_wants():
    som = SelfOrganizingMap(shape=(3, 4)).fit(WINE.data)
    with pytest.raises(ValueError, match="kind='umatrix' must be one of 'u_matrix', 'hits', 'components'"):
        SOMDisplay.from_estimator(som, kind="umatrix")
    for wrong in ("taste", 13):
        with pytest.raises(ValueError, match="features has"):
            SOMDisplay.from_estimator(som, kind="components", features=[wrong])
    with pytest.raises(ValueError, match="13 panels need 13 axes, got 1"):
        SOMDisplay.from_estimator(som, kind="components", ax=plt.subplots()[1])


def test_without_matplotlib_the_extra_is_named(table_ae, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"sklearn-ssl\[plots\]"):
        LossCurveDisplay.from_estimator(table_ae)


def test_accuracy_is_not_drawn_among_losses():
    images = load_digits().images[:100]
    est = RotationPretrainer(modality=Image(), max_epochs=2, early_stopping=True, random_state=0).fit(images)
    assert {"train_accuracy", "valid_accuracy"} <= set(est.history_[0])
    assert list(LossCurveDisplay.from_estimator(est).curves) == ["train_loss", "valid_loss"]


def test_reconstruction_of_a_table_with_categories_and_holes():
    frame = pd.DataFrame(
        {"age": [30.0, np.nan, 50.0, 40.0] * 10, "job": ["cook", "nurse", None, "cook"] * 10}
    )
    ae = AutoencoderPretrainer(max_epochs=1, random_state=0).fit(frame)
    display = ReconstructionDisplay.from_estimator(ae, frame, n_samples=4)
    assert display.columns == ["age", "age: hole", "job: hole", "job = cook", "job = nurse"]
    assert display.parts["original"][:, 1].tolist() == [0, 1, 0, 0]
    assert display.parts["original"][:, 3].tolist() == [1, 0, 0, 1]
    assert display.parts["reconstruction"].shape == (4, 5)


def test_embedding_by_tsne(table_ae):
    display = EmbeddingDisplay.from_estimator(table_ae, WINE.data, method="tsne", random_state=0)
    assert display.embedding.shape == (178, 2) and display.ax_.get_xlabel() == "t-SNE 1"
    again = EmbeddingDisplay.from_estimator(table_ae, WINE.data, method="tsne", random_state=0)
    np.testing.assert_array_equal(again.embedding, display.embedding)
    pca = EmbeddingDisplay.from_estimator(table_ae, WINE.data)
    assert abs(np.corrcoef(display.embedding[:, 0], pca.embedding[:, 0])[0, 1]) < 0.999
    few = EmbeddingDisplay.from_estimator(table_ae, WINE.data[:3], method="tsne")
    assert np.isfinite(few.embedding).all()
    with pytest.raises(ValueError, match="at least 2 rows"):
        EmbeddingDisplay.from_estimator(table_ae, WINE.data[:1], method="tsne")


@pytest.mark.parametrize("given", [False, True])
def test_legends_cover_no_points(table_ae, given):
    """Neither on a figure of their own, which makes room, nor on axes of a figure that makes none."""
    y = np.array([f"class {i % 10 + 1}" for i in range(178)], dtype=object)
    y[y == "class 3"] = "3, a class whose name would be as wide as the picture"
    ax = plt.subplots()[1] if given else None
    display = EmbeddingDisplay.from_estimator(table_ae, WINE.data, y, ax=ax)
    display.figure_.canvas.draw()
    legend, box = display.ax_.get_legend(), display.ax_.get_window_extent()
    assert legend.get_window_extent().x0 >= box.x1
    assert legend.get_window_extent().x1 <= display.figure_.bbox.x1 + 1
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["3, a class whose n…e picture", *(f"class {i}" for i in (1, 2, 4, 5, 6, 7, 8, 9, 10))]
    width = box.width
    EmbeddingDisplay.from_estimator(table_ae, WINE.data, y, ax=display.ax_).figure_.canvas.draw()
    assert display.ax_.get_window_extent().width == pytest.approx(width, rel=0.05)  # made narrower once


def test_colours_follow_the_natural_order_of_classes(table_ae):
    y = np.array(["class 10", "class 9"] * 89)
    display = EmbeddingDisplay.from_estimator(table_ae, WINE.data, y)
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["class 9", "class 10"]
    np.testing.assert_array_equal(display.ax_.collections[0].get_array(), [1, 0] * 89)


def test_accuracy_of_a_probe_has_an_axis_of_its_own():
    probe = OnlineProbe(WINE.data, WINE.target, every=2)
    est = ContrastivePretrainer(max_epochs=4, callbacks=[probe], n_components=4, random_state=0).fit(
        WINE.data
    )
    display = LossCurveDisplay.from_estimator(est, name="a name that is long, far too long")
    assert list(display.curves) == ["train_loss", "probe_accuracy"]
    loss, accuracy = display.lines_
    assert loss.axes is display.ax_ and accuracy.axes is display.accuracy_ax_ is not display.ax_
    assert accuracy.get_xdata().tolist() == [2, 4] and loss.get_color() != accuracy.get_color()
    assert accuracy.get_ydata().tolist() == [row["probe_accuracy"] for row in est.history_[1::2]]
    assert display.accuracy_ax_.get_ylabel() == "accuracy" and display.ax_.get_ylabel().startswith("loss")
    names = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert names == ["a name …long: train loss", "a name …long: probe accuracy"]
    display.figure_.canvas.draw()
    right = display.accuracy_ax_.yaxis.get_tightbbox().x1
    assert display.ax_.get_legend().get_window_extent().x0 >= right - 2
    more = LossCurveDisplay.from_estimator(est, ax=display.ax_)
    assert more.accuracy_ax_ is display.accuracy_ax_
    only = LossCurveDisplay.from_estimator(est, curves=["probe_accuracy"])
    assert only.ax_.get_ylabel() == "accuracy" and only.lines_[0].axes is only.ax_ is only.accuracy_ax_


@pytest.mark.parametrize("epochs", [1, 2, 3, 30])
def test_ticks_are_whole_epochs(epochs):
    display = LossCurveDisplay({"train_loss": np.linspace(2, 1, epochs)}).plot()
    ticks = display.ax_.get_xticks()
    assert (ticks == np.round(ticks)).all()


def test_losses_of_training_and_validation_are_of_equal_batches():
    """A contrastive loss grows with the batch: of the same rows, the losses are the same."""
    X = np.concatenate([WINE.data.to_numpy()] * 3)
    settings = {"n_components": 4, "random_state": 0, "early_stopping": True, "max_epochs": 3}
    est = ContrastivePretrainer(**settings).fit(X)
    row = est.history_[-1]
    assert abs(row["seen_loss"] - row["valid_loss"]) < 0.2 < row["train_loss"] - row["valid_loss"]
    assert list(LossCurveDisplay.from_estimator(est).curves) == ["seen_loss", "valid_loss"]
    assert "seen_loss" not in AutoencoderPretrainer(**settings).fit(X).history_[0]
    without = ContrastivePretrainer(**{**settings, "early_stopping": False}).fit(X)
    assert "seen_loss" not in without.history_[0]
