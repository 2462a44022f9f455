"""
Search over methods, with unlabeled rows
========================================

All rows are in one X, and y is -1 where there is no label. The first step learns from all rows;
:class:`~sklearn_ssl.LabeledOnly` fits the classifier to the labelled ones. So a grid search can choose among
pretrainers, PCA and raw pixels, and its folds score labelled rows only.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline

from sklearn_ssl import ContrastivePretrainer, LabeledOnly, MaskedPretrainer
from sklearn_ssl.modalities import Image
from sklearn_ssl.model_selection import SemiSupervisedStratifiedKFold

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
some = np.where(np.random.default_rng(0).uniform(size=len(y)) < 0.1, y, -1)  # one label in ten

digits = Image(shape=(8, 8), horizontal_flip=False)
methods = {
    "raw pixels": "passthrough",
    "PCA": PCA(30),
    "masked": MaskedPretrainer(modality=digits, max_epochs=2, random_state=0),
    "contrastive": ContrastivePretrainer(modality=digits, max_epochs=2, random_state=0),
}
classifiers = {
    "logistic regression": LogisticRegression(max_iter=10_000),
    "extra trees": ExtraTreesClassifier(random_state=0),
}
pipe = Pipeline([("ssl", PCA()), ("clf", LabeledOnly(LogisticRegression()))])
grid = {"ssl": list(methods.values()), "clf__estimator": list(classifiers.values())}
search = GridSearchCV(pipe, grid, cv=SemiSupervisedStratifiedKFold(2)).fit(X, some)
print("test accuracy of the best:", round(search.score(X_test, y_test), 3))

# %%
# Each fold trains each pretrainer once for each classifier. ``Pipeline(..., memory="cache")`` would train it
# once for all.
found = search.cv_results_
table = found["mean_test_score"].reshape(len(classifiers), len(methods))
fig, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
for name, marker, scores in zip(classifiers, "os", table, strict=True):
    ax.plot(scores, range(len(methods)), marker, label=name, markersize=9)
ax.set(yticks=range(len(methods)), yticklabels=list(methods), xlabel="accuracy on labelled rows left out")
ax.grid(alpha=0.3)
_ = ax.legend()
