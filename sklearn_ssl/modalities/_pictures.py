"""Lists of pictures, as pillow opens them, and of file names."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

import numpy as np

# what a picture looks like once palettes and the like are resolved, and its channels
LOOKS = {"L": 1, "RGB": 3, "RGBA": 4}
CONVERTED = {
    **dict.fromkeys(("CMYK", "YCbCr", "LAB", "HSV", "RGBX"), "RGB"),
    **{"1": "L", "RGBa": "RGBA", "La": "LA"},
}
OPAQUE = {"LA": "L", "P": "RGB", "PA": "RGB", "RGBA": "RGB"}  # what may be transparent, and what it is if not
NUMBERS = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")  # one channel, of more than 8 bits
IMAGE_FILES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
    ".webp",
    ".avif",
    ".heic",
    ".jp2",
    ".ppm",
)
DATA_FILES = (
    ".npy",
    ".npz",
    ".dcm",
    ".nii",
    ".h5",
    ".hdf5",
    ".parquet",
    ".mat",
    ".pt",
    ".mp4",
    ".avi",
    ".svg",
)
IMAGE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*", b"BM")
# converted at once: an open picture keeps its file open, and there may be more pictures than a process may open files
OPEN = "[PIL.Image.open({}).convert('RGB').resize((64, 64)) for {} in X]"
SOUND_FILES = (".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".aiff")


def is_picture(x: Any) -> bool:
    """Return whether x is a picture of pillow, judging by its attributes."""
    return all(hasattr(x, name) for name in ("mode", "getbands", "convert", "tobytes"))


def are_pictures(X: Any) -> bool:
    """Return whether X is a list, array or Series of pictures, judging by the first."""
    return is_picture(_first(X))


def are_files(X: Any) -> bool:
    """Return whether X is a list, array or Series whose entries all are paths or names of files."""
    if isinstance(X, (str, PurePath)):
        return bool(_suffix_kind(X))
    first = _first(X)
    return isinstance(first, (str, PurePath)) and bool(_suffix_kind(first)) and all(map(_suffix_kind, X))


def refuse_files(X: Any) -> None:
    """Raise an error if X holds files, or names of files of images, sounds or arrays: how to open them."""
    first = X if isinstance(X, (str, PurePath)) else _first(X)
    if isinstance(first, bytes) and first.startswith(IMAGE_STARTS):
        raise TypeError(
            "X holds the bytes of files of images. Open them first, with one mode and size: "
            f"{OPEN.format('io.BytesIO(data)', 'data')}."
        )
    if hasattr(first, "read") and not is_picture(first):
        raise TypeError(
            f"X holds open files, of type {type(first).__name__}. Read them first, for example by "
            f"{OPEN.format('file', 'file')}."
        )
    if not are_files(X) and not isinstance(first, PurePath):
        return
    if _suffix_kind(first) == "data":
        raise TypeError(
            f"X holds names of files, such as {str(first)!r:.80}. Read them first, for example by "
            "[numpy.load(name) for name in X]. If the names themselves are the texts, pass them as str with "
            "modality=Text()."
        )
    if _suffix_kind(first) == "sounds":
        raise TypeError(
            f"X holds names of files of sounds, such as {str(first)!r:.80}. Open them first: "
            "[soundfile.read(name)[0] for name in X], and pass them with modality=Audio(sample_rate=...), the rate "
            "that soundfile.read(name)[1] tells."
        )
    raise TypeError(
        f"X holds names of files, such as {str(first)!r:.80}. Open them first, with one mode and size: "
        f"{OPEN.format('name', 'name')}. If the names themselves are the texts, pass them as str with modality=Text()."
    )


def refuse_words(X: Any) -> None:
    """Raise an error if X is a list whose first entry is a text, or bytes, or nothing."""
    first = _first(X)
    if isinstance(first, (str, bytes)):
        raise TypeError(
            f"Image takes images, and X holds texts, such as {first!r:.60}. If they name files, open them first: "
            f"{OPEN.format('name', 'name')}."
        )


def picture_array(X: Any, channels: int | None = None) -> np.ndarray:
    """Return a list of pictures as an array ``(n, h, w)``, or ``(n, h, w, c)`` for colours.

    Palettes become the colours they stand for, and so do other ways to store colours; alpha channels are
    kept. Pictures of several modes become that mode which holds them all.

    Parameters
    ----------
    X : list, array or Series of pictures
    channels : int, optional
        That the array must have: as in fit.

    Raises
    ------
    ValueError, TypeError
        If pictures differ in size, or cannot become one mode without a loss.
    """
    pictures = list(X)
    for i, x in enumerate(pictures):
        if not is_picture(x):
            raise TypeError(
                f"X is a list of pictures, and row {i} is {type(x).__name__}. Pass pictures only."
            )
        try:
            x.load()  # pillow reads a file when its pixels are asked for
        except (OSError, ValueError) as error:
            raise ValueError(
                f"Row {i} of X cannot be read: {error}. The file is damaged, or was closed: open it again with "
                "PIL.Image.open, or leave it out."
            ) from error
    refuse_sizes([x.size[::-1] for x in pictures])
    modes = [x.mode for x in pictures]
    if len(set(modes)) == 1 and modes[0] in NUMBERS and channels in (None, 1):
        return np.stack([np.asarray(x) for x in pictures])
    for i, mode in enumerate(modes):
        if mode not in LOOKS and mode not in CONVERTED and mode not in OPAQUE:
            raise ValueError(
                f"Row {i} of X is a picture of mode {mode!r}{_beside(mode, modes)}. Convert all to one mode, for "
                "example [x.convert('RGB') for x in X]."
            )
    if set(modes) == {"RGBA"} and channels in (None, 4):
        looks = modes  # all have an alpha channel, even if it says nothing
    else:
        pictures = [_resolved(x) for x in pictures]
        looks = [x.mode for x in pictures]
    wanted = max(looks, key=LOOKS.__getitem__)
    if channels is not None:
        wanted = {count: look for look, count in LOOKS.items()}.get(channels, wanted)
    return np.stack([_as(x, wanted, modes[i], i) for i, x in enumerate(pictures)])


def arranged(array: np.ndarray, layout: tuple[int, ...] | None, channels_first: bool) -> np.ndarray:
    """Return pictures as an array with the axes that images of the shape `layout` have, where they fit."""
    first = np.moveaxis(array, -1, 1) if array.ndim == 4 else array[:, np.newaxis]
    if layout is None:
        return first if channels_first and array.ndim == 4 else array
    forms = (array, first, array[..., np.newaxis])
    return next((form for form in forms if form.shape[1:] == layout), array)


def why_no_images(shape: tuple[int, ...], layout: tuple[int, ...], flat: bool) -> str:
    """Return an error message about an array that does not hold images of the shape `layout`.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    layout : tuple of int
        Shape of one image.
    flat : bool
        Whether rows of pixels are taken, too.
    """
    if shape == layout:
        return f"X of shape {shape} is one image. Pass several, or X[numpy.newaxis]."
    if len(layout) == 3 and len(shape) == 4 and shape[1:] != layout:
        for start, end in ((1, -1), (-1, 1)):
            axes = list(shape[1:])
            axes.insert(len(axes) if end == -1 else 0, axes.pop(0 if start == 1 else -1))
            if tuple(axes) == layout:
                return (
                    f"Image is expecting images of shape {layout}, and rows of X have shape {shape[1:]}: the channels "
                    f"are elsewhere than in fit. Pass numpy.moveaxis(X, {start}, {end})."
                )
    channels, rest = divmod(math.prod(shape[1:]), math.prod(layout))
    if flat and len(layout) == 2 and channels in LOOKS.values() and channels > 1 and not rest:
        return (
            f"Rows of X have {math.prod(shape[1:])} pixels, which is {channels} times shape={layout}. Name the "
            f"channels, too: modality=Image(shape={(*layout, channels)}), or {(channels, *layout)} if they come first."
        )
    return (
        f"Image is expecting images of shape {layout}, and X of shape {shape} has rows of shape {shape[1:]}. Reshape "
        "X, or pass the shape of its rows in modality=Image(shape=...)."
    )


def stack_images(X: Any) -> Any:
    """Return a list of arrays, of two axes or more, as one array; anything else unchanged.

    Raises
    ------
    ValueError
        If they differ in shape.
    """
    if getattr(_first(X), "ndim", 0) < 2 or not hasattr(_first(X), "shape"):
        return X
    refuse_sizes(tuple(getattr(x, "shape", ())) for x in X)
    return X if isinstance(X, (list, tuple)) else np.stack(list(X))


def refuse_sizes(shapes: Iterable[tuple[int, ...]]) -> None:
    """Raise an error that names two rows if images differ in shape."""
    first: tuple[int, ...] | None = None
    for i, shape in enumerate(shapes):
        first = shape if first is None else first
        if shape != first:
            raise ValueError(
                f"Images must have one shape: row 0 of X has shape {first} and row {i} has {shape}. Resize or crop "
                "them, and give them the same channels: for pictures, [x.convert('RGB').resize((64, 64)) for x in X]."
            )


def _first(X: Any) -> Any:
    """Return the first entry of something like a list; None if it is anything else, or empty."""
    listed = hasattr(X, "__len__") and hasattr(X, "__iter__") and not isinstance(X, (str, bytes, dict))
    if (
        not listed
        or getattr(X, "ndim", 1) != 1
        or getattr(getattr(X, "dtype", None), "kind", "O") in "biufcmM"
    ):
        return None
    return next(iter(X), None)


def _suffix_kind(name: Any) -> str:
    """Return "images", "sounds" or "data" if a name or an address ends like a file of these; else an empty string."""
    if not isinstance(name, (str, PurePath)):
        return ""
    name = str(name).rstrip().lower()
    if name.startswith("data:image/"):
        return "images"
    if "://" in name:  # of an address, what follows the name of the file does not count
        name = name.partition("?")[0].partition("#")[0]
    kinds = {"images": IMAGE_FILES, "sounds": SOUND_FILES, "data": DATA_FILES}
    return next((kind for kind, ends in kinds.items() if name.endswith(ends)), "")


def _beside(mode: str, modes: list[str]) -> str:
    others = sorted(set(modes) - {mode})
    return f" beside others of {others}" if others else ", which does not go here"


def _resolved(x: Any) -> Any:
    """Return a picture in the mode of its look: palettes resolved, and no alpha channel if it is opaque."""
    x = x.convert(CONVERTED[x.mode]) if x.mode in CONVERTED else x
    if x.mode not in OPAQUE:
        return x
    full = x.convert(
        "RGBA"
    )  # of a palette with transparency, pillow converts to nothing else without a warning
    return full.convert(OPAQUE[x.mode]) if full.getextrema()[3][0] == 255 else full


def _as(x: Any, wanted: str, mode: str, row: int) -> np.ndarray:
    """Return a picture as an array in the mode `wanted`, if nothing is lost by it."""
    if x.mode == "RGB" and wanted == "L":
        colours = np.asarray(x)
        if (colours == colours[..., :1]).all():
            return colours[..., 0]
    elif LOOKS[x.mode] <= LOOKS[wanted]:
        return np.asarray(x.convert(wanted))
    parts = "transparent parts" if x.mode == "RGBA" else "colours"
    raise ValueError(
        f"Row {row} of X is a picture of mode {mode!r} with {parts}, and fit saw pictures of mode {wanted!r}. Convert "
        f"it, for example [x.convert({wanted!r}) for x in X], or fit again."
    )
