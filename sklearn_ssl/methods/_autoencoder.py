"""Autoencoders: reconstruct the input from the features of a clean or noisy copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from ..base import Modality, Objective, Pretrainer
from ..modalities import real
from ..training import Batch
from ._decoding import DecoderMixin, DecodingObjective

NARROW = 256  # components, at most, that a linear map may decode as well


class AutoencoderObjective(DecodingObjective):
    """Reconstruction error of a batch, from the features of its noisy copy.

    Parameters
    ----------
    modality : Modality
        Adds the noise, and builds the decoder, which defines the reconstruction error.
    encoder : nn.Module
        Maps a batch to features ``(n, n_components)``.
    n_components : int
        Width of the features.
    noise : float
        Standard deviation of the Gaussian noise.
    """

    def __init__(self, modality: Modality, encoder: nn.Module, n_components: int, noise: float):
        super().__init__(encoder)
        self.modality, self.noise = modality, noise
        # through a linear map, thousands of features would copy their input and learn less
        self.decoder = modality.decoder(n_components, linear=n_components <= NARROW)

    def forward(self, x: Batch) -> Tensor:
        """Return the mean error over the elements of a batch ``(n, ...)``."""
        noisy = self.modality.noisy(x, self.noise) if self.noise else x
        return self.decoder.loss(self.decoder(self.encoder(noisy)), x).mean()

    def row_losses(self, x: Batch) -> Tensor:
        """Return the mean error over the elements of each row, ``(n,)``, reconstructed without noise."""
        return self.decoder.loss(self.decoder(self.encoder(x)), x).flatten(1).mean(1)


@dataclass(kw_only=True, eq=False, repr=False)
class AutoencoderPretrainer(DecoderMixin, Pretrainer):
    """Learn features by reconstructing the input from them.

    A decoder learns to reconstruct each row from its features. On tables the error is squared for numbers and
    a cross-entropy for columns of zeros and ones. On images it is the squared error of the pixels, and the
    decoder is convolutional. With `noise`, the encoder sees a noisy copy and the decoder must return the clean
    row (a denoising autoencoder [2]_). Features then cannot just copy their input, even if they are wider than
    it, and ``inverse_transform`` of ``transform`` denoises rows.

    On images, up to 256 components are also decoded by a linear map beside the convolutions. Images are
    reconstructed better that way. More components, as by default, make better features.

    Parameters
    ----------
    noise : float, default=0.5
        Standard deviation of the Gaussian noise added to the encoder's input in training, in standard
        deviations of the column or image channel. 0 gives the plain autoencoder [1]_, which should have
        fewer `n_components` than X has columns or pixels.

    See Also
    --------
    sklearn.decomposition.PCA : The optimal linear autoencoder.

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

    _compares_rows: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "noise": [real(0, closed="left")],
    }

    def _objective(self, modality: Modality, encoder: nn.Module, width: int) -> Objective:
        return AutoencoderObjective(modality, encoder, width, self.noise)
