"""Siamese pretraining: two views of a row are trained to agree, by losses that prevent collapse without negatives."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn

from ..base import Modality, Objective, Pretrainer
from ..encoders import head
from ..modalities import real
from ..training import Batch, all_rows

WIDTH = 256  # of the embeddings that are compared
LEAST_VARIANCE = 1e-4  # VICReg's epsilon: the gradient of a square root at 0 is infinite


def byol_loss(p_a: Tensor, p_b: Tensor, z_a: Tensor, z_b: Tensor) -> Tensor:
    """Squared distance between normalised predictions from one view and targets from the other.

    Parameters
    ----------
    p_a, p_b : Tensor of shape (n, d)
        Output of the predictor for the two views.
    z_a, z_b : Tensor of shape (n, d)
        Output of the target encoder for the two views; no gradient flows through it.

    Returns
    -------
    Tensor of shape ()
        The sum of both directions, each from 0 to 4.

    References
    ----------
    .. [1] J.-B. Grill et al. "Bootstrap Your Own Latent: A New Approach to Self-Supervised Learning."
       NeurIPS 2020. https://arxiv.org/abs/2006.07733
    """
    return 4 - 2 * (_cosine(p_a, z_b.detach()) + _cosine(p_b, z_a.detach()))


def simsiam_loss(p_a: Tensor, p_b: Tensor, z_a: Tensor, z_b: Tensor) -> Tensor:
    """Negative cosine similarity between predictions from one view and embeddings of the other.

    Parameters
    ----------
    p_a, p_b : Tensor of shape (n, d)
        Output of the predictor for the embeddings of the two views.
    z_a, z_b : Tensor of shape (n, d)
        Embeddings of the two views; their gradient is stopped.

    Returns
    -------
    Tensor of shape ()
        The mean of both directions, from -1 to 1.

    References
    ----------
    .. [1] X. Chen, K. He. "Exploring Simple Siamese Representation Learning." CVPR 2021.
       https://arxiv.org/abs/2011.10566
    """
    return -(_cosine(p_a, z_b.detach()) + _cosine(p_b, z_a.detach())) / 2


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    with torch.autocast(a.device.type, enabled=False):
        return F.cosine_similarity(a.float(), b.float(), dim=1).mean()


def barlow_twins_loss(z_a: Tensor, z_b: Tensor, redundancy: float = 0.005) -> Tensor:
    """Distance from the identity to the cross-correlation matrix of the embeddings of two views.

    Parameters
    ----------
    z_a, z_b : Tensor of shape (n, d)
        Embeddings of the two views; each dimension is standardised over the batch.
    redundancy : float
        Weight of the off-diagonal correlations.

    Returns
    -------
    Tensor of shape ()

    References
    ----------
    .. [1] J. Zbontar, L. Jing, I. Misra, Y. LeCun, S. Deny. "Barlow Twins: Self-Supervised Learning via
       Redundancy Reduction." ICML 2021. https://arxiv.org/abs/2103.03230
    """
    with torch.autocast(z_a.device.type, enabled=False):
        correlation = _standardised(z_a.float()).T @ _standardised(z_b.float()) / len(z_a)
        diagonal = correlation.diagonal()
        off = correlation.square().sum() - diagonal.square().sum()
        return (1 - diagonal).square().sum() + redundancy * off


def vicreg_loss(
    z_a: Tensor, z_b: Tensor, invariance: float = 25.0, variance: float = 25.0, covariance: float = 1.0
) -> Tensor:
    """Weighted sum of the invariance, variance and covariance terms of VICReg.

    Parameters
    ----------
    z_a, z_b : Tensor of shape (n, d)
        Embeddings of the two views.
    invariance : float
        Weight of the squared difference between the views, a mean over rows and dimensions.
    variance : float
        Weight of the hinge loss ``max(0, 1 - std)``, a mean over dimensions and both views, as in the authors'
        code. The paper's formula has a sum over the views.
    covariance : float
        Weight of the squared covariances between dimensions: for each dimension a sum over the others, then
        a mean over dimensions and a sum over both views.

    Returns
    -------
    Tensor of shape ()

    References
    ----------
    .. [1] A. Bardes, J. Ponce, Y. LeCun. "VICReg: Variance-Invariance-Covariance Regularization for
       Self-Supervised Learning." ICLR 2022. https://arxiv.org/abs/2105.04906
    """
    with torch.autocast(z_a.device.type, enabled=False):
        z_a, z_b = z_a.float(), z_b.float()
        spread, shared = z_a.new_zeros(()), z_a.new_zeros(())
        for z in (z_a, z_b):
            centred = z - z.mean(0)
            matrix = centred.T @ centred / (len(z) - 1)
            variances = matrix.diagonal()
            spread = spread + F.relu(1 - (variances + LEAST_VARIANCE).sqrt()).mean() / 2
            shared = shared + (matrix.square().sum() - variances.square().sum()) / z.shape[1]
        return invariance * F.mse_loss(z_a, z_b) + variance * spread + covariance * shared


def _standardised(z: Tensor) -> Tensor:
    return (z - z.mean(0)) / (z.var(0, correction=0) + 1e-5).sqrt()


class SiameseObjective(Objective):
    """Agreement between the embeddings of two views, by one of four losses.

    Parameters
    ----------
    modality : Modality
        Draws the views.
    encoder : nn.Module
        Maps a batch to features ``(n, n_components)``.
    n_components : int
        Width of the features.
    loss : str
        See :class:`SiamesePretrainer`.
    momentum, redundancy : float
        See :class:`SiamesePretrainer`.
    """

    def __init__(
        self,
        modality: Modality,
        encoder: nn.Module,
        n_components: int,
        loss: str,
        momentum: float,
        redundancy: float,
    ):
        super().__init__(encoder)
        self.modality = modality
        self.loss, self.momentum, self.redundancy = loss, momentum, redundancy
        self.projector = head(n_components, WIDTH, WIDTH)
        if loss in ("byol", "simsiam"):
            self.predictor = head(WIDTH, WIDTH // 2, WIDTH)
        if loss == "byol":
            target = copy.deepcopy(nn.Sequential(self.encoder, self.projector))
            self.target = target.requires_grad_(False)

    def forward(self, x: Batch) -> Tensor:
        """Return the loss of a batch ``(n, ...)``."""
        a, b = self.modality.views(x)
        z_a, z_b = self.embedding(a), self.embedding(b)
        if self.loss == "barlow_twins":
            return barlow_twins_loss(all_rows(z_a), all_rows(z_b), self.redundancy)
        if self.loss == "vicreg":
            return vicreg_loss(all_rows(z_a), all_rows(z_b))
        p_a, p_b = self.predictor(z_a), self.predictor(z_b)
        if self.loss == "simsiam":
            return simsiam_loss(p_a, p_b, z_a, z_b)
        with torch.no_grad():
            z_a, z_b = self.target(a), self.target(b)
        return byol_loss(p_a, p_b, z_a, z_b)

    def embedding(self, x: Batch) -> Tensor:
        """Return the projections ``(n, 256)`` that the loss compares."""
        return self.projector(self.encoder(x))

    def after_step(self) -> None:
        """Update the target encoder, a moving average of the encoder (``loss="byol"``)."""
        if self.loss == "byol":
            online = [*self.encoder.parameters(), *self.projector.parameters()]
            with torch.no_grad():
                for target, parameter in zip(self.target.parameters(), online, strict=True):
                    target.lerp_(parameter, 1 - self.momentum)


@dataclass(kw_only=True, eq=False, repr=False)
class SiamesePretrainer(Pretrainer):
    """Learn features by making the embeddings of two views agree, without negatives.

    Two random views of each row are drawn, as for :class:`ContrastivePretrainer`, and their embeddings are
    trained to agree. Rows are not pushed away from each other. Each loss prevents collapse, where all rows get
    the same embedding, in its own way. The loss compares projections; ``transform`` returns the features before
    the projection head.

    Parameters
    ----------
    loss : {"byol", "simsiam", "barlow_twins", "vicreg"}, default="byol"
        ``"byol"`` [1]_: a predictor predicts the output of a target encoder, a moving average of the encoder,
        for the other view. ``"simsiam"`` [2]_: a predictor predicts the embedding of the other view, whose
        gradient is stopped; there is no moving average. ``"barlow_twins"`` [3]_: the cross-correlation matrix
        of the embeddings of both views becomes the identity. ``"vicreg"`` [4]_: the embeddings get close, each
        dimension keeps its variance, and dimensions are decorrelated. ``score`` and `early_stopping` use the
        loss. It cannot be compared between these four, and the first two measure agreement alone, which is
        perfect for a constant network.
    momentum : float, default=0.99
        Momentum of the moving average: the share of the target encoder that a step keeps. Used with
        ``loss="byol"`` only.
    redundancy : float, default=0.005
        Weight of the correlations between different dimensions. Used with ``loss="barlow_twins"`` only.

    See Also
    --------
    ContrastivePretrainer : Uses the same views, with other rows as negatives.

    References
    ----------
    .. [1] J.-B. Grill et al. "Bootstrap Your Own Latent: A New Approach to Self-Supervised Learning."
       NeurIPS 2020. https://arxiv.org/abs/2006.07733
    .. [2] X. Chen, K. He. "Exploring Simple Siamese Representation Learning." CVPR 2021.
       https://arxiv.org/abs/2011.10566
    .. [3] J. Zbontar, L. Jing, I. Misra, Y. LeCun, S. Deny. "Barlow Twins: Self-Supervised Learning via
       Redundancy Reduction." ICML 2021. https://arxiv.org/abs/2103.03230
    .. [4] A. Bardes, J. Ponce, Y. LeCun. "VICReg: Variance-Invariance-Covariance Regularization for
       Self-Supervised Learning." ICLR 2022. https://arxiv.org/abs/2105.04906

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import SiamesePretrainer
    >>> X = load_iris().data
    >>> ssl = SiamesePretrainer(loss="vicreg", n_components=16, max_epochs=5, random_state=0)
    >>> ssl.fit_transform(X).shape
    (150, 16)
    """

    loss: str = "byol"
    momentum: float = 0.99
    redundancy: float = 0.005

    _compares_views: ClassVar[bool] = True
    _collapse_advice: ClassVar[str] = (
        "Lower lr, or raise batch_size; 'vicreg' and 'barlow_twins' are the losses that collapse least."
    )
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "loss": [StrOptions({"byol", "simsiam", "barlow_twins", "vicreg"})],
        "momentum": [real(0, 1, closed="both")],
        "redundancy": [real(0, closed="left")],
    }

    def _objective(self, modality: Modality, encoder: nn.Module, width: int) -> Objective:
        return SiameseObjective(modality, encoder, width, self.loss, self.momentum, self.redundancy)
