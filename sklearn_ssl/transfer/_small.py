"""Networks that are cheap to run: what a distilled model is by default."""

from __future__ import annotations

from torch import nn

from ..encoders import MLP, ConvNet
from ..modalities import Image, Modality, Tabular

WIDTH = 64
ROWS = 2048  # of a table, for which a small network is done before Python has got the next batch


def small_encoder(modality: Modality, n_components: int | None = None) -> nn.Module:
    """Build a small network for a fitted modality: an MLP, a ConvNet, a bag of tokens; else its default.

    Parameters
    ----------
    modality : Modality
    n_components : int or None
        Width of the output, set by a linear layer; None leaves that layer out.
    """
    if isinstance(modality, Tabular):
        net = MLP(modality.cells.width, n_components, widths=(WIDTH,), n_directions=0)
        net.columns = None if modality.columns_ is None else modality.inputs_by(modality.columns_)
        return net
    if isinstance(modality, Image):
        return ConvNet(modality.shape_, n_components, widths=(16, 32, WIDTH))
    return modality.encoder("bag" if "bag" in modality.encoders else "auto", n_components)


def rows_at_once(modality: Modality, batch_size: int) -> int:
    """Return how many rows to predict at a time, where the user leaves it open: many of a table, as each is little."""
    return max(ROWS, batch_size) if isinstance(modality, Tabular) else batch_size
