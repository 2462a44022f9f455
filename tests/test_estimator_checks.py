"""scikit-learn's own checks, those that it yields and those that it only defines."""

from unittest import SkipTest

import pytest
import sklearn
from methods import KINDS, METHODS
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import estimator_checks
from sklearn.utils._testing import ignore_warnings
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.fixes import parse_version

from sklearn_ssl import (
    DistillationClassifier,
    FewLabelClassifier,
    FewLabelRegressor,
    FineTuneClassifier,
    FineTuneRegressor,
    LabelDiffusion,
    MaskedPretrainer,
    SelfOrganizingMap,
    Word2VecPretrainer,
    ZeroShotClassifier,
)

ONE_EACH = {type(m.estimator): m(max_epochs=1) for m in METHODS.values() if "tabular" in m.kinds}
ON_TEXTS = [
    *[
        clone(m.estimator).set_params(modality=KINDS["text"].modality)
        for m in METHODS.values()
        if "text" in m.kinds
    ],
    Word2VecPretrainer(n_components=4, max_epochs=1),
]
ON_TABLES = [*ONE_EACH.values(), SelfOrganizingMap()]
SUPERVISED = [
    *(
        fine_tune(MaskedPretrainer(n_components=16, max_epochs=1), max_epochs=1)
        for fine_tune in (FineTuneClassifier, FineTuneRegressor)
    ),
    DistillationClassifier(DecisionTreeClassifier(random_state=0), max_epochs=30, lr=1e-2),
    ZeroShotClassifier(),
    LabelDiffusion(),
    FewLabelClassifier(
        pretrainers=[MaskedPretrainer(n_components=4, max_epochs=1)],
        estimators=[
            ("tree", DecisionTreeClassifier(), "raw"),
            ("logistic regression", LogisticRegression(), "masked"),
            ("diffusion", LabelDiffusion(), "masked"),
        ],
        cv=2,
    ),
    FewLabelRegressor(
        pretrainers=[MaskedPretrainer(n_components=4, max_epochs=1)],
        estimators=[
            ("tree", DecisionTreeRegressor(), "raw"),
            ("ridge regression", RidgeCV(), "masked"),
        ],
        cv=2,
    ),
]

LEAST = {
    FineTuneClassifier: 55,
    FineTuneRegressor: 55,
    DistillationClassifier: 60,
    ZeroShotClassifier: 54,
    LabelDiffusion: 54,
    FewLabelClassifier: 54,
    FewLabelRegressor: 50,
}
NOT_YIELDED = [
    "check_dataframe_column_names_consistency",
    "check_get_feature_names_out_error",
    "check_global_output_transform_pandas",
    "check_global_set_output_transform_polars",
    "check_inplace_ensure_writeable",
    "check_param_validation",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
]

SUPERVISED_TOO = [
    "check_dataframe_column_names_consistency",
    "check_inplace_ensure_writeable",
    "check_param_validation",
]

# all that feed no two-dimensional numbers; scikit-learn itself yields but one of them for texts
WITHOUT_NUMBERS = [
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_estimators_unfitted",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_param_validation",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_transformers_unfitted",
    "check_valid_tag_types",
]


@parametrize_with_checks([*ON_TABLES, *SUPERVISED])
def test_estimator_checks(estimator, check):
    try:
        check(estimator)
    except SkipTest as skipped:
        pytest.fail(f"A check must run: {skipped}")


@pytest.mark.parametrize("estimator", [*ON_TABLES, *SUPERVISED], ids=lambda e: type(e).__name__)
def test_number_of_checks(estimator):
    """Counted only: they are run above."""
    recent = parse_version(sklearn.__version__) >= parse_version("1.7")
    least = LEAST.get(type(estimator), 46) - (not recent)
    checks = list(estimator_checks.estimator_checks_generator(estimator))
    assert len(checks) >= least
    assert not recent or len({str(check) for _, check in checks}) == len(
        checks
    )  # 1.6 yields one of them twice


@pytest.mark.parametrize("name", SUPERVISED_TOO)
@pytest.mark.parametrize("estimator", SUPERVISED, ids=lambda e: type(e).__name__)
@ignore_warnings(category=UserWarning)
def test_checks_of_classifiers_and_regressors_that_scikit_learn_does_not_yield(estimator, name):
    getattr(estimator_checks, name)(type(estimator).__name__, estimator)


@pytest.mark.parametrize("name", NOT_YIELDED)
@pytest.mark.parametrize("estimator", ON_TABLES, ids=lambda e: type(e).__name__)
@ignore_warnings(category=UserWarning)  # the checks themselves transform arrays after fitting frames
def test_checks_that_scikit_learn_does_not_yield(estimator, name):
    getattr(estimator_checks, name)(type(estimator).__name__, estimator)


@pytest.mark.parametrize("name", WITHOUT_NUMBERS)
@pytest.mark.parametrize("estimator", ON_TEXTS, ids=lambda e: type(e).__name__)
def test_checks_that_feed_no_numbers(estimator, name):
    getattr(estimator_checks, name)(type(estimator).__name__, estimator)


def test_number_of_checks_on_texts():
    assert len(ON_TEXTS) == 8
    assert len(WITHOUT_NUMBERS) == 13
    assert all(estimator.__sklearn_tags__().input_tags.string for estimator in ON_TEXTS)
