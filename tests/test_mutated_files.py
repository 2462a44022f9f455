"""Changed files of saved models are refused in our words, or give the same features."""

import collections
import json
import os
from pathlib import Path

import mutated_files
import numpy as np
import pytest
import safetensors.torch
import torch
from sklearn.datasets import load_iris

from sklearn_ssl import ContrastivePretrainer, MaskedPretrainer, SelfOrganizingMap, load
from sklearn_ssl.modalities import Text

X = load_iris().data


@pytest.mark.parametrize("forged", [False, True])
def test_changed_folders_are_refused_or_give_the_same_features(tmp_path, forged):
    """Two or three of each kind of change; with other seeds and more of them, run benchmarks/mutated_files.py."""
    found = collections.Counter()
    for kind, name, what, said, _, megabytes in mutated_files.attack(60, 1, forged, tmp_path):
        assert mutated_files.is_good(what, forged, 0.0, megabytes), (kind, name, what, said)
        found[what] += 1
    assert found["refused"] > 40
    assert sum(found.values()) == 60


def test_the_watch_sees_what_is_opened_and_run(tmp_path):
    """The test above could not fail if it did not."""
    watch = mutated_files.Watch()
    (tmp_path / "inside").write_text("")
    watch.folder = tmp_path.resolve()
    (tmp_path / "inside").read_text()
    assert watch.seen == []
    Path(__file__).read_text()
    eval("1")
    watch.folder = None
    assert watch.seen[0] == f"opened {Path(__file__).resolve()}"
    assert any(entry.startswith("exec") for entry in watch.seen)


def saved(tmp_path, estimator=None, data=X):
    estimator = estimator or MaskedPretrainer(max_epochs=0, n_components=4, random_state=0)
    estimator.fit(data).save(tmp_path)
    return estimator


def edit(folder, *path, to):
    """Change one entry of the description, and leave the digests out, as a forger would."""
    config = json.loads((folder / "config.json").read_text())
    config.pop("digests", None)
    place = config
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    (folder / "config.json").write_text(json.dumps(config))


def edit_weights(folder, change):
    with safetensors.torch.safe_open(folder / "model.safetensors", framework="pt") as file:
        metadata = file.metadata()
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    change(tensors)
    safetensors.torch.save_file(tensors, folder / "model.safetensors", metadata=metadata)


def test_flipped_weights_are_found(tmp_path):
    saved(tmp_path)

    def change(tensors):
        tensors["objective.encoder.layers.0.0.weight"][0, 0] += 1e-3

    edit_weights(tmp_path, change)
    with pytest.raises(ValueError, match="changed after it was saved: its weights"):
        load(tmp_path)


def test_a_changed_description_is_found_and_may_be_meant(tmp_path):
    est = saved(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["params"]["dict"]["lr"] = 0.5
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"its description.*delete the entry 'digests'"):
        load(tmp_path)
    edit(tmp_path, "params", "dict", "lr", to=0.5)
    loaded = load(tmp_path)
    assert loaded.lr == 0.5
    assert (loaded.transform(X) == est.transform(X)).all()


@pytest.mark.parametrize("n", [300_000, 10**9])
@pytest.mark.parametrize("names", [("n_components",), ("n_components", "n_components_", "encoder_width_")])
def test_a_network_of_any_size_is_not_built(tmp_path, n, names):
    saved(tmp_path)
    for name in names:
        edit(tmp_path, "params" if name == "n_components" else "fitted", "dict", name, to=n)
    before = mutated_files.memory("VmRSS")
    mutated_files.forget_peak()
    with pytest.raises(
        ValueError, match=r"do not fit the encoder|n_components_ is|n_components=.*encoder returns"
    ):
        load(tmp_path)
    assert mutated_files.memory("VmHWM") - before < 300


def test_the_head_may_be_no_larger_than_the_weights(tmp_path):
    """The encoder is compared without memory; the parts around it may take as much as the file has."""
    saved(tmp_path, ContrastivePretrainer(max_epochs=0, n_components=4))
    for name in ("n_components_", "encoder_width_"):
        edit(tmp_path, "fitted", "dict", name, to=10**8)
    edit(tmp_path, "params", "dict", "n_components", to=None)
    with pytest.raises(ValueError, match="do not fit the encoder"):
        load(tmp_path)


@pytest.mark.parametrize("wanted", [torch.bool, torch.int64, torch.float64, torch.float16, torch.bfloat16])
def test_weights_of_another_type_are_refused(tmp_path, wanted):
    saved(tmp_path)
    edit(tmp_path, "format", to=2)
    edit_weights(
        tmp_path,
        lambda tensors: tensors.update(
            {k: v.to(wanted) for k, v in tensors.items() if "layers" in k and v.is_floating_point()}
        ),
    )
    with pytest.raises(ValueError, match=rf"is {str(wanted)[6:]} of shape .* should be float32"):
        load(tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["objective.encoder.layers.0.0.weight", "modality.fitted.mean_"])
def test_numbers_that_are_not_finite_are_refused(tmp_path, name, value):
    saved(tmp_path)
    edit(tmp_path, "format", to=2)
    edit_weights(tmp_path, lambda tensors: tensors[name].view(-1)[:1].fill_(value))
    with pytest.raises(ValueError, match="finite"):
        load(tmp_path)


def test_a_tokenizer_is_never_a_path(tmp_path):
    text = Text(analyzer="subword", max_features=20)
    texts = ["a b c", "b c d"] * 5
    est = saved(tmp_path / "model", ContrastivePretrainer(modality=text, encoder="bag", max_epochs=0), texts)
    (tmp_path / "tokenizer.json").write_text(est.modality_.tokenizer_)  # a good one, but a file
    edit(tmp_path / "model", "modality", "fitted", "dict", "tokenizer_", to=str(tmp_path / "tokenizer.json"))
    with pytest.raises(ValueError, match="no tokenizer"):
        load(tmp_path / "model")


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("columns_", {"tuple": ["a"]}, "columns_ of Tabular must have 4 entries"),
        ("n_features_in_", 10**9, "positions of all columns"),
        ("n_features_in_", True, "must be an integer"),
        ("scale_", {"array": "modality.fitted.numeric_"}, "array of kind f"),
        ("scale_", {"array": ["a"]}, "is missing"),
        ("categories_", {"tuple": [{"tuple": []}]}, "0 tuples"),
        ("transform", 1, "no fitted attributes"),
        ("cells", 1, "no fitted attributes"),
        ("mean_", {"odd": 1}, "unknown kind"),
    ],
)
def test_attributes_of_a_modality_are_checked(tmp_path, name, value, message):
    saved(tmp_path)
    edit(tmp_path, "modality", "fitted", "dict", name, to=value)
    with pytest.raises(ValueError, match=message):
        load(tmp_path)


@pytest.mark.parametrize(
    "path, value, message",
    [
        (("set_output",), {"transform": "evil"}, "set_output"),
        (("set_output",), {"fit": "pandas"}, "set_output"),
        (("params", "dict", "modality"), "tabular", "'auto' or a modality"),
        (("params", "dict", "callbacks"), ["x"], "no parameters"),
        (("params", "dict", "warm_start"), 7, "'warm_start' parameter"),
        (("fitted", "dict", "history_"), [1], "figures of epochs"),
        (("fitted", "dict", "precision_"), "float8", "precision_"),
        (("modality", "modality"), "sklearn_ssl.modalities.Image", "no parameters"),
    ],
)
def test_entries_of_a_description_are_checked(tmp_path, path, value, message):
    saved(tmp_path)
    edit(tmp_path, *path, to=value)
    with pytest.raises(ValueError, match=message):
        load(tmp_path)


@pytest.mark.parametrize("depth", [40, 600, 100_000])
def test_deep_lists_are_refused(tmp_path, depth):
    saved(tmp_path)
    edit(tmp_path, "fitted", "dict", "history_", to="@@")
    text = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(text.replace('"@@"', "[" * depth + "]" * depth))
    with pytest.raises(ValueError, match=r"nested more than|recursion"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "device"])
def test_only_regular_files_are_opened(tmp_path, name, kind):
    saved(tmp_path / "model")
    place = tmp_path / "model" / name
    place.rename(tmp_path / name)
    {
        "link": lambda: place.symlink_to(tmp_path / name),
        "pipe": lambda: os.mkfifo(place),
        "folder": place.mkdir,
        "device": lambda: place.symlink_to("/dev/zero"),
    }[kind]()
    with pytest.raises(ValueError, match="link" if kind in ("link", "device") else "not a regular file"):
        load(tmp_path / "model")


def test_save_writes_into_its_own_folder_only(tmp_path):
    est = saved(tmp_path / "model")
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "model" / "config.json.new").symlink_to(tmp_path / "precious")
    est.save(tmp_path / "model")
    assert (tmp_path / "precious").read_text() == "mine"
    assert (load(tmp_path / "model").transform(X) == est.transform(X)).all()


def test_a_long_header_is_refused(tmp_path):
    saved(tmp_path)
    content = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes((2**40).to_bytes(8, "little") + content[8:])
    with pytest.raises(ValueError, match="is damaged"):
        load(tmp_path)


def test_wide_arrays_of_texts_are_not_made(tmp_path):
    """Each cell of an array of str is as wide as the longest text."""
    saved(tmp_path)
    wide = {"strings": ["a"] * 20_000 + ["a" * 20_000], "objects": False}
    edit(tmp_path, "fitted", "dict", "classes_", to=wide)
    with pytest.raises(ValueError, match="too wide"):
        load(tmp_path)


@pytest.mark.parametrize(
    "name, value",
    [
        ("shape_", {"tuple": [2, 4]}),
        ("topology_", "cubic"),
        ("n_features_in_", 5),
        ("cooled_", 2.0),
        ("n_iter_", -1),
    ],
)
def test_maps_are_checked(tmp_path, name, value):
    saved(tmp_path, SelfOrganizingMap(shape=(2, 3), max_epochs=1))
    edit(tmp_path, "fitted", "dict", name, to=value)
    with pytest.raises(ValueError, match=f"{name} of SelfOrganizingMap"):
        load(tmp_path)


def test_missing_permission_is_said(tmp_path):
    """Of a folder that cannot be written to, and of files that cannot be read; root may do either."""
    est = saved(tmp_path / "model")
    tmp_path.chmod(0o755)
    for place, mode in ((tmp_path / "model", 0o555), (tmp_path / "model" / "config.json", 0o600)):
        place.chmod(mode)
    said = []
    for folder in (tmp_path, *tmp_path.parents):  # another user must get that far
        if folder.stat().st_uid == os.getuid() and folder != Path("/") and not folder.stat().st_mode & 0o005:
            folder.chmod(0o755)
    before = os.geteuid()
    os.seteuid(65534 if before == 0 else before)
    (tmp_path / "model" / "config.json").chmod(0) if before else None
    try:
        for call in (lambda: est.save(tmp_path / "model"), lambda: load(tmp_path / "model")):
            with pytest.raises(PermissionError) as error:
                call()
            said.append(str(error.value))
    finally:
        os.seteuid(before)
        (tmp_path / "model").chmod(0o755)
    assert "cannot be written to: the permission is lacking" in said[0]
    assert "cannot be read: the permission is lacking" in said[1]


def test_older_folders_without_digests_load(tmp_path):
    est = saved(tmp_path)
    edit(tmp_path, "format", to=2)
    np.testing.assert_array_equal(load(tmp_path).transform(X), est.transform(X))
