"""Generative adversarial network with an encoder (BiGAN): learns features, and samples new rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from ..base import Modality, Objective, Pretrainer
from ..modalities import real
from ..training import Batch, Step
from ._decoding import DecodingObjective, SamplerMixin

STEP = 0.03  # of the finite difference that estimates the critic's squared gradient norm


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return the critic's logistic loss: high logits for pairs of the encoder, low ones for the generator's.

    Parameters
    ----------
    real, fake : Tensor of shape (n,)
        Logits of the critic for pairs from the encoder and from the generator. A high logit stands for
        the encoder.

    Returns
    -------
    Tensor of shape ()
        ``-mean(log sigmoid(real)) - mean(log(1 - sigmoid(fake)))``; ``2 log 2`` for a critic that
        cannot distinguish the pairs.
    """
    return F.softplus(-real.float()).mean() + F.softplus(fake.float()).mean()


def player_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Return the non-saturating loss of encoder and generator: the critic's loss with swapped labels.

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
    """Distinguish pairs (row, its features) from pairs (generated row, the code it was generated from).

    Parameters
    ----------
    modality : Modality
        Builds the branch for rows.
    n_components : int
        Width of the features.
    """

    def __init__(self, modality: Modality, n_components: int):
        super().__init__()
        self.row = modality.critic(256)
        self.code = nn.Sequential(nn.Linear(n_components, 256), nn.LeakyReLU(0.2))
        self.pair = nn.Sequential(nn.Linear(512, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1))

    def forward(self, x: Batch, z: Tensor) -> Tensor:
        """Return logits ``(n,)``."""
        return self.pair(torch.cat([self.row(x), self.code(z)], dim=1))[:, 0]


class GANObjective(DecodingObjective):
    """Sum of the losses of the critic, the generator and the encoder; each trains its own network only.

    Parameters
    ----------
    modality : Modality
        Builds the generator and the critic.
    encoder : nn.Module
        Maps a batch to features ``(n, n_components)``.
    n_components : int
        Width of the features and of the generator's input.
    penalty : float
        Weight of the R1 penalty, the critic's squared gradient norm at real pairs.
    """

    def __init__(self, modality: Modality, encoder: nn.Module, n_components: int, penalty: float):
        super().__init__(encoder)
        self.n_components, self.penalty = n_components, penalty
        self.decoder = modality.decoder(n_components)  # the generator
        self.critic = PairCritic(modality, n_components)

    def forward(self, x: Batch) -> Step:
        """Return the sum of both losses and the penalty on a batch ``(n, ...)``."""
        prior = torch.randn(len(x), self.n_components, device=x.device)
        z, made = self.encoder(x).float(), self.decode(prior).float()
        with torch.autocast(x.device.type, enabled=False):
            fixed_z = z.detach()
            rows = torch.cat([x, made.detach(), x + STEP * torch.randn_like(x)])
            codes = torch.cat([fixed_z, prior, fixed_z + STEP * torch.randn_like(z)])
            real, fake, perturbed = self.critic(rows, codes).chunk(3)
            critic = critic_loss(real, fake)
            gradient = (((perturbed - real) / STEP) ** 2).mean()  # R1 along random directions
            # the critic's weights are constants in the loss of the other two
            weights = {name: weight.detach() for name, weight in self.critic.named_parameters()}
            pairs = (torch.cat([x, made]), torch.cat([z, prior]))
            player = player_loss(*functional_call(self.critic, weights, pairs).chunk(2))
        logs = {"critic": critic, "player": player, "slope": gradient}
        return Step(critic + player + self.penalty / 2 * gradient, logs=logs)


@dataclass(kw_only=True, eq=False, repr=False)
class GANPretrainer(SamplerMixin, Pretrainer):
    """Learn features and a generator, by a generative adversarial network with an encoder (BiGAN).

    A generator maps random features to rows, and an encoder maps rows to features. A critic learns to
    distinguish the pairs (row, features) of the two, and both learn to fool it (BiGAN [2]_, ALI [3]_), by the
    non-saturating loss of [1]_. The critic's gradient at real pairs is penalised (R1), because training need
    not converge without the penalty [4]_. ``transform`` returns the encoder's features; ``sample`` runs the
    generator.

    Parameters
    ----------
    penalty : float, default=1.0
        Weight of the R1 penalty, the critic's squared gradient norm. Raise it if ``sample`` returns the same
        few rows again and again.
    n_components : int or None, default=None
        Width of the features. If None, 64, or the output width of an `encoder` that is a module.
    max_epochs : int or "auto", default="auto"
        Passes over the rows. ``"auto"`` is ``10000 / sqrt(n)``, more than elsewhere, because early in training
        the generator draws some kinds of rows too often.
    batch_size : int, default=64
        Rows per step, in training and in ``transform``. Adversarial training needs many small steps.
    lr : float, default=4e-4
        Learning rate of AdamW. Its betas are ``(0.5, 0.99)`` here, so it forgets past gradients sooner than
        elsewhere.

    Notes
    -----
    ``train_loss`` is the sum of losses that work against each other, so it does not fall during training.
    ``train_critic`` starts at ``2 log 2 = 1.39``, the loss of a critic that cannot distinguish the pairs. A
    perfect generator would bring it back there. Near 0 the critic has won, and the others learn little.
    Neither loss says how good the samples are: look at them. For the same reason, ``score`` and
    `early_stopping` are of little use here.

    See Also
    --------
    VAEPretrainer : Learns features and samples rows, with a loss that falls during training.

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

    _compares_rows: ClassVar[bool] = False
    _scales_features: ClassVar[bool] = False  # they are compared with the prior
    _epoch_budget: ClassVar[int] = 10_000
    _betas: ClassVar[tuple[float, float]] = (0.5, 0.99)
    _default_width: ClassVar[int] = 64
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "penalty": [real(0, closed="left")],
    }

    def _objective(self, modality: Modality, encoder: nn.Module, width: int) -> Objective:
        return GANObjective(modality, encoder, width, self.penalty)
