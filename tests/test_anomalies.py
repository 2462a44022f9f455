"""score_samples: anomalies get low numbers, by every method, and each row's number is its own."""

import numpy as np
import pytest
import torch
from methods import KINDS, METHODS
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from torch import nn

import sklearn_ssl
from sklearn_ssl import (
    AutoencoderPretrainer,
    AutoregressivePretrainer,
    MaskedPretrainer,
    SelfOrganizingMap,
    VAEPretrainer,
    Word2VecPretrainer,
)
from sklearn_ssl.modalities import Image, Tabular, Text

BREAST, MALIGNANT = load_breast_cancer(return_X_y=True)
USUAL, ODD = BREAST[MALIGNANT == 1][:150], BREAST[MALIGNANT == 0][:60]
ON_TABLES = [name for name, m in METHODS.items() if "tabular" in m.kinds and name != "distillation"]


def auc(estimator, usual, odd):
    scores = estimator.score_samples(
        [*usual, *odd] if isinstance(usual, list) else np.concatenate([usual, odd])
    )
    return roc_auc_score(np.repeat([1, 0], [len(usual), len(odd)]), scores)


@pytest.mark.parametrize("method", ON_TABLES)
def test_malignant_rows_get_lower_numbers(method):
    est = METHODS[method](max_epochs=10, n_components=64).fit(USUAL[:100])
    assert auc(est, USUAL[100:], ODD) > 0.75


def test_a_map_finds_them_too():
    som = SelfOrganizingMap(shape=(4, 4)).fit(USUAL[:100])
    scores = som.score_samples(ODD)
    assert auc(som, USUAL[100:], ODD) > 0.75
    assert scores.dtype == np.float64 and scores.shape == (60,)
    assert -scores.mean() == pytest.approx(som.quantization_error(ODD))
    np.testing.assert_allclose(
        -scores, np.sort(SelfOrganizingMap.transform(som, ODD), axis=1)[:, 0], rtol=1e-6
    )


@pytest.mark.parametrize("method", ["autoencoder", "masked", "vae", "rotation"])
def test_noise_is_found_among_digits(method):
    X = load_digits().data[:300]
    noise = np.random.default_rng(0).uniform(0, 16, (50, 64))
    digits = Image(shape=(8, 8), horizontal_flip=False)
    est = METHODS[method](modality=digits, max_epochs=4, n_components=16).fit(X[:200])
    assert auc(est, X[200:250], noise) > 0.8


@pytest.mark.parametrize("method", [AutoregressivePretrainer, MaskedPretrainer])
def test_shuffled_letters_are_found_among_texts(method):
    rng = np.random.default_rng(0)
    X = ["".join(rng.permutation(["abab", "cdcd", "efef"])) for _ in range(120)]
    odd = ["".join(rng.permutation(list(text))) for text in X[:30]]
    est = method(modality=Text(analyzer="char"), max_epochs=8, random_state=0).fit(X)
    assert auc(est, X[90:], odd) > 0.9


def test_words_of_two_topics_are_found_among_texts():
    rng = np.random.default_rng(0)
    topics = [[f"{letter}{i}" for i in range(6)] for letter in "abc"]
    X = [" ".join(rng.choice(topics[i % 3], 8)) for i in range(300)]
    odd = [" ".join(rng.choice([*topics[0][:3], *topics[1][:3]], 8)) for _ in range(30)]
    est = Word2VecPretrainer(n_components=8, max_epochs=20, random_state=0).fit(X)
    assert auc(est, X[:50], odd) > 0.9
    assert est.score_samples(["nothing of this is known"])[0] == 0
    assert np.isnan(est.score_samples(["a1", ""])).all()
    vectors = est.vectors_ / np.linalg.norm(est.vectors_, axis=1, keepdims=True)
    (i, j), w = (est.vocabulary_[word] for word in ("a1", "b2")), est.idf_
    np.testing.assert_allclose(est.score_samples(["a1 b2"]), vectors[i] @ vectors[j], rtol=1e-5)
    three = w[i] * w[j] * vectors[i] @ vectors[j] / (w[i] * w[j] + w.max() * (w[i] + w[j]))
    np.testing.assert_allclose(est.score_samples(["a1 b2 unknown"]), three, rtol=1e-5)


def test_an_autoencoder_gives_minus_the_error_of_the_row():
    est = AutoencoderPretrainer(n_components=4, max_epochs=1, random_state=0).fit(USUAL)
    objective = est.net_.module_
    x = est.modality_.validate(ODD)[np.arange(60)]
    with torch.no_grad():
        errors = (objective.decoder(objective.encoder(x)) - x).square().mean(1)
    np.testing.assert_allclose(est.score_samples(ODD), -errors.numpy(), rtol=1e-5)


def test_an_autoregressive_one_gives_minus_bits_per_token():
    X = KINDS["text"].X[:40]
    est = AutoregressivePretrainer(max_epochs=1, random_state=0).fit(X)
    alone = [est.score(X[i : i + 1]) for i in range(5)]
    np.testing.assert_allclose(est.score_samples(X)[:5], alone, rtol=1e-4)


def test_of_one_row_the_bound_is_the_score():
    """With one row, the variance of the batch is that of the row."""
    est = VAEPretrainer(max_epochs=2, n_components=2, random_state=0).fit(USUAL)
    scores = [est.score(USUAL[i : i + 1]) for i in range(3)]
    np.testing.assert_allclose(est.score_samples(USUAL[:3]), scores, rtol=0.1)  # of eight draws, and of one


@pytest.mark.parametrize("modality", [Tabular(), Tabular(categorical_features=[0, 3])])
def test_what_is_hidden_is_replaced_by_values_of_fit(modality):
    """Beside a single row there is none to take values from: they lie between the cuts of each column."""
    X = np.column_stack([np.arange(90) % 3, np.arange(90) % 2, np.linspace(-1, 1, 90), np.arange(90) % 4])
    modality.fit(X)
    rows = modality.restore(modality.reference_rows(50))
    assert set(rows[:, 1].astype(float).round(6)) == {0.0, 1.0}
    assert abs(rows[:, 2].astype(float).mean()) < 0.05 and np.ptp(rows[:, 2].astype(float)) > 1
    if len(modality.categorical_):
        assert set(rows[:, 3]) == {0, 1, 2, 3}


def test_every_public_pretrainer_has_it():
    names = [name for name in sklearn_ssl.__all__ if name.endswith(("Pretrainer", "Map"))]
    lacking = [name for name in names if not hasattr(getattr(sklearn_ssl, name), "score_samples")]
    assert lacking == []


def test_texts_without_anything_to_predict_are_nan():
    X = KINDS["text"].X[:40]
    est = MaskedPretrainer(modality=Text(max_length=8), max_epochs=1, random_state=0).fit(X)
    scores = est.score_samples(["", X[0]])
    assert np.isnan(scores[0]) and np.isfinite(scores[1])


def test_an_encoder_of_the_users_own():
    net = nn.Sequential(nn.Linear(30, 8), nn.BatchNorm1d(8, affine=False))
    est = METHODS["contrastive"](encoder=net).fit(USUAL)
    np.testing.assert_allclose(est.score_samples(ODD), -(est.transform(ODD) ** 2).mean(1), rtol=1e-4)


def test_refused():
    with pytest.raises(NotFittedError):
        AutoencoderPretrainer().score_samples(USUAL)
    est = AutoencoderPretrainer(max_epochs=1).fit(USUAL)
    with pytest.raises(ValueError, match="X has 29 features"):
        est.score_samples(USUAL[:, 1:])
