"""The linear part of a forecast: ridge regression on the steps before it."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import Ridge
from torch import Tensor, nn

from ...encoders import Frames

MOST = 1024  # lags: the time of the regression grows with their cube
RIDGES = np.logspace(-1, 6, 8)  # penalties
HELD_OUT = 0.2  # of the rows choose the penalty, and say whether the network is the better one
HANDICAP = 3.0  # the network has seen these rows: with less than half the error it was worse on new ones
FEWEST = 10  # forecasts to learn from


def number_of_lags(longest: int, n_ahead: int) -> int:
    """Return how many steps before the last one a forecast of so many steps can use; 0 if series are too short.

    The longest series has several forecasts to learn from. It is too short if there were fewer lags than steps ahead:
    then a network that sees all of it knows more.
    """
    spare = min(n_ahead, (longest - n_ahead) // 4)
    n_lags = min(MOST, longest - n_ahead - 1 - spare)
    return n_lags if n_lags >= n_ahead else 0


class LinearForecast(nn.Module):
    """Changes to the steps that follow, by ridge regression on the steps before, or by a network.

    The regression sees the last step, and by how much those before differ from it. All channels have the same weights.
    A small network needs long to learn what is linear in a season ago [1]_, and a regression needs few windows. Where
    the history is shorter than the lags, or the last step is not known, the network forecasts. Sums of the two were
    worse than the better one: the network has seen the rows that would weigh them.

    Parameters
    ----------
    n_lags, n_ahead : int
        Numbers of steps before the last one, and of steps that follow.

    Attributes
    ----------
    weight : Tensor of shape (n_ahead, n_lags + 1)
        Of the lags, from first to last, and of the last step itself.
    is_used : Tensor of bool, without dimensions
        Whether it has less than three times the squared error of the network on rows that only the network has seen.
    variance : Tensor of shape (n_ahead,)
        Its mean squared errors on these rows.

    References
    ----------
    .. [1] A. Zeng, M. Chen, L. Zhang, Q. Xu. "Are Transformers Effective for Time Series Forecasting?" AAAI 2023.
       https://arxiv.org/abs/2205.13504
    """

    weight: Tensor
    is_used: Tensor
    variance: Tensor

    def __init__(self, n_lags: int, n_ahead: int):
        super().__init__()
        self.n_lags = n_lags
        self.register_buffer("weight", torch.zeros(n_ahead, n_lags + 1))
        self.register_buffer("is_used", torch.tensor(False))
        self.register_buffer("variance", torch.ones(n_ahead))

    def has_history(self, x: Frames, rows: Tensor, steps: Tensor) -> Tensor:
        """Return whether there are all lags before steps of rows, and their values, bool ``(*shape, channels)``.

        `rows` and `steps` are broadcast to a shape.
        """
        return (steps >= self.n_lags)[..., None] & x.observed[rows, steps]

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
        linear = F.linear(self.before(x, rows, steps), self.weight).transpose(1, 2)
        mine = (self.has_history(x, rows, steps) & self.is_used)[:, None]
        network, variance = network.view_as(linear), variance.view(linear.shape[1:])
        found = torch.where(mine, linear, network), torch.where(mine, self.variance[:, None], variance)
        return found[0].flatten(1), found[1].flatten(1)

    def learn(self, before: np.ndarray, network: np.ndarray, truth: np.ndarray, rows: np.ndarray) -> None:
        """Fit the regression, and compare it with a network.

        The last rows are held out. Neighbours may be windows of one series, which share most of their steps.

        Parameters
        ----------
        before : ndarray of shape (k, n_lags + 1)
        network, truth : ndarray of shape (k, n_ahead)
            What a network says, and what came.
        rows : ndarray of int of shape (k,)
            The row of each, in order.
        """
        _, order = np.unique(rows, return_inverse=True)
        held = order >= (1 - HELD_OUT) * (order.max(initial=0) + 1)
        if len(rows) < FEWEST or not held.any() or held.all():
            return
        before, truth = before.astype(np.float64), truth.astype(np.float64)
        models = {alpha: Ridge(alpha=alpha, fit_intercept=False) for alpha in RIDGES}
        errors = {
            alpha: (model.fit(before[~held], truth[~held]).predict(before[held]) - truth[held]) ** 2
            for alpha, model in models.items()
        }
        best = min(errors, key=lambda alpha: errors[alpha].mean())
        self.weight.copy_(torch.from_numpy(models[best].fit(before, truth).coef_))
        self.variance.copy_(torch.from_numpy(errors[best].mean(0)))
        self.is_used.fill_(
            bool(errors[best].mean() < HANDICAP * np.square(network[held] - truth[held]).mean())
        )
