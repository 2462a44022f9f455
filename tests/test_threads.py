"""Threads, forks and interrupts: what is right alone is right side by side."""

import os
import re
import subprocess
import sys
import textwrap
import threading

import interrupts
import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from skorch.callbacks import Callback
from torch import nn

from sklearn_ssl import ContrastivePretrainer, VAEPretrainer, load, threads
from sklearn_ssl.training import _settings, exactly

X = load_iris().data


def new(**params):
    return ContrastivePretrainer(**{"n_components": 8, "max_epochs": 2, "random_state": 0, **params})


def in_threads(*works):
    """Return the results of some functions that run at once."""
    results = [None] * len(works)

    def keep(i, work):
        results[i] = work()

    threads = [threading.Thread(target=keep, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_transforms_beside_scores_are_right():
    est = new().fit(X)
    Z, score = est.transform(X), est.score(X)

    def transforms():
        return [np.array_equal(est.transform(X), Z) for _ in range(20)]

    def scores():
        return [est.score(X) == score for _ in range(10)]

    assert all(all(right) for right in in_threads(transforms, scores, scores))


def test_fits_at_once_give_the_bits_of_one_after_the_other():
    seeds = range(4)
    alone = [new(random_state=seed).fit(X).transform(X) for seed in seeds]
    together = in_threads(*(lambda seed=seed: new(random_state=seed).fit(X).transform(X) for seed in seeds))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


class Pause(Callback):
    """Stop a fit in its middle until it may go on."""

    def __init__(self):
        self.begun, self.go_on = threading.Event(), threading.Event()

    def on_batch_end(self, net, **kwargs):
        self.begun.set()
        assert self.go_on.wait(60)


def test_a_fit_keeps_nobody_waiting(tmp_path):
    other = VAEPretrainer(n_components=2, max_epochs=1, random_state=0).fit(X)
    other.save(tmp_path)
    expected = other.score(X), other.sample(3), other.transform_views(X)[0]
    pause = Pause()

    def during():
        assert pause.begun.wait(60)
        loaded = load(tmp_path)
        got = loaded.score(X), loaded.sample(3), loaded.transform_views(X)[0]
        pause.go_on.set()
        return got

    fitted, got = in_threads(lambda: new(callbacks=[pause]).fit(X).transform(X), during)
    assert all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))
    assert np.array_equal(fitted, new().fit(X).transform(X))


FORKS = """
    import os, sys, threading
    import numpy as np
    from sklearn.datasets import load_iris
    from skorch.callbacks import Callback
    from sklearn_ssl import ContrastivePretrainer
    import torch

    X = np.tile(load_iris().data, (4, 1))
    common = {"n_components": 8, "max_epochs": 1, "precision": "float32", "random_state": 0}
    new = lambda **params: ContrastivePretrainer(**common, **params)

    state = torch.get_rng_state()

    def child_works():
        child = os.fork()
        if not child:
            right = torch.equal(torch.get_rng_state(), state)  # not those of the fit in the parent
            new().fit(X).transform(X)
            os._exit(0 if right and torch.equal(torch.get_rng_state(), state) else 1)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    torch.set_num_threads(2)
    Z = new().fit(X).transform(X)
    assert child_works(), "after a fit"
    began, stop = threading.Event(), threading.Event()

    class Tell(Callback):
        def on_batch_end(self, net, **kwargs):
            began.set()
            if stop.is_set():
                raise KeyboardInterrupt

    def fit():
        try:
            new(callbacks=[Tell()]).set_params(max_epochs=10_000).fit(X)
        except KeyboardInterrupt:
            pass

    thread = threading.Thread(target=fit, daemon=True)
    thread.start()
    began.wait()
    assert child_works(), "during a fit"
    stop.set()
    thread.join()
    assert torch.get_num_threads() == 2 and (new().fit(X).transform(X) == Z).all()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_works_that_was_forked_after_or_during_a_fit():
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(FORKS)],
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert not run.returncode, run.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="another OpenMP")
@pytest.mark.parametrize(
    ("given", "used"),
    [({}, threads.SPINS), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, None)],
)
def test_threads_of_torch_wait_patiently_unless_users_say_otherwise(given, used):
    ours = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    run = subprocess.run(
        [sys.executable, "-c", f"import os, sklearn_ssl; print([k for k in {ours} if k in os.environ])"],
        env={k: v for k, v in os.environ.items() if k not in ours} | given | {"OMP_DISPLAY_ENV": "verbose"},
        capture_output=True,
        text=True,
    )
    assert run.stdout.strip() == str(list(given))
    shown = set(re.findall(r"GOMP_SPINCOUNT = '(\d+)'", run.stderr))
    assert shown and ((used in shown) if used else threads.SPINS not in shown)


def test_no_more_threads_than_cores(monkeypatch):
    monkeypatch.setattr("sklearn_ssl.training._settings.free_cores", lambda: 2)
    before = torch.get_num_threads()
    seen = []

    class See(Callback):
        def on_grad_computed(self, net, *args, **kwargs):
            seen.append(torch.get_num_threads())

    try:
        torch.set_num_threads(3)
        assert new(callbacks=[See()]).fit(X).threads_ == 2
        assert set(seen) == {2} and torch.get_num_threads() == 3
        torch.set_num_threads(1)
        assert new().fit(X).threads_ == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(not hasattr(interrupts.signal, "setitimer"), reason="this system has no timer of signals")
@pytest.mark.parametrize("method", ["partial_fit", "transform", "score", "sample"])
def test_ctrl_c_leaves_nothing_switched(method):
    wrong = [interrupts.attack("VAE, table", method, delay)[1] for delay in np.geomspace(1e-4, 0.05, 5)]
    assert not any(wrong), wrong


def test_a_default_dtype_is_restored_beside_other_threads():
    est = new().fit(X)
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)
        in_threads(
            *[lambda: [est.transform(X) for _ in range(20)]] * 2,
            *[lambda: [est.score(X) for _ in range(10)]] * 2,
        )
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(before)


class SeesTF32(nn.Linear):
    """Notes whether convolutions may be rounded to TF32, in training and without."""

    def forward(self, x):
        seen.add((self.training, torch.backends.cudnn.allow_tf32))
        return super().forward(x)


seen: set[tuple[bool, bool]] = set()


def test_features_are_computed_in_float32_and_not_in_tf32(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    seen.clear()
    est = ContrastivePretrainer(encoder=SeesTF32(4, 3), max_epochs=1, on_collapse="ignore").fit(X)
    assert (True, True) in seen
    seen.clear()
    est.transform(X), est.score_samples(X)
    assert seen == {(False, False)} and torch.backends.cudnn.allow_tf32
    est.score(X)
    assert {tf32 for _, tf32 in seen} == {False} and torch.backends.cudnn.allow_tf32


def test_tf32_comes_back_when_the_last_thread_has_done_its_work(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    cudnn, first, second = torch.backends.cudnn, threading.Event(), threading.Event()
    waiting = threading.Thread(target=exactly, args=(lambda: (first.set(), second.wait(10)),))
    waiting.start()
    assert first.wait(10) and not cudnn.allow_tf32
    with pytest.raises(ZeroDivisionError):
        exactly(lambda: 1 / 0)
    assert not cudnn.allow_tf32
    second.set()
    waiting.join()
    assert cudnn.allow_tf32


@pytest.mark.parametrize("how", ["none", "convolutions", "all of cuDNN", "everything"])
def test_what_the_user_has_set_of_tf32_comes_back(how, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    cudnn = torch.backends.cudnn

    def state():
        return cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision

    own = cudnn.fp32_precision, torch.backends.fp32_precision
    try:
        if how == "none":
            cudnn.allow_tf32 = False
        elif how == "convolutions":
            cudnn.rnn.fp32_precision = "ieee"
        else:
            (cudnn if how == "all of cuDNN" else torch.backends).fp32_precision = "tf32"
        before = state()
        assert exactly(state) == ("ieee", "ieee") and state() == before
    finally:
        cudnn.fp32_precision, torch.backends.fp32_precision = own
        cudnn.conv.fp32_precision = cudnn.rnn.fp32_precision = "tf32"
        cudnn.allow_tf32 = True


def test_ctrl_c_beside_exact_work_is_undone_the_next_time(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    own = _settings._set_tf32

    def interrupted(*args):
        own(*args)
        raise KeyboardInterrupt

    cudnn = torch.backends.cudnn
    monkeypatch.setattr(_settings, "_set_tf32", interrupted)
    with pytest.raises(KeyboardInterrupt):
        exactly(int)
    monkeypatch.setattr(_settings, "_set_tf32", own)
    exactly(int)
    assert cudnn.allow_tf32 and cudnn.conv.fp32_precision == "tf32"


def test_a_part_that_a_callback_sets_to_evaluation_trains_on():
    modes = []

    class Looks(nn.Linear):
        def forward(self, x):
            modes.append(self.training)
            return super().forward(x)

    class Sets(Callback):
        def on_batch_end(self, net, training=False, **kwargs):
            net.module_.encoder.eval()

    new(encoder=Looks(4, 8), batch_size=50, callbacks=[Sets()], on_collapse="ignore", max_epochs=1).fit(X)
    assert sum(modes) >= 6  # two views of three batches
