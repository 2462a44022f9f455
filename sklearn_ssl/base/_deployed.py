"""What a trained network returns without the estimator around it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class Features(nn.Module):
    """The features that ``transform`` returns.

    Parameters
    ----------
    objective : Objective
    factor : float
        What the output of the encoder is multiplied by.
    """

    def __init__(self, objective: Any, factor: float):
        super().__init__()
        self.objective, self.factor = objective, factor

    def forward(self, x: Any) -> Tensor:
        """Map a batch to features ``(n, n_components)``, float32."""
        features = self.objective.features(x).float()
        return features if self.factor == 1.0 else features * self.factor


class Probabilities(nn.Module):
    """The probabilities that ``predict_proba`` returns.

    Parameters
    ----------
    objective : SupervisedObjective
        Returns logits.
    """

    def __init__(self, objective: Any):
        super().__init__()
        self.objective = objective

    def forward(self, x: Any) -> Tensor:
        """Map a batch to class probabilities ``(n, n_classes)``, float32."""
        return self.objective(x).float().softmax(1)


class Numbers(nn.Module):
    """The numbers that ``predict`` returns, on the scale of the targets.

    Parameters
    ----------
    objective : SupervisedObjective
        Returns standardised numbers.
    mean, scale : ndarray of shape (n_outputs,)
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, objective: Any, mean: np.ndarray, scale: np.ndarray):
        super().__init__()
        self.objective = objective
        for name, value in (("mean", mean), ("scale", scale)):
            self.register_buffer(name, torch.from_numpy(np.array(value, dtype=np.float64)))

    def forward(self, x: Any) -> Tensor:
        """Map a batch to predictions ``(n, n_outputs)``, float32."""
        return (self.objective(x).double() * self.scale + self.mean).float()
