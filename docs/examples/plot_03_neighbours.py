"""
Neighbours in feature space
===========================

Features are good if rows of the same kind are near each other. So look at the neighbours: for a few images,
those that are nearest by raw pixels, and those that are nearest by features.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors

from sklearn_ssl import ContrastivePretrainer
from sklearn_ssl.modalities import Image

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
ssl = ContrastivePretrainer(
    modality=Image(shape=(8, 8), horizontal_flip=False), max_epochs=6, random_state=0
).fit(X)

# %%
# How many of the five nearest images show the same digit? Images of the test part are looked up among the
# others.
spaces = {"pixels": (X, X_test), "features": (ssl.transform(X), ssl.transform(X_test))}
nearest = {}
for name, (rows, new) in spaces.items():
    nearest[name] = NearestNeighbors(n_neighbors=5).fit(rows).kneighbors(new, return_distance=False)
    same = (y[nearest[name]] == y_test[:, None]).mean()
    print(f"by {name}: {same:.1%} of the neighbours show the same digit")

# %%
# Most neighbours agree in both spaces: on these digits, nearest neighbours by pixels are a strong rival. So
# here are the three images where pixels are most often wrong, and below the three where features are. A red
# frame is a neighbour that shows another digit.
wrong = {name: (y[found] != y_test[:, None]).sum(axis=1) for name, found in nearest.items()}
difference = wrong["pixels"] - wrong["features"]
order = difference.argsort(kind="stable")
rows = [*order[::-1][:3], *order[:3]]
fig, axes = plt.subplots(6, 12, figsize=(8, 4.4), layout="constrained")


def show(ax, image, *, right=True):
    """Draw a digit, with a red frame if it is a wrong one."""
    ax.imshow(image.reshape(8, 8), cmap="gray_r")
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(color="lightgrey" if right else "crimson", linewidth=0.8 if right else 2.5)


for line, row in zip(axes, rows, strict=True):
    show(line[0], X_test[row])
    line[6].axis("off")
    for first, name in ((1, "pixels"), (7, "features")):
        for ax, neighbour in zip(line[first : first + 5], nearest[name][row], strict=True):
            show(ax, X[neighbour], right=y[neighbour] == y_test[row])
axes[0, 0].set_title("image", fontsize=10)
axes[0, 3].set_title("nearest by pixels", fontsize=10)
_ = axes[0, 9].set_title("nearest by features", fontsize=10)

# %%
# Where features are ahead is not in nearest neighbours here, but with few labels: see
# :ref:`sphx_glr_auto_examples_plot_01_label_efficiency.py`.
