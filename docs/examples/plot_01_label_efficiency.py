"""
How many labels does pretraining save?
======================================

Take many images, few of them with a label. A pretrainer learns features from all images, without labels. A
classifier then learns from the few labels, once on raw pixels and once on the features.

:func:`~sklearn_ssl.model_selection.label_efficiency` gives each pipeline the same rows and the same labels. So
the differences between them are paired. Two rivals belong into each comparison: the best classifier on raw
columns, and the untrained network (``max_epochs=0``), whose random weights make features, too.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from sklearn_ssl import ContrastivePretrainer
from sklearn_ssl.inspection import LabelEfficiencyDisplay
from sklearn_ssl.modalities import Image
from sklearn_ssl.model_selection import label_efficiency

X, y = load_digits(return_X_y=True)
digits = Image(shape=(8, 8), horizontal_flip=False)  # rows of 64 pixels; a mirrored 2 is no 2

# %%
# All steps of a pipeline but the last are fitted to all training rows. The last step is fitted to the labelled
# ones. LR is logistic regression.


def pretrained(max_epochs):
    """Return logistic regression on contrastive features."""
    ssl = ContrastivePretrainer(modality=digits, max_epochs=max_epochs, random_state=0)
    return make_pipeline(ssl, LogisticRegression(max_iter=1000))


pipelines = {
    "raw, SVC": SVC(),
    "raw, extra trees": ExtraTreesClassifier(random_state=0),
    "raw, LR": LogisticRegression(max_iter=10_000),
    "untrained, LR": pretrained(0),
    "contrastive, LR": pretrained(8),
}
found = label_efficiency(pipelines, X, y, budgets=[2, 5, 20], cv=1, n_draws=5)

# %%
# The result says in words which pipelines are better than the first, and which differences are within noise.
print(found)

# %%
# With a display it is a plot.
fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
LabelEfficiencyDisplay(found).plot(ax=ax)
_ = ax.set_xlabel("labels per class")

# %%
# The fewer labels, the larger the gain. With hundreds of labels per class all pipelines come together, and
# pretraining is not worth its time.
