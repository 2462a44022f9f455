"""Networks that see the samples of sound: their features, views and targets."""

import pickle

import numpy as np
import pytest
import torch
from fake_cuda import fake_cuda
from seeds import seeded

from sklearn_ssl import (
    AutoencoderPretrainer,
    AutoregressivePretrainer,
    ContrastivePretrainer,
    MaskedPretrainer,
    PredictiveCodingPretrainer,
    SegmentOrderPretrainer,
    SiamesePretrainer,
    load,
)
from sklearn_ssl.encoders import (
    Frames,
    SpectrogramConvNet,
    WaveformConvNet,
    blueprint,
    rebuilt,
    stages_of,
)
from sklearn_ssl.modalities import Audio
from sklearn_ssl.modalities.audio._waves import add_hiss, change_speed, fade, folded, mix_waves, step_of

RATE, STEP = 8000, 80
RAW = Audio(sample_rate=RATE, n_bands=8, front_end="waveform")
FAST = {"max_epochs": 1, "random_state": 0, "precision": "float32", "batch_size": 8, "on_collapse": "ignore"}


def tone(frequency, seconds=0.3, level=0.3):
    return level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)


SOUNDS = [tone(200 + 80 * i, 0.1 + 0.02 * i) for i in range(10)]
ODD = [
    np.zeros(2000),
    np.full(900, 0.7),
    np.sign(tone(300)),
    np.array([0.3]),
    np.zeros(STEP),
    tone(300, 1.5),
    1e6 * tone(300),
]


def small(**params):
    return WaveformConvNet(STEP, (0.05, 0.1, 0.2, 0.4), **{"size": 200, "width": 8, "depth": 2, **params})


@pytest.mark.parametrize("rate, hop, step", [(16_000, 0.01, 160), (44_100, 0.01, 448), (100, 0.01, 16)])
def test_steps_are_of_about_a_hop_and_fill_up_with_zeros(rate, hop, step):
    assert step_of(rate, hop) == step
    wave = np.arange(1.0, 2 * step, dtype=np.float32)
    rows = folded(wave, step)
    assert rows.shape == (2, step) and rows[1, -1] == 0
    assert (rows.ravel()[:-1] == wave).all()


def test_features_come_at_the_rate_of_the_encoder_and_depend_on_no_other_row():
    rows = [*SOUNDS[::4], *ODD]
    with pytest.warns(UserWarning, match="another scale"):
        for method in (PredictiveCodingPretrainer, ContrastivePretrainer):
            est = method(modality=RAW, encoder=small(causal=True), **FAST).fit(SOUNDS)
            together, steps = est.transform(rows), est.transform_steps(rows)
            assert np.isfinite(together).all()
            some = [0, 3, 6, 7]  # of unlike lengths
            alone = np.concatenate([est.transform([rows[i]]) for i in some])
            np.testing.assert_allclose(together[some], alone, atol=1e-5)
            counts = [-(-len(row) // STEP) for row in rows]
            assert [len(h) for h in steps] == [-(-n // 4) for n in counts]
            np.testing.assert_allclose(steps[0], est.transform_steps(rows[:1])[0], atol=1e-5)


@pytest.mark.parametrize("X", [ODD[:1] * 4, ODD[1:2] * 4, ODD[:5]], ids=["silence", "constant", "odd ones"])
def test_odd_sounds_can_be_learned_from(X):
    est = PredictiveCodingPretrainer(modality=RAW, encoder=small(causal=True), **FAST).fit(X)
    assert np.isfinite(est.transform(X)).all()


@pytest.mark.parametrize(
    "method",
    [SiamesePretrainer, MaskedPretrainer, AutoregressivePretrainer, SegmentOrderPretrainer],
)
def test_methods_learn_from_samples(method):
    est = method(modality=RAW, encoder=small(causal=method is AutoregressivePretrainer), **FAST).fit(SOUNDS)
    assert np.isfinite(est.transform(SOUNDS)).all() and np.isfinite(est.score(SOUNDS))


def test_waveforms_are_not_decoded():
    with pytest.raises(TypeError, match=r"no decoder of waveforms.*front_end='log-mel'"):
        AutoencoderPretrainer(modality=RAW, **FAST).fit(SOUNDS)
    with pytest.raises(ValueError, match=r"needs Audio.front_end='log-mel'"):
        ContrastivePretrainer(modality=RAW, encoder="spectrogram", **FAST).fit(SOUNDS)
    with pytest.raises(ValueError, match=r"front_end.*'waveform'"):
        Audio(front_end="raw").fit(SOUNDS)


def test_what_is_predicted_are_the_spectrograms_of_a_fit_on_them():
    raw, mel = (Audio(sample_rate=RATE, n_bands=8, front_end=f) for f in ("waveform", "log-mel"))
    x, y = (audio.fit_validate(SOUNDS)[np.arange(4)] for audio in (raw, mel))
    np.testing.assert_allclose(raw.mean_, mel.mean_)
    found = raw.targets(x)
    assert found.values.shape == (4, x.values.shape[1], 8)
    for row, n in enumerate(y.lengths - 2):  # the last windows reach beyond the end
        torch.testing.assert_close(found.values[row, :n], y.values[row, :n], atol=1e-3, rtol=1e-3)
    assert not found.values[~x.present()].any()
    for a, b in zip(raw.spectrograms(SOUNDS), mel.spectrograms(SOUNDS), strict=True):
        np.testing.assert_array_equal(a, b)


PLANE = Audio(sample_rate=RATE, n_bands=10)


@pytest.mark.parametrize(
    "method", [ContrastivePretrainer, MaskedPretrainer, PredictiveCodingPretrainer, SegmentOrderPretrainer]
)
def test_methods_learn_from_the_plane_of_time_and_bands(method):
    est = method(modality=PLANE, encoder="spectrogram", **FAST).fit(SOUNDS)
    rows = [*SOUNDS[:3], *ODD[:-1]]
    together = est.transform(rows)
    assert np.isfinite(together).all()
    np.testing.assert_allclose(
        together[2:4], np.concatenate([est.transform([r]) for r in rows[2:4]]), atol=1e-5
    )
    frames = [1 + max(0, len(row) - 200) // 80 for row in rows]
    assert [len(h) for h in est.transform_steps(rows)] == [-(-n // 4) for n in frames]


@pytest.mark.parametrize("modality, name", [(RAW, "auto"), (PLANE, "spectrogram")], ids=["samples", "plane"])
def test_a_saved_estimator_and_a_pickled_one_give_the_same_features(modality, name, tmp_path):
    est = PredictiveCodingPretrainer(modality=modality, encoder=name, n_components=4, **FAST).fit(SOUNDS)
    Z = est.transform(SOUNDS)
    est.save(tmp_path / "raw")
    for again in (load(tmp_path / "raw"), pickle.loads(pickle.dumps(est))):
        assert np.array_equal(again.transform(SOUNDS), Z)


ENCODERS = {
    "long filters": (WaveformConvNet(8, (0.1, 0.2), 3, size=20, width=6, depth=1, stride=2, causal=True), 8),
    "short filters": (WaveformConvNet(8, (0.1, 0.2), size=5, width=6, depth=1, stride=2, causal=True), 8),
    "plane": (SpectrogramConvNet(12, 3, width=4, depth=1, n_hidden=5), 12),
    "odd bands": (SpectrogramConvNet(7, width=4, depth=2, n_hidden=5), 7),
}


@pytest.mark.parametrize("encoder, width", ENCODERS.values(), ids=ENCODERS)
def test_encoders_of_sound_are_built_anew_and_look_back_only(encoder, width):
    encoder.eval()
    tensors = {}
    again = rebuilt(blueprint(encoder, tensors, "x"), tensors)
    values = torch.randn(2, 12, width)
    lengths = torch.tensor([12, 5])
    here = (torch.arange(12) < lengths[:, None])[:, :, None].expand_as(values)
    x = Frames(values.masked_fill(~here, 0), here, lengths, torch.zeros(2, 0))
    assert str(again) == str(encoder) and torch.equal(again(x), encoder(x))
    assert blueprint(again, {}, "x") == blueprint(encoder, {}, "x")
    later = x._replace(values=torch.cat([x.values[:, :8], here[:, 8:] * torch.randn(2, 4, width)], dim=1))
    n = encoder.hidden(x).h.shape[1] * 8 // 12
    torch.testing.assert_close(encoder.hidden(later).h[:, :n], encoder.hidden(x).h[:, :n])
    short = Frames(x.values[1:, :5], here[1:, :5], lengths[1:], torch.zeros(1, 0))
    torch.testing.assert_close(encoder(short), encoder(x)[1:], atol=1e-5, rtol=1e-5)
    parts = {id(p) for stage in stages_of(encoder) for p in stage.parameters()}
    assert parts == {id(p) for p in encoder.parameters()}


def test_filters_hear_the_power_at_their_frequency():
    x = Audio(sample_rate=RATE, front_end="waveform").fit_validate([tone(800, 0.5), tone(1600, 0.5)])
    encoder = WaveformConvNet(STEP, (0.1, 0.2, 0.3), size=200).eval()
    frames = encoder.frames(x[np.arange(2)])
    power = frames.values[:, 10:40].mean(1)
    assert power.argmax(1).tolist() == [0, 1]
    gauss = np.exp(-0.5 * ((np.arange(200) - 99.5) / (0.18 * 200)) ** 2)
    expected = gauss.sum() ** 2 / (gauss**2).sum() / 2  # of a wave whose mean square is one
    torch.testing.assert_close(power.amax(1).exp(), torch.full((2,), expected).float(), rtol=0.02, atol=0)
    with pytest.raises(ValueError, match="steps of 80 samples, and those of the batch have 64"):
        encoder(x[np.arange(2)]._replace(values=torch.zeros(2, 3, 64)))


def test_hidden_steps_are_hidden():
    x = RAW.fit_validate(SOUNDS)[np.arange(4)]
    encoder = small()
    with seeded(0):
        hidden, mask = RAW.mask(x, 0.5)
    assert mask.any() and not hidden.values[mask].any()
    frames = encoder.frames(hidden)
    assert not frames.values[mask].any() and not frames.observed[mask].any()


LENGTHS = torch.tensor([9, 9, 4, 1])


def batch():
    here = (torch.arange(9) < LENGTHS[:, None])[:, :, None].expand(4, 9, 16)
    values = torch.randn(4, 9, 16, generator=torch.Generator().manual_seed(0))
    return Frames(values.masked_fill(~here, 0), here, LENGTHS, torch.zeros(4, 0))


def power(x):
    return x.values.square().sum((1, 2)) / x.observed.sum((1, 2))


VIEWS = {
    "mixing": lambda x: mix_waves(x, 0.5),
    "gain": lambda x: fade(x, 6.0),
    "noise": lambda x: add_hiss(x, 10.0),
    "speed": lambda x: change_speed(x, 1.3),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_change_samples_and_leave_padding_alone(name):
    x = batch()
    with seeded(1):
        out = VIEWS[name](x)
    here = torch.arange(out.values.shape[1]) < out.lengths[:, None]
    assert (out.values[~here] == 0).all() and not out.observed[~here].any()
    assert out.values.isfinite().all() and out.lengths.min() >= 1
    n = min(9, out.values.shape[1])
    assert (out.values[:, :n] != x.values[:, :n]).any((1, 2)).sum() >= 3
    assert torch.equal(x.values, batch().values)


def test_views_are_as_strong_as_they_are_said_to_be():
    x = batch()
    with seeded(0):
        louder = 10 * torch.log10(fade(x, 6.0).values / x.values)[x.observed] * 2
        hiss = power(x._replace(values=add_hiss(x, 10.0).values - x.values)) / power(x)
    assert 1 < louder.abs().max() <= 6 + 1e-3
    assert (hiss < 0.2).all() and (hiss > 1e-5).all()
    steps = torch.arange(9.0 * 16).view(1, 9, 16).expand(50, 9, 16)
    line = Frames(steps, torch.ones(50, 9, 16).bool(), torch.full((50,), 9), torch.zeros(50, 0))
    with seeded(0):
        out = change_speed(line, 1.3)
    speed = out.values[:, 0, 1]
    assert 1 / 1.3 - 1e-4 < speed.min() < 0.9 < 1.1 < speed.max() < 1.3 + 1e-4
    assert torch.equal(out.lengths, (9 / speed + 1e-4).floor().long())


def test_a_fit_on_a_device_waits_for_nothing():
    with fake_cuda() as device:
        X = SOUNDS[:8]
        for est in (PredictiveCodingPretrainer(), ContrastivePretrainer()):
            est.set_params(
                modality=RAW, encoder=small(causal=True), device="cuda", **{**FAST, "batch_size": 4}
            ).fit(X)
            assert not device.unrepeatable, device.unrepeatable
            device.waits.clear()
            assert np.isfinite(est.transform(X)).all()
            assert device.waits.total() == 1, device.waits
