"""Autoregressive pretraining: predict the next token from those before it."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval, validate_parameter_constraints
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from ..base import Modality, Objective, Pretrainer
from ..encoders import Tokens
from ..modalities import Sequences
from ..training import Batch, Step, draw_seed, seeded


def looks_ahead(modality: Sequences, encoder: nn.Module) -> bool:
    """Return whether features at a position change with what comes after it."""
    x = modality.example()
    a, b = (modality.try_positions(encoder, batch).h[:, :-1] for batch in (x, modality.change_end(x)))
    return not torch.allclose(a, b, atol=1e-5, rtol=1e-4)


class AutoregressiveObjective(Objective):
    """The loss of what is at each position, predicted from the features at the one before it.

    Parameters
    ----------
    modality : Sequences
        Says what is predicted, and builds the decoder.
    encoder : nn.Module
        Maps a batch to features ``(n, n_components)``, and to :class:`~sklearn_ssl.encoders.Hidden` features at
        positions, where each position knows those before it only.
    """

    def __init__(self, modality: Sequences, encoder: nn.Module):
        super().__init__(encoder)
        self.modality = modality
        self.decoder = modality.position_decoder(encoder)

    def forward(self, x: Batch) -> Step:
        """Return the loss of a batch of sequences, a mean over what is predicted; of texts, in bits per token."""
        hidden = self.modality.hidden_of(self.encoder, x)
        _, predictable, values = self.modality.positions(x, hidden)
        where = predictable[:, 1:]
        loss = self.decoder.loss(hidden.h[:, :-1][where], values[:, 1:][where])
        return Step(loss, where.sum())


@dataclass(kw_only=True, eq=False, repr=False)
class AutoregressivePretrainer(Pretrainer):
    """Learn features by predicting the next token: a small GPT [1]_.

    A causal encoder reads a text from its start, and at each token a decoder tells which one follows, up to
    the end of the text. ``transform`` gives the features of all tokens, pooled. The loss is in bits per
    token, so that ``score`` is minus the bits per token of X. It can be compared between models with the same
    tokens only: with a smaller vocabulary each is easier to tell, and an unknown word counts as one token.
    Of each text the first ``max_length`` tokens count; cut longer ones into parts first.

    See Also
    --------
    MaskedPretrainer : Predicts hidden tokens from both sides.

    References
    ----------
    .. [1] A. Radford, K. Narasimhan, T. Salimans, I. Sutskever. "Improving Language Understanding by
       Generative Pre-Training." 2018.

    Examples
    --------
    >>> from sklearn_ssl import AutoregressivePretrainer
    >>> from sklearn_ssl.modalities import Text
    >>> X = ["the cat sat on the mat", "the dog sat on the cat", "a cat on a mat"] * 10
    >>> gpt = AutoregressivePretrainer(modality=Text(), max_epochs=20, random_state=0).fit(X)
    >>> gpt.transform(X).shape
    (30, 1024)
    >>> gpt.perplexity(X) < 5
    True
    >>> len(gpt.sample("the cat", 3))
    3
    """

    _modalities: ClassVar[tuple[type[Modality], ...]] = (Sequences,)
    _causal: ClassVar[bool] = True
    _compares_rows: ClassVar[bool] = False

    def perplexity(self, X: Any) -> float:
        """Return two to the power of the bits per token of X: among how many tokens it is in doubt.

        Parameters
        ----------
        X : like the X of fit

        Returns
        -------
        float
            At least 1.
        """
        return float(2.0 ** -self.score(X))

    def sample(
        self,
        prompt: str = "",
        n_samples: int = 1,
        *,
        max_length: int | None = None,
        temperature: float = 1.0,
        random_state: int | np.random.RandomState | None = None,
    ) -> list[str]:
        """Continue a text, token by token, each drawn as the model expects it.

        Parameters
        ----------
        prompt : str, default=""
            How the texts begin.
        n_samples : int, default=1
        max_length : int or None, default=None
            Tokens of a text, those of the prompt included; None takes as many as the model has seen in a
            text, at most 256. Texts end before that where the model ends them.
        temperature : float, default=1.0
            Less than 1 draws likely tokens more often.
        random_state : int, RandomState instance or None, default=None
            None takes the estimator's own `random_state`.

        Returns
        -------
        list of str
            The prompt, and what follows as it comes from tokens: in lower case if the modality says so.

        Raises
        ------
        ValueError, TypeError
            If a parameter is not what it should be, the prompt is longer than a text may be, or tokens do
            not make a text again, such as n-grams of several sizes.
        """
        check_is_fitted(self)
        given = {
            "prompt": prompt,
            "n_samples": n_samples,
            "max_length": max_length,
            "temperature": temperature,
            "random_state": random_state,
        }
        at_least_1 = Interval(Integral, 1, None, closed="left")
        rules = {
            "prompt": [str],
            "n_samples": [at_least_1],
            "max_length": [at_least_1, None],
            "temperature": [Interval(Real, 0, None, closed="neither")],
            "random_state": ["random_state"],
        }
        validate_parameter_constraints(rules, given, caller_name="sample")
        text: Any = self.modality_
        longest = min(text.n_positions_ - 2, 1 + (max_length or 256))
        begun = text.begin(prompt, longest)
        entropy = self.random_state if random_state is None else random_state
        with torch.no_grad(), seeded(draw_seed(entropy), self.net_.device):
            start = begun.expand(n_samples, -1).to(self.net_.device)
            ids = self._continue(start, longest, temperature)
        return text.finish(prompt, begun, ids)

    def _continue(self, ids: Tensor, longest: int, temperature: float) -> Tensor:
        """Return the sequences ``(n, length)`` with further tokens, until all have ended."""
        text: Any = self.modality_
        objective: Any = self.net_.module_
        end = text.end_token
        never = [i for i in text.special_ if i != end]
        done = torch.zeros(len(ids), dtype=torch.bool, device=ids.device)
        while ids.shape[1] < longest and not done.all():
            lengths = torch.full((len(ids),), ids.shape[1], device=ids.device)
            logits = objective.decoder(
                text.hidden_of(objective.encoder, Tokens(ids, lengths)).h[:, -1]
            ).float()
            logits[:, never] = -torch.inf
            logits = (logits - logits.amax(1, keepdim=True)).double() / temperature
            drawn = torch.multinomial(logits.softmax(1), 1)
            drawn = drawn.masked_fill(done[:, None], end)
            ids = torch.cat([ids, drawn], dim=1)
            done |= drawn[:, 0] == end
        return ids

    def _objective(self, modality: Modality, encoder: nn.Module, width: int) -> Objective:
        if not isinstance(modality, Sequences):  # check_kind has said so in better words
            raise TypeError(f"{type(modality).__name__} has no tokens.")
        if looks_ahead(modality, encoder):
            raise ValueError(
                f"encoder={type(encoder).__name__} sees the tokens that it is to predict: its tokens(x) must "
                "depend on those before each position only. Pass a causal module, or encoder='transformer'."
            )
        return AutoregressiveObjective(modality, encoder)
