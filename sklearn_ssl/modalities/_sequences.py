"""The contract of modalities whose rows are sequences: what to predict at an encoder's positions."""

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
    """Prediction targets at the positions of an encoder.

    Attributes
    ----------
    maskable : Tensor of bool of shape (n, n_positions)
        Positions of the row itself, not of padding or special tokens. They may be masked and predicted.
    predictable : Tensor of bool of shape (n, n_positions)
        Positions that can be predicted from those before them.
    values : Tensor of shape (n, n_positions) or (n, n_positions, d)
        The targets: token ids, or vectors.
    """

    maskable: Tensor
    predictable: Tensor
    values: Tensor


class Sequences(Modality, ABC):
    """A modality whose rows are sequences, and whose encoders have features at each position.

    Besides ``forward``, an encoder has a method ``hidden(x)``, which returns
    :class:`~sklearn_ssl.encoders.Hidden`, with positions at a rate of its own. A module with one position per
    token may have ``tokens(x)`` instead, which returns features ``(n, length, width)``.
    """

    @abstractmethod
    def positions(self, x: Batch, hidden: Hidden) -> Positions:
        """Return the prediction targets of a batch at the positions of `hidden`, an encoder's output.

        Raises
        ------
        ValueError
            If the rate of the encoder does not match what can be predicted.
        """

    @abstractmethod
    def position_decoder(self, encoder: nn.Module) -> Any:
        """Build a network that predicts targets from the features of positions ``(k, width)``.

        Its ``loss(h, values, weight=None)`` is a weighted mean over the k positions.
        """

    @abstractmethod
    def example(self) -> Batch:
        """Return a small synthetic batch to try a network on."""

    @abstractmethod
    def change_end(self, x: Batch) -> Batch:
        """Return the batch with rows that end differently, which must not change earlier causal features."""

    def permute_segments(self, x: Batch) -> tuple[Batch, Tensor, Tensor]:
        """Cut each row into two segments, and swap those of a random half of the rows.

        Returns
        -------
        parts : Batch
        swapped : Tensor of bool of shape (n,)
        possible : Tensor of bool of shape (n,)
            Which rows could be cut.
        """
        raise self._lacks("no way to cut it in parts")

    def at_positions(self, steps: Tensor, hidden: Hidden) -> Tensor:
        """Convert a mask over the steps of rows to a mask over the positions of an encoder.

        Parameters
        ----------
        steps : Tensor of bool of shape (n, length)
            For example, which steps are hidden.
        hidden : Hidden

        Returns
        -------
        Tensor of bool of shape (n, n_positions)
            True at positions for which at least half of the steps are True.
        """
        n_positions = hidden.h.shape[1]
        if steps.shape[1] == n_positions:
            return steps
        return F.adaptive_avg_pool1d(steps.float(), n_positions) >= 0.5

    def hidden_of(self, encoder: nn.Module, x: Batch) -> Hidden:
        """Return an encoder's features at its positions.

        Raises
        ------
        ValueError
            If the encoder has features of whole rows only, or returns features of a wrong type or shape.
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
        """Return an encoder's features at its positions in evaluation mode, on the encoder's device."""
        device = next((p.device for p in encoder.parameters()), torch.device("cpu"))
        mode = encoder.training
        with torch.no_grad():
            out = self.hidden_of(encoder.eval(), move(x, device))
        encoder.train(mode)
        return out

    def position_width(self, encoder: nn.Module) -> int:
        """Return the width of an encoder's features at a position, once they are found to match the targets.

        Raises
        ------
        ValueError
            If the rate of the encoder does not match what can be predicted.
        """
        x = self.example()
        hidden = self.try_positions(encoder, x)
        self.positions(move(x, hidden.h.device), hidden)
        return hidden.h.shape[-1]
