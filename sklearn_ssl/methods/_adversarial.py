"""Generative adversarial network with an encoder: features and samples from one game."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn
from torch.func import functional_call

from ..base import Modality, Objective, Pretrainer
from ..training import Batch, Step
from ._decoding import DecodingObjective, SamplerMixin

STEP = 0.03  # of the finite difference that measures the critic's slope


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return the critic's logistic loss: real pairs are to score high, made ones low.

    Parameters
    ----------
    real, fake : Tensor of shape (n,)
        Log-odds, by the critic, that a pair came from the encoder rather than from the generator.

    Returns
    -------
    Tensor of shape ()
        ``-mean(log sigmoid(real)) - mean(log(1 - sigmoid(fake)))``; ``2 log 2`` for a critic that
        cannot tell.
    """
    return F.softplus(-real.float()).mean() + F.softplus(fake.float()).mean()


def player_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return the non-saturating loss of encoder and generator: each wants to be taken for the other.

    Parameters
    ----------
    real, fake : Tensor of shape (n,)
        As in :func:`critic_loss`.

    Returns
    -------
    Tensor of shape ()
        ``-mean(log(1 - sigmoid(real))) - mean(log sigmoid(fake))``.
    """
    return critic_loss(fake, real)


class PairCritic(nn.Module):
    """Tell pairs (row, its features) from pairs (generated row, what it was generated from).

    Parameters
    ----------
    modality : Modality
        Builds the part that looks at rows.
    n_components : int
        Width of the features.
    """

    def __init__(self, modality: Modality, n_components: int):
        super().__init__()
        self.row = modality.critic(256)
        self.code = nn.Sequential(nn.Linear(n_components, 256), nn.LeakyReLU(0.2))
        self.pair = nn.Sequential(nn.Linear(512, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1))

    def forward(self, x: Batch, z: Tensor) -> Tensor:
        """Return log-odds ``(n,)``."""
        return self.pair(torch.cat([self.row(x), self.code(z)], dim=1))[:, 0]


class GANObjective(DecodingObjective):
    """The losses of critic, generator and encoder in one, each with a gradient for its own player only.

    Parameters
    ----------
    modality : Modality
        Builds generator and critic.
    encoder : nn.Module
        Maps a batch to features ``(n, n_components)``.
    n_components : int
        Width of the features and of the generator's input.
    penalty : float
        Weight of the critic's squared slope at real pairs.
    """

    def __init__(self, modality: Modality, encoder: nn.Module, n_components: int, penalty: float):
        super().__init__(encoder)
        self.n_components, self.penalty = n_components, penalty
        self.decoder = modality.decoder(n_components)  # the generator
        self.critic = PairCritic(modality, n_components)

    def forward(self, x: Batch) -> Step:
        """Return the sum of both losses and the penalty for a batch ``(n, ...)``."""
        prior = torch.randn(len(x), self.n_components, device=x.device)
        z, made = self.encoder(x).float(), self.decode(prior).float()
        with torch.autocast(x.device.type, enabled=False):
            fixed_z = z.detach()
            rows = torch.cat([x, made.detach(), x + STEP * torch.randn_like(x)])
            codes = torch.cat([fixed_z, prior, fixed_z + STEP * torch.randn_like(z)])
            real, fake, near = self.critic(rows, codes).chunk(3)
            critic = critic_loss(real, fake)
            gradient = (((near - real) / STEP) ** 2).mean()  # squared, of random directions
            weights = {name: weight.detach() for name, weight in self.critic.named_parameters()}
            pairs = (torch.cat([x, made]), torch.cat([z, prior]))
            player = player_loss(*functional_call(self.critic, weights, pairs).chunk(2))
        logs = {"critic": critic, "player": player, "slope": gradient}
        return Step(critic + player + self.penalty / 2 * gradient, logs=logs)


@dataclass(kw_only=True, eq=False, repr=False)
class GANPretrainer(SamplerMixin, Pretrainer):
    """Learn features and a generator by a game, with a generative adversarial network that has an encoder.

    A generator turns random features into rows, an encoder turns rows into features, and a critic learns to
    tell the pairs (row, features) of the two apart, while both learn to be taken for each other (BiGAN [2]_,
    ALI [3]_), by the non-saturating loss of [1]_. The critic's slope at real pairs is penalised, without which
    such games need not converge [4]_. ``transform`` gives the encoder's features;
    ``sample`` runs the generator.

    Parameters
    ----------
    penalty : float, default=1.0
        Weight of the critic's squared slope. Raise it if ``sample`` gives copies of a few rows.
    n_components : int or None, default=None
        Width of the features. None takes 64, or the width of a module.
    max_epochs : int or "auto", default="auto"
        Passes over the rows. ``"auto"`` is ``10000 / sqrt(n)``: early stages of the game draw some kinds of
        rows too often.
    batch_size : int, default=64
        Rows in a step, in training and in ``transform``. The game wants many small steps.
    lr : float, default=4e-4
        Learning rate of AdamW, whose memory of past gradients is shorter here than elsewhere.

    Notes
    -----
    ``train_loss`` is the sum of the losses of players that work against each other, so it does not fall as
    learning goes on. ``train_critic`` starts at ``2 log 2 = 1.39``, the loss of a critic that cannot tell,
    which is also where a perfect generator would bring it; near 0 the critic has won and the others learn
    little. Neither says how good the samples are: look at them. For the same reason ``score`` and
    `early_stopping` are of little use here.

    See Also
    --------
    VAEPretrainer : Samples and features, with a loss that falls.

    References
    ----------
    .. [1] I. Goodfellow et al. "Generative Adversarial Nets." NeurIPS 2014. https://arxiv.org/abs/1406.2661
    .. [2] J. Donahue, P. Krähenbühl, T. Darrell. "Adversarial Feature Learning." ICLR 2017.
       https://arxiv.org/abs/1605.09782
    .. [3] V. Dumoulin et al. "Adversarially Learned Inference." ICLR 2017.
       https://arxiv.org/abs/1606.00704
    .. [4] L. Mescheder, A. Geiger, S. Nowozin. "Which Training Methods for GANs do actually Converge?"
       ICML 2018. https://arxiv.org/abs/1801.04406

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import GANPretrainer
    >>> X = load_iris().data
    >>> gan = GANPretrainer(n_components=2, max_epochs=5, random_state=0).fit(X)
    >>> gan.transform(X).shape, gan.sample(10).shape
    ((150, 2), (10, 4))
    """

    penalty: float = 1.0
    batch_size: int = 64
    lr: float = 4e-4

    _epoch_budget: ClassVar[int] = 10_000
    _betas: ClassVar[tuple[float, float]] = (0.5, 0.99)
    _default_width: ClassVar[int] = 64
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "penalty": [Interval(Real, 0, None, closed="left")],
    }

    def _objective(self, modality: Modality, encoder: nn.Module, width: int) -> Objective:
        return GANObjective(modality, encoder, width, self.penalty)
