"""Image encoders of timm, transformers and other libraries, with the preprocessing that they were trained with."""

import json
import pickle

import joblib
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from transformers import (
    AutoModel,
    BertConfig,
    BertModel,
    CLIPVisionConfig,
    CLIPVisionModel,
    ResNetConfig,
    ResNetModel,
    ViTConfig,
    ViTModel,
)

from sklearn_ssl import ContrastivePretrainer, FineTuneClassifier, MaskedPretrainer, load
from sklearn_ssl.encoders import PretrainedImage, PretrainedText, image_encoder, stages_of
from sklearn_ssl.modalities import Image

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (12, 10, 10, 3), dtype=np.uint8)
DIGITS, CLASSES = (a[:40] for a in load_digits(return_X_y=True))  # 0 to 16
GREY = Image(shape=(8, 8))


class Block(nn.Module):
    """A convolution with batch norm."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 3, padding=1)
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


class LikeTimm(nn.Module):
    """What all models of timm have, with a head for classes that are of no use here."""

    def __init__(self, n_channels=3):
        super().__init__()
        self.pretrained_cfg = {"input_size": (3, 16, 16), "mean": MEAN[:n_channels], "std": STD[:n_channels]}
        self.num_features = 6
        self.place = nn.Parameter(torch.randn(1, 4, 1, 1))
        self.stem = Block(n_channels, 4)
        self.blocks = nn.Sequential(Block(4, 4), nn.Sequential(Block(4, 6), Block(6, 6)))
        self.fc = nn.Linear(6, 2)

    def forward_features(self, x):
        return self.blocks(self.stem(x) + self.place)

    def forward_head(self, x, pre_logits=False):
        x = x.mean((2, 3))
        return x if pre_logits else self.fc(x)

    def forward(self, x):
        return self.forward_head(self.forward_features(x))


def tiny_timm():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LikeTimm().eval()


def tiny_vit():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = ViTConfig(
            hidden_size=8,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=8,
            image_size=16,
            patch_size=4,
        )
        return ViTModel(config).eval()


def plain():
    """Return layers of torch with positions left, as those of torchvision without their heads."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 5, 3, stride=2), nn.ReLU(), nn.Conv2d(5, 6, 1)).eval()


def prepared(X, white, size=16):
    """Return images ``(n, h, w, c)`` as the model takes them."""
    x = torch.from_numpy(np.asarray(X, dtype=np.float32) / white).movedim(3, 1)
    x = nn.functional.interpolate(x, (size, size), mode="bilinear", antialias=True)
    return (x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def expected(model, pixels):
    with torch.no_grad():
        if isinstance(model, LikeTimm):
            return model.forward_features(pixels).mean((2, 3)).numpy()
        if isinstance(model, ViTModel):
            return model(pixel_values=pixels).last_hidden_state.mean(1).numpy()
        return model(pixels).mean((2, 3)).numpy()


MODELS = {"timm": tiny_timm, "transformers": tiny_vit, "torch": plain}


def wrapped(kind, size=16):
    return PretrainedImage(MODELS[kind](), size=size, mean=MEAN, std=STD)


def frozen(encoder, X, **params):
    return ContrastivePretrainer(encoder=encoder, max_epochs=0, random_state=0, **params).fit(X)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("white", [255, 1, 16])
def test_features_are_those_of_the_model(kind, white):
    model = MODELS[kind]()
    X = COLOUR if white == 255 else (COLOUR / 255 * white)
    X[0, 0, 0] = white  # the brightest is white
    Z = frozen(wrapped(kind), X).transform(X)
    np.testing.assert_allclose(Z, expected(model, prepared(X, white)), atol=1e-4)


def test_timm_says_how_its_images_were_prepared():
    Z = frozen(tiny_timm(), COLOUR).transform(COLOUR)
    assert (frozen(wrapped("timm"), COLOUR).transform(COLOUR) == Z).all()
    small = PretrainedImage(tiny_timm(), size=(12, 12))
    np.testing.assert_allclose(
        frozen(small, COLOUR).transform(COLOUR),
        expected(tiny_timm(), prepared(COLOUR, COLOUR.max(), 12)),
        atol=0.02,
    )


def test_transformers_keep_it_beside_the_weights(tmp_path):
    tiny_vit().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"does not say what images.*processor\.image_mean"):
        frozen(AutoModel.from_pretrained(tmp_path), COLOUR)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"image_mean": MEAN, "image_std": STD}))
    model = AutoModel.from_pretrained(tmp_path)
    X = np.concatenate([COLOUR, np.full_like(COLOUR[:1], 255)])
    np.testing.assert_allclose(
        frozen(model, X).transform(X), expected(model, prepared(X, 255)), atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize(
    "saved, size",
    [
        ({"size": {"height": 20, "width": 24}}, (20, 24)),
        ({"size": {"shortest_edge": 20}}, (20, 20)),
        ({"size": 20}, (20, 20)),
        (
            {"size": {"shortest_edge": 30}, "do_center_crop": True, "crop_size": {"height": 24, "width": 24}},
            (24, 24),
        ),
        ({}, None),
    ],
)
def test_sizes_that_transformers_write(saved, size, tmp_path):
    config = ResNetConfig(embedding_size=4, hidden_sizes=[4, 8], depths=[1, 1], layer_type="basic")
    ResNetModel(config).save_pretrained(tmp_path)  # it has no size of its own
    saved = {"image_mean": MEAN, "image_std": STD, **saved}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(saved))
    encoder = PretrainedImage(AutoModel.from_pretrained(tmp_path))
    assert encoder.size == size
    assert frozen(encoder, COLOUR).transform(COLOUR).shape == (12, 8)


def test_grey_images_become_colour_images():
    model = tiny_timm()
    Z = frozen(model, DIGITS, modality=GREY).transform(DIGITS)
    colour = np.repeat(DIGITS.reshape(-1, 8, 8, 1), 3, axis=3)
    np.testing.assert_allclose(Z, expected(model, prepared(colour, 16)), atol=1e-4)


@pytest.mark.parametrize("kind", MODELS)
def test_pickles_hashes_saves_and_loads(kind, tmp_path):
    est = frozen(wrapped(kind), COLOUR)
    Z = est.transform(COLOUR)
    other = pickle.loads(pickle.dumps(est))
    assert (other.transform(COLOUR) == Z).all() and joblib.hash(other) == joblib.hash(est)
    est.save(tmp_path)
    with pytest.raises(ValueError, match=r"module of your own.*PretrainedImage"):
        load(tmp_path)
    assert (load(tmp_path, encoder=wrapped(kind)).transform(COLOUR) == Z).all()
    again = ContrastivePretrainer(encoder=est.encoder_, max_epochs=0).fit(COLOUR)
    assert (again.transform(COLOUR) == Z).all()


def test_trains_on():
    model = tiny_timm()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    est = MaskedPretrainer(encoder=model, max_epochs=1, on_collapse="ignore", random_state=0).fit(COLOUR)
    assert not np.array_equal(est.transform(COLOUR), frozen(model, COLOUR).transform(COLOUR))
    assert all((value == before[name]).all() for name, value in model.state_dict().items())


@pytest.mark.parametrize("kind", ["timm", "transformers"])
def test_is_fine_tuned_by_parts(kind, tmp_path):
    ssl = frozen(wrapped(kind, 8 if kind == "timm" else 16), DIGITS, modality=GREY)
    clf = FineTuneClassifier(ssl, tune="all", max_epochs=1, batch_size=20, random_state=0)
    clf.fit(DIGITS[:20], CLASSES[:20], X_unlabeled=DIGITS[20:])
    rates = [group["lr"] for group in clf._param_groups(clf.net_.module_)][1:]
    assert len(rates) == len(stages_of(ssl.encoder_)) > 1 and rates == sorted(rates, reverse=True)
    batch = torch.rand(2, 1, 8, 8)
    with torch.no_grad():
        assert not torch.equal(clf.encoder_(batch), ssl.encoder_(batch))
    clf.save(tmp_path)  # sizes are saved too
    assert (
        load(tmp_path, encoder=wrapped(kind, 12)).predict_proba(DIGITS) == clf.predict_proba(DIGITS)
    ).all()


@pytest.mark.parametrize("make", [tiny_timm, tiny_vit, plain])
def test_stages_hold_every_weight_once(make):
    encoder = PretrainedImage(make(), mean=MEAN, std=STD)
    found = [id(p) for stage in stages_of(encoder) for p in stage.parameters()]
    assert sorted(found) == sorted(map(id, encoder.parameters()))
    if make is tiny_timm:
        kinds = [type(stage).__name__ for stage in stages_of(encoder)]
        assert kinds == ["ParameterList", "Block", "Block", "Block", "Block", "Linear"]


def test_stages_of_a_text_model_with_weights_of_its_own():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))
            self.blocks = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
            self.last = nn.Linear(4, 2)

    encoder = PretrainedText(Model())
    found = [id(p) for stage in stages_of(encoder) for p in stage.parameters()]
    assert sorted(found) == sorted(map(id, encoder.parameters()))


def test_only_the_part_for_images_is_used():
    config = CLIPVisionConfig(
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=8,
        patch_size=4,
    )
    encoder = PretrainedImage(CLIPVisionModel(config), mean=MEAN, std=STD)
    assert encoder.size == (8, 8)
    assert frozen(encoder, COLOUR).transform(COLOUR).shape == (12, 8)


def test_weights_of_half_precision_give_float32():
    model = tiny_vit().half()
    Z = frozen(PretrainedImage(model, mean=MEAN, std=STD), COLOUR).transform(COLOUR)
    assert Z.dtype == np.float32
    np.testing.assert_allclose(Z, frozen(wrapped("transformers"), COLOUR).transform(COLOUR), atol=0.02)


def test_other_modules_are_left_alone():
    model = plain()
    assert image_encoder(model) is model
    encoder = wrapped("timm")
    assert image_encoder(encoder) is encoder


class Named(nn.Module):
    """A model whose output is no tensor."""

    def forward(self, x):
        return {"out": x}


def refused(words, encoder, X=COLOUR):
    with pytest.raises(ValueError, match=words):
        frozen(encoder, X)


def test_images_that_do_not_fit_are_refused():
    refused(r"takes images of 3 channels, and X has 4.*X\[\.\.\., :3\]", tiny_timm(), np.ones((4, 8, 8, 4)))
    refused("takes images of 1 channel, and X has 3", PretrainedImage(LikeTimm(1)))
    refused("some below 0", tiny_timm(), COLOUR - 100.0)
    refused("returned dict", PretrainedImage(Named(), mean=MEAN, std=STD))
    refused("fails on a batch", PretrainedImage(tiny_vit(), size=20, mean=MEAN, std=STD))


@pytest.mark.parametrize(
    "params, words",
    [
        ({"mean": MEAN}, "does not say what images"),
        ({"mean": MEAN, "std": (0.1, 0.0, 0.1)}, "std must be positive"),
        ({"mean": MEAN, "std": (0.1,)}, "as many numbers"),
        ({"mean": 0.5, "std": 0.5}, "as many numbers"),
        ({"mean": MEAN, "std": STD, "size": 0}, "size=0"),
        ({"mean": MEAN, "std": STD, "size": (3, 8, 8)}, "size="),
        ({"mean": MEAN, "std": STD, "size": 8.5}, "size="),
        ({"mean": MEAN, "std": STD, "size": "8"}, "size="),
        ({"mean": "abc", "std": STD}, "as many numbers"),
    ],
)
def test_wrong_settings_are_refused(params, words):
    with pytest.raises(ValueError, match=words):
        PretrainedImage(plain(), **params)


def test_models_without_images_are_refused():
    with pytest.raises(TypeError, match=r"must be an nn\.Module"):
        PretrainedImage("resnet18", mean=MEAN, std=STD)
    tiny = BertConfig(
        vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    refused("takes no images", BertModel(tiny))
    with pytest.raises(ValueError, match=r"timm\.create_model\('resnet18'"):
        frozen("resnet18", COLOUR)


def test_a_changed_white_is_refused(tmp_path):
    frozen(wrapped("torch"), COLOUR).save(tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    del config["digests"]
    config["modality"]["fitted"]["dict"]["white_"] = -1.0
    path.write_text(json.dumps(config))
    with pytest.raises(ValueError, match="white_"):
        load(tmp_path, encoder=wrapped("torch"))


def test_a_model_of_timm():
    timm = pytest.importorskip("timm", exc_type=ImportError)
    model = timm.create_model("test_resnet", pretrained=False).eval()
    est = frozen(model, COLOUR)
    assert est.transform(COLOUR).shape == (12, model.num_features)
