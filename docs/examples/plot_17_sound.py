"""
Sound
=====

Waveforms go in as they are, of any length. Networks see log-mel spectrograms. Here we make the sounds: a tone
that rises, falls, or goes up and down, at a random pitch and in noise. How loud each band is on average does
not tell these classes apart; the order in time does.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_ssl import PredictiveCodingPretrainer
from sklearn_ssl.modalities import Audio
from sklearn_ssl.model_selection import label_efficiency

RATE = 8000
rng = np.random.default_rng(0)


def make(n):
    """Return waveforms of 0.4 to 0.7 seconds, and which way the tone goes."""
    waves, y = [], rng.integers(0, 3, n)
    for kind in y:
        t = np.linspace(0, 1, int(RATE * rng.uniform(0.4, 0.7)))
        bend = {0: t, 1: 1 - t, 2: 1 - np.abs(2 * t - 1)}[kind]
        pitch = rng.uniform(400, 1200) * 2 ** (0.7 * bend)
        wave = np.sin(2 * np.pi * np.cumsum(pitch) / RATE) * np.hanning(len(t)) ** 0.3
        waves.append((wave + rng.normal(0, 0.3, len(t))).astype(np.float32))
    return waves, y


waves, y = make(200)
audio = Audio(sample_rate=RATE)

# %%
# One sound of each class, as the networks see it.
seen = Audio(sample_rate=RATE)
seen.fit_validate(waves)
fig, axes = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained")
for ax, kind, name in zip(axes, range(3), ("rises", "falls", "up and down"), strict=True):
    spectrogram = seen.spectrograms([waves[np.flatnonzero(y == kind)[0]]])[0]
    ax.imshow(spectrogram.T, origin="lower", aspect="auto", cmap="magma")
    ax.set(title=name, xlabel="hundredths of a second", ylabel="band" if kind == 0 else "")

# %%
# The rival has the mean and the spread of each band. The pretrainer learns to tell what comes next from what
# does not.


def statistics(rows):
    """Return mean and standard deviation of each band over time."""
    return np.array([np.r_[s.mean(axis=0), s.std(axis=0)] for s in seen.spectrograms(rows)])


def coded(max_epochs):
    """Return logistic regression on features of predictive coding."""
    ssl = PredictiveCodingPretrainer(modality=audio, max_epochs=max_epochs, random_state=0)
    return make_pipeline(ssl, LogisticRegression(max_iter=2000))


pipelines = {
    "statistics, logistic regression": make_pipeline(
        FunctionTransformer(statistics), LogisticRegression(max_iter=10_000)
    ),
    "statistics, extra trees": make_pipeline(
        FunctionTransformer(statistics), ExtraTreesClassifier(random_state=0)
    ),
    "untrained network": coded(0),
    "predictive coding": coded(6),
}
found = label_efficiency(pipelines, waves, y, budgets=[5, 20], cv=1, n_draws=5)
print(found)

# %%
fig, ax = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
for name, runs in zip(found.names, found.scores, strict=True):
    ax.errorbar(found.budgets, runs.mean(axis=1), runs.std(axis=1), fmt="o-", capsize=3, label=name)
ax.axhline(1 / 3, c="grey", ls="--", lw=1, label="chance")
ax.set(xlabel="labels per class", ylabel="accuracy", xticks=found.budgets)
_ = ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
