"""Masked pretraining: hide parts of each row, and predict them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn

from ..base import Modality, Objective, Pretrainer
from ..modalities import Sequences, real, unknown_target
from ..training import Batch, RandomStream, Step, all_sum

MASK_SEED, N_MASKS = 0, 8  # of score_samples
N_REFERENCE = 64  # rows beside the masked ones: few of the values that are drawn are then the row's own


def masked_mean(error: Tensor, hidden: Tensor, visible_weight: float) -> Tensor:
    """Return the weighted mean of errors; hidden elements have a weight of 1.

    Parameters
    ----------
    error : Tensor of shape (n, ...)
    hidden : Tensor of bool of the same shape
    visible_weight : float
        Weight of the other elements.

    Returns
    -------
    Tensor of shape ()
        0 if all weights are 0.
    """
    weight = visible_weight + (1 - visible_weight) * hidden
    return all_sum((error * weight).sum()) / all_sum(weight.sum()).clamp(min=1e-6)


def indices_of(*masks: Tensor) -> list[Tensor]:
    """Return the indices of True in masks ``(n, n_positions)``, flattened.

    How many there are decides the shapes, so the host waits for the device: once for all masks, and nowhere else in a
    step. Without that, the logits of a whole vocabulary would be computed at all positions, and few are hidden.
    """
    sizes = torch.stack([mask.sum() for mask in masks]).tolist()
    return [mask.flatten().nonzero_static(size=size)[:, 0] for mask, size in zip(masks, sizes, strict=True)]


class MaskedObjective(Objective):
    """Error of the hidden elements, and of the visible ones, predicted from the corrupted row.

    Parameters
    ----------
    modality : Modality
        Hides elements, and builds the decoders.
    encoder : nn.Module
        Maps a batch to features ``(n, n_components)``.
    n_components : int
        Width of the features.
    target : str
        What is predicted; see ``modality.decoder``.
    mask_rate : float
        Share of a row that is hidden.
    visible_weight : float
        Weight of the error of elements that were not hidden.
    mask_weight : float
        Weight of a second loss, for predicting which elements were changed.
    """

    n_draws: ClassVar[int] = N_MASKS
    reference: Tensor | None

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
        self.modality, self.mask_rate = modality, mask_rate
        self.visible_weight, self.mask_weight = visible_weight, mask_weight
        self.register_buffer("reference", modality.reference_rows(N_REFERENCE), persistent=False)
        self.decoder = modality.decoder(n_components, target)
        self.mask_head = modality.decoder(n_components) if mask_weight else None

    def forward(self, x: Batch) -> Tensor | Step:
        """Return the loss of a batch ``(n, ...)``."""
        corrupted, hidden = self._masked(x, alone=len(x) == 1)
        z = self.encoder(corrupted)
        loss = masked_mean(self.decoder.loss(self.decoder(z), x), hidden, self.visible_weight)
        if self.mask_head is None:
            return loss
        changed = F.binary_cross_entropy_with_logits(self.mask_head(z).float(), (corrupted != x).float())
        return Step(loss + self.mask_weight * changed, logs={"target": loss, "mask": changed})

    def row_losses(self, x: Batch) -> Tensor:
        """Return the loss of a row, from copies ``(n_draws, ...)`` of it that are masked at random."""
        stream = RandomStream(MASK_SEED, next(self.parameters()).device)
        corrupted, hidden = stream.run(self._masked, x, True)
        errors = self.decoder.loss(self.decoder(self.encoder(corrupted)), x)
        return masked_mean(errors, hidden, self.visible_weight)[None]

    def _masked(self, x: Batch, alone: bool) -> tuple[Batch, Tensor]:
        """Return a batch with elements hidden, and which; copies of a row `alone` take values from reference rows."""
        if not alone or self.reference is None:
            return self.modality.mask(x, self.mask_rate)
        corrupted, hidden = self.modality.mask(torch.cat([x, self.reference]), self.mask_rate)
        return corrupted[: len(x)], hidden[: len(x)]


class MaskedPositionsObjective(Objective):
    """Loss of the hidden positions of sequences, each predicted from the features at that position.

    Parameters
    ----------
    modality : Sequences
        Hides elements, gives the targets at each position, and builds the decoder.
    encoder : nn.Module
        Maps a batch to features ``(n, n_components)``, and to :class:`~sklearn_ssl.encoders.Hidden` features at
        positions.
    mask_rate : float
        Share of a row that is hidden.
    visible_weight : float
        Weight of the loss at positions that were not hidden.
    mask_weight : float
        Weight of a second loss, for predicting which elements were changed.
    """

    n_draws: ClassVar[int] = N_MASKS

    def __init__(
        self,
        modality: Sequences,
        encoder: nn.Module,
        *,
        mask_rate: float,
        visible_weight: float,
        mask_weight: float,
    ):
        super().__init__(encoder)
        self.modality, self.mask_rate = modality, mask_rate
        self.visible_weight, self.mask_weight = visible_weight, mask_weight
        self.decoder = modality.position_decoder(encoder)
        self.mask_head = nn.Linear(modality.position_width(encoder), 1) if mask_weight else None

    def forward(self, x: Batch) -> Step:
        """Return the mean loss over the hidden positions of a batch; for texts, in bits per token."""
        corrupted, masked = self.modality.mask(x, self.mask_rate)
        hidden = self.modality.hidden_of(self.encoder, corrupted)
        maskable, _, values = self.modality.positions_of(x, hidden)
        masked = self.modality.at_positions(masked, hidden) & maskable
        where = maskable if self.visible_weight else masked  # vocabulary logits cost the most
        # the second mask is that of what the mask head judges
        places, *judged = indices_of(where, *([] if self.mask_head is None else [maskable]))
        weight = self.visible_weight + (1 - self.visible_weight) * masked.flatten()[places].float()
        h, targets = (part.flatten(0, 1).index_select(0, places) for part in (hidden.h, values))
        loss = self.decoder.loss(h, targets, weight)
        total = weight.sum()
        if self.mask_head is None:
            return Step(loss, total)
        logits = self.mask_head(hidden.h.flatten(0, 1).index_select(0, judged[0])).float()[:, 0]
        differs = self.modality.positions_of(corrupted, hidden).values != values
        changed = (
            differs.flatten(0, 1)[judged[0]].reshape(len(logits), -1).any(1).float()
        )  # values may be vectors
        wrong = F.binary_cross_entropy_with_logits(logits, changed, reduction="sum")
        found = all_sum(wrong) / all_sum(wrong.new_full((), len(logits))).clamp(min=1)
        return Step(loss + self.mask_weight * found, total, {"target": loss, "mask": found})

    def row_losses(self, x: Batch) -> Tensor:
        """Return the loss of a row, from copies of it that are masked at random; NaN if nothing can be masked."""
        step = RandomStream(MASK_SEED, next(self.parameters()).device).run(self, x)
        loss = step.logs.get("target", step.loss)
        return loss[None].masked_fill(step.weight == 0, torch.nan)


@dataclass(kw_only=True, eq=False, repr=False)
class MaskedPretrainer(Pretrainer):
    """Learn features by predicting the hidden parts of each row.

    On tables, some cells of each row are replaced by values from other rows, and a decoder predicts the
    original cells from the features: their value [2]_ or their quantile bin [3]_. On images, square patches are
    blanked out, and a convolutional decoder predicts their pixels. Unlike in [1]_, the encoder is convolutional
    too, and sees the blank patches: on a CPU it learns far more in the same time. On texts, this is BERT's masked
    language model [4]_. Of the hidden tokens, 80 % become a mask, 10 % become another token, and 10 % stay. Each
    is predicted from the features at its position. The loss is then in bits per hidden token.

    Parameters
    ----------
    target : {"value", "bin"}, default="value"
        What is predicted. ``"value"`` is the value of a cell, a pixel or a token. ``"bin"`` is the bin of a
        table's cell; ``Tabular(n_bins=...)`` sets the number of bins.
    mask_rate : float, default=0.3
        Share of a row's cells, an image's patches or a text's tokens that is hidden. BERT hides 0.15 of
        them; higher rates may work as well [5]_.
    visible_weight : float or "auto", default="auto"
        Weight of the error of elements that were not hidden; hidden ones have weight 1. With 0 only hidden
        elements count, as in BERT and MAE; this may work better for images. With 1 all elements count, as in
        VIME. ``"auto"`` is 0 for texts and 1 for tables and images.
    mask_weight : float, default=0.0
        Weight of a second task: predict which elements were changed (VIME [2]_).

    See Also
    --------
    AutoencoderPretrainer : Reconstructs rows from noisy copies.

    References
    ----------
    .. [1] K. He, X. Chen, S. Xie, Y. Li, P. Dollár, R. Girshick. "Masked Autoencoders Are Scalable Vision
       Learners." CVPR 2022. https://arxiv.org/abs/2111.06377
    .. [2] J. Yoon, Y. Zhang, J. Jordon, M. van der Schaar. "VIME: Extending the Success of Self- and
       Semi-supervised Learning to Tabular Domain." NeurIPS 2020.
    .. [3] K. Lee et al. "Binning as a Pretext Task: Improving Self-Supervised Learning in Tabular Domains."
       ICML 2024. https://arxiv.org/abs/2405.07414
    .. [4] J. Devlin, M.-W. Chang, K. Lee, K. Toutanova. "BERT: Pre-training of Deep Bidirectional
       Transformers for Language Understanding." NAACL 2019. https://arxiv.org/abs/1810.04805
    .. [5] A. Wettig, T. Gao, Z. Zhong, D. Chen. "Should You Mask 15% in Masked Language Modeling?" EACL
       2023. https://arxiv.org/abs/2202.08005

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
    visible_weight: float | str = "auto"
    mask_weight: float = 0.0

    _compares_rows: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "target": [StrOptions({"value", "bin"})],
        "mask_rate": [real(0, 1, closed="neither")],
        "visible_weight": [real(0, closed="left"), StrOptions({"auto"})],
        "mask_weight": [real(0, closed="left")],
    }

    def _objective(self, modality: Modality, encoder: nn.Module, width: int) -> Objective:
        auto, sequences = isinstance(self.visible_weight, str), isinstance(modality, Sequences)
        weights = {
            "mask_rate": self.mask_rate,
            "visible_weight": float(not sequences) if auto else float(self.visible_weight),
            "mask_weight": self.mask_weight,
        }
        if not isinstance(modality, Sequences):
            return MaskedObjective(modality, encoder, width, target=self.target, **weights)
        if self.target != "value":
            raise unknown_target(self.target, ("value",), modality)
        return MaskedPositionsObjective(modality, encoder, **weights)
