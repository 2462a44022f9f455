"""Descriptions of classes: vectors, or texts that are embedded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..warning import warn
from ._teacher import check_teacher, fitted_copy, outputs_of_teacher

KINDS = {"b": "booleans", "i": "integers", "u": "integers", "f": "numbers", "U": "texts"}


def described(descriptions: Mapping[Any, Any], embedder: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes, sorted, and their descriptions as vectors.

    Parameters
    ----------
    descriptions : mapping of class to vector or text
    embedder : transformer or None
        Maps a list of texts to vectors.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
    S : ndarray of shape (n_classes, a), float64

    Warns
    -----
    UserWarning
        If two classes have the same description.
    """
    classes = _sorted_classes(list(descriptions))
    values = [descriptions[name] for name in classes.tolist()]
    texts = [isinstance(value, str) for value in values]
    if all(texts):
        S = _embedded(values, embedder)
    elif any(texts):
        odd = classes[texts.index(not texts[0])]
        raise TypeError(
            f"Some descriptions are texts and others, such as that of {odd!r}, are not. Describe all in one way."
        )
    else:
        S = _stacked(classes, values)
    _warn_of_twins(classes, S)
    return classes, S


def refuse_undescribed(labels: np.ndarray, classes: np.ndarray) -> None:
    """Raise a ValueError that names the classes of y, or candidates, that have no description."""
    kinds = [_kind(labels), _kind(classes)]
    known = set(classes.tolist())
    new = [
        label
        for label in labels.tolist()
        if label not in known or ("texts" in kinds and kinds[0] != kinds[1])
    ]
    if not new:
        return
    raise ValueError(
        f"Classes without a description: {', '.join(map(repr, new[:5]))}{', ...' if len(new) > 5 else ''}. Described "
        f"are {', '.join(map(repr, classes.tolist()[:5]))}{', ...' if len(classes) > 5 else ''}. Add them to "
        "class_descriptions."
        + (f" Those of y are {kinds[0]}, and those described are {kinds[1]}." if kinds[0] != kinds[1] else "")
    )


def _kind(values: np.ndarray) -> str:
    return KINDS.get(values.dtype.kind, "texts" if all(isinstance(v, str) for v in values) else "objects")


def _sorted_classes(names: list[Any]) -> np.ndarray:
    if not names:
        raise ValueError("class_descriptions is empty. Describe at least one class, or pass None.")
    for kind in ((bool, np.bool_), (int, np.integer), (int, float, np.number), (str,)):
        if all(isinstance(name, kind) and (bool in kind or not isinstance(name, bool)) for name in names):
            return np.unique(np.array(names))
    raise TypeError(
        f"The classes in class_descriptions must all be texts, numbers or booleans. Got {names[:5]!r}."
    )


def _embedded(texts: list[str], embedder: Any) -> np.ndarray:
    if embedder is None:
        raise ValueError(
            "Descriptions are texts, and text_embedder=None. Pass what maps texts to vectors, such as a fitted "
            "pretrainer of texts or a SentenceTransformer."
        )
    methods = ("transform", "encode")
    check_teacher(embedder, "text_embedder", methods, "Take what maps a list of texts to vectors.")
    return outputs_of_teacher(fitted_copy(embedder, texts, seed=0), methods, texts, "text_embedder")


def _stacked(classes: np.ndarray, values: list[Any]) -> np.ndarray:
    rows = []
    for name, value in zip(classes.tolist(), values, strict=True):
        try:
            row = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"The description of {name!r} is no vector of numbers: {error}. Pass numbers, or one text."
            ) from error
        if row.ndim != 1 or not row.size or not np.isfinite(row).all():
            raise ValueError(
                f"The description of {name!r} must be a vector of finite numbers. It has shape {row.shape}"
                f"{'' if np.isfinite(row).all() else ' and NaN or infinity in it'}."
            )
        rows.append(row)
    by_length = defaultdict(list)
    for name, row in zip(classes.tolist(), rows, strict=True):
        by_length[len(row)].append(name)
    if len(by_length) > 1:
        parts = [f"{length} for {names[0]!r}" for length, names in by_length.items()]
        raise ValueError(
            f"Descriptions differ in length: {', '.join(parts[:5])}. Describe all classes by the same attributes."
        )
    return np.stack(rows)


def _warn_of_twins(classes: np.ndarray, S: np.ndarray) -> None:
    group, count = np.unique(S, axis=0, return_inverse=True, return_counts=True)[1:]
    twins = np.flatnonzero(count > 1)
    if len(twins):
        names = [repr(name) for name in classes[group.ravel() == twins[0]].tolist()]
        warn(
            f"Classes {', '.join(names[:5])} have the same description, and cannot be told apart. Add an attribute in "
            "which they differ."
        )
