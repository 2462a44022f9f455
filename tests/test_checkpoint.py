"""A fit that is killed goes on from its checkpoint, and ends with the same bits."""

import copy
import json
import os
import pickle
import time
from collections import Counter

import numpy as np
import pytest
import safetensors.torch
import torch
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from skorch.callbacks import Callback, LRScheduler
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

from sklearn_ssl import (
    ContrastivePretrainer,
    DistillationClassifier,
    FineTuneClassifier,
    GANPretrainer,
    MaskedPretrainer,
    SiamesePretrainer,
    load,
)
from sklearn_ssl.modalities import Audio, Image, Tabular
from sklearn_ssl.persistence._files import digest_of_weights
from sklearn_ssl.training import weights_of

X, y = load_iris(return_X_y=True)
X, y = X[::3], y[::3]
IMAGES = load_digits().images[:40]
SOUNDS = [np.sin(np.arange(800) * (0.1 + 0.02 * i)) for i in range(40)]
TEXTS = ["a b c d e", "b c d e f g", "c d e f"] * 6
COMMON = {"max_epochs": 4, "batch_size": 20, "random_state": 0}
FITTED = FrozenEstimator(ContrastivePretrainer(n_components=4, **COMMON | {"max_epochs": 1}).fit(X))


class Killed(BaseException):
    """What no code expects."""


SEEN = []  # objectives, once for each epoch; callbacks are cloned


class Kill(Callback):
    """Ends the process, as far as a test can, in the middle of an epoch."""

    def __init__(self, epoch=-1):
        self.epoch = epoch

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        if training and len(net.history) == self.epoch:
            raise Killed

    def on_epoch_end(self, net, **kwargs):
        SEEN.append(type(net.module_).__name__)


def contrastive(**params):
    return ContrastivePretrainer(**{"n_components": 4, **COMMON, **params})


def stopping(**params):
    settings = {"early_stopping": True, "n_iter_no_change": 2, "lr": 0.3, "max_epochs": 9}
    return contrastive(**{**settings, **params})


def fine_tuner(**params):
    settings = {"tune": "all", "gradual_unfreezing": True, "lr": 1e-2, "alpha": 1.0, "max_epochs": 3}
    return FineTuneClassifier(**{"pretrainer": FITTED, **COMMON, **settings, **params})


CASES = {
    "contrastive": (contrastive, X),
    "early stopping": (stopping, X),
    "BYOL": (lambda **p: SiamesePretrainer(n_components=4, **COMMON, **p), X),
    "GAN": (lambda **p: GANPretrainer(n_components=2, **COMMON, **p), X),
    # their weights do not lie in memory in the order of their indices
    "GAN, images": (lambda **p: GANPretrainer(n_components=2, modality=Image(), **COMMON, **p), IMAGES),
    "contrastive, sounds": (lambda **p: contrastive(modality=Audio(sample_rate=8000), **p), SOUNDS),
    "masked, texts": (lambda **p: MaskedPretrainer(n_components=4, **COMMON, **p), TEXTS),
    "fine-tuning": (fine_tuner, X),
    "distillation": (
        lambda **p: DistillationClassifier(RandomForestClassifier(5), early_stopping=True, **COMMON, **p),
        X,
    ),
}


def fit(est, rows):
    return est.fit(rows, y) if hasattr(est, "predict") else est.fit(rows)


def killed(est, rows, epoch):
    """Fit an estimator, which is killed in an epoch; return the number of epochs that it saw."""
    SEEN.clear()
    with pytest.raises(Killed):
        fit(est.set_params(callbacks=[*(est.callbacks or []), Kill(epoch)]), rows)
    return len(SEEN)


def all_of(est):
    """Return all that a fit leaves, as bytes."""
    memory = est.net_.memory()
    parts = [*weights_of(est.net_.module_).values()]
    parts += [value for entry in memory.averages.values() for value in entry.values()]
    return [part.numpy().tobytes() for part in parts], est.history_, memory.settings


@pytest.mark.parametrize("name", CASES)
def test_resumed_is_uninterrupted(name, tmp_path):
    (new, rows), epoch = CASES[name], 3
    whole = fit(new(), rows)
    assert killed(new(checkpoint=tmp_path), rows, epoch) == epoch - 1
    resumed = fit(new(checkpoint=str(tmp_path)), rows)
    assert resumed.net_.n_resumed == epoch - 1
    assert all_of(resumed) == all_of(whole)
    again = fit(new(checkpoint=tmp_path), rows)
    assert again.net_.n_resumed == len(whole.history_) and all_of(again) == all_of(whole)


def test_killed_again_and_again(tmp_path):
    for epoch in (1, 2, 2, 4):
        killed(contrastive(checkpoint=tmp_path), X, epoch)
    assert all_of(contrastive(checkpoint=tmp_path).fit(X)) == all_of(contrastive().fit(X))


def test_early_stopping_is_not_trained_past(tmp_path):
    whole = stopping(lr=1e-6, checkpoint=tmp_path).fit(X)
    assert len(whole.history_) < 9  # or nothing is tested
    SEEN.clear()
    again = stopping(lr=1e-6, checkpoint=tmp_path, callbacks=[Kill()]).fit(X)
    assert not SEEN and all_of(again) == all_of(whole)


@pytest.mark.parametrize(
    "settings",
    [
        {"policy": "MultiStepLR", "milestones": [2, 3]},
        {"policy": "ReduceLROnPlateau", "monitor": "train_loss", "patience": 0, "threshold": 1.0},
        {"policy": OneCycleLR, "max_lr": 0.1, "total_steps": 20, "step_every": "batch"},
        {"policy": "LambdaLR", "lr_lambda": lambda epoch: 0.5**epoch},
    ],
    ids=lambda settings: str(settings["policy"]),
)
def test_schedules_go_on(settings, tmp_path):
    def new(**params):
        return contrastive(callbacks=[LRScheduler(**settings)], **params)

    whole = new().fit(X)
    killed(new(checkpoint=tmp_path), X, 3)
    assert all_of(new(checkpoint=tmp_path).fit(X)) == all_of(whole)


def test_callbacks_keep_what_they_counted(tmp_path):
    class Counting(Callback):
        def on_train_begin(self, net, **kwargs):
            self.seen_, self.unwritten_ = {"epochs": 0, "last": np.zeros(2)}, object()

        def on_epoch_end(self, net, **kwargs):
            self.seen_["epochs"] += 1
            self.seen_["last"][:] = len(net.history)

    killed(contrastive(checkpoint=tmp_path, callbacks=[Counting()]), X, 3)
    counter = Counting()
    contrastive(checkpoint=tmp_path, callbacks=[counter]).fit(X)
    assert counter.seen_["epochs"] == 4 and counter.seen_["last"].tolist() == [4, 4]


def test_other_trainings_are_refused(tmp_path):
    est = contrastive(checkpoint=tmp_path).fit(X)
    before = all_of(est)
    module = nn.Linear(4, 4)
    refused = {
        r"lr is 0.01, and was 0.001\.": ({"lr": 0.01}, X),
        r"random_state is 1, and was 0\.": ({"random_state": 1}, X),
        r"max_epochs is 5, and was 4": ({"max_epochs": 5}, X),
        "X has 49 rows, and had 50": ({}, X[1:]),
        r"X has other values\.": ({}, X * 2),  # which the network would not notice
        r"modality__clip is 2.0, and was not there": ({"modality": Tabular(clip=2.0)}, X),
        r'encoder is "Linear", and was "auto"\.': ({"encoder": module}, X),
    }
    for text, (params, rows) in refused.items():
        with pytest.raises(ValueError, match=f"is of another training: .*{text}.*delete the file"):
            copy.deepcopy(est).set_params(**params).fit(rows)
    with pytest.raises(ValueError, match="lr is"):
        est.set_params(lr=0.01).fit(X)
    assert all_of(est) == before  # a refusal changes nothing
    with pytest.raises(ValueError, match="is of ContrastivePretrainer, not of GANPretrainer"):
        GANPretrainer(checkpoint=tmp_path, n_components=4, **COMMON).fit(X)


def test_other_weights_and_targets_are_refused(tmp_path):
    kw = {"n_components": None, "checkpoint": tmp_path / "encoder"}
    module, other = nn.Linear(4, 4), nn.Linear(4, 4)
    contrastive(encoder=module, **kw).fit(X)
    assert contrastive(encoder=copy.deepcopy(module), **kw).fit(X).net_.n_resumed == 4
    with pytest.raises(ValueError, match="other weights, of the encoder"):
        contrastive(encoder=other, **kw).fit(X)
    tuner = fine_tuner(checkpoint=tmp_path / "tuner", max_epochs=1)
    tuner.fit(X, y)
    with pytest.raises(ValueError, match="y has other values"):
        tuner.fit(X, np.r_[y[1:], y[:1]])


def test_what_does_not_count(tmp_path):
    killed(contrastive(checkpoint=tmp_path), X, 2)
    settings = {"verbose": 1, "max_time": 1000.0, "on_collapse": "ignore", "warm_start": True}
    est = contrastive(checkpoint=tmp_path, **settings).fit(X.tolist())
    assert est.net_.n_resumed == 1 and all_of(est) == all_of(contrastive().fit(X))


def test_a_fit_whose_time_was_over_goes_on(tmp_path):
    class Sleep(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 2:
                time.sleep(0.5)

    limited = {"max_time": 0.5, "callbacks": [Sleep()]}
    assert len(contrastive(checkpoint=tmp_path, **limited).fit(X).history_) < 4
    assert all_of(contrastive(checkpoint=tmp_path).fit(X)) == all_of(contrastive().fit(X))


def test_a_search_keeps_a_file_for_each_training(tmp_path):
    def search(**params):
        SEEN.clear()
        ssl = contrastive(max_epochs=1, callbacks=[Kill()], **params)
        grid = {"ssl__lr": [1e-3, 1e-2]}
        return GridSearchCV(Pipeline([("ssl", ssl), ("svc", SVC())]), grid, cv=2).fit(X, y)

    scores = [search(**params).cv_results_["mean_test_score"] for params in ({}, {"checkpoint": tmp_path})]
    assert len(SEEN) == len([*tmp_path.iterdir()]) == 2 * 2 + 1  # settings, folds, and the best again
    again = search(checkpoint=tmp_path)
    assert not SEEN
    np.testing.assert_array_equal(scores, [again.cv_results_["mean_test_score"]] * 2)


def test_a_fine_tuner_goes_on_within_its_pretrainer(tmp_path):
    new = {"tune": "all", **COMMON | {"random_state": None}}  # the folder keeps a seed

    def tuner(epoch):
        callbacks = [Kill(epoch)]
        pretrainer = contrastive(random_state=None, callbacks=callbacks)
        return FineTuneClassifier(pretrainer, checkpoint=tmp_path, callbacks=callbacks, **new)

    SEEN.clear()
    with pytest.raises(Killed):
        tuner(3).fit(X, y)
    first = tuner(-1).fit(X, y)
    counts = Counter(SEEN)
    assert counts["ContrastiveObjective"] == counts["SoftCrossEntropy"] == 4  # none twice
    again = tuner(-1).fit(X, y)
    assert Counter(SEEN) == counts and all_of(again) == all_of(first)


def test_fits_that_continue(tmp_path):
    def fits(**params):
        est = contrastive(warm_start=True, **params).fit(X)
        return est, est.fit(X[5:])

    _, whole = fits()
    est = contrastive(warm_start=True, checkpoint=tmp_path).fit(X)
    killed(est, X[5:], 7)
    _, resumed = fits(checkpoint=tmp_path)
    assert resumed.net_.n_resumed == 2 and all_of(resumed) == all_of(whole)


def test_partial_fit_and_save_leave_it_out(tmp_path):
    est = contrastive(checkpoint=tmp_path / "run").partial_fit(X)
    assert not (tmp_path / "run").exists()
    est.save(tmp_path / "model")
    assert load(tmp_path / "model").checkpoint is None
    assert pickle.loads(pickle.dumps(est)).checkpoint == est.checkpoint


def test_half_a_file_is_ignored_and_removed(tmp_path):
    killed(contrastive(checkpoint=tmp_path), X, 3)
    fresh, old = (tmp_path / f"checkpoint.safetensors.{name}.new" for name in "ab")
    for half in (fresh, old):
        half.write_bytes((tmp_path / "checkpoint.safetensors").read_bytes()[:1000])
    os.utime(old, (0, 0))
    assert contrastive(checkpoint=tmp_path).fit(X).net_.n_resumed == 2
    assert fresh.exists() and not old.exists()  # another process may be writing the first


def cut(file):
    file.write_bytes(file.read_bytes()[:-100])


def flip(file):
    content = bytearray(file.read_bytes())
    content[-1000] ^= 1
    file.write_bytes(content)


def link(file):
    file.rename(file.with_name("other"))
    file.symlink_to("other")


def forge(file, text):
    """Put another description into a file, with the digest that goes with it."""
    with safetensors.torch.safe_open(str(file), framework="pt") as opened:
        tensors = {k: opened.get_tensor(k) for k in opened.keys()}  # noqa: SIM118
    config = json.loads(tensors["json"].numpy().tobytes())
    tensors["json"] = torch.tensor(list(text(config).encode()), dtype=torch.uint8)
    metadata = {"format": "1", "digest": digest_of_weights(tensors)}
    safetensors.torch.save_file(tensors, str(file), metadata)


def deep(file):
    forge(file, lambda config: "[" * 100_000)


def no_state(file):
    forge(file, lambda config: json.dumps({**config, "state": []}))


def other_network(file):
    def text(config):
        del config["state"]["weights"]["dict"][0]
        return json.dumps(config)

    forge(file, text)


def other_attributes(file):
    def text(config):
        for callback in config["state"]["callbacks"].values():
            callback["attributes"]["on_epoch_end"] = 3
        return json.dumps(config)

    forge(file, text)


def empty(file):
    file.write_bytes(b"")


@pytest.mark.parametrize("change", [cut, flip, link, deep, empty, no_state, other_network, other_attributes])
def test_damaged_files_are_refused(change, tmp_path):
    contrastive(checkpoint=tmp_path, max_epochs=1).fit(X)
    change(tmp_path / "checkpoint.safetensors")
    with pytest.raises(ValueError, match=r"checkpoint.safetensors is (damaged.*elete|a link)"):
        contrastive(checkpoint=tmp_path, max_epochs=1).fit(X)


def test_a_folder_that_cannot_be_one_is_refused_before_training(tmp_path):
    (tmp_path / "file").touch()
    SEEN.clear()
    with pytest.raises(ValueError, match="is a file, and must be a folder"):
        contrastive(checkpoint=tmp_path / "file", callbacks=[Kill()]).fit(X)
    assert not SEEN
    with pytest.raises(ValueError, match="checkpoint"):
        contrastive(checkpoint=3).fit(X)


def test_training_goes_on_where_the_disk_is_full(tmp_path, monkeypatch):
    class Full(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 2:  # the second has begun
                monkeypatch.setattr(safetensors.torch, "save_file", fail)

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    with pytest.warns(UserWarning, match="No space left.*Training goes on") as caught:
        est = contrastive(checkpoint=tmp_path, callbacks=[Full()]).fit(X)
    assert len(caught) == 1 and all_of(est) == all_of(contrastive().fit(X))
    monkeypatch.undo()
    assert contrastive(checkpoint=tmp_path).fit(X).net_.n_resumed == 1
