"""
Draw new images
===============

``sample`` of a :class:`~sklearn_ssl.VAEPretrainer` draws rows that were never there. The network is trained for
seconds here, and it shows: samples are blurred. ``beta`` above 1 uses fewer components, and samples are more
like the rows. :ref:`sphx_glr_auto_examples_slow_01_gan.py` draws sharper ones, after minutes.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sklearn_ssl import VAEPretrainer
from sklearn_ssl.modalities import Image

X = load_digits().data
digits = Image(shape=(8, 8), horizontal_flip=False)
vae = VAEPretrainer(modality=digits, beta=2, max_epochs=18, random_state=0).fit(X)
drawn = {"real": X, "drawn by the VAE": vae.sample(30, random_state=0)}


def tiled(rows):
    """Return 30 images side by side, with a margin of a pixel."""
    images = np.pad(rows[:30].reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    return images.reshape(5, 6, 10, 10).swapaxes(1, 2).reshape(50, 60)


# %%
fig, axes = plt.subplots(1, 2, figsize=(7, 3.2), layout="constrained")
for ax, (name, rows) in zip(axes, drawn.items(), strict=True):
    ax.imshow(tiled(rows), cmap="gray_r", vmin=0, vmax=16)
    ax.set(title=name, xticks=[], yticks=[])
