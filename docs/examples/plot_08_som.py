"""
Self-organizing maps
====================

:class:`~sklearn_ssl.SelfOrganizingMap` places units on a grid and fits them to the rows, so that neighbouring
units stay alike. It is a picture of a table with many columns: ridges separate groups, and each column has a
plane that says where its values are high.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import SelfOrganizingMap
from sklearn_ssl.inspection import SOMDisplay

wine = load_wine(as_frame=True)
X = StandardScaler().set_output(transform="pandas").fit_transform(wine.data)
som = SelfOrganizingMap(shape=(7, 9), topology="hexagonal").fit(X)
print("quantization error:", round(som.quantization_error(X), 3))
print("topographic error:", round(som.topographic_error(X), 3))

# %%
# Distances between neighbouring units on the left; on the right, how many wines each unit won. Colours of the
# points are the three growers, which the map has not seen.
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
SOMDisplay.from_estimator(som, ax=axes[0])
axes[0].set_title("distance to neighbouring units")
SOMDisplay.from_estimator(som, X, kind="hits", ax=axes[1], cmap="Greys")
rng = np.random.default_rng(0)
for grower, colour in enumerate(("C0", "C1", "C2")):
    place = som.positions_[som.predict(X[wine.target == grower])]
    spread = rng.uniform(-0.25, 0.25, place.shape)
    axes[1].scatter(*(place + spread).T[::-1], c=colour, s=12, label=wine.target_names[grower], linewidths=0)
axes[1].set_title("rows that each unit won")
_ = fig.legend(loc="outside right center", title="grower")

# %%
# Four of the thirteen columns.
names = ["alcohol", "flavanoids", "color_intensity", "proline"]
fig, axes = plt.subplots(1, 4, figsize=(10, 2.4), layout="constrained")
_ = SOMDisplay.from_estimator(som, kind="components", features=names, ax=list(axes))
