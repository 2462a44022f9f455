"""Whether embeddings still tell rows apart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import Tensor

from ._batch_norm import batch_statistics
from ._loader import Store, move

SAMPLE = 256
LEAST = {"effective_rank": 1.5, "spread": 0.1}


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
    if not z.isfinite().all() or not z.any():
        return math.nan
    z = z.double() / z.abs().max()
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
    return float(F.normalize(z.double(), dim=1).std(0, correction=0).mean() * math.sqrt(z.shape[1]))


class CollapseMonitor(Callback):
    """Records, each epoch, the effective rank and the spread of the embeddings of some rows."""

    def on_train_begin(self, net: NeuralNet, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        self.sample_ = _sample(X)
        self.before_ = self._measure(net)

    def on_epoch_end(
        self, net: NeuralNet, dataset_train: Any = None, dataset_valid: Any = None, **kwargs: Any
    ) -> None:
        for name, value in self._measure(net).items():
            net.history.record(name, value)

    def _measure(self, net: NeuralNet) -> dict[str, float]:
        objective = net.module_
        mode = objective.training
        objective.eval()
        with torch.no_grad(), batch_statistics(objective):
            z = objective.embedding(move(self.sample_, net.device)).float()
        objective.train(mode)
        return {"effective_rank": effective_rank(z), "spread": spread(z)}


def is_collapsed(net: NeuralNet) -> bool:
    """Return whether training took away what rank or spread there was.

    Rows that were alike before, such as those of a single column of zeros and ones, do not count.
    """
    monitor = next(c for _, c in net.callbacks_ if isinstance(c, CollapseMonitor))
    rows = [monitor.before_, *(row for row in net.history if "spread" in row)]
    for name, least in LEAST.items():
        values = [row[name] for row in rows]
        best = np.nanmax([*values, 0.0])
        if best >= 2 * least and not values[-1] >= least:  # NaN is less, too
            return True
    return False


def _sample(store: Store) -> Any:
    n = len(store)
    return store[np.unique(np.linspace(0, n - 1, min(n, SAMPLE)).astype(int))]
