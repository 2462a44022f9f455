"""Masked pretraining: hide parts of each row, and predict what was there."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import torch.nn.functional as F
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor, nn

from .base import Modality, Objective, Pretrainer
from .training import Batch


def masked_mean(error: Tensor, hidden: Tensor, visible_weight: float) -> Tensor:
    """Return the weighted mean of errors, of hidden elements with a weight of 1.

    Parameters
    ----------
    error : Tensor of shape (n, ...)
    hidden : Tensor of bool of the same shape
    visible_weight : float
        Weight of the other elements.

    Returns
    -------
    Tensor of shape ()
        0 where all weights are.
    """
    weight = visible_weight + (1 - visible_weight) * hidden
    return (error * weight).sum() / weight.sum().clamp(min=1e-6)


class Masking(Objective):
    """The error of what was hidden, and of the rest, predicted from what was left.

    Parameters
    ----------
    modality : Modality
        Hides, and builds the decoders.
    encoder : nn.Module
        Maps a batch to features ``(n, n_components)``.
    n_components : int
        Width of the features.
    target : str
        What is predicted, in the words of ``modality.decoder``.
    mask_rate : float
        Share of a row that is hidden.
    visible_weight : float
        Weight of the error of what was not hidden.
    mask_weight : float
        Weight of a second loss, for finding what was changed.
    """

    def __init__(
        self,
        modality: Modality,
        encoder: nn.Module,
        n_components: int,
        *,
        target: str,
        mask_rate: float,
        visible_weight: float,
        mask_weight: float,
    ):
        super().__init__(encoder)
        self.mask, self.mask_rate = modality.mask, mask_rate
        self.visible_weight, self.mask_weight = visible_weight, mask_weight
        self.decoder = modality.decoder(n_components, target)
        self.finder = modality.decoder(n_components) if mask_weight else None

    def forward(self, x: Batch) -> Tensor:
        """Return the loss of a batch ``(n, ...)``."""
        holes, hidden = self.mask(x, self.mask_rate)
        z = self.encoder(holes)
        loss = masked_mean(self.decoder.loss(self.decoder(z), x), hidden, self.visible_weight)
        if self.finder is None:
            return loss
        changed = F.binary_cross_entropy_with_logits(self.finder(z).float(), (holes != x).float())
        self.logs = {"target": loss, "mask": changed}
        return loss + self.mask_weight * changed


@dataclass(kw_only=True, eq=False, repr=False)
class MaskedPretrainer(Pretrainer):
    """Learn features by predicting what was hidden.

    On tables some cells of each row are replaced by values of other rows, and a decoder predicts from the
    features what they held, their value [2]_ or their quantile bin [3]_. On images square patches are blanked
    out, and a convolutional decoder predicts their pixels; other than in [1]_ the encoder is convolutional too,
    and sees the blank patches: on a CPU it learns far more in the same time.

    Parameters
    ----------
    target : {"value", "bin"}, default="value"
        What is predicted: the values of a table's cells or of pixels, or the bins of cells, as many as
        ``Tabular(n_bins=...)`` says.
    mask_rate : float, default=0.3
        Share of a row's cells, or of an image's patches, that is hidden.
    visible_weight : float, default=1.0
        Weight of the error of what was not hidden, beside 1 for what was. With 0 only what was hidden
        counts, as in BERT and MAE, which may serve images better; with 1 everything does, as in VIME.
    mask_weight : float, default=0.0
        Weight of a second task, to find out which elements were changed (VIME [2]_).

    See Also
    --------
    AutoencoderPretrainer : Rebuilds rows from noisy copies.

    References
    ----------
    .. [1] K. He, X. Chen, S. Xie, Y. Li, P. Dollár, R. Girshick. "Masked Autoencoders Are Scalable Vision
       Learners." CVPR 2022. https://arxiv.org/abs/2111.06377
    .. [2] J. Yoon, Y. Zhang, J. Jordon, M. van der Schaar. "VIME: Extending the Success of Self- and
       Semi-supervised Learning to Tabular Domain." NeurIPS 2020.
    .. [3] K. Lee et al. "Binning as a Pretext Task: Improving Self-Supervised Learning in Tabular Domains."
       ICML 2024. https://arxiv.org/abs/2405.07414

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import MaskedPretrainer
    >>> X = load_iris().data
    >>> MaskedPretrainer(target="bin", max_epochs=2, random_state=0).fit_transform(X).shape
    (150, 1536)
    """

    target: str = "value"
    mask_rate: float = 0.3
    visible_weight: float = 1.0
    mask_weight: float = 0.0

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "target": [StrOptions({"value", "bin"})],
        "mask_rate": [Interval(Real, 0, 1, closed="neither")],
        "visible_weight": [Interval(Real, 0, None, closed="left")],
        "mask_weight": [Interval(Real, 0, None, closed="left")],
    }

    def _objective(self, modality: Modality, encoder: nn.Module) -> Objective:
        return Masking(
            modality,
            encoder,
            self.n_components_,
            target=self.target,
            mask_rate=self.mask_rate,
            visible_weight=self.visible_weight,
            mask_weight=self.mask_weight,
        )
