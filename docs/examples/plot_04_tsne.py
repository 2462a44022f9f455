"""
A map of the features, before and after training
================================================

:class:`~sklearn_ssl.inspection.EmbeddingDisplay` draws features in two dimensions, here by t-SNE. The colours
are the digits, which no method has seen.

A map is for looking, not for proof: t-SNE shows groups where pixels have them, too. Compare methods by
:func:`~sklearn_ssl.model_selection.label_efficiency`.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.preprocessing import FunctionTransformer

from sklearn_ssl import ContrastivePretrainer
from sklearn_ssl.inspection import EmbeddingDisplay
from sklearn_ssl.modalities import Image

X, y = load_digits(return_X_y=True)
digits = Image(shape=(8, 8), horizontal_flip=False)
rows = slice(0, 500)  # to draw
transformers = {
    "pixels": FunctionTransformer().fit(X),
    "features before training": ContrastivePretrainer(modality=digits, max_epochs=0, random_state=0).fit(X),
    "features after training": ContrastivePretrainer(modality=digits, max_epochs=5, random_state=0).fit(X),
}

# %%
fig, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
for ax, (name, transformer) in zip(axes, transformers.items(), strict=True):
    EmbeddingDisplay.from_estimator(transformer, X[rows], y[rows], method="tsne", random_state=0, ax=ax)
    ax.set(title=name, xlabel="", ylabel="", xticks=[], yticks=[])
    if ax is not axes[-1]:
        ax.get_legend().remove()
