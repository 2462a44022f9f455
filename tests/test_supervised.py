"""The engine with labels: the estimator that CONTRIBUTING.md shows, on it."""

import copy
import pickle
from dataclasses import dataclass

import joblib
import numpy as np
import pytest
import torch
from examples import example
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.exceptions import NotFittedError
from torch import nn

import sklearn_ssl
from sklearn_ssl import MaskedPretrainer
from sklearn_ssl.encoders import MLP, ConvNet, TokenBag, TokenConvNet, Transformer, stages_of
from sklearn_ssl.training import BatchLoader, LabeledStore, Rows, Selection, Targets, hold_out

toy = example("(ClassifierMixin, NetworkEstimator)")
X, y = load_wine(return_X_y=True)
NAMES = np.array(["red", "rosé", "white"])[y]


def new(**params):
    return toy.NetworkClassifier(
        **{"max_epochs": 8, "batch_size": 64, "random_state": 0, "precision": "float32", **params}
    )


def test_it_learns_and_the_same_seed_gives_the_same_bits():
    est = new().fit(X[::2], NAMES[::2])
    assert est.score(X[1::2], NAMES[1::2]) > 0.9
    assert list(est.classes_) == ["red", "rosé", "white"]
    again = clone(est).fit(X[::2], NAMES[::2])
    assert again.history_ == est.history_
    assert (again.predict(X) == est.predict(X)).all()
    assert new(random_state=1).fit(X[::2], NAMES[::2]).history_ != est.history_


def test_labels_belong_to_their_rows():
    """With labels in another order nothing can be learned of rows that are not there."""
    shuffled = np.random.default_rng(0).permutation(y)
    assert new().fit(X[::2], shuffled[::2]).score(X[1::2], y[1::2]) < 0.6


def test_small_weights_are_weights_too():
    losses = [new(max_epochs=2).fit(X, y, sample_weight=np.full(len(y), w)).history_ for w in (1.0, 1e-5)]
    for one, other in zip(*losses, strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], rel=1e-3)


@pytest.mark.parametrize("labels", [y[:10], np.r_[y, y]], ids=["few", "many"])
def test_as_many_labels_as_rows(labels):
    with pytest.raises(ValueError, match=f"X has 178 rows and y has {len(labels)}"):
        new().fit(X, labels)


def test_weights_of_rows_count():
    """A row of weight 0 is as if it were not there, and one of weight 2 counts as often in the mean."""
    wrong = np.where(y == 0, 1, y)
    weight = np.where(np.arange(len(y)) % 2 == 0, 1.0, 0.0)
    est = new().fit(X, np.where(weight > 0, y, wrong), sample_weight=weight)
    assert est.score(X, y) > 0.9
    a, b = (new(max_epochs=1).fit(X, y, sample_weight=w) for w in (None, np.full(len(y), 2.0)))
    assert a.history_[0]["train_loss"] == pytest.approx(b.history_[0]["train_loss"])


def test_groups_of_parameters_have_their_rates():
    est = new(decay=0.5, lr=1e-2).fit(X, y)
    rates = [group["lr"] for group in est.net_.optimizer_.param_groups]
    assert rates == pytest.approx([1e-2 * 0.5**i for i in range(4)])  # the head, and three layers
    grouped = sum(len(group["params"]) for group in est.net_.optimizer_.param_groups)
    assert grouped == len(list(est.net_.module_.parameters()))
    frozen = new(decay=1e-12).fit(X, y)
    untrained = new(max_epochs=0).fit(X, y)
    for layer, moved in ((frozen.encoder_.layers[0][0], False), (frozen.net_.module_.head, True)):
        other = untrained.net_.module_.head if moved else untrained.encoder_.layers[0][0]
        assert torch.allclose(layer.weight, other.weight, atol=1e-7) is not moved


def test_early_stopping_and_warm_start():
    est = new(early_stopping=True).fit(X, y)
    assert "valid_loss" in est.history_[0]
    warm = new(warm_start=True).fit(X, y).fit(X, y)
    assert len(warm.history_) == 16
    assert warm.history_[-1]["train_loss"] < est.history_[0]["train_loss"]


def test_training_goes_on_with_the_same_classes_only():
    est = new(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"classes_ is .*warm_start=False"):
        est.fit(X[y > 0], y[y > 0])
    assert len(est.fit(X, y).history_) == 16


def test_saved_and_pickled_it_predicts_the_same(tmp_path):
    est = new().fit(X, NAMES)
    est.save(tmp_path)
    for other in (sklearn_ssl.load(tmp_path), pickle.loads(pickle.dumps(est))):
        assert (other.predict(X) == est.predict(X)).all()
        assert other.classes_.dtype == est.classes_.dtype
        assert joblib.hash(pickle.loads(pickle.dumps(other))) == joblib.hash(other)


@dataclass(kw_only=True, eq=False, repr=False)
class OnPretrained(toy.NetworkClassifier):
    """Start from a pretrainer: a copy of its encoder, on its modality."""

    pretrainer: MaskedPretrainer

    def _begin(self, rows):
        return self.pretrainer.modality_, self.pretrainer.modality_.validate(rows)

    def _build_encoder(self, start=None):
        if hasattr(self.pretrainer, "encoder_"):
            return copy.deepcopy(self.pretrainer.encoder_)
        return self.modality_.encoder(self.pretrainer.encoder, self.pretrainer.n_components)

    def _is_pretrained(self):
        return True


def test_an_estimator_starts_from_another_and_is_saved_with_it(tmp_path):
    ssl = MaskedPretrainer(n_components=8, max_epochs=3, random_state=0).fit(X)
    est = OnPretrained(pretrainer=ssl, max_epochs=0, random_state=0).fit(X[::2], NAMES[::2])
    for own, theirs in zip(
        est.encoder_.state_dict().values(), ssl.encoder_.state_dict().values(), strict=True
    ):
        assert torch.equal(own, theirs)  # its statistics, too
    est.set_params(max_epochs=20).fit(X[::2], NAMES[::2])
    assert est.score(X[1::2], NAMES[1::2]) > 0.9
    est.save(tmp_path)
    loaded = sklearn_ssl.load(tmp_path)
    assert (loaded.predict(X) == est.predict(X)).all()
    assert loaded.pretrainer.get_params() == ssl.get_params()
    with pytest.raises(ValueError, match="has no encoder"):
        sklearn_ssl.load(tmp_path, encoder=nn.Linear(2, 2))


def test_a_failed_fit_leaves_nothing_half_trained():
    est = new(lr=1e30)
    with pytest.raises(ValueError, match="Lower lr"):
        est.fit(X, y)
    with pytest.raises(NotFittedError):
        est.predict(X)
    assert not hasattr(est, "classes_")


def test_the_loader_gives_each_row_its_targets():
    rows = Rows(torch.arange(20.0)[:, None], lambda batch: batch)
    store = LabeledStore(rows, Targets(torch.arange(20), torch.arange(20.0) / 2))
    train, valid = hold_out(store, 0.3, random_state=0)
    for part in (store, train, valid, Selection(train, np.array([3, 1]))):
        seen = 0
        for x, targets in BatchLoader(part, 4, shuffle=True):
            assert (x[:, 0] == targets.values).all()
            assert (x[:, 0] == 2 * targets.weight).all()
            seen += len(x)
        assert seen == len(part)
    assert [targets for _, targets in BatchLoader(rows, 5)] == [None] * 4


ENCODERS = [
    MLP(5),
    MLP(5, 3),
    ConvNet((1, 8, 8), 3),
    TokenBag(9, 3),
    TokenConvNet(9),
    Transformer(9, 8, 3),
    nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.BatchNorm1d(4), nn.Linear(4, 2)),
    nn.Linear(3, 2),
]


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda e: type(e).__name__)
def test_stages_hold_every_parameter_once_in_depth_order(encoder):
    stages = stages_of(encoder)
    found = [id(p) for stage in stages for p in stage.parameters()]
    assert sorted(found) == sorted(id(p) for p in encoder.parameters())
    names = {id(p): name for name, p in encoder.named_parameters()}
    order = [names[i] for i in found]
    for first, last in (
        ("embedding", "pooling"),
        ("layers.0", "layers.1"),
        ("blocks.0", "blocks.2"),
        ("0.", "3."),
    ):
        places = [[i for i, name in enumerate(order) if name.startswith(part)] for part in (first, last)]
        assert not all(places) or max(places[0]) < min(places[1])
