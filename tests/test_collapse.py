"""A collapse is told, and what is none is not."""

import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, make_blobs
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback
from torch import nn

from sklearn_ssl import AutoencoderPretrainer, ContrastivePretrainer, SiamesePretrainer, VAEPretrainer
from sklearn_ssl.training import effective_rank, is_collapsed, spread

IRIS = load_iris().data
RNG = np.random.default_rng(0)


class Constant(nn.Linear):
    """Gives all rows the same features."""

    def forward(self, x):
        return super().forward(0 * x)


class Line(nn.Linear):
    """Gives features on one line."""

    def forward(self, x):
        return super().forward(x)[:, :1].expand(-1, 8)


class Divided(nn.Linear):
    """Writes to its input."""

    def forward(self, x):
        x /= 10
        return super().forward(x)


class Erased(Callback):
    """Sets all weights to zero from some epoch on."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_batch_end(self, net, **kwargs):
        if len(net.history) >= self.epoch:
            with torch.no_grad():
                for tensor in net.module_.state_dict().values():
                    tensor.zero_()


def test_rank_and_spread():
    z = torch.from_numpy(RNG.normal(size=(1000, 6))).float()
    assert effective_rank(z) == pytest.approx(6, abs=0.01)
    assert spread(z) == pytest.approx(1, abs=0.02)
    point = torch.ones(50, 6) + 1e-3 * z[:50]
    assert effective_rank(point) < 1.1
    assert spread(point) < 0.01
    assert effective_rank(z[:, :1] * torch.ones(6)) == pytest.approx(1, abs=1e-3)
    assert math.isnan(effective_rank(torch.zeros(3, 2)))
    x = z[:50]
    assert is_collapsed(point, x)
    assert is_collapsed(z[:50, :1] * torch.ones(6), x)  # a line
    assert is_collapsed(x * torch.nan, x)
    assert not is_collapsed(x, x)
    assert not is_collapsed(point, torch.ones(50, 6))  # the rows are alike themselves
    assert not is_collapsed(z[:50, :1], x)  # one component cannot be more than a line


@pytest.mark.parametrize("encoder", [Constant(4, 8), Line(4, 8)])
def test_an_encoder_that_cannot_tell_rows_apart(encoder):
    with pytest.warns(ConvergenceWarning, match="AutoencoderPretrainer has collapsed.*spread.*Lower lr"):
        AutoencoderPretrainer(encoder=encoder, max_epochs=2, random_state=0).fit(IRIS)
    est = AutoencoderPretrainer(encoder=encoder, max_epochs=2, random_state=0, on_collapse="raise")
    with pytest.raises(ValueError, match="has collapsed"):
        est.fit(IRIS)
    est.set_params(on_collapse="ignore").fit(IRIS)
    if isinstance(encoder, Constant):
        with pytest.warns(ConvergenceWarning, match="Contrastive.*batch_size"):
            ContrastivePretrainer(encoder=encoder, max_epochs=2, random_state=0).fit(IRIS)


def test_a_search_drops_what_collapsed():
    est = ContrastivePretrainer(max_epochs=2, random_state=0, on_collapse="raise")
    search = GridSearchCV(est, {"encoder": ["auto", Constant(4, 8)]}, cv=2)
    with pytest.warns(UserWarning, match="non-finite"), pytest.warns(FitFailedWarning, match="has collapsed"):
        search.fit(IRIS)
    assert search.best_params_ == {"encoder": "auto"}


def test_a_posterior_that_became_the_prior():
    X = load_breast_cancer().data
    with pytest.warns(ConvergenceWarning, match=r"VAEPretrainer has collapsed.*Lower beta"):
        VAEPretrainer(beta=1000.0, max_epochs=60, random_state=0).fit(X)
    VAEPretrainer(max_epochs=60, random_state=0, on_collapse="raise").fit(X)


def test_two_clusters_are_no_collapse():
    X, _ = make_blobs(200, centers=[[-5, -5], [5, 5]], cluster_std=0.01, random_state=0)
    settings = {"max_epochs": 100, "random_state": 0, "precision": "float32", "on_collapse": "raise"}
    ContrastivePretrainer(temperature=5.0, **settings).fit(X)


@pytest.mark.parametrize("cls", [AutoencoderPretrainer, ContrastivePretrainer, SiamesePretrainer])
def test_rows_that_are_alike_are_no_collapse(cls):
    binary = (np.arange(100) % 50 == 0).astype(float)[:, None]
    for X in (np.ones((60, 4)), np.repeat(IRIS[:1], 30, axis=0), binary):
        cls(n_components=2, max_epochs=20, random_state=0, on_collapse="raise").fit(X)
    est = cls(random_state=0, on_collapse="raise").partial_fit(IRIS).partial_fit(IRIS)
    est.partial_fit(IRIS[:2]).partial_fit(np.repeat(IRIS[:1], 20, axis=0))
    assert len(est.history_) == 4


def test_the_weights_that_are_kept_are_judged():
    settings = {"max_epochs": 12, "early_stopping": True, "n_iter_no_change": 3, "random_state": 0}
    est = ContrastivePretrainer(**settings, callbacks=[Erased(6)], on_collapse="raise").fit(IRIS)
    assert est.history_[-1]["spread"] == 0  # of the last epoch, whose weights were thrown away
    assert est.encoder_(est.modality_.validate(IRIS)[np.arange(150)]).std() > 0.5


def test_a_network_that_writes_to_its_input():
    X = load_digits().data[:200]
    est = AutoencoderPretrainer(encoder=Divided(64, 16), max_epochs=4, random_state=0, on_collapse="raise")
    assert est.fit(X).history_[-1]["spread"] > 0.3
    assert not hasattr(est.net_.callbacks_[0][1], "store_")  # no rows are kept
