"""Features that are written piece by piece, so that they need not fit into memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils._set_output import _get_output_config

from ..files import sink_of
from ..training import Selection, Store

PIECE = 2**23  # bytes of features that are in memory, at most
ROWS = 2**14  # rows of a piece, at most: there are several copies of it


def write_features(estimator: Any, store: Store, features: Callable[[Store], np.ndarray], out: Any) -> Any:
    """Write the features of all rows of a store to `out`, and return them as they can be read again.

    Parameters
    ----------
    estimator : Pretrainer
    store : Store
    features : callable
        Maps a store to its features ``(n, d)``.
    out : str, Path or array
        See ``Pretrainer.transform``.
    """
    if _get_output_config("transform", estimator)["dense"] != "default":
        raise ValueError(
            "set_output(transform=...) and out= both say what transform returns. Leave out one of them."
        )
    n, width = len(store), estimator.n_components_
    step = min(ROWS, max(64, PIECE // (4 * width)))
    with sink_of(out, (n, width), estimator.get_feature_names_out()) as sink:
        for start in range(0, n, step):
            sink.write(features(Selection(store, np.arange(start, min(start + step, n)))))
        return sink.finish()
