"""
Active learning: ask where the classifier is unsure
===================================================

:class:`~sklearn_ssl.RowSelector` needs no classifier, so it serves the first round. From then on there is one,
and it can ask for the labels that it is least sure of. Here are both on the same features, and random rows
beside them.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from sklearn_ssl import ContrastivePretrainer, RowSelector
from sklearn_ssl.modalities import Image

X, hidden = load_digits(return_X_y=True)
X, X_test, hidden, y_test = train_test_split(X, hidden, stratify=hidden, random_state=0)
ssl = ContrastivePretrainer(
    modality=Image(shape=(8, 8), horizontal_flip=False), max_epochs=4, random_state=0
).fit(X)
ROUNDS = 6
Z, Z_test = ssl.transform(X), ssl.transform(X_test)  # the network is done; what follows takes milliseconds


def unsure(clf, Z, free, n_rows):
    """Return the rows whose two most likely classes are nearly as likely."""
    two = np.sort(clf.predict_proba(Z[free]), axis=1)[:, -2:]
    return free[np.argsort(two[:, 1] - two[:, 0])[:n_rows]]


def ask(spaces, strategy, seed, rounds=ROUNDS, n_rows=10):
    """Return the accuracy after each round of n_rows labels."""
    train, test = spaces
    rng, clf = np.random.default_rng(seed), None
    y, scores = np.full(len(train), -1), []
    for _ in range(rounds):
        free = np.flatnonzero(y == -1)
        if strategy == "random":
            rows = rng.choice(free, n_rows, replace=False)
        elif strategy == "unsure" and clf is not None:
            rows = unsure(clf, train, free, n_rows)
        else:
            rows = RowSelector(n_rows, pretrainer=None, random_state=seed).fit(train, y).selected_
        y[rows] = hidden[rows]  # here somebody looks at the rows
        clf = LogisticRegression(max_iter=500).fit(train[y != -1], y[y != -1])
        scores.append(clf.score(test, y_test))
    return scores


# %%
# All are means over two seeds. Random rows and pixels are the rivals.
ways = {
    "features: selected, then unsure": ((Z, Z_test), "unsure", "o-"),
    "features: selected rows": ((Z, Z_test), "selected", "^-"),
    "features: random rows": ((Z, Z_test), "random", "s--"),
    "pixels: selected, then unsure": ((X / 16, X_test / 16), "unsure", "o:"),
    "pixels: random rows": ((X / 16, X_test / 16), "random", "s:"),
}
fig, ax = plt.subplots(figsize=(8.5, 4), layout="constrained")
for name, (spaces, strategy, style) in ways.items():
    scores = np.mean([ask(spaces, strategy, seed) for seed in range(2)], axis=0)
    ax.plot(10 * np.arange(1, ROUNDS + 1), scores, style, label=name)
ax.set(xlabel="labels in total", ylabel="accuracy")
ax.grid(alpha=0.3)
_ = ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
