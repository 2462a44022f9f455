"""Folders of safetensors and JSON."""

import functools
import gc
import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
from methods import Drifting
from sklearn.datasets import load_iris
from skorch.callbacks import Callback
from torch import nn

from sklearn_ssl import ContrastivePretrainer, MaskedPretrainer, load
from sklearn_ssl.encoders import MLP
from sklearn_ssl.modalities import Image, Tabular

X = load_iris().data
FRAME = pd.DataFrame(X, columns=["Länge", "b", "c", "d"])


def module(width=3):
    return nn.Sequential(nn.Linear(4, width), nn.ReLU())


SAVED = Path(__file__).parent / "saved"


def flowers():
    return load_iris(as_frame=True).data.assign(kind=np.array(["a", "b", "c"])[load_iris().target])


def test_folders_of_format_1_still_load():
    """Then classes were named by the files that they lay in, and the second head of this one was otherwise named."""
    config = json.loads((SAVED / "format_1" / "config.json").read_text())
    assert config["class"] == "sklearn_ssl._masked.MaskedPretrainer"
    assert config["modality"]["modality"] == "sklearn_ssl.modalities._tabular.Tabular"
    est = load(SAVED / "format_1")
    assert type(est) is MaskedPretrainer
    expected = np.load(SAVED / "format_1" / "features.npy")
    np.testing.assert_allclose(est.transform(flowers()[:5]), expected, atol=1e-4)
    assert est.score(flowers()) == pytest.approx(-1.32426, abs=1e-3)  # with the second head's part in it
    est.partial_fit(flowers())


def test_folders_name_what_users_import(tmp_path):
    MaskedPretrainer(modality=Tabular(n_bins=3), encoder=MLP(7), max_epochs=0).fit(flowers()).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["class"] == "sklearn_ssl.MaskedPretrainer"
    assert config["params"]["dict"]["modality"]["modality"] == "sklearn_ssl.modalities.Tabular"
    assert config["params"]["dict"]["encoder"]["module"] == "sklearn_ssl.encoders.MLP"
    assert "._" not in (tmp_path / "config.json").read_text()


def test_arrays_of_texts_come_back_as_they_were(tmp_path):
    est = ContrastivePretrainer(max_epochs=0).fit(X)
    est.classes_, est.words_ = np.array(["ab", "é"]), np.array(["a", "b"], dtype=object)
    est.save(tmp_path)
    loaded = load(tmp_path)
    for name in ("classes_", "words_"):
        assert getattr(loaded, name).dtype == getattr(est, name).dtype
        assert list(getattr(loaded, name)) == list(getattr(est, name))


def test_everything_comes_back(tmp_path):
    est = ContrastivePretrainer(
        max_epochs=2, random_state=np.random.RandomState(0), callbacks=[Callback()], temperature=0.3
    ).fit(FRAME)
    est.save(tmp_path / "new" / "folder")
    loaded = load(tmp_path / "new" / "folder")
    assert (loaded.transform(FRAME) == est.transform(FRAME)).all()
    assert list(loaded.feature_names_in_) == list(FRAME.columns)
    assert loaded.history_ == est.history_
    assert loaded.temperature == 0.3
    assert loaded.callbacks is None
    assert vars(loaded).keys() == vars(est).keys()
    loaded.partial_fit(FRAME)


def test_tuples_of_a_modality_come_back_as_tuples(tmp_path):
    images = np.random.default_rng(0).random((10, 64))
    modality = Image(shape=(8, 8), crop_scale=(0.6, 0.9))
    ContrastivePretrainer(modality=modality, max_epochs=1).fit(images).save(tmp_path)
    loaded = load(tmp_path)
    assert loaded.modality.get_params() == modality.get_params()
    assert loaded.modality_.shape_ == (1, 8, 8)


def test_a_module_of_the_users_own_must_be_given_again(tmp_path):
    est = ContrastivePretrainer(encoder=module(), max_epochs=1).fit(X)
    est.save(tmp_path)
    with pytest.raises(ValueError, match=r"torch.nn.modules.container.Sequential.*encoder="):
        load(tmp_path)
    with pytest.raises(ValueError, match="do not fit"):
        load(tmp_path, encoder=module(5))
    assert (load(tmp_path, encoder=module()).transform(X) == est.transform(X)).all()


def test_classes_are_looked_up_and_never_imported(tmp_path):
    ContrastivePretrainer(max_epochs=0).fit(X).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["class"] = "this.Zen"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="Import the module that defines it"):
        load(tmp_path)
    assert "this" not in sys.modules


def test_a_newer_format_is_refused(tmp_path):
    ContrastivePretrainer(max_epochs=0).fit(X).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "format": 99}))
    with pytest.raises(ValueError, match="newer"):
        load(tmp_path)


def test_save_to_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="folder"):
        ContrastivePretrainer(max_epochs=0).fit(X).save(tmp_path / "file")


def test_without_safetensors_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    with pytest.raises(ImportError, match=r"sklearn-ssl\[save\]"):
        ContrastivePretrainer(max_epochs=0).fit(X).save(tmp_path)


def test_damaged_folders_are_refused(tmp_path):
    ContrastivePretrainer(max_epochs=0).fit(X).save(tmp_path)
    config, tensors = tmp_path / "config.json", tmp_path / "model.safetensors"
    good_config, good_tensors = config.read_text(), tensors.read_bytes()
    for text in ("", "[]", "{}", '{"format": "a"}', '{"format": 1}'):
        config.write_text(text)
        with pytest.raises(ValueError, match="is damaged"):
            load(tmp_path)
    config.write_text(good_config)
    tensors.write_bytes(good_tensors[:100])
    with pytest.raises(ValueError, match="is damaged"):
        load(tmp_path)


@pytest.mark.parametrize(
    "path", [("fitted", "n_components_"), ("fitted", "history_"), ("params", "lr"), ("params", "encoder")]
)
def test_damaged_fields_are_refused(tmp_path, path):
    ContrastivePretrainer(max_epochs=0).fit(X).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    section, name = path
    if section == "fitted":
        del config[section]["dict"][name]
    else:
        config[section]["dict"][name] = None
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"is damaged|parameter"):
        load(tmp_path)


def test_nothing_but_fitted_attributes_is_set(tmp_path):
    ContrastivePretrainer(max_epochs=0).fit(X).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["fitted"]["dict"] |= {"transform": "x", "_private_": 1}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert not {"transform", "_private_"} & set(vars(load(tmp_path)))


def test_output_container_and_buffers_that_are_not_persistent(tmp_path):
    est = ContrastivePretrainer(encoder=Drifting(), max_epochs=2).set_output(transform="pandas").fit(X)
    assert est.encoder_.shift[0] > 0
    est.save(tmp_path)
    pd.testing.assert_frame_equal(load(tmp_path, encoder=Drifting()).transform(X), est.transform(X))


def test_a_module_that_is_not_wanted_is_refused(tmp_path):
    ContrastivePretrainer(max_epochs=0).fit(X).save(tmp_path)
    with pytest.raises(ValueError, match="Leave out encoder"):
        load(tmp_path, encoder=module())


@functools.cache
def two_models():
    a = ContrastivePretrainer(n_components=4, max_epochs=1, random_state=0).fit(X)
    return a, ContrastivePretrainer(n_components=4, max_epochs=1, lr=0.01, random_state=1).fit(5 * X + 3)


class Stop(BaseException):
    """Like a kill: nothing is cleaned up that is not in a finally or for every exception."""


def broken_off(monkeypatch, owner, name, at, error):
    """Let the call number `at` of a function fail, before it does anything or after."""
    calls, true = [], getattr(owner, name)

    def call(*args, **kwargs):
        calls.append(name)
        if len(calls) == at[0] and at[1] == "before":
            raise error
        result = true(*args, **kwargs)
        if len(calls) == at[0]:
            raise error
        return result

    monkeypatch.setattr(owner, name, call)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Stop()], ids=["disk full", "kill"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "owner, name, number",
    [
        (os, "fsync", 1),
        (os, "fsync", 2),
        (Path, "open", 1),
        (Path, "chmod", 1),
        (Path, "replace", 1),
        (Path, "replace", 2),
        (safetensors.torch, "save_file", 1),
    ],
)
@pytest.mark.parametrize("over", [True, False])
def test_a_save_that_is_broken_off_leaves_the_old_model_or_the_new(
    tmp_path, monkeypatch, owner, name, number, when, error, over
):
    a, b = two_models()
    if over:
        a.save(tmp_path)
    with monkeypatch.context() as patch, pytest.raises(type(error)):
        broken_off(patch, owner, name, (number, when), error)
        b.save(tmp_path)
    is_new = name == "replace" and (when == "after" or number == 2)
    if not over and not is_new:
        with pytest.raises(ValueError, match="not a folder that save wrote"):
            load(tmp_path)
    else:
        loaded, expected = load(tmp_path), b if is_new else a
        assert loaded.lr == expected.lr
        assert (loaded.transform(X) == expected.transform(X)).all()
    b.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    assert (load(tmp_path).transform(X) == b.transform(X)).all()


def test_files_of_two_models_are_refused(tmp_path):
    for name, model in zip("ab", two_models(), strict=True):
        model.save(tmp_path / name)
    (tmp_path / "a" / "config.json").replace(tmp_path / "b" / "config.json")
    with pytest.raises(ValueError, match="of two models"):
        load(tmp_path / "b")


def test_others_may_read_what_the_umask_lets_them(tmp_path):
    before = os.umask(0o027)
    try:
        two_models()[0].save(tmp_path)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"save": 1}'])
def test_half_a_file_of_a_save_that_was_killed_does_no_harm(tmp_path, text):
    a, b = two_models()
    a.save(tmp_path)
    (tmp_path / "config.json.new").write_text(text)
    assert (load(tmp_path).transform(X) == a.transform(X)).all()
    b.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    assert (load(tmp_path).transform(X) == b.transform(X)).all()


def test_a_save_that_fails_after_one_that_was_killed_leaves_the_last_whole_model(tmp_path, monkeypatch):
    a, b = two_models()
    a.save(tmp_path)
    with monkeypatch.context() as patch, pytest.raises(Stop):
        broken_off(patch, Path, "replace", (2, "before"), Stop())
        b.save(tmp_path)  # its weights are in place, its configuration is not
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        broken_off(patch, os, "fsync", (1, "before"), OSError(28, "No space left on device"))
        a.save(tmp_path)
    assert (load(tmp_path).transform(X) == b.transform(X)).all()


def test_a_process_that_is_killed_while_it_saves(tmp_path):
    """At each of its steps, without any clean-up: neither handlers nor buffers survive os._exit."""
    a, b = two_models()
    for name, model in (("a", a), ("b", b)):
        model.save(tmp_path / name)
    np.save(tmp_path / "X.npy", X)
    program = """
        import os, sys
        import numpy as np
        from sklearn_ssl import load
        a, b, X = load("a"), load("b"), np.load("X.npy")
        expected = {model.lr: model.transform(X) for model in (a, b)}

        def die_at(step):
            lines = 0
            def trace(frame, event, arg):
                nonlocal lines
                if frame.f_code.co_name == "_replace_both":
                    lines += event == "line"
                    if lines == step:
                        os._exit(9)
                return trace
            sys.settrace(trace)

        found = []
        for step in range(1, 60):
            a.save("model")
            child = os.fork()
            if not child:
                die_at(step)
                b.save("model")
                os._exit(0)
            died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
            loaded = load("model")
            assert (loaded.transform(X) == expected[loaded.lr]).all()
            found.append(loaded.lr == b.lr)
            if not died:
                break
        assert found == sorted(found) and len(set(found)) == 2 and len(found) > 10, found
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # a process with threads must not fork
    code = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    run = subprocess.run(code, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert not run.returncode, run.stderr


@dataclass(kw_only=True, eq=False, repr=False)
class Own(ContrastivePretrainer):
    """A method of one's own."""

    strength: float = 1.0


def test_empty_doubles_of_a_class_are_not_found(tmp_path):
    """cloudpickle leaves them to the garbage collector, in the processes of joblib."""
    Own(strength=2.0, max_epochs=0).fit(X).save(tmp_path)
    gc.disable()
    try:
        type("Own", (ContrastivePretrainer,), {"__module__": Own.__module__})  # in a cycle with itself
        assert load(tmp_path).strength == 2.0
    finally:
        gc.enable()
