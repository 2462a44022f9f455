"""The net: callbacks, early stopping, Ctrl-C, progress, precision, threads."""

import copy
import pickle
import subprocess
import sys
import threading

import joblib
import numpy as np
import pytest
import torch
from methods import Drifting
from seeds import seeded
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, LRScheduler, PrintLog
from torch import nn

from sklearn_ssl import ContrastivePretrainer, load
from sklearn_ssl.base import Objective, Pretrainer
from sklearn_ssl.training import (
    BatchLoader,
    EagerAdamW,
    LabeledStore,
    Rows,
    Selection,
    Step,
    Targets,
    hold_out,
    resolve_precision,
)
from sklearn_ssl.training._saved import _count as count

X = load_iris().data


def new(**params):
    return ContrastivePretrainer(**{"max_epochs": 3, "batch_size": 50, "random_state": 0, **params})


def weights(estimator):
    return [p.detach().clone() for p in estimator.encoder_.parameters()]


class Recorder(Callback):
    def __init__(self):
        self.events = []

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.events.append("begin")

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        self.events.append(net.history[-1, "train_loss"])

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        assert batch[0].shape[1] == 4
        self.events.append("batch")

    def on_train_end(self, net, X=None, y=None, **kwargs):
        self.events.append("end")


class CtrlC(Callback):
    """Press Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


def test_skorch_callbacks_are_called():
    recorder = Recorder()
    est = new(callbacks=[recorder]).fit(X)
    losses = [row["train_loss"] for row in est.history_]
    batches = ["batch"] * 3
    assert recorder.events == [
        "begin", *batches, losses[0], *batches, losses[1], *batches, losses[2], "end"
    ]  # fmt: skip


def test_learning_rate_schedules_of_skorch_work():
    plain = new().fit(X)
    scheduled = new(callbacks=[("lr", LRScheduler("StepLR", step_size=1, gamma=0.1))]).fit(X)
    assert scheduled.history_[0]["train_loss"] == plain.history_[0]["train_loss"]
    assert scheduled.history_[2]["train_loss"] != plain.history_[2]["train_loss"]
    assert scheduled.history_[2]["event_lr"] == pytest.approx(1e-5)


@pytest.mark.parametrize("epoch", [1, 2])
def test_ctrl_c_leaves_a_usable_estimator_and_is_raised_on(epoch):
    recorder = Recorder()
    est = new(callbacks=[CtrlC(epoch), recorder])
    with pytest.raises(KeyboardInterrupt):
        est.fit(X)
    assert recorder.events[-1] == "end"
    assert len(est.history_) == epoch - 1
    assert np.isfinite(est.transform(X)).all()
    untrained = new(max_epochs=0).fit(X)
    assert not all(torch.equal(a, b) for a, b in zip(weights(est), weights(untrained), strict=True))
    assert not est.encoder_.training


def test_ctrl_c_stops_a_search():
    with pytest.raises(KeyboardInterrupt):
        GridSearchCV(new(callbacks=[CtrlC(1)]), {"lr": [1e-3, 1e-2]}, cv=2).fit(X)


def test_early_stopping_keeps_the_best_weights():
    recorded = {}

    class Weights(Callback):
        def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
            recorded[len(net.history)] = [p.detach().clone() for p in net.module_.encoder.parameters()]

    est = new(early_stopping=True, max_epochs=60, lr=0.05, n_iter_no_change=3, callbacks=[Weights()]).fit(X)
    losses = [row["valid_loss"] for row in est.history_]
    assert len(losses) < 60
    best = int(np.argmin(losses)) + 1
    assert best < len(losses)
    assert all(torch.equal(a, b) for a, b in zip(weights(est), recorded[best], strict=True))


def test_skorch_early_stopping_ends_the_fit_quietly():
    stopper = EarlyStopping(monitor="train_loss", patience=1, threshold=0.9)
    assert len(new(max_epochs=50, callbacks=[stopper]).fit(X).history_) == 2


def test_validation_views_are_the_same_in_every_epoch():
    net = new().fit(X).net_
    loader = net.get_iterator(Rows(torch.from_numpy(X).float(), lambda batch: batch))
    losses = []
    for seed in (1, 2):
        with seeded(seed):
            net.history.new_epoch()
            net.run_single_epoch(loader, training=False, prefix="valid", step_fn=net.validation_step)
        losses.append(net.history[-1, "valid_loss"])
    assert losses[0] == losses[1]


def test_verbose_draws_one_progress_bar(capsys):
    new(verbose=1).fit(X)
    out, err = capsys.readouterr()
    assert out == ""
    assert "ContrastivePretrainer [cpu, " in err
    assert "9/9" in err
    assert "epoch=3/3, train_loss=" in err
    new(verbose=0).fit(X)
    assert capsys.readouterr() == ("", "")


def test_precision():
    assert resolve_precision("float32", torch.device("cpu")) == torch.float32
    assert resolve_precision("bfloat16", torch.device("cpu")) == torch.bfloat16
    est = new(precision="auto").fit(X)
    assert est.precision_ in ("float32", "bfloat16")
    assert {p.dtype for p in est.net_.module_.parameters()} == {torch.float32}


def test_an_untrained_encoder_has_calibrated_features():
    """Also where the rows are sorted by class and more than a batch."""
    for table, tolerance in ((X, 0.05), (np.repeat(X, 20, axis=0), 0.1)):
        Z = new(max_epochs=0).fit(table).transform(table)
        np.testing.assert_allclose(Z.mean(axis=0), 0, atol=tolerance)
        # four times the variance of as many standardised columns
        np.testing.assert_allclose(Z.std(axis=0) / np.sqrt(4 * 4 / Z.shape[1]), 1, atol=tolerance)


def test_a_given_module_is_copied_and_is_where_training_starts():
    module = nn.Linear(4, 3)
    before = module.weight.detach().clone()
    est = new(encoder=module, max_epochs=0).fit(X)
    assert torch.equal(est.encoder_.weight, before)
    assert est.encoder_ is not module
    est.set_params(max_epochs=1).fit(X)
    assert not torch.equal(est.encoder_.weight, before)
    assert torch.equal(module.weight, before)


def test_tied_weights_stay_tied_in_a_pickle():
    layer = nn.Linear(4, 4)
    est = new(encoder=nn.Sequential(layer, nn.ReLU(), layer)).fit(X)
    again = pickle.loads(pickle.dumps(est))
    assert again.encoder_[0].weight is again.encoder_[2].weight
    assert (again.transform(X) == est.transform(X)).all()


def test_fits_in_two_threads_do_not_disturb_each_other():
    expected = new().fit(X).transform(X)
    results = {}

    def work(i):
        results[i] = new().fit(X).transform(X)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((expected == Z).all() for Z in results.values())


def test_learning_rate_and_batch_size_may_change_in_a_warm_start():
    est = new(warm_start=True).fit(X)
    before = weights(est)
    est.set_params(lr=1e-12, max_epochs=1, batch_size=75).fit(X)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(weights(est), before, strict=True))
    assert est.net_.batch_size == 75


class Counted(Objective):
    """The smallest objective with a log and a hook."""

    def __init__(self, encoder):
        super().__init__(encoder)
        self.register_buffer("steps", torch.zeros(()))

    def forward(self, x):
        loss = self.encoder(x).square().mean()
        return Step(loss, logs={"twice": 2 * loss})

    def after_step(self):
        self.steps += 1


class CountedPretrainer(Pretrainer):
    """Count steps."""

    def _objective(self, modality, encoder, width):
        return Counted(encoder)


def test_logs_are_recorded_and_after_step_is_called():
    est = CountedPretrainer(encoder=nn.Linear(4, 2), max_epochs=3, batch_size=50, early_stopping=True).fit(X)
    best = min(est.history_, key=lambda row: row["valid_loss"])["epoch"]  # its weights are kept
    assert int(est.net_.module_.steps) == 3 * best
    for row in est.history_:
        assert row["train_twice"] == pytest.approx(2 * row["train_loss"])
        assert row["valid_twice"] == pytest.approx(2 * row["valid_loss"])


def memory(estimator):
    """Return AdamW's memory of each weight, in the order of the weights."""
    optimizer = estimator.net_.optimizer_
    return [optimizer.state[p] for group in optimizer.param_groups for p in group["params"]]


def by_partial_fits(est):
    return est.partial_fit(X).partial_fit(X).partial_fit(X).partial_fit(X)


def by_warm_starts(est):
    return est.set_params(warm_start=True, max_epochs=2).fit(X).fit(X)


@pytest.mark.parametrize("go_on", [by_partial_fits, by_warm_starts])
def test_training_in_parts_is_training_at_once(go_on):
    """The optimizer remembers where it was; with one batch and without views nothing else is in between."""
    params = {
        "encoder": nn.Linear(4, 2),
        "lr": 0.1,
        "batch_size": 150,
        "precision": "float32",
        "random_state": 0,
    }
    once = CountedPretrainer(**params, max_epochs=8).fit(X)
    parts = go_on(CountedPretrainer(**params, max_epochs=4).fit(X))
    for found, expected in zip(weights(parts), weights(once), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
    for found, expected in zip(memory(parts), memory(once), strict=True):
        assert found["step"] == 8
        for name in ("exp_avg", "exp_avg_sq"):  # of the gradients of all eight steps
            torch.testing.assert_close(found[name], expected[name], rtol=1e-3, atol=1e-6)


def test_training_on_sees_other_views():
    """With no learning, only the views differ between the epochs of two fits."""
    est = new(warm_start=True, max_epochs=1, lr=1e-30, precision="float32").fit(X).fit(X)
    assert est.history_[0]["train_loss"] != est.history_[1]["train_loss"]


def test_partial_fit_on_one_class_keeps_the_features_usable():
    y = load_iris().target
    est = new(max_epochs=30).fit(X)
    probe = LogisticRegression(max_iter=1000).fit(est.transform(X), y)
    est.set_params(lr=1e-12).partial_fit(X[y == 0])
    assert probe.score(est.transform(X), y) > 0.8


def test_batch_norm_goes_on_learning_after_a_fit():
    est = new(max_epochs=1, warm_start=True).fit(X)
    norms = [m for m in est.net_.module_.modules() if isinstance(m, nn.BatchNorm1d)]
    assert {norm.momentum for norm in norms} == {0.1}
    before = norms[0].running_mean.clone()
    est.fit(X)
    assert not torch.equal(norms[0].running_mean, before)


def test_score_does_not_depend_on_the_order_of_sorted_rows():
    est = new(max_epochs=20).fit(X)
    shuffled = np.random.default_rng(0).permutation(X)
    assert est.score(X) == pytest.approx(est.score(shuffled), abs=0.1)


def test_settings_of_training_may_change_when_it_goes_on(capsys):
    est = new(early_stopping=True, warm_start=True, callbacks=[CtrlC(99)]).fit(X)
    est.set_params(early_stopping=False, callbacks=None, verbose=1, precision="bfloat16").fit(X)
    assert "6/6" not in capsys.readouterr().err
    assert est.precision_ == "bfloat16"
    assert ["valid_loss" in row for row in est.history_] == [True] * 3 + [False] * 3
    est.set_params(early_stopping=True, n_iter_no_change=1, lr=0.5, max_epochs=60).fit(X)
    assert len(est.history_) < 66


def test_no_data_is_kept_and_no_optimizer_state_is_pickled():
    est = new(early_stopping=True, callbacks=[LRScheduler("StepLR", step_size=1)]).fit(X)
    assert est.net_.train_split is None
    size = sum(t.numel() * t.element_size() for t in est.net_.module_.state_dict().values())
    assert len(pickle.dumps(est)) < 1.2 * size + 20_000
    again = pickle.loads(pickle.dumps(est))
    assert isinstance(again.callbacks[0], LRScheduler)
    again.partial_fit(X)


def test_the_statistics_of_a_given_module_stay_without_training():
    norm = nn.BatchNorm1d(4)
    norm.running_mean += 0.3
    est = new(encoder=norm, max_epochs=0).fit(X)
    assert torch.equal(est.encoder_.running_mean, norm.running_mean)


class Plain(nn.Linear):
    def __init__(self):
        super().__init__(4, 3)
        self.plain = torch.ones(3)
        self.several = [torch.zeros(2), {"a": torch.ones(1)}]


def test_plain_tensors_of_a_module_are_hashed_by_value():
    module = Plain()
    digests = {joblib.hash(clone(new(encoder=copy.deepcopy(module)))) for _ in range(3)}
    assert len(digests) == 1


class LeNet(nn.Module):
    """As in a tutorial: view() wants contiguous images."""

    def __init__(self):
        super().__init__()
        self.conv, self.pool, self.linear = nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.Linear(36, 5)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv(x)))
        return self.linear(x.view(x.size(0), -1))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_textbook_network_for_images(precision):
    images = np.random.default_rng(0).random((20, 8, 8, 3))
    est = new(encoder=LeNet(), precision=precision, max_epochs=1).fit(images)
    assert est.transform(images).shape == (20, 5)
    assert est.score(images) < 0


class Interrupted(nn.Linear):
    """Press Ctrl-C where `when` says."""

    def __init__(self, when):
        super().__init__(4, 8)
        self.norm = nn.BatchNorm1d(8)
        self.when = when

    def forward(self, x):
        calibrating = self.norm.training and self.norm.momentum == 1
        if self.when == "probing" or (self.when == "calibrating" and calibrating):
            raise KeyboardInterrupt
        return self.norm(super().forward(x))


def test_ctrl_c_before_and_after_the_training():
    est = new(encoder=Interrupted("probing"))
    with pytest.raises(KeyboardInterrupt):
        est.fit(X)
    with pytest.raises(NotFittedError):
        est.transform(X)
    est = new(encoder=Interrupted("calibrating"))
    with pytest.raises(KeyboardInterrupt):
        est.fit(X)
    assert est.encoder_.norm.running_mean.abs().sum() > 0
    assert est.encoder_.norm.momentum == 0.1
    assert np.isfinite(est.transform(X)).all()


def test_training_on_after_a_schedule_starts_from_lr():
    est = new(warm_start=True, callbacks=[LRScheduler("CosineAnnealingLR", T_max=3)]).fit(X)
    before = weights(est)
    est.set_params(callbacks=None).fit(X)
    assert est.net_.optimizer_.param_groups[0]["lr"] == 1e-3
    assert not all(torch.equal(a, b) for a, b in zip(weights(est), before, strict=True))
    flat = LRScheduler("LambdaLR", lr_lambda=lambda epoch: 1.0)
    est.set_params(lr=1e-5, callbacks=[flat]).fit(X)
    assert est.net_.optimizer_.param_groups[0]["lr"] == 1e-5


class Numbers:
    """A store whose rows are their own numbers, and differ in length."""

    def __init__(self, lengths):
        self.lengths = lengths

    def __len__(self):
        return len(self.lengths)

    def __getitem__(self, index):
        return torch.from_numpy(index)


def padding(batches, lengths):
    """Return how much is filled up in batches as long as their longest row, as a share of the rows."""
    return sum(len(b) * lengths[b].max() for b in batches) / lengths.sum() - 1


@pytest.mark.parametrize("n_selected", [None, 4000], ids=["all rows", "selection"])
def test_batches_are_of_like_length_and_have_every_row_once(n_selected):
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 200, 5000)
    store, rows = Numbers(lengths), np.arange(5000)
    if n_selected:  # as early stopping sets rows aside
        rows = rng.permutation(5000)[:n_selected]
        store = Selection(store, rows)
    in_order = [batch.numpy() for batch, _ in BatchLoader(store, 50)]
    with seeded(0):
        passes = [[batch.numpy() for batch, _ in BatchLoader(store, 50, shuffle=True)] for _ in range(2)]
    at_random = np.array_split(rng.permutation(rows), len(in_order))
    assert padding(at_random, lengths) > 0.5
    for batches in (in_order, *passes):
        assert sorted(np.concatenate(batches)) == sorted(rows)
        assert {len(batch) for batch in batches} == {50}
        assert padding(batches, lengths) < 0.05
    assert (np.diff(lengths[np.concatenate(in_order)]) >= 0).all()
    # shuffled, the next batch may as well be shorter as longer, and has other rows in each pass
    for batches in passes:
        longer = np.diff([lengths[batch].mean() for batch in batches]) > 0
        assert 0.3 < longer.mean() < 0.7
    first, second = ({frozenset(batch) for batch in batches} for batches in passes)
    assert not first & second


class FrozenNorm(nn.BatchNorm1d):
    def train(self, mode=True):
        return super().train(False)


def test_batch_norm_that_its_owner_froze_stays_frozen():
    norm = FrozenNorm(8)
    norm.running_mean.fill_(7.0)
    est = new(encoder=nn.Sequential(nn.Linear(4, 8), norm)).fit(X)
    est.score(X)
    assert (est.encoder_[1].running_mean == 7.0).all()


class Put(nn.Linear):
    """Works in float32 only."""

    def forward(self, x):
        out = torch.zeros(len(x), 8)
        out[torch.arange(len(x))] = super().forward(x)
        return out


def test_a_module_that_bfloat16_breaks_is_told_of_float32():
    with pytest.raises(ValueError, match="precision='float32' may help"):
        new(encoder=Put(4, 8), precision="bfloat16").fit(X)
    new(encoder=Put(4, 8), precision="float32").fit(X)


class Fail(Callback):
    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        raise RuntimeError("a callback failed")


def test_a_failure_is_undone_to_the_last_buffer():
    est = new(encoder=Drifting(), warm_start=True).fit(X)
    Z = est.transform(X)
    with pytest.raises(RuntimeError, match="a callback failed"):
        est.set_params(callbacks=[Fail()]).fit(X)
    assert (est.transform(X) == Z).all()


def test_precision_is_that_of_the_training():
    est = new(precision="bfloat16").fit(X).set_params(precision="float32")
    assert pickle.loads(pickle.dumps(est)).precision_ == "bfloat16"


class Rates(Callback):
    """Notes the learning rate of each epoch, and of each step."""

    def __init__(self):
        self.epochs, self.steps = [], []

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        self.epochs.append(net.optimizer_.param_groups[0]["lr"])

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        group = net.optimizer_.param_groups[0]
        self.steps.append((group["lr"], group["betas"]))


SCHEDULES = {
    "exponential": ("ExponentialLR", {"gamma": 0.5}),
    "steps": ("MultiStepLR", {"milestones": [2, 4]}),
    "cosine": ("CosineAnnealingLR", {"T_max": 6}),
    "lambda": ("LambdaLR", {"lr_lambda": lambda epoch: 1 / (1 + epoch)}),
    "plateau": ("ReduceLROnPlateau", {"monitor": "train_loss", "patience": 0, "threshold": 0.9}),
    "one cycle": ("OneCycleLR", {"max_lr": 0.01, "total_steps": 18, "step_every": "batch"}),
    "cyclic": (
        "CyclicLR",
        {"base_lr": 1e-4, "max_lr": 1e-2, "step_size_up": 5, "cycle_momentum": False, "step_every": "batch"},
    ),
}


@pytest.mark.parametrize("policy, kwargs", SCHEDULES.values(), ids=SCHEDULES)
def test_a_schedule_over_several_fits_is_as_in_one(policy, kwargs):
    found, name = [], policy
    policy = getattr(torch.optim.lr_scheduler, policy)
    for calls in (1, 2, 3, 6):
        rates = Rates()
        callbacks = [LRScheduler(policy, **kwargs), rates]
        est = new(callbacks=callbacks, warm_start=True, max_epochs=6 // calls, n_components=4)
        for _ in range(calls):
            est.fit(X)
        found.append((rates.epochs, rates.steps))
    rates = Rates()
    est = new(callbacks=[LRScheduler(policy, **kwargs), rates], max_epochs=1, n_components=4).fit(X)
    for _ in range(5):
        est.partial_fit(X)
    found.append((rates.epochs, rates.steps))
    assert len(set(found[0][0])) > 1 or kwargs.get("step_every") == "batch"
    if name != "ReduceLROnPlateau":  # which goes by losses, of other views
        assert all(one == found[0] for one in found[1:])
    assert [len(one[0]) for one in found] == [6] * 5


def test_another_schedule_or_another_rate_begins_anew():
    rates = Rates()
    est = new(callbacks=[LRScheduler("ExponentialLR", gamma=0.5), rates], warm_start=True).fit(X)
    est.set_params(callbacks=[LRScheduler("ExponentialLR", gamma=0.1), rates]).fit(X)
    assert rates.epochs[3:] == pytest.approx([1e-3, 1e-4, 1e-5])
    est.set_params(lr=1e-2).fit(X)
    assert rates.epochs[6:] == pytest.approx([1e-2, 1e-3, 1e-4])
    assert not hasattr(est.callbacks[0], "last_epoch")
    est.set_params(max_epochs=0).fit(X)  # nothing is forgotten by it
    est.set_params(max_epochs=1).fit(X)
    assert rates.epochs[9:] == pytest.approx([1e-5])


@pytest.mark.parametrize(
    "callback",
    [EarlyStopping(), ("stop", EarlyStopping()), Checkpoint()],
    ids=["stop", "named", "checkpoint"],
)
def test_what_watches_rows_that_are_not_held_out_is_refused(callback):
    with pytest.raises(ValueError, match=r"watches 'valid_.*early_stopping=True"):
        new(callbacks=[callback]).fit(X)


def test_print_log_prints(capsys):
    new(callbacks=[PrintLog()]).fit(X)
    out = capsys.readouterr().out
    assert "train_loss" in out
    assert len(out.splitlines()) == 5  # head, rule, and three epochs


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_torchs_default_dtype_does_not_matter(dtype, tmp_path):
    expected = new().fit(X)
    expected.save(tmp_path)
    torch.set_default_dtype(dtype)
    try:
        est = new().fit(X)
        assert torch.get_default_dtype() == dtype
        for one in (est, load(tmp_path), pickle.loads(pickle.dumps(est))):
            assert (one.transform(X) == expected.transform(X)).all()
            assert one.score(X) == expected.score(X)
        assert torch.get_default_dtype() == dtype
    finally:
        torch.set_default_dtype(torch.float32)


class Row(dict):
    """A row of a history that counts how often any is read."""

    reads = 0

    def items(self):
        Row.reads += 1
        return super().items()

    def __getitem__(self, name):
        Row.reads += 1
        return super().__getitem__(name)

    def keys(self):
        Row.reads += 1
        return super().keys()


def test_past_epochs_cost_further_training_nothing():
    """After thousands of short fits, the next is as quick as the first."""
    X = load_iris().data[:20]
    est = ContrastivePretrainer(n_components=4, max_epochs=3, random_state=0).fit(X)
    est.history_ = [Row(row) for row in est.history_]
    est.net_.history[:] = [Row(row) for row in est.net_.history]
    est.partial_fit(X)  # its net takes over what the first one had
    Row.reads = 0
    est.partial_fit(X)
    assert Row.reads == 0
    assert [row["epoch"] for row in est.history_] == [1, 2, 3, 4, 5]
    losses = [row["train_loss"] for row in est.history_]
    best = [row["train_loss_best"] for row in est.net_.history]
    assert best == [all(loss < other for other in losses[:i]) for i, loss in enumerate(losses)]


def test_a_schedule_that_is_over_says_how_long_it_must_be():
    schedule = LRScheduler(torch.optim.lr_scheduler.OneCycleLR, max_lr=0.01, total_steps=1)
    with pytest.raises(ValueError, match=r"callbacks is over.*total_steps=max_epochs"):
        new(callbacks=[schedule]).fit(X)


def test_nothing_is_trained_in_inference_mode():
    with torch.inference_mode(), pytest.raises(ValueError, match=r"inference_mode.*Call fit outside"):
        new().fit(X)


def test_no_row_without_weight_is_held_out():
    weight = torch.arange(20) % 4 == 0
    rows = Rows(np.arange(20.0)[:, None], torch.from_numpy)
    train, valid = hold_out(LabeledStore(rows, Targets(torch.zeros(20), weight.float())), 0.5, 0)
    assert len(train) + len(valid) == 20 and len(valid) > 1
    assert (valid.targets_at(np.arange(len(valid))).weight == 1).all()


def test_optimizer_is_that_of_torch():
    def train(cls):
        torch.manual_seed(0)
        layer = nn.Linear(3, 2)
        optimizer = cls(
            [{"params": [layer.weight], "lr": 0.1}, {"params": [layer.bias]}], lr=0.01, fused=True
        )
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2)
        calls = []
        for i in range(6):
            if i == 3:  # as after a pickle
                state = copy.deepcopy(optimizer.state_dict())
                optimizer = cls([{"params": [layer.weight]}, {"params": [layer.bias]}])
                optimizer.register_load_state_dict_post_hook(lambda _: calls.append("loaded"))
                optimizer.register_step_post_hook(lambda *_: calls.append("stepped"))
                optimizer.load_state_dict(state)
                schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)

            def closure(layer=layer, optimizer=optimizer):
                optimizer.zero_grad()
                loss = (layer(torch.ones(1, 3)) - 1).square().sum()
                loss.backward()
                return loss

            loss = optimizer.step(closure)
            schedule.step()
        assert calls == ["loaded"] + 3 * ["stepped"]
        return loss, layer.weight, layer.bias

    for ours, theirs in zip(train(EagerAdamW), train(torch.optim.AdamW), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("func", "args", "kwargs"),
    [
        (torch.arange, (7,), {}),
        (torch.arange, (2, 7), {"dtype": torch.float32}),
        (torch.arange, (2, 7.5, 2), {}),
        (torch.arange, (2,), {"end": 7}),
        (torch.arange, (0.5,), {"end": 2.0, "step": 0.3}),
        (torch.arange, (), {"end": 5}),
        (torch.arange, (5, 1, -1), {}),
        (torch.randn, (2, 3), {"requires_grad": True}),
        (torch.zeros, ((2, 3),), {"dtype": torch.int64}),
        (torch.full, ((2, 3), 1.0), {}),
    ],
)
def test_numbers_are_counted_before_they_are_made(func, args, kwargs):
    assert count(func, args, kwargs) == func(*args, **kwargs).numel()


def test_training_does_not_import_the_compiler_of_torch(tmp_path):
    code = f"""
import sys
import numpy as np
from sklearn_ssl import AutoregressivePretrainer, FineTuneClassifier, ContrastivePretrainer, MaskedPretrainer, load
from sklearn_ssl.encoders import TokenBag
from sklearn_ssl.modalities import Image, Series

def saved_and_loaded(estimator, name):
    estimator.save({str(tmp_path)!r} + name)
    return load({str(tmp_path)!r} + name)

X = np.random.default_rng(0).normal(size=(20, 4))
ssl = ContrastivePretrainer(max_epochs=1, n_components=4, checkpoint={str(tmp_path / "fit")!r}).fit(X).partial_fit(X)
saved_and_loaded(ssl, "/table").partial_fit(X).transform(X)
FineTuneClassifier(ssl, tune="all", max_epochs=2).fit(X, np.arange(20) % 2).predict(X)
images = np.arange(20 * 64).reshape(20, 8, 8) % 7
saved_and_loaded(ContrastivePretrainer(modality=Image(), max_epochs=1).fit(images), "/images").transform(images)
texts = [f"this is text {{i}}" for i in range(20)]
saved_and_loaded(MaskedPretrainer(max_epochs=1).fit(texts), "/texts").transform(texts)
bag = TokenBag(9, width=8)
saved_and_loaded(ContrastivePretrainer(encoder=bag, max_epochs=1).fit(texts), "/bag").transform(texts)
AutoregressivePretrainer(modality=Series(), max_epochs=1).fit(X).predict(X)
print(sorted({{"torch._dynamo", "sympy"}} & set(sys.modules)))
"""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True
    )
    assert run.stdout.strip() == "[]"
