"""Bag of tokens: the mean of their embeddings."""

from __future__ import annotations

from torch import nn

from ._tokens import Pooling, TokenEncoder


class TokenBag(TokenEncoder):
    """Embedded tokens, averaged: the cheapest encoder of texts, blind to their order.

    With runs of characters as tokens it is the network of fastText [1]_. It sees each token alone, so that
    it is for tasks on whole texts (contrastive, siamese), not for hidden or next tokens, nor for the order
    of segments. Features come out standardised.

    Parameters
    ----------
    n_tokens : int
        Size of the vocabulary.
    n_components : int or None, default=None
        Width of the features, by a linear layer; None leaves that layer out and gives `width` features.
    width : int, default=128
        Width of a token.

    Attributes
    ----------
    vocabulary : tuple of str or None
        The tokens, in the order of their numbers, where that is known.

    References
    ----------
    .. [1] A. Joulin, E. Grave, P. Bojanowski, T. Mikolov. "Bag of Tricks for Efficient Text Classification."
       EACL 2017. https://arxiv.org/abs/1607.01759

    Examples
    --------
    >>> import torch
    >>> from sklearn_ssl.encoders import TokenBag, Tokens
    >>> x = Tokens(torch.tensor([[3, 7, 4], [3, 4, 0]]), torch.tensor([3, 2]))
    >>> TokenBag(n_tokens=10)(x).shape
    torch.Size([2, 128])
    """

    def __init__(self, n_tokens: int, n_components: int | None = None, *, width: int = 128):
        super().__init__(n_tokens, width)
        self.pooling = Pooling(1, width, n_components, maximum=False)

    def stages(self) -> list[nn.Module]:
        """Return the parts of the network in depth order, see :func:`~sklearn_ssl.encoders.stages_of`."""
        return [self.embedding, self.pooling]
