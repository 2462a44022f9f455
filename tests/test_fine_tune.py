"""Fine-tuning: where it starts, what it learns from, when it leaves the encoder alone, and what it refuses."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from seeds import seeded
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_diabetes, load_digits, load_wine
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, LRScheduler
from torch import nn

import sklearn_ssl
from sklearn_ssl import (
    ContrastivePretrainer,
    FineTuneClassifier,
    FineTuneRegressor,
    LabeledOnly,
    MaskedPretrainer,
    SelfOrganizingMap,
    VAEPretrainer,
)
from sklearn_ssl.encoders import MLP
from sklearn_ssl.inspection import LossCurveDisplay
from sklearn_ssl.modalities import Image, Tabular, Text
from sklearn_ssl.model_selection import SemiSupervisedStratifiedKFold, draw_labels
from sklearn_ssl.transfer._heads import exponents_of, sureness_of
from sklearn_ssl.transfer._lesson import folds_of, parts_of

X, Y = load_wine(return_X_y=True)
NAMES = np.array(["red", "rosé", "white"])[Y]
FEW = np.arange(len(Y)) % 6 == 0
with seeded(0):
    SMALL = MLP(13, 8, widths=(16, 8), n_directions=8)
    OF_NUMBERS = MLP(10, 8, widths=(16, 8))
SSL = MaskedPretrainer(encoder=SMALL, max_epochs=20, random_state=0, precision="float32").fit(X)
NAMED = MaskedPretrainer(n_components=16, max_epochs=1, random_state=0, precision="float32").fit(X)
D, T = (part[:120] for part in load_diabetes(return_X_y=True))


def new(pretrainer=SSL, **params):
    return FineTuneClassifier(
        pretrainer, **{"max_epochs": 2, "random_state": 0, "precision": "float32", **params}
    )


def regressor(pretrainer=None, **params):
    ssl = MaskedPretrainer(encoder=OF_NUMBERS, max_epochs=2) if pretrainer is None else pretrainer
    return FineTuneRegressor(
        ssl, **{"max_epochs": 2, "random_state": 0, "tune": "all", "precision": "float32", **params}
    )


def digits(labels=50):
    """Return a pretrainer whose features are columns mixed at random, labelled rows, a pool, and rows to test on."""
    X, y = load_digits(return_X_y=True)
    with seeded(0):
        mixing = nn.Linear(64, 48)
    ssl = MaskedPretrainer(encoder=mixing, max_epochs=0, random_state=0).fit(X[:1200])
    return ssl, X[:labels], y[:labels], X[labels:1200], X[1200:], y[1200:]


# the start


def test_the_head_begins_as_logistic_regression_on_frozen_features():
    est = new(max_epochs=0).fit(X[FEW], NAMES[FEW])
    Z = SSL.transform(X)
    lr = LogisticRegression(tol=1e-8, max_iter=5000).fit(Z[FEW], NAMES[FEW])
    assert est.tuned_ == "head"
    sure = est.mixture_[1]
    ours, theirs = est.decision_function(X) / sure, lr.decision_function(Z)
    ours, theirs = (logits - logits.mean(axis=1, keepdims=True) for logits in (ours, theirs))
    np.testing.assert_allclose(ours, theirs, atol=0.02)


def test_of_two_classes_too():
    est = new(max_epochs=0).fit(X[FEW], Y[FEW] == 1)
    lr = LogisticRegression(tol=1e-8, max_iter=5000).fit(SSL.transform(X[FEW]), Y[FEW] == 1)
    logits = est.decision_function(X)
    np.testing.assert_allclose(logits / est.mixture_[1], lr.decision_function(SSL.transform(X)), atol=0.02)
    np.testing.assert_allclose(est.predict_proba(X)[:, 1], 1 / (1 + np.exp(-logits)), atol=1e-5)
    np.testing.assert_allclose(np.exp(est.predict_log_proba(X)), est.predict_proba(X))


def test_a_fitted_pretrainer_is_the_start_and_is_not_changed():
    before = pickle.dumps(SSL)
    est = new(tune="all", lr=1e-12).fit(X, Y)
    for own, theirs in zip(est.encoder_.parameters(), SSL.encoder_.parameters(), strict=True):
        assert torch.allclose(own, theirs, atol=1e-8)
    moved = new(tune="all").fit(X, Y)
    assert not torch.equal(next(moved.encoder_.parameters()), next(SSL.encoder_.parameters()))
    assert pickle.dumps(SSL) == before


def test_an_unfitted_one_is_fitted_first_to_all_rows():
    ssl = MaskedPretrainer(encoder=SMALL, max_epochs=3, random_state=1, precision="float32")
    est = new(ssl).fit(X[FEW], Y[FEW], X_unlabeled=X[~FEW])
    assert not hasattr(ssl, "net_")
    # fine-tuning puts rows in an order of their own, and so must we
    order = np.flatnonzero(FEW)[np.argsort([row.tobytes() for row in X[FEW]])]
    other = clone(ssl).fit(X[order], X_unlabeled=X[~FEW])
    assert (
        new(other).fit(X[FEW], Y[FEW], X_unlabeled=X[~FEW]).predict_proba(X) == est.predict_proba(X)
    ).all()
    without = new(ssl).fit(X[FEW], Y[FEW])
    assert not np.array_equal(without.predict_proba(X), est.predict_proba(X))


def test_structure_has_fresh_weights():
    est = new(NAMED, transfer="structure", max_epochs=0).fit(X, Y)
    untrained = new(clone(NAMED).set_params(max_epochs=0), max_epochs=0).fit(X, Y)
    shapes = [[p.shape for p in e.encoder_.parameters()] for e in (est, untrained)]
    assert shapes[0] == shapes[1]
    assert (est.predict_proba(X) == untrained.predict_proba(X)).all()
    module = nn.Sequential(nn.Linear(13, 6), nn.ReLU(), nn.Linear(6, 4))
    est = new(MaskedPretrainer(encoder=module), transfer="structure", max_epochs=0).fit(X, Y)
    assert not torch.equal(est.encoder_[0].weight, module[0].weight)


def test_structure_of_a_module_whose_weights_cannot_be_drawn():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(13))

        def forward(self, x):
            return x * self.scale

    ssl = MaskedPretrainer(encoder=Scaled(), max_epochs=0)
    with pytest.raises(ValueError, match=r"'encoder' \(Scaled\).*no reset_parameters method. Add one"):
        new(ssl, transfer="structure").fit(X, Y)
    assert new(ssl).fit(X, Y).tuned_ in ("head", "all")


def test_the_encoder_of_a_vae_is_taken_without_its_last_layer():
    est = new(VAEPretrainer(max_epochs=1), tune="all").fit(X, Y)
    assert est.encoder_width_ == 1536


@pytest.mark.parametrize(
    "ssl",
    [SelfOrganizingMap(), MaskedPretrainer, make_pipeline(SSL), FrozenEstimator(StandardScaler()), "masked"],
)
def test_what_is_no_pretrainer_is_refused(ssl):
    with pytest.raises(TypeError, match="pretrainer must be a pretrainer with a network, such as"):
        new(ssl).fit(X, Y)


def test_a_frozen_one_that_is_not_fitted():
    with pytest.raises(NotFittedError, match="MaskedPretrainer instance is not fitted yet"):
        new(FrozenEstimator(MaskedPretrainer())).fit(X, Y)


# clones and searches


@pytest.mark.parametrize("wrap", [FrozenEstimator, lambda ssl: ssl], ids=["frozen", "bare"])
def test_a_fitted_pretrainer_survives_clones_and_searches(wrap, monkeypatch):
    calls = []
    monkeypatch.setattr(MaskedPretrainer, "fit", lambda self, *args, **kw: calls.append(self))
    est = new(wrap(SSL), max_epochs=1)
    assert clone(est).pretrainer is est.pretrainer
    grid = {"tune": ["head", "all"]}
    search = GridSearchCV(est, grid, cv=2, error_score="raise").fit(X, Y)
    assert search.best_score_ > 0.7 and not calls
    assert search.best_estimator_.pretrainer is est.pretrainer
    Pipeline([("clf", LabeledOnly(est))]).fit(X, np.where(FEW, Y, -1))
    assert not calls


def test_a_clone_of_an_unfitted_one_is_a_clone():
    ssl = MaskedPretrainer()
    assert clone(new(ssl)).pretrainer is not ssl
    with config_context(enable_metadata_routing=True):
        asked = new().set_fit_request(sample_weight=True)
        assert clone(asked)._metadata_request.fit.requests["sample_weight"] is True


def test_settings_of_a_fitted_pretrainer_cannot_be_searched():
    with pytest.raises(
        ValueError, match=r"pretrainer__mask_rate cannot be set: .* fitted MaskedPretrainer.*clone\("
    ):
        new().set_params(pretrainer__mask_rate=0.5)
    assert new(clone(SSL)).set_params(pretrainer__mask_rate=0.5).pretrainer.mask_rate == 0.5


# the pool


def test_the_pool_teaches_the_network():
    ssl, few, few_y, pool, X_test, y_test = digits()
    lr = LogisticRegression(max_iter=2000).fit(ssl.transform(few), few_y)
    head = new(ssl, tune="head").fit(few, few_y, X_unlabeled=pool)
    est = new(ssl, max_epochs=3).fit(few, few_y, X_unlabeled=pool)
    assert est.mixture_[0] > 0 and est.tuned_ == "all" and len(est.history_) == 3
    alone = lr.score(ssl.transform(X_test), y_test)
    assert min(e.score(X_test, y_test) for e in (head, est)) > alone
    losses = [
        log_loss(y_test, P) for P in (est.predict_proba(X_test), lr.predict_proba(ssl.transform(X_test)))
    ]
    assert losses[0] < losses[1]


@pytest.mark.parametrize("n_more", [0, 3])
def test_one_label_of_a_class_says_nothing_of_how_sure_to_be(n_more):
    """Left out in a cross-validation, the only row of a class would be predicted as another."""
    ssl, *_, X_test, y_test = digits()
    few = np.r_[draw_labels(y_test, 1, 0), np.flatnonzero(y_test == 3)[-n_more:] if n_more else []].astype(
        int
    )
    rest = np.setdiff1d(np.arange(len(y_test)), few)
    lr = LogisticRegression(max_iter=2000, tol=1e-6).fit(ssl.transform(X_test[few]), y_test[few])
    base = log_loss(y_test[rest], lr.predict_proba(ssl.transform(X_test[rest])))
    for pool in (None, X_test[rest]) if not n_more else (None,):
        est = new(ssl).fit(X_test[few], y_test[few], X_unlabeled=pool)
        assert est.tuned_ == "head" and log_loss(y_test[rest], est.predict_proba(X_test[rest])) < 1.1 * base


def test_folds_leave_no_class_without_a_row():
    codes = np.array([0, 1, 1, 2, 2, 2, 3])
    folds = folds_of(codes, 3, np.random.default_rng(0))
    assert (folds[[0, 6]] == -1).all() and (folds[1:6] >= 0).all()
    for test, rest in parts_of(folds):
        assert not (test & rest).any() and set(codes[test]) <= set(codes[rest])
    assert not list(parts_of(folds_of(np.arange(4), 3, np.random.default_rng(0))))


def test_a_pool_that_says_nothing_is_left_alone():
    noise = np.random.default_rng(0).normal(size=(60, 13))
    y = np.arange(60) % 3
    ssl = MaskedPretrainer(n_components=8, max_epochs=0, random_state=0).fit(noise)
    est = new(ssl).fit(noise, y, X_unlabeled=noise + 1)
    assert est.mixture_[0] == 0 and est.tuned_ == "head"


def test_labeled_only_hands_the_unlabeled_rows_on():
    some = np.where(FEW, Y, -1)
    ours = LabeledOnly(new()).fit(X, some)
    theirs = new().fit(X[FEW], Y[FEW], X_unlabeled=X[~FEW])
    assert (ours.predict_proba(X) == theirs.predict_proba(X)).all() and ours.tuned_ == theirs.tuned_
    both = LabeledOnly(new()).fit(X[:120], some[:120], X_unlabeled=X[120:])
    rest = np.vstack([X[:120][~FEW[:120]], X[120:]])
    expected = new().fit(X[:120][FEW[:120]], Y[:120][FEW[:120]], X_unlabeled=rest)
    assert (both.predict_proba(X) == expected.predict_proba(X)).all()
    with config_context(enable_metadata_routing=True):
        assert (LabeledOnly(new()).fit(X, some).predict_proba(X) == ours.predict_proba(X)).all()


def test_labeled_only_hands_a_pretrainer_its_pool_and_others_none():
    some = np.where(FEW, Y, -1)
    ssl = MaskedPretrainer(n_components=4, max_epochs=1, random_state=0)
    Z = LabeledOnly(ssl).fit(X, some).transform(X)
    assert (clone(ssl).fit(X[FEW], X_unlabeled=X[~FEW]).transform(X) == Z).all()
    assert LabeledOnly(LogisticRegression(max_iter=5000)).fit(X, some).score(X, Y) > 0.8


def test_labeled_only_around_a_pipeline_that_ends_in_one():
    some, clf = np.where(FEW, Y, -1), new(clone(SSL), max_epochs=1)
    plain = LabeledOnly(Pipeline([("nothing", "passthrough"), ("clf", clf)])).fit(X, some)
    assert (plain.predict_proba(X) == LabeledOnly(clf).fit(X, some).predict_proba(X)).all()
    steps = [("scale", StandardScaler()), ("clf", clf)]
    with pytest.raises(
        ValueError, match=r"not through the steps before it.*\('clf', LabeledOnly\(FineTuneClassifier"
    ):
        LabeledOnly(Pipeline(steps)).fit(X, some)
    LabeledOnly(Pipeline(steps)).fit(X, Y)  # there are no unlabeled rows
    with config_context(enable_metadata_routing=True):
        routed = LabeledOnly(Pipeline(steps, transform_input=["X_unlabeled"])).fit(X, some)
    assert routed.score(X, Y) > 0.8


def test_a_search_over_all_rows():
    grid = {"estimator__tune": ["head", "all"]}
    cv = SemiSupervisedStratifiedKFold(2)
    search = GridSearchCV(LabeledOnly(new(max_epochs=1)), grid, cv=cv, error_score="raise")
    assert search.fit(X, np.where(FEW, NAMES, None)).score(X, NAMES) > 0.8


# training


def test_same_bits_from_the_same_seed_alone():
    est = new(MaskedPretrainer(encoder=SMALL, max_epochs=1), tune="all")
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    first = est.fit(X, Y).predict_proba(X)
    assert (np.random.get_state()[1] == before[0]).all() and torch.equal(torch.get_rng_state(), before[1])
    assert (clone(est).fit(X, Y).predict_proba(X) == first).all()
    assert not np.array_equal(clone(est).set_params(random_state=1).fit(X, Y).predict_proba(X), first)
    state = clone(est).set_params(random_state=np.random.RandomState(0))
    assert (state.fit(X, Y).predict_proba(X) != first).any()


OTHER = {
    "layer_decay": 0.1,
    "gradual_unfreezing": True,
    "penalty": "l2",
    "alpha": 10.0,
    "views": False,
    "lr": 1e-2,
    "max_epochs": 3,
    "batch_size": 32,
    "early_stopping": True,
    "tune": "head",
    "transfer": "structure",
    "class_weight": "balanced",
    "random_state": 5,
    "precision": "bfloat16",
    "callbacks": [LRScheduler("StepLR", step_size=1, gamma=0.1)],
    "pretrainer": MaskedPretrainer(max_epochs=1),
}


def test_every_parameter_changes_something():
    base = new(tune="all", alpha=0.1).fit(X, Y).predict_proba(X)
    unseen = {"device", "verbose", "warm_start", "validation_fraction", "n_iter_no_change", "max_time"}
    unseen |= {"checkpoint"}
    assert {*OTHER, *unseen} == {*new().get_params(deep=False)}
    for name, value in OTHER.items():
        est = (
            new(**{"tune": "all", "alpha": 0.1, name: value})
            if name != "pretrainer"
            else new(value, tune="all")
        )
        assert not np.array_equal(est.fit(X, Y).predict_proba(X), base), name


def test_early_stopping_sets_labelled_rows_of_all_classes_aside():
    seen = []

    class Watch(Callback):
        def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
            seen.append(dataset_valid.targets_at(np.arange(len(dataset_valid))))

    ssl, few, few_y, pool, *_ = digits()
    est = new(ssl, early_stopping=True, validation_fraction=0.2, callbacks=[Watch()], max_epochs=2)
    est.fit(few, few_y, X_unlabeled=pool)
    assert est.tuned_ == "all" and "valid_loss" in est.history_[0]
    (values, _, strata), *_ = seen
    assert len(values) == 10 and (strata >= 0).all()  # none of the pool
    assert ((values == 0) | (values == 1)).all() and len(strata.unique()) >= 8
    longer = new(tune="all", early_stopping=True, lr=0.1, max_epochs=40)
    epochs = [len(clone(longer).set_params(n_iter_no_change=n).fit(X, Y).history_) for n in (1, 5)]
    assert epochs[0] < epochs[1]


@pytest.mark.parametrize("penalty", ["l2", "l2-sp"])
def test_penalty_against_numpy(penalty):
    objective = new(tune="all", penalty=penalty, alpha=0.7).fit(X, Y).net_.module_
    now = [p.detach().numpy().astype(float) for p in objective.parameters()]
    origin = (
        [np.zeros_like(p) for p in now] if penalty == "l2" else [p.numpy() for p in objective.origin.weights]
    )
    expected = sum(((p - o) ** 2).sum() for p, o in zip(now, origin, strict=True)) / 2
    assert float(objective.regularizer().detach()) == pytest.approx(expected, rel=1e-4)
    # training saw it: with a rate of nearly 0 the two losses differ by the penalty at the start
    still = {
        "tune": "all",
        "max_epochs": 1,
        "views": False,
        "lr": 1e-12,
        "batch_size": 1000,
        "penalty": penalty,
    }
    losses = [new(**still, alpha=alpha).fit(X, Y).history_[0]["train_loss"] for alpha in (0.0, 0.7)]
    start = new(**{**still, "tune": "head"}).fit(X, Y).net_.module_.parameters()
    norm = sum(float(p.detach().square().sum()) for p in start) / 2 if penalty == "l2" else 0.0
    assert losses[1] - losses[0] == pytest.approx(0.7 * norm, rel=1e-3, abs=1e-4)


def test_l2_sp_holds_weights_at_the_start():
    distance = {}
    for alpha in (0.0, 100.0):
        est = new(tune="all", alpha=alpha, lr=1e-3, max_epochs=10).fit(X, Y)
        pairs = zip(est.encoder_.parameters(), SSL.encoder_.parameters(), strict=True)
        distance[alpha] = sum(float((a - b).detach().square().sum()) for a, b in pairs)
    assert distance[100.0] < distance[0.0] / 2


def test_rates_fall_from_layer_to_layer_and_over_the_steps():
    est = new(tune="all", layer_decay=0.5, lr=1e-3, batch_size=32).fit(X, Y)
    rates = [group["initial_lr"] for group in est.net_.optimizer_.param_groups]
    assert rates == pytest.approx([1e-3, 1e-3, 5e-4, 2.5e-4])  # the head, and three stages
    assert all(group["lr"] < 0.5 * group["initial_lr"] for group in est.net_.optimizer_.param_groups)
    grouped = sum(len(group["params"]) for group in est.net_.optimizer_.param_groups)
    assert grouped == len(list(est.net_.module_.parameters()))


def test_gradual_unfreezing_begins_with_the_head():
    kw = {"tune": "all", "gradual_unfreezing": True, "batch_size": 32, "alpha": 0.0}
    one = new(**kw, max_epochs=1, callbacks=[Stop(1)])
    with pytest.raises(KeyboardInterrupt):
        one.fit(X, Y)
    for own, theirs in zip(one.encoder_.parameters(), SSL.encoder_.parameters(), strict=True):
        assert torch.equal(own, theirs) and own.requires_grad
    whole = new(**kw, max_epochs=2).fit(X, Y)
    first = next(iter(whole.encoder_.parameters())), next(iter(SSL.encoder_.parameters()))
    assert not torch.equal(*first) and all(p.requires_grad for p in whole.encoder_.parameters())


class Stop(Callback):
    def __init__(self, after):
        self.after = after

    def on_train_begin(self, net, **kwargs):
        self.steps_ = 0

    def on_batch_end(self, net, training=False, **kwargs):
        self.steps_ += training
        if self.steps_ >= self.after:
            raise KeyboardInterrupt


def test_an_encoder_that_cannot_train_keeps_its_weights():
    frozen = nn.Linear(13, 6).requires_grad_(False)
    est = new(MaskedPretrainer(encoder=frozen, max_epochs=0), tune="all").fit(X, Y)
    assert est.tuned_ == "head" and torch.equal(est.encoder_.weight, frozen.weight)


def test_where_labels_are_noise_the_encoder_is_left_alone():
    rng = np.random.default_rng(0)
    y = rng.permutation(Y[FEW])
    est = new(max_epochs=10, lr=1e-2).fit(X[FEW], y)
    assert est.tuned_ == "head"


@pytest.mark.parametrize("tune", ["head", "all"])
def test_probabilities_are_unsure_where_labels_are_noise(tune):
    y = np.random.default_rng(0).permutation(Y)
    est = new(tune=tune, max_epochs=20, lr=1e-2).fit(X[::2], y[::2])
    assert log_loss(y[1::2], est.predict_proba(X[1::2])) < np.log(3) + 0.05


def test_training_goes_on():
    est = new(tune="all", warm_start=True).fit(X, Y)
    once = est.predict_proba(X)
    est.set_params(pretrainer=MaskedPretrainer()).fit(X, Y)  # which is not asked again
    assert len(est.history_) == 4 and not np.array_equal(est.predict_proba(X), once)
    with pytest.raises(ValueError, match=r"classes_ is .*warm_start=False"):
        est.fit(X[Y > 0], Y[Y > 0])
    head = new(tune="head", warm_start=True).fit(X[FEW], Y[FEW])
    assert head.fit(X, Y).score(X, Y) == new(tune="head").fit(X, Y).score(X, Y)
    n_steps = len(head.history_)
    assert n_steps and pickle.loads(pickle.dumps(head)).history_ == head.history_
    assert len(head.set_params(tune="all").fit(X, Y).history_) == n_steps + 2


def test_a_failed_fit_leaves_nothing():
    est = new(tune="all", lr=1e30)
    with pytest.raises(ValueError, match="Lower lr"):
        est.fit(X, Y)
    with pytest.raises(NotFittedError):
        est.predict(X)
    assert {name for name in vars(est) if name.endswith("_")} == set() and not hasattr(est, "_prepared")


# weights of rows


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array, pd.DataFrame], ids=lambda k: k.__name__)
@pytest.mark.parametrize("tune", ["head", "all"])
def test_a_weight_is_as_many_rows(kind, tune):
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 4, len(Y))
    order = rng.permutation(len(Y))
    est = new(clone(SSL).set_params(max_epochs=1), tune=tune)
    a = clone(est).fit(kind(X[order]), Y[order], sample_weight=weight[order])
    b = clone(est).fit(kind(X.repeat(weight, axis=0)), Y.repeat(weight))
    assert (a.predict_proba(kind(X)) == b.predict_proba(kind(X))).all()


def test_class_weights():
    keep = np.r_[:59, 59:65, 130:140]
    plain, balanced = (new(tune="head", class_weight=w).fit(X[keep], Y[keep]) for w in (None, "balanced"))
    rest = np.setdiff1d(np.arange(len(Y)), keep)
    assert balanced.predict_proba(X[rest])[:, 1].mean() > plain.predict_proba(X[rest])[:, 1].mean()
    heavy = new(tune="head", class_weight={1: 100.0, 0: 1.0, 2: 1.0}).fit(X[keep], Y[keep])
    again = new(tune="head").fit(X[keep], Y[keep], sample_weight=np.where(Y[keep] == 1, 100.0, 1.0))
    assert (heavy.predict_proba(X) == again.predict_proba(X)).all()


# kept and rebuilt


@pytest.mark.parametrize(
    "y",
    [NAMES, Y, Y == 1, Y.astype(np.int8), NAMES.astype(object)],
    ids=["str", "int", "bool", "int8", "object"],
)
@pytest.mark.parametrize("tune", ["head", "all"])
def test_saved_and_pickled_it_predicts_the_same(tmp_path, y, tune):
    est = new(FrozenEstimator(NAMED), tune=tune, max_epochs=1).fit(X, y)
    est.save(tmp_path)
    for other in (sklearn_ssl.load(tmp_path), pickle.loads(pickle.dumps(est))):
        assert (other.predict(X) == est.predict(X)).all()
        assert (other.predict_proba(X) == est.predict_proba(X)).all()
        assert other.classes_.dtype == est.classes_.dtype and other.tuned_ == tune
        assert joblib.hash(pickle.loads(pickle.dumps(other))) == joblib.hash(other)
    LossCurveDisplay.from_estimator(est).figure_.clf()


def test_saved_with_a_module_of_the_users_own(tmp_path):
    module = nn.Sequential(nn.Linear(13, 6), nn.ReLU(), nn.Linear(6, 4))
    est = new(MaskedPretrainer(encoder=module, max_epochs=1), tune="all").fit(X, Y)
    est.save(tmp_path)
    assert (sklearn_ssl.load(tmp_path, encoder=module).predict_proba(X) == est.predict_proba(X)).all()
    with pytest.raises(ValueError, match="made with a module of your own"):
        sklearn_ssl.load(tmp_path)


def test_a_progress_bar(capsys):
    new(tune="all", verbose=1).fit(X, Y)
    assert "FineTuneClassifier [cpu, float32]" in capsys.readouterr().err


def test_calibration_around():
    est = CalibratedClassifierCV(new(tune="head"), cv=2).fit(X, NAMES)
    assert est.score(X, NAMES) > 0.9


# all kinds of data


@pytest.mark.parametrize("tune", ["head", "all"])
def test_texts_and_frames_and_images(tune):
    texts = list(Text().example_rows()[:60])
    y = np.array([len(text) > np.median([*map(len, texts)]) for text in texts])
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(13)]).assign(kind=pd.Categorical(NAMES))
    images = load_digits().images[:60, :, :, None]
    cases = [
        (texts, y, Text(max_length=8)),
        (frame[::3], NAMES[::3], Tabular()),
        (images, load_digits().target[:60] % 2, Image()),
    ]
    for rows, labels, modality in cases:
        ssl = ContrastivePretrainer(modality=modality, n_components=8, max_epochs=1)
        pool = rows[:30]
        est = new(ssl, tune=tune, max_epochs=1, batch_size=32).fit(rows, labels, X_unlabeled=pool)
        P = est.predict_proba(rows)
        assert P.shape == (len(labels), len(est.classes_)) and np.isfinite(P).all()
        alone = est.predict_proba(rows[:1])
        np.testing.assert_allclose(alone, P[:1], atol=1e-4)


# numbers


def test_the_head_of_numbers_begins_as_ridge_regression():
    ssl = MaskedPretrainer(n_components=8, max_epochs=2, random_state=0).fit(D)
    est = regressor(ssl, max_epochs=0).fit(D, T)
    assert est.tuned_ == "head"
    scaled = (T - T.mean()) / T.std()
    expected = RidgeCV(alphas=np.logspace(-1, 4, 11)).fit(ssl.transform(D).astype(float), scaled)
    np.testing.assert_allclose(
        est.predict(D), expected.predict(ssl.transform(D)) * T.std() + T.mean(), rtol=1e-4
    )


def test_numbers_of_one_and_of_two_dimensions(tmp_path):
    one, two = (regressor().fit(D, y) for y in (T, np.c_[T, -2 * T + 1]))
    assert one.predict(D).shape == (120,) and two.predict(D).shape == (120, 2)
    column = regressor().fit(D, T[:, None])
    assert column.predict(D).shape == (120, 1)
    assert (column.predict(D)[:, 0] == one.predict(D)).all()
    np.testing.assert_allclose(two.predict(D)[:, 1], -2 * two.predict(D)[:, 0] + 1, atol=30)
    two.save(tmp_path)
    assert (sklearn_ssl.load(tmp_path, encoder=OF_NUMBERS).predict(D) == two.predict(D)).all()
    assert regressor(tune="head").fit(D, T * 1e9).score(D, T * 1e9) == pytest.approx(
        regressor(tune="head").fit(D, T).score(D, T)
    )


def test_a_constant_target():
    assert regressor(tune="head").fit(D, np.full(120, 3.0)).predict(D) == pytest.approx(np.full(120, 3.0))


def test_numbers_learn_from_a_pool():
    """Rows lie on a curve, and the target is where; a line through few of them does not see that."""
    rng = np.random.default_rng(0)
    t = rng.uniform(0, 9, 400)
    curve = np.c_[t * np.cos(t), t * np.sin(t), 0.1 * rng.normal(size=400)]
    ssl = MaskedPretrainer(n_components=8, max_epochs=0, random_state=0).fit(curve)
    some = np.arange(400) % 8 == 0
    est = regressor(ssl, tune="head")
    taught = clone(est).fit(curve[some], t[some], X_unlabeled=curve[~some])
    alone = clone(est).fit(curve[some], t[some])
    assert taught.mixture_[0] > 0 and alone.mixture_.tolist() == [0, 1]
    assert not np.array_equal(taught.predict(curve), alone.predict(curve))


def test_labeled_only_takes_minus_one_for_a_number():
    y = np.where(np.arange(120) % 2 == 0, T - T.mean(), np.nan)
    y[0] = -1
    ours = LabeledOnly(regressor(tune="head")).fit(D, y)
    known = ~np.isnan(y)
    theirs = regressor(tune="head").fit(D[known], y[known], X_unlabeled=D[~known])
    assert (ours.predict(D) == theirs.predict(D)).all()


# refusals


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: new().fit(X, np.zeros(len(Y))), "needs 2 classes to tell apart, and y has 1 class"),
        (
            lambda: new().fit(X, Y, sample_weight=np.zeros(len(Y))),
            "0 class of|at least one non-zero",
        ),
        (lambda: new().fit(X, Y, sample_weight=-np.ones(len(Y))), "Negative values"),
        (lambda: new().fit(X, Y[:-1]), "inconsistent numbers of samples"),
        (lambda: new().fit(X, X[:, 0]), "Unknown label type: continuous"),
        (lambda: new().fit(X[:, :5], Y), "X has 5 features, but MaskedPretrainer is expecting 13"),
        (
            lambda: new().fit(X, Y, X_unlabeled=X[:, :5]),
            "X has 5 features, but MaskedPretrainer is expecting 13",
        ),
        (lambda: new(clone(SSL)).fit(X, Y, X_unlabeled=X[:, :5]), "X_unlabeled of shape"),
        (lambda: new().fit(X, None), "requires y to be passed"),
        (lambda: new(tune="some").fit(X, Y), "The 'tune' parameter"),
        (lambda: new(alpha=-1).fit(X, Y), "The 'alpha' parameter"),
        (lambda: new(class_weight="even").fit(X, Y), "The 'class_weight' parameter"),
        (lambda: regressor().fit(D, T, sample_weight=np.zeros(120)), "0 for all rows|at least one non-zero"),
        (lambda: regressor().fit(D, np.where(T > 100, np.nan, T)), "contains NaN"),
        (lambda: regressor().fit(D, T.reshape(2, 3, 20).repeat(60, 0)), "dim 3"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_column_of_classes_warns():
    with pytest.warns(DataConversionWarning, match="column-vector"):
        new(tune="head").fit(X, Y[:, None])


def test_few_labels_move_how_sure_probabilities_are_by_little():
    n, Q = 10, np.eye(2)[np.zeros(10, dtype=int)]
    for wrong, direction in ((n // 2 + 1, -1), (0, 1)):
        log_p = np.log(np.where(np.arange(n)[:, None] < wrong, [0.05, 0.95], [0.95, 0.05]))
        sure = sureness_of(log_p, Q, np.ones(n))
        (free,) = exponents_of([log_p], Q, np.ones(n), [1.0])
        assert 0 < direction * (sure - 1) < direction * (free - 1)
    assert sureness_of(log_p[:0], Q[:0], np.ones(0)) == 1
