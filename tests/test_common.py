"""What every method must do on every modality that it takes."""

import pickle
import re
import subprocess
import sys
import textwrap
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
from methods import CASES, COVER, KINDS, METHODS, slow_beyond_cover
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression, RidgeClassifier

import sklearn_ssl
from sklearn_ssl import modalities
from sklearn_ssl.modalities import Image
from sklearn_ssl.testing import CHECKS, new_case

on_every_case = pytest.mark.parametrize("method, kind", slow_beyond_cover(CASES))


def fit(method, kind, **params):
    case = KINDS[kind]
    return METHODS[method](**{"modality": case.modality, **params}).fit(case.X)


@pytest.mark.parametrize("method, kind", slow_beyond_cover(c for c in CASES if not METHODS[c[0]].is_game))
def test_loss_falls(method, kind):
    history = fit(method, kind, max_epochs=15).history_
    assert [row["epoch"] for row in history] == list(range(1, 16))
    assert np.mean([r["train_loss"] for r in history[-3:]]) < np.mean([r["train_loss"] for r in history[:3]])


@pytest.mark.parametrize(
    "cases",
    [COVER, pytest.param([case for case in CASES if case not in COVER], marks=pytest.mark.slow)],
    ids=["cover", "others"],
)
def test_another_process_gives_the_same_bits(cases, tmp_path):
    """One process for all: train again, unpickle, load."""
    expected = {}
    for method, kind in cases:
        est, X = fit(method, kind), KINDS[kind].X
        expected[f"{method} {kind}"] = est.transform(X)
        folder = tmp_path / f"{method} {kind}"
        est.save(folder)
        assert {p.suffix for p in folder.iterdir()} == {".json", ".safetensors"}
        (folder / "pickle").write_bytes(pickle.dumps(est))
        (folder / "X").write_bytes(pickle.dumps(X))
    program = """
        import pickle, sys
        from pathlib import Path
        import numpy as np
        from sklearn.base import clone
        import sklearn_ssl
        for folder in map(Path, sys.argv[1:]):
            X = pickle.loads((folder / "X").read_bytes())
            loaded, pickled = sklearn_ssl.load(folder), pickle.loads((folder / "pickle").read_bytes())
            if hasattr(pickled, "teacher_"):
                loaded.set_params(teacher=pickled.teacher_)  # which save leaves out
            for name, est in dict(loaded=loaded, pickled=pickled, again=clone(pickled).fit(X)).items():
                np.save(folder / name, est.transform(X))
            assert loaded.score(X) == pickled.score(X)
    """
    folders = [str(tmp_path / name) for name in expected]
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program), *folders]
    subprocess.run(command, cwd=Path(__file__).parent, check=True)  # where a pickled teacher is defined
    for name, Z in expected.items():
        for how in ("loaded", "pickled", "again"):
            assert (np.load(tmp_path / name / f"{how}.npy") == Z).all(), (name, how)


@on_every_case
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_promises_of_every_pretrainer(check, method, kind):
    m, case = METHODS[method], KINDS[kind]
    check(new_case(clone(m.estimator).set_params(modality=case.modality), case.X, m.other))


def test_number_of_promises():
    assert len(CHECKS) == 12
    assert {method for method, _ in COVER} == set(METHODS) and {kind for _, kind in COVER} == set(KINDS)


@on_every_case
def test_every_parameter_of_the_modality_changes_something(method, kind):
    case, base = KINDS[kind], {"precision": "float32"}
    Z = fit(method, kind, **base).transform(case.X)
    of_its_kind = [other.other for other in KINDS.values() if type(other.modality) is type(case.modality)]
    assert set().union({"shape", "tokenizer"}, *of_its_kind) >= set(case.modality.get_params())
    for name, value in case.other.items():
        if name not in METHODS[method].ignores:
            modality = clone(case.modality).set_params(**{name: value})
            other = fit(method, kind, **base, modality=modality).transform(case.X)
            assert not np.array_equal(other, Z), name


@pytest.mark.parametrize("method, kind", [("contrastive", "tabular"), ("byol", "tabular"), ("gan", "image")])
def test_n_iter_no_change_changes_something(method, kind):
    base = {"early_stopping": True, "max_epochs": 60, "lr": 0.05, "n_iter_no_change": 2}
    epochs = len(fit(method, kind, **base).history_)
    assert 2 < epochs < 60
    assert len(fit(method, kind, **{**base, "n_iter_no_change": 6}).history_) > epochs


@pytest.mark.parametrize(
    "method, kind", slow_beyond_cover(c for c in CASES if isinstance(KINDS[c[1]].X, np.ndarray))
)
@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_wild_scales_and_constant_rows(method, kind, scale):
    X = KINDS[kind].X * scale + 3 * scale
    Z = METHODS[method](modality=KINDS[kind].modality, precision="float32").fit_transform(X)
    usual = fit(method, kind, precision="float32").transform(KINDS[kind].X)
    np.testing.assert_allclose(Z, usual, atol=0.2)
    constant = np.full_like(X, 7 * scale)
    assert np.isfinite(METHODS[method](modality=KINDS[kind].modality).fit_transform(constant)).all()


DIGITS = Image(shape=(8, 8), horizontal_flip=False)


@pytest.mark.parametrize(
    "method", [k for k, m in METHODS.items() if {"tabular", "image"} & set(m.kinds) and not m.is_game]
)
def test_trained_beats_untrained(method):
    X, y = (rows[:900] for rows in load_digits(return_X_y=True))
    accuracy = {}
    for epochs in (0, 12):
        Z = METHODS[method](modality=DIGITS, max_epochs=epochs).fit(X[:400]).transform(X)
        probe = RidgeClassifier(100)
        accuracy[epochs] = np.mean([probe.fit(Z[s::18], y[s::18]).score(Z, y) for s in range(4)])
    assert accuracy[12] > accuracy[0] + 0.02


@pytest.mark.slow
@pytest.mark.parametrize("method", [k for k, m in METHODS.items() if m.is_game])
def test_trained_beats_untrained_after_thousands_of_steps(method):
    X, y = load_digits(return_X_y=True)
    accuracy = {}
    for epochs in (0, 60):
        Z = METHODS[method](modality=DIGITS, max_epochs=epochs).fit_transform(X)
        probe = LogisticRegression(C=0.1, max_iter=2000)
        accuracy[epochs] = np.mean([probe.fit(Z[s::36], y[s::36]).score(Z, y) for s in range(4)])
    assert accuracy[60] > accuracy[0] + 0.02


@pytest.mark.parametrize("method", METHODS)
def test_every_parameter_is_documented(method):
    cls = type(METHODS[method].estimator)
    parameters, attributes = re.split(r"^Attributes\n-+\n", cls.__doc__, flags=re.MULTILINE)
    for name in signature(cls).parameters:
        assert len(re.findall(rf"^{name} : ", parameters, re.MULTILINE)) == 1, name
    fitted = fit(method, METHODS[method].kinds[0], max_epochs=1)
    documented = set(re.findall(r"^(\w+_) : ", attributes, re.MULTILINE))
    assert {name for name in vars(fitted) if name.endswith("_")} <= documented


@pytest.mark.parametrize(
    "cls", [modalities.Tabular, modalities.Image, modalities.Text, modalities.Audio, modalities.Series]
)
def test_every_modality_parameter_is_documented(cls):
    for name in signature(cls).parameters:
        assert re.search(rf"^    {name} : ", cls.__doc__, re.MULTILINE), name


def test_public_names():
    others = {"load", "SelfOrganizingMap", "Word2VecPretrainer"}
    few_labels = {"FewLabelClassifier", "FewLabelRegressor", "LabelDiffusion", "LabeledOnly", "RowSelector"}
    transfer = {
        "DistillationClassifier",
        "FineTuneClassifier",
        "FineTuneRegressor",
        "ZeroShotClassifier",
    }
    methods = {type(m.estimator).__name__ for m in METHODS.values()}
    assert set(sklearn_ssl.__all__) == others | few_labels | transfer | methods
