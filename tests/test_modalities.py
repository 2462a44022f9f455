"""Tables and images as people have them."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
from seeds import seeded
from sklearn.datasets import load_digits, load_iris
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import ContrastivePretrainer
from sklearn_ssl.encoders import MLP, ConvNet
from sklearn_ssl.encoders._convolutional import GridPool
from sklearn_ssl.encoders._mlp import random_directions
from sklearn_ssl.modalities import Image, Tabular
from sklearn_ssl.training import BatchLoader, Rows

X = load_iris().data
DIGITS = load_digits().data[:60]
RGB = np.random.default_rng(0).integers(0, 256, size=(12, 3, 10, 14), dtype=np.uint8)


def batch_of(modality, data, n=None):
    store = modality.fit(data).validate(data)
    return store[np.arange(n or len(store))]


def test_scaling_is_standard_scaling_with_tails_drawn_in():
    batch = batch_of(Tabular(), X)
    assert batch.dtype == torch.float32
    np.testing.assert_allclose(batch, np.arcsinh(StandardScaler().fit_transform(X)), atol=1e-5)
    assert batch_of(Tabular(clip=1.0), X).abs().max() == pytest.approx(np.arcsinh(1))


@pytest.mark.parametrize(
    "convert",
    [
        lambda a: a.tolist(),
        lambda a: a.astype(np.float32),
        lambda a: a.astype(object),
        lambda a: np.asfortranarray(a),
        lambda a: pd.DataFrame(a, columns=list("abcd")),
        lambda a: pd.DataFrame(a, columns=list("abcd")).convert_dtypes(),
        lambda a: pl.DataFrame(a, schema=list("abcd")),
        sp.csr_array,
        sp.csc_matrix,
    ],
    ids=["list", "float32", "object", "fortran", "pandas", "pandas nullable", "polars", "csr", "csc"],
)
def test_all_containers_give_the_same_features(convert):
    est = ContrastivePretrainer(max_epochs=1, random_state=0, precision="float32")
    expected = est.fit_transform(X)
    np.testing.assert_allclose(est.fit_transform(convert(X)), expected, atol=1e-3)


@pytest.mark.parametrize("convert", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_pool_as_a_frame_is_picked_by_name(convert):
    frame = convert({"a": X[:, 0], "b": X[:, 1], "flag": X[:, 1] > 3})
    pool = convert({"more": X[:, 3], "flag": X[:, 1] > 3, "b": X[:, 1], "a": X[:, 0] + 1})
    est = ContrastivePretrainer(max_epochs=1, random_state=0).fit(frame, X_unlabeled=pool)
    assert est.modality_.mean_[0] == pytest.approx(X[:, 0].mean() + 0.5)
    assert est.modality_.mean_[1] == pytest.approx(X[:, 1].mean())
    assert list(est.feature_names_in_) == ["a", "b", "flag"]


def test_polars_pool_keeps_its_fractions():
    few = pl.DataFrame({"a": [1, 2, 3, 4], "b": [1.0, 2.0, 3.0, 4.0]})
    pool = pl.DataFrame({"a": [0.7, 0.9, 0.1, 0.2], "b": [1.0, 2.0, 3.0, 4.0]})
    est = ContrastivePretrainer(max_epochs=1).fit(few, X_unlabeled=pool)
    np.testing.assert_allclose(est.modality_.mean_, [1.4875, 2.5])


def test_columns_named_by_numbers_are_picked_by_name():
    frame = pd.DataFrame(X)
    est = ContrastivePretrainer(max_epochs=1).fit(frame, X_unlabeled=frame[[3, 1, 0, 2]])
    np.testing.assert_allclose(est.modality_.mean_, X.mean(axis=0))


def test_lists_and_changes_of_kind_set_n_features_in():
    est = ContrastivePretrainer(max_epochs=1, n_components=4).fit(X)
    assert est.fit(X[:, :3].tolist()).n_features_in_ == 3
    assert est.transform(X[:, :3]).shape == (150, 4)
    assert not hasattr(est.fit(RGB), "n_features_in_")


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e30, 1e200])
def test_scales_beyond_float32(scale):
    np.testing.assert_allclose(batch_of(Tabular(), X * scale), batch_of(Tabular(), X), atol=1e-5)


def test_sparse_entries_that_are_split_in_two_add_up():
    cols = np.tile(np.arange(4), len(X))
    halves = np.repeat(X.ravel() / 2, 2)
    split = sp.csr_array((halves, np.repeat(cols, 2), np.arange(0, 2 * X.size + 1, 2 * X.shape[1])), X.shape)
    assert not split.has_canonical_format
    np.testing.assert_allclose(batch_of(Tabular(), split), batch_of(Tabular(), X), atol=1e-5)
    assert split.nnz == 2 * X.size


def test_intensities_never_seen_are_finite():
    images = np.random.default_rng(0).random((4, 8, 8))
    est = ContrastivePretrainer(modality=Image(), max_epochs=1).fit(images)
    assert np.isfinite(est.transform(np.full((2, 8, 8), 1e39))).all()


def test_a_column_may_be_called_collect():
    frame = pd.DataFrame(X, columns=["collect", "columns", "shape", "iloc"])
    assert ContrastivePretrainer(max_epochs=1).fit(frame, X_unlabeled=frame).transform(frame).shape[0] == 150


def test_torch_tensors_are_arrays():
    est = ContrastivePretrainer(max_epochs=1, random_state=0)
    tensor = torch.tensor(X, requires_grad=True)
    assert (est.fit(tensor, X_unlabeled=tensor).transform(X) == est.fit(X, X_unlabeled=X).transform(X)).all()
    assert (est.fit_transform(torch.tensor(X, requires_grad=True)) == est.fit_transform(X)).all()


def test_sparse_pool_goes_with_dense_rows():
    est = ContrastivePretrainer(max_epochs=1, random_state=0, precision="float32")
    dense = est.fit(X, X_unlabeled=X[:40]).transform(X)
    mixed = est.fit(X, X_unlabeled=sp.csr_array(X[:40])).transform(X)
    np.testing.assert_allclose(mixed, dense, atol=1e-3)


def test_one_column_constant_columns_and_outliers():
    wild = np.column_stack([X[:, 0], np.full(150, 3e9), np.zeros(150), X[:, 1]])
    wild[3, 3] = 1e30
    est = ContrastivePretrainer(max_epochs=2, random_state=0)
    for table in (X[:, :1], wild):
        assert np.isfinite(est.fit_transform(table)).all()
    assert np.isfinite(est.transform(np.where(wild == 0, 1e25, wild))).all()  # a constant column moved


def test_sparse_matrices_are_never_dense_as_a_whole():
    wide = sp.random_array((500, 100_000), density=1e-4, format="csr", random_state=0)
    store = Tabular().fit(wide).validate(wide)
    assert sp.issparse(store.rows)
    assert store[np.arange(3)].shape == (3, 100_000)


@pytest.mark.parametrize(
    "layout, shape",
    [
        (RGB, None),
        (RGB.transpose(0, 2, 3, 1), None),
        (RGB.reshape(12, -1), (3, 10, 14)),
        (RGB.transpose(0, 2, 3, 1).reshape(12, -1), (10, 14, 3)),
        (RGB.astype(float), None),
    ],
    ids=["first", "last", "rows, first", "rows, last", "float"],
)
def test_layouts_of_images_agree(layout, shape):
    modality = Image(shape=shape)
    batch = batch_of(modality, layout)
    assert modality.shape_ == (3, 10, 14)
    assert batch.shape == (12, 3, 10, 14)
    assert batch.is_contiguous()  # so that any module may call view
    mean, std = RGB.mean(axis=(0, 2, 3), keepdims=True), RGB.std(axis=(0, 2, 3), keepdims=True)
    np.testing.assert_allclose(batch, (RGB - mean) / std, atol=1e-4)


def test_auto_takes_four_dimensions_for_images():
    est = ContrastivePretrainer(max_epochs=1, random_state=0, n_components=4).fit(RGB)
    assert isinstance(est.modality_, Image)
    assert est.transform(RGB).shape == (12, 4)
    assert not hasattr(est, "n_features_in_")


def test_grey_images_with_and_without_a_channel_axis():
    cube = DIGITS.reshape(-1, 8, 8)
    expected = batch_of(Image(shape=(8, 8)), DIGITS)
    assert expected.shape == (60, 1, 8, 8)
    for other in (cube, cube[:, None], cube[..., None]):
        assert torch.equal(batch_of(Image(), other), expected)


def test_images_and_rows_of_pixels_mix_where_the_shape_is_given():
    est = ContrastivePretrainer(modality=Image(shape=(8, 8)), max_epochs=1, random_state=0).fit(DIGITS)
    assert (est.transform(DIGITS) == est.transform(DIGITS.reshape(-1, 8, 8))).all()


def test_channels_settle_what_is_ambiguous():
    images = np.random.default_rng(0).normal(size=(5, 3, 8, 4))
    for channels, shape in (("first", (3, 8, 4)), ("last", (4, 3, 8))):
        modality = Image(channels=channels).fit(images)
        assert modality.shape_ == shape


def views_of(modality, images):
    """Return two views of each image, and the images as they are seen without."""
    x = batch_of(modality, images)
    with seeded(0):
        return *modality.views(x), x


def windows(view, x):
    """Return where the crops of ramps lie, as shares of the image: centres and sizes ``(n, 2)``, across and down."""
    places = []
    for axis, channel in ((-1, 0), (-2, 1)):
        ends = [picture[:, channel].movedim(axis, 0)[[1, -2]].mean(-1) for picture in (view, x)]
        (low, high), (first, last) = ends  # not at the very edge, beyond which there is no ramp
        step = (last - first) / (x.shape[axis] - 3)
        centre = 0.5 + ((low + high) / 2 - (first + last) / 2) / step / x.shape[axis]
        places.append((centre, (high - low) / (last - first)))
    centres, sizes = (torch.stack(parts, dim=1) for parts in zip(*places, strict=True))
    return centres, sizes


@pytest.mark.parametrize("flip", [False, True])
def test_crops_are_windows_of_all_shapes_sizes_and_places(flip):
    """Images whose channels tell how far to the right and how far down a pixel is, so that crops can be found."""
    right, down = np.meshgrid(np.arange(20.0), np.arange(16.0))
    images = np.repeat(np.stack([right, down])[None], 3000, axis=0)
    low, high = 0.3, 0.7
    modality = Image(channels="first", crop_scale=(low, high), intensity=0.0, horizontal_flip=flip)
    first, second, x = views_of(modality, images)
    assert (first != second).any(dim=(1, 2, 3)).all()
    for view in (first, second):
        centres, sizes = windows(view, x)
        mirrored = sizes[:, 0] < 0
        assert mirrored.float().mean() == pytest.approx(0.5 * flip, abs=0.05)
        assert (sizes[:, 1] > 0).all()
        sizes = sizes.abs()
        area, shape = sizes.prod(1), sizes[:, 0] / sizes[:, 1]  # 1 is as wide as the image is
        assert low - 1e-4 < area.min() < low + 0.01
        assert high - 0.01 < area.max() < high + 1e-4
        assert area.mean() == pytest.approx((low + high) / 2, abs=0.01)
        # as often wide as tall, up to 4 / 3 either way
        assert 3 / 4 - 1e-4 < shape.min() < 3 / 4 + 0.01
        assert 4 / 3 - 0.01 < shape.max() < 4 / 3 + 1e-4
        for lot in (mirrored, ~mirrored) if flip else (~mirrored,):
            assert (shape[lot] > 1).float().mean() == pytest.approx(0.5, abs=0.05)
        assert shape.log().abs().mean() == pytest.approx(np.log(4 / 3) / 2, abs=0.01)
        # from one edge of the image to the other, and never beyond
        room = (centres - sizes / 2) / (1 - sizes)
        assert (room.min() > -1e-3) and (room.max() < 1 + 1e-3)
        np.testing.assert_allclose(room.mean(0), 0.5, atol=0.02)
        np.testing.assert_allclose(room.std(0), 1 / np.sqrt(12), atol=0.01)
        assert abs(np.corrcoef(room.T)[0, 1]) < 0.08


@pytest.mark.parametrize("n_channels", [1, 3])
def test_brightness_and_contrast_are_of_the_image_and_half_as_much_of_its_channels(n_channels):
    """Images whose upper half is 1 and lower half -1: sum and difference tell what was added and multiplied."""
    strength = 0.4
    images = np.ones((20_000, n_channels, 4, 4))
    images[:, :, 2:] = -1
    modality = Image(channels="first", crop_scale=(1.0, 1.0), horizontal_flip=False, intensity=strength)
    for view in views_of(modality, images)[:2]:
        top, bottom = view[:, :, 0, 0].numpy(), view[:, :, -1, 0].numpy()
        gain, offset = (top - bottom) / 2 - 1, (top + bottom) / 2
        of_image = strength**2 / 3  # the variance of what is uniform up to strength
        of_channel = of_image / 4 if n_channels > 1 else 0.0
        for change in (gain, offset):
            assert np.abs(change).max() < strength * (1.5 if n_channels > 1 else 1) + 1e-5
            np.testing.assert_allclose(change.mean(0), 0, atol=0.01)
            expected = of_image + of_channel * np.eye(n_channels)  # what channels share is the image's
            np.testing.assert_allclose(np.atleast_2d(np.cov(change.T)), expected, rtol=0.05)
        both = np.corrcoef(gain.T, offset.T)[:n_channels, n_channels:]
        assert np.abs(both).max() < 0.03


@pytest.mark.parametrize("size", [1, 2, 5, 8, 17, 28, 33, 48, 96, 130])
def test_convnet_takes_any_size(size):
    net = ConvNet((2, size, size + 1)).eval()
    Z = net(torch.zeros(3, 2, size, size + 1))
    side = min(4, -(-size // 4))
    widths = (128 if size < 64 else 256) + 256
    assert Z.shape == (3, widths * side**2)
    assert ConvNet((2, size, size), 10).eval()(torch.zeros(3, 2, size, size)).shape == (3, 10)


@pytest.mark.parametrize("size", [(7, 7), (4, 4), (5, 9), (3, 8)])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_grid_pool_is_adaptive_pooling(size, memory_format):
    x = torch.randn(2, 5, *size).contiguous(memory_format=memory_format)
    pool = GridPool(size, 4)
    expected = torch.nn.functional.adaptive_avg_pool2d(x, pool.cells)
    torch.testing.assert_close(pool(x).reshape(2, -1, 5), expected.flatten(2).transpose(1, 2))


def test_mlp_widths():
    assert MLP(3, 7, widths=(5,)).eval()(torch.zeros(2, 3)).shape == (2, 7)
    assert MLP(3, widths=(5, 4, 3, 2)).eval()(torch.zeros(2, 3)).shape == (2, 512 + 14)
    assert MLP(3, widths=(5, 4), n_directions=0).eval()(torch.zeros(2, 3)).shape == (2, 9)


@pytest.mark.parametrize("d, n", [(1, 5), (7, 21), (7, 512), (40, 16)])
def test_random_directions_are_unit_vectors_in_orthogonal_sets(d, n):
    directions = random_directions(d, n)
    assert directions.shape == (d, n)
    first = directions[:, : min(d, n)]
    torch.testing.assert_close(first.T @ first, torch.eye(min(d, n)), atol=1e-5, rtol=0)
    if n % d == 0:  # rotations alone: distances are kept
        torch.testing.assert_close(directions @ directions.T, torch.eye(d) * n / d, atol=1e-4, rtol=0)


def test_a_linear_model_finds_the_columns_in_the_features():
    Z = ContrastivePretrainer(max_epochs=0, random_state=0).fit_transform(X)
    directions = np.column_stack([np.ones(len(Z)), Z[:, :512]])
    assert np.linalg.matrix_rank(directions, rtol=1e-4) == 1 + 4
    scaled = batch_of(Tabular(), X).numpy()
    coefficients, *_ = np.linalg.lstsq(directions[::2], scaled[::2], rcond=1e-4)
    np.testing.assert_allclose(directions[1::2] @ coefficients, scaled[1::2], atol=1e-3)


def test_an_mlp_without_directions_can_be_pickled():
    est = ContrastivePretrainer(encoder=MLP(4, widths=(8,), n_directions=0), max_epochs=1).fit(X)
    assert (pickle.loads(pickle.dumps(est)).transform(X) == est.transform(X)).all()


@pytest.mark.parametrize("n", [1, 2, 3, 5, 64, 65, 129])
@pytest.mark.parametrize("batch_size", [2, 64])
def test_batches_cover_all_rows_and_none_is_alone(n, batch_size):
    store = Rows(torch.arange(n), lambda batch: batch)
    batches = [batch for batch, _ in BatchLoader(store, batch_size)]
    assert torch.equal(torch.cat(batches), torch.arange(n))
    assert min(map(len, batches)) >= min(2, n)
    assert max(map(len, batches)) <= batch_size + 1
    shuffled = torch.cat([batch for batch, _ in BatchLoader(store, batch_size, shuffle=True)])
    assert torch.equal(shuffled.sort().values, torch.arange(n))
