"""
Remove noise
============

With ``noise=`` an autoencoder learns to rebuild rows from noisy copies of them. It then removes noise from
images that it has not seen, and it has never seen a clean version of those.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from sklearn_ssl import AutoencoderPretrainer
from sklearn_ssl.inspection import ReconstructionDisplay
from sklearn_ssl.modalities import Image

X, X_test = train_test_split(load_digits().data, random_state=0)
noisy = X_test + np.random.default_rng(0).normal(scale=4, size=X_test.shape)  # pixels are 0 to 16

digits = Image(shape=(8, 8), horizontal_flip=False)
ae = AutoencoderPretrainer(modality=digits, noise=0.5, max_epochs=8, random_state=0).fit(X)

# %%
# The rival: principal components, as many as are best on the very images that are scored.


def error(clean):
    """Return the squared error against the images without noise."""
    return np.square(clean - X_test).mean()


def by_components(n):
    """Return the images that n principal components rebuild."""
    pca = PCA(n).fit(X)
    return pca.inverse_transform(pca.transform(noisy))


best = min(range(4, 40, 4), key=lambda n: error(by_components(n)))
print(f"noisy: {error(noisy):.1f}")
print(f"{best} principal components: {error(by_components(best)):.1f}")
print(f"autoencoder: {error(ae.inverse_transform(ae.transform(noisy))):.1f}")

# %%
fig, ax = plt.subplots(figsize=(8, 2.4), layout="constrained")
_ = ReconstructionDisplay.from_estimator(ae, X_test, X_noisy=noisy, ax=ax)
