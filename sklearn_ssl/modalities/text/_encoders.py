"""Encoders of texts that the user passes: pretrained models, and encoders of ours that know other tokens."""

from __future__ import annotations

from typing import Any

from torch import nn

from ...encoders import (
    PretrainedText,
    TokenBag,
    TokenConvNet,
    TokenEncoder,
    Transformer,
    default_prompt,
    is_sentence_transformer,
    is_transformer,
    longest_input,
)
from ...warning import warn
from ._subwords import to_json_string


def new_encoder(
    name: str, n_tokens: int, n_positions: int, n_components: int | None, causal: bool
) -> TokenEncoder:
    """Return a new encoder called ``"convnet"`` or ``"bag"``; a transformer for any other name."""
    if name == "convnet":
        return TokenConvNet(n_tokens, n_components, causal=causal)
    if name == "bag":
        return TokenBag(n_tokens, n_components)
    return Transformer(n_tokens, n_positions, n_components, causal=causal)


def pretrained_settings(text: Any, encoder: Any) -> dict[str, Any]:
    """Return the parameters that a ``Text`` must have for a pretrained encoder; none for other encoders.

    Parameters
    ----------
    text : Text
        With the user's parameters.
    encoder : str or nn.Module

    Raises
    ------
    ValueError
        If the user's parameters do not match the encoder.
    """
    model = encoder.model if isinstance(encoder, PretrainedText) else encoder
    if not is_sentence_transformer(model) and not is_transformer(model):
        return {}
    name = f"encoder={type(model).__name__}"
    if text.analyzer not in ("word", "subword") or tuple(text.ngram_range) != (1, 1):
        raise ValueError(
            f"{name} knows tokens of its own, not analyzer={text.analyzer!r} and ngram_range={text.ngram_range}. "
            "Leave them at their defaults."
        )
    if text.tokenizer is None and not is_sentence_transformer(model):
        raise ValueError(
            f"{name} knows tokens of its own. Pass its tokenizer: modality=Text(tokenizer=...), a path of a "
            "tokenizer.json or a tokenizer of transformers."
        )
    settings: dict[str, Any] = {"analyzer": "subword"}
    if text.tokenizer is None:
        settings["tokenizer"] = to_json_string(model.tokenizer)
    longest = longest_input(model)
    if longest is not None:
        settings["max_length"] = min(text.max_length or longest - 2, longest - 2)  # room for start and end
    return settings


def prompt_of(encoder: Any) -> str:
    """Return the default prompt of a pretrained encoder; an empty text for other encoders."""
    return default_prompt(encoder.model if isinstance(encoder, PretrainedText) else encoder)


def adapt(encoder: nn.Module, names: tuple[str, ...], n_positions: int) -> nn.Module:
    """Return an encoder that takes sequences of the tokens called `names`.

    Parameters
    ----------
    encoder : nn.Module
        A model of sentence-transformers or transformers is wrapped. An encoder of ours, which knows its tokens
        by name, keeps the weights of those among `names`. Any other is returned unchanged.
    names : tuple of str
    n_positions : int
        Length of the longest sequence.

    Raises
    ------
    ValueError
        If the encoder cannot take them.

    Warns
    -----
    UserWarning
        If tokens or positions are new and start with fresh weights.
    """
    n_tokens = len(names)
    if is_transformer(encoder):
        size = encoder.get_input_embeddings().num_embeddings  # type: ignore[operator]  # all models there have it
        if n_tokens > size:
            raise ValueError(
                f"The tokenizer has {n_tokens} tokens, and encoder={type(encoder).__name__} has {size}. Pass "
                "the tokenizer of this model; encoder.resize_token_embeddings makes room for tokens added to it."
            )
    if is_sentence_transformer(encoder) or is_transformer(encoder):
        return PretrainedText(encoder)
    if not isinstance(encoder, TokenEncoder):
        return encoder
    longest = encoder.n_positions
    if encoder.vocabulary is None:
        if encoder.embedding.num_embeddings != n_tokens or longest < n_positions:
            raise ValueError(
                f"encoder={type(encoder).__name__} does not fit the texts: it needs n_tokens={n_tokens} and, if "
                f"it has that parameter, n_positions={n_positions} or more. encoder='transformer' finds "
                "both itself."
            )
        encoder.vocabulary = names  # the encoder is a copy of the user's
        return encoder
    known = set(encoder.vocabulary)
    new = [name for name in names if name not in known]
    fresh = f"{len(new)} of {n_tokens} tokens, such as {new[:5]}" if new else ""
    places = f"places behind the first {longest}" if longest < n_positions else ""
    if new or places:
        warn(
            f"The encoder does not know {' and '.join(filter(None, (fresh, places)))}; they start with fresh "
            "weights.",
        )
    return encoder.with_vocabulary(names, n_positions)
