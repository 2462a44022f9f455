"""Segment order pretraining: predict whether the two parts of a text are in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from torch import nn

from ..base import Modality, Objective, Pretrainer
from ..encoders import TokenBag
from ..modalities import Sequences
from ..training import Batch, Step


class SegmentOrderObjective(Objective):
    """Cross-entropy of predicting whether two parts were swapped.

    Parameters
    ----------
    modality : Sequences
        Cuts sequences in two, and swaps some of the parts.
    encoder : nn.Module
        Maps a batch to features ``(n, n_components)``.
    n_components : int
        Width of the features.
    """

    def __init__(self, modality: Sequences, encoder: nn.Module, n_components: int):
        super().__init__(encoder)
        self.modality = modality
        self.classifier = nn.Linear(n_components, 1)

    def forward(self, x: Batch) -> Step:
        """Return the loss of a batch of sequences; those too short to be cut do not count."""
        parts, swapped, possible = self.modality.permute_segments(x)
        logits = self.classifier(self.encoder(parts)).float()[:, 0]
        weight = possible.sum()
        n = weight.clamp(min=1)
        right = ((logits > 0) == swapped) & possible
        errors = F.binary_cross_entropy_with_logits(logits, swapped.float(), reduction="none")
        return Step((errors * possible).sum() / n, weight, {"accuracy": right.sum() / n})


@dataclass(kw_only=True, eq=False, repr=False)
class SegmentOrderPretrainer(Pretrainer):
    """Learn features by predicting whether the two parts of a text are in order.

    Each text is cut in two, and the parts of half of the texts are swapped. A linear layer on the features
    predicts which texts these are: the sentence order prediction of ALBERT [1]_. Texts are cut between
    sentences. A text of one sentence is cut between words, and a string without words, such as DNA, anywhere;
    both are cut in their middle half. Cues that would give the order away are left out: signs at the edges of
    the parts, n-grams across the cut, and an incomplete last word or sentence. All tokens must have the same size.

    ``history_`` has the accuracy of the predicted orders, as ``train_accuracy``.

    See Also
    --------
    AutoregressivePretrainer : Predicts the next token.

    References
    ----------
    .. [1] Z. Lan et al. "ALBERT: A Lite BERT for Self-supervised Learning of Language Representations."
       ICLR 2020. https://arxiv.org/abs/1909.11942

    Examples
    --------
    >>> from sklearn_ssl import SegmentOrderPretrainer
    >>> X = ["First this. Then that.", "First a cat. Then a dog. Then both.", "First me. Then you."] * 10
    >>> ssl = SegmentOrderPretrainer(max_epochs=5, random_state=0).fit(X)
    >>> ssl.transform(X).shape
    (30, 1024)
    """

    _compares_rows: ClassVar[bool] = False
    _modalities: ClassVar[tuple[type[Modality], ...]] = (Sequences,)

    def _objective(self, modality: Modality, encoder: nn.Module, width: int) -> Objective:
        if not isinstance(modality, Sequences):  # refused by check_kind before: for mypy
            raise TypeError(f"{type(modality).__name__} has no segments.")
        if isinstance(encoder, TokenBag):
            raise ValueError(
                "encoder=TokenBag takes the mean of tokens, in which their order is lost. Take encoder='auto' or "
                "'convnet'."
            )
        modality.permute_segments(modality.example())  # raises if tokens cannot be cut
        return SegmentOrderObjective(modality, encoder, width)
