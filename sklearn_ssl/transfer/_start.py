"""Where fine-tuning starts: a pretrainer that is fitted, or that is fitted first."""

from __future__ import annotations

import copy
import os
from typing import Any, NamedTuple

from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted
from torch import nn

from ..base import Modality, Pretrainer, check_columns, is_fitted
from ..training import RandomStream, draw_seed


class Start(NamedTuple):
    """A fitted modality, and an encoder of its batches that is not written to."""

    modality: Modality
    encoder: nn.Module


def bare(pretrainer: Any) -> Pretrainer:
    """Return a pretrainer without the ``FrozenEstimator`` around it.

    Raises
    ------
    TypeError
        If it is no pretrainer with a network.
    """
    inner = pretrainer.estimator if isinstance(pretrainer, FrozenEstimator) else pretrainer
    if isinstance(inner, Pretrainer):
        return inner
    shown = f"the class {inner.__name__}. Add ()" if isinstance(inner, type) else f"{inner!r}"
    raise TypeError(
        "pretrainer must be a pretrainer with a network, such as ContrastivePretrainer(), or FrozenEstimator of a "
        f"fitted one; got {shown}. Other transformers go before a classifier: "
        "make_pipeline(transformer, LogisticRegression())."
    )


def start_of(
    pretrainer: Any, transfer: str, X: Any, pool: Any, seed: int, checkpoint: str | os.PathLike[str] | None
) -> Start:
    """Return where to start: the weights of a pretrainer, or fresh ones of its architecture.

    Parameters
    ----------
    pretrainer : Pretrainer or FrozenEstimator
        It is not changed.
    transfer : {"parameters", "structure"}
    X, pool : raw rows
        What a pretrainer that is not fitted is fitted to.
    seed : int
        In place of a `random_state` of None.
    checkpoint : str, Path or None
        In place of a `checkpoint` of None: where a pretrainer that is fitted here keeps its own.
    """
    inner = bare(pretrainer)
    if transfer == "parameters" and is_fitted(pretrainer):
        check_is_fitted(inner, "net_")
        for rows in (X,) if pool is None else (X, pool):
            check_columns(inner, rows)
        return Start(inner.modality_, inner.encoder_)
    new = clone(inner)
    if new.random_state is None:
        new.set_params(random_state=seed)
    if new.checkpoint is None:
        new.set_params(checkpoint=checkpoint)
    if transfer == "structure":
        new.set_params(max_epochs=0)
        if isinstance(new.encoder, nn.Module):
            new.set_params(encoder=fresh(new.encoder, seed))
    new.fit(X, X_unlabeled=pool)
    return Start(new.modality_, new.encoder_)


def fresh(module: nn.Module, seed: int) -> nn.Module:
    """Return a copy of a user's module with weights drawn anew.

    Raises
    ------
    ValueError
        If a part has weights and no ``reset_parameters``.
    """
    new = copy.deepcopy(module)
    device = next((p.device for p in new.parameters()), "cpu")
    RandomStream(draw_seed(seed, 1), device).run(_draw_anew, new)
    return new


def architecture_of(pretrainer: Any, modality: Modality) -> nn.Module:
    """Return an encoder of the pretrainer's kind for a fitted modality, for saved weights to be loaded into."""
    shell = clone(bare(pretrainer))
    shell.modality_ = modality
    return shell._build_encoder()


def _draw_anew(module: nn.Module) -> None:
    for name, part in module.named_modules():
        own = [*part.parameters(recurse=False)]
        if hasattr(part, "reset_parameters"):
            part.reset_parameters()
        elif own:
            raise ValueError(
                f"transfer='structure' draws weights anew, and the part {name or 'encoder'!r} "
                f"({type(part).__name__}) of the encoder has weights and no reset_parameters method. Add one."
            )
