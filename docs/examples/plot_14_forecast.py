"""
Forecast series
===============

:class:`~sklearn_ssl.AutoregressivePretrainer` learns to continue series. Its features serve a classifier, and
``predict`` goes on with a series. Two simple rivals must stand beside each forecast: the season before, and a
ridge regression on the steps before. On long regular series ridge on lags is hard to beat, so that ``predict``
has one of its own, and takes it unless the network is far better.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeCV

from sklearn_ssl import AutoregressivePretrainer
from sklearn_ssl.inspection import ForecastDisplay
from sklearn_ssl.modalities import Series

rng = np.random.default_rng(0)
PERIOD, LENGTH, HORIZON = 12, 60, 12


def make(n):
    """Return series with a season whose shape and strength differ, a slow wave, and noise."""
    t = np.arange(LENGTH + HORIZON)
    phase, strength, slow = rng.uniform(0, 2 * np.pi, (3, n, 1))
    season = np.sin(2 * np.pi * t / PERIOD + phase) + 0.5 * np.sin(4 * np.pi * t / PERIOD + strength)
    return season * (1 + strength / 4) + np.sin(t / 15 + slow) + 0.15 * rng.normal(size=(n, len(t)))


train, test = make(150), make(50)
ar = AutoregressivePretrainer(modality=Series(), max_epochs=20, random_state=0).fit(train)
known, truth = test[:, :LENGTH], test[:, LENGTH:]

# %%
# The forecast is of all steps at once. Ridge has a regression for each step ahead, on the 36 steps before.
LAGS = 36
windows = np.lib.stride_tricks.sliding_window_view(train, LAGS + HORIZON, axis=1).reshape(-1, LAGS + HORIZON)
ridge = RidgeCV().fit(windows[:, :LAGS], windows[:, LAGS:])
forecasts = {
    "last value": np.repeat(known[:, -1:], HORIZON, axis=1),
    "season before": known[:, -PERIOD:],
    "ridge on lags": ridge.predict(known[:, -LAGS:]),
    "AutoregressivePretrainer": np.reshape(ar.predict(known, horizon=HORIZON), truth.shape),
}
for name, forecast in forecasts.items():
    print(f"{name}: mean absolute error {np.abs(forecast - truth).mean():.3f}")

# %%
fig, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
_ = ForecastDisplay.from_estimator(ar, known, horizon=HORIZON, X_next=truth, n_samples=4, ax=ax)

# %%
fig, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
for name, forecast in forecasts.items():
    ax.plot(1 + np.arange(HORIZON), np.abs(forecast - truth).mean(axis=0), "o-", label=name)
ax.set(xlabel="steps ahead", ylabel="mean absolute error")
ax.grid(alpha=0.3)
_ = ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
