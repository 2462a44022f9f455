"""Folders of safetensors and JSON."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from methods import Drifting
from sklearn.datasets import load_iris
from skorch.callbacks import Callback
from torch import nn

from sklearn_ssl import ContrastivePretrainer, load
from sklearn_ssl.modalities import Image

X = load_iris().data
FRAME = pd.DataFrame(X, columns=["Länge", "b", "c", "d"])


def module(width=3):
    return nn.Sequential(nn.Linear(4, width), nn.ReLU())


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
