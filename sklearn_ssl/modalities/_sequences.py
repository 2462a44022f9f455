"""The contract of modalities whose rows are sequences: what to predict at an encoder's positions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..encoders import Hidden
from ..training import Batch, move
from ._base import Modality


def longest_of(lengths: Tensor, bound: int) -> int:
    """Return the number of steps that sequences of these lengths need: no more than `bound`.

    On a CPU it is the greatest length. The host would have to wait for that of another device, so there it is the
    bound: some more padding costs less.

    Parameters
    ----------
    lengths : Tensor of int of shape (n,)
    bound : int
    """
    return int(lengths.max()) if lengths.device.type == "cpu" else bound


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

    is_discrete: ClassVar[bool] = (
        False  # whether values are tokens, whose loss is in bits, and which can be drawn
    )
    # how many positions after each are predicted, as changes from it, by a method that looks ahead, with `changes` and
    # `change_decoder`; 0 stands for the next target itself
    steps_ahead: ClassVar[int] = 0
    # whether rows are numbers that can be continued: then there are `recent(x, stride)`, `append(x, values)`,
    # `linear_forecast(stride)`, and stores with `in_units(index, values)`
    can_forecast: ClassVar[bool] = False

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
        raise self.lacks("no way to cut it in parts")

    def changes(self, x: Batch, hidden: Hidden) -> tuple[Tensor, Tensor]:
        """Return the changes to the `steps_ahead` positions after each but the last, and where there are any.

        Returns
        -------
        where : Tensor of bool of shape (n, n_positions - 1)
        values : Tensor of shape (n, n_positions - 1, d)
        """
        raise self.lacks("no steps whose changes could be predicted")

    def change_decoder(self, encoder: nn.Module) -> Any:
        """Build a network that predicts changes from the features of positions, as ``position_decoder`` does."""
        raise self.lacks("no steps whose changes could be predicted")

    def following(self, x: Batch, hidden: Hidden) -> tuple[Tensor, Tensor]:
        """Return what there is to predict after each position but the last, from the features of `hidden` there.

        Returns
        -------
        where : Tensor of bool of shape (n, n_positions - 1)
            Positions after which there is something to predict.
        values : Tensor of shape (n, n_positions - 1) or (n, n_positions - 1, d)
            The targets.
        """
        if self.steps_ahead:
            return self.changes(x, hidden)
        _, predictable, values = self.positions_of(x, hidden)
        return predictable[:, 1:], values[:, 1:]

    def following_decoder(self, encoder: nn.Module) -> Any:
        """Build a network that predicts what follows a position from its features, as ``position_decoder`` does."""
        return self.change_decoder(encoder) if self.steps_ahead else self.position_decoder(encoder)

    def at_positions(self, steps: Tensor, hidden: Hidden) -> Tensor:
        """Convert a mask over the steps of rows to a mask over the positions of an encoder.

        Each position is taken to stand for an equal part of the steps. Where the windows of an encoder overlap, that
        is the part around which its window lies; a modality may define it otherwise.

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

    def hidden_of(self, encoder: nn.Module, x: Batch, local: bool = False) -> Hidden:
        """Return an encoder's features at its positions, in context or, if `local`, of each position alone.

        Raises
        ------
        ValueError
            If the encoder has no such features, or returns features of a wrong type or shape.
        """
        net: Any = encoder
        name = f"encoder={type(encoder).__name__}"
        if local:
            if not callable(getattr(net, "local", None)) or not callable(getattr(net, "context", None)):
                raise ValueError(
                    f"{name} does not tell local features from those in context. Take encoder='auto', or give it "
                    "the methods local(x) and context(hidden) of sklearn_ssl.encoders.SequenceEncoder."
                )
            out = net.local(x)
        elif callable(getattr(net, "hidden", None)):
            out = net.hidden(x)
        elif callable(getattr(net, "tokens", None)):
            h = net.tokens(x)
            out = Hidden(h, self.present(x)) if isinstance(h, Tensor) else h  # type: ignore[arg-type]  # checked below
        else:
            raise ValueError(
                f"{name} gives features of whole rows only. Take encoder='auto', or "
                "give it a method tokens(x) that returns features of each position, of shape (n, length, d)."
            )
        problem = _problem(out)
        if problem:
            raise ValueError(
                f"{name} must return features of each position, of shape (n, n_positions, d), from tokens(x), or "
                f"Hidden(h, present) from hidden(x), and returned {problem}."
            )
        return out

    def present(self, x: Batch) -> Tensor | None:
        """Return which steps of a batch are no padding, bool ``(n, length)``, for encoders with a position a step."""
        return x.present() if hasattr(x, "present") else None

    def positions_of(self, x: Batch, hidden: Hidden) -> Positions:
        """Return what there is to predict at the positions of `hidden`, once the two are found to match.

        Raises
        ------
        ValueError
            If the encoder has another number of positions than there are targets.
        """
        found = self.positions(x, hidden)
        shapes = {tuple(part.shape[:2]) for part in (hidden.h, *found)}
        if len(shapes) > 1:
            raise ValueError(
                f"The encoder gives features at {hidden.h.shape[1]} positions, and {type(self).__name__} has "
                f"{found.values.shape[1]} targets for the same rows. Take an encoder with another stride, or "
                "encoder='auto'."
            )
        return found

    def try_positions(self, encoder: nn.Module, x: Batch, local: bool = False) -> Hidden:
        """Return what ``hidden_of`` gives in evaluation mode, on the encoder's device.

        Raises
        ------
        ValueError
            If the encoder fails, or does not return finite features of its positions.
        """
        device = next((p.device for p in encoder.parameters()), torch.device("cpu"))
        mode = encoder.training
        try:
            with torch.no_grad():
                out = self.hidden_of(encoder.eval(), move(x, device), local)
        except ValueError:
            raise
        except Exception as error:  # whatever a user's network raises is told in our words
            raise ValueError(
                f"encoder={type(encoder).__name__} fails to give features of positions: "
                f"{(str(error) or repr(error)).splitlines()[0]}."
            ) from error
        finally:
            encoder.train(mode)
        if not out.h.isfinite().all():
            raise ValueError(
                f"encoder={type(encoder).__name__} must return finite features of its positions."
            )
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
        self.positions_of(move(x, hidden.h.device), hidden)
        return hidden.h.shape[-1]


def _problem(out: Any) -> str:
    """Return what is wrong with features of positions; an empty string if nothing is."""
    if not isinstance(out, Hidden):
        return type(out).__name__
    if not isinstance(out.h, Tensor) or out.h.ndim != 3 or not out.h.is_floating_point():
        return f"{_name(out.h)} as h"
    p = out.present
    if not isinstance(p, Tensor) or p.dtype != torch.bool or p.shape != out.h.shape[:2]:
        return f"{_name(p)} as present, beside h of shape {tuple(out.h.shape)}"
    return ""


def _name(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)} and {value.dtype}"
    return type(value).__name__
