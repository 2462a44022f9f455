"""
Draw sharper images: minutes
============================

:class:`~sklearn_ssl.GANPretrainer` trains two networks against each other: one draws images, the other tells
them from real ones. Its samples are sharper than those of a VAE, and it takes longer. After a few epochs all
samples look the same, which passes. This example takes minutes; it runs in the nightly build only.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sklearn_ssl import GANPretrainer
from sklearn_ssl.modalities import Image

X = load_digits().data
gan = GANPretrainer(modality=Image(shape=(8, 8), horizontal_flip=False), random_state=0).fit(X)


def tiled(rows):
    """Return 30 images side by side, with a margin of a pixel."""
    images = np.pad(rows[:30].reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    return images.reshape(5, 6, 10, 10).swapaxes(1, 2).reshape(50, 60)


# %%
fig, axes = plt.subplots(1, 2, figsize=(7, 3.2), layout="constrained")
for ax, (name, rows) in zip(axes, {"real": X, "GAN": gan.sample(30, random_state=0)}.items(), strict=True):
    ax.imshow(tiled(rows), cmap="gray_r", vmin=0, vmax=16)
    ax.set(title=name, xticks=[], yticks=[])
