"""Variational autoencoder: features with a prior, from which new rows can be drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..base import Modality, Objective, Pretrainer
from ..modalities import real
from ..training import Batch, Step, all_sum
from ._decoding import DecodingObjective, SamplerMixin

LEAST_VARIANCE = 1e-4  # of the decoder: errors are divided by it
N_DRAWS = 8  # from the posterior of a row, in score_samples
WIDEST = 10.0  # bound on the log-variance of a posterior, whose exponential must not overflow


def gaussian_kl(mean: Tensor, log_var: Tensor) -> Tensor:
    """Kullback-Leibler divergence of diagonal Gaussians from the standard normal, in closed form.

    Parameters
    ----------
    mean, log_var : Tensor of shape (n, d)
        Means and log-variances.

    Returns
    -------
    Tensor of shape (n,)
        In nats: half the sum of ``mean**2 + var - 1 - log(var)``.
    """
    mean, log_var = mean.float(), log_var.float()
    return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)


def negative_log_likelihood(error: Tensor, numeric: Tensor, variance: Tensor) -> Tensor:
    """Return the negative log-likelihood of rows, given a decoder's loss of their elements.

    Parameters
    ----------
    error : Tensor of shape (n, ...)
        Squared errors of numbers, cross-entropies of other elements.
    numeric : Tensor of bool, broadcastable to `error`
        Which elements are numbers.
    variance : Tensor of shape (), or broadcastable to `error`
        Variance of the Gaussian around each number.

    Returns
    -------
    Tensor of shape (n,)
        In nats.
    """
    gaussian = 0.5 * (error / variance + variance.log() + math.log(2 * math.pi))
    return torch.where(numeric, gaussian, error).flatten(1).sum(1)


class VAEObjective(DecodingObjective):
    """Negative evidence lower bound, with a weight on its Kullback-Leibler term.

    All numbers share one variance around the decoder's output. It has its maximum likelihood value, the mean
    squared error of the batch [1]_, so the scale of the errors needs no tuning.

    Parameters
    ----------
    modality : Modality
        Builds the decoder, which defines the reconstruction error.
    encoder : nn.Module
        Maps a batch to ``(n, encoder_width)``.
    encoder_width : int
        Width of the encoder's output.
    n_components : int
        Width of the features, which are the posterior means.
    beta : float
        Weight of the Kullback-Leibler term.

    References
    ----------
    .. [1] O. Rybkin, K. Daniilidis, S. Levine. "Simple and Effective VAE Training with Calibrated
       Decoders." ICML 2021. https://arxiv.org/abs/2006.13202
    """

    def __init__(
        self, modality: Modality, encoder: nn.Module, encoder_width: int, n_components: int, beta: float
    ):
        super().__init__(encoder)
        self.beta = beta
        self.mean = nn.Linear(encoder_width, n_components)
        self.log_var = nn.Linear(encoder_width, n_components)
        self.decoder = modality.decoder(n_components)

    def forward(self, x: Batch) -> Step:
        """Return the mean loss of a batch ``(n, ...)``, in nats per element of a row."""
        mean, log_var = self.posterior(x)
        z = mean + (0.5 * log_var).exp() * torch.randn_like(mean)
        error = self.decoder.loss(self.decoder(z), x)
        nll = negative_log_likelihood(error, self.decoder.numeric, self.variance(error)).mean()
        kl = gaussian_kl(mean, log_var).mean()
        size = error[0].numel()
        logs = {"reconstruction": nll / size, "kl": kl / size}
        return Step((nll + self.beta * kl) / size, logs=logs)

    def row_losses(self, x: Batch) -> Tensor:
        """Return the negative evidence lower bound of each row, ``(n,)``, in nats per element.

        It is a mean over fixed draws from the posterior. The variance is that of the errors of the row itself.
        """
        mean, log_var = self.posterior(x)
        draws = torch.randn(N_DRAWS, mean.shape[1], generator=torch.Generator().manual_seed(0)).to(
            mean.device
        )
        codes = (mean + (0.5 * log_var).exp() * noise for noise in draws)
        error = torch.stack([self.decoder.loss(self.decoder(z), x) for z in codes]).mean(0)
        variance = torch.stack([self.variance(row[None]) for row in error])
        variance = variance.view(-1, *[1] * (error.ndim - 1))
        nll = negative_log_likelihood(error, self.decoder.numeric, variance)
        return (nll + gaussian_kl(mean, log_var)) / error[0].numel()

    def posterior(self, x: Batch) -> tuple[Tensor, Tensor]:
        """Return means and log-variances, ``(n, n_components)`` each; a tanh keeps the latter within ±10."""
        h = self.encoder(x)
        return self.mean(h).float(), WIDEST * torch.tanh(self.log_var(h).float() / WIDEST)

    def variance(self, error: Tensor) -> Tensor:
        """Return the mean squared error of the numbers, without a gradient."""
        numeric = self.decoder.numeric.expand(error.shape[1:]).sum() * len(error)
        squares = torch.where(self.decoder.numeric, error.detach(), 0).sum()
        return (all_sum(squares) / all_sum(numeric).clamp(min=1)).clamp(min=LEAST_VARIANCE)

    def features(self, x: Batch) -> Tensor:
        """Return the posterior means ``(n, n_components)``."""
        return self.mean(self.encoder(x))

    def embedding(self, x: Batch) -> Tensor:
        """Return the posterior means, beside a constant as large as the typical norm of a draw from the prior.

        Means that are far shorter carry no information. The constant then makes all embeddings look alike.
        """
        mean = self.features(x)
        return torch.cat([mean, torch.full_like(mean[:, :1], mean.shape[1] ** 0.5)], dim=1)


@dataclass(kw_only=True, eq=False, repr=False)
class VAEPretrainer(SamplerMixin, Pretrainer):
    """Learn features by a variational autoencoder, which can also draw new rows.

    The encoder gives a Gaussian for each row, and a decoder reconstructs the row from a draw of it. The
    Gaussians are kept near the standard normal, so that ``sample`` can draw new rows. ``transform`` returns the
    means of the Gaussians. Components that the decoder does not need have means near 0 for all rows.

    Parameters
    ----------
    beta : float, default=1.0
        Weight of the Kullback-Leibler divergence from the standard normal. 1 gives the evidence lower bound
        [1]_. Higher values use fewer components, and samples are more like the rows, but less sharp [2]_.
        Lower values reconstruct more sharply, and keep more information in the features.
    n_components : int or None, default=None
        Width of the features; 32 if None. A linear layer maps the encoder's output, of any width, to them.

    See Also
    --------
    AutoencoderPretrainer : Reconstructs rows, without a prior.

    References
    ----------
    .. [1] D. P. Kingma, M. Welling. "Auto-Encoding Variational Bayes." ICLR 2014.
       https://arxiv.org/abs/1312.6114
    .. [2] I. Higgins et al. "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational
       Framework." ICLR 2017. https://openreview.net/forum?id=Sy2fzU9gl

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import VAEPretrainer
    >>> X = load_iris().data
    >>> vae = VAEPretrainer(n_components=2, max_epochs=5, random_state=0).fit(X)
    >>> vae.transform(X).shape, vae.inverse_transform([[0.0, 0.0]]).shape, vae.sample(10).shape
    ((150, 2), (1, 4), (10, 4))
    """

    beta: float = 1.0

    _compares_rows: ClassVar[bool] = False
    _default_width: ClassVar[int] = 32
    _projects_features: ClassVar[bool] = True
    _collapse_advice: ClassVar[str] = "Lower beta."
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "beta": [real(0, closed="left")],
    }

    def _objective(self, modality: Modality, encoder: nn.Module, width: int) -> Objective:
        return VAEObjective(modality, encoder, width, self.n_components_, self.beta)
