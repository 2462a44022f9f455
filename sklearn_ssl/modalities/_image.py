"""Images, greyscale or with channels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.utils import InputTags, gen_batches
from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn

from ..encoders import ConvNet, PretrainedImage, image_encoder
from ..training import Rows
from ._base import Modality, unknown_encoder, unknown_target
from ._constraints import check_crop_scale, count, is_count, real
from ._fitted import array, refuse
from ._image_decoder import ImageDecoder
from ._image_preparation import ImagePreparation
from ._image_views import change_intensity, crop_and_flip, hide_patches
from ._input import check_rows, shape_of
from ._intensities import check_white, doubt_mixture, doubt_range, fit_intensities
from ._pictures import (
    are_pictures,
    arranged,
    picture_array,
    refuse_files,
    refuse_words,
    stack_images,
    why_no_images,
)

CHANNELS = (1, 3, 4)
FAR = 100.0  # standard deviations; intensities are clipped there, so that none overflows


def first_stride(height: int, width: int) -> int:
    """Return the step of the first layer: the largest power of two that leaves 32 pixels of the shorter side."""
    return int(2 ** max(0, math.floor(math.log2(min(height, width) / 32))))


@dataclass(kw_only=True, eq=False, repr=False)
class Image(Modality):
    """Images: arrays ``(n, h, w)``, ``(n, c, h, w)`` or ``(n, h, w, c)``, rows of pixels, or lists of pictures.

    Any numeric dtype is accepted, uint8 too. Intensities are centred and scaled per channel. Pictures of
    pillow are read by their look: palettes become colours, and several modes the one that holds them all.

    Parameters
    ----------
    shape : tuple of int or None, default=None
        Shape of one image if each row of X is a flattened image: ``(h, w)``, ``(c, h, w)`` or
        ``(h, w, c)``. None reads it from an array with three or four dimensions.
    channels : {"auto", "first", "last"}, default="auto"
        Which axis of an image holds the channels; ``"auto"`` takes the axis of length 1, 3 or 4.
    crop_scale : tuple (smallest, largest), default=(0.5, 1.0)
        Range of the share of the area that a random crop covers, within (0, 1].
    horizontal_flip : bool, default=True
        Flip half of the views horizontally. Switch it off where left and right differ in meaning, as in
        digits and letters.
    intensity : float, default=0.4
        Strength of the random changes of brightness and contrast.
    patch_size : int or None, default=None
        Height and width, in pixels, of the patches that a method masks. None is a seventh of the shorter
        side, rounded up.

    Attributes
    ----------
    shape_ : tuple (channels, height, width)
        Shape of one image as the encoder sees it.
    layout_ : tuple of int
        Shape of one image in the layout of X.
    channel_axis_ : int or None
        Axis of one image that holds the channels; None if greyscale images have no such axis.
    flat_ : bool
        Whether each row of X was a flattened image.
    mean_ : ndarray of shape (channels,), float64
        Mean intensity of each channel.
    scale_ : ndarray of shape (channels,), float64
        Standard deviation of the intensities of each channel.
    white_ : float or None
        Intensity of white, for encoders of other libraries: 1 or 255, whichever the brightest pixel comes near, else
        the brightest pixel; None if there are intensities below zero.
    stride_ : int
        Step of the first layer of ``"convnet"``: 1 for sides below 64 pixels, more for larger images.

    References
    ----------
    .. [1] T. Chen, S. Kornblith, M. Norouzi, G. Hinton. "A Simple Framework for Contrastive Learning of
       Visual Representations." ICML 2020. https://arxiv.org/abs/2002.05709

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.modalities import Image
    >>> X = load_digits().data  # 8 x 8 pixels in rows of 64
    >>> ssl = ContrastivePretrainer(modality=Image(shape=(8, 8)), n_components=32, max_epochs=1)
    >>> ssl.fit_transform(X).shape
    (1797, 32)
    """

    shape: tuple[int, ...] | None = None
    channels: str = "auto"
    crop_scale: tuple[float, float] = (0.5, 1.0)
    horizontal_flip: bool = True
    intensity: float = 0.4
    patch_size: int | None = None

    noun: ClassVar[str] = "images"
    advice: ClassVar[str] = "Pass images of one shape, as an array."
    usage: ClassVar[str] = "Image(shape=(28, 28))"
    encoders: ClassVar[tuple[str, ...]] = ("convnet",)
    reads_blocks: ClassVar[bool] = True
    hint_of_encoders: ClassVar[str] = " One of timm: encoder=timm.create_model({name!r}, pretrained=True)."

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "shape": [tuple, list, None],
        "channels": [StrOptions({"auto", "first", "last"})],
        "crop_scale": [tuple, list],
        "horizontal_flip": ["boolean"],
        "intensity": [real(0, closed="left")],
        "patch_size": [count(1), None],
    }

    @property
    def batch_size(self) -> int:  # type: ignore[override]  # here it follows what fit saw
        """Rows per batch, where the estimator leaves it to the modality: fewer of large images."""
        _, height, width = getattr(self, "shape_", (1, 1, 1))
        return 256 if height * width <= 64**2 else 128 if height * width <= 128**2 else 64

    @classmethod
    def accepts(cls, X: Any) -> bool:
        """Return whether X has four dimensions, or is a list of pictures."""
        return len(shape_of(X)) == 4

    @classmethod
    def hint(cls, X: Any) -> str:
        """Return how to pass an array of two or three dimensions as images."""
        shape = shape_of(X)
        if len(shape) == 3:
            return "For grey images (n, height, width) pass modality=Image()."
        if len(shape) != 2:
            return ""
        side = math.isqrt(shape[1])
        guess = f"({side}, {side})" if side**2 == shape[1] else "(height, width)"
        return f"If each row is a flattened image, pass modality=Image(shape={guess})."

    @classmethod
    def refuse(cls, X: Any) -> None:
        """Refuse names of files, and images of several shapes."""
        refuse_files(X)
        stack_images(X)

    def input_tags(self) -> InputTags:
        """Return scikit-learn's tags: X has two dimensions only if `shape` is given."""
        return InputTags(two_d_array=self.shape is not None)

    def example_rows(self) -> np.ndarray:
        """Return handwritten digits, flattened if `shape` is given."""
        if self.shape not in (None, (8, 8)):
            raise ValueError(f"Pass X: there are no example images of shape {self.shape}.")
        images = load_digits().data[:200]
        return images if self.shape else images.reshape(-1, 8, 8, 1)

    def fit_validate(self, X: Any) -> Rows:
        """Learn the shape of the images and the mean and scale of each channel, and return X as a store.

        Parameters
        ----------
        X : array of shape (n, h, w), (n, c, h, w), (n, h, w, c) or, with `shape`, (n, n_pixels); or list of pictures

        Raises
        ------
        ValueError
            If X does not hold images of one shape, or if it is unclear which axis holds the channels.
        """
        self._validate_params()
        self._check_params()
        array = self._check(X, min_rows=2, first=True)
        if self.shape is None and array.ndim == 2:
            raise ValueError(f"Image got a table of shape {array.shape}. {self.hint(array)}")
        self.layout_ = tuple(int(side) for side in (self.shape or array.shape[1:]))
        self.channel_axis_ = self._find_channels(self.layout_)
        self._match(array)
        self.flat_ = array.ndim == 2
        rows = np.unique(np.linspace(0, len(array) - 1, 10_000).astype(int))  # enough for a mean
        parts = (self.channels_last(array[rows[part]]) for part in gen_batches(len(rows), 512))
        self.mean_, self.scale_, self.white_ = fit_intensities(parts)
        doubt_mixture(array, self.white_)
        height, width, channels = self.channels_last(array[:1]).shape[1:]
        self.shape_ = (channels, height, width)
        self.stride_ = first_stride(height, width)
        return Rows(array, self._scale)

    def validate(self, X: Any) -> Rows:
        """Return X as a store of float32 batches ``(n, c, h, w)``; warn if it is not on the scale of fit."""
        array = self._check(X, min_rows=1, first=False)
        self._match(array)
        white = getattr(self, "white_", None)  # earlier versions had none
        doubt_range(array, self.channels_last, self.mean_, self.scale_, white)
        return Rows(array, self._scale)

    def preparation(self) -> ImagePreparation:
        """Return the layout and the scaling of images as a module."""
        return ImagePreparation(self, FAR)

    def check_fitted(self) -> None:
        """Raise a ValueError if fitted attributes do not go with each other."""
        self._check_params()
        layout, axis = self.layout_, self.channel_axis_
        if (
            not isinstance(layout, tuple)
            or len(layout) not in (2, 3)
            or not all(is_count(side, 1) for side in layout)
        ):
            refuse(self, "layout_", f"must be two or three positive integers, and is {layout!r:.60}")
        if axis not in ((None,) if len(layout) == 2 else (0, 2)) or isinstance(axis, (bool, float)):
            refuse(self, "channel_axis_", f"is {axis!r:.60}, with images of shape {layout}")
        sides = [side for place, side in enumerate(layout) if place != axis]
        shape = (1 if axis is None else layout[axis], *sides)
        if self.shape_ != shape or (self.shape is not None and tuple(self.shape) != layout):
            refuse(self, "shape_", f"is {self.shape_!r:.60}, with images of shape {layout}")
        if not isinstance(self.flat_, bool) or (self.flat_ and self.shape is None):
            refuse(self, "flat_", f"is {self.flat_!r:.60}, with shape={self.shape!r}")
        array(self, "mean_", "f", shape[:1])
        array(self, "scale_", "f", shape[:1], low=np.finfo(float).tiny)
        check_white(self)

    def encoder(self, name: str, n_components: int | None, causal: bool = False) -> nn.Module:
        """Build a small convolutional network, called ``"auto"`` or ``"convnet"``."""
        if name not in ("auto", *self.encoders):
            raise unknown_encoder(name, self)
        return ConvNet(self.shape_, n_components, stride=getattr(self, "stride_", 1))  # 1 in earlier versions

    def adapt_encoder(self, encoder: nn.Module) -> nn.Module:
        """Wrap models of timm and transformers, and tell them what intensities mean."""
        encoder = image_encoder(encoder)
        if isinstance(encoder, PretrainedImage):
            encoder.reads(self.mean_, self.scale_, getattr(self, "white_", None))
        return encoder

    def view(self, x: Tensor) -> Tensor:
        """Return images ``(n, c, h, w)`` with random crops, flips, brightness and contrast."""
        low, high = self.crop_scale
        return change_intensity(crop_and_flip(x, (low, high), self.horizontal_flip), self.intensity)

    def mask(self, x: Tensor, rate: float) -> tuple[Tensor, Tensor]:
        """Return the images with a share of their patches masked, and the mask of pixels."""
        size = self.patch_size or math.ceil(min(self.shape_[1:]) / 7)
        return hide_patches(x, rate, size)

    def decoder(self, n_components: int, target: str = "value", linear: bool = False) -> ImageDecoder:
        """Build a convolutional network that maps features to images."""
        if target != "value":
            raise unknown_target(target, ("value",), self)
        return ImageDecoder(n_components, self.shape_, linear)

    def critic(self, n_components: int) -> nn.Module:
        """Build three convolutions without batch normalisation that map images to ``(n, n_components)``."""
        channels, *size = self.shape_
        layers: list[nn.Module] = []
        for width in (32, 64, 128):
            layers += [nn.Conv2d(channels, width, 3, 2, padding=1), nn.LeakyReLU(0.2)]
            channels, size = width, [-(-side // 2) for side in size]
        head = nn.Linear(channels * math.prod(size), n_components)
        return nn.Sequential(*layers, nn.Flatten(), head, nn.LeakyReLU(0.2))

    def restore(self, x: Tensor) -> np.ndarray:
        """Return float64 images in the layout and units of X, not clipped to its range."""
        images = np.moveaxis(x.cpu().double().numpy(), 1, -1) * self.scale_ + self.mean_
        if self.channel_axis_ is None:
            images = images[..., 0]
        else:
            images = np.moveaxis(images, -1, 1 + self.channel_axis_)
        return np.ascontiguousarray(images.reshape(len(x), -1) if self.flat_ else images)

    def _check_params(self) -> None:
        check_crop_scale(self.crop_scale)
        sides = (2, 3) if self.shape is None else tuple(self.shape)
        if len(sides) not in (2, 3) or not all(is_count(side, 1) for side in sides):
            raise ValueError(
                f"shape={self.shape!r} must be (h, w), (c, h, w) or (h, w, c) with positive integers."
            )

    def _check(self, X: Any, min_rows: int, first: bool) -> np.ndarray:
        refuse_files(X)
        if are_pictures(X):
            pictures = picture_array(X, None if first else self.shape_[0])
            layout = self.shape if first else self.layout_
            X = arranged(pictures, layout and tuple(layout), self.channels == "first")
        X = stack_images(X)
        refuse_words(X)
        array = check_rows(X, self, allow_nd=True, ensure_min_samples=min_rows)
        if array.ndim > 4:
            raise ValueError(f"Image takes arrays of two to four dimensions, got shape {array.shape}.")
        return array

    def _match(self, array: np.ndarray) -> None:
        rows_of_pixels = self.shape is not None and array.shape[1:] == (math.prod(self.layout_),)
        if not rows_of_pixels and array.shape[1:] != self.layout_:
            raise ValueError(why_no_images(array.shape, self.layout_, self.shape is not None))

    def _find_channels(self, layout: tuple[int, ...]) -> int | None:
        """Return the axis of one image that holds the channels; None for greyscale images without one."""
        if len(layout) == 2:
            return None
        if self.channels != "auto":
            return 0 if self.channels == "first" else 2
        fits = [axis for axis in (0, 2) if layout[axis] in CHANNELS]
        if len(fits) != 1:
            why = "two axes" if fits else "no axis"
            raise ValueError(
                f"Images of shape {layout} have {why} of length 1, 3 or 4 that could be the channels. Pass "
                "modality=Image(channels='first') or modality=Image(channels='last')."
            )
        return fits[0]

    def channels_last(self, rows: np.ndarray) -> np.ndarray:
        """Return rows of X as images ``(n, h, w, c)``."""
        images = rows.reshape(len(rows), *self.layout_)
        if self.channel_axis_ is None:
            return images[..., np.newaxis]
        return np.moveaxis(images, 1 + self.channel_axis_, -1)

    def _scale(self, rows: np.ndarray) -> Tensor:
        images = np.asarray(self.channels_last(rows), dtype=np.float64)
        scaled = np.clip((images - self.mean_) / self.scale_, -FAR, FAR).astype(np.float32)
        return torch.from_numpy(np.ascontiguousarray(np.moveaxis(scaled, -1, 1)))
