"""What the fitted attributes of ``Tabular`` must be like, wherever they come from."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._fitted import array, real_number, refuse, texts, whole

TYPES = ("texts", "numbers", "both", "")


def check_fitted(table: Any) -> None:
    """Raise a ValueError if fitted attributes of a ``Tabular`` do not go with each other and its parameters."""
    d = whole(table, "n_features_in_", 1)
    numeric, categorical = (array(table, name, "i", (None,)) for name in ("numeric_", "categorical_"))
    n, k = len(numeric), len(categorical)
    # the lengths first: d may be any number
    if n + k != d or (np.sort(np.concatenate([numeric, categorical])) != np.arange(d)).any():
        refuse(table, "numeric_", "and categorical_ must be the positions of all columns, once each")
    array(table, "mean_", "f", (n,))
    array(table, "scale_", "f", (n,), low=np.finfo(float).tiny)
    array(table, "binary_", "b", (n,))
    array(table, "missing_", "f", (d,), 0, 1)
    array(table, "edges_", "f", (n, table.n_bins - 1), endless=True)
    array(table, "has_rare_", "b", (k,))
    _check_categories(table, k)
    if table.columns_ is not None:
        texts(table, "columns_", d)
    # folders saved by earlier versions lack these
    if hasattr(table, "constant_"):
        array(table, "constant_", "b", (n,))
    if hasattr(table, "total_variance_"):
        real_number(table, "total_variance_", np.finfo(float).tiny)
    if hasattr(table, "rare_"):
        array(table, "rare_", "f", (k,), 0, 1)
    if hasattr(table, "types_") and not set(texts(table, "types_", k)) <= set(TYPES):
        refuse(table, "types_", f"must be of {TYPES}")


def _check_categories(table: Any, k: int) -> None:
    known = table.categories_
    if not isinstance(known, tuple) or len(known) != k or not all(isinstance(one, tuple) for one in known):
        refuse(table, "categories_", f"must be {k} tuples")
    for values in known:
        plain = all(isinstance(value, (str, int, float)) for value in values)
        if not plain or len(set(values)) != len(values):
            refuse(table, "categories_", "must be different texts, numbers or booleans")
