"""Rotation pretraining: predict by how much an image was rotated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Modality, Objective, Pretrainer
from ..modalities import Image
from ..training import Batch, Step


def rotate_views(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Rotate images by multiples of 90°, or of 180° if they are not square.

    Parameters
    ----------
    a, b : Tensor of shape (n, c, h, w)
        Two views of the same images; every second rotation is of the second view.

    Returns
    -------
    images : Tensor of shape (n_turns * n, c, h, w)
        Square images in four rotations (0°, 90°, 180° and 270°), others in two (0° and 180°).
    turns : Tensor of int64 of shape (n_turns * n,)
        Class of the rotation, from 0 to ``n_turns - 1``.
    """
    quarters = (0, 1, 2, 3) if a.shape[2] == a.shape[3] else (0, 2)
    parts = [torch.rot90(view, k, (2, 3)) for view, k in zip((a, b) * 2, quarters, strict=False)]
    return torch.cat(parts), torch.arange(len(quarters), device=a.device).repeat_interleave(len(a))


class RotationObjective(Objective):
    """Cross-entropy of predicting the rotation.

    Parameters
    ----------
    modality : Image
        Draws the views that are rotated.
    encoder : nn.Module
        Maps a batch to features ``(n, n_components)``.
    n_components : int
        Width of the features.
    """

    def __init__(self, modality: Any, encoder: nn.Module, n_components: int):
        super().__init__(encoder)
        self.modality = modality
        square = modality.shape_[1] == modality.shape_[2]
        self.classifier = nn.Linear(n_components, 4 if square else 2)

    def forward(self, x: Batch) -> Step:
        """Return the loss of a batch ``(n, c, h, w)``."""
        images, turns = rotate_views(*self.modality.views(x))
        logits = self.classifier(self.encoder(images)).float()
        accuracy = (logits.argmax(1) == turns).float().mean()
        return Step(F.cross_entropy(logits, turns), logs={"accuracy": accuracy})


@dataclass(kw_only=True, eq=False, repr=False)
class RotationPretrainer(Pretrainer):
    """Learn features of images by predicting by how much they were rotated.

    Each image of a batch is shown in all four rotations, with random crops and changes of brightness and
    contrast. A linear layer on the features predicts the rotation, as in RotNet [1]_. Images that are not
    square are rotated by 180° only. The images need a right way up: in satellite or microscope images there is
    nothing to learn.

    ``history_`` has the accuracy of the predicted rotations, as ``train_accuracy``.

    See Also
    --------
    ContrastivePretrainer : Takes images, tables and texts.

    References
    ----------
    .. [1] S. Gidaris, P. Singh, N. Komodakis. "Unsupervised Representation Learning by Predicting Image
       Rotations." ICLR 2018. https://arxiv.org/abs/1803.07728

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import RotationPretrainer
    >>> from sklearn_ssl.modalities import Image
    >>> X = load_digits().data  # 8 x 8 pixels in rows of 64
    >>> ssl = RotationPretrainer(modality=Image(shape=(8, 8)), max_epochs=1, random_state=0).fit(X)
    >>> ssl.transform(X).shape
    (1797, 1536)
    """

    _compares_rows: ClassVar[bool] = False
    _modalities: ClassVar[tuple[type[Modality], ...]] = (Image,)

    def _objective(self, modality: Modality, encoder: nn.Module, width: int) -> Objective:
        return RotationObjective(modality, encoder, width)
