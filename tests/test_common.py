"""What every method must do on every modality that it takes."""

import copy
import pickle
import re
import subprocess
import sys
import textwrap
from inspect import signature

import joblib
import numpy as np
import pytest
import torch
from methods import CASES, KINDS, METHODS
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import nn

import sklearn_ssl
from sklearn_ssl import modalities
from sklearn_ssl.modalities import Image
from sklearn_ssl.training import seeded

on_every_case = pytest.mark.parametrize("method, kind", CASES)


def fit(method, kind, **params):
    case = KINDS[kind]
    return METHODS[method](**{"modality": case.modality, **params}).fit(case.X)


def tensors(estimator):
    return estimator.net_.module_.state_dict().values()


def same_bits(a, b):
    return all(torch.equal(s, t) for s, t in zip(tensors(a), tensors(b), strict=True))


@on_every_case
def test_features_are_finite_float32_of_the_promised_width(method, kind):
    est = fit(method, kind, n_components=7)
    Z = est.transform(KINDS[kind].X)
    assert Z.dtype == np.float32
    assert Z.shape == (len(KINDS[kind].X), 7)
    assert np.isfinite(Z).all()
    assert est.get_feature_names_out().shape == (7,)
    assert Z.std() > 0


@on_every_case
def test_loss_is_a_finite_scalar_with_a_gradient_into_the_encoder(method, kind):
    est = fit(method, kind, max_epochs=0)
    objective = est.net_.module_.train()
    batch = est.modality_.validate(KINDS[kind].X)[np.arange(32)]
    with seeded(0):
        loss = objective(batch)
    assert loss.shape == ()
    assert torch.isfinite(loss)
    loss.backward()
    assert sum(float(p.grad.abs().sum()) for p in objective.encoder.parameters() if p.grad is not None) > 0


@pytest.mark.parametrize("method, kind", [c for c in CASES if not METHODS[c[0]].is_game])
def test_loss_falls(method, kind):
    history = fit(method, kind, max_epochs=15).history_
    assert [row["epoch"] for row in history] == list(range(1, 16))
    assert np.mean([r["train_loss"] for r in history[-3:]]) < np.mean([r["train_loss"] for r in history[:3]])


@on_every_case
def test_same_seed_same_bits_and_y_does_not_matter(method, kind):
    X = KINDS[kind].X
    est = METHODS[method](modality=KINDS[kind].modality)
    y = np.arange(len(X)) % 3
    first = clone(est).fit(X, y)
    again = clone(est).fit(X, np.random.default_rng(0).permutation(y))
    assert same_bits(first, again)
    assert same_bits(first, first.fit(X))
    assert first.history_ == again.history_
    assert (first.transform(X) == again.transform(X)).all()
    assert first.score(X) == again.score(X)
    assert not same_bits(first, clone(est).set_params(random_state=1).fit(X))


@on_every_case
def test_global_generators_are_neither_used_nor_changed(method, kind):
    X = KINDS[kind].X
    torch.manual_seed(5)
    np.random.seed(5)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    est = fit(method, kind, random_state=None, early_stopping=True)
    est.transform(X)
    est.score(X)
    pickle.loads(pickle.dumps(est))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()
    torch.manual_seed(5)
    np.random.seed(5)
    other = fit(method, kind, random_state=None, early_stopping=True)
    assert not same_bits(est, other)  # None is fresh entropy, whatever the global seeds


@on_every_case
def test_input_is_not_written_to(method, kind, tmp_path):
    X = np.ascontiguousarray(KINDS[kind].X)
    path = tmp_path / "X.npy"
    np.save(path, X)
    before = path.read_bytes()
    mapped = np.load(path, mmap_mode="r")
    est = METHODS[method](modality=KINDS[kind].modality).fit(mapped)
    Z = est.transform(mapped)
    assert path.read_bytes() == before
    assert (fit(method, kind).transform(X) == Z).all()


@on_every_case
def test_pickle_deepcopy_and_joblib_hash(method, kind):
    X = KINDS[kind].X
    est = fit(method, kind)
    Z, digest = est.transform(X), joblib.hash(est)
    for other in (pickle.loads(pickle.dumps(est)), copy.deepcopy(est)):
        assert (other.transform(X) == Z).all()
        assert other.history_ == est.history_
        assert joblib.hash(other) == digest
        other.partial_fit(X)
        assert len(other.history_) == len(est.history_) + 1
    assert joblib.hash(est) == digest
    size = sum(t.numel() * t.element_size() for t in tensors(est))
    assert len(pickle.dumps(est)) < 1.2 * size + 20_000  # no optimizer state, no data


def test_another_process_gives_the_same_bits(tmp_path):
    """One process for all: train again, unpickle, load."""
    expected = {}
    for method, kind in CASES:
        est, X = fit(method, kind), KINDS[kind].X
        expected[f"{method} {kind}"] = est.transform(X)
        folder = tmp_path / f"{method} {kind}"
        est.save(folder)
        assert {p.suffix for p in folder.iterdir()} == {".json", ".safetensors"}
        (folder / "pickle").write_bytes(pickle.dumps(est))
        np.save(folder / "X", X)
    program = """
        import pickle, sys
        from pathlib import Path
        import numpy as np
        from sklearn.base import clone
        import sklearn_ssl
        for folder in map(Path, sys.argv[1:]):
            X = np.load(folder / "X.npy")
            loaded, pickled = sklearn_ssl.load(folder), pickle.loads((folder / "pickle").read_bytes())
            for name, est in dict(loaded=loaded, pickled=pickled, again=clone(pickled).fit(X)).items():
                np.save(folder / name, est.transform(X))
            assert loaded.score(X) == pickled.score(X)
    """
    folders = [str(tmp_path / name) for name in expected]
    subprocess.run([sys.executable, "-W", "error", "-c", textwrap.dedent(program), *folders], check=True)
    for name, Z in expected.items():
        for how in ("loaded", "pickled", "again"):
            assert (np.load(tmp_path / name / f"{how}.npy") == Z).all(), (name, how)


SHARED = {
    "n_components": 5,
    "max_epochs": 1,
    "batch_size": 32,
    "lr": 1e-4,
    "early_stopping": True,
    "precision": "bfloat16",
    "random_state": 3,
    "encoder": nn.Sequential(nn.Flatten(), nn.LazyLinear(8)),
}
WITHOUT_EFFECT = {"verbose", "device", "callbacks"}
ELSEWHERE = {"warm_start", "validation_fraction", "n_iter_no_change", "modality"}  # tests of their own


@on_every_case
def test_every_parameter_changes_something(method, kind):
    case, base = KINDS[kind], {"precision": "float32"}
    Z = fit(method, kind, **base).transform(case.X)
    others = SHARED | METHODS[method].other
    assert set(others) | WITHOUT_EFFECT | ELSEWHERE == set(METHODS[method]().get_params(deep=False))
    for name, value in others.items():
        if name in METHODS[method].tables_only and kind != "tabular":
            continue
        other = fit(method, kind, **{**base, name: value}).transform(case.X)
        assert other.shape != Z.shape or not np.array_equal(other, Z), name
    assert set(case.other) | {"shape"} >= set(case.modality.get_params())
    for name, value in case.other.items():
        if name not in METHODS[method].ignores:
            modality = clone(case.modality).set_params(**{name: value})
            other = fit(method, kind, **base, modality=modality).transform(case.X)
            assert not np.array_equal(other, Z), name


@on_every_case
def test_early_stopping_parameters_change_something(method, kind):
    base = {"early_stopping": True, "max_epochs": 60, "lr": 0.05, "n_iter_no_change": 2}
    epochs = len(fit(method, kind, **base).history_)
    assert 2 < epochs < 60
    assert len(fit(method, kind, **{**base, "n_iter_no_change": 6}).history_) > epochs
    one = fit(method, kind, early_stopping=True)
    two = fit(method, kind, early_stopping=True, validation_fraction=0.4)
    assert not same_bits(one, two)
    assert {"epoch", "train_loss", "valid_loss"} <= set(one.history_[0])


@on_every_case
def test_warm_start_and_partial_fit_go_on(method, kind):
    X = KINDS[kind].X
    cold, warm = fit(method, kind), fit(method, kind, warm_start=True)
    assert same_bits(cold, warm)
    assert len(cold.fit(X).history_) == 2
    assert len(warm.fit(X).history_) == 4
    assert not same_bits(cold, warm)
    partial = METHODS[method](modality=KINDS[kind].modality)
    assert len(partial.partial_fit(X).partial_fit(X[:50]).history_) == 2
    assert np.isfinite(partial.transform(X)).all()


@on_every_case
@pytest.mark.parametrize("n", [2, 5, 65])
def test_few_rows_and_one_more_than_a_batch(method, kind, n):
    X = KINDS[kind].X[:n]
    est = METHODS[method](modality=KINDS[kind].modality).fit(X)
    assert np.isfinite(est.transform(X)).all()
    assert np.isfinite(est.transform(X[:1])).all()
    assert np.isfinite(est.score(X))


@on_every_case
@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_wild_scales_and_constant_rows(method, kind, scale):
    X = KINDS[kind].X * scale + 3 * scale
    Z = METHODS[method](modality=KINDS[kind].modality, precision="float32").fit_transform(X)
    usual = fit(method, kind, precision="float32").transform(KINDS[kind].X)
    np.testing.assert_allclose(Z, usual, atol=0.2)
    constant = np.full_like(X, 7 * scale)
    assert np.isfinite(METHODS[method](modality=KINDS[kind].modality).fit_transform(constant)).all()


@on_every_case
def test_score_does_not_change_the_estimator(method, kind):
    est = fit(method, kind)
    before = joblib.hash(est)
    assert est.score(KINDS[kind].X) == est.score(KINDS[kind].X)
    est.transform(KINDS[kind].X)
    assert joblib.hash(est) == before


@pytest.mark.parametrize("method", METHODS)
def test_trained_beats_untrained(method):
    X, y = load_digits(return_X_y=True)
    modality = Image(shape=(8, 8), horizontal_flip=False)
    accuracy = {}
    enough = METHODS[method].enough
    for epochs in (0, enough):
        Z = METHODS[method](modality=modality, max_epochs=epochs).fit_transform(X)
        probe = LogisticRegression(C=0.1, max_iter=2000)
        accuracy[epochs] = np.mean([probe.fit(Z[s::36], y[s::36]).score(Z, y) for s in range(4)])
    assert accuracy[enough] > accuracy[0] + 0.02


@pytest.mark.parametrize("method", METHODS)
def test_every_parameter_is_documented(method):
    cls = METHODS[method].estimator
    parameters, attributes = re.split(r"^Attributes\n-+\n", cls.__doc__, flags=re.MULTILINE)
    for name in signature(cls).parameters:
        assert len(re.findall(rf"^{name} : ", parameters, re.MULTILINE)) == 1, name
    fitted = METHODS[method](max_epochs=1).fit(KINDS["tabular"].X)
    documented = set(re.findall(r"^(\w+_) : ", attributes, re.MULTILINE))
    assert {name for name in vars(fitted) if name.endswith("_")} <= documented


@pytest.mark.parametrize("cls", [modalities.Tabular, modalities.Image])
def test_every_modality_parameter_is_documented(cls):
    for name in signature(cls).parameters:
        assert re.search(rf"^    {name} : ", cls.__doc__, re.MULTILINE), name


def test_public_names():
    assert set(sklearn_ssl.__all__) == {"load", "SelfOrganizingMap"} | {
        m.estimator.__name__ for m in METHODS.values()
    }
