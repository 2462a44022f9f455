"""
Frozen features, or a network that is trained on?
=================================================

A classifier on frozen features is quick, and any of scikit-learn will do.
:class:`~sklearn_ssl.FineTuneClassifier` puts a linear head on the network and trains both, where that pays. It
decides by labels that it has left out, and ``tuned_`` says what it did.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from sklearn_ssl import ContrastivePretrainer, FineTuneClassifier
from sklearn_ssl.modalities import Image

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, train_size=600, stratify=y, random_state=0)
digits = Image(shape=(8, 8), horizontal_flip=False)
ssl = ContrastivePretrainer(modality=digits, max_epochs=15, random_state=0).fit(X)

# %%
# Each budget has labels of its own, the same for all models. The other training rows are the pool, without
# labels.


def scores(per_class, seed=0):
    """Return the test accuracy of each model."""
    rng = np.random.default_rng(seed)
    few = np.concatenate([rng.choice(np.flatnonzero(y == c), per_class, replace=False) for c in range(10)])
    pool = np.delete(X, few, axis=0)
    frozen = make_pipeline(FrozenEstimator(ssl), LogisticRegression(max_iter=1000)).fit(X[few], y[few])
    tuned = FineTuneClassifier(ssl, max_epochs=20, random_state=0).fit(X[few], y[few], X_unlabeled=pool)
    print(f"{per_class} labels per class, trained: {tuned.tuned_}")
    return {
        "raw, SVC": SVC().fit(X[few], y[few]).score(X_test, y_test),
        "raw, extra trees": ExtraTreesClassifier(random_state=0).fit(X[few], y[few]).score(X_test, y_test),
        "frozen, logistic regression": frozen.score(X_test, y_test),
        "FineTuneClassifier": tuned.score(X_test, y_test),
    }


BUDGETS = (2, 10)
found = [scores(n) for n in BUDGETS]

# %%
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for name, style in zip(found[0], ("s:", "^:", "o--", "o-"), strict=True):
    ax.plot(BUDGETS, [one[name] for one in found], style, label=name)
ax.set(xlabel="labels per class", ylabel="accuracy", xscale="log")
ax.set_xticks(BUDGETS, [str(n) for n in BUDGETS])
ax.minorticks_off()
ax.grid(alpha=0.3)
_ = ax.legend()

# %%
# This is one draw of the labels. :func:`~sklearn_ssl.model_selection.label_efficiency` takes several, and says
# what is within noise.
