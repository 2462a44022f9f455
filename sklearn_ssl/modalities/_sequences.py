"""The contract of modalities whose rows are sequences: what is at each position of an encoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..encoders import Hidden
from ..training import Batch, move
from ._base import Modality


class Positions(NamedTuple):
    """What there is to predict at the positions of an encoder.

    Attributes
    ----------
    maskable : Tensor of bool of shape (n, n_positions)
        Positions of the row itself: no padding and no mark. They may be hidden, and predicted.
    predictable : Tensor of bool of shape (n, n_positions)
        Positions that can be told from those before them.
    values : Tensor of shape (n, n_positions) or (n, n_positions, d)
        What is there: a number of a token, or a vector.
    """

    maskable: Tensor
    predictable: Tensor
    values: Tensor


class Sequences(Modality, ABC):
    """A modality whose rows are sequences, and whose encoders have features at each position.

    An encoder has a second face beside ``forward``: ``hidden(x)``, which gives
    :class:`~sklearn_ssl.encoders.Hidden` at a rate of its own. One position for each token is common enough that a
    module may have ``tokens(x)`` instead, which gives features ``(n, length, width)``.
    """

    @abstractmethod
    def positions(self, x: Batch, hidden: Hidden) -> Positions:
        """Return what there is to predict at the positions of `hidden`, of which a batch has been made.

        Raises
        ------
        ValueError
            If the rate of the encoder does not go with what can be predicted.
        """

    @abstractmethod
    def position_decoder(self, encoder: nn.Module) -> Any:
        """Build a network from features of positions ``(k, width)`` to what is there.

        Its ``loss(h, values, weight=None)`` is a weighted mean over the k positions.
        """

    @abstractmethod
    def example(self) -> Batch:
        """Return a small made-up batch, to try a network with."""

    @abstractmethod
    def change_end(self, x: Batch) -> Batch:
        """Return a batch whose rows end with something else: what a causal encoder must not see before."""

    def permute_segments(self, x: Batch) -> tuple[Batch, Tensor, Tensor]:
        """Cut rows in two, and put the parts of half of them in the wrong order.

        Returns
        -------
        parts : Batch
        swapped : Tensor of bool of shape (n,)
        possible : Tensor of bool of shape (n,)
            Which rows could be cut.
        """
        raise self._lacks("no way to cut it in parts")

    def at_positions(self, steps: Tensor, hidden: Hidden) -> Tensor:
        """Return at which positions of an encoder something is that is known for each step of a row.

        Parameters
        ----------
        steps : Tensor of bool of shape (n, length)
            Such as where a mask is.
        hidden : Hidden

        Returns
        -------
        Tensor of bool of shape (n, n_positions)
            A position takes part if at least half of the steps under it do.
        """
        n_positions = hidden.h.shape[1]
        if steps.shape[1] == n_positions:
            return steps
        return F.adaptive_avg_pool1d(steps.float(), n_positions) >= 0.5

    def hidden_of(self, encoder: nn.Module, x: Batch) -> Hidden:
        """Return the features that an encoder gives at its positions.

        Raises
        ------
        ValueError
            If it gives features of whole rows only, or none that are what they should be.
        """
        net: Any = encoder
        name = f"encoder={type(encoder).__name__}"
        if callable(getattr(net, "hidden", None)):
            out = net.hidden(x)
        elif callable(getattr(net, "tokens", None)):
            h = net.tokens(x)
            out = Hidden(h, x.present()) if isinstance(h, Tensor) else h
        else:
            raise ValueError(
                f"{name} gives features of whole rows only. Take encoder='auto', or "
                "give it a method tokens(x) that returns features of each position, of shape (n, length, d)."
            )
        if not isinstance(out, Hidden) or out.h.ndim != 3:
            got = f"a tensor of shape {tuple(out.h.shape)}" if isinstance(out, Hidden) else type(out).__name__
            raise ValueError(
                f"{name} must return features of each position, of shape (n, n_positions, d), from tokens(x), or "
                f"Hidden(h, present) from hidden(x), and returned {got}."
            )
        return out

    def try_positions(self, encoder: nn.Module, x: Batch) -> Hidden:
        """Return what an encoder gives at its positions in evaluation, on whatever device it is."""
        device = next((p.device for p in encoder.parameters()), torch.device("cpu"))
        mode = encoder.training
        with torch.no_grad():
            out = self.hidden_of(encoder.eval(), move(x, device))
        encoder.train(mode)
        return out

    def position_width(self, encoder: nn.Module) -> int:
        """Return the width of an encoder's features at a position, where the two go together.

        Raises
        ------
        ValueError
            If they do not.
        """
        x = self.example()
        hidden = self.try_positions(encoder, x)
        self.positions(move(x, hidden.h.device), hidden)
        return hidden.h.shape[-1]
