"""
Predict a class that was never seen
===================================

:class:`~sklearn_ssl.ZeroShotClassifier` knows classes by their descriptions. Here each digit is described by
the seven segments that it lights on a clock's display. Each digit in turn is left out of fit, and predicted all
the same.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_ssl import ZeroShotClassifier

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
codes = [
    "1110111",
    "0010010",
    "1011101",
    "1011011",
    "0111010",
    "1101011",
    "1101111",
    "1010010",
    "1111111",
    "1111011",
]
segments = {digit: [int(on) for on in code] for digit, code in enumerate(codes)}

# %%
# ``predict`` chooses among all ten digits, and a class that fit has seen has the advantage. With
# ``candidates=`` the choice is among some classes only, here the unseen one and one other: chance is one half.
among_all, among_two = [], []
for unseen in range(10):
    model = ZeroShotClassifier(segments).fit(X[y != unseen], y[y != unseen])
    rows = X_test[y_test == unseen]
    among_all.append((model.predict(rows) == unseen).mean())
    pairs = [model.predict(rows, candidates=[unseen, other]) for other in range(10) if other != unseen]
    among_two.append((np.array(pairs) == unseen).mean())

# %%
fig, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
place = np.arange(10)
ax.bar(place - 0.2, among_all, 0.4, label="among all ten")
ax.bar(place + 0.2, among_two, 0.4, label="against one other, mean")
ax.axhline(0.1, c="C0", lw=1, ls="--", label="chance, among ten")
ax.axhline(0.5, c="C1", lw=1, ls="--", label="chance, of two")
ax.set(xticks=place, xlabel="digit that fit has not seen", ylabel="share found")
_ = ax.legend(loc="upper left", bbox_to_anchor=(1, 1))

# %%
# What can be known of a class depends on how it is described. Digits whose handwriting is like their segments
# are found, others hardly. If you have a label of each class, no description is needed: use an ordinary
# classifier.
