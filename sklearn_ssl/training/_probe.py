"""Try a network before it is trained, so that what is wrong with it is said in our words."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from ._loader import Batch, n_rows


def output_width(encoder: nn.Module, batch: Batch, precision: torch.dtype) -> int:
    """Return the width of the features that `encoder` makes of a small batch.

    Parameters
    ----------
    encoder : nn.Module
        On the device of `batch`; it is left in evaluation mode.
    batch : Batch
        A few rows.
    precision : torch.dtype
        What training will run in.

    Raises
    ------
    ValueError
        If the encoder fails, in evaluation or in training, or does not return finite float32 of
        shape ``(n, d)``.
    """
    first = batch if isinstance(batch, Tensor) else batch[0]
    shapes = tuple(batch.shape) if isinstance(batch, Tensor) else [tuple(b.shape) for b in batch]
    name = f"encoder={type(encoder).__name__}"
    try:
        with torch.no_grad():
            out = encoder.eval()(batch)
            # a copy, since a pass in training mode moves the statistics of batch norm
            with torch.autocast(first.device.type, precision, enabled=precision != torch.float32):
                copy.deepcopy(encoder).train()(batch)
    except Exception as error:  # users see our words, whatever their network raises
        raise ValueError(
            f"{name} fails on a batch of shape {shapes}: {(str(error) or repr(error)).splitlines()[0]}. Fit its "
            f"first layer to that shape. It is run in {str(precision).removeprefix('torch.')} in training; "
            "precision='float32' may help."
        ) from error
    got = f"{tuple(out.shape)} of {out.dtype}" if isinstance(out, Tensor) else type(out).__name__
    fits = isinstance(out, Tensor) and out.ndim == 2 and len(out) == n_rows(batch)
    if not fits or out.dtype != torch.float32 or out.shape[1] < 1 or not out.isfinite().all():
        raise ValueError(
            f"{name} must return finite float32 of shape (n, d); for a batch of shape {shapes} it returned "
            f"{got}. Append nn.Flatten() or a pooling layer, or cast with .float()."
        )
    return out.shape[1]
