"""Pretrained text encoders of other libraries."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ._sequence import Hidden
from ._tokens import Tokens


def is_sentence_transformer(module: Any) -> bool:
    """Return whether a module is a model of sentence-transformers, judging by its attributes."""
    return isinstance(module, nn.Module) and all(
        hasattr(module, name) for name in ("tokenizer", "encode", "get_max_seq_length")
    )


def is_transformer(module: Any) -> bool:
    """Return whether a module is a model of transformers, judging by its attributes."""
    return isinstance(module, nn.Module) and all(hasattr(module, name) for name in ("config", "base_model"))


def default_prompt(model: Any) -> str:
    """Return what a model of sentence-transformers has before each text unless told otherwise; often nothing."""
    name = getattr(model, "default_prompt_name", None) if is_sentence_transformer(model) else None
    return "" if name is None else str(model.prompts.get(name, ""))


def _prompt_length(model: Any) -> int:
    """Return how many tokens of the default prompt the pooling of a model leaves out."""
    prompt = default_prompt(model)
    if not prompt or all(getattr(module, "include_prompt", True) for module in model.modules()):
        return 0
    ids = model.tokenizer(prompt)["input_ids"]
    return len(ids) - (ids[-1] in model.tokenizer.all_special_ids)  # without the end, which texts have later


def longest_input(model: Any) -> int | None:
    """Return how many tokens a model takes, special tokens included; None if it does not say."""
    lengths = [model.get_max_seq_length()] if is_sentence_transformer(model) else []
    config = getattr(model, "config", None)
    longest = getattr(config, "max_position_embeddings", None)
    for name, module in model.named_modules():  # RoBERTa and the like number positions after that of padding
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            skipped = 0 if module.padding_idx is None else module.padding_idx + 1
            longest = module.num_embeddings - skipped
    lengths += [longest, getattr(config, "n_positions", None)]
    return min((n for n in lengths if isinstance(n, int) and n > 2), default=None)


class PretrainedText(nn.Module):
    """A model of sentence-transformers or transformers that takes a batch of :class:`Tokens`.

    Parameters
    ----------
    model : nn.Module
        A ``SentenceTransformer``, whose own pooling gives the features, or a model of transformers, whose
        last layer is averaged over the tokens. Of a model with an encoder and a decoder, this is the encoder's.

    Examples
    --------
    Pretrainers wrap such a model by themselves: ``ContrastivePretrainer(encoder=model)``. Here it has random
    weights.

    >>> import torch
    >>> from sklearn_ssl.encoders import PretrainedText, Tokens
    >>> from transformers import BertConfig, BertModel
    >>> sizes = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    >>> encoder = PretrainedText(BertModel(BertConfig(vocab_size=20, **sizes)))
    >>> encoder(Tokens(torch.tensor([[5, 6, 0], [7, 8, 9]]), torch.tensor([2, 3]))).shape
    torch.Size([2, 8])
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.prompt_length = _prompt_length(model)

    def outputs(self, x: Tokens) -> tuple[Tensor, Tensor]:
        """Return the features of each token ``(n, length, width)`` and of each text ``(n, d)``."""
        model: Any = self.model
        here = x.present()
        batch: dict[str, Any] = {"input_ids": x.ids, "attention_mask": here.long()}
        if is_sentence_transformer(model):
            if self._bag() is not None:
                raise ValueError(
                    "A static model embeds tokens without their neighbours, so that there are none to predict. Take a "
                    "task on whole texts, such as ContrastivePretrainer, or a model with a transformer."
                )
            if self.prompt_length:
                batch["prompt_length"] = self.prompt_length
            out = model(batch)
            return out["token_embeddings"], out["sentence_embedding"]
        if getattr(model.config, "is_encoder_decoder", False):
            tokens = model.get_encoder()(**batch).last_hidden_state
        else:
            tokens = model.base_model(**batch).last_hidden_state
        mean = torch.where(here[:, :, None], tokens, 0).sum(1) / x.lengths[:, None]
        return tokens, mean

    def hidden(self, x: Tokens) -> Hidden:
        """Return the features of each token."""
        return Hidden(self.outputs(x)[0], x.present())

    def forward(self, x: Tokens) -> Tensor:
        """Map sequences to features ``(n, n_components)``."""
        bag = self._bag()
        return self.outputs(x)[1] if bag is None else self._static(x, bag)

    def stages(self) -> list[nn.Module]:
        """Return what comes before the blocks of the model, each block, and what comes after them."""
        lists = [m for m in self.model.modules() if isinstance(m, nn.ModuleList) and len(m) > 1]
        if not lists:
            return [self.model]
        blocks = max(lists, key=lambda part: sum(p.numel() for p in part.parameters()))
        inside = {id(module) for module in blocks.modules()}
        before, after = nn.ModuleList(), nn.ModuleList()
        seen = False  # modules are listed in the order in which they were made: input first
        for module in self.model.modules():
            seen = seen or module is blocks
            own = [*module.parameters(recurse=False)]  # without those of the blocks, if they are inside
            if id(module) not in inside and own:
                (after if seen else before).append(nn.ParameterList(own))
        return [before, *blocks, after]

    def _bag(self) -> nn.EmbeddingBag | None:
        """Return the embedding of a model that sums up static embeddings; None for other models."""
        first = next(iter(self.model.children()), None) if is_sentence_transformer(self.model) else None
        bag = getattr(first, "embedding", None)
        return bag if isinstance(bag, nn.EmbeddingBag) else None

    def _static(self, x: Tokens, bag: nn.EmbeddingBag) -> Tensor:
        """Return the features of a static model, which takes texts without padding, start and end."""
        kept = x.present()
        kept[:, 0] = False
        kept[torch.arange(len(kept)), x.lengths - 1] = False
        kept &= x.ids < bag.num_embeddings  # special tokens that the tokenizer lacked
        offsets = kept.sum(1).cumsum(0) - kept.sum(1)
        features: Tensor = self.model({"input_ids": x.ids[kept], "offsets": offsets})["sentence_embedding"]
        return features
