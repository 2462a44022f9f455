"""
Watch a training
================

Each pretrainer keeps a row for each epoch in ``history_``. Two things are worth a look: whether the loss still
falls, and, if a few labels are at hand, whether a classifier on the features still gains. The labels never
touch the training.
"""

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_ssl import ContrastivePretrainer
from sklearn_ssl.callbacks import OnlineProbe
from sklearn_ssl.inspection import LossCurveDisplay
from sklearn_ssl.modalities import Image

X, y = load_digits(return_X_y=True)
X, few, _, few_y = train_test_split(X, y, test_size=100, stratify=y, random_state=0)

ssl = ContrastivePretrainer(
    modality=Image(shape=(8, 8), horizontal_flip=False),
    early_stopping=True,  # a tenth of the rows is set aside
    callbacks=[OnlineProbe(few, few_y)],
    max_epochs=7,
    random_state=0,
).fit(X)
history = pd.DataFrame(ssl.history_)
history.tail(3)

# %%
fig, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
LossCurveDisplay.from_estimator(ssl, ax=axes[0])
axes[0].set_title("loss of the task without labels")
axes[1].plot(history["epoch"], history["probe_accuracy"], "o-")
axes[1].set(title="accuracy of a probe", xlabel="epoch")
axes[2].plot(history["epoch"], history["effective_rank"], "o-")
axes[2].set(title="effective rank", xlabel="epoch", ylim=(0, None))
for ax in axes[1:]:
    ax.grid(alpha=0.3)

# %%
# A loss that falls does not say that features get better for your labels. If the embeddings of all rows become
# nearly the same, the third curve drops to one; the fit then warns, and names a setting to try.
