"""Whole fits on a device that says it is CUDA: nothing on two devices, and no batch that waits for the one before."""

import pickle
from itertools import count

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from fake_cuda import CUDA, Batches, TwoDevicesError, fake_cuda, is_on_cuda
from methods import CASES, KINDS, METHODS, Directions
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_ssl import (
    AutoregressivePretrainer,
    ContrastivePretrainer,
    DistillationClassifier,
    FineTuneClassifier,
    MaskedPretrainer,
    PredictiveCodingPretrainer,
    SegmentOrderPretrainer,
    SiamesePretrainer,
    load,
)
from sklearn_ssl.callbacks import OnlineProbe
from sklearn_ssl.modalities import Image, Tabular, Text
from sklearn_ssl.modalities.audio._views import resize
from sklearn_ssl.modalities.series import crop
from sklearn_ssl.training import (
    LabeledStore,
    ObjectiveNet,
    RandomStream,
    Rows,
    Selection,
    draw_one,
    move,
    resident,
    resolve_device,
    resolve_precision,
)
from sklearn_ssl.training._on_device import RowsOnDevice, on_device

N, BATCHES = 12, 3
TEXTS, IMAGES, MIXED = (KINDS[kind].X[:N] for kind in ("text", "image", "mixed"))
SHORT = Text(max_length=8)
MORE = {  # what the tables of methods.py do not have
    "bins": (MaskedPretrainer(target="bin"), Tabular(categorical_features=[0, 3]), MIXED),
    "changed cells": (MaskedPretrainer(mask_weight=1.0), Tabular(categorical_features=[0, 3]), MIXED),
    "sparse": (MaskedPretrainer(), Tabular(), sp.random(N, 9, 0.4, format="csr", random_state=0)),
    "changed patches": (MaskedPretrainer(mask_weight=1.0, visible_weight=0.0), Image(), IMAGES),
    "changed tokens": (MaskedPretrainer(mask_weight=1.0), SHORT, TEXTS),
    "all tokens": (MaskedPretrainer(mask_weight=1.0, visible_weight=1.0), SHORT, TEXTS),
    "k-mers": (MaskedPretrainer(), Text(analyzer="char", ngram_range=(3, 3), max_length=9, min_df=1), TEXTS),
    "subwords": (AutoregressivePretrainer(), Text(analyzer="subword", max_features=30, max_length=8), TEXTS),
    "byol of images": (SiamesePretrainer(), Image(), IMAGES),
    "byol of texts": (SiamesePretrainer(), SHORT, TEXTS),
    "few negatives": (PredictiveCodingPretrainer(n_negatives=2), SHORT, TEXTS),
    "parts of letters": (SegmentOrderPretrainer(), Text(analyzer="char", ngram_range=(2, 2)), TEXTS),
    "convolutions": (AutoregressivePretrainer(encoder="convnet"), SHORT, TEXTS),
    "bag": (ContrastivePretrainer(encoder="bag", n_components=8), SHORT, TEXTS),
}
EVERYTHING = {f"{m} {k}": (METHODS[m].estimator, KINDS[k].modality, KINDS[k].X[:N]) for m, k in CASES} | MORE
COVERED = {*EVERYTHING} - {*MORE} | {"changed cells", "changed tokens", "few negatives"}
# what a batch may wait for: the number of hidden positions, before the logits of a vocabulary are computed there
ONE_WAIT = ("masked text", "masked series", "masked audio", "changed tokens", "all tokens", "k-mers")


def names(of):
    return pytest.mark.parametrize("name", of)


def new(estimator, modality, **params):
    usual = {"random_state": 0, "batch_size": N // BATCHES, "max_epochs": 1, "device": "cuda"}
    return estimator.__sklearn_clone__().set_params(**{"modality": modality, **usual, **params})


def places(module):
    return {is_on_cuda(t) for t in (*module.parameters(), *module.buffers())}


def check_a_fit(name):
    estimator, modality, X = EVERYTHING[name]
    with fake_cuda() as device:
        before = device.generator.get_state(), torch.get_rng_state()
        stopping = {
            "early_stopping": True,
            "validation_fraction": 0.3,
        }  # two batches of training, one of validation
        est = new(estimator, modality, callbacks=[Batches()], precision="bfloat16", **stopping).fit(X)
        assert all(map(torch.equal, before, (device.generator.get_state(), torch.get_rng_state())))
        assert places(est.net_.module_) == {True} and not device.unrepeatable, device.unrepeatable
        n_waits = BATCHES * (name in ONE_WAIT)
        assert device.n_batches == BATCHES and device.waits_of_batches.total() == n_waits, (
            device.waits_of_batches
        )
        for method, once in ((est.transform, 1), (est.score, 1 + n_waits)):
            device.waits.clear()
            assert np.isfinite(method(X)).all()
            assert device.waits.total() == once, device.waits
        assert np.isfinite(est.score_samples(X[:2])).all()
        Z, pickled = est.transform(X), pickle.dumps(est.set_params(callbacks=None))
        again = pickle.loads(pickled)
        assert places(again.net_.module_) == {True}
        assert (again.transform(X) == Z).all()
    there = pickle.loads(pickled)  # where there is no CUDA
    assert places(there.net_.module_) == {False}
    np.testing.assert_allclose(there.transform(X), Z, atol=1e-5)


@names([pytest.param(n, marks=() if n in COVERED else pytest.mark.slow) for n in EVERYTHING])
def test_a_fit(name):
    check_a_fit(name)


@names(["masked tabular", "contrastive image", "predictive coding text"])
def test_seeds_bring_the_same_features_back(name):
    estimator, modality, X = EVERYTHING[name]
    with fake_cuda():
        fits = []
        for seed in (0, 0, 1):
            torch.rand(3, device="cuda")  # what others draw does not matter
            fits.append(new(estimator, modality, random_state=seed).fit(X).transform_views(X)[1])
        assert (fits[0] == fits[1]).all() and not (fits[0] == fits[2]).all()


@names(["contrastive image", "masked text"])
def test_rows_that_do_not_fit_on_the_device_come_batch_by_batch(name, monkeypatch):
    estimator, modality, X = EVERYTHING[name]
    with fake_cuda() as device:
        Z = new(estimator, modality).fit(X).transform(X)
        monkeypatch.setattr("sklearn_ssl.training._on_device.SHARE", 0.0)
        est = new(estimator, modality, callbacks=[Batches()]).fit(X)
        assert (est.transform(X) == Z).all()
        assert device.waits_of_batches.total() == BATCHES * (name in ONE_WAIT)


def test_rows_stay_on_the_device(monkeypatch):
    prepared = []
    rows = Rows(np.arange(90.0).reshape(-1, 1), lambda x: prepared.append(len(x)) or torch.from_numpy(x))
    pairs = LabeledStore(rows, torch.arange(90))
    words = KINDS["text"].modality.fit(TEXTS).validate(TEXTS)
    assert on_device(pairs, "cpu") is pairs
    with fake_cuda() as device:
        assert on_device(words, CUDA) is words  # of different lengths
        there = on_device(Selection(pairs, np.arange(90)[::-1]), CUDA)
        assert isinstance(there, RowsOnDevice) and len(there) == 90 and there.lengths is None
        prepared.clear(), device.waits.clear()
        for index in (np.array([89, 0, 41]), np.array([0, 7, 89])):
            found = there[index]
            assert found.device == CUDA and not device.waits
            assert (found.flatten().cpu().numpy() == 89 - index).all()
            assert (there.targets_at(index).numpy() == 89 - index).all()
            device.waits.clear()
        assert prepared == [3, 1]  # what is there is not prepared again
        few = on_device(rows, CUDA)
        assert isinstance(few, RowsOnDevice) and few.targets_at(index) is None
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (90 * 8 * 4 - 1, 0))
        assert on_device(rows, CUDA) is rows  # a quarter of what is free is too little


def test_copies_to_a_device_go_through_pinned_memory():
    with fake_cuda() as device:
        there = move(torch.zeros(3), CUDA)
        assert device.n_pinned == 1
        assert move(there, CUDA).device == CUDA and move(there, "cpu").device.type == "cpu"
        assert device.n_pinned == 1


def interrupted(call):
    """Return the method that runs an epoch, which breaks off in its n-th call."""
    run, calls = ObjectiveNet.run_single_epoch, count(1)

    def of_net(net, *args, **kwargs):
        if next(calls) == call:
            raise KeyboardInterrupt
        return run(net, *args, **kwargs)

    return of_net


@names(["masked text", "autoregressive series", "vae mixed"])
def test_everything_else_that_an_estimator_does(name, tmp_path, monkeypatch):
    estimator, modality, X = EVERYTHING[name]
    with fake_cuda():
        stopping = {"early_stopping": True, "validation_fraction": 0.4, "max_epochs": 2}
        est = new(estimator, modality, **stopping).fit(X)
        assert "valid_loss" in est.history_[-1]
        kept = {"checkpoint": tmp_path / "state", **stopping}
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(ObjectiveNet, "run_single_epoch", interrupted(3))  # in the second epoch
            new(estimator, modality, **kept).fit(X)
        again = new(estimator, modality, **kept).fit(X)
        assert again.net_.n_resumed == 1 and (again.transform(X) == est.transform(X)).all()
        est.partial_fit(X)
        assert np.isfinite(est.score_samples(X)).all()
        est.transform_views(X)
        if name == "vae mixed":
            est.inverse_transform(est.transform(X)), est.sample(3)
        elif name == "autoregressive series":
            est.predict(X[:3], horizon=2), est.sample(X[1], 2, max_length=14), est.transform_steps(X)
        est.save(tmp_path / "saved")
        Z, score = est.transform(X), est.score(X)
        assert (load(tmp_path / "saved").transform(X) == Z).all()
    there = load(tmp_path / "saved")
    np.testing.assert_allclose(there.transform(X), Z, atol=1e-5)
    if name == "autoregressive series":  # nothing is random in its loss
        assert there.score(X) == pytest.approx(score, rel=1e-5)


def test_texts_that_go_on():
    estimator, modality, X = EVERYTHING["autoregressive text"]
    with fake_cuda():
        est = new(estimator, modality).fit(X)
        assert len(est.sample("", 2, max_length=3)) == 2
        assert np.isfinite(est.score_samples(X[:4])).all()
        with pytest.warns(UserWarning, match="fresh weights"):
            est = new(ContrastivePretrainer(encoder=est.encoder_), modality).fit(
                [f"{text} more" for text in X]
            )
        assert places(est.net_.module_) == {True}


def test_features_are_fetched_before_the_device_is_full(monkeypatch):
    estimator, modality, X = EVERYTHING["contrastive tabular"]
    with fake_cuda() as device:
        est = new(estimator, modality).fit(X)
        Z = est.transform(X)
        monkeypatch.setattr("sklearn_ssl.training._features.HELD", 0)
        device.waits.clear()
        assert (est.transform(X) == Z).all() and device.waits.total() == BATCHES


@pytest.mark.parametrize(
    "kind, change",
    [
        ("text", Text.view),
        ("text", lambda modality, x: modality.permute_segments(x)[0]),
        ("series", lambda modality, x: crop(x, (0.3, 0.6))),
        ("audio", lambda modality, x: resize(x, 1.3, 0.1)),
    ],
    ids=["crop of texts", "parts of texts", "crop of series", "resized sound"],
)
def test_more_padding_changes_nothing(kind, change):
    modality = new(ContrastivePretrainer(), KINDS[kind].modality).modality.fit(KINDS[kind].X)
    x = modality.validate(KINDS[kind].X)[np.arange(N)]
    plain = RandomStream(0).run(change, modality, x)
    with fake_cuda() as device:
        there = RandomStream(0, CUDA).run(change, modality, move(x, CUDA))
        assert not device.waits
        there = move(there, "cpu")
    (values, *_), longest = plain, int(plain.lengths.max())
    assert torch.equal(plain.lengths, there.lengths) and values.shape[1] == longest < there[0].shape[1]
    assert torch.equal(values, there[0][:, :longest]) and (there[0][:, longest:] == 0).all()


@pytest.mark.parametrize("tune", ["head", "all"])
def test_classifiers(tune):
    X, y = KINDS["tabular"].X[::6], KINDS["tabular"].X[::6, 0] > 5.8
    with fake_cuda() as device:
        usual = {"device": "cuda", "random_state": 0, "max_epochs": 2, "batch_size": 8}
        start = new(ContrastivePretrainer(), Tabular(), callbacks=[OnlineProbe(X, y)]).fit(X)
        assert "probe_accuracy" in start.history_[0]
        tuned = FineTuneClassifier(start, tune=tune, callbacks=[Batches()], **usual).fit(X, y, X_unlabeled=X)
        assert tuned.predict_proba(X).shape == (25, 2)
        student = DistillationClassifier(
            make_pipeline(Directions(), LogisticRegression()), callbacks=[Batches()], **usual
        ).fit(X, y)
        assert places(tuned.net_.module_) == places(student.net_.module_) == {True}
        assert student.predict_proba(X).shape == (25, 2)
        assert device.n_batches and not device.waits_of_batches, device.waits_of_batches


def test_the_device_is_as_strict_as_cuda():
    with fake_cuda() as device:
        x, y = torch.randn(3, device="cuda"), torch.randn(3)
        with pytest.raises(TwoDevicesError):
            x + y
        with pytest.raises(TwoDevicesError):
            torch.rand(3, device="cuda", generator=torch.Generator())
        with pytest.raises(TypeError, match="cuda:0"):
            np.asarray(x)
        assert (
            (x + torch.tensor(2.0)).device == x[1:].device == x.cpu().to(x).device == CUDA
        )  # as a scalar may
        assert y.device == x.cpu().device == torch.device("cpu") and (x.cpu() == x.cpu()).all()
        device.waits.clear()
        float(x.sum()), x[x > 0], y.to("cuda"), torch.tensor([1.0], device="cuda"), x[[0, 1]], x.tolist()
        assert device.waits.total() == 6, device.waits
        x[x > 0] = 1.0
        y.to("cuda", non_blocking=True), x.sum(), torch.nn.functional.one_hot(x.long().clamp(0), 3)
        assert device.waits.total() == 6, device.waits
        with torch.autocast("cuda", torch.bfloat16):
            products = x[:, None] @ x[None]
            assert (
                products.dtype == torch.bfloat16 and torch.layer_norm(products, (3,)).dtype == torch.float32
            )


@pytest.mark.parametrize("capability, expected", [((7, 5), torch.float32), ((8, 0), torch.bfloat16)])
def test_precision_by_the_card(capability, expected):
    with fake_cuda(capability):
        assert resolve_precision("auto", CUDA) == expected


def test_cuda_is_the_current_device(monkeypatch):
    with fake_cuda():
        assert resolve_device("auto") == resolve_device("cuda") == CUDA
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
        assert resolve_device("cuda") == torch.device("cuda", 1)


@pytest.mark.parametrize("kind", ["mps", "xpu"])
def test_devices_that_are_not_seeded_are_refused(kind, monkeypatch):
    monkeypatch.setattr(torch, "empty", lambda *args, **kwargs: None)  # as if it were there
    with pytest.raises(ValueError, match=rf"device='{kind}' cannot be used here .*random_state"):
        resolve_device(kind)


def test_one_draw_has_the_bits_of_multinomial():
    chances = (torch.rand(9, 7) > 0.4) + 0.01
    drawn = RandomStream(0).run(torch.multinomial, chances, 1)
    assert torch.equal(RandomStream(0).run(draw_one, chances), drawn)


def test_what_is_resident_lives_as_long_as_its_array():
    with fake_cuda() as device:
        table = np.arange(3.0)
        there = resident(table, "cuda", torch.float32)
        assert resident(table, "cuda", torch.float32) is there and there.dtype == torch.float32
        del table
        assert resident(np.zeros(3), "cuda", torch.float32).sum() == 0
        assert resident(np.ones(3), "cuda", torch.float32).sum() == 3
        assert device.waits.total() == 2
