"""Positions at the encoder's own rate: a strided modality, and what is said of encoders that do not fit."""

import numpy as np
import pytest
import torch
from examples import example
from torch import nn

import sklearn_ssl
from sklearn_ssl import AutoregressivePretrainer, ContrastivePretrainer, MaskedPretrainer, RotationPretrainer
from sklearn_ssl.encoders import Hidden, SequenceEncoder, TokenConvNet, Tokens, Transformer
from sklearn_ssl.modalities import Text
from sklearn_ssl.testing import CHECKS, check_other_processes, new_case

toy = example("(Sequences)")
X = np.sin(np.arange(32) / 3 + np.random.default_rng(0).uniform(0, 6, (150, 1)))
TEXTS = Text().example_rows()[:40]
FAST = {"max_epochs": 2, "random_state": 0, "precision": "float32"}


@pytest.mark.parametrize("method", [ContrastivePretrainer, MaskedPretrainer, AutoregressivePretrainer])
def test_a_modality_of_ones_own_keeps_every_promise(method):
    """But for that in other processes, which cannot import the example; it is run as a program elsewhere."""
    case = new_case(method(modality=toy.Waves()), X)
    for check in set(CHECKS) - {check_other_processes}:
        check(case)


@pytest.mark.parametrize("method", [MaskedPretrainer, AutoregressivePretrainer])
def test_what_is_at_strided_positions_is_learned(method):
    """A sine is told by what is around it, and by what was before it; noise is not."""
    noise = np.random.default_rng(1).normal(size=X.shape)
    settings = {"modality": toy.Waves(), "max_epochs": 60, "random_state": 0, "lr": 1e-2}
    learned = method(**settings).fit(X).score(X)
    assert learned > method(**{**settings, "max_epochs": 0}).fit(X).score(X) / 3
    assert learned > method(**settings).fit(noise).score(noise) / 3


def test_a_mask_of_steps_comes_to_the_rate_of_the_encoder():
    waves = toy.Waves()
    hidden = Hidden(torch.zeros(1, 4, 2), torch.ones(1, 4, dtype=torch.bool))
    steps = torch.tensor([[1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]], dtype=torch.bool)
    assert waves.at_positions(steps, hidden).tolist() == [[True, True, False, False]]
    assert torch.equal(waves.at_positions(steps[:, :4], hidden), steps[:, :4])


def test_predictions_of_hidden_positions_alone_are_judged():
    """The loss is that of a decoder on the positions that were hidden, and no others."""
    est = MaskedPretrainer(modality=toy.Waves(), **FAST).fit(X)
    objective, x = est.net_.module_.eval(), est.modality_.validate(X)[np.arange(30)]
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        step = objective(x)
        torch.manual_seed(0)
        holes, steps = est.modality_.mask(x, est.mask_rate)
        hidden = objective.encoder.hidden(holes)
        at = steps.reshape(30, 8, 4).all(2)
        error = (objective.decoder(hidden.h) - x.reshape(30, 8, 4)).square().mean(2)
    assert float(step.weight) == at.sum()
    assert float(step.loss) == pytest.approx(float(error[at].mean()), rel=1e-5)


class Strided(nn.Module):
    """A position for each two tokens."""

    def __init__(self, as_hidden):
        super().__init__()
        self.embedding, self.as_hidden = nn.Embedding(500, 8), as_hidden

    def tokens(self, x):
        h = self.embedding(x.ids[:, ::2])
        return Hidden(h, x.present()[:, ::2]) if self.as_hidden else h

    def forward(self, x):
        return self.embedding(x.ids).mean(1)


class Flat(Strided):
    def tokens(self, x):
        return self.forward(x)


class Odd(Strided):
    def tokens(self, x):
        return None


@pytest.mark.parametrize("method", [MaskedPretrainer, AutoregressivePretrainer])
@pytest.mark.parametrize(
    "encoder, words",
    [
        (Strided(True), "features at 4 positions for 8 tokens"),
        (Strided(False), r"of shape \(1, 8\) and torch.bool as present, beside h of shape \(1, 4, 8\)"),
        (
            Flat(True),
            r"of shape \(n, n_positions, d\).*returned a tensor of shape \(1, 8\) and torch.float32 as h",
        ),
        (Odd(True), r"of shape \(n, n_positions, d\).*returned NoneType"),
        (nn.Sequential(), "gives features of whole rows only"),
    ],
    ids=["hidden", "tensor", "flat", "none", "no positions"],
)
def test_an_encoder_whose_positions_do_not_fit_is_refused_in_our_words(method, encoder, words):
    encoder = encoder if len(list(encoder.children())) else type("Pooled", (Strided,), {"tokens": None})(True)
    with pytest.raises(ValueError, match=f"(?s){words}"):
        method(encoder=encoder, **FAST).fit(TEXTS)


class Every(SequenceEncoder):
    """A strided encoder of waves whose features may be spoilt."""

    def __init__(self, stride, spoil=None):
        super().__init__()
        self.front, self.spoil = nn.Conv1d(1, 8, stride, stride), spoil

    def local(self, x):
        h = self.front(x[:, None]).transpose(1, 2)
        return Hidden(h, torch.ones(h.shape[:2], dtype=torch.bool))

    def context(self, hidden):
        return self.spoil(hidden) if self.spoil else hidden

    def forward(self, x):
        return self.local(x).h.mean(1)


def fail(hidden):
    raise KeyError("a bug of one's own")


SPOILT = {
    "stride 2": (Every(2), "features at 16 positions, and Waves has 8 targets"),
    "stride 8": (Every(8), "features at 4 positions, and Waves has 8 targets"),
    "integers": (Every(4, lambda out: out._replace(h=out.h.long())), "torch.int64 as h"),
    "no h": (Every(4, lambda out: out._replace(h=None)), "NoneType as h"),
    "no present": (Every(4, lambda out: out._replace(present=None)), "NoneType as present"),
    "present of another shape": (
        Every(4, lambda out: out._replace(present=out.present[:, 1:])),
        "as present",
    ),
    "present as numbers": (
        Every(4, lambda out: out._replace(present=out.present.float())),
        "float32 as present",
    ),
    "not finite": (Every(4, lambda out: out._replace(h=out.h / 0)), "finite features of its positions"),
    "a bug": (Every(4, fail), "encoder=Every fails to give features of positions: .*a bug of one's own"),
    "tokens of what has none": (Strided(False), "encoder=Strided fails"),
}


@pytest.mark.parametrize("method", [MaskedPretrainer, AutoregressivePretrainer])
@pytest.mark.parametrize("encoder, words", SPOILT.values(), ids=SPOILT)
def test_a_strided_encoder_that_does_not_fit_is_refused_in_our_words(method, encoder, words):
    with pytest.raises(ValueError, match=f"(?s){words}"):
        method(modality=toy.Waves(), encoder=encoder, **FAST).fit(X)


def test_one_of_the_right_stride_is_taken():
    assert MaskedPretrainer(modality=toy.Waves(), encoder=Every(4), **FAST).fit_transform(X).shape == (150, 8)


def test_what_makes_sense_for_tokens_only_is_refused():
    est = AutoregressivePretrainer(modality=toy.Waves(), **FAST).fit(X)
    for call in (est.sample, lambda: est.perplexity(X)):
        with pytest.raises(TypeError, match="Waves has no tokens"):
            call()


def test_series_that_patches_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="multiple of 4"):
        MaskedPretrainer(modality=toy.Waves(), **FAST).fit(X[:, :30])


def test_tags_of_a_method_for_a_modality_that_is_not_registered():
    class OfWaves(ContrastivePretrainer):
        _modalities = (toy.Waves,)

    assert not OfWaves().__sklearn_tags__().input_tags.two_d_array
    with pytest.raises(ValueError, match="Pass the modality"):
        new_case(OfWaves())


@pytest.mark.parametrize("net", [Transformer(9, 8), TokenConvNet(9)], ids=lambda net: type(net).__name__)
def test_local_features_are_of_a_token_alone_and_context_of_those_around(net):
    net.eval()
    a, b = (Tokens(torch.tensor([ids]), torch.tensor([4])) for ids in ([3, 6, 7, 4], [3, 6, 8, 4]))
    with torch.no_grad():
        local, around = ([getattr(net, face)(x) for x in (a, b)] for face in ("local", "hidden"))
        assert torch.equal(net.context(local[0]).h, around[0].h)
        assert torch.equal(net.tokens(a), around[0].h)
    assert torch.equal(local[0].h[:, 1], local[1].h[:, 1])
    assert not torch.equal(around[0].h[:, 1], around[1].h[:, 1])
    assert around[0].present.all()


def test_errors_of_a_modality_of_ones_own_name_it():
    with pytest.raises(ValueError, match="RotationPretrainer needs images and got Waves"):
        RotationPretrainer(modality=toy.Waves()).fit(X)
    with pytest.raises(
        ValueError, match=r"encoder='mlp' is not known to Waves\. Use one of 'auto', 'patches'"
    ):
        ContrastivePretrainer(modality=toy.Waves(), encoder="mlp").fit(X)
    with pytest.raises(TypeError, match="Waves has no decoder"):
        sklearn_ssl.AutoencoderPretrainer(modality=toy.Waves()).fit(X)
    with pytest.raises(TypeError, match="Waves has no way to cut it"):
        sklearn_ssl.SegmentOrderPretrainer(modality=toy.Waves()).fit(X)
    with pytest.raises(ValueError, match="Pass X: there are no example rows for Waves"):
        new_case(ContrastivePretrainer(modality=toy.Waves()))
