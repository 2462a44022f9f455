"""Contrastive pretraining: pull two views of a row together, and push views of different rows apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Modality, Objective, Pretrainer
from ..encoders import head
from ..modalities import real
from ..training import Batch, all_rows


def nt_xent(a: Tensor, b: Tensor, temperature: float) -> Tensor:
    """Normalised temperature-scaled cross-entropy over two views of a batch.

    Each of the ``2 n`` embeddings must identify its other view among the ``2 n - 1`` others, by cosine
    similarity.

    Parameters
    ----------
    a, b : Tensor of shape (n, d)
        Row i of `a` and row i of `b` are two views of the same input.
    temperature : float
        Divides the similarities. Small values put more weight on the hardest negatives.

    Returns
    -------
    Tensor of shape ()

    References
    ----------
    .. [1] T. Chen, S. Kornblith, M. Norouzi, G. Hinton. "A Simple Framework for Contrastive Learning of
       Visual Representations." ICML 2020. https://arxiv.org/abs/2002.05709
    """
    n = len(a)
    with torch.autocast(a.device.type, enabled=False):
        z = F.normalize(torch.cat([a, b]).float(), dim=1)
        similarity = (z @ z.T / temperature).fill_diagonal_(-torch.inf)
        partner = torch.arange(2 * n, device=z.device).roll(n)
        return F.cross_entropy(similarity, partner)


class ContrastiveObjective(Objective):
    """NT-Xent between the projections of two views.

    Parameters
    ----------
    modality : Modality
        Draws the views.
    encoder : nn.Module
        Maps a batch to features ``(n, n_components)``.
    n_components : int
        Width of the features.
    temperature : float
        See :func:`nt_xent`.
    """

    def __init__(self, modality: Modality, encoder: nn.Module, n_components: int, temperature: float):
        super().__init__(encoder)
        self.modality = modality
        self.temperature = temperature
        self.projector = head(n_components, 256, 128)

    def forward(self, x: Batch) -> Tensor:
        """Return the loss of a batch ``(n, ...)``."""
        a, b = self.modality.views(x)
        return nt_xent(all_rows(self.embedding(a)), all_rows(self.embedding(b)), self.temperature)

    def embedding(self, x: Batch) -> Tensor:
        """Return the projections ``(n, 128)`` that the loss compares."""
        return self.projector(self.encoder(x))


@dataclass(kw_only=True, eq=False, repr=False)
class ContrastivePretrainer(Pretrainer):
    """Learn features by contrasting two views of a row with the views of other rows.

    Two random views of each row are drawn, and the network learns to give them similar embeddings. On
    tables, some cells of a view are replaced by values from other rows, as in SCARF [2]_. Images are cropped,
    flipped, and changed in brightness and contrast, as in SimCLR [1]_. The loss compares projections;
    ``transform`` returns the features before the projection head.

    Parameters
    ----------
    temperature : float, default=0.5
        Divides the similarities. Small values put more weight on the hardest negatives.

    See Also
    --------
    sklearn.decomposition.PCA : Linear features, without a pretext task.

    References
    ----------
    .. [1] T. Chen, S. Kornblith, M. Norouzi, G. Hinton. "A Simple Framework for Contrastive Learning of
       Visual Representations." ICML 2020. https://arxiv.org/abs/2002.05709
    .. [2] D. Bahri, H. Jiang, Y. Tay, D. Metzler. "SCARF: Self-Supervised Contrastive Learning using
       Random Feature Corruption." ICLR 2022. https://arxiv.org/abs/2106.15147

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> X, y = load_iris(return_X_y=True)
    >>> ssl = ContrastivePretrainer(n_components=16, max_epochs=5, random_state=0)
    >>> pipe = make_pipeline(ssl, LogisticRegression()).fit(X, y)
    >>> pipe.score(X, y) > 0.9
    True
    >>> pipe[:-1].transform(X).shape
    (150, 16)
    """

    temperature: float = 0.5

    _compares_views: ClassVar[bool] = True
    _collapse_advice: ClassVar[str] = "Lower lr, or raise batch_size."
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "temperature": [real(0, closed="neither")],
    }

    def _objective(self, modality: Modality, encoder: nn.Module, width: int) -> Objective:
        return ContrastiveObjective(modality, encoder, width, self.temperature)
