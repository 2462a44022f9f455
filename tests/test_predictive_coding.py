"""Predictive coding: the loss, its negatives, and what is said of encoders that do not fit."""

import numpy as np
import pytest
import torch
from seeds import seeded
from torch import nn

from sklearn_ssl import PredictiveCodingPretrainer
from sklearn_ssl.encoders import Hidden, TokenConvNet
from sklearn_ssl.methods._predictive_coding import draw_negatives, info_nce
from sklearn_ssl.modalities import Series

TEXTS = ["the cat sat on the mat", "a dog", "the dog sat on a cat and slept"] * 10
FAST = {"max_epochs": 1, "random_state": 0, "precision": "float32"}


def test_loss_is_that_of_a_loop():
    rng = np.random.default_rng(0)
    predicted, target = rng.normal(size=(2, 2, 3, 5))
    negatives, usable = rng.normal(size=(2, 4, 5)), rng.random((2, 3, 4)) < 0.6
    usable[0, 0] = False
    losses, found = info_nce(*map(torch.tensor, (predicted, target, negatives, usable)), 0.3)
    for row, place in np.ndindex(2, 3):
        cosine = [
            predicted[row, place] @ z / np.linalg.norm(predicted[row, place]) / np.linalg.norm(z)
            for z in (target[row, place], *negatives[row][usable[row, place]])
        ]
        chances = np.exp(np.array(cosine) / 0.3)
        assert losses[row, place] == pytest.approx(-np.log(chances[0] / chances.sum()), abs=1e-5)
        assert found[row, place] == (cosine[0] > max(cosine[1:], default=-np.inf))


def test_negatives_are_within_and_across_sequences_and_never_padding():
    lengths = torch.tensor([4, 1, 7, 0])
    present = torch.arange(7) < lengths[:, None]
    with seeded(0):
        within, across, ours = draw_negatives(present, 500, 3000)
    drawn = torch.cat([within, across.expand(4, -1)], dim=1)
    assert ours.all()
    rows, places = drawn // 7, drawn % 7
    own = torch.arange(4)[:, None]
    assert (rows[:, :500] == own).all()
    assert present[rows, places][:3].all() or not lengths[rows].all()
    for row in range(3):
        assert set(places[row, :500].tolist()) == set(range(lengths[row]))
        assert set(drawn[row, 500:].tolist()) >= set(present.flatten().nonzero().flatten().tolist())
    # each position of each sequence is as likely as any other
    share = torch.bincount(drawn[0, 500:], minlength=28).reshape(4, 7)[present].float() / 3000
    assert (share.max() - share.min()).item() < 0.04


def trained(**params):
    est = PredictiveCodingPretrainer(**{"encoder": TokenConvNet(15, width=16, causal=True), **FAST, **params})
    return est.fit(TEXTS)


def test_padding_and_further_rows_change_no_loss():
    est = trained()
    objective = est.net_.module_.eval()
    losses = []
    for n in (2, 3):
        x = est.modality_.validate(TEXTS[:n])[np.array([1, 1])]  # the short one
        assert x.ids.shape[1] < 8
        wide = x._replace(ids=torch.nn.functional.pad(x.ids, (0, 5 * (n - 2))))
        with torch.no_grad():
            local = objective.modality.hidden_of(objective.encoder, wide, local=True)
            drawn = torch.tensor([[0, 1, 2, 3]]).repeat(2, 1)
            h = objective.predictor(objective.encoder.context(local).h)[:, : x.ids.shape[1]]
            target = objective.target(local.h)
            losses.append((h, target[:, :4], drawn))
    torch.testing.assert_close(losses[0], losses[1], atol=1e-5, rtol=0)
    Z = est.transform(TEXTS[:3])
    for row in range(3):
        np.testing.assert_allclose(est.transform([TEXTS[row]])[0], Z[row], atol=1e-5)


def test_pairs_that_are_compared_are_those_inside_a_row():
    est = trained(n_steps=3)
    x = est.modality_.validate(TEXTS)[np.array([0, 1, 2])]
    with seeded(0), torch.no_grad():
        step = est.net_.module_.eval()(x)
        _, _, where = est.net_.module_._compared(x)
    sizes = x.lengths.tolist()
    assert sizes == [8, 4, 10]
    for row, ahead in np.ndindex(3, 3):
        assert where[row, ahead].nonzero().flatten().tolist() == list(range(sizes[row] - 1 - ahead))
    assert float(step.weight) == where.sum()


def test_what_follows_is_learned_and_what_does_not_is_not():
    rng = np.random.default_rng(0)
    words = np.array(list("abcdefgh"))
    order = [" ".join(np.roll(words, -start)) for start in rng.integers(8, size=60)]
    noise = [" ".join(rng.choice(words, 8)) for _ in range(60)]
    found = {}
    for name, X in {"order": order, "noise": noise}.items():
        with seeded(0):
            encoder = TokenConvNet(14, width=16, causal=True)
        est = PredictiveCodingPretrainer(encoder=encoder, n_steps=1, max_epochs=15, lr=1e-2, random_state=0)
        found[name] = est.fit(X).history_[-1]["train_accuracy"]
    assert found["order"] > 0.75 > 0.5 > found["noise"]


def test_a_row_alone_and_an_empty_one_are_scored():
    est = trained()
    scores = est.score_samples([TEXTS[0], "cat", ""])
    assert np.isfinite(scores).all()
    assert est.score_samples([TEXTS[0]])[0] == pytest.approx(scores[0], abs=1e-5)
    assert np.isfinite(est.score(TEXTS[:1]))


def test_series_of_unequal_length_with_holes_are_taken():
    rng = np.random.default_rng(0)
    X = [np.sin(np.arange(length) / 2 + rng.uniform(0, 6)) for length in rng.integers(8, 30, size=20)]
    X[0][3:5] = np.nan
    est = PredictiveCodingPretrainer(modality=Series(), **FAST).fit(X)
    Z = est.transform(X)
    assert np.isfinite(Z).all()
    np.testing.assert_allclose(est.transform(X[:1]), Z[:1], atol=1e-5)
    assert np.isfinite(est.score_samples(X)).all()


class Sighted(TokenConvNet):
    """Sees what comes."""


class Uneven(TokenConvNet):
    def local(self, x):
        out = super().local(x)
        return Hidden(out.h[:, :-1], out.present[:, :-1])

    def hidden(self, x):
        return self.context(super().local(x))


class Flat(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 4)

    def tokens(self, x):
        return self.embedding(x.ids)

    def forward(self, x):
        return self.tokens(x).mean(1)


@pytest.mark.parametrize(
    "encoder, words",
    [
        (Sighted(15, width=8), r"encoder=Sighted sees the positions that it is to predict"),
        (Flat(), r"encoder=Flat does not tell local features from those in context.*local\(x\)"),
        (Uneven(15, width=8, causal=True), "local features at 7 positions, and features in context at 8"),
    ],
    ids=["looks ahead", "one kind of features", "two rates"],
)
def test_an_encoder_that_does_not_fit_is_refused_in_our_words(encoder, words):
    with pytest.raises(ValueError, match=f"(?s){words}"):
        PredictiveCodingPretrainer(encoder=encoder, **FAST).fit(TEXTS)


@pytest.mark.parametrize("name, value", [("n_steps", 0), ("n_negatives", 1), ("temperature", 0.0)])
def test_parameters_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        PredictiveCodingPretrainer(**{**FAST, name: value}).fit(TEXTS)
