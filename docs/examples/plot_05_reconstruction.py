"""
From features back to images
============================

An autoencoder squeezes each image into a few numbers, and rebuilds it from them. ``inverse_transform`` goes
back from features to rows, as that of ``PCA`` does. PCA is the rival: among linear maps none rebuilds better.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from sklearn_ssl import AutoencoderPretrainer
from sklearn_ssl.modalities import Image

X, X_test = train_test_split(load_digits().data, random_state=0)
digits = Image(shape=(8, 8), horizontal_flip=False)
WIDTH = 8  # numbers for each image

models = {
    "autoencoder": AutoencoderPretrainer(modality=digits, n_components=WIDTH, max_epochs=8, random_state=0),
    "PCA": PCA(WIDTH),
}
rebuilt = {"original": X_test}
for name, model in models.items():
    model.fit(X)
    rebuilt[name] = model.inverse_transform(model.transform(X_test))
    print(f"{name}: squared error {np.square(rebuilt[name] - X_test).mean():.2f}")

# %%
fig, axes = plt.subplots(3, 10, figsize=(8, 2.7), layout="constrained")
for line, (name, images) in zip(axes, rebuilt.items(), strict=True):
    for ax, image in zip(line, images, strict=False):
        ax.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        ax.set(xticks=[], yticks=[])
    line[0].set_ylabel(name, rotation=0, ha="right", va="center")

# %%
# For rows of your own, :class:`~sklearn_ssl.inspection.ReconstructionDisplay` draws originals and
# reconstructions of images, tables, series and sounds in one line.
