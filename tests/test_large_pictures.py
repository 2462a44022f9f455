"""Large images: networks and batches follow their size, and a line says what training will take."""

import json
import re

import numpy as np
import pytest
import torch

from sklearn_ssl import AutoencoderPretrainer, ContrastivePretrainer, load
from sklearn_ssl.encoders import ConvNet
from sklearn_ssl.modalities import Image

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "size, stride, batch",
    [
        ((8, 8), 1, 256),
        ((28, 28), 1, 256),
        ((32, 32), 1, 256),
        ((63, 63), 1, 256),
        ((64, 64), 2, 256),
        ((20, 600), 1, 128),
        ((128, 96), 2, 128),
        ((224, 224), 4, 64),
        ((512, 700), 16, 64),
    ],
)
def test_first_layer_and_batch_follow_the_size(size, stride, batch):
    modality = Image().fit(RNG.random((2, *size)))
    assert (modality.stride_, modality.batch_size) == (stride, batch)
    net = modality.encoder("auto", None)
    first = net.layers[0][0]
    assert first.stride == (stride, stride) and first.kernel_size[0] >= stride
    assert first(torch.zeros(1, 1, *size)).shape[2:] == tuple(-(-side // stride) for side in size)
    assert modality.encoder("auto", 8)(torch.zeros(2, 1, *size)).shape == (2, 8)


def test_small_images_keep_their_network():
    for size in (8, 28, 32):
        nets = []
        for params in ({}, {"stride": Image().fit(RNG.random((2, size, size))).stride_}):
            torch.manual_seed(0)
            nets.append(ConvNet((1, size, size), **params))
        old, new = (net.state_dict() for net in nets)
        assert str(nets[0]) == str(nets[1]) and all((old[name] == new[name]).all() for name in old)


def test_work_grows_slower_than_images():
    """Four times the pixels take hardly more values in the hidden layers."""
    sizes = {}
    for side in (32, 64, 128, 256):
        net = Image().fit(RNG.random((2, side, side))).encoder("auto", 8)
        x, sizes[side] = torch.zeros(1, 1, side, side), 0
        for layer in net.layers:
            x = layer(x)
            sizes[side] += x.numel()
    assert max(sizes.values()) == min(sizes.values())


@pytest.mark.parametrize("cls", [ContrastivePretrainer, AutoencoderPretrainer])
def test_all_pixels_are_seen(cls):
    X = RNG.random((6, 70, 66))
    est = cls(modality=Image(), n_components=8, max_epochs=1, random_state=0, on_collapse="ignore").fit(X)
    Z = est.transform(X[:1])
    for row, column in RNG.integers(0, (70, 66), (10, 2)):
        other = X[:1].copy()
        other[0, row, column] += 1
        assert (est.transform(other) != Z).any()


def test_folders_of_earlier_versions_have_no_stride(tmp_path):
    X = RNG.random((6, 64, 64))
    est = ContrastivePretrainer(
        modality=Image(), encoder=ConvNet((1, 64, 64), 8), max_epochs=0, random_state=0
    ).fit(X)
    est.save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["digests"]
    del config["modality"]["fitted"]["dict"]["stride_"]
    config["params"]["dict"]["encoder"] = "auto"  # its weights are those of a network without a stride
    config["params"]["dict"]["n_components"] = 8
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert (load(tmp_path).transform(X) == est.transform(X)).all()


def test_verbose_says_what_to_expect(capsys):
    X = RNG.normal(size=(90, 4))
    params = {"n_components": 4, "batch_size": 30, "random_state": 0}
    est = ContrastivePretrainer(max_epochs=4, verbose=1, **params).fit(X)
    lines = [line for line in capsys.readouterr().err.splitlines() if "epochs of" in line]
    assert len(lines) == 1
    assert re.search(
        r"ContrastivePretrainer \[cpu, .*\]: 4 epochs of 3 steps of up to 30 rows, about .*, \d+\.\d GB of memory",
        lines[0],
    )
    est.set_params(early_stopping=True, max_epochs="auto", n_iter_no_change=1).fit(X)
    err = capsys.readouterr().err
    assert re.search(r"at most \d+ epochs of 3 steps of up to 30 rows", err) and err.count("epochs of") == 1
    est.set_params(verbose=0, early_stopping=False, max_epochs=4).fit(X)
    assert capsys.readouterr() == ("", "")
    assert (est.transform(X) == ContrastivePretrainer(max_epochs=4, **params).fit(X).transform(X)).all()
