"""The linear part of a forecast: ridge regression on the steps before it."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import Ridge, RidgeCV
from torch import Tensor, nn

from ...encoders import Frames

MOST = 1024  # lags: the time of the regression grows with their cube
RIDGES = np.logspace(-1, 6, 8)  # penalties
HELD_OUT = 5  # one row in so many says whether the regression is the better one
FEWEST = 10  # forecasts to learn from


def number_of_lags(longest: int, n_ahead: int) -> int:
    """Return how many steps before the last one a forecast of so many steps can use; 0 if series are too short.

    Most of a series is history, and what is left makes several forecasts of a row to learn from.
    """
    spare = min(n_ahead, (longest - n_ahead) // 4)
    return max(0, min(MOST, longest - n_ahead - 1 - max(0, spare)))


class LinearForecast(nn.Module):
    """Changes to the steps that follow, by ridge regression on the steps before, or by a network.

    The regression sees the last step, and by how much those before differ from it. All channels have the same weights.
    A small network needs long to learn what is linear in a season ago [1]_, and a regression needs few windows. Where
    the history is shorter than the lags, the network forecasts. Sums of the two were worse than the better one: the
    network has seen the rows that would weigh them.

    Parameters
    ----------
    n_lags, n_ahead, n_channels : int
        Numbers of steps before the last one, of steps that follow, and of channels.

    Attributes
    ----------
    weight : Tensor of shape (n_ahead, n_lags + 1)
        Of the lags, from first to last, and of the last step itself.
    is_better : Tensor of bool, without dimensions
        Whether it has a smaller squared error than the network on rows that it has not seen.
    variance : Tensor of shape (n_ahead * n_channels,)
        Its mean squared errors on these rows.

    References
    ----------
    .. [1] A. Zeng, M. Chen, L. Zhang, Q. Xu. "Are Transformers Effective for Time Series Forecasting?" AAAI 2023.
       https://arxiv.org/abs/2205.13504
    """

    weight: Tensor
    is_better: Tensor
    variance: Tensor

    def __init__(self, n_lags: int, n_ahead: int, n_channels: int):
        super().__init__()
        self.n_lags = n_lags
        self.register_buffer("weight", torch.zeros(n_ahead, n_lags + 1))
        self.register_buffer("is_better", torch.tensor(False))
        self.register_buffer("variance", torch.ones(n_ahead * n_channels))

    def has_history(self, steps: Tensor) -> Tensor:
        """Return before which steps, counted from 0, there are all lags."""
        return steps >= self.n_lags

    def before(self, x: Frames, rows: Tensor, steps: Tensor) -> Tensor:
        """Return what the regression sees before a step of a row each, ``(k, channels, n_lags + 1)``.

        A lag that is not known counts as no change.
        """
        places = steps[:, None] + torch.arange(-self.n_lags, 1, device=steps.device)
        known = x.observed[rows[:, None], places.clamp(min=0)] & (places >= 0)[..., None]
        values = x.values[rows[:, None], places.clamp(min=0)]
        changes = (values[:, :-1] - values[:, -1:]).masked_fill(~known[:, :-1], 0)
        return torch.cat([changes, values[:, -1:]], dim=1).transpose(1, 2)

    def forward(
        self, x: Frames, rows: Tensor, steps: Tensor, network: Tensor, variance: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return forecasts after a step of a row each, ``(k, n_ahead * channels)``, and their variance.

        `network` and `variance` are those of the network.
        """
        linear = F.linear(self.before(x, rows, steps), self.weight).transpose(1, 2).flatten(1)
        mine = (self.has_history(steps) & self.is_better)[:, None]
        return torch.where(mine, linear, network), torch.where(mine, self.variance, variance)

    def learn(self, before: np.ndarray, network: np.ndarray, truth: np.ndarray, rows: np.ndarray) -> None:
        """Fit the regression, and compare it with a network.

        Parameters
        ----------
        before : ndarray of shape (k, channels, n_lags + 1)
        network, truth : ndarray of shape (k, n_ahead * channels)
            What a network says, and what came.
        rows : ndarray of int of shape (k,)
            The row of each; whole rows are held out.
        """
        k, n_channels, width = before.shape
        held = np.unique(rows, return_inverse=True)[1] % HELD_OUT == HELD_OUT - 1
        if k < FEWEST or not held.any():
            return
        lags = before.reshape(-1, width).astype(np.float64)
        ahead = truth.reshape(k, -1, n_channels).transpose(0, 2, 1).reshape(len(lags), -1).astype(np.float64)
        ours = np.repeat(~held, n_channels)
        ridge = RidgeCV(RIDGES, fit_intercept=False).fit(lags[ours], ahead[ours])
        errors = (ridge.predict(lags[~ours]) - ahead[~ours]).reshape(
            -1, n_channels, self.weight.shape[0]
        ) ** 2
        weight = Ridge(alpha=ridge.alpha_, fit_intercept=False).fit(lags, ahead).coef_
        self.weight.copy_(torch.from_numpy(weight))
        self.variance.copy_(torch.from_numpy(errors.mean(0).T.ravel()))
        self.is_better.fill_(bool(errors.mean() < np.square(network[held] - truth[held]).mean()))
