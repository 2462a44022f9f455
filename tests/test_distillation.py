"""Distillation: losses by hand, teachers of all kinds, and what is said of wrong ones."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from methods import KINDS
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import sklearn_ssl
from sklearn_ssl import ContrastivePretrainer, DistillationClassifier, DistillationPretrainer, LabeledOnly
from sklearn_ssl.encoders import ConvNet, TokenBag
from sklearn_ssl.transfer._distillation import distillation_errors
from sklearn_ssl.transfer._distillation_pretrainer import imitation_errors
from sklearn_ssl.transfer._rows import distinct_rows

X, y = load_wine(return_X_y=True)
NAMES = np.array(["red", "rosé", "white"])[y]
FAST = {"max_epochs": 15, "random_state": 0, "precision": "float32", "lr": 1e-2}


def new(teacher=None, **params):
    return DistillationClassifier(GaussianNB() if teacher is None else teacher, **{**FAST, **params})


def features(teacher, **params):
    return DistillationPretrainer(teacher, **{**FAST, **params})


@pytest.mark.parametrize("temperature, hard_weight", [(1.0, 0.0), (3.0, 0.25), (0.5, 1.0)])
def test_loss_by_hand(temperature, hard_weight):
    rng = np.random.default_rng(0)
    logits, soft = rng.normal(size=(5, 4)), rng.dirichlet(np.ones(4), 5)
    soft[0] = [0, 1, 0, 0]
    hard = np.array([2, -1, 0, -1, 3])
    powers = soft ** (1 / temperature)
    q, log_p = powers / powers.sum(1, keepdims=True), log_softmax(logits / temperature, axis=1)
    gap = (q * (np.log(np.where(q > 0, q, 1)) - log_p)).sum(1) * temperature**2
    wrong = -log_softmax(logits, axis=1)[np.arange(5), hard]
    expected = np.where(hard >= 0, (1 - hard_weight) * gap + hard_weight * wrong, gap)
    found = distillation_errors(
        torch.tensor(logits), torch.tensor(soft), torch.tensor(hard), temperature, hard_weight
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_perfect_student_has_no_loss_and_no_gradient():
    logits = torch.randn(6, 3, requires_grad=True)
    errors = distillation_errors(logits, logits.detach().softmax(1), torch.full((6,), -1), 4.0, 0.5)
    errors.sum().backward()
    assert errors.abs().max() < 1e-5 and logits.grad.abs().max() < 1e-5


def test_error_of_the_mean_is_one():
    Z = np.random.default_rng(0).normal(size=(50, 3)) * [1, 2, 3] + 5
    scale = float(np.sqrt(Z.var(0).mean()))
    errors = imitation_errors(torch.tensor(Z.mean(0)).expand(50, 3), torch.tensor(Z), scale)
    assert float(errors.mean()) == pytest.approx(1)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_equal_rows_are_one_kind_whatever_their_order(container):
    rows = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    codes, weight = np.array([0, 1, 0, 1, 1]), np.array([1.0, 2.0, 3.0, 4.0, 0.0])
    kept, total = distinct_rows(container(rows), codes, weight)
    found = {(tuple(rows[i]), codes[i]): w for i, w in zip(kept, total, strict=True)}
    assert found == {((1, 0), 0): 4, ((1, 0), 1): 4, ((0, 2), 1): 2}
    order = [4, 2, 0, 3, 1]
    again, same = distinct_rows(container(rows[order]), codes[order], weight[order])
    assert (rows[order][again] == rows[kept]).all() and (same == total).all()


@pytest.mark.parametrize(
    "labels", [y, NAMES, NAMES.astype(object), y == 1, y - 5], ids=lambda v: str(v.dtype)
)
def test_classes_survive_save_pickle_and_clone(labels, tmp_path):
    est = new().fit(X, labels)
    assert est.score(X, labels) > 0.85
    np.testing.assert_allclose(est.predict_proba(X).sum(1), 1, rtol=1e-5)
    est.save(tmp_path)
    loaded = sklearn_ssl.load(tmp_path)
    for other in (loaded, pickle.loads(pickle.dumps(est)), clone(est).fit(X, labels)):
        assert (other.predict(X) == est.predict(X)).all()
        assert other.classes_.dtype == est.classes_.dtype and (other.classes_ == np.unique(labels)).all()
    with pytest.raises(ValueError, match=r"teacher=None.*not saved: after load"):
        loaded.fit(X, labels)
    assert loaded.set_params(teacher=GaussianNB()).fit(X, labels).history_ == est.history_


def test_the_student_follows_its_teacher_not_the_labels():
    """A teacher that has learned other labels is believed, on labelled rows and on others."""
    turned = np.array([1, 2, 0])[y]
    teacher = GaussianNB().fit(X, turned)
    digest = teacher.theta_.copy()
    est = new(teacher, hard_weight=0.0, max_epochs=30).fit(X[::2], y[::2], X_unlabeled=X[1::2])
    assert est.score(X, turned) > 0.9
    assert (teacher.theta_ == digest).all()
    labels = new(teacher, hard_weight=1.0, max_epochs=30).fit(X, y)
    assert labels.score(X, y) > 0.9
    pool_only = new(teacher, hard_weight=1.0, max_epochs=30).fit(X[:2], y[:2], X_unlabeled=X)
    assert pool_only.score(X, turned) > 0.9


def test_unlabeled_rows_teach():
    few = np.r_[0:3, 60:63, 140:143]
    teacher = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    alone = new(teacher).fit(X[few], y[few]).score(X, y)
    assert new(teacher).fit(X[few], y[few], X_unlabeled=X).score(X, y) > max(alone, 0.95)


def test_an_unfitted_teacher_is_cloned_and_a_fitted_one_may_know_more():
    teacher = KNeighborsClassifier(3)
    est = new(teacher).fit(X, y)
    assert not hasattr(teacher, "classes_") and est.teacher is teacher
    wide = FrozenEstimator(GaussianNB().fit(X, NAMES))
    est = clone(new(wide)).fit(X[y < 2], NAMES[y < 2])  # clone keeps what is frozen
    assert list(est.classes_) == ["red", "rosé", "white"]
    assert est.predict_proba(X[:3]).shape == (3, 3)


def test_random_state_decides_for_the_teacher_too():
    forest = RandomForestClassifier(5)
    runs = [new(forest, random_state=seed).fit(X, y).history_ for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize(
    "other",
    [
        {"temperature": 4.0},
        {"hard_weight": 0.9},
        {"encoder": "mlp"},
        {"encoder": torch.nn.Linear(13, 4)},
        {"modality": sklearn_ssl.modalities.Tabular(clip=0.1)},
        {"teacher": KNeighborsClassifier()},
        {"lr": 1e-4},
        {"batch_size": 32},
        {"random_state": 1},
        {"early_stopping": True},
        {"max_epochs": 2},
    ],
    ids=str,
)
def test_every_parameter_changes_something(other):
    base = new(max_epochs=3).fit(X, y).predict_proba(X)
    params = {"max_epochs": 3, **other}
    assert not np.array_equal(new(**params).fit(X, y).predict_proba(X), base)


def test_weights_count_and_reach_the_teacher():
    wrong = np.where(y == 0, 1, y)
    weight = np.where(np.arange(len(y)) % 2, 0.0, 1.0)
    est = new(max_epochs=30).fit(X, np.where(weight > 0, y, wrong), sample_weight=weight)
    assert est.score(X, y) > 0.9
    twice = new().fit(np.r_[X, X], np.r_[y, y])
    same = new().fit(X, y, sample_weight=np.full(len(y), 2.0)).predict_proba(X)
    np.testing.assert_allclose(twice.predict_proba(X), same, rtol=1e-5)


def test_frames_texts_and_images_have_small_networks():
    frame = pd.DataFrame(X).add_prefix("c").assign(kind=NAMES)
    teacher = make_pipeline(
        make_column_transformer((StandardScaler(), list(frame.columns[:-1]))), LogisticRegression()
    )
    est = new(teacher).fit(
        frame[::2], y[::2], X_unlabeled=frame[1::2].assign(more=1)[[*frame.columns[::-1], "more"]]
    )
    assert est.score(frame, y) > 0.9
    assert est.encoder_.columns[0] == ("c0", "number") and est.encoder_width_ == 64

    texts, images = KINDS["text"], KINDS["image"]
    labels = np.array([len(text) > 60 for text in texts.X])
    est = new(make_pipeline(CountVectorizer(), LogisticRegression()), modality=texts.modality, max_epochs=1)
    assert isinstance(est.fit(texts.X, labels).encoder_, TokenBag)

    est = features(
        ContrastivePretrainer(max_epochs=0, n_components=4), modality=images.modality, max_epochs=1
    )
    assert isinstance(est.fit(images.X).encoder_, ConvNet)
    assert sum(p.numel() for p in est.encoder_.parameters()) < 30_000


def test_searches_and_labeled_only():
    search = GridSearchCV(new(), {"teacher__var_smoothing": [1e-9, 1e9], "temperature": [2.0]}, cv=2)
    assert search.fit(X, y).best_params_["teacher__var_smoothing"] == 1e-9
    some = np.where(np.arange(len(y)) % 3, y, -1)
    assert LabeledOnly(new()).fit(X, some).score(X, y) > 0.9


class Odd(BaseEstimator):
    """A classifier that gives what it is told to."""

    classes_ = np.array([0, 1, 2])

    def __init__(self, proba):
        self.proba = proba

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        if isinstance(self.proba, Exception):
            raise self.proba
        return (
            self.proba
            if self.proba is None or len(np.shape(self.proba)) != 1
            else np.tile(self.proba, (len(X), 1))
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        tags.requires_fit = False
        return tags


@pytest.mark.parametrize(
    "teacher, error, words",
    [
        (None, ValueError, "teacher=None: there is nobody to learn from"),
        (GaussianNB, TypeError, r"teacher=GaussianNB is the class. Add \(\)"),
        (LinearSVC(), TypeError, "LinearSVC has no predict_proba. Wrap it in CalibratedClassifierCV"),
        (Ridge(), TypeError, "Ridge has no predict_proba"),
        ("forest", TypeError, "teacher=str has no predict_proba"),
        (Odd([0.5, 0.5, 0.5]), ValueError, "3 probabilities for each row, which sum to 1.*0.5"),
        (Odd([0.5, 0.5]), ValueError, r"must give 3 probabilities.*shape \(178, 2\)"),
        (Odd([np.nan, 0.5, 0.5]), ValueError, "gave NaN or infinity"),
        (Odd(np.ones((2, 3)) / 3), ValueError, r"shape \(2, 3\) for 178 rows"),
        (Odd(RuntimeError("out of coffee")), ValueError, "failed on X: RuntimeError.*out of coffee"),
        (
            GaussianNB().fit(X[y < 2], y[y < 2]),
            ValueError,
            "classes that the teacher does not know: 2. It knows 0, 1",
        ),
        (GaussianNB().fit(X, NAMES), ValueError, "does not know: 0, 1, 2. It knows 'red'"),
    ],
    ids=lambda value: "" if isinstance(value, type) else str(value)[:30],
)
def test_wrong_teachers(teacher, error, words):
    est = DistillationClassifier(teacher, **FAST)
    with pytest.raises(error, match=words):
        est.fit(X, y)
    with pytest.raises(NotFittedError):
        est.predict(X)


def test_wrong_labels_and_weights():
    for labels, words in [(None, "requires y"), (X[:, 0], "Unknown label type"), (y[:5], "inconsistent")]:
        with pytest.raises(ValueError, match=words):
            new().fit(X, labels)
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        new(KNeighborsClassifier()).fit(X, y, sample_weight=np.ones(len(y)))
    with pytest.raises(ValueError, match="must not be negative"):
        new().fit(X, y, sample_weight=-np.ones(len(y)))
    with pytest.raises(ValueError, match="does not go with X"):
        new().fit(X, y, X_unlabeled=X[:, :3])


def test_students_of_features_come_close_to_their_teachers():
    rows = load_iris().data
    pca = make_pipeline(StandardScaler(), PCA(3)).fit(rows)
    est = features(pca, max_epochs=60).fit(rows)
    Z, target = est.transform(rows), pca.transform(rows)
    assert Z.shape == target.shape
    error = ((Z - target) ** 2).mean() / target.var(0).mean()
    assert error < 0.1
    assert est.score(rows) == pytest.approx(-error, abs=0.05)
    less = features(pca, n_components=2, max_epochs=60).fit(rows)
    by_pca = PCA(2).fit(target)
    np.testing.assert_allclose(np.abs(less.components_ @ by_pca.components_.T), np.eye(2), atol=1e-6)
    goal = target @ less.components_.T
    assert ((less.transform(rows) - goal) ** 2).mean() / goal.var(0).mean() < 0.1
    assert features(pca, max_epochs=0).fit(rows).score(rows) < less.score(rows)


def test_a_loaded_student_needs_its_teacher_only_to_train_and_score(tmp_path):
    est = features(PCA(3)).fit(X)
    assert hasattr(est.teacher_, "components_") and not hasattr(est.teacher, "components_")
    est.save(tmp_path)
    loaded = sklearn_ssl.load(tmp_path)
    assert (loaded.transform(X) == est.transform(X)).all()
    for call in (loaded.score, loaded.partial_fit):
        with pytest.raises(ValueError, match="not saved: after load"):
            call(X)
    loaded.set_params(teacher=est.teacher_)
    assert loaded.score(X) == est.score(X)
    with pytest.raises(ValueError, match="is not fitted"):
        loaded.set_params(teacher=PCA(3)).score(X)
    with pytest.raises(ValueError, match="gives 2 features, and gave 3 in the first fit"):
        loaded.set_params(teacher=PCA(2).fit(X)).partial_fit(X)


@pytest.mark.parametrize(
    "teacher, error, words",
    [
        (None, ValueError, "teacher=None"),
        (PCA, TypeError, "is the class"),
        (GaussianNB(), TypeError, "GaussianNB has no transform. Take a transformer"),
    ],
)
def test_wrong_teachers_of_features(teacher, error, words):
    with pytest.raises(error, match=words):
        features(teacher).fit(X)


def test_more_components_than_the_teacher_has():
    with pytest.raises(ValueError, match="n_components=5, and the teacher gives 3 features of 178 rows"):
        features(PCA(3), n_components=5).fit(X)


def test_probabilities_are_those_of_the_logits():
    est = new().fit(X, y)
    logits = est.net_.module_(est.modality_.validate(X)[np.arange(len(X))]).detach().numpy()
    np.testing.assert_allclose(est.predict_proba(X), softmax(logits, axis=1), rtol=1e-4, atol=1e-6)


def test_a_frame_of_other_columns_keeps_only_the_encoder():
    frame = pd.DataFrame(X[:, :3], columns=["a", "b", "c"])
    other = frame[["a", "b"]].assign(d=X[:, 4], e=X[:, 5])
    student = features(PCA(2), warm_start=True).fit(frame)
    before = student.encoder_
    with pytest.raises(ValueError, match="feature names"):  # of partial_fit: the network is to stay
        clone(student).set_params(warm_start=False).fit(frame).partial_fit(other)
    with pytest.warns(UserWarning, match=r"New.*'d', 'e'"):
        student.set_params(max_epochs=0).fit(other)
    assert student.encoder_.columns != before.columns and student.teacher_.n_features_in_ == 4
    assert student.transform(other).shape == (len(X), 2)
    np.testing.assert_allclose(student.mean_, student.teacher_.transform(other).mean(0), atol=1e-9)
