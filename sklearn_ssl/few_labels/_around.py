"""Classifiers around LabeledOnly that have made -1 a class."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin


def refuse_classifier_around() -> None:
    """Raise an error if a classifier of scikit-learn is being fitted around, with -1 among its classes.

    Voting, stacking and bagging number the classes before they fit what they hold, so -1 arrives as 0. They know their
    classes by then. In a worker process nothing is seen of them.
    """
    frame = sys._getframe(1)
    while frame is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, ClassifierMixin) and type(owner).__module__.startswith("sklearn."):
            _refuse(owner)
        frame = frame.f_back  # type: ignore[assignment]  # mypy takes the type of the first frame, and the last has None behind it


def _refuse(owner: Any) -> None:
    classes = getattr(owner, "classes_", None)
    if isinstance(classes, np.ndarray) and classes.dtype.kind in "if" and (classes == -1).any():
        name = type(owner).__name__
        raise ValueError(
            f"{name} around LabeledOnly takes -1, which means that a row has no label, for a class. Put {name} into "
            f"LabeledOnly: LabeledOnly({name}(...)), as the last step of the pipeline."
        )
