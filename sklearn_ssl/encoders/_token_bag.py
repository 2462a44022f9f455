"""Bag of tokens: the mean of their embeddings."""

from __future__ import annotations

from torch import nn

from ._tokens import Pooling, TokenEncoder


class TokenBag(TokenEncoder):
    """Mean of embedded tokens: the cheapest encoder of texts, blind to the order of their tokens.

    With character n-grams as tokens it is the network of fastText [1]_. It sees each token alone. So it
    suits tasks on whole texts (contrastive, siamese), but not the prediction of masked or next tokens or
    of the order of segments. Features come out standardised.

    Parameters
    ----------
    n_tokens : int
        Size of the vocabulary.
    n_components : int or None, default=None
        Width of the features, set by a linear layer. None leaves that layer out and gives `width` features.
    width : int, default=128
        Width of a token's embedding.

    Attributes
    ----------
    vocabulary : tuple of str or None
        The tokens, in the order of their ids, if known.

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
