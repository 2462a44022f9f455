"""Rows without a label that an estimator learns from: which keyword of fit takes them."""

from __future__ import annotations

from typing import Any

from sklearn import get_config
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

POOL = "X_unlabeled"


def pool_keyword(estimator: Any) -> str:
    """Return by which keyword of fit an estimator takes rows without a label; an empty string if by none.

    Parameters
    ----------
    estimator : estimator
        For a pipeline, its last step decides.

    Raises
    ------
    ValueError
        If steps of a pipeline would not see the rows, and its last step would take them.
    """
    if not isinstance(estimator, Pipeline):
        return POOL if has_fit_parameter(estimator, POOL) else ""
    *before, (name, last) = estimator.steps
    inner = pool_keyword(last) if hasattr(last, "fit") else ""
    if not inner:
        return ""
    routing = get_config()["enable_metadata_routing"]
    if all(step in (None, "passthrough") for _, step in before):
        return POOL if routing else f"{name}__{inner}"
    if routing and POOL in (estimator.transform_input or ()):
        return POOL
    raise ValueError(
        f"The rows without a label would go to {type(last).__name__}, and not through the steps before it. Put "
        "LabeledOnly around the last step instead of around the pipeline: "
        f"Pipeline([..., ({name!r}, LabeledOnly({type(last).__name__}(...)))])."
    )
