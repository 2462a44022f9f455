"""Classifiers around LabeledOnly that have made -1 a class."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.multiclass import OutputCodeClassifier


def refuse_classifier_around() -> None:
    """Raise an error if a classifier of scikit-learn is being fitted around, with -1 among its classes.

    Voting, stacking and bagging number the classes before they fit what they hold, so -1 arrives as 0. They know their
    classes by then. In a worker process some of them are not there: what they hold is cloned before it is sent, which
    `refuse_clone_for_classifier` notices, and others pass the worker themselves, or the names of two classes.
    """
    for frame in _frames():
        local = frame.f_locals
        if not str(frame.f_globals.get("__name__", "")).startswith("sklearn."):
            continue
        for owner in (local.get("self"), local.get("ensemble")):
            if isinstance(owner, ClassifierMixin):
                _refuse(type(owner).__name__, getattr(owner, "classes_", None))
        if frame.f_code.co_name == "_fit_binary":
            rest = any(str(one).startswith("not ") for one in local.get("classes") or ())
            _refuse("OneVsRestClassifier" if rest else "OneVsOneClassifier", local.get("classes"))
        if frame.f_code.co_name == "_fit_ovo_binary":
            _refuse("OneVsOneClassifier", [local.get("i"), local.get("j")])


def has_codes_around() -> bool:
    """Return whether an OutputCodeClassifier is being fitted around: it codes classes as -1 and 1, both labels.

    Where -1 is among the classes that it codes, `refuse_classifier_around` has refused it.
    """
    return any(isinstance(frame.f_locals.get("self"), OutputCodeClassifier) for frame in _frames())


def refuse_clone_for_classifier() -> None:
    """Raise an error if the fit of a classifier of scikit-learn clones what it holds, with -1 among its classes."""
    for frame in _frames():
        owner = frame.f_locals.get("self")
        # a clone of the classifier itself passes here too, and its classes may be of a fit that failed
        fits = frame.f_code.co_name in ("fit", "_fit") and isinstance(owner, ClassifierMixin)
        if fits and type(owner).__module__.startswith("sklearn."):
            _refuse(type(owner).__name__, getattr(owner, "classes_", None))


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _refuse(name: str, classes: Any) -> None:
    if classes is None or isinstance(classes, (str, bytes)):
        return
    if any(isinstance(one, (int, float, np.number)) and one == -1 for one in classes):
        raise ValueError(
            f"{name} around LabeledOnly takes -1, which means that a row has no label, for a class. Put {name} into "
            f"LabeledOnly: LabeledOnly({name}(...)), as the last step of the pipeline."
        )
