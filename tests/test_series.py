"""Time series: what is read, what is refused, padding, holes, forecasts, and features in time."""

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from sklearn.base import clone
from torch import nn

from sklearn_ssl import (
    AutoencoderPretrainer,
    AutoregressivePretrainer,
    ContrastivePretrainer,
    MaskedPretrainer,
    SegmentOrderPretrainer,
    SiamesePretrainer,
    VAEPretrainer,
    load,
)
from sklearn_ssl.encoders import TemporalConvNet
from sklearn_ssl.encoders._sequence import convolve
from sklearn_ssl.encoders._temporal import EPSILON, StepPooling
from sklearn_ssl.inspection import ForecastDisplay, ReconstructionDisplay
from sklearn_ssl.methods._forecast import _examples
from sklearn_ssl.modalities import Series, infer_modality
from sklearn_ssl.modalities.series._lags import RIDGES, LinearForecast, number_of_lags

RNG = np.random.default_rng(0)
RAGGED = [RNG.normal(size=(2, length)) for length in [1, 2, 5, 9, 14, 3, 20, 7] * 2]
PHASE = RNG.uniform(0, 6, (40, 1))
SINES = 5 + 3 * np.sin(np.arange(16) / 2 + PHASE)
FAST = {"max_epochs": 1, "random_state": 0, "batch_size": 64}


def padded(rows, time=24):
    out = np.full((len(rows), 2, time), np.nan)
    for row, x in zip(out, rows, strict=True):
        row[:, : x.shape[1]] = x
    return out


def fit(X=RAGGED, method=ContrastivePretrainer, **params):
    modality = params.pop("modality", Series())
    return method(modality=modality, **{**FAST, **params}).fit(X)


@pytest.mark.parametrize("encoder", ["convnet", "strided"])
def test_padding_and_other_rows_do_not_move_features(encoder):
    est = fit(encoder=encoder)
    Z = est.transform(RAGGED)
    for rows in (slice(0, 1), slice(3, 5), slice(2, 12)):
        np.testing.assert_allclose(est.transform(RAGGED[rows]), Z[rows], atol=1e-5)
    np.testing.assert_allclose(est.transform(padded(RAGGED, 57)), Z, atol=1e-5)


def test_lists_and_arrays_that_hold_the_same_are_the_same():
    for other in (
        padded(RAGGED),
        tuple(RAGGED),
        np.array([*RAGGED, None], object)[:-1],
        [torch.tensor(x) for x in RAGGED],
    ):
        assert (fit(other).transform(other) == fit().transform(RAGGED)).all()
    flat = SINES[:, None]
    frame = pd.DataFrame(SINES)
    for other in (SINES, list(SINES), frame):
        assert (fit(other).transform(other) == fit(flat).transform(flat)).all()


def test_padding_is_no_hole_and_holes_are_told():
    store = Series().fit(SINES).validate(SINES)
    holes = SINES.copy()
    holes[0, 3], holes[1, 12:] = np.nan, np.nan
    x = Series().fit(SINES).validate(holes)[np.array([0, 1, 2])]
    assert x.lengths.tolist() == [16, 12, 16]
    assert x.observed[:, :16, 0].sum(1).tolist() == [15, 12, 16]
    assert x.values[0, 3] == 0 and x.values.isfinite().all()
    est = fit(SINES)
    gaps = np.abs(est.transform(holes) - est.transform(SINES)).max(1)
    assert gaps[:2].min() > 1e-3 and gaps[2:].max() < 1e-5
    assert len(store) == 40


@pytest.mark.parametrize("scale", ["series", "channel", "global"])
def test_scales(scale):
    X = np.stack([SINES, 100 + 10 * SINES, np.full_like(SINES, 7)], axis=1)
    x = Series(scale=scale).fit(X).validate(X)[np.arange(40)]
    spread = x.values.flatten(0, 1).std(0)
    assert spread[2] < (0.5 if scale == "global" else 1e-12)  # a constant channel
    if scale == "global":
        assert spread[1] > 5 * spread[0]
    else:
        torch.testing.assert_close(spread[:2], torch.ones(2), atol=0.02, rtol=0)
    assert x.extras.shape == (40, 6 if scale == "series" else 0)
    if scale == "series":
        assert x.values[:, :, :2].mean(1).abs().max() < 1e-6
        moved = X + np.arange(40)[:, None, None]  # the level of a series, which scaling takes away, is kept
        levels = Series(scale=scale).fit(moved).validate(moved)[np.arange(40)].extras[:, 0]
        assert np.corrcoef(levels, np.arange(40))[0, 1] > 0.95


def test_channels_that_were_constant_in_fit_move_nothing():
    X = np.stack([SINES, np.zeros_like(SINES)], axis=1)
    est, later = fit(X), X.copy()
    later[:, 1] = RNG.normal(size=SINES.shape)
    np.testing.assert_array_equal(est.transform(later), est.transform(X))


BAD = {
    "texts": (["a", "b"], TypeError, "holds texts"),
    "complex": (SINES + 1j, ValueError, "(?i)complex"),
    "dates": (SINES.astype("datetime64[s]"), ValueError, "dates or time spans"),
    "an empty series": ([np.ones((2, 3)), np.ones((2, 0))], ValueError, "Series 1 of X has no step"),
    "nothing but NaN": (
        np.vstack([SINES, np.full((1, 16), np.nan)]),
        ValueError,
        "Series 40 of X has no step",
    ),
    "ragged channels": (
        [np.ones((2, 5)), np.ones((3, 5))],
        ValueError,
        r"series 1 has 3.*same channels.*\[x\.T for x in X\]",
    ),
    "time before channels": (np.ones((5, 40, 3)), ValueError, r"X\.transpose\(0, 2, 1\)"),
    "lists of time before channels": (
        [np.ones((40, 2)), np.ones((50, 2))],
        ValueError,
        r"\[x\.T for x in X\]",
    ),
    "four axes": (np.ones((2, 2, 2, 2)), ValueError, r"\(n, time\) or \(n, channels, time\)"),
    "infinity": ([np.ones(3), np.array([1, np.inf])], ValueError, "(?s)infinity.*Clip"),
    "one series": (SINES[:1], ValueError, "at least 2 series"),
    "an entry of three axes": ([np.ones((1, 2, 3)), np.ones(3)], ValueError, "Series 0 of X has shape"),
}


@pytest.mark.parametrize("X, error, words", BAD.values(), ids=BAD)
def test_bad_input_is_refused_in_our_words(X, error, words):
    with pytest.raises(error, match=words):
        fit(X)


def test_other_channels_than_in_fit_are_refused_and_other_lengths_are_not():
    est = fit(SINES)
    with pytest.raises(ValueError, match="X has 2 channels, and fit saw 1"):
        est.transform(np.ones((3, 2, 16)))
    assert est.transform(SINES[:, :9]).shape == est.transform(np.hstack([SINES, SINES])).shape


def test_auto_takes_lists_of_arrays_for_series_and_asks_of_three_axes():
    for X in (RAGGED, [np.arange(3), np.arange(5.0)], [np.ones(4)] * 3):
        assert isinstance(infer_modality(X), Series)
    # these may be images
    for X in ([np.ones((2, 3), np.uint8)] * 3, [np.ones((4, 4))] * 3, [np.ones((4, 4)), np.ones((5, 4))]):
        assert not Series.accepts(X)
    with pytest.raises(ValueError, match=r"grey images.*modality=Image\(\).*series.*modality=Series\(\)"):
        infer_modality(np.ones((5, 2, 9)))


def test_views_keep_what_is_known_and_take_series_of_one_step():
    series = Series(time_mask=0.3).fit(RAGGED)
    x = series.validate(RAGGED)[np.arange(16)]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(5):
            v = series.view(x)
            assert (v.lengths >= 1).all() and (v.lengths <= x.lengths).all()
            assert not v.observed[~v.present()].any() and (v.values[~v.observed] == 0).all()
            one = series.view(series.validate([np.ones((2, 1))])[np.array([0])])
            assert one.lengths.item() == 1 and one.values.isfinite().all()
        hidden, mask = series.mask(series.validate(np.ones((200, 2, 50)))[np.arange(200)], 0.3)
    assert float(mask[:, :50].float().mean()) == pytest.approx(0.3, abs=0.03)
    assert not mask[:, 50:].any() and (hidden.observed == ~mask[:, :, None])[:, :50].all()


def test_segments_are_swapped_around_a_gap():
    series = Series().fit(SINES)
    x = series.validate(SINES)[np.arange(40)]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        parts, swapped, possible = series.permute_segments(x)
    assert possible.all() and 5 < swapped.sum() < 35
    for before, after, seen, moved in zip(x.values, parts.values, parts.observed, swapped, strict=True):
        (gap,) = np.flatnonzero(~seen[:16, 0])
        first, second = after[:gap], after[gap + 1 : 16]
        if moved:
            first, second = second, first
        assert torch.equal(first, before[: len(first)]) and torch.equal(second, before[16 - len(second) : 16])
    short = fit([np.ones((2, 1)), np.ones((2, 3))] * 4 + RAGGED, SegmentOrderPretrainer)
    assert np.isfinite(short.transform(RAGGED)).all()


@pytest.mark.parametrize("method", [AutoencoderPretrainer, VAEPretrainer])
def test_series_are_given_back_as_they_came(method):
    est = fit(method=method, n_components=4)
    rows = est.inverse_transform(est.transform(RAGGED))
    assert isinstance(rows, list) and all(row.shape[0] == 2 and 1 <= row.shape[1] <= 20 for row in rows)
    flat = fit(SINES, method, n_components=4)
    assert flat.inverse_transform(flat.transform(SINES)).shape == SINES.shape
    if method is VAEPretrainer:
        assert flat.sample(3, random_state=0).shape == (3, 16)


@pytest.mark.parametrize("scale", ["series", "channel"])
def test_an_autoencoder_learns_values_in_units_and_lengths(scale):
    X = SINES * np.linspace(1, 9, 40)[:, None]
    X[::2, 10:] = np.nan
    est = fit(X, AutoencoderPretrainer, modality=Series(scale=scale), max_epochs=30, noise=0.0, lr=5e-3)
    back = est.inverse_transform(est.transform(X))
    assert (np.isnan(back) == np.isnan(X)).mean() > 0.95
    known = ~np.isnan(back) & ~np.isnan(X)
    assert np.abs(back - X)[known].mean() < np.abs(X - np.nanmean(X))[known].mean() / 2


@pytest.mark.parametrize("scale, encoder", [("series", "convnet"), ("channel", "strided")])
def test_forecasts_are_in_units_and_better_than_the_mean(scale, encoder):
    settings = {"modality": Series(scale=scale), "encoder": encoder, "max_epochs": 40, "lr": 5e-3}
    est = fit(SINES, AutoregressivePretrainer, **settings)
    future = 5 + 3 * np.sin(np.arange(16, 20) / 2 + PHASE)
    predicted = est.predict(SINES, horizon=4)
    assert predicted.shape == (40, 4)
    assert np.abs(predicted - future).mean() < np.abs(future - 5).mean() / 2
    np.testing.assert_allclose(est.predict(SINES[7:8], 4), predicted[7:8], atol=1e-4)


def test_forecasts_of_ragged_series_and_draws():
    est = fit(method=AutoregressivePretrainer)
    assert est.predict(RAGGED, 3).shape == (16, 2, 3)
    drawn = est.sample(RAGGED[4], 3, max_length=20)
    assert drawn.shape == (3, 2, 20) and (drawn[:, :, :14] == RAGGED[4]).all()
    assert len(np.unique(drawn[:, 0, 14])) == 3
    assert (est.sample(RAGGED[4], 3, max_length=20) == drawn).all()
    assert est.sample(RAGGED[4]).shape == (1, 2, 28)
    for call, words in [
        (lambda: est.predict(RAGGED, 0), "horizon"),
        (lambda: est.sample(), "begins with numbers"),
        (lambda: est.sample(RAGGED[4], max_length=3), "14 steps"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
    with pytest.raises(TypeError, match="Series has no tokens"):
        est.perplexity(RAGGED)


def test_displays_of_reconstructions_with_holes_and_of_forecasts():
    holes = SINES.copy()
    holes[1, 4:7] = np.nan
    shown = ReconstructionDisplay.from_estimator(fit(SINES, AutoencoderPretrainer), holes, n_samples=3)
    assert list(shown.parts) == ["original", "reconstruction"]
    assert len(shown.ax_.lines) == 6 and len(shown.ax_.collections) == 1  # one hole is shaded
    assert [t.get_text() for t in shown.ax_.get_legend().get_texts()] == ["original", "reconstruction"]
    est = fit(method=AutoregressivePretrainer)
    shown = ForecastDisplay.from_estimator(est, RAGGED, horizon=3, X_next=RAGGED, n_samples=2)
    assert list(shown.parts) == ["known", "forecast", "truth"] and len(shown.ax_.lines) == 2 * 2 * 3
    assert shown.ax_.lines[1].get_xdata().tolist() == [1, 2, 3]  # the first series has one step
    with pytest.raises(TypeError, match="does not forecast"):
        ForecastDisplay.from_estimator(fit(SINES), SINES)
    with pytest.raises(ValueError, match="n_samples=0"):
        ForecastDisplay.from_estimator(est, RAGGED, n_samples=0)


def test_features_in_time():
    for encoder, stride in (("convnet", 1), ("strided", 4)):
        est = fit(encoder=encoder)
        steps = est.transform_steps(RAGGED)
        assert [h.shape for h in steps] == [(-(-x.shape[1] // stride), 64) for x in RAGGED]
        (alone,) = est.transform_steps(RAGGED[4:5])
        np.testing.assert_allclose(alone, steps[4], atol=1e-5)
    texts = ContrastivePretrainer(encoder="convnet", **FAST).fit(["a b c", "b c", "c a b a"] * 5)
    assert [len(h) for h in texts.transform_steps(["a b c", "b"])] == [5, 3]
    with pytest.raises(TypeError, match="Tabular has no positions in time"):
        ContrastivePretrainer(**FAST).fit(SINES).transform_steps(SINES)
    bag = ContrastivePretrainer(encoder="bag", **FAST).fit(["a b c", "b c", "c a b a"] * 5)
    with pytest.raises(ValueError, match="whole rows only"):
        bag.transform_steps(["a b"])


@pytest.mark.parametrize("name", ["convnet", "strided"])
def test_what_predicts_looks_back_to_the_start_of_the_longest_series(name):
    X = np.random.default_rng(0).normal(size=(2, 300))
    series = Series().fit(X)
    X[1] = X[0]
    X[1, 0] += 1
    net = series.encoder(name, None, causal=True).eval()
    with torch.no_grad():
        last = net.hidden(series.validate(X)[np.arange(2)]).h[:, -1]
    assert not torch.equal(last[0], last[1])
    assert len(series.encoder("strided", None, causal=True).norms) < len(
        series.encoder("convnet", None, causal=True).norms
    )
    assert len(series.encoder(name, None).norms) == 6  # of both sides, and pooled
    del series.reach_  # of an earlier version
    assert len(series.encoder(name, None, causal=True).norms) == 6


def test_a_causal_encoder_does_not_look_ahead_at_any_stride():
    series = Series().fit(RAGGED)
    x = series.validate(RAGGED)[np.array([6])]
    for name in series.encoders:
        net = series.encoder(name, None, causal=True).eval()
        with torch.no_grad():
            a, b = (net.hidden(batch).h for batch in (x, series.change_end(x)))
        assert torch.equal(a[:, :-1], b[:, :-1])


def test_siamese_and_masked_learn_series_and_a_network_of_ones_own_is_taken():
    for method in (SiamesePretrainer, MaskedPretrainer):
        assert np.isfinite(fit(method=method).transform(RAGGED)).all()
    net = TemporalConvNet(2, 6, width=8, depth=2)
    assert fit(encoder=net).transform(RAGGED).shape == (16, 6)
    with pytest.raises(ValueError, match="size=4 must be odd"):
        TemporalConvNet(2, size=4)


@pytest.mark.parametrize("spread", [False, True])
def test_features_are_pooled_over_the_positions_of_each_row(spread):
    h, lengths = torch.randn(2, 5, 3), (5, 3)
    h[1, 3:] = 100  # padding
    present = torch.arange(5) < torch.tensor(lengths)[:, None]
    found = StepPooling(1, 3, None, 0, spread).eval()([h], present, torch.zeros(2, 0))
    for row, length in enumerate(lengths):
        own = h[row, :length].double().numpy()
        first = own.std(0) if spread else own.max(0)
        expected = np.r_[first, (1 / (1 + np.exp(-4 * own))).mean(0)]
        np.testing.assert_allclose(found[row], expected / np.sqrt(1 + EPSILON), atol=1e-4)


@pytest.mark.parametrize("stride", [1, 2])
def test_changes_are_those_to_the_steps_that_follow(stride):
    rows = np.random.default_rng(0).normal(size=(3, 2, 40))
    rows[1, :, 30:] = np.nan  # a shorter one
    modality = Series(scale="global")
    store = modality.fit_validate(rows)
    x = store[np.arange(3)]
    hidden = TemporalConvNet(n_channels=2, depth=1, stride=stride).hidden(x)
    where, values = modality.changes(x, hidden)
    ahead = modality.steps_ahead * stride
    changes, known = (part.numpy().reshape(3, -1, ahead, 2) for part in values.chunk(2, dim=2))
    scaled = x.values.numpy()
    for row, end in enumerate([40, 30, 40]):
        for place in (0, 5, 29 // stride - 1, 29 // stride):
            last = (place + 1) * stride - 1
            following = scaled[row, last + 1 : end][:ahead]
            assert known[row, place].sum() == 2 * len(following)
            assert bool(where[row, place]) == bool(len(following))
            expected = following - scaled[row, last]
            np.testing.assert_allclose(changes[row, place, : len(following)], expected, atol=1e-6)


@pytest.mark.parametrize("dilation, pad", [(1, (1, 1)), (4, (8, 0))])
def test_convolutions_over_steps_are_those_of_one_dimension(dilation, pad):
    convolution = nn.Conv1d(3, 5, 3, dilation=dilation)
    h = torch.randn(2, 20, 3)
    expected = convolution(F.pad(h.transpose(1, 2), pad)).transpose(1, 2)
    torch.testing.assert_close(convolve(convolution, h, pad), expected)


def as_objects(rows):
    return np.array([None, *rows], dtype=object)[1:]


@pytest.mark.parametrize("container", [list, tuple, as_objects, pd.Series])
def test_a_pool_of_series_comes_in_any_container(container):
    rows = [np.random.default_rng(i).normal(size=(2, 9 + i % 3)) for i in range(20)]
    new = ContrastivePretrainer(modality=Series(), n_components=4, max_epochs=1, random_state=0)
    expected = clone(new).fit(rows).transform(rows)
    for first in (container(rows[:9]), rows[:9]):
        assert (clone(new).fit(first, X_unlabeled=container(rows[9:])).transform(rows) == expected).all()


def recurrent(n=60, length=250):
    """Return sums of two waves of random phases and sizes, whose next steps are linear in four before."""
    rng = np.random.default_rng(0)
    size, phase = rng.uniform(0.5, 1.5, (2, n, 2, 1)) * np.array([[[[1.0]]], [[[6.0]]]])
    steps = np.arange(length)
    return 5 + (size * np.sin(steps / np.array([[2.0], [5.0]]) + phase)).sum(1)


@pytest.mark.parametrize("encoder", ["convnet", "strided"])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_where_there_is_history_a_regression_forecasts(encoder, n_channels):
    X = recurrent() if n_channels == 1 else np.stack([recurrent(), recurrent()[::-1]], axis=1)
    est = fit(X, AutoregressivePretrainer, encoder=encoder, max_epochs=2)
    linear = est.net_.module_.linear
    assert linear.is_used and linear.variance.max() < 1e-2
    # the end of each row is its own truth: known so far, there is all history, and a little less history
    n_lags = linear.n_lags
    known = X[..., : n_lags + 4]
    np.testing.assert_allclose(est.predict(known, 20), X[..., n_lags + 4 : n_lags + 24], atol=0.2)
    np.testing.assert_allclose(est.predict(known[:1], 20), est.predict(known, 20)[:1], atol=1e-4)
    drawn = est.sample(known[0], 50, max_length=known.shape[-1] + 4, random_state=0)[..., -4:]
    assert drawn.std(0).max() < 0.3
    short = est.predict(X[..., : n_lags - 4], 1)
    linear.weight.zero_()
    assert np.array_equal(est.predict(X[..., : n_lags - 4], 1), short)
    assert not np.allclose(est.predict(known, 20), X[..., n_lags + 4 : n_lags + 24], atol=0.2)


def test_the_regression_against_numpy():
    rng = np.random.default_rng(0)
    before, weight = rng.normal(size=(400, 5)), rng.normal(size=(3, 5))
    truth = before @ weight.T + rng.normal(size=(400, 3))
    linear = LinearForecast(4, 3)
    linear.learn(before, np.zeros((400, 3)), truth, np.arange(400))
    D, T = before, truth
    solutions = [np.linalg.solve(D.T @ D + a * np.eye(5), D.T @ T).T for a in RIDGES]
    assert min(np.abs(linear.weight.numpy() - s).max() for s in solutions) < 1e-5
    assert linear.is_used and linear.variance.min() > 0.5 and linear.variance.max() < 2


@pytest.mark.parametrize("part, used", [(2, True), (4, False)])
def test_a_network_forecasts_if_it_is_far_better(part, used):
    """It has seen the rows: less than a third of the squared error is asked for."""
    before, truth = np.random.default_rng(0).normal(size=(2, 400, 3))
    linear = LinearForecast(2, 3)
    linear.learn(before, np.zeros((400, 3)), truth, np.arange(400))
    error = np.sqrt(float(linear.variance.mean()) / part)
    linear.learn(before, truth + error, truth, np.arange(400))
    assert linear.is_used == used
    linear.is_used.fill_(False)
    linear.learn(before[:9], truth[:9] + 9, truth[:9], np.arange(9))  # too few to say
    assert not linear.is_used


def test_windows_of_one_series_do_not_tell_how_sure_to_be():
    rng = np.random.default_rng(0)
    x = np.sin(np.arange(2600) / 3) + rng.normal(size=2600)
    X = np.lib.stride_tricks.sliding_window_view(x, 200)[:1800:6]
    est = fit(X, AutoregressivePretrainer, max_epochs=1)
    linear = est.net_.module_.linear
    new = np.lib.stride_tricks.sliding_window_view(x[2000:], linear.n_lags + 25)[::5]
    errors = (est.predict(new[:, :-24], 24) - new[:, -24:]) ** 2
    expected = float(linear.variance.mean()) * est.modality_.scale_[0] ** 2
    assert linear.is_used and 0.6 < expected / errors.mean() < 1.5


def test_forecasts_that_are_learned_from_are_spread_over_rows_and_channels():
    X = np.stack([recurrent(50), recurrent(50)[::-1]], axis=1)
    X[:, 1, 200:] = np.nan
    est = fit(X, AutoregressivePretrainer, max_epochs=0)
    store, objective = est.modality_.validate(X), est.net_.module_
    n_positions = 250 - 24 - objective.linear.n_lags
    for each in (1, 7, 1000):
        before, network, truth, rows = _examples(objective, store[np.arange(50)], each, np.arange(50) / 50)
        assert len(before) == len(network) == len(truth) == 50 * min(each, n_positions)  # of one channel
        assert len(np.unique(rows)) == 50
        ends = before[:, -1]  # the last step itself
        assert each < 1000 or len(np.unique(ends.numpy().round(4))) > 40 * n_positions
    one = _examples(objective, store[np.zeros(50, dtype=int)], 1, np.arange(50) / 50)[0]
    assert len(np.unique(one[:, -1].numpy())) == n_positions


def test_where_the_last_step_is_not_known_the_network_forecasts():
    X = np.stack([recurrent(), recurrent()[::-1]], axis=1)
    est = fit(X, AutoregressivePretrainer, max_epochs=1)
    linear = est.net_.module_.linear
    known = X[..., : linear.n_lags + 4].copy()
    known[:, 0, -1] = np.nan
    assert linear.is_used
    mixed = est.predict(known, 5)
    linear.is_used.fill_(False)
    network = est.predict(known, 5)
    assert np.array_equal(mixed[:, 0], network[:, 0]) and not np.allclose(mixed[:, 1], network[:, 1])


def test_later_rows_leave_the_regression_as_it_was():
    X = recurrent()
    est = AutoregressivePretrainer(modality=Series(), **FAST).partial_fit(X)
    weight = est.net_.module_.linear.weight.clone()
    assert weight.any() and torch.equal(est.partial_fit(X[:20] + 1).net_.module_.linear.weight, weight)


def test_lags_leave_room_for_what_follows():
    for longest in range(2, 2000):
        n_lags = number_of_lags(longest, 24)
        assert n_lags == 0 if longest < 57 else 24 <= n_lags <= 1024 and n_lags + 24 + 8 < longest
    assert number_of_lags(432, 24) == 383


def test_forecasts_of_an_earlier_version_are_those_of_the_network(tmp_path):
    est = fit(recurrent(), AutoregressivePretrainer, max_epochs=1)
    linear = est.net_.module_.linear
    del est.modality_.n_lags_
    assert est.modality_.linear_forecast(1) is None
    est.modality_.n_lags_ = linear.n_lags
    est.save(tmp_path)
    assert np.array_equal(load(tmp_path).predict(recurrent(3), 30), est.predict(recurrent(3), 30))
    linear.is_used.fill_(False)
    of_network = est.predict(recurrent(3), 2)
    del est.net_.module_.linear, est.modality_.n_lags_
    assert np.array_equal(est.predict(recurrent(3), 2), of_network)
    est.save(tmp_path / "earlier")
    assert np.array_equal(load(tmp_path / "earlier").predict(recurrent(3), 2), of_network)
