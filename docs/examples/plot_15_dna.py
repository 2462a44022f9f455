"""
DNA: sequences of letters
=========================

Sequences are texts whose tokens are letters: ``Text(analyzer="char")``. Here we make them: random DNA of 48
letters with two motifs in one order, in the other order, or one motif twice. Where a motif stands differs from
sequence to sequence.

Counts of k-mers do not know where something stands. A table with a column for each place knows places, and must
learn each of them by itself.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from sklearn_ssl import MaskedPretrainer
from sklearn_ssl.modalities import Text
from sklearn_ssl.model_selection import label_efficiency

rng = np.random.default_rng(0)
MOTIFS = ("GGTAAGTA", "TTTCCCAG")


def make(n):
    """Return sequences with both motifs, in one order or in the other, or with one alone."""
    texts, y = [], rng.integers(0, 3, n)
    for kind in y:
        letters = rng.choice(list("ACGT"), 48)
        first, second = rng.integers(2, 14), rng.integers(26, 38)
        order = {0: (0, 1), 1: (1, 0), 2: (0, 0)}[kind]
        for place, motif in zip((first, second), order, strict=True):
            letters[place : place + 8] = list(MOTIFS[motif])
        texts.append("".join(letters))
    return texts, y


texts, y = make(400)
print(texts[0], y[0])

# %%
# The masked pretrainer hides letters and learns to predict them from the others, as BERT does with words.
dna = Text(analyzer="char", lowercase=False)
columns = FunctionTransformer(lambda rows: np.array([list(row) for row in rows]))
pipelines = {
    "3-mers, TF-IDF": make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(3, 3), lowercase=False), LogisticRegression(C=10)
    ),
    "letters by place, extra trees": make_pipeline(
        columns, OneHotEncoder(), ExtraTreesClassifier(random_state=0)
    ),
    "untrained network": make_pipeline(
        MaskedPretrainer(modality=dna, max_epochs=0, random_state=0), LogisticRegression(C=0.1, max_iter=2000)
    ),
    "masked letters": make_pipeline(
        MaskedPretrainer(modality=dna, max_epochs=6, random_state=0), LogisticRegression(C=0.1, max_iter=2000)
    ),
}
found = label_efficiency(pipelines, texts, y, budgets=[5, 20, 50], cv=1, n_draws=5)
print(found)

# %%
fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
for name, runs in zip(found.names, found.scores, strict=True):
    ax.errorbar(found.budgets, runs.mean(axis=1), runs.std(axis=1), fmt="o-", capsize=3, label=name)
ax.axhline(1 / 3, c="grey", ls="--", lw=1, label="chance")
ax.set(xlabel="labels per class", ylabel="accuracy", xscale="log")
ax.set_xticks(found.budgets, [str(n) for n in found.budgets])
ax.minorticks_off()
_ = ax.legend(loc="upper left", bbox_to_anchor=(1, 1))

# %%
# With enough labels the masked letters are ahead of k-mers, after a training of seconds. Extra trees on the
# table of places are ahead of both. On splice junctions, after minutes, networks are ahead of such a table,
# too; see :doc:`/guide/dna`.
