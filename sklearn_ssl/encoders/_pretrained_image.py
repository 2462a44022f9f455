"""Pretrained image encoders of other libraries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ._pretrained import is_transformer

PREPROCESSOR = "preprocessor_config.json"  # of transformers, beside the weights


def is_timm(module: Any) -> bool:
    """Return whether a module is a model of timm, judging by its attributes."""
    return isinstance(module, nn.Module) and all(
        hasattr(module, name) for name in ("pretrained_cfg", "forward_features", "num_features")
    )


def image_encoder(module: nn.Module) -> nn.Module:
    """Return models of timm and transformers in a :class:`PretrainedImage`, and other modules as they are."""
    known = is_timm(module) or is_transformer(module)
    return PretrainedImage(module) if known and not isinstance(module, PretrainedImage) else module


def sides_of(size: Any) -> tuple[int, int] | None:
    """Return height and width: of a number, of a pair, or of what a file of transformers has; None if unknown."""
    if isinstance(size, dict):
        size = [size["height"], size["width"]] if "height" in size else size.get("shortest_edge")
    if size is None:
        return None
    sides = list(size) if isinstance(size, (list, tuple)) else [size, size]
    if len(sides) != 2 or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in sides):
        raise ValueError(f"size={size!r} must be a positive integer, or (height, width).")
    return int(sides[0]), int(sides[1])


def own_preprocessing(model: Any) -> tuple[Any, Any, Any]:
    """Return the size, mean and standard deviation of the images that a model was trained on; None if unknown.

    Those of transformers are in a file beside the weights, if these came from a folder. It is never downloaded.
    """
    if is_timm(model):
        found = dict(model.pretrained_cfg)
        return tuple(found.get("input_size") or ())[1:] or None, found.get("mean"), found.get("std")
    if not is_transformer(model):
        return None, None, None
    size = getattr(model.config, "image_size", None)
    path = Path(str(getattr(model.config, "_name_or_path", "") or "")) / PREPROCESSOR
    if not path.is_file():
        return size, None, None
    found = json.loads(path.read_text(encoding="utf-8"))
    cropped = found.get("crop_size") if found.get("do_center_crop") else None
    return size or cropped or found.get("size"), found.get("image_mean"), found.get("image_std")


def parts_of(module: nn.Module, large: float) -> list[nn.Module]:
    """Return the parts of a network, input first: containers, and parts of more than `large` weights, are divided."""
    inner = [child for child in module.children() if next(child.parameters(), None) is not None]
    divided = isinstance(module, (nn.Sequential, nn.ModuleList)) or _n_weights(module) > large
    if not inner or not divided:
        return [module]
    own = [*module.parameters(recurse=False)]  # such as positions, which come before the blocks
    first: list[nn.Module] = [nn.ParameterList(own)] if own else []
    return [*first, *(part for child in inner for part in parts_of(child, large))]


def _n_weights(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _checked(mean: Any, std: Any) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each channel as tensors."""
    try:
        a, b = (np.array(value, dtype=np.float32) for value in (mean, std))
        good = (
            a.ndim == 1 and len(a) > 0 and a.shape == b.shape and np.isfinite([a, b]).all() and (b > 0).all()
        )
    except (ValueError, TypeError):
        good = False
    if not good:
        raise ValueError(
            f"mean={mean!r} and std={std!r} must be as many numbers as the model takes channels, and std must be "
            "positive."
        )
    return torch.from_numpy(a), torch.from_numpy(b)


def _mean_of_positions(out: Any) -> Tensor:
    """Return outputs ``(n, d)``, averaged over positions, ``(n, length, d)`` or ``(n, d, height, width)``."""
    if not isinstance(out, Tensor):
        raise ValueError(f"the model returned {type(out).__name__} in place of a tensor of features")
    return out.mean(1) if out.ndim == 3 else out.flatten(2).mean(2) if out.ndim > 3 else out


class PretrainedImage(nn.Module):
    """An image encoder of another library, with the preprocessing that it was trained with.

    Images come as :class:`~sklearn_ssl.modalities.Image` prepares them. They are brought to intensities from 0 to 1,
    resized as a whole, then centred and scaled per channel. Grey images become colour images of equal channels.

    `Image` wraps models of timm and transformers by itself: ``encoder=model`` is enough where the model knows its
    preprocessing. Nothing is downloaded: the weights are those of the module.

    Parameters
    ----------
    model : nn.Module
        A model of timm, whose own pooling gives the features; a vision model of transformers, whose last layer is
        averaged over all positions; or any other module that maps images to features ``(n, d)``,
        ``(n, d, height, width)`` or ``(n, length, d)``, which are averaged over positions.
    size : int, (height, width) or None, default=None
        What images are resized to. None takes what the model was trained on, or leaves images as they are if the model
        does not say. A smaller size is quicker, in networks that take any.
    mean, std : sequence of float or None, default=None
        Mean and standard deviation of each channel, of intensities from 0 to 1. None takes those of the model: of timm
        its ``pretrained_cfg``, of transformers ``preprocessor_config.json`` in the folder that it was read from.

    Raises
    ------
    TypeError
        If `model` is no module.
    ValueError
        If `model` takes no images, or if `size`, `mean` or `std` is invalid, or is None and the model does not say.

    Examples
    --------
    Weights of timm from a file: ``timm.create_model("resnet18", checkpoint_path="resnet18.safetensors")``; of
    transformers from a folder: ``AutoModel.from_pretrained("folder")``. A network of another library:

    >>> import numpy as np
    >>> from torch import nn
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.encoders import PretrainedImage
    >>> model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    >>> encoder = PretrainedImage(model, size=32, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    >>> X = np.random.default_rng(0).integers(0, 256, (10, 20, 20, 3), dtype=np.uint8)
    >>> ContrastivePretrainer(encoder=encoder, max_epochs=0).fit_transform(X).shape
    (10, 8)
    """

    sides: Tensor
    mean: Tensor
    std: Tensor
    offset: Tensor
    factor: Tensor

    def __init__(
        self,
        model: nn.Module,
        *,
        size: int | tuple[int, int] | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ):
        super().__init__()
        if not isinstance(model, nn.Module):
            raise TypeError(f"model must be an nn.Module, got {model!r:.60}.")
        self.model = model
        _vision_part(model)  # which refuses models of texts
        known = own_preprocessing(model)
        sides = sides_of(known[0] if size is None else size)
        values = [known[1] if mean is None else mean, known[2] if std is None else std]
        if any(value is None for value in values):
            raise ValueError(
                f"{type(model).__name__} does not say what images it was trained on. Pass their mean and standard "
                "deviation: PretrainedImage(model, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)), or of "
                "transformers, mean=processor.image_mean, std=processor.image_std."
            )
        own_mean, own_std = _checked(*values)
        self.register_buffer("sides", torch.tensor(sides or (), dtype=torch.int64))  # saved with the weights
        self.register_buffer("mean", own_mean)
        self.register_buffer("std", own_std)
        self.register_buffer("offset", torch.zeros(1))
        self.register_buffer("factor", torch.ones(1))

    @property
    def size(self) -> tuple[int, int] | None:
        """What images are resized to, ``(height, width)``; None leaves them as they are."""
        height, width = self.sides.tolist() or (0, 0)
        return (height, width) if height else None

    def reads(self, mean: np.ndarray, scale: np.ndarray, white: float | None) -> PretrainedImage:
        """Learn how a batch, which was standardised, becomes intensities from 0 to 1 again.

        Parameters
        ----------
        mean, scale : ndarray of shape (channels,)
            What the images were centred and scaled by.
        white : float or None
            The intensity that becomes 1; None if there is none.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the model takes images of other channels, or `white` is None.
        """
        n, wanted = len(mean), len(self.mean)
        if n not in (1, wanted):
            raise ValueError(
                f"{type(self.model).__name__} takes images of {wanted} channel{'s' * (wanted > 1)}, and X has {n}. "
                f"{'Leave out the last, such as transparency: X[..., :3]' if n > wanted else 'Pass other images'}."
            )
        if white is None:
            raise ValueError(
                f"{type(self.model).__name__} needs intensities from 0 to 1, or from 0 to 255, and X has some below 0. "
                "Pass images as they were before they were standardised."
            )
        self.offset = torch.from_numpy((mean / white).astype(np.float32))
        self.factor = torch.from_numpy((scale / white).astype(np.float32))
        return self

    def pixels(self, x: Tensor) -> Tensor:
        """Return a batch ``(n, c, h, w)`` as the model takes it."""
        x = x.float() * self.factor[:, None, None] + self.offset[:, None, None]
        size = self.size
        if size is not None and tuple(x.shape[2:]) != size:
            x = nn.functional.interpolate(x, size, mode="bilinear", align_corners=False, antialias=True)
        x = (x - self.mean[:, None, None]) / self.std[:, None, None]  # grey images get all channels here
        kinds = (p.dtype for p in self.model.parameters() if p.is_floating_point())
        return x.to(next(kinds, torch.float32))  # transformers may read weights as float16

    def forward(self, x: Tensor) -> Tensor:
        """Map images ``(n, c, h, w)`` to features ``(n, d)``."""
        pixels, model = self.pixels(x), self.model
        if is_timm(model):
            timm: Any = model
            out = timm.forward_features(pixels)
            out = timm.forward_head(out, pre_logits=True) if hasattr(timm, "forward_head") else out
        elif is_transformer(model):
            out = _vision_part(model)(pixel_values=pixels).last_hidden_state
        else:
            out = model(pixels)
        return _mean_of_positions(out).float()

    def stages(self) -> list[nn.Module]:
        """Return the parts of the model, input first."""
        return parts_of(self.model, _n_weights(self.model) / 2)


def _vision_part(model: Any) -> nn.Module:
    """Return the part of a model that takes images."""
    if not is_transformer(model):
        return model
    part: Any = getattr(model.base_model, "vision_model", model.base_model)
    if part is model.base_model and getattr(model, "main_input_name", "") != "pixel_values":
        raise ValueError(f"{type(model).__name__} takes no images. Pass a vision model of transformers.")
    return part
