"""max_time, and what a bar says, on a terminal and in a log file. A clock of our own ticks once a batch."""

import io
from inspect import signature

import numpy as np
import pytest
import torch
from methods import METHODS
from sklearn.datasets import load_iris
from skorch.callbacks import Callback

from sklearn_ssl import AutoencoderPretrainer, ContrastivePretrainer, SelfOrganizingMap
from sklearn_ssl.base import NetworkEstimator
from sklearn_ssl.training import progress_bar
from sklearn_ssl.training._forecast import Forecast

X = load_iris().data


class Clock(Callback):
    """Tells the time in batches of training, and keeps the weights after each epoch."""

    def __init__(self):
        self.now, self.epochs, self.events = 0, [], []

    def monotonic(self):
        return self.now

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        self.now += training

    def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        self.epochs.append([p.detach().clone() for p in net.module_.encoder.parameters()])

    def on_train_end(self, net, X=None, y=None, **kwargs):
        self.events.append("end")


@pytest.fixture
def clock(monkeypatch):
    one = Clock()
    monkeypatch.setattr("sklearn_ssl.training._time.time", one)
    return one


def new(clock, **params):
    settings = {
        "max_epochs": 50,
        "batch_size": 50,
        "n_components": 4,
        "random_state": 0,
        "callbacks": [clock],
    }
    return ContrastivePretrainer(**{**settings, **params})


def test_training_ends_with_the_batch_at_hand(clock):
    est = new(clock, max_time=7.5).fit(X)  # three batches an epoch
    assert clock.now == 8 and clock.events == ["end"]
    assert [row["epoch"] for row in est.history_] == [1, 2]
    assert np.isfinite(est.transform(X)).all() and est.transform(X).std() > 0.5
    stopped = [p.detach() for p in est.encoder_.parameters()]
    whole = new(clock, max_epochs=2).fit(X)
    assert whole.history_ == est.history_
    # the two batches of the third epoch have been learned from too
    assert not all(map(torch.equal, stopped, whole.encoder_.parameters()))


def test_less_than_an_epoch_leaves_a_usable_estimator(clock):
    est = new(clock, max_time=1e-9).fit(X)
    assert clock.now == 1 and est.history_ == []
    assert np.isfinite(est.transform(X)).all()
    assert len(est.set_params(max_time=None).partial_fit(X).history_) == 1


def test_enough_time_changes_nothing(clock):
    est, other = new(clock, max_epochs=2, max_time=7).fit(X), new(clock, max_epochs=2).fit(X)
    assert est.history_ == other.history_
    assert (est.transform(X) == other.transform(X)).all()


def test_each_fit_has_its_own_time(clock):
    est = new(clock, max_time=3, warm_start=True)
    assert [len(est.fit(X).history_) for _ in range(3)] == [0, 0, 0]
    est.set_params(max_time=4)
    assert [len(est.fit(X).history_) for _ in range(3)] == [1, 2, 3]
    assert len(est.partial_fit(X).history_) == 4  # one epoch, which takes less
    assert len(est.set_params(max_time=2).partial_fit(X).history_) == 4


def test_epochs_that_were_broken_off_are_not_repeated(clock):
    seen = []

    class See(Callback):
        def on_batch_begin(self, net, batch=None, **kwargs):
            seen.append(batch[0].clone())

    est = new(clock, max_time=1)
    est.callbacks.append(See())
    for i in range(3):
        assert est.partial_fit(X).n_unfinished_ == i + 1
    assert len(seen) == 3 and not any(torch.equal(seen[i], seen[i - 1]) for i in range(3))
    assert new(clock, max_epochs=2).fit(X).n_unfinished_ == 0


def test_best_weights_come_back_when_time_is_over(clock):
    est = new(clock, max_time=40, early_stopping=True, n_iter_no_change=50, lr=0.05, batch_size=45).fit(X)
    losses = [row["valid_loss"] for row in est.history_]
    best = int(np.argmin(losses))
    assert 1 < len(losses) < 50
    assert all(map(torch.equal, [p.detach() for p in est.encoder_.parameters()], clock.epochs[best]))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_it_at_its_place(method):
    names = list(signature(type(METHODS[method].estimator)).parameters)
    assert names[names.index("max_epochs") + 1] == "max_time"
    shared = list(signature(NetworkEstimator).parameters)
    assert len(shared) == 14 and [name for name in names if name in shared] == shared


@pytest.mark.parametrize("value", [0, -1.0, np.nan, np.inf, "1 h", [60]])
def test_bad_times_are_refused(value):
    with pytest.raises(ValueError, match="'max_time' parameter of ContrastivePretrainer must be"):
        ContrastivePretrainer(max_time=value).fit(X)


def test_the_bar_and_the_forecast_know_the_limit(clock, capsys):
    est = new(clock, max_epochs=10**6, max_time=8, verbose=1).fit(X)
    err = capsys.readouterr().err
    assert "time left=00:0" in err
    (forecast,) = [c for _, c in est.net_.callbacks_ if isinstance(c, Forecast)]
    line = forecast.line(est.net_, 3 * 10**6, 0.1, None)
    assert line.endswith("about 83.3 h, but max_time=8 ends it after 8 s")
    assert "max_time" not in forecast.line(est.net_, 30, 0.1, None)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_log_file_gets_a_line_now_and_then(monkeypatch):
    log, terminal = io.StringIO(), Terminal()
    for stream in (log, terminal):
        monkeypatch.setattr("sys.stderr", stream)
        with (
            progress_bar(500, "work", mininterval=0)
            if stream is terminal
            else progress_bar(500, "work") as bar
        ):
            for _ in range(500):
                bar.update()
    lines = log.getvalue().splitlines()
    assert "\r" not in log.getvalue() and 2 <= len(lines) < 10  # its beginning and its end, if it is quick
    assert lines[-1].startswith("work: 100% 500/500")
    assert terminal.getvalue().count("\r") >= 500


def test_slow_steps_after_quick_ones_write_one_line_each_half_minute(monkeypatch):
    log, now = io.StringIO(), [0.0]
    monkeypatch.setattr("sys.stderr", log)
    with progress_bar(500, "work") as bar:
        monkeypatch.setattr(bar, "_time", lambda: now[0])
        bar.start_t = bar.last_print_t = 0.0
        for seconds in [0.1] * 400 + [20.0] * 6:
            now[0] += seconds
            bar.update()
            # tqdm's thread writes a line of its own where this holds, and the next step would write another
            assert bar.miniters == 1 or now[0] - bar.last_print_t < bar.maxinterval
    steps = [int(line.split("/")[0].split()[-1]) for line in log.getvalue().splitlines()]
    assert steps == [0, 300, 401, 403, 405, 406]


def test_brothers_write_lines_too(monkeypatch):
    log = io.StringIO()
    monkeypatch.setattr("sys.stderr", log)
    SelfOrganizingMap(max_epochs=3, verbose=1).fit(X)
    AutoencoderPretrainer(max_epochs=20, verbose=1, random_state=0).fit(X)
    lines = log.getvalue().splitlines()
    assert "\r" not in log.getvalue() and len(lines) < 12
    assert any(
        line.startswith("AutoencoderPretrainer [cpu") and "epoch=20/20, train_loss=" in line for line in lines
    )
