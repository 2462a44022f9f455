"""Pictures of all modes, their intensities, files instead of images, and tensors that numpy lacks."""

import io
import re
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image as Pillow
from sklearn.datasets import load_digits

from sklearn_ssl import AutoencoderPretrainer, ContrastivePretrainer
from sklearn_ssl.modalities import Image, Text, infer_modality

RNG = np.random.default_rng(0)
FAST = {"n_components": 8, "max_epochs": 1, "random_state": 0}
COLOURS = [
    Pillow.fromarray(RNG.integers(0, 256, (4, 4, 3), dtype=np.uint8)).resize((16, 12), Pillow.NEAREST)
    for _ in range(20)
]
PALETTES = [x.quantize(16) for x in COLOURS]
RGB = [x.convert("RGB") for x in PALETTES]
GREY = [x.convert("L") for x in RGB]
DIGITS = load_digits().images[:100]


def new(**params):
    return ContrastivePretrainer(modality=Image(**params), **FAST)


def reversed_palette(x):
    return x.remap_palette(list(range(len(x.getcolors())))[::-1])


def see_through(x, index=0):
    x = x.copy()
    x.info["transparency"] = index
    return x


def rgba_palette(x):
    """Return a palette picture whose palette has an alpha channel that is full."""
    out = Pillow.new("P", x.size)
    out.putdata(list(x.get_flattened_data() if hasattr(x, "get_flattened_data") else x.getdata()))
    triples = np.array(x.getpalette()).reshape(-1, 3)
    out.putpalette(np.column_stack([triples, np.full(len(triples), 255)]).astype(np.uint8).tobytes(), "RGBA")
    return out


def test_features_do_not_depend_on_the_order_of_a_palette():
    est = new().fit(PALETTES)
    assert est.modality_.shape_ == (3, 12, 16)
    Z = est.transform(PALETTES)
    assert (est.transform([reversed_palette(x) for x in PALETTES]) == Z).all()
    assert (est.transform(RGB) == Z).all()
    assert (new().fit([reversed_palette(x) for x in PALETTES]).transform(RGB) == Z).all()
    assert (new().fit(np.stack([np.asarray(x) for x in RGB])).transform(PALETTES) == Z).all()


SAME_LOOK = {
    "RGBA, opaque": lambda x: x.convert("RGBA"),
    "P": lambda x: x.quantize(16),
    "P, a colour that is not there is transparent": lambda x: see_through(x.quantize(16), 200),
    "P, opaque by bytes": lambda x: see_through(x.quantize(16), b"\xff" * 256),
    "P, a palette with an alpha channel": lambda x: rgba_palette(x.quantize(16)),
    "RGBX": lambda x: x.convert("RGBX"),
}


@pytest.mark.parametrize("change", SAME_LOOK.values(), ids=SAME_LOOK)
def test_pictures_of_the_same_look_have_the_same_features(change):
    est = new().fit(RGB)
    assert (est.transform([change(x) for x in RGB]) == est.transform(RGB)).all()
    mixed = [change(x) if i % 2 else x for i, x in enumerate(RGB)]
    assert (est.transform(mixed) == est.transform(RGB)).all()
    assert (new().fit(mixed).transform(RGB) == est.transform(RGB)).all()


def test_grey_pictures_go_with_colours():
    est, grey = new().fit(RGB), new().fit(GREY)
    assert grey.modality_.shape_ == (1, 12, 16)
    assert (est.transform(GREY) == est.transform([x.convert("RGB") for x in GREY])).all()
    for mode in ("RGB", "LA", "RGBA", "P"):
        assert (grey.transform([x.convert(mode) for x in GREY]) == grey.transform(GREY)).all()
    assert new().fit([*RGB, *GREY]).modality_.shape_ == (3, 12, 16)
    with pytest.raises(ValueError, match=r"Row 0.*mode 'P' with colours.*fit saw pictures of mode 'L'"):
        grey.transform(PALETTES)


def test_transparency_is_a_channel():
    clear = [see_through(x) for x in PALETTES]
    est = new().fit(clear)
    assert est.modality_.shape_ == (4, 12, 16)
    Z = est.transform(clear)
    assert (est.transform([x.convert("RGBA") for x in clear]) == Z).all()
    assert (est.transform([reversed_palette(x) for x in clear]) == Z).all()
    assert new().fit([x.convert("LA") for x in clear]).modality_.shape_ == (4, 12, 16)
    with pytest.raises(
        ValueError, match=r"Row 0.*'P' with transparent parts, and fit saw pictures of mode 'RGB'"
    ):
        new().fit(RGB).transform(clear)


@pytest.mark.parametrize(
    "mode, shape",
    [
        ("1", (1, 12, 16)),
        ("CMYK", (3, 12, 16)),
        ("YCbCr", (3, 12, 16)),
        ("HSV", (3, 12, 16)),
        ("LAB", (3, 12, 16)),
    ],
)
def test_other_modes_are_read_by_their_look(mode, shape):
    pictures = [x.convert(mode) for x in RGB]
    est = new().fit(pictures)
    assert est.modality_.shape_ == shape
    look = "L" if mode == "1" else "RGB"
    assert (est.transform([x.convert(look) for x in pictures]) == est.transform(pictures)).all()


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_more_than_8_bits_stay_as_they_are(mode):
    values = RNG.integers(0, 60_000, (20, 12, 16))
    dtype = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
    pictures = [Pillow.fromarray(x.astype(dtype)) for x in values]
    assert pictures[0].mode == mode
    est = new().fit(pictures)
    assert (est.transform(values) == est.transform(pictures)).all()
    assert est.modality_.mean_[0] == pytest.approx(values.mean())
    with pytest.raises(ValueError, match=f"Row 0 of X is a picture of mode {mode!r} beside others of"):
        new().fit([*pictures, *RGB])
    with pytest.raises(ValueError, match=f"picture of mode {mode!r}"):
        new().fit(RGB).transform(pictures)


def test_modes_that_are_not_known_are_named():
    odd = SimpleNamespace(
        **dict.fromkeys(("getbands", "convert", "tobytes"), len), load=list, size=(8, 8), mode="X"
    )
    with pytest.raises(ValueError, match="Row 0 of X is a picture of mode 'X'"):
        new().fit([odd] * 4)
    with pytest.raises(TypeError, match="row 1 is ndarray"):
        new().fit([RGB[0], np.asarray(RGB[1])])
    with pytest.raises(TypeError, match=r"one picture.*\[X\]"):
        new().fit(RGB[0])


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_plain_modes_are_arrays(mode):
    pictures = [x.convert(mode) for x in RGB]
    arrays = np.stack([np.asarray(x) for x in pictures])
    Z = new().fit(arrays).transform(arrays)
    column = np.empty(len(pictures), dtype=object)
    column[:] = pictures
    for X in (pictures, tuple(pictures), column, pd.Series(pictures), [np.asarray(x) for x in pictures]):
        assert (new().fit(X).transform(X) == Z).all()
    assert isinstance(infer_modality(pictures), Image)
    est = ContrastivePretrainer(**FAST).fit(pictures[:10], X_unlabeled=pictures[10:])
    assert (est.transform(pictures) == Z).all()
    assert (
        ContrastivePretrainer(**FAST).fit(tuple(pictures[:10]), X_unlabeled=column[10:]).transform(arrays)
        == Z
    ).all()


def test_pictures_go_into_the_layout_of_fit():
    first = np.stack([np.asarray(x) for x in RGB]).transpose(0, 3, 1, 2)
    for params in ({"channels": "first"}, {"shape": (3, 12, 16)}):
        est = new(**params).fit(RGB)
        assert (est.transform(PALETTES) == est.transform(first)).all()
    est = new().fit(np.stack([np.asarray(x) for x in GREY])[..., None])
    assert est.transform(GREY).shape == (20, 8)


def stretched(X, factor, dtype):
    return (X / X.max() * factor).astype(dtype)


RANGES = {
    "0 to 1 after 0 to 255": (255, np.uint8, 1, np.float32),
    "0 to 255 after 0 to 1": (1, np.float64, 255, np.uint8),
    "0 to 1 after 0 to 16": (16, np.float64, 1, np.float64),
    "0 to 16 after 0 to 1": (1, np.float64, 16, np.float64),
    "16 bits after 8": (255, np.uint8, 65535, np.uint16),
    "8 bits after 16": (65535, np.uint16, 255, np.uint8),
}


@pytest.mark.parametrize("before, dtype, after, other", RANGES.values(), ids=RANGES)
@pytest.mark.parametrize("grey", [True, False])
def test_another_range_than_in_fit_is_told(before, dtype, after, other, grey):
    X = DIGITS if grey else np.stack([DIGITS] * 3, axis=-1)
    est = new().fit(stretched(X, before, dtype))
    for call in (est.transform, est.score, est.partial_fit):
        with pytest.warns(UserWarning, match="intensities of X.*not on the scale of fit"):
            call(stretched(X, after, other))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        est.transform(stretched(X, before, dtype)[:1])


@pytest.mark.parametrize("centre, scale", [(0, 1), (0.5, 0.5), (0.45, 0.22)], ids=str)
def test_standardised_images_after_raw_ones_are_told(centre, scale):
    X = RNG.integers(0, 256, (30, 3, 8, 8), dtype=np.uint8)
    with pytest.warns(UserWarning, match="scale of fit"):
        new().fit(X).transform((X / 255 - centre) / scale)


def test_dark_bright_and_empty_images_are_no_sign_of_another_range():
    X = stretched(DIGITS, 255, np.uint8)
    est = new().fit(X)
    black = np.zeros((3, 8, 8), np.uint8)
    dark, bright, flat = X // 3, 255 - X // 3, np.full((3, 8, 8), 120)
    one = X[:1].copy()
    for images in (black, dark, bright, flat, one, X[::-1], np.concatenate([black, X[:1]]), 255 - X):
        est.transform(images)
    stars = np.zeros((40, 16, 16))
    stars[np.arange(40), RNG.integers(16, size=40), RNG.integers(16, size=40)] = 1
    new().fit(stars).transform(stars[:5])
    plain = np.concatenate([X[..., None]] * 3 + [np.full((100, 8, 8, 1), 255)], axis=-1)
    est = new().fit(plain)
    plain[:50, ..., 3] = 0
    est.transform(plain)


@pytest.mark.parametrize("modality", ["auto", Image()], ids=["auto", "Image"])
def test_images_of_two_sizes_are_named(modality):
    est = ContrastivePretrainer(modality=modality, **FAST)
    lists = [
        [RGB[0], RGB[1], RGB[2].resize((17, 16))],
        [np.zeros((12, 16, 3)), np.zeros((12, 16, 3)), np.zeros((16, 17, 3))],
        [torch.zeros(12, 16, 3), torch.zeros(12, 16, 3), torch.zeros(16, 17, 3)],
        [np.zeros((12, 16)), np.zeros((12, 16)), np.zeros((16, 17))],
    ]
    column = np.empty(3, dtype=object)
    column[:] = lists[1]
    for X in (*lists, tuple(lists[0]), column):
        with pytest.raises(ValueError, match=r"row 0.*\(12, 16.*row 2.*\(16, 17") as caught:
            est.fit(X)
        assert "DataFrame" not in str(caught.value)
        with pytest.raises(ValueError, match=r"row 0.*row 2.*"):
            new().fit(RGB).transform(X)
    with pytest.raises(ValueError, match=r"row 0.*\(12, 16, 3\) and row 1.*\(12, 16\)"):
        est.fit([np.zeros((12, 16, 3)), np.zeros((12, 16))])
    with pytest.raises(ValueError) as caught:
        new().fit([[[1, 2], [3, 4]], [[1, 2]]])
    assert "DataFrame" not in str(caught.value)


@pytest.mark.parametrize("modality", ["auto", Image()], ids=["auto", "Image"])
@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize(
    "suffix, opener",
    [
        (".png", "PIL.Image.open"),
        (".JPG", "PIL.Image.open"),
        (".wav", "soundfile.read"),
        (".mp3", "soundfile.read"),
    ],
)
def test_names_of_files_are_to_be_opened_first(modality, kind, suffix, opener):
    names = [kind(f"some folder/{i}{suffix}") for i in range(6)]
    est = ContrastivePretrainer(modality=modality, **FAST)
    for X in (names, tuple(names), np.array(names), pd.Series(names)):
        with pytest.raises(TypeError, match=rf"Open them first.*{opener}") as caught:
            est.fit(X)
        fix = re.search(r": (\[PIL.*? in X\])", str(caught.value))
        assert suffix.lower() != ".png" or "convert" in fix[1]  # an open picture keeps its file open
    with pytest.raises(TypeError, match="Open them first"):
        est.fit(names[0])
    with pytest.raises(TypeError, match="Open them first"):
        new().fit(RGB).transform(names)


def test_texts_that_speak_of_files_are_texts():
    X = ["see 1.png", "a text about nothing", "another text, x.png"] * 4
    assert isinstance(infer_modality(X), Text)
    Text(min_df=1).fit(["1.png", "2.png"])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32], ids=str)
def test_tensors_of_all_floats(dtype):
    tensor = torch.from_numpy(RNG.normal(size=(12, 3, 8, 8))).to(dtype)
    Z = new().fit(tensor.float().numpy()).transform(tensor.float().numpy())
    assert (new().fit(tensor).transform(tensor) == Z).all()
    assert (ContrastivePretrainer(**FAST).fit(tensor.requires_grad_()).transform(list(tensor)) == Z).all()
    assert (
        ContrastivePretrainer(**FAST).fit(tensor[:6], X_unlabeled=tensor[6:]).transform(tensor) == Z
    ).all()
    table = tensor.detach().reshape(12, -1)
    est = AutoencoderPretrainer(max_epochs=1, random_state=0)
    assert (est.fit_transform(table) == est.fit_transform(table.float().numpy())).all()


@pytest.mark.parametrize(
    "names, message",
    [
        (["https://x.org/1.jpg?size=2"] * 4, r"names of files.*PIL\.Image\.open"),
        (["data:image/png;base64,iVBORw0KGgo="] * 4, "names of files"),
        ([b"\x89PNG\r\n\x1a\n"] * 4, r"bytes of files.*io\.BytesIO"),
        ([io.BytesIO()] * 4, r"open files.*Read them"),
        (["a.npy", "b.npy"], r"names of files.*numpy\.load"),
    ],
    ids=["addresses", "base64", "bytes", "open files", "arrays"],
)
@pytest.mark.parametrize("modality", ["auto", Image()], ids=["auto", "Image"])
def test_files_in_other_forms_are_to_be_opened_first(names, message, modality):
    with pytest.raises(TypeError, match=message):
        ContrastivePretrainer(modality=modality, max_epochs=0).fit(names)


def test_texts_are_no_images():
    with pytest.raises(TypeError, match="Image takes images, and X holds texts, such as 'a cat'"):
        Image().fit(["a cat", "a dog"])


def test_pictures_that_cannot_be_read_are_named():
    file = io.BytesIO()
    Pillow.new("RGB", (64, 64), "red").save(file, "BMP")
    good, cut = Pillow.new("RGB", (64, 64)), Pillow.open(io.BytesIO(file.getvalue()[:500]))
    with pytest.raises(ValueError, match=r"Row 1 of X cannot be read.*leave it out"):
        Image().fit([good, cut])


NOISE = np.random.default_rng(5)


def test_channels_elsewhere_than_in_fit_are_told():
    X = NOISE.random((9, 6, 5, 3))
    last, first = Image().fit(X), Image().fit(X.transpose(0, 3, 1, 2))
    with pytest.raises(ValueError, match=r"moveaxis\(X, 1, -1\)"):
        last.validate(X.transpose(0, 3, 1, 2))
    with pytest.raises(ValueError, match=r"moveaxis\(X, -1, 1\)"):
        first.validate(X)


def test_what_was_never_below_zero_is_told():
    X = NOISE.random((20, 6, 6))
    modality = Image().fit(X)
    with pytest.warns(UserWarning, match="below 0, and none was in fit"):
        modality.validate(2 * X - 1)
    Image().fit(2 * X - 1).validate(2 * X - 1)


def test_two_scales_in_one_fit_are_told():
    X = NOISE.integers(0, 256, (20, 6, 6)) * 1.0
    pool = NOISE.integers(0, 256, (20, 6, 6)) / 255
    with pytest.warns(UserWarning, match=r"50% of the images are from 0 to 1.*X_unlabeled"):
        ContrastivePretrainer(modality=Image(), n_components=4, max_epochs=0).fit(X, X_unlabeled=pool)
    X[:5] = 0  # black ones are no sign of it
    Image().fit(X)
