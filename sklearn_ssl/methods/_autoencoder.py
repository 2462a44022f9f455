"""Autoencoders: rebuild the input from its features, from a clean or a noisy copy of it."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from ..base import Modality, Objective, Pretrainer
from ..training import Batch
from ._decoding import DecoderMixin, DecodingObjective

NARROW = 256


class AutoencoderObjective(DecodingObjective):
    """The error of a batch rebuilt from the features of its noisy copy.

    Parameters
    ----------
    modality : Modality
        Builds the decoder, which knows how batches are compared.
    encoder : nn.Module
        Maps a batch to features ``(n, n_components)``.
    n_components : int
        Width of the features.
    noise : float
        Standard deviation of the noise.
    """

    def __init__(self, modality: Modality, encoder: nn.Module, n_components: int, noise: float):
        super().__init__(encoder)
        self.noise = noise
        # thousands of features would copy their input through a linear map, and learn less
        self.decoder = modality.decoder(n_components, linear=n_components <= NARROW)

    def forward(self, x: Batch) -> Tensor:
        """Return the mean error over the elements of a batch ``(n, ...)``."""
        noisy = x + self.noise * torch.randn_like(x) if self.noise else x
        return self.decoder.loss(self.decoder(self.encoder(noisy)), x).mean()


@dataclass(kw_only=True, eq=False, repr=False)
class AutoencoderPretrainer(DecoderMixin, Pretrainer):
    """Learn features by rebuilding the input from them.

    A decoder learns to rebuild each row from its features: on tables numbers by squared error and columns
    of zeros and ones by cross-entropy, on images the pixels by squared error, through convolutions. With
    `noise` the encoder sees a noisy copy and the decoder must give the clean row (a denoising autoencoder
    [2]_): features cannot copy their input, even where they are wider than it. ``inverse_transform`` of
    ``transform`` then cleans noisy rows.

    On images up to 256 components are decoded by a linear map, too, beside the convolutions. Rows are rebuilt
    better so; more components, such as the default, make better features.

    Parameters
    ----------
    noise : float, default=0.5
        Standard deviation of the Gaussian noise that the encoder's input gets in training, in standard
        deviations of the column or of the image channel. 0 is the plain autoencoder [1]_, which wants
        fewer `n_components` than there are columns or pixels.

    See Also
    --------
    sklearn.decomposition.PCA : The best linear autoencoder.

    References
    ----------
    .. [1] G. E. Hinton, R. R. Salakhutdinov. "Reducing the Dimensionality of Data with Neural Networks."
       Science 313, 2006. https://doi.org/10.1126/science.1127647
    .. [2] P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol. "Extracting and Composing Robust Features
       with Denoising Autoencoders." ICML 2008. https://doi.org/10.1145/1390156.1390294

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import AutoencoderPretrainer
    >>> X = load_iris().data
    >>> ae = AutoencoderPretrainer(n_components=2, noise=0.0, max_epochs=20, random_state=0).fit(X)
    >>> Z = ae.transform(X)
    >>> Z.shape
    (150, 2)
    >>> rebuilt = ae.inverse_transform(Z)
    >>> rebuilt.shape
    (150, 4)
    >>> bool(((rebuilt - X) ** 2).mean() < X.var(0).mean() / 4)
    True
    """

    noise: float = 0.5

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "noise": [Interval(Real, 0, None, closed="left")],
    }

    def _objective(self, modality: Modality, encoder: nn.Module, width: int) -> Objective:
        return AutoencoderObjective(modality, encoder, width, self.noise)
