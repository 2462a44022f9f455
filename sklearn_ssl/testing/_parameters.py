"""Whether every parameter changes something."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from torch import nn

from ..base import Pretrainer
from ._case import Case

SHARED = {
    "n_components": 5,
    "max_epochs": 2,
    "batch_size": 32,
    "lr": 1e-4,
    "early_stopping": True,
    "precision": "bfloat16",
    "random_state": 3,
    "encoder": nn.Sequential(nn.Flatten(), nn.LazyLinear(8)),
}
UNSEEN = {
    "verbose",
    "max_time",
    "device",
    "callbacks",
    "checkpoint",
    "on_collapse",
    "modality",
}  # no effect on features, or one of its own
STOPPING = {"warm_start", "validation_fraction", "n_iter_no_change"}


def check_parameters(case: Case) -> None:
    """Every parameter changes the features; one whose search does nothing would be a trap."""
    base = case.fit(precision="float32").transform(case.X)
    # a second encoder of the modality's, if there is one: a module of numbers is not for all batches
    second = case.modality.encoders[1:2]
    for name, value in (SHARED | ({"encoder": second[0]} if second else {})).items():
        changed = _features(case, {name: case.other.get(name, value)})
        # a module of numbers may be refused by name, where positions are predicted
        has_effect = _differ(base, changed) if isinstance(changed, np.ndarray) else _refuses(name, changed)
        assert has_effect, f"{name} has no effect"
    for name in own_parameters(case.estimator):
        assert _has_effect(case, name), (
            f"{name} has no effect on the features. If it has one with another value, pass "
            f"other={{{name!r}: value}}."
        )


def own_parameters(estimator: Pretrainer) -> list[str]:
    """Return the names of the parameters that are not those of every pretrainer."""
    shared = set(SHARED) | UNSEEN | STOPPING
    return [name for name in estimator.get_params(deep=False) if name not in shared]


def _has_effect(case: Case, name: str) -> bool:
    settings: list[dict[str, Any]] = [{}]
    for other in own_parameters(case.estimator):
        if other != name and isinstance(getattr(case.estimator, other), (str, bool)):
            settings += [{other: value} for value in _other_values(case, other)]
    for setting in settings:
        Z = _features(case, setting)
        for value in _other_values(case, name):
            changed = _features(case, {**setting, name: value})
            if isinstance(value, str) and _refuses(name, changed, repr(value)):
                return True  # such as a target that images do not have
            if isinstance(Z, np.ndarray) and isinstance(changed, np.ndarray) and _differ(Z, changed):
                return True
    return False


def _features(case: Case, params: dict[str, Any]) -> np.ndarray | str:
    """Return the features with some parameters; what was said if they do not go together, or not with X."""
    try:
        return case.fit(**{"precision": "float32", **params}).transform(case.X)
    except ValueError as error:
        return str(error)


def _refuses(name: str, outcome: np.ndarray | str, value: str = "") -> bool:
    """Return whether a parameter was refused, by its name."""
    return isinstance(outcome, str) and f"{name}={value}" in outcome


def _differ(Z: np.ndarray, other: np.ndarray) -> bool:
    return Z.shape != other.shape or not np.array_equal(Z, other)


def _other_values(case: Case, name: str) -> Iterator[Any]:
    """Yield values to try for a parameter: the one given, or some that its constraints or type allow."""
    if name in case.other:
        yield case.other[name]
        return
    value = getattr(case.estimator, name)
    constraints = case.estimator._parameter_constraints.get(name, [])
    for options in [c for c in constraints if isinstance(c, StrOptions)]:
        yield from sorted(options.options - {value})
    intervals = [c for c in constraints if isinstance(c, Interval)]
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, str):  # such as "auto", where a number may stand
        yield from (number for number in (0.5, 1, 2) if any(number in interval for interval in intervals))
    elif isinstance(value, (int, float)):
        candidates = [2 * value, value + 1, value // 2, 0]
        if isinstance(value, float):
            candidates = [2 * value, value / 2, value + 1, 0.0, 0.5, 1.5]
        for candidate in candidates:
            fits = any(candidate in interval for interval in intervals) or not intervals
            if candidate != value and fits:
                yield candidate
