"""Estimators in estimators: the first step of a pipeline, and parameters of parameters."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from ..modalities import MODALITIES, Modality


def first_step(estimator: Any) -> Any:
    """Return what raw rows come to in an estimator: the first step of a pipeline, of pipelines in pipelines too.

    Steps that do nothing are left out; of a pipeline of such steps, the last is returned.
    """
    while isinstance(estimator, Pipeline):
        steps = [step for _, step in estimator.steps]
        estimator = next((step for step in steps if step not in (None, "passthrough")), steps[-1])
    return estimator


def refuse_nested(estimator: BaseEstimator, params: dict[str, Any]) -> None:
    """Raise a ValueError for parameters of something that has none, such as ``modality="auto"``.

    Parameters
    ----------
    estimator : estimator
    params : dict
        What ``set_params`` is to set.
    """
    own = estimator.get_params(deep=False)
    for key in params:
        name, _, inner = key.partition("__")
        if not inner or name not in own:
            continue  # scikit-learn has words for unknown names
        value = params.get(name, own[name])
        if isinstance(value, type):
            raise ValueError(f"{key} cannot be set: {name}={value.__name__} is the class. Add () to it.")
        if hasattr(value, "net_"):
            raise ValueError(
                f"{key} cannot be set: {name} is a fitted {type(value).__name__}, whose weights are taken as they are. "
                f"Pass one that is not fitted, such as sklearn.base.clone({name})."
            )
        if not hasattr(value, "set_params"):
            raise ValueError(
                f"{key} cannot be set: {name}={value!r} has no parameters. {_advice(estimator, name, inner)}"
            )


def _advice(estimator: Any, name: str, inner: str) -> str:
    if name != "modality":
        return f"Give {name} itself, or search over several in a list: {name}=[...]."
    taken = getattr(estimator, "_modalities", (Modality,))
    kinds = [kind for kind in MODALITIES if issubclass(kind, taken)] or list(MODALITIES)
    named = [kind for kind in kinds if inner.split("__")[0] in kind().get_params()] or kinds
    ways = " or ".join(f"{type(estimator).__name__}(modality={kind.usage})" for kind in named)
    return f"It is chosen in fit only. Give it: {ways}."


class NestedParamsMixin:
    """Parameters of parameters, and what to do where there are none."""

    def set_params(self, **params: Any) -> Self:
        """Set parameters of this estimator, and of those that it holds, as in ``modality__corruption_rate=0.2``.

        Parameters
        ----------
        **params : dict
            Names and values. What is ``"auto"``, such as a modality, must be given for its parameters to be set.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        refuse_nested(self, params)
        super().set_params(**params)  # type: ignore[misc]  # of BaseEstimator, beside which this mixin stands
        return self
