"""Autoregressive pretraining: predict each token, or each step of a series, from those before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import validate_parameter_constraints
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from ..base import Modality, Objective, Pretrainer
from ..encoders import Tokens
from ..modalities import Sequences, count, real
from ..training import Batch, ObjectiveNet, RandomStream, Step, Store, draw_seed, in_float32
from ._forecast import drawn, forecast, learn_linear, linear_of


def looks_ahead(modality: Sequences, encoder: nn.Module) -> bool:
    """Return whether features at a position depend on later positions."""
    x = modality.example()
    a, b = (modality.try_positions(encoder, batch).h[:, :-1] for batch in (x, modality.change_end(x)))
    return not torch.allclose(a, b, atol=1e-5, rtol=1e-4)


def loss_at(decoder: Any, where: Tensor, h: Tensor, values: Tensor) -> Tensor:
    """Return the mean loss of a decoder over some positions of a batch, or of a row.

    On a CPU only these go through the decoder. Elsewhere all do, and the others have no weight: the host would have to
    wait for their number, and rows of a batch are of like length, so that they are few.

    Parameters
    ----------
    decoder : nn.Module
        As built by ``Sequences.position_decoder``.
    where : Tensor of bool of shape (n, n_positions) or (n_positions,)
    h, values : Tensor of shape (*where.shape, ...)
        Features, and what is to be predicted from them.
    """
    if where.device.type == "cpu":
        return decoder.loss(h[where], values[where])
    h = h.masked_fill(~where[..., None], 0)  # no weight takes a NaN away
    h, values = (part.flatten(0, where.ndim - 1) for part in (h, values))
    return decoder.loss(h, values, where.flatten().float())


class AutoregressiveObjective(Objective):
    """Loss of predicting each position from the features at the one before it.

    Parameters
    ----------
    modality : Sequences
        Defines what is predicted, and builds the decoder.
    encoder : nn.Module
        Maps a batch to features ``(n, n_components)``, and to :class:`~sklearn_ssl.encoders.Hidden` features at
        positions. It is causal: no position sees those after it.
    """

    def __init__(self, modality: Sequences, encoder: nn.Module):
        super().__init__(encoder)
        self.modality = modality
        self.decoder = modality.following_decoder(encoder)
        self.linear = linear_of(modality, self.decoder)

    def forward(self, x: Batch) -> Step:
        """Return the mean loss over the predicted positions of a batch; for texts, in bits per token."""
        where, h, values = self.predicted(x)
        return Step(loss_at(self.decoder, where, h, values), where.sum())

    def row_losses(self, x: Batch) -> Tensor:
        """Return the mean loss over the predicted positions of each row, ``(n,)``; NaN where there is none."""
        where, h, values = self.predicted(x)
        losses = torch.stack([loss_at(self.decoder, *row) for row in zip(where, h, values, strict=True)])
        return losses.masked_fill(~where.any(1), torch.nan)

    def predicted(self, x: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return after which positions there is something to predict, the features there, and what follows."""
        hidden = self.modality.hidden_of(self.encoder, x)
        where, values = self.modality.following(x, hidden)
        return where, hidden.h[:, :-1], values


@dataclass(kw_only=True, eq=False, repr=False)
class AutoregressivePretrainer(Pretrainer):
    """Learn features by predicting the next token or step: a small GPT [1]_, or a forecaster of series.

    A causal encoder reads each text from its start. At each token a decoder predicts the next one, including
    the end of the text. ``transform`` returns the pooled features of all tokens. The loss is in bits per token,
    so ``score`` is minus the bits per token of X. Compare it only between models with the same tokens: a smaller
    vocabulary makes each token easier to predict, and an unknown word counts as one token. Only the first
    ``max_length`` tokens of a text are used; split longer texts first.

    On series a decoder predicts the changes from a step to each of the 24 that follow it, by squared error, in
    units of the scaled series. The encoder sees as far back as the longest series of ``fit``: give windows that are
    longer than a season. ``predict`` forecasts what follows each series.

    Once the first training of series has ended, a ridge regression on the steps before [2]_ is fitted too, to at most
    1,000 rows. Where there are as many steps as it has lags, it forecasts instead of the network. It does not if the
    network has less than a third of its squared error on the last fifth of these rows, which only the network has seen.
    It has up to 1,024 lags: as many as leave room for what follows in the longest series of ``fit``. If that has less
    than 57 steps, there is no regression. Features are those of the network.

    See Also
    --------
    MaskedPretrainer : Predicts hidden tokens from both sides.

    References
    ----------
    .. [1] A. Radford, K. Narasimhan, T. Salimans, I. Sutskever. "Improving Language Understanding by
       Generative Pre-Training." 2018.
    .. [2] A. Zeng, M. Chen, L. Zhang, Q. Xu. "Are Transformers Effective for Time Series Forecasting?" AAAI 2023.
       https://arxiv.org/abs/2205.13504

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

    Forecasts of series, in their units:

    >>> import numpy as np
    >>> from sklearn_ssl.modalities import Series
    >>> X = 5 + np.sin(np.arange(30) / 3 + np.arange(40)[:, None])
    >>> ar = AutoregressivePretrainer(modality=Series(), max_epochs=3, random_state=0).fit(X)
    >>> ar.predict(X, horizon=6).shape
    (40, 6)
    """

    _modalities: ClassVar[tuple[type[Modality], ...]] = (Sequences,)
    _causal: ClassVar[bool] = True
    _compares_rows: ClassVar[bool] = False

    def perplexity(self, X: Any) -> float:
        """Return the perplexity of X: two to the power of its bits per token.

        Parameters
        ----------
        X : like the X of fit

        Returns
        -------
        float
            At least 1: the number of equally likely tokens that would be as hard to predict.
        """
        self._check_discrete()
        return float(2.0 ** -self.score(X))

    def predict(self, X: Any, horizon: int = 1) -> np.ndarray:
        """Forecast what follows each series, step by step, each step from those before it.

        With ``Series(scale="series")`` a series is scaled by what is known of it.

        Parameters
        ----------
        X : like the X of fit
            What is known of each series, of any length.
        horizon : int, default=1
            Number of steps to forecast.

        Returns
        -------
        ndarray of shape (n, channels, horizon), or (n, horizon) where X has no axis of channels, float64
            In the units of X.

        Raises
        ------
        ValueError, TypeError
            If `horizon` is less than 1, X is invalid, or rows are no series of numbers.
        """
        check_is_fitted(self)
        modality: Any = self.modality_
        if not modality.can_forecast:
            raise modality.lacks("no numbers that could be forecast")
        rules = {"horizon": [count(1)]}
        validate_parameter_constraints(rules, {"horizon": horizon}, caller_name="predict")
        return forecast(self, X, int(horizon))

    def sample(
        self,
        prompt: Any = "",
        n_samples: int = 1,
        *,
        max_length: int | None = None,
        temperature: float = 1.0,
        random_state: int | np.random.RandomState | None = None,
    ) -> Any:
        """Continue a text token by token, or a series step by step, with draws from the model.

        Parameters
        ----------
        prompt : str or array of shape (time,) or (channels, time), default=""
            Beginning of the texts, or the known part of a series.
        n_samples : int, default=1
            Number of texts or series.
        max_length : int or None, default=None
            Maximum number of tokens in a text, including those of the prompt; 256 if None. No text gets longer
            than the model could read in ``fit``. A text ends sooner if the model draws its end. For series it is
            the number of steps, including those of the prompt; twice as many as those if None.
        temperature : float, default=1.0
            Divides the logits. Values below 1 draw likely tokens more often. For series it is the factor of the
            standard deviation of draws, which is that of the errors in training, or of those of the regression on rows
            that it has not seen.
        random_state : int, RandomState instance or None, default=None
            If None, the `random_state` of the estimator.

        Returns
        -------
        list of str, or ndarray of shape (n_samples, time) or (n_samples, channels, time), float64
            The prompt and its continuation, which is in lower case if the modality converts texts to it, and in
            the units of the prompt for series.

        Raises
        ------
        ValueError, TypeError
            If a parameter is invalid, the prompt is too long, or tokens cannot be turned back into texts, as
            with n-grams of several sizes.
        """
        check_is_fitted(self)
        modality: Any = self.modality_
        if not modality.can_forecast:
            self._check_discrete()
        given = {
            "prompt": prompt,
            "n_samples": n_samples,
            "max_length": max_length,
            "temperature": temperature,
            "random_state": random_state,
        }
        at_least_1 = count(1)
        rules = {
            "prompt": ["array-like", str] if modality.can_forecast else [str],
            "n_samples": [at_least_1],
            "max_length": [at_least_1, None],
            "temperature": [real(0, closed="neither")],
            "random_state": ["random_state"],
        }
        validate_parameter_constraints(rules, given, caller_name="sample")
        entropy = self.random_state if random_state is None else random_state
        stream = RandomStream(draw_seed(entropy), self.net_.device)
        if modality.can_forecast:
            return drawn(self, prompt, n_samples, max_length, temperature, stream)
        text = modality
        longest = min(text.n_positions_ - 2, 1 + (max_length or 256))
        begun = text.begin(prompt, longest)
        start = begun.expand(n_samples, -1).to(self.net_.device)
        ids = in_float32(self._continue, start, longest, temperature, stream)
        return text.finish(prompt, begun, ids)

    def _check_discrete(self) -> None:
        """Refuse what makes sense for tokens only."""
        check_is_fitted(self)
        modality: Any = self.modality_
        if not modality.is_discrete:
            raise modality.lacks("no tokens that could be drawn one by one")

    @torch.no_grad()
    def _continue(self, ids: Tensor, longest: int, temperature: float, stream: RandomStream) -> Tensor:
        """Return the sequences ``(n, length)`` with sampled tokens, up to `longest` or until all have ended."""
        text: Any = self.modality_
        objective = self._trained()
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
            drawn = stream.run(torch.multinomial, logits.softmax(1), 1)
            drawn = drawn.masked_fill(done[:, None], end)
            ids = torch.cat([ids, drawn], dim=1)
            done |= drawn[:, 0] == end
        return ids

    def _train(
        self, net: ObjectiveNet, store: Store, epochs: int, stream: RandomStream, first: bool, *args: Any
    ) -> str:
        complaint = super()._train(net, store, epochs, stream, first, *args)
        if first:  # later rows may be few
            learn_linear(net.module_, store, net.device, self._rows_per_batch)
        return complaint

    def _objective(self, modality: Modality, encoder: nn.Module, width: int) -> Objective:
        if not isinstance(modality, Sequences):  # refused by check_kind before: for mypy
            raise TypeError(f"{type(modality).__name__} has no tokens.")
        if looks_ahead(modality, encoder):
            raise ValueError(
                f"encoder={type(encoder).__name__} sees what it is to predict: its features at a position must "
                "depend on it and on those before it only. Pass a causal module, or encoder='auto'."
            )
        return AutoregressiveObjective(modality, encoder)
