"""Predictive coding: tell the features of a position that comes later from those of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Modality, Objective, Pretrainer
from ..encoders import Hidden
from ..modalities import Sequences, count, real
from ..training import Batch, RandomStream, Step, agreed, all_rows, draw_one, first_row, with_others
from ._autoregressive import looks_ahead

WIDTH = 128  # of what is compared
LONGEST = 2**32  # more positions than a sequence has
SCORE_SEED, N_COPIES = 0, 4  # of score_samples


def info_nce(
    predicted: Tensor, target: Tensor, negatives: Tensor, usable: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """Cross-entropy of finding the true target of each prediction among negatives, by cosine similarity.

    Parameters
    ----------
    predicted, target : Tensor of shape (n, length, d)
        Each prediction, and what it should be similar to.
    negatives : Tensor of shape (n, k, d)
        What the predictions of a sequence should not be similar to.
    usable : Tensor of bool of shape (n, length, k)
        Which negatives count for which prediction; not those that equal its target.
    temperature : float
        Divides the similarities.

    Returns
    -------
    losses : Tensor of float32 of shape (n, length)
    found : Tensor of bool of shape (n, length)
        Where the target is more similar than every negative.

    References
    ----------
    .. [1] A. van den Oord, Y. Li, O. Vinyals. "Representation Learning with Contrastive Predictive Coding."
       2018. https://arxiv.org/abs/1807.03748
    """
    with torch.autocast(predicted.device.type, enabled=False):
        predicted, target, negatives = (F.normalize(z.float(), dim=2) for z in (predicted, target, negatives))
        true = (predicted * target).sum(2) / temperature
        others = (predicted @ negatives.transpose(1, 2) / temperature).masked_fill(~usable, -torch.inf)
        losses = torch.cat([true[:, :, None], others], dim=2).logsumexp(2) - true
        return losses, true > others.amax(2)


def draw_negatives(present: Tensor, n_within: int, n_across: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw positions for each sequence of a batch, with replacement.

    Parameters
    ----------
    present : Tensor of bool of shape (n, length)
        Positions that are no padding.
    n_within : int
        Number of positions from the sequence itself.
    n_across : int
        Number of positions from all sequences of the batch, the same ones for each.

    Returns
    -------
    within : Tensor of int64 of shape (n, n_within)
    across : Tensor of int64 of shape (n_across,)
        Indices into the flattened positions ``(n * length,)``.
    own : Tensor of bool of shape (n_across,)
        Which of `across` are meant; the others are of sequences that other processes have.
    """
    n, length = present.shape
    chances = (present | ~present.any(1, keepdim=True)).float()  # a sequence without positions predicts none
    within = _draw(chances, n_within)
    within = within + length * torch.arange(n, device=present.device)[:, None]
    drawn = agreed(_draw(all_rows(chances.sum(1)), n_across)) - first_row()
    rows = drawn.clamp(0, n - 1)
    across = length * rows + draw_one(chances[rows])[:, 0]
    return within, across, drawn == rows


def _draw(chances: Tensor, n: int) -> Tensor:
    # drawing several with replacement does not make the host wait
    return draw_one(chances) if n == 1 else torch.multinomial(chances, n, replacement=True)


class PredictiveCodingObjective(Objective):
    """InfoNCE of the local features of later positions, predicted from the features in context.

    Parameters
    ----------
    modality : Sequences
        Checks what the encoder returns.
    encoder : nn.Module
        Has methods ``local(x)`` and ``context(hidden)``, as a :class:`~sklearn_ssl.encoders.SequenceEncoder` has,
        and maps a batch to features ``(n, n_components)``. Its context is causal: no position sees those after it.
    local_width, context_width : int
        Widths of the features of a position.
    n_steps : int
        Number of positions ahead that are predicted.
    n_negatives : int
        Number of negatives; half of them are from the same sequence.
    temperature : float
        See :func:`info_nce`.
    """

    n_draws: ClassVar[int] = N_COPIES

    def __init__(
        self,
        modality: Sequences,
        encoder: nn.Module,
        local_width: int,
        context_width: int,
        *,
        n_steps: int,
        n_negatives: int,
        temperature: float,
    ):
        super().__init__(encoder)
        self.modality = modality
        self.n_steps, self.temperature = n_steps, temperature
        self.n_within, self.n_across = n_negatives - n_negatives // 2, n_negatives // 2
        self.target = nn.Linear(local_width, WIDTH)
        self.predictor = nn.Linear(context_width, n_steps * WIDTH)

    def forward(self, x: Batch) -> Step:
        """Return the mean loss over all pairs of a position and a later one that it predicts."""
        losses, found, where = self._compared(x)
        total = where.sum()
        n = total.clamp(min=1)
        return Step((losses * where).sum() / n, total, {"accuracy": (found & where).sum() / n})

    def row_losses(self, x: Batch) -> Tensor:
        """Return the mean loss of a row, with negatives from the row alone; NaN where there is nothing to predict."""
        stream = RandomStream(SCORE_SEED, next(self.parameters()).device)
        losses, _, where = stream.run(self._compared, x)
        rows = (losses * where).flatten(1).sum(1) / where.flatten(1).sum(1)
        return rows.double()

    def _compared(self, x: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return the losses, whether the target was found, and which count, ``(n, n_steps, length)`` each."""
        net: Any = self.encoder
        local = self.modality.hidden_of(net, x, local=True)
        n, length = local.present.shape
        target = self.target(local.h)
        predicted = self.predictor(net.context(local).h).view(n, length, self.n_steps, WIDTH)
        codes = self._codes(x, local)
        within, picked, own = draw_negatives(local.present, self.n_within, self.n_across)
        pool, across = with_others(target.flatten(0, 1), picked, own)
        drawn = torch.cat([within, across.expand(n, -1)], dim=1)
        negatives = pool[drawn]
        drawn_codes = with_others(codes.flatten(), picked, own)[0][drawn][:, None, :]
        losses, found, where = [], [], []
        for step in range(1, self.n_steps + 1):
            # behind the last position there is padding, which does not count
            later = [
                F.pad(z[:, step:], (0, 0) * (z.ndim - 2) + (0, min(step, length)))
                for z in (target, local.present, codes)
            ]
            usable = later[2][:, :, None] != drawn_codes
            values = info_nce(predicted[:, :, step - 1], later[0], negatives, usable, self.temperature)
            losses.append(values[0])
            found.append(values[1])
            where.append(local.present & later[1] & usable.any(2))
        return torch.stack(losses, dim=1), torch.stack(found, dim=1), torch.stack(where, dim=1)

    def _codes(self, x: Batch, local: Hidden) -> Tensor:
        """Return a number ``(n, length)`` for each position, which is the same where the same is to be found.

        Equal features do not tell: where all features collapse to one, the loss must be high.
        """
        if self.modality.is_discrete:
            return self.modality.positions_of(x, local).values
        n, length = local.present.shape
        rows = first_row() + torch.arange(n, device=local.h.device)
        return rows[:, None] * LONGEST + torch.arange(length, device=local.h.device)


@dataclass(kw_only=True, eq=False, repr=False)
class PredictiveCodingPretrainer(Pretrainer):
    """Learn features by telling what comes next from what does not: CPC [1]_, wav2vec [2]_.

    An encoder has two parts. The local part turns a sequence into features of positions: an embedding per token of
    a text, or a vector per few steps of a series or a sound. The context part reads them from the start. From the
    context at each position, a linear map for each number of steps ahead predicts the local features there. The
    loss asks which of many local features these are. Half of the wrong ones are from the same sequence, and half
    from all sequences of the batch; those of the same token are left out. Unlike
    :class:`AutoregressivePretrainer`, nothing is predicted in detail, so that noise costs nothing.

    ``transform`` returns the pooled features of all positions. ``history_`` has the share of targets that were more
    similar than all negatives, as ``train_accuracy``.

    Parameters
    ----------
    n_steps : int, default=4
        Number of positions ahead that are predicted, each by a linear map of its own.
    n_negatives : int, default=64
        Number of wrong features that a right one is told from, at least 2.
    temperature : float, default=0.1
        Divides the cosine similarities. Small values put more weight on the hardest negatives.

    See Also
    --------
    AutoregressivePretrainer : Predicts the next token itself.
    ContrastivePretrainer : Compares whole rows.

    References
    ----------
    .. [1] A. van den Oord, Y. Li, O. Vinyals. "Representation Learning with Contrastive Predictive Coding."
       2018. https://arxiv.org/abs/1807.03748
    .. [2] S. Schneider, A. Baevski, R. Collobert, M. Auli. "wav2vec: Unsupervised Pre-training for Speech
       Recognition." Interspeech 2019. https://arxiv.org/abs/1904.05862

    Examples
    --------
    >>> from sklearn_ssl import PredictiveCodingPretrainer
    >>> X = ["the cat sat on the mat", "the dog sat on the cat", "a cat on a mat"] * 10
    >>> cpc = PredictiveCodingPretrainer(max_epochs=3, random_state=0).fit(X)
    >>> cpc.transform(X).shape
    (30, 1024)
    """

    n_steps: int = 4
    n_negatives: int = 64
    temperature: float = 0.1

    _causal: ClassVar[bool] = True
    _compares_rows: ClassVar[bool] = False
    _modalities: ClassVar[tuple[type[Modality], ...]] = (Sequences,)
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_steps": [count(1)],
        "n_negatives": [count(2)],
        "temperature": [real(0, closed="neither")],
    }

    def _objective(self, modality: Modality, encoder: nn.Module, width: int) -> Objective:
        if not isinstance(modality, Sequences):  # refused by check_kind before: for mypy
            raise TypeError(f"{type(modality).__name__} has no positions.")
        x = modality.example()
        local = modality.try_positions(encoder, x, local=True)
        context = modality.try_positions(encoder, x)
        name = f"encoder={type(encoder).__name__}"
        if local.h.shape[:2] != context.h.shape[:2]:
            raise ValueError(
                f"{name} has local features at {local.h.shape[1]} positions, and features in context at "
                f"{context.h.shape[1]}. Both must be of the same positions."
            )
        if looks_ahead(modality, encoder):
            raise ValueError(
                f"{name} sees the positions that it is to predict: its context(hidden) must depend on those before "
                "each position only. Pass a causal module, or encoder='auto'."
            )
        return PredictiveCodingObjective(
            modality,
            encoder,
            local.h.shape[2],
            context.h.shape[2],
            n_steps=self.n_steps,
            n_negatives=self.n_negatives,
            temperature=self.temperature,
        )
