"""Checks for pretrainers that others write: what scikit-learn's ``check_estimator`` does not ask."""

from ..naming import publish
from ._case import Case, new_case, same_bits
from ._checks import (
    CHECKS,
    check_bad_input,
    check_collapse,
    check_features,
    check_global_generators,
    check_gradient,
    check_input_is_not_written_to,
    check_other_processes,
    check_pickle,
    check_pretrainer,
    check_same_bits,
    check_score_samples,
    check_stopping,
)
from ._parameters import check_parameters

__all__ = ["check_pretrainer"]

publish(__name__)
