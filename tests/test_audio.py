"""Sound: waveforms as people have them, their spectrograms and views."""

import pickle
import warnings

import numpy as np
import pytest
import torch
from seeds import seeded
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklearn_ssl import (
    AutoencoderPretrainer,
    AutoregressivePretrainer,
    ContrastivePretrainer,
    MaskedPretrainer,
    PredictiveCodingPretrainer,
    SegmentOrderPretrainer,
    SiamesePretrainer,
    VAEPretrainer,
)
from sklearn_ssl.encoders import Frames
from sklearn_ssl.modalities import Audio
from sklearn_ssl.modalities.audio._input import Sound, waveform
from sklearn_ssl.modalities.audio._mel import frame_sizes, log_mel
from sklearn_ssl.modalities.audio._views import add_noise, change_gain, hide_bands, mix, resize

RATE = 8000
RNG = np.random.default_rng(0)
SMALL = Audio(sample_rate=RATE, n_bands=12)
FAST = {"max_epochs": 1, "random_state": 0, "precision": "float32", "n_components": 4}


def tone(frequency, seconds=0.3, rate=RATE, level=0.3):
    return level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


SOUNDS = [tone(200 + 80 * i, 0.1 + 0.02 * i) for i in range(12)]


def batch_of(modality, X):
    store = modality.fit_validate(X)
    return store[np.arange(len(store))]


def by_hand(wave, rate, n_bands, n_fft):
    """Return the log-mel spectrogram, one frame, one band and one frequency at a time."""
    size, hop = round(0.025 * rate), round(0.01 * rate)
    wave = np.concatenate([wave, np.zeros(max(0, size - len(wave)))])
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    window /= np.sqrt((window**2).sum())
    pitch = np.linspace(*(2595 * np.log10(1 + np.array([60, rate / 2]) / 700)), n_bands + 2)
    corners = 700 * (10 ** (pitch / 2595) - 1)
    out = []
    for start in range(0, len(wave) - size + 1, hop):
        frame = np.zeros(n_fft)
        frame[:size] = wave[start : start + size] * window
        power = [
            abs((frame * np.exp(-2j * np.pi * k * np.arange(n_fft) / n_fft)).sum()) ** 2
            for k in range(n_fft // 2 + 1)
        ]
        bands = np.zeros(n_bands)
        for band in range(n_bands):
            low, peak, high = corners[band : band + 3]
            for k, p in enumerate(power):
                f = k * rate / n_fft
                bands[band] += p * max(0, min((f - low) / (peak - low), (high - f) / (high - peak)))
        out.append(np.log(bands + 1e-7))
    return np.array(out)


@pytest.mark.parametrize("n_samples", [1, 199, 200, 290, 520])
def test_log_mel_is_that_of_a_loop(n_samples):
    wave = RNG.normal(size=n_samples)
    _, _, n_fft = frame_sizes(RATE, 0.025, 0.01, 6)
    found = log_mel(torch.tensor(wave[None], dtype=torch.float32), RATE, 0.025, 0.01, 6)[0]
    np.testing.assert_allclose(found, by_hand(wave, RATE, 6, n_fft), atol=1e-4)


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
def test_each_band_hears_its_own_tone(rate):
    """No band is empty, as short transforms would leave them, and pitch rises from band to band."""
    found = [
        int(
            log_mel(torch.tensor(tone(f, 0.1, rate)[None], dtype=torch.float32), rate, 0.025, 0.01, 64)[0]
            .mean(0)
            .argmax()
        )
        for f in (150, 300, 600, 1200, 2400, 3600)
    ]
    assert found == sorted(set(found))
    noise = torch.tensor(RNG.normal(size=(1, rate)), dtype=torch.float32)
    assert log_mel(noise, rate, 0.025, 0.01, 64).mean((0, 1)).min() > -3


WAVE = (0.5 * np.sin(np.arange(2000) / 7) * 32767).round().astype(np.int16)


@pytest.mark.parametrize(
    "row",
    [
        WAVE.astype(np.int32) * 65536,
        WAVE / 32768,
        (WAVE / 32768).astype(np.float32),
        np.stack([WAVE, WAVE]),
        np.stack([WAVE, WAVE], axis=1),
        WAVE[None],
        (RATE, WAVE),
        (WAVE / 32768, RATE),
        torch.tensor(WAVE),
        WAVE[::-1][::-1],
    ],
    ids=[
        "int32",
        "float64",
        "float32",
        "channels first",
        "last",
        "one channel",
        "scipy",
        "soundfile",
        "torch",
        "strides",
    ],
)
def test_all_forms_of_a_waveform_are_the_same_sound(row):
    audio = Audio(sample_rate=RATE, n_bands=12)
    expected = audio.fit_validate([WAVE, *SOUNDS])[np.array([0])].values
    assert torch.allclose(audio.validate([row])[np.array([0])].values, expected, atol=2e-3)


def test_integers_are_shares_of_full_scale():
    for dtype, values in {np.uint8: [0, 128, 192], np.int16: [-32_768, 0, 16_384]}.items():
        found = waveform(Sound(np.array(values, dtype), None), RATE)
        np.testing.assert_allclose(found, [-1, 0, 0.5])


def test_stereo_is_the_mean_of_its_channels():
    audio = Audio(sample_rate=RATE, n_bands=12).fit(SOUNDS)
    both = np.stack([SOUNDS[3], SOUNDS[3][::-1]])
    mean = audio.validate([both.mean(0)])[np.array([0])].values
    assert torch.equal(audio.validate([both])[np.array([0])].values, mean)
    assert torch.equal(audio.validate([both.T])[np.array([0])].values, mean)


def test_waveforms_of_another_rate_are_converted():
    audio = Audio(sample_rate=RATE, n_bands=12).fit(SOUNDS)
    same, other = (tone(700, 0.5, rate) for rate in (RATE, 22_050))
    a, b = (audio.validate([row])[np.array([0])] for row in (same, (22_050, other)))
    assert abs(a.lengths - b.lengths) <= 1
    steps = slice(2, int(b.lengths) - 3)
    torch.testing.assert_close(a.values[:, steps, 1:9], b.values[:, steps, 1:9], atol=0.2, rtol=0)
    wrong = audio.validate([other])[np.array([0])]
    assert wrong.lengths > 2 * a.lengths


def test_the_rate_may_come_with_the_rows():
    pairs = [(RATE, wave) for wave in SOUNDS]
    audio = Audio().fit(pairs)
    assert audio.sample_rate_ == RATE
    assert torch.equal(batch_of(Audio(), pairs).values, batch_of(Audio(sample_rate=RATE), SOUNDS).values)


def test_arrays_of_one_length_are_lists_of_rows():
    array = (0.1 * RNG.normal(size=(5, 900)) * 32767).astype(np.int16)
    a, b = (batch_of(Audio(sample_rate=RATE, n_bands=8), X) for X in (array, list(array)))
    assert torch.equal(a.values, b.values)


ODD = {
    "silence": np.zeros(2000),
    "constant": np.full(2000, 0.7),
    "clipped": np.sign(tone(300)),
    "one sample": np.array([0.3]),
    "loud": 1e6 * tone(300),
    "soft": 1e-9 * tone(300),
}


@pytest.mark.parametrize("method", [ContrastivePretrainer, MaskedPretrainer, PredictiveCodingPretrainer])
def test_odd_sounds_have_finite_features(method):
    est = method(modality=SMALL, on_collapse="ignore", **FAST)
    Z = est.fit([*SOUNDS, *ODD.values()]).transform(list(ODD.values()))
    assert np.isfinite(Z).all()
    other_scale = [ODD["loud"], ODD["soft"]]
    with pytest.warns(UserWarning, match="another scale"):
        assert np.isfinite(est.fit(SOUNDS).transform(other_scale)).all()
    for name in ("silence", "one sample"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # there may be nothing to predict
            assert np.isfinite(est.fit_transform([ODD[name]] * 3 + SOUNDS[:1])).all()


def test_features_do_not_depend_on_other_rows():
    """Short rows are padded to the length of long ones, and that changes nothing."""
    rows = [*SOUNDS, tone(300, 3.0), np.array([0.1]), np.zeros(50)]
    for method in (ContrastivePretrainer, PredictiveCodingPretrainer):
        est = method(modality=SMALL, **{**FAST, "n_components": None}).fit(rows)
        together = est.transform(rows)
        alone = np.concatenate([est.transform([row]) for row in rows])
        np.testing.assert_allclose(together, alone, atol=1e-5)


def test_spectrograms_that_are_not_kept_are_the_same(monkeypatch):
    est = ContrastivePretrainer(modality=SMALL, **FAST)
    Z = est.fit_transform(SOUNDS)
    monkeypatch.setattr("sklearn_ssl.modalities.audio._store.IN_MEMORY", 0)
    assert np.array_equal(est.fit_transform(SOUNDS), Z)


BAD = {
    "names": (["a.wav", "b.wav"], TypeError, "soundfile.read"),
    "texts": (["yes", "no"], TypeError, "waveforms, and X holds texts"),
    "a name": ("a.wav", TypeError, "soundfile.read"),
    "one waveform": (tone(300), ValueError, r"pass \[X\]"),
    "numbers": ([0.1, 0.2], ValueError, "list of numbers"),
    "empty": ([*SOUNDS, np.array([])], ValueError, "Waveform 12 of X is empty"),
    "complex": ([np.exp(1j * SOUNDS[0])], TypeError, "real numbers.*complex128"),
    "booleans": ([SOUNDS[0] > 0], TypeError, "real numbers.*bool"),
    "int64": ([[1, 2, 3, 4]], TypeError, "got int64. Cast integers"),
    "objects": ([np.array([None, 1.0])], TypeError, "real numbers.*object"),
    "dates": ([np.array(["2020-01-01"], "datetime64[D]")], TypeError, "real numbers"),
    "NaN": ([np.array([0.1, np.nan])], ValueError, "contains NaN or infinity"),
    "many channels": ([RNG.normal(size=(5, 300))], ValueError, r"shape \(5, 300\).*one or two channels"),
    "ragged channels": ([[np.zeros(5), np.zeros(6)]], ValueError, "differ in length"),
    "no rows": ([], ValueError, r"0 sample\(s\)"),
    "None": (None, TypeError, "list of waveforms, got NoneType"),
    "rate 0": ([(0, SOUNDS[0])], ValueError, "from 100 to 1000000, got 0"),
    "half a rate": ([(8000.5, SOUNDS[0])], TypeError, "rate of waveform 0 must be an integer"),
}


@pytest.mark.parametrize("X, error, words", BAD.values(), ids=BAD)
def test_what_is_no_sound_is_refused_in_our_words(X, error, words):
    with pytest.raises(error, match=f"(?s){words}"):
        SMALL.fit(X)
    with pytest.raises(error, match=f"(?s){words}"):
        Audio(sample_rate=RATE, n_bands=12).fit(SOUNDS).validate(X)


def test_another_scale_than_in_fit_is_told():
    audio = Audio(sample_rate=RATE, n_bands=12).fit(SOUNDS)
    for factor in (32_768, 1 / 32_768):
        with pytest.warns(UserWarning, match="largest sample of X.*another scale"):
            audio.validate([factor * SOUNDS[0]])
    audio.validate([0 * SOUNDS[0]])  # silence is no error


def test_rates_that_are_not_known_are_asked_for():
    with pytest.raises(ValueError, match=r"rate of the waveforms is not known. Pass Audio\(sample_rate"):
        Audio().fit(SOUNDS)
    with pytest.raises(ValueError, match=r"have the rates \[8000, 9000\]"):
        Audio().fit([(8000, SOUNDS[0]), (9000, SOUNDS[1])])
    for rate in (0, -1, 8000.0, "8000", True, 44, 10**7):
        with pytest.raises(ValueError, match="sample_rate"):
            Audio(sample_rate=rate).fit(SOUNDS)


LOGS = RNG.normal(-5, 2, size=(6, 20, 8)).astype(np.float32)
MEAN, SCALE = torch.linspace(-6, -4, 8), torch.linspace(1, 3, 8)
LENGTHS = torch.tensor([20, 20, 12, 7, 1, 20])


def frames():
    observed = (torch.arange(20) < LENGTHS[:, None])[:, :, None].expand(6, 20, 8)
    values = ((torch.from_numpy(LOGS) - MEAN) / SCALE).masked_fill(~observed, 0)
    return Frames(values, observed, LENGTHS, torch.zeros(6, 0))


def logs_of(x):
    return x.values * SCALE + MEAN


VIEWS = {
    "gain": lambda x: change_gain(x, SCALE, 6.0),
    "noise": lambda x: add_noise(x, MEAN, SCALE, 10.0),
    "mixing": lambda x: mix(x, MEAN, SCALE, 0.4),
    "stretch": lambda x: resize(x, 1.5, 0.2),
    "band mask": lambda x: hide_bands(x, 0.5),
}


@pytest.mark.parametrize("change", VIEWS.values(), ids=VIEWS)
def test_views_change_sounds_and_leave_padding_alone(change):
    x = frames()
    with seeded(0):
        out = change(x)
    assert (out.values[~out.observed] == 0).all()
    here = torch.arange(out.values.shape[1]) < out.lengths[:, None]
    assert not out.observed[~here].any()
    assert out.lengths.min() >= 1
    assert out.values.isfinite().all()
    n = min(out.values.shape[1], 20)
    assert (out.values[:, :n] != x.values[:, :n]).any((1, 2)).sum() >= 4
    assert torch.equal(x.values, frames().values)


def test_gain_is_in_decibels_of_all_bands():
    x = frames()
    with seeded(0):
        change = logs_of(change_gain(x, SCALE, 6.0)) - logs_of(x)
    change = 10 * change / np.log(10)
    assert change.abs().max() < 6 + 1e-4
    torch.testing.assert_close(change[0], change[0, :, :1].expand(20, 8), atol=1e-4, rtol=0)
    steps = change[0, 1:, 0] - change[0, :-1, 0]  # a fade is a line
    torch.testing.assert_close(steps, steps[:1].expand(19), atol=1e-4, rtol=0)


def test_mixed_power_lies_between_that_of_two_sounds():
    x = frames()
    with seeded(1):
        mixed = logs_of(mix(x, MEAN, SCALE, 0.4)).exp()
    with seeded(1):
        other = torch.randperm(6)
        share = 0.4 * torch.rand(6, 1, 1)
    power = logs_of(x).exp()
    both = x.observed & x.observed[other]
    expected = torch.where(both, (1 - share) * power + share * power[other], power)
    torch.testing.assert_close(mixed[x.observed], expected[x.observed], rtol=1e-3, atol=1e-6)


def test_noise_is_below_the_sound_by_so_many_decibels():
    x = frames()
    with seeded(0):
        added = logs_of(add_noise(x, MEAN, SCALE, 10.0)).exp() - logs_of(x).exp()
    for row in range(6):
        n = LENGTHS[row]
        ratio = logs_of(x)[row, :n].exp().mean() / added[row, :n].mean()
        assert 6 < 10 * np.log10(ratio.item()) < 50


def test_stretching_keeps_both_ends_and_what_is_linear():
    at = torch.arange(20.0)[None, :, None] + torch.zeros(200, 20, 8)
    observed = torch.ones_like(at, dtype=torch.bool)
    x = Frames(at, observed, torch.full((200,), 20), torch.zeros(200, 0))
    with seeded(0):
        out = resize(x, 1.5, 0.0)
    speed = out.values[:, 1, 0]
    assert 1 / 1.5 - 1e-4 < speed.min() < 0.75 < 1.3 < speed.max() < 1.5 + 1e-4
    assert torch.equal(out.lengths, (19 / speed + 1e-4).floor().long() + 1)
    for row in range(200):
        n = out.lengths[row]
        torch.testing.assert_close(out.values[row, :n, 0], speed[row] * torch.arange(n), atol=1e-3, rtol=0)


def test_bands_move_by_no_more_than_they_may():
    bands = torch.arange(8.0).expand(200, 20, 8)
    x = Frames(bands, torch.ones(200, 20, 8, dtype=torch.bool), torch.full((200,), 20), torch.zeros(200, 0))
    with seeded(0):
        out = resize(x, 1.0, 0.3).values[:, 0]
    assert (out - torch.arange(8.0)).abs().max() < 0.3 * 7 + 1e-4
    assert (out - torch.arange(8.0)).abs().max() > 1.8
    assert (out.diff(dim=1) >= 0).all()


@pytest.mark.parametrize(
    "method",
    [
        SiamesePretrainer,
        AutoregressivePretrainer,
        SegmentOrderPretrainer,
        AutoencoderPretrainer,
        VAEPretrainer,
    ],
)
def test_methods_take_sounds_and_pairs_of_rate_and_sound(method):
    est = method(modality=SMALL, on_collapse="ignore", **FAST).fit([(RATE, wave) for wave in SOUNDS])
    Z = est.transform(SOUNDS)
    assert Z.shape == (12, 4)
    assert np.isfinite(Z).all()
    assert not hasattr(est, "n_features_in_")
    assert np.isfinite(est.score(SOUNDS))


def test_features_in_time_come_every_four_frames():
    est = ContrastivePretrainer(modality=SMALL, **FAST).fit(SOUNDS)
    frames = [1 + (len(wave) - 200) // 80 for wave in SOUNDS]
    assert [len(h) for h in est.transform_steps(SOUNDS)] == [-(-n // 4) for n in frames]


def test_autoencoders_give_spectrograms_back():
    est = AutoencoderPretrainer(modality=SMALL, **{**FAST, "max_epochs": 40, "lr": 3e-3}).fit(SOUNDS)
    back = est.inverse_transform(est.transform(SOUNDS))
    assert all(rows.ndim == 2 and rows.shape[1] == 12 for rows in back)
    store = est.modality_.validate(SOUNDS)
    errors = [np.abs(rows[:5] - store.raw(i)[:5]).mean() for i, rows in enumerate(back)]
    assert np.mean(errors) < np.abs(store.raw(0)[:5] - est.modality_.mean_).mean()
    with pytest.raises(ValueError, match="target='bin' is not known to Audio"):
        est.modality_.decoder(4, "bin")


def test_a_fitted_audio_pickles_and_takes_the_same_rows():
    est = ContrastivePretrainer(modality=SMALL, **FAST).fit(SOUNDS)
    again = pickle.loads(pickle.dumps(est))
    assert np.array_equal(again.transform(SOUNDS), est.transform(SOUNDS))


def test_torchs_default_dtype_does_not_matter_to_sounds():
    X = [np.random.default_rng(i).normal(size=2000) for i in range(4)]
    new = ContrastivePretrainer(
        modality=Audio(sample_rate=8000), n_components=4, max_epochs=1, random_state=0
    )
    expected = clone(new).fit(X).transform(X)
    torch.set_default_dtype(torch.float64)
    try:
        assert (new.fit(X).transform(X) == expected).all()
    finally:
        torch.set_default_dtype(torch.float32)


def test_networks_of_sound_by_method_and_those_of_earlier_versions():
    new = Audio(sample_rate=4000)
    new.fit(SOUNDS)
    assert new.auto_encoder(True) == "spectrogram" and new.auto_encoder(False) == "auto"
    assert new.encoder("auto", None).pooling.spread
    del new.spread_  # as it is where an earlier version has saved it
    new.check_fitted()
    assert new.auto_encoder(True) == "auto" and not new.encoder("auto", None).pooling.spread
    networks = {
        type(method(modality=SMALL, **{**FAST, "max_epochs": 0}).fit(SOUNDS).encoder_).__name__
        for method in (ContrastivePretrainer, SiamesePretrainer)
    }
    assert networks == {"SpectrogramConvNet"}
    masked = MaskedPretrainer(modality=SMALL, **{**FAST, "max_epochs": 0}).fit(SOUNDS)
    assert masked.encoder_.pooling.spread
    new.spread_ = 1
    with pytest.raises(ValueError, match="spread_ of Audio must be True or False"):
        new.check_fitted()
