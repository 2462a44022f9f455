"""
Find rows that are unlike the others
====================================

``score_samples`` of every pretrainer gives each row a number, and higher is more usual. Here networks learn
from benign tumours alone, and then rank benign and malignant ones. An isolation forest and the local outlier
factor learn from the same rows.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import IsolationForest
from sklearn.metrics import RocCurveDisplay, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import AutoencoderPretrainer, ContrastivePretrainer, MaskedPretrainer

X, usual = load_breast_cancer(return_X_y=True)  # 1 is benign
X_benign, X_held, _, _ = train_test_split(X[usual == 1], usual[usual == 1], random_state=0)
X_test = np.vstack([X_held, X[usual == 0]])
y_test = np.r_[np.ones(len(X_held)), np.zeros((usual == 0).sum())]

models = {
    "isolation forest": IsolationForest(random_state=0),
    "local outlier factor": make_pipeline(StandardScaler(), LocalOutlierFactor(novelty=True)),
    "autoencoder": AutoencoderPretrainer(max_epochs=30, random_state=0),
    "masked": MaskedPretrainer(max_epochs=30, random_state=0),
    "contrastive": ContrastivePretrainer(max_epochs=20, random_state=0),
}
scores = {name: model.fit(X_benign).score_samples(X_test) for name, model in models.items()}
for name, score in scores.items():
    print(f"{name}: area under the ROC curve {roc_auc_score(y_test, score):.3f}")

# %%
fig, ax = plt.subplots(figsize=(6, 5), layout="constrained")
for name, score in scores.items():
    RocCurveDisplay.from_predictions(y_test, score, name=name, ax=ax)
_ = ax.set(
    xlabel="malignant rows taken for usual",
    ylabel="benign rows taken for usual",
    xlim=(-0.01, 0.5),
    ylim=(0.5, 1.01),
)

# %%
# On this table no network is clearly ahead of the isolation forest. Where usual rows lie on a curved surface,
# as images of one digit do, the networks are ahead; see :doc:`/guide/no_labels`.
