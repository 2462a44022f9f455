"""
A forest teaches a small network
================================

:class:`~sklearn_ssl.DistillationClassifier` lets any classifier label a pool, and a small network learns from
that. The network then predicts without its teacher. It is no better than the teacher as a rule; it is smaller
and faster, and is saved without pickle.
"""

import pickle
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sklearn_ssl import DistillationClassifier

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
few, few_y, pool = X[:200], y[:200], X[200:]

teacher = ExtraTreesClassifier(n_estimators=500, random_state=0)
student = DistillationClassifier(teacher, max_epochs=25, random_state=0).fit(few, few_y, X_unlabeled=pool)
alone = MLPClassifier(max_iter=2000, random_state=0).fit(few / 16, few_y)  # a network without a teacher
models = {
    "teacher: 500 trees": (clone(teacher).fit(few, few_y), 1),
    "student": (student, 1),
    "network from labels alone": (alone, 16),
}

# %%
found = {}
for name, (model, scale) in models.items():
    model.predict(X_test[:10] / scale)
    start = time.perf_counter()
    accuracy = (model.predict(X_test / scale) == y_test).mean()
    milliseconds = 1000 * (time.perf_counter() - start)
    kilobytes = len(pickle.dumps(model)) / 1000
    found[name] = (accuracy, milliseconds, kilobytes)
    print(
        f"{name}: accuracy {accuracy:.3f}, {milliseconds:.0f} ms for {len(X_test)} rows, {kilobytes:.0f} kB"
    )

# %%
fig, axes = plt.subplots(1, 3, figsize=(10, 2.4), sharey=True, layout="constrained")
titles = ("accuracy", "milliseconds to predict", "kilobytes")
for ax, title, values in zip(axes, titles, np.array(list(found.values())).T, strict=True):
    ax.barh(list(found), values, color=["C7", "C0", "C1"])
    ax.set_title(title)
axes[0].invert_yaxis()
_ = axes[0].set_xlim(0.5, 1)

# %%
# The student is far smaller than its teacher, and faster. It is not more accurate, and here a network that
# learned from the labels alone is as good. So distil to get rid of a heavy model, not to get a better one.
#
# The teacher is a clone, which is forgotten after fit: a pickled student has its settings, but not the trees.
