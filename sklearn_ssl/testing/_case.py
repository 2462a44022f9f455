"""What is checked: an estimator, rows for it, and how two fitted ones compare."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from sklearn.base import clone
from sklearn.utils.validation import _num_samples

from ..base import Pretrainer, modality_of
from ..modalities import Modality

FAST = {"max_epochs": 1, "batch_size": 64, "random_state": 0, "on_collapse": "ignore"}


@dataclass(frozen=True)
class Case:
    """What is checked: an unfitted estimator, rows for it, and a second value for parameters."""

    estimator: Pretrainer
    X: Any
    other: dict[str, Any]

    @property
    def modality(self) -> Modality:
        """What the rows are, unfitted; a ValueError if that cannot be known."""
        modality = modality_of(self.estimator)
        if modality is None:
            raise ValueError("Pass the modality: check_pretrainer cannot know what this estimator takes.")
        return modality

    @property
    def n(self) -> int:
        """Number of rows."""
        return _num_samples(self.X)

    def new(self, **params: Any) -> Pretrainer:
        """Return a fresh copy that trains quickly; but for its modality, what it shares with others is reset."""
        reset = {f.name: f.default for f in fields(Pretrainer) if f.init and f.name != "modality"}
        own = {f.name: f.default for f in fields(self.estimator) if f.name in reset}  # defaults of its own
        return clone(self.estimator).set_params(**{**reset, **own, **FAST, **params})

    def fit(self, **params: Any) -> Pretrainer:
        """Return a fitted one."""
        return self.new(**params).fit(self.X)


def new_case(estimator: Pretrainer, X: Any = None, other: dict[str, Any] | None = None) -> Case:
    """Return what the single checks take."""
    if not isinstance(estimator, Pretrainer):
        raise TypeError(f"check_pretrainer takes a Pretrainer, got {type(estimator).__name__}.")
    case = Case(estimator, X, other or {})
    case = replace(case, X=case.modality.example_rows()) if X is None else case
    if case.n < 100:
        raise ValueError(f"check_pretrainer needs at least 100 rows of X; it has {case.n}.")
    return case


def same_bits(a: Pretrainer, b: Pretrainer) -> bool:
    """Return whether two fitted pretrainers have the same weights, to the bit."""
    pairs = zip(a.net_.module_.state_dict().values(), b.net_.module_.state_dict().values(), strict=True)
    return all(torch.equal(s, t) for s, t in pairs)


def refused(what: str, call: Callable[[Any], Any], X: Any) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as of names that are missing
            call(X)
    except (ValueError, TypeError):
        return
    except Exception as error:  # of whatever class: it is what the check is there to find
        raise AssertionError(
            f"{what} raised {type(error).__name__}: {error}; not ValueError, TypeError"
        ) from error
    raise AssertionError(f"{what} was accepted")
