"""The self-organizing map against plain loops, and in pipelines."""

import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_ssl
from sklearn_ssl import ContrastivePretrainer, SelfOrganizingMap
from sklearn_ssl.methods._grid import grid_positions, neighbour_pairs, smooth
from sklearn_ssl.methods._som import nearest, sums_by_unit

X, Y = load_iris(return_X_y=True)
DIGITS = load_digits().data[:600]

OTHER = {
    "shape": (3, 5),
    "topology": "hexagonal",
    "output": "position",
    "max_epochs": 3,
    "radius": 0.7,
    "final_radius": 1.0,
    "init": "random",
    "scale": False,
}


def batch_som_by_loops(X, codebook, positions, radii):
    """Kohonen's batch map: each unit moves to the neighbourhood-weighted mean of the rows."""
    codebook = codebook.copy()
    for radius in radii:
        winners = [min(range(len(codebook)), key=lambda k: np.linalg.norm(x - codebook[k])) for x in X]
        moved = np.empty_like(codebook)
        for k in range(len(codebook)):
            weights = [
                np.exp(-(np.linalg.norm(positions[k] - positions[w]) ** 2) / (2 * radius**2)) for w in winners
            ]
            moved[k] = sum(h * x for h, x in zip(weights, X, strict=True)) / sum(weights)
        codebook = moved
    return codebook


@pytest.mark.parametrize("topology", ["rectangular", "hexagonal"])
def test_training_equals_plain_loops(topology):
    scaled = StandardScaler().fit_transform(X)
    som = SelfOrganizingMap(
        shape=(3, 4),
        topology=topology,
        max_epochs=4,
        radius=2.0,
        final_radius=0.6,
        init="random",
        random_state=0,
    )
    start = clone(som)
    start._begin(X)
    radii = 2.0 * (0.6 / 2.0) ** (np.arange(4) / 3)
    expected = batch_som_by_loops(scaled, start.codebook_, grid_positions((3, 4), topology), radii)
    som.fit(X)
    np.testing.assert_allclose(som.codebook_, expected, atol=1e-10)
    np.testing.assert_allclose(
        som.cluster_centers_, StandardScaler().fit(X).inverse_transform(expected), atol=1e-10
    )


def test_errors_equal_plain_loops():
    som = SelfOrganizingMap(shape=(4, 4)).fit(X)
    scaled = StandardScaler().fit_transform(X)
    distances = np.linalg.norm(scaled[:, None] - som.codebook_[None], axis=2)
    np.testing.assert_allclose(som.transform(X), distances, atol=1e-6)
    assert (som.predict(X) == distances.argmin(1)).all()
    assert som.quantization_error(X) == pytest.approx(distances.min(1).mean())
    assert som.score(X) == -som.quantization_error(X)
    first, second = distances.argsort(1)[:, :2].T
    steps = np.abs(np.array(divmod(first, 4)) - np.array(divmod(second, 4))).max(0)
    assert 0 < som.topographic_error(X) == pytest.approx((steps > 1).mean())
    hexagons = SelfOrganizingMap(shape=(4, 4), topology="hexagonal").fit(X)
    first, second = hexagons.transform(X).argsort(1)[:, :2].T
    apart = [
        np.linalg.norm(hexagons.positions_[i] - hexagons.positions_[j])
        for i, j in zip(first, second, strict=True)
    ]
    assert 0 < hexagons.topographic_error(X) == pytest.approx(np.mean(np.array(apart) > 1.01))


def test_grids():
    assert grid_positions((2, 3), "rectangular").tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    positions = grid_positions((5, 5), "hexagonal")
    distances = np.linalg.norm(positions[12] - positions, axis=1)
    assert np.isclose(distances, 1).sum() == 6
    assert sorted(distances)[7] > 1.7  # no one else is near
    pairs = {frozenset(pair) for pair in neighbour_pairs(positions, "hexagonal").tolist()}
    close = np.linalg.norm(positions[:, None] - positions, axis=2) < 1.01
    assert pairs == {frozenset((i, j)) for i, j in np.argwhere(close).tolist() if i != j}


@pytest.mark.parametrize("topology", ["rectangular", "hexagonal"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (4, 7), (5, 3)])
@pytest.mark.parametrize("radius", [0.3, 1.0, 4.0])
def test_smoothing_is_a_product_with_all_pairs(topology, shape, radius):
    positions = grid_positions(shape, topology)
    apart = np.linalg.norm(positions[:, None] - positions, axis=2)
    values = np.random.default_rng(0).normal(size=(len(positions), 3))
    expected = np.exp(-0.5 * (apart / radius) ** 2) @ values
    np.testing.assert_allclose(smooth(values, shape, topology, radius), expected, atol=1e-12)


@pytest.mark.parametrize("topology", ["rectangular", "hexagonal"])
def test_memory_of_a_large_map_grows_with_its_units(topology):
    """A matrix of all pairs of these units would take more than twelve gigabytes."""
    tracemalloc.start()
    try:
        som = SelfOrganizingMap(shape=(200, 200), max_epochs=1, topology=topology).fit(X)
        assert som.transform(X[:20]).shape == (20, 40_000)
        assert 0 <= som.topographic_error(X) <= 1
        assert tracemalloc.get_traced_memory()[1] < 300e6
    finally:
        tracemalloc.stop()


def test_nearest_and_sums():
    rng = np.random.default_rng(0)
    rows, codebook = rng.normal(size=(50, 3)), rng.normal(size=(7, 3))
    winners = nearest(rows, codebook)
    assert (winners == [np.linalg.norm(row - codebook, axis=1).argmin() for row in rows]).all()
    sums, counts = sums_by_unit(rows, winners, 9)
    for k in range(9):
        np.testing.assert_allclose(sums[k], rows[winners == k].sum(0), atol=1e-12)
        assert counts[k] == (winners == k).sum()


def test_training_orders_and_fits():
    first, last = SelfOrganizingMap(max_epochs=1).fit(DIGITS), SelfOrganizingMap().fit(DIGITS)
    assert last.quantization_error(DIGITS) < first.quantization_error(DIGITS)
    assert last.topographic_error(DIGITS) < 0.3
    shuffled = SelfOrganizingMap(init="random", max_epochs=1, radius=0.1, random_state=0).fit(DIGITS)
    assert shuffled.topographic_error(DIGITS) > 0.5  # without a neighbourhood there is no order
    kmeans = KMeans(30, n_init=1, random_state=0).fit(StandardScaler().fit_transform(DIGITS))
    best = kmeans.transform(StandardScaler().fit_transform(DIGITS)).min(1).mean()
    assert last.quantization_error(DIGITS) < 1.1 * best


@pytest.mark.parametrize(
    "n, shape", [(3, (1, 2)), (50, (1, 2)), (150, (2, 3)), (640, (5, 6)), (20_000, (10, 10))]
)
def test_auto_shape_gives_twenty_rows_to_a_unit(n, shape):
    assert SelfOrganizingMap()._grid(n) == shape


@pytest.mark.parametrize("name", OTHER)
def test_every_parameter_changes_something(name):
    som = SelfOrganizingMap(shape=(4, 5), random_state=0)
    before, after = som.fit_transform(X), clone(som).set_params(**{name: OTHER[name]}).fit_transform(X)
    assert before.shape != after.shape or (before != after).any()


def test_random_state_decides_a_random_start():
    som = SelfOrganizingMap(init="random", random_state=0)
    same = clone(som).fit(X, np.random.default_rng(0).permutation(Y))
    assert (som.fit(X).codebook_ == same.codebook_).all()
    assert (som.codebook_ != clone(som).set_params(random_state=1).fit(X).codebook_).any()
    state = np.random.get_state()[1].copy()
    SelfOrganizingMap(init="random").fit(X)
    assert (np.random.get_state()[1] == state).all()


@pytest.mark.parametrize("size", [10, 32, 200])
def test_partial_fit_learns_in_pieces(size):
    order = np.random.default_rng(0).permutation(len(DIGITS))
    som, whole = SelfOrganizingMap(shape=(6, 6), max_epochs=3), SelfOrganizingMap(shape=(6, 6)).fit(DIGITS)
    som.partial_fit(DIGITS[order[:200]])
    begin = som.quantization_error(DIGITS)
    for _ in range(6):
        for start in range(0, len(DIGITS), size):
            som.partial_fit(DIGITS[order[start : start + size]])
    assert som.n_iter_ == 1 + 6 * len(range(0, len(DIGITS), size))
    assert len(som.labels_) == len(DIGITS) % size or size
    assert som.quantization_error(DIGITS) < min(begin, 1.1 * whole.quantization_error(DIGITS))
    assert som.topographic_error(DIGITS) < 0.4
    with pytest.raises(ValueError, match="features"):
        som.partial_fit(DIGITS[:, :5])
    with pytest.raises(ValueError, match="radius"):
        som.set_params(radius=-1.0).partial_fit(DIGITS)


def test_partial_fit_does_not_lose_what_small_batches_leave_out():
    X, y = load_digits(return_X_y=True)
    som = SelfOrganizingMap(shape=(8, 8)).fit(X)
    others, zeros = X[y != 0], X[y == 0]
    before = som.quantization_error(others)
    for start in range(0, 150, 10):
        som.partial_fit(zeros[start : start + 10])
    assert som.quantization_error(others) < 1.05 * before


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [True, False])
def test_data_far_from_the_origin(dtype, scale):
    som = SelfOrganizingMap(shape=(5, 5), scale=scale)
    expected = som.fit(X).quantization_error(X)
    far = (X + (1e3 if dtype == np.float32 else 1e7)).astype(dtype)
    som.fit(far)
    assert som.quantization_error(far) == pytest.approx(expected, rel=0.01)
    assert (som.predict(far) == som.transform(far).argmin(1)).mean() > 0.99


def test_a_failed_refit_leaves_the_map_as_it_was():
    som = SelfOrganizingMap(shape=(4, 4)).fit(X)
    Z = som.transform(X)
    for params, data in [
        ({"shape": (0, 1)}, X[:, :3]),
        ({}, X[:, :3] * np.nan),
        ({}, np.full((5, 2), 1e300)),
    ]:
        with pytest.raises(ValueError):
            clone(som).set_params(**params).fit(data)
        shape = som.shape
        with pytest.raises(ValueError):
            som.set_params(**params).fit(data)
        som.set_params(shape=shape)
        assert (som.transform(X) == Z).all()
    som.set_params(topology="hexagonal")  # until the next fit the map is what it was
    rectangular = SelfOrganizingMap(shape=(4, 4)).fit(X)
    assert som.topographic_error(X) == rectangular.topographic_error(X)


def test_it_is_a_transformer_and_a_clusterer(tmp_path):
    som = SelfOrganizingMap(shape=(4, 4))
    labels = som.fit_predict(X)
    assert (labels == som.labels_).all() and (labels == som.predict(X)).all()
    few = SelfOrganizingMap(shape=(1, 3)).fit_predict(X)
    assert adjusted_rand_score(Y, few) > 0.4
    pipe = make_pipeline(SelfOrganizingMap(), LogisticRegression(max_iter=1000))
    grid = {"selforganizingmap__shape": [(3, 3), (5, 5)]}
    assert GridSearchCV(pipe, grid, cv=3, error_score="raise").fit(X, Y).best_score_ > 0.8
    frame = pd.DataFrame(X, columns=list("abcd"))
    out = clone(som).set_output(transform="pandas").fit_transform(frame)
    assert list(out.columns) == [f"selforganizingmap{i}" for i in range(16)]
    position = SelfOrganizingMap(shape=(4, 4), output="position").fit_transform(X)
    assert position.shape == (150, 2)
    assert (position == som.positions_[som.predict(X)]).all()


def test_pickle_and_save(tmp_path):
    som = SelfOrganizingMap(shape=(4, 4), topology="hexagonal").fit(X.astype(np.float32))
    Z = som.transform(X)
    assert (pickle.loads(pickle.dumps(som)).transform(X) == Z).all()
    som.save(tmp_path / "map")
    loaded = sklearn_ssl.load(tmp_path / "map")
    assert isinstance(loaded, SelfOrganizingMap)
    assert loaded.get_params() == som.get_params()
    assert (loaded.transform(X) == Z).all()
    loaded.partial_fit(X)  # it goes on
    code = f"import sklearn_ssl; print(sklearn_ssl.load({str(tmp_path / 'map')!r}).shape_)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "(4, 4)\n"
    with pytest.raises(ValueError, match="has no encoder"):
        sklearn_ssl.load(tmp_path / "map", encoder=object())


@pytest.mark.parametrize("data", [X[:1], X[:2], X[:, :1], np.ones((20, 3)), X * 1e12, X * 1e-12])
@pytest.mark.parametrize("init", ["pca", "random"])
def test_odd_data(data, init):
    Z = SelfOrganizingMap(shape=(3, 4), init=init, random_state=0).fit_transform(data)
    assert Z.shape == (len(data), 12)
    assert np.isfinite(Z).all()
    som = SelfOrganizingMap(shape=(3, 4), init=init, random_state=0).fit(data)
    nearest_distance = som.transform(data)[np.arange(len(data)), som.predict(data)]
    np.testing.assert_allclose(nearest_distance, som.transform(data).min(1), atol=1e-6)


def test_read_only_input_is_not_written_to(tmp_path):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert (SelfOrganizingMap().fit_transform(mapped) == SelfOrganizingMap().fit_transform(X)).all()
    before = X.copy()
    SelfOrganizingMap(scale=False).fit(X).partial_fit(X)
    assert (before == X).all()


@pytest.mark.parametrize(
    "params, message",
    [
        ({"shape": (3,)}, "two positive integers"),
        ({"shape": (0, 3)}, "two positive integers"),
        ({"shape": (2**31 - 1, 2**31 - 1)}, "at most 1,000,000"),
        ({"shape": "large"}, "shape"),
        ({"topology": "triangular"}, "topology"),
        ({"max_epochs": 0}, "max_epochs"),
        ({"radius": -1.0}, "radius"),
        ({"output": "grid"}, "output"),
    ],
)
def test_bad_parameters_say_what_is_wrong(params, message):
    with pytest.raises(ValueError, match=message):
        SelfOrganizingMap(**params).fit(X)


def test_a_map_must_be_fitted_and_have_two_units():
    with pytest.raises(NotFittedError):
        SelfOrganizingMap().predict(X)
    with pytest.raises(NotFittedError):
        SelfOrganizingMap().cluster_centers_  # noqa: B018  # a property: reading it is the test
    with pytest.raises(ValueError, match="larger shape"):
        SelfOrganizingMap(shape=(1, 1)).fit(X).topographic_error(X)


def test_verbose_draws_a_bar(capsys):
    SelfOrganizingMap(max_epochs=2, verbose=1).fit(X)
    assert "SelfOrganizingMap" in capsys.readouterr().err
    SelfOrganizingMap(max_epochs=2).fit(X)
    assert capsys.readouterr().err == ""


MIXED = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": np.where(X[:, 2] > 3, "long", "short")})
ODD = {
    "texts": (MIXED, r"columns \['kind'\]"),
    "categories": (MIXED.astype({"kind": "category"}), r"columns \['kind'\]"),
    "polars": (pl.DataFrame(MIXED.to_dict("list")), r"columns \['kind'\]"),
    "dates": (MIXED.assign(kind=pd.Timestamp("2020-01-01")), r"columns \['kind'\]"),
    "objects": (MIXED.to_numpy(), "takes numbers.*Encode"),
    "lists": (MIXED.to_numpy().tolist(), "takes numbers.*Encode"),
    "holes": (MIXED[["a", "b"]].mask(MIXED["a"] > 7), r"NaN(.|\n)*SimpleImputer"),
    "sparse": (sp.csr_array(X), r"sparse matrix.*toarray"),
    "sparse matrix": (sp.coo_matrix(X), r"sparse matrix.*toarray"),
}


@pytest.mark.filterwarnings("ignore:X has feature names")
@pytest.mark.parametrize("rows, message", ODD.values(), ids=ODD)
def test_a_map_says_that_it_takes_numbers(rows, message):
    som = SelfOrganizingMap(shape=(3, 3), max_epochs=2)
    for call in (som.fit, som.partial_fit):
        with pytest.raises((ValueError, TypeError), match=message) as caught:
            call(rows)
        assert "make_pipeline(ContrastivePretrainer(), SelfOrganizingMap())" in str(caught.value)
    assert not hasattr(som, "codebook_")
    som.fit(X[:, : np.shape(rows)[1]])
    for call in (som.predict, som.transform, som.score):
        with pytest.raises((ValueError, TypeError), match=message):
            call(rows)


@pytest.mark.parametrize("rows", [MIXED, sp.csr_array(X)], ids=["categories", "sparse"])
def test_a_pretrainer_before_a_map_takes_what_it_does_not(rows):
    first = ContrastivePretrainer(n_components=8, max_epochs=1, random_state=0)
    pipe = make_pipeline(first, SelfOrganizingMap(shape=(3, 3), max_epochs=2)).fit(rows)
    assert set(pipe.predict(rows)) <= set(range(9))
