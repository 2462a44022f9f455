"""Word2VecPretrainer: gensim's vectors behind scikit-learn's face."""

import pickle
import re
import subprocess
import sys
import textwrap
from inspect import signature

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from gensim.models import Word2Vec
from methods import KINDS
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline

from sklearn_ssl import Word2VecPretrainer, load
from sklearn_ssl.modalities import Text

LINES = KINDS["text"].X
SMALL = Word2VecPretrainer(n_components=8, max_epochs=2, random_state=0)


def test_vectors_are_those_of_gensim(monkeypatch):
    monkeypatch.setattr("sklearn_ssl.methods._word2vec.draw_seed", lambda random_state: 7)
    est = clone(SMALL).fit(LINES)
    words = [[w for w in re.findall(r"\w+|[^\w\s]", x.lower()) if w in est.vocabulary_] for x in LINES]
    model = Word2Vec(words, vector_size=8, sg=1, negative=5, min_count=1, workers=1, seed=7, epochs=2)
    for word, row in est.vocabulary_.items():
        assert (est.vectors_[row] == model.wv[word]).all()
    # a different order in which the neighbours of equal likeness may come: compare the likeness
    ours, theirs = est.most_similar("of", 5), model.wv.most_similar("of", topn=5)
    np.testing.assert_allclose([s for _, s in ours], [s for _, s in theirs], atol=1e-5)
    assert "of" not in [word for word, _ in ours]


@pytest.mark.parametrize("use_idf", [True, False])
def test_a_text_is_the_weighted_mean_of_its_words(use_idf):
    est = clone(SMALL).set_params(use_idf=use_idf).fit(LINES)
    tfidf = TfidfVectorizer(token_pattern=r"\w+|[^\w\s]", use_idf=use_idf, norm=None, min_df=2).fit(LINES)
    assert set(tfidf.vocabulary_) == set(est.vocabulary_)
    weights = tfidf.transform(LINES).toarray()[:, [tfidf.vocabulary_[w] for w in est.vocabulary_]]
    total = weights.sum(1, keepdims=True)
    expected = weights @ est.vectors_ / np.where(total > 0, total, 1)
    np.testing.assert_allclose(est.transform(LINES), expected, atol=1e-5)
    assert (est.transform(["", "neverseenbefore"]) == 0).all()
    assert est.transform(LINES).dtype == np.float32


def test_random_state_alone_decides(tmp_path):
    est = clone(SMALL).fit(LINES)
    state = np.random.get_state(legacy=False)["state"]["key"].copy()
    assert (clone(SMALL).fit(LINES, np.arange(len(LINES))).vectors_ == est.vectors_).all()
    assert (np.random.get_state(legacy=False)["state"]["key"] == state).all()
    assert (clone(SMALL).set_params(random_state=1).fit(LINES).vectors_ != est.vectors_).any()
    program = """
        import pickle, sys
        est, X = pickle.load(open(sys.argv[1], "rb"))
        from sklearn.base import clone
        assert (clone(est).fit(X).vectors_ == est.vectors_).all()
    """
    (tmp_path / "est").write_bytes(pickle.dumps((est, LINES)))
    for hashes in ("1", "2"):  # strings are hashed otherwise in each process
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), tmp_path / "est"],
            env={"PYTHONHASHSEED": hashes},
            check=True,
        )


def test_pickle_save_and_hash(tmp_path):
    est = clone(SMALL).fit(LINES)
    est.save(tmp_path / "words")
    assert {p.suffix for p in (tmp_path / "words").iterdir()} == {".json", ".safetensors"}
    for other in (load(tmp_path / "words"), pickle.loads(pickle.dumps(est))):
        assert (other.transform(LINES) == est.transform(LINES)).all()
        assert other.most_similar("of") == est.most_similar("of")
        assert other.get_params().keys() == est.get_params().keys()
    assert joblib.hash(pickle.loads(pickle.dumps(est))) == joblib.hash(est)


def test_every_parameter_changes_something():
    base = clone(SMALL).fit(LINES).transform(LINES)
    others = {
        "modality": Text(analyzer="char"),
        "n_components": 9,
        "window": 1,
        "negative": 1,
        "subsample": 0.5,
        "use_idf": False,
        "max_epochs": 1,
        "lr": 0.1,
        "random_state": 1,
    }
    unseen = {"verbose", "n_jobs"}
    assert set(others) | unseen == set(SMALL.get_params(deep=False))
    for name, value in others.items():
        Z = clone(SMALL).set_params(**{name: value}).fit_transform(LINES)
        assert Z.shape != base.shape or not np.array_equal(Z, base), name


def test_every_parameter_and_attribute_is_documented():
    parameters, attributes = re.split(r"^    Attributes\n", Word2VecPretrainer.__doc__, flags=re.MULTILINE)
    for name in signature(Word2VecPretrainer).parameters:
        assert re.search(rf"^    {name} : ", parameters, re.MULTILINE), name
    for name in [name for name in vars(clone(SMALL).fit(LINES)) if name.endswith("_")]:
        assert re.search(rf"^    {name} : ", attributes, re.MULTILINE), name


def test_pipeline_search_pool_and_names():
    y = np.arange(len(LINES)) % 2
    pipe = Pipeline([("ssl", clone(SMALL)), ("clf", LogisticRegression())])
    pipe.fit(LINES[:50], y[:50], ssl__X_unlabeled=LINES[50:])
    assert (pipe["ssl"].vectors_ == clone(SMALL).fit(LINES).vectors_).all()
    search = GridSearchCV(pipe, {"ssl__window": [1, 5]}, cv=2).fit(LINES, y)
    assert search.best_params_["ssl__window"] in (1, 5)
    assert pipe["ssl"].get_feature_names_out()[0] == "word2vecpretrainer0"
    frame = clone(SMALL).set_output(transform="pandas").fit_transform(LINES)
    assert isinstance(frame, pd.DataFrame)
    assert frame.shape == (len(LINES), 8)
    table = pd.DataFrame({"line": LINES, "length": [float(len(x)) for x in LINES]})
    columns = make_column_transformer((clone(SMALL), "line"), ("passthrough", ["length"]))
    assert (
        make_pipeline(columns, LogisticRegression(max_iter=5000)).fit(table, y).predict(table).shape
        == y.shape
    )
    with sklearn.config_context(enable_metadata_routing=True):
        pipe.fit(LINES[:50], y[:50], X_unlabeled=LINES[50:])
    assert (pipe["ssl"].vectors_ == clone(SMALL).fit(LINES).vectors_).all()


def test_k_mers_and_subwords():
    for modality in (Text(analyzer="char", ngram_range=(3, 3)), Text(analyzer="subword", max_features=200)):
        est = clone(SMALL).set_params(modality=modality).fit(LINES)
        assert np.isfinite(est.transform([*LINES, "", "naïve 🙂", "\udce9"])).all()
    assert Text().get_params() == SMALL.set_params(modality=Text()).fit(LINES).modality.get_params()


def test_long_texts_are_read_to_their_end():
    X = ["a b " * 6000 + "c d " * 6000, "c d a b"]
    est = clone(SMALL).fit(X)
    assert set(est.vocabulary_) == set("abcd")
    first, last = (est.vectors_[est.vocabulary_[word]] for word in "ac")
    whole = clone(SMALL).set_params(use_idf=False).fit(X).transform(X[:1])[0]
    vectors = clone(SMALL).set_params(use_idf=False).fit(X).vectors_
    np.testing.assert_allclose(whole, vectors.mean(0), atol=1e-2)
    assert not np.allclose(first, last)


def test_neighbours_are_words_of_the_same_kind():
    rng = np.random.default_rng(0)
    animals, foods = ["cat", "dog", "horse"], ["bread", "cheese", "apple"]
    X = [f"the {rng.choice(animals)} runs and jumps" for _ in range(300)]
    X += [f"we eat {rng.choice(foods)} for lunch" for _ in range(300)]
    est = Word2VecPretrainer(n_components=20, max_epochs=30, random_state=0).fit(X)
    assert {word for word, _ in est.most_similar("cat", 2)} == {"dog", "horse"}
    assert {word for word, _ in est.most_similar("Bread", 2)} == {"cheese", "apple"}


def test_no_epochs_and_a_bar(capsys):
    untrained = clone(SMALL).set_params(max_epochs=0, verbose=1).fit(LINES)
    assert np.isfinite(untrained.transform(LINES)).all()
    clone(SMALL).set_params(verbose=1).fit(LINES)
    assert "Word2VecPretrainer: 100%" in capsys.readouterr().err


def test_bad_input_is_refused():
    with pytest.raises(NotFittedError):
        clone(SMALL).transform(LINES)
    est = clone(SMALL).fit(LINES)
    for X, words in [
        (["a", None], "row 1"),
        ("text", "Pass"),
        (np.zeros((3, 2)), "2 columns"),
        ([], "no texts"),
    ]:
        with pytest.raises((TypeError, ValueError), match=words):
            clone(SMALL).fit(X)
        with pytest.raises((TypeError, ValueError), match=words):
            est.transform(X)
    with pytest.raises(ValueError, match="no word in X"):
        clone(SMALL).fit(["", " "])
    assert set(clone(SMALL).fit(["a", "b"]).vocabulary_) == {"a", "b"}  # none is in two texts: all are taken
    with pytest.raises(ValueError, match="not in the vocabulary"):
        est.most_similar("neverseenbefore")
    with pytest.raises(ValueError, match="n=0"):
        est.most_similar("of", 0)
    with pytest.raises(TypeError, match="modality"):
        clone(SMALL).set_params(modality="words").fit(LINES)
    with pytest.raises(ValueError, match="window"):
        clone(SMALL).set_params(window=0).fit(LINES)


def test_gensim_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "gensim.models.callbacks", None)
    with pytest.raises(ImportError, match=re.escape("sklearn-ssl[text]")):
        clone(SMALL).fit(LINES)
