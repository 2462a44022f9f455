"""Prediction of tokens from features of single positions, and its loss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHUNK = 1_000_000  # logits at a time on a CPU: they fit into its cache
CHUNK_ELSEWHERE = 100_000_000  # other devices have fast memory, and are slow at small steps
ROUND = 32  # rows are padded to multiples of it: libraries keep memory for each new size
LN2 = math.log(2)


class ChunkedCrossEntropy(torch.autograd.Function):
    """Weighted sum of the cross-entropies of a linear layer, without all its logits in memory at once.

    With a large vocabulary, the logits of a batch are larger than everything else together. Here each chunk
    of rows goes through the layer, and its gradients are added up at once, while it is in the cache. The
    matrix products are the same as without chunks; the memory is that of one chunk.
    """

    @staticmethod
    def forward(
        ctx: Any, h: Tensor, matrix: Tensor, bias: Tensor, target: Tensor, weight: Tensor, wants: bool
    ) -> Tensor:
        """Return the sum of `weight` times the cross-entropy, in nats.

        Parameters
        ----------
        h : Tensor of shape (k, d)
        matrix : Tensor of shape (n_tokens, d), of the same dtype
        bias : Tensor of shape (n_tokens,), of the same dtype
        target : Tensor of int64 of shape (k,)
        weight : Tensor of float32 of shape (k,)
        wants : bool
            Whether gradients will be needed.
        """
        grad_h = torch.empty_like(h)
        grad_matrix, grad_bias = torch.zeros_like(matrix, dtype=torch.float32), torch.zeros_like(bias).float()
        total = weight.new_zeros(())
        step = (CHUNK if h.device.type == "cpu" else CHUNK_ELSEWHERE) // len(matrix)
        step = max(ROUND, step - step % ROUND)
        for start in range(0, len(h), step):
            part = slice(start, start + step)
            logits = torch.addmm(bias, h[part], matrix.T).float()
            logits = logits.log_softmax(1)
            places = target[part, None]
            total -= (logits.gather(1, places)[:, 0] * weight[part]).sum()
            if wants:
                gradient = logits.exp_()
                gradient.scatter_add_(1, places, torch.full_like(places, -1, dtype=gradient.dtype))
                gradient *= weight[part, None]
                grad_bias += gradient.sum(0)
                gradient = gradient.to(h.dtype)
                torch.mm(gradient, matrix, out=grad_h[part])
                grad_matrix += gradient.T @ h[part]
        ctx.save_for_backward(grad_h, grad_matrix, grad_bias)
        ctx.dtypes = matrix.dtype, bias.dtype
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        """Scale the gradients that `forward` computed."""
        (gradient,) = gradients
        grad_h, grad_matrix, grad_bias = ctx.saved_tensors
        matrix, bias = ctx.dtypes
        return (
            grad_h * gradient,
            (grad_matrix * gradient).to(matrix),
            (grad_bias * gradient).to(bias),
            None,
            None,
            None,
        )


def token_loss(h: Tensor, matrix: Tensor, bias: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return the mean cross-entropy of predicting tokens by a linear layer, in bits.

    Parameters
    ----------
    h : Tensor of shape (k, d)
        Features of tokens.
    matrix, bias : Tensor of shape (n_tokens, d) and (n_tokens,)
        Weights and bias of the layer.
    target : Tensor of int64 of shape (k,)
        Ids of the true tokens.
    weight : Tensor of float32 of shape (k,)
        Weights of the rows in the mean.

    Returns
    -------
    Tensor of shape ()
        float32; 0 where there are no rows or no weights.
    """
    weight = weight / (weight.sum().clamp(min=1e-6) * LN2)
    dtype = torch.get_autocast_dtype(h.device.type) if torch.is_autocast_enabled(h.device.type) else h.dtype
    with torch.autocast(h.device.type, enabled=False):
        h, matrix, bias = h.to(dtype), matrix.to(dtype), bias.to(dtype)
        return ChunkedCrossEntropy.apply(h, matrix, bias, target, weight, torch.is_grad_enabled())


class TokenDecoder(nn.Module):
    """Predict tokens from features: one layer, then dot products with the embedding of each token.

    Parameters
    ----------
    width : int
        Width of the features of a token.
    counts : ndarray of shape (n_tokens,)
        Number of times that each token occurs. The bias starts at the log frequencies.
    embedding : nn.Embedding or None
        The encoder's embedding, whose weights are shared (tied) if given [1]_.

    References
    ----------
    .. [1] O. Press, L. Wolf. "Using the Output Embedding to Improve Language Models." EACL 2017.
       https://arxiv.org/abs/1608.05859
    """

    def __init__(self, width: int, counts: np.ndarray, embedding: nn.Embedding | None):
        super().__init__()
        inner = width if embedding is None else embedding.embedding_dim
        self.layer = nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.LayerNorm(inner))
        shared = None if embedding is None else embedding.weight
        self.weight = nn.Parameter(torch.randn(len(counts), inner) * 0.02) if shared is None else shared
        frequencies = (counts + 0.1) / (counts + 0.1).sum()
        self.bias = nn.Parameter(torch.from_numpy(np.log(frequencies).astype(np.float32)))

    def forward(self, h: Tensor) -> Tensor:
        """Map features of tokens ``(k, width)`` to logits ``(k, n_tokens)``."""
        return F.linear(self.layer(h), self.weight, self.bias)

    def loss(self, h: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the mean cross-entropy of `target` ``(k,)`` in bits, given features ``(k, width)``."""
        weight = torch.ones(len(h), device=h.device) if weight is None else weight
        more = -len(h) % ROUND
        h, target, weight = F.pad(h, (0, 0, 0, more)), F.pad(target, (0, more)), F.pad(weight, (0, more))
        return token_loss(self.layer(h), self.weight, self.bias, target, weight)
