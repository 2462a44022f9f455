"""The score of classifiers on rows that have a label."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin

from ._labels import as_array, has_minus_one, mixes_minus_one, not_missing


class LabeledScoreMixin(ClassifierMixin):
    """A classifier whose score refuses rows without a label, which would count as wrong or fail somewhere else."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy on rows that have a label.

        Parameters
        ----------
        X : raw rows, as for ``predict``
        y : array of shape (n,)
        sample_weight : array of shape (n,), optional

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If a row has no label.
        """
        values = as_array(y)
        numbers = getattr(self, "classes_", np.array([])).dtype.kind in "iuf"
        no_class = has_minus_one(values) and not (numbers and -1 in self.classes_)
        known = not_missing(values, minus_one=no_class or mixes_minus_one(values)) if values.ndim else None
        if known is not None and not known.all():
            raise ValueError(
                f"Input y contains NaN, None, or -1: {np.count_nonzero(~known)} of {len(values)} rows have no label, "
                "and score needs one for each. Pass rows that have one, as in score(X[labeled], y[labeled])."
            )
        return float(super().score(X, y, sample_weight))
