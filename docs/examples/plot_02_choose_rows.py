"""
Which rows to label first, in rounds
====================================

You have no labels yet, and somebody has an hour to give some. :class:`~sklearn_ssl.RowSelector` names the rows
to look at: it divides the features of all rows into clusters, and takes one row of each. Rows that have a label
are not chosen again, so it serves in rounds.

Here the rounds are compared with random rows, under the same classifiers, in a single run.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import train_test_split

from sklearn_ssl import ContrastivePretrainer, FewLabelClassifier, RowSelector
from sklearn_ssl.modalities import Image

X, hidden = load_digits(return_X_y=True)
X, X_test, hidden, y_test = train_test_split(X, hidden, stratify=hidden, random_state=0)
digits = Image(shape=(8, 8), horizontal_flip=False)
ssl = ContrastivePretrainer(modality=digits, max_epochs=4, random_state=0).fit(X)  # without labels

# %%
# A round: choose rows, and ask for their labels. The classifier takes the rows without a label as a pool. It
# combines classifiers on raw pixels, on features, and labels that spread over a graph of all rows.


def selected(y, n_rows, seed):
    """Return rows that stand for many others, each for other ones."""
    return RowSelector(n_rows=n_rows, pretrainer=ssl, random_state=seed).fit(X, y).selected_


def random(y, n_rows, seed):
    """Return random rows without a label."""
    return np.random.default_rng(seed).choice(np.flatnonzero(y == -1), n_rows, replace=False)


def scores(choose, rounds, seed):
    """Return the accuracy of two classifiers after each round, and the rows chosen first."""
    y, found, first = np.full(len(X), -1), [], None
    for n_rows in rounds:
        rows = choose(y, n_rows, seed)
        y[rows] = hidden[rows]  # here somebody looks at the rows
        first = rows if first is None else first
        known = y != -1
        few = FewLabelClassifier(pretrainers=[ssl], cv=2, random_state=0)
        few.fit(X[known], y[known], X_unlabeled=X[~known])
        raw = ExtraTreesClassifier(random_state=0).fit(X[known], y[known])
        found.append([few.score(X_test, y_test), raw.score(X_test, y_test)])
    return np.array(found), first


ROUNDS = (10, 20)
chosen, first = scores(selected, ROUNDS, 0)
drawn, _ = scores(random, ROUNDS, 0)

# %%
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
n_labels = np.cumsum(ROUNDS)
ax.plot(n_labels, chosen[:, 0], "o-", c="C0", label="chosen rows, FewLabelClassifier")
ax.plot(n_labels, drawn[:, 0], "o--", c="C0", label="random rows, FewLabelClassifier")
ax.plot(n_labels, chosen[:, 1], "s-", c="C1", label="chosen rows, extra trees on pixels")
ax.plot(n_labels, drawn[:, 1], "s--", c="C1", label="random rows, extra trees on pixels")
ax.set(xlabel="labels in total", ylabel="accuracy", xticks=n_labels)
ax.grid(alpha=0.3)
_ = ax.legend()

# %%
# The ten rows of the first round. Nobody had told which digits there are.
fig, axes = plt.subplots(1, 10, figsize=(8, 1.1), layout="constrained")
for ax, row in zip(axes, first, strict=True):
    ax.imshow(X[row].reshape(8, 8), cmap="gray_r")
    ax.axis("off")

# %%
# Which rows are best depends on the data. On tables with few columns, random rows are about as good;
# :doc:`/guide/no_labels` has the figures.
