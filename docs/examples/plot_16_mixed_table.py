"""
A table of numbers, categories, holes and texts
===============================================

A DataFrame with numbers, categories and missing cells needs no preparation. A column of texts is another kind
of data: a ``ColumnTransformer`` gives it a pretrainer of its own.

We make a table of rooms to let, with a rent that we want to know the class of.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_ssl import ContrastivePretrainer
from sklearn_ssl.model_selection import label_efficiency

rng = np.random.default_rng(0)
n = 600
town = rng.choice(["Bergen", "Oslo", "Tromso"], n, p=[0.3, 0.5, 0.2])
area = rng.gamma(9, 7, n)
dear = (town == "Oslo") * 1.2 + (area - 60) / 25 + rng.normal(0, 0.5, n)
kind = np.digitize(dear, [-0.1, 1.2])  # what is to be predicted: cheap, medium, dear
words = [
    ["small room, shared bath", "basement, quiet", "simple flat near the bus"],
    ["bright flat with balcony", "flat near the park", "two rooms, new kitchen"],
    ["penthouse with a view", "large flat with terrace, new kitchen", "house with garden"],
]
said = np.where(rng.uniform(size=n) < 0.5, kind, rng.integers(0, 3, n))  # half of the texts tell nothing
X = pd.DataFrame(
    {
        "town": town,
        "area": np.where(rng.uniform(size=n) < 0.1, np.nan, area),
        "rooms": (area / 25 + rng.normal(0, 0.5, n)).round().clip(1),
        "text": [f"{rng.choice(words[i])}, {rng.choice(['call', 'write', 'ask'])} us" for i in said],
    }
)
X.loc[rng.uniform(size=n) < 0.1, "town"] = None
X.head()

# %%
# ``"text"`` in a ColumnTransformer, not ``["text"]``: the pretrainer of texts takes one column, not a table.
# The cells of the other columns go to a second pretrainer as they are, with holes.
table = ["town", "area", "rooms"]


def ours(max_epochs):
    """Return logistic regression on features of both parts."""
    parts = ColumnTransformer(
        [
            ("table", ContrastivePretrainer(max_epochs=max_epochs, random_state=0), table),
            ("text", ContrastivePretrainer(encoder="bag", max_epochs=max_epochs, random_state=0), "text"),
        ]
    )
    return make_pipeline(parts, LogisticRegression(C=0.1, max_iter=2000))


def by_hand(classifier):
    """Return a classifier on what people prepare by hand."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore")
    parts = make_column_transformer(
        (numbers, ["area", "rooms"]), (categories, ["town"]), (TfidfVectorizer(), "text")
    )
    return make_pipeline(parts, classifier)


pipelines = {
    "by hand, logistic regression": by_hand(LogisticRegression(max_iter=2000)),
    "by hand, extra trees": by_hand(ExtraTreesClassifier(random_state=0)),
    "two untrained networks": ours(0),
    "two pretrainers": ours(6),
}
found = label_efficiency(pipelines, X, kind, budgets=[5, 20, 80], cv=1, n_draws=5)
print(found)

# %%
fig, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
for name, runs in zip(found.names, found.scores, strict=True):
    ax.errorbar(found.budgets, runs.mean(axis=1), runs.std(axis=1), fmt="o-", capsize=3, label=name)
ax.set(xlabel="labels per class", ylabel="accuracy", xscale="log")
ax.set_xticks(found.budgets, [str(b) for b in found.budgets])
ax.minorticks_off()
_ = ax.legend(loc="upper left", bbox_to_anchor=(1, 1))

# %%
# On this table, which was made from few simple rules, the columns prepared by hand are ahead, and training adds
# nothing to the two networks. What the pretrainers save is the preparation. :doc:`/guide/tables` says on which
# tables features gained.
