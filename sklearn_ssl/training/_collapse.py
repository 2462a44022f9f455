"""Whether embeddings still distinguish rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import Tensor

from ._loader import Batch, Store, move, sample_of
from ._seed import RandomStream, in_float32

SAMPLE = 128


def effective_rank(z: Tensor) -> float:
    """Return the exponential of the entropy of the singular values of `z`, divided by their sum.

    Parameters
    ----------
    z : Tensor of shape (n, d)

    Returns
    -------
    float
        From 1 to the smaller of n and d; NaN if all is zero or anything is not finite.

    References
    ----------
    .. [1] O. Roy, M. Vetterli. "The Effective Rank: A Measure of Effective Dimensionality." EUSIPCO 2007.
    """
    largest = float(z.abs().max())
    if not math.isfinite(largest) or largest == 0:
        return math.nan
    z = z.double() / largest  # squares of large or tiny embeddings leave the range of float32
    # the smaller of the two products has the same singular values
    gram = z @ z.T if len(z) < z.shape[1] else z.T @ z
    shares = torch.linalg.eigvalsh(gram).clamp(min=0).sqrt()
    shares = shares / shares.sum()
    return float(torch.special.entr(shares).sum().exp())


def spread(z: Tensor) -> float:
    """Return the mean standard deviation of the components of normalised rows, times ``sqrt(d)``.

    Parameters
    ----------
    z : Tensor of shape (n, d)

    Returns
    -------
    float
        From 0, where all rows have one direction, to about 1, where directions are all over the place.

    References
    ----------
    .. [1] X. Chen, K. He. "Exploring Simple Siamese Representation Learning." CVPR 2021.
       https://arxiv.org/abs/2011.10566
    """
    return float(F.normalize(z, dim=1).std(0, correction=0).mean() * math.sqrt(z.shape[1]))


def is_collapsed(z: Tensor, rows: Batch) -> bool:
    """Return whether embeddings are nearly alike, or on a line, while their rows are not.

    Parameters
    ----------
    z : Tensor of shape (n, d)
        Embeddings; collapsed, too, if any is not finite.
    rows : Batch
        What they are of. Without a tensor of floats, those that are not the same differ.
    """
    parts = [rows] if isinstance(rows, Tensor) else list(rows)
    floats = [part.flatten(1) for part in parts if part.is_floating_point()]
    if floats:
        x = torch.cat(floats, dim=1).float()
    else:
        codes = torch.cat([part.reshape(len(part), -1) for part in parts], dim=1)
        _, which = torch.unique(codes, dim=0, return_inverse=True)
        x = F.one_hot(which).float()
    if not z.isfinite().all():
        return True
    alike = spread(z) < min(0.1, spread(x) / 5)
    on_a_line = effective_rank(z) < 1.5 and min(effective_rank(x), z.shape[1]) > 2
    return alike or on_a_line


class CollapseMonitor(Callback):
    """Record the effective rank and the spread of the embeddings of some rows in each epoch."""

    def on_train_begin(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        self.store_ = X

    def on_epoch_end(
        self, net: NeuralNet, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any
    ) -> None:
        z = embedding_of(net, rows_of(net, self.store_))
        net.history.record("effective_rank", effective_rank(z))
        net.history.record("spread", spread(z))

    def on_train_end(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        del self.store_


def collapse_of(net: NeuralNet, store: Store) -> str:
    """Return the figures of collapsed embeddings of some rows; an empty string if they have not collapsed."""
    z = embedding_of(net, rows_of(net, store))
    if not is_collapsed(z, rows_of(net, store)):  # drawn anew: a network may write to its input
        return ""
    return f"effective rank {effective_rank(z):.2f}, spread {spread(z):.2f}"


def rows_of(net: NeuralNet, store: Store) -> Batch:
    store = sample_of(store)
    n = len(store)
    index = np.unique(np.linspace(0, n - 1, min(n, SAMPLE, net.batch_size)).astype(int))
    return in_float32(store.__getitem__, index)


def embedding_of(net: NeuralNet, rows: Batch) -> Tensor:
    @torch.no_grad()
    def embedding() -> Tensor:
        return net.measured.embedding(move(rows, net.device)).float().cpu()

    # a stream of its own: training draws the same numbers with and without it
    return RandomStream(0, net.device).run(embedding)
