"""What rebuilds its input: losses against plain loops, decoders, samples, and what comes back to the user."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from seeds import seeded
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from sklearn_ssl import (
    AutoencoderPretrainer,
    ContrastivePretrainer,
    GANPretrainer,
    MaskedPretrainer,
    VAEPretrainer,
)
from sklearn_ssl.encoders import ConvDecoder
from sklearn_ssl.methods._adversarial import STEP, critic_loss, player_loss
from sklearn_ssl.methods._masked import masked_mean
from sklearn_ssl.methods._variational import gaussian_kl, negative_log_likelihood
from sklearn_ssl.modalities import Image, Tabular
from sklearn_ssl.modalities._image_views import hide_patches
from sklearn_ssl.modalities.tabular._decoders import cut_points

RNG = np.random.default_rng(0)
IRIS, SPECIES = load_iris(return_X_y=True)
DIGITS, NUMBERS = load_digits(return_X_y=True)
PIXELS = Image(shape=(8, 8), horizontal_flip=False)


def tensor(*shape):
    return torch.from_numpy(RNG.normal(size=shape).astype(np.float32))


def sigmoid(v):
    return 1 / (1 + math.exp(-v))


# losses


def test_gaussian_kl_equals_the_closed_form_by_loops():
    mean, log_var = tensor(5, 3), tensor(5, 3)
    for i, found in enumerate(gaussian_kl(mean, log_var)):
        terms = [
            0.5 * (m**2 + math.exp(v) - 1 - v)
            for m, v in zip(mean[i].tolist(), log_var[i].tolist(), strict=True)
        ]
        assert float(found) == pytest.approx(sum(terms), abs=1e-5)
    assert (gaussian_kl(torch.zeros(2, 4), torch.zeros(2, 4)) == 0).all()


def test_gaussian_kl_equals_its_integral():
    """By numerical integration of q (log q - log p), which knows nothing of the closed form."""
    mean, log_var = 0.7, -0.9
    z = np.linspace(-12, 12, 400_001)
    log_q = -0.5 * ((z - mean) ** 2 / math.exp(log_var) + log_var + math.log(2 * math.pi))
    log_p = -0.5 * (z**2 + math.log(2 * math.pi))
    integral = np.trapezoid(np.exp(log_q) * (log_q - log_p), z)
    found = gaussian_kl(torch.tensor([[mean]]), torch.tensor([[log_var]]))
    assert float(found) == pytest.approx(integral, abs=1e-5)


def test_negative_log_likelihood_by_loops():
    x, output, variance = tensor(4, 3), tensor(4, 3), 0.3
    numeric = torch.tensor([True, False, True])
    error = torch.where(numeric, (x - output) ** 2, output.abs())
    found = negative_log_likelihood(error, numeric, torch.tensor(variance))
    for i in range(4):
        expected = float(output[i, 1].abs())
        for j in (0, 2):
            density = math.exp(-((float(x[i, j]) - float(output[i, j])) ** 2) / (2 * variance))
            expected -= math.log(density / math.sqrt(2 * math.pi * variance))
        assert float(found[i]) == pytest.approx(expected, abs=1e-5)


def test_game_losses_by_loops():
    real, fake = tensor(6), tensor(6)
    critic = np.mean([-math.log(sigmoid(v)) for v in real.tolist()])
    critic += np.mean([-math.log(1 - sigmoid(v)) for v in fake.tolist()])
    player = np.mean([-math.log(1 - sigmoid(v)) for v in real.tolist()])
    player += np.mean([-math.log(sigmoid(v)) for v in fake.tolist()])
    assert float(critic_loss(real, fake)) == pytest.approx(critic, abs=1e-5)
    assert float(player_loss(real, fake)) == pytest.approx(player, abs=1e-5)
    assert float(critic_loss(torch.zeros(3), torch.zeros(3))) == pytest.approx(2 * math.log(2), abs=1e-5)


def test_masked_mean_by_loops():
    error, hidden = tensor(4, 3).abs(), tensor(4, 3) > 0
    pairs = list(zip(error.flatten().tolist(), hidden.flatten().tolist(), strict=True))
    for visible in (0.0, 0.4, 1.0, 3.0):
        weights = [1 if h else visible for _, h in pairs]
        expected = sum(w * e for w, (e, _) in zip(weights, pairs, strict=True)) / sum(weights)
        assert float(masked_mean(error, hidden, visible)) == pytest.approx(expected, abs=1e-5)
    assert float(masked_mean(error, torch.zeros(4, 3, dtype=torch.bool), 0.0)) == 0


def table_with_zeros_and_ones():
    numbers = RNG.normal(size=(60, 2)) * [1, 100] + [0, 50]
    return np.column_stack([numbers[:, 0], RNG.random(60) < 0.3, numbers[:, 1], RNG.random(60) < 0.8])


def test_table_decoder_compares_numbers_by_squares_and_bits_by_cross_entropy():
    X = table_with_zeros_and_ones()
    modality = Tabular().fit(X)
    assert modality.binary_.tolist() == [False, True, False, True]
    x, decoder = modality.validate(X)[np.arange(60)], modality.decoder(7)
    output = tensor(60, 4)
    found = decoder.loss(output, x)
    for i in range(60):
        for j in (0, 2):
            assert float(found[i, j]) == pytest.approx(float((output[i, j] - x[i, j]) ** 2), abs=1e-5)
        for j in (1, 3):
            p = sigmoid(float(output[i, j]))
            assert float(found[i, j]) == pytest.approx(-math.log(p if X[i, j] else 1 - p), abs=1e-5)
    back = modality.restore(decoder.values(output))
    np.testing.assert_allclose(back[:, [1, 3]], torch.sigmoid(output[:, [1, 3]]), atol=1e-5)
    certain = modality.restore(decoder.values(torch.tensor([[50.0] * 4, [-50.0] * 4])))[:, [1, 3]]
    np.testing.assert_allclose(certain, [[1, 1], [0, 0]], atol=1e-6)
    assert certain.min() >= 0 and certain.max() <= 1


def test_rare_ones_are_decoded_as_the_encoder_sees_them():
    X = np.zeros((5000, 2))
    X[:4, 0], X[:, 1] = 1, RNG.normal(size=5000)
    modality = Tabular().fit(X)
    seen = modality.validate(X)[np.arange(5)]
    made = modality.decoder(3).values(torch.tensor([[99.0, 0.0]] * 4 + [[-99.0, 0.0]]))
    np.testing.assert_allclose(made[:, 0], seen[:, 0], atol=1e-5)
    np.testing.assert_allclose(modality.restore(seen)[:, 0], [1, 1, 1, 1, 0], atol=1e-5)


def test_what_is_decoded_stays_where_the_encoder_looked():
    modality = Tabular(clip=5).fit(IRIS)
    far = modality.restore(torch.full((1, 4), 90.0))
    np.testing.assert_allclose(far[0], IRIS.mean(0) + 5 * IRIS.std(0), rtol=1e-5)
    tiny = IRIS * [1, 1e-300, 1, 1]
    assert np.isfinite(GANPretrainer(max_epochs=1).fit(tiny).sample(9)).all()


def test_bin_decoder_is_cross_entropy_over_quantile_bins():
    X = RNG.normal(size=(50, 3))
    modality = Tabular(n_bins=5).fit(X)
    x, decoder = modality.validate(X)[np.arange(50)], modality.decoder(7, "bin")
    z = tensor(50, 7)
    output = decoder(z).detach()
    found = decoder.loss(output, x)
    output = output.reshape(50, 3, 5)
    ranks = X.argsort(0).argsort(0) // 10  # ten rows a bin
    for i in range(50):
        for j in range(3):
            odds = np.exp(output[i, j].double().numpy())
            expected = -math.log(odds[ranks[i, j]] / odds.sum())
            assert float(found[i, j].detach()) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    "column, cuts",
    [
        ([0] * 95 + [1] * 5, [0.5]),
        ([0] * 5 + [1] * 95, [0.5]),
        ([7] * 9, []),
        ([1, 2, 3, 4], [1.5, 2.5, 3.5]),
        (list(range(100)), [19.5, 39.5, 59.5, 79.5]),
    ],
)
def test_cut_points_part_values_that_differ(column, cuts):
    found = cut_points(np.array(column, dtype=float), 5)
    assert len(found) == 4
    assert found[np.isfinite(found)].tolist() == cuts


# holes


def test_patches_are_squares_of_the_rate():
    x = torch.ones(500, 2, 8, 9)
    with seeded(0):
        masked, hidden = hide_patches(x, 0.3, 3)
    assert hidden.shape == x.shape
    assert ((masked == 0) == hidden).all()
    assert (hidden[:, 0] == hidden[:, 1]).all()
    for patch in (hidden[..., :3, :3], hidden[..., 3:6, 6:], hidden[..., 6:, :3]):
        assert (patch.flatten(1).float().mean(1).unique().tolist()) == [0, 1]
        assert 0.2 < patch.float().mean() < 0.4


def test_without_weight_the_masked_loss_ignores_what_is_visible():
    est = MaskedPretrainer(visible_weight=0.0, max_epochs=0, random_state=0).fit(IRIS)
    objective = est.net_.module_.eval()
    x = est.modality_.validate(IRIS)[np.arange(150)]
    with seeded(0), torch.no_grad():
        loss = objective(x)
    with seeded(0), torch.no_grad():
        holes, hidden = est.modality_.mask(x, est.mask_rate)
        error = (objective.decoder(objective.encoder(holes)) - x) ** 2
    assert float(loss) == pytest.approx(float(error[hidden].mean()), abs=1e-5)


def test_number_of_bins_matters():
    few, many = (
        MaskedPretrainer(
            target="bin", modality=Tabular(n_bins=n), max_epochs=1, random_state=0
        ).fit_transform(IRIS)
        for n in (3, 9)
    )
    assert (few != many).any()


def test_mask_prediction_finds_what_was_changed():
    X = np.column_stack([IRIS, IRIS @ RNG.normal(size=(4, 6))])
    est = MaskedPretrainer(mask_weight=1.0, mask_rate=0.2, max_epochs=60, random_state=0).fit(X)
    assert {"train_target", "train_mask"} <= set(est.history_[0])
    guess = -(0.2 * math.log(0.2) + 0.8 * math.log(0.8))
    assert est.history_[-1]["train_mask"] < 0.8 * guess


def test_unknown_targets_are_told():
    with pytest.raises(ValueError, match=r"'target' parameter of MaskedPretrainer must be a str among"):
        MaskedPretrainer(target="median").fit(IRIS)
    with pytest.raises(ValueError, match=r"target='median' is not known to Tabular\. Use 'value' or 'bin'"):
        Tabular().fit(IRIS).decoder(4, "median")
    with pytest.raises(ValueError, match=r"target='bin' is not known to Image\. Use 'value'"):
        MaskedPretrainer(target="bin", modality=PIXELS).fit(DIGITS)


# decoders


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 5), (1, 8, 8), (1, 28, 28), (4, 33, 70)])
def test_conv_decoder_gives_images_of_any_size(shape):
    decoder = ConvDecoder(6, shape)
    images = decoder(tensor(3, 6))
    assert images.shape == (3, *shape)
    images.sum().backward()
    assert all(p.grad is not None for p in decoder.parameters())


@pytest.mark.parametrize("layout", [(192,), (8, 8, 3), (3, 8, 8)])
def test_images_come_back_in_their_layout(layout):
    X = RNG.integers(0, 256, size=(20, *layout)).astype(np.uint8)
    shape = (8, 8, 3) if layout == (192,) else None
    modality = Image(shape=shape).fit(X)
    back = modality.restore(modality.validate(X)[np.arange(20)])
    np.testing.assert_allclose(back, X, atol=1e-3)
    ae = AutoencoderPretrainer(modality=Image(shape=shape), n_components=4, max_epochs=1).fit(X)
    assert ae.inverse_transform(ae.transform(X[:3])).shape == (3, *layout)


def test_tables_come_back_in_their_units():
    X = np.column_stack([IRIS * [1, 1e9, 1e-9, 1e200], table_with_zeros_and_ones()[np.arange(150) % 60]])
    modality = Tabular().fit(X)
    np.testing.assert_allclose(
        modality.restore(modality.validate(X)[np.arange(150)]), X, rtol=1e-3, atol=1e-5
    )
    for kind in (sp.csr_array(IRIS), pd.DataFrame(IRIS, columns=list("abcd"))):
        ae = AutoencoderPretrainer(max_epochs=1).fit(kind)
        assert ae.inverse_transform(ae.transform(kind)).shape == (150, 4)


def test_sparse_and_dense_agree_on_bits():
    X = table_with_zeros_and_ones() * [0, 1, 1, 1]
    dense, sparse = Tabular().fit(X), Tabular().fit(sp.csr_array(X))
    assert dense.binary_.tolist() == sparse.binary_.tolist() == [False, True, False, True]


def test_autoencoder_rebuilds_and_cleans_held_out_digits():
    train, test = DIGITS[:1400], DIGITS[1400:]
    ae = AutoencoderPretrainer(modality=PIXELS, n_components=8, noise=0.2, max_epochs=12, random_state=0).fit(
        train
    )

    def error(images):
        return ((images - test) ** 2).mean()

    pca = PCA(8).fit(train)
    assert error(ae.inverse_transform(ae.transform(test))) < error(pca.inverse_transform(pca.transform(test)))
    noisy = test + RNG.normal(scale=4, size=test.shape)
    assert error(ae.inverse_transform(ae.transform(noisy))) < error(noisy) / 2


@pytest.mark.parametrize("method", [AutoencoderPretrainer, VAEPretrainer, GANPretrainer])
def test_inverse_transform_tells_what_it_wants(method):
    est = method(n_components=3, max_epochs=1)
    with pytest.raises(NotFittedError):
        est.inverse_transform(np.zeros((2, 3)))
    est.fit(IRIS)
    with pytest.raises(ValueError, match="takes features of width 3"):
        est.inverse_transform(IRIS)
    with pytest.raises(ValueError, match="NaN"):
        est.inverse_transform(np.full((2, 3), np.nan))
    read_only = est.transform(IRIS)
    read_only.flags.writeable = False
    assert (est.inverse_transform(read_only) == est.inverse_transform(est.transform(IRIS))).all()
    as_frame = est.set_output(transform="pandas").transform(IRIS)
    assert est.inverse_transform(as_frame).equals(est.inverse_transform(read_only))
    assert make_pipeline(est).fit(IRIS).inverse_transform(np.zeros((2, 3))).shape == (2, 4)


def test_no_decoder_no_inverse_transform():
    assert not hasattr(ContrastivePretrainer(), "inverse_transform")
    assert not hasattr(AutoencoderPretrainer(), "sample")


# samples


@pytest.mark.parametrize("method", [VAEPretrainer, GANPretrainer])
def test_samples(method):
    est = method(max_epochs=1, random_state=0)
    with pytest.raises(NotFittedError):
        est.sample()
    est.fit(table_with_zeros_and_ones())
    state = torch.get_rng_state()
    assert est.sample().shape == (1, 4)
    rows = est.sample(300)
    assert torch.equal(torch.get_rng_state(), state)
    assert rows.shape == (300, 4) and rows.dtype == np.float64 and np.isfinite(rows).all()
    assert ((rows[:, [1, 3]] >= 0) & (rows[:, [1, 3]] <= 1)).all()
    assert (est.sample(300) == rows).all()  # random_state is an int
    assert (est.sample(300, random_state=1) != rows).any()
    for wrong in (-1, "a", np.random.default_rng(0)):
        with pytest.raises(ValueError, match="random_state"):
            est.sample(random_state=wrong)
    for wrong in (0, -1, 2.5):
        with pytest.raises(ValueError, match="n_samples"):
            est.sample(wrong)


@pytest.mark.parametrize(
    "method", [VAEPretrainer(beta=1.0), pytest.param(GANPretrainer(), marks=pytest.mark.slow)]
)
def test_samples_have_the_moments_of_the_rows(method):
    est = clone(method).set_params(n_components=4, max_epochs=300, random_state=0).fit(IRIS)
    rows = est.sample(2000)
    assert np.abs(rows.mean(0) - IRIS.mean(0)).max() < 0.5
    spread = rows.std(0) / IRIS.std(0)
    assert spread.min() > 0.2 and spread.max() < 2
    correlation = np.corrcoef(rows.T) - np.corrcoef(IRIS.T)
    assert np.abs(correlation).max() < 0.5


# the variational bound


def test_bound_lies_below_an_importance_sampled_likelihood_and_near_it():
    """log p(x) by 5,000 draws from the posterior, weighted, in float64."""
    vae = VAEPretrainer(n_components=2, beta=1.0, max_epochs=200, random_state=0, precision="float32").fit(
        IRIS
    )
    objective = vae.net_.module_.double()
    x = vae.modality_.validate(IRIS)[np.arange(40)].double()
    with seeded(0), torch.no_grad():
        mean, log_var = objective.posterior(x)
        draws = mean + (0.5 * log_var).exp() * torch.randn(50, *mean.shape, dtype=torch.float64)
        errors = objective.decoder.loss(objective.decoder(draws.flatten(0, 1)), x.repeat(50, 1))
        variance = objective.variance(errors)
        bounds, weights = [], []
        for _ in range(5_000 // 100):
            noise = torch.randn(100, *mean.shape, dtype=torch.float64)
            z = mean + (0.5 * log_var).exp() * noise
            error = objective.decoder.loss(objective.decoder(z.flatten(0, 1)), x.repeat(100, 1))
            nll = negative_log_likelihood(error, objective.decoder.numeric, variance).reshape(100, -1)
            log_prior = -0.5 * (z**2 + math.log(2 * math.pi)).sum(-1)
            log_posterior = -0.5 * (noise**2 + log_var + math.log(2 * math.pi)).sum(-1)
            weights.append(-nll + log_prior - log_posterior)
            bounds.append(-nll.mean(0) - gaussian_kl(mean, log_var))
    bound = torch.stack(bounds).mean(0)
    weights = torch.cat(weights)
    likelihood = weights.logsumexp(0) - math.log(len(weights))
    # the mean of the log weights is the bound itself, without the closed form
    np.testing.assert_allclose(weights.mean(0), bound, atol=0.1)
    assert (bound < likelihood + 1e-3).all()
    assert (likelihood - bound).mean() < 1


def test_vae_loss_is_minus_the_bound_per_element():
    vae = VAEPretrainer(n_components=2, max_epochs=20, beta=3.0, random_state=0, precision="float32").fit(
        IRIS
    )
    objective = vae.net_.module_.eval()
    x = vae.modality_.validate(IRIS)[np.arange(150)]
    with seeded(1), torch.no_grad():
        loss = objective(x).loss
    with seeded(1), torch.no_grad():
        mean, log_var = objective.posterior(x)
        squares = (objective.decoder(mean + (0.5 * log_var).exp() * torch.randn_like(mean)) - x) ** 2
    variance = float(squares.mean())
    nll = 0.5 * (1 + math.log(variance) + math.log(2 * math.pi))
    kl = float(gaussian_kl(mean, log_var).mean()) / 4
    assert float(loss) == pytest.approx(nll + 3 * kl, abs=1e-5)
    assert (vae.transform(IRIS) == mean.numpy()).all()


# the game


def test_each_player_gets_its_own_gradient_only():
    """One backward pass gives what two optimizers, with a pass each, would see."""
    gan = GANPretrainer(n_components=3, max_epochs=0, random_state=0, precision="float32").fit(IRIS)
    game = gan.net_.module_.train()
    x = gan.modality_.validate(IRIS)[np.arange(150)]
    with seeded(0):
        game(x).loss.backward()
    found = {name: p.grad.clone() for name, p in game.named_parameters()}
    game.zero_grad()
    with seeded(0):
        prior = torch.randn(150, 3)
        z, made = game.encoder(x), game.decode(prior)
        real, fake = game.critic(x, z.detach()), game.critic(made.detach(), prior)
        near = game.critic(x + STEP * torch.randn_like(x), z.detach() + STEP * torch.randn_like(z))
        slope = (((near - real) / STEP) ** 2).mean()
        (critic_loss(real, fake) + gan.penalty / 2 * slope).backward()
    expected = {name: p.grad.clone() for name, p in game.critic.named_parameters()}
    for name, gradient in expected.items():
        torch.testing.assert_close(found[f"critic.{name}"], gradient)
    game.zero_grad()
    player_loss(game.critic(x, z), game.critic(made, prior)).backward()
    for name, p in game.named_parameters():
        if not name.startswith("critic."):
            torch.testing.assert_close(found[name], p.grad)


class Gradients(Callback):
    """Keep the gradients of each step."""

    def __init__(self):
        self.steps = []

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.steps.append([p.grad.clone() for _, p in named_parameters])


@pytest.mark.parametrize(
    "method, fading",
    [(GANPretrainer, (0.5, 0.99)), (VAEPretrainer, (0.9, 0.999)), (AutoencoderPretrainer, (0.9, 0.999))],
)
def test_the_optimizer_of_a_game_forgets_sooner(method, fading):
    """Its memory is a running mean of gradients and one of their squares: old ones misguide in a game."""
    gradients = Gradients()
    est = method(n_components=3, max_epochs=2, batch_size=50, random_state=0, callbacks=[gradients])
    est.fit(IRIS).partial_fit(IRIS)
    assert len(gradients.steps) == 9
    state = est.net_.optimizer_.state
    for p, steps in zip(est.net_.module_.parameters(), zip(*gradients.steps, strict=True), strict=True):
        for name, keep, power in zip(("exp_avg", "exp_avg_sq"), fading, (1, 2), strict=True):
            mean = torch.zeros_like(p)
            for step in steps:
                mean = keep * mean + (1 - keep) * step**power
            torch.testing.assert_close(state[p][name], mean, rtol=1e-3, atol=1e-6 * float(mean.abs().max()))


def test_finite_differences_measure_the_slope():
    gan = GANPretrainer(n_components=3, max_epochs=3, random_state=0).fit(IRIS)
    game = gan.net_.module_
    x = gan.modality_.validate(IRIS)[np.arange(150)]
    z = game.encoder(x).detach()
    gradients = torch.autograd.grad(game.critic(x.requires_grad_(), z.requires_grad_()).sum(), (x, z))
    exact = sum(float((gradient**2).sum(1).mean()) for gradient in gradients)
    estimates = []
    with seeded(0), torch.no_grad():
        for _ in range(200):
            estimates.append(float(game(x).logs["slope"]))
    assert np.mean(estimates) == pytest.approx(exact, rel=0.1)


def test_vae_takes_an_encoder_of_any_width():
    net = torch.nn.Linear(4, 5)
    vae = VAEPretrainer(encoder=net, n_components=3, max_epochs=1, on_collapse="ignore").fit(IRIS)
    assert (vae.transform(IRIS).shape, vae.encoder_width_) == ((150, 3), 5)
    assert VAEPretrainer(encoder=net, max_epochs=0).fit(IRIS).n_components_ == 32


@pytest.mark.slow
def test_vae_samples_look_like_digits_to_a_classifier():
    vae = VAEPretrainer(modality=PIXELS, max_epochs=35, random_state=0).fit(DIGITS)
    judge = LogisticRegression(max_iter=2000).fit(DIGITS / 16, NUMBERS)
    chances = judge.predict_proba(vae.sample(300) / 16)
    assert len(set(chances.argmax(1))) == 10
    assert chances.max(1).mean() > 0.45
