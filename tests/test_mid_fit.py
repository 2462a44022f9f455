"""Callbacks that save, pickle or use the estimator while it is fitted."""

import copy
import pickle

import numpy as np
import pytest
from skorch.callbacks import Callback

from sklearn_ssl import AutoencoderPretrainer, ContrastivePretrainer, load
from sklearn_ssl.training import weights_of

X = np.random.default_rng(0).normal(size=(60, 4))
MOMENTS = ["on_train_begin", "on_epoch_begin", "on_batch_end", "on_epoch_end", "on_train_end"]


class At(Callback):
    """Do something with the estimator at one moment."""

    def __init__(self, moment, do):
        self.est, self.do = None, do
        setattr(self, moment, self.call)

    def call(self, net, **kwargs):
        self.do(self.est, net)


class Saver(Callback):
    """What users write; it can be pickled."""

    def __init__(self, path):
        self.path, self.est = path, None

    def on_epoch_end(self, net, **kwargs):
        self.est.save(self.path)


class Pickler(Callback):
    """It refers to the estimator that it is in."""

    def __init__(self):
        self.est, self.pickles, self.copies = None, [], []

    def on_epoch_end(self, net, **kwargs):
        self.pickles.append(pickle.dumps(self.est))
        self.copies.append(copy.deepcopy(self.est))


def new(cls=ContrastivePretrainer, callback=None, **params):
    settings = {"n_components": 4, "max_epochs": 2, "batch_size": 30, "random_state": 0, **params}
    est = cls(callbacks=None if callback is None else [callback], **settings)
    if callback is not None:
        callback.est = est
    return est


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("again", [False, True], ids=["first fit", "another fit"])
def test_save_at_any_moment(moment, again, tmp_path):
    seen = []

    def save(est, net):
        est.save(tmp_path)
        seen.append(({k: v.clone() for k, v in weights_of(net.module_).items()}, len(net.epochs())))

    est = new(callback=At(moment, save))
    est.fit(X)
    if again:
        est.fit(X + 1)
    loaded = load(tmp_path)
    weights, epochs = seen[-1]
    own = weights_of(loaded.net_.module_)
    assert own.keys() == weights.keys() and all((own[name] == weights[name]).all() for name in own)
    assert len(loaded.history_) == epochs
    assert np.isfinite(loaded.transform(X)).all()
    loaded.partial_fit(X)
    # saving changes nothing
    plain = new().fit(X)
    assert (est.transform(X) == (plain.fit(X + 1) if again else plain).transform(X)).all()


def test_a_saver_as_users_write_it(tmp_path):
    est = new(callback=Saver(tmp_path)).fit(X)
    loaded = load(tmp_path)
    assert [row["epoch"] for row in loaded.history_] == [row["epoch"] for row in est.history_] == [1, 2]
    est.partial_fit(X)
    assert len(load(tmp_path).history_) == 3
    assert pickle.loads(pickle.dumps(est)).callbacks[0].path == tmp_path


def test_pickles_hold_the_weights_so_far():
    callback = Pickler()
    est = new(callback=callback).fit(X)
    found = [pickle.loads(one) for one in callback.pickles]
    assert [len(one.history_) for one in found] == [len(one.history_) for one in callback.copies] == [1, 2]
    assert (found[0].transform(X) != found[1].transform(X)).any()
    assert found[1].history_ == est.history_ and found[1].callbacks[0].est is found[1]
    for one, other in zip(found, callback.copies, strict=True):
        assert (one.transform(X) == other.transform(X)).all()


def test_features_can_be_looked_at_in_training():
    found = []

    def look(est, net):
        Z = est.transform(X)
        assert (est.transform(X) == Z).all()  # no statistics of batches are in use, or are changed
        found.append((Z, est.score(X)))

    est = new(callback=At("on_epoch_end", look)).fit(X)
    assert (found[0][0] != found[1][0]).any() and len(found) == 2
    assert (est.transform(X) == new().fit(X).transform(X)).all()
    both = new(
        AutoencoderPretrainer, At("on_epoch_end", lambda est, net: est.inverse_transform(est.transform(X)))
    )
    assert (both.fit(X).transform(X) == new(AutoencoderPretrainer).fit(X).transform(X)).all()


def fail(est, net):
    raise ZeroDivisionError("on purpose")


def test_a_failure_leaves_what_was_there_before():
    est = new(callback=At("on_epoch_end", fail))
    with pytest.raises(ZeroDivisionError):
        est.fit(X)
    assert not hasattr(est, "net_") and not hasattr(est, "encoder_")
    est.set_params(callbacks=None).fit(X)
    before = {name: getattr(est, name) for name in ("net_", "encoder_", "history_", "precision_")}
    Z = est.transform(X)
    callback = At("on_epoch_end", fail)
    est.set_params(callbacks=[callback])
    with pytest.raises(ZeroDivisionError):
        est.partial_fit(X)
    assert all(getattr(est, name) is value for name, value in before.items())
    assert (est.transform(X) == Z).all()
    assert pickle.loads(pickle.dumps(est)).history_ == est.history_


def interrupt(est, net):
    raise KeyboardInterrupt


def test_an_interrupt_keeps_what_was_learned():
    est = new(callback=At("on_epoch_end", interrupt))
    with pytest.raises(KeyboardInterrupt):
        est.fit(X)
    assert len(est.history_) == 1 and np.isfinite(est.transform(X)).all()
