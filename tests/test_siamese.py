"""The siamese losses against plain loops, the target encoder, and the turns of images."""

import copy

import numpy as np
import pytest
import torch
from methods import DIGITS
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning

from sklearn_ssl import RotationPretrainer, SiamesePretrainer
from sklearn_ssl.methods import _siamese as siamese
from sklearn_ssl.methods._rotation import rotate_views
from sklearn_ssl.methods._siamese import barlow_twins_loss, byol_loss, simsiam_loss, vicreg_loss
from sklearn_ssl.modalities import Image

IRIS = load_iris().data
FOUR = np.random.default_rng(0).normal(size=(4, 6, 5)).astype(np.float32)


def cosine(u, v):
    return sum(a * b for a, b in zip(u, v, strict=True)) / np.linalg.norm(u) / np.linalg.norm(v)


def byol_by_loops(p_a, p_b, z_a, z_b):
    """Equation 2 of the paper, of both views."""
    total = 0.0
    for p, z in ((p_a, z_b), (p_b, z_a)):
        for u, v in zip(p, z, strict=True):
            total += ((u / np.linalg.norm(u) - v / np.linalg.norm(v)) ** 2).sum() / len(p)
    return total


def simsiam_by_loops(p_a, p_b, z_a, z_b):
    """Equation 2 of the paper."""
    n = len(p_a)
    return -sum(cosine(p_a[i], z_b[i]) / 2 + cosine(p_b[i], z_a[i]) / 2 for i in range(n)) / n


def barlow_twins_by_loops(z_a, z_b, redundancy):
    """Equations 1 and 2 of the paper."""
    n, d = z_a.shape
    a, b = ((z - z.mean(0)) / np.sqrt(z.var(0) + 1e-5) for z in (z_a, z_b))
    total = 0.0
    for i in range(d):
        for j in range(d):
            c = sum(a[k, i] * b[k, j] for k in range(n)) / n
            total += (1 - c) ** 2 if i == j else redundancy * c**2
    return total


def vicreg_by_loops(z_a, z_b, weights):
    """Equations 1 to 6 of the paper; means over dimensions, and half of each variance term, as its code has it."""
    n, d = z_a.shape
    apart = sum(((u - v) ** 2).sum() for u, v in zip(z_a, z_b, strict=True)) / (n * d)
    spread, shared = 0.0, 0.0
    for z in (z_a, z_b):
        mean = z.mean(0)
        for i in range(d):
            variance = sum((z[k, i] - mean[i]) ** 2 for k in range(n)) / (n - 1)
            spread += max(0, 1 - np.sqrt(variance + 1e-4)) / d / 2
            for j in range(d):
                if i != j:
                    cov = sum((z[k, i] - mean[i]) * (z[k, j] - mean[j]) for k in range(n)) / (n - 1)
                    shared += cov**2 / d
    return weights[0] * apart + weights[1] * spread + weights[2] * shared


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_losses_equal_the_papers(scale):
    arrays = FOUR * np.float32(scale)
    p_a, p_b, z_a, z_b = map(torch.from_numpy, arrays)
    close = {"rel": 1e-5, "abs": 1e-5}
    exact = arrays.astype(float)
    assert float(byol_loss(p_a, p_b, z_a, z_b)) == pytest.approx(byol_by_loops(*exact), **close)
    assert float(simsiam_loss(p_a, p_b, z_a, z_b)) == pytest.approx(simsiam_by_loops(*exact), **close)
    for redundancy in (0.005, 1.0):
        expected = barlow_twins_by_loops(*exact[2:], redundancy)
        assert float(barlow_twins_loss(z_a, z_b, redundancy)) == pytest.approx(expected, **close)
    for weights in ((25.0, 25.0, 1.0), (1.0, 2.0, 3.0)):
        expected = vicreg_by_loops(*exact[2:], weights)
        assert float(vicreg_loss(z_a, z_b, *weights)) == pytest.approx(expected, **close)


@pytest.mark.parametrize("loss", [byol_loss, simsiam_loss])
def test_targets_get_no_gradient(loss):
    tensors = [torch.from_numpy(x).requires_grad_() for x in FOUR]
    loss(*tensors).backward()
    assert all(t.grad.abs().sum() > 0 for t in tensors[:2])
    assert tensors[2].grad is None
    assert tensors[3].grad is None


def test_losses_stay_in_float32_under_autocast():
    tensors = list(map(torch.from_numpy, FOUR))
    pairs = [(byol_loss, tensors), (simsiam_loss, tensors)]
    pairs += [(barlow_twins_loss, tensors[2:]), (vicreg_loss, tensors[2:])]
    for loss, given in pairs:
        with torch.autocast("cpu", torch.bfloat16):
            mixed = loss(*given)
        assert mixed.dtype == torch.float32
        assert torch.equal(mixed, loss(*given))


def test_target_encoder_moves_by_the_exact_average():
    est = SiamesePretrainer(momentum=0.9, max_epochs=0, random_state=0, precision="float32").fit(IRIS)
    objective = est.net_.module_.train()
    online = [*objective.encoder.parameters(), *objective.projector.parameters()]
    target = list(objective.target.parameters())
    assert all(torch.equal(o, t) for o, t in zip(online, target, strict=True))  # where it starts
    assert not any(t.requires_grad for t in target)
    with torch.no_grad():
        for o in online:
            o += torch.arange(o.numel()).reshape(o.shape) / o.numel()
    before, now = copy.deepcopy(target), copy.deepcopy(online)
    objective.after_step()
    for old, new, o in zip(before, target, now, strict=True):
        torch.testing.assert_close(new, 0.9 * old + 0.1 * o, rtol=0, atol=1e-6)
    assert all(torch.equal(o, n) for o, n in zip(online, now, strict=True))


def test_target_encoder_follows_each_step_once():
    settings = {"momentum": 0.9, "batch_size": len(IRIS), "random_state": 0, "precision": "float32"}
    start = SiamesePretrainer(**settings, max_epochs=0).fit(IRIS).net_.module_
    objective = SiamesePretrainer(**settings, max_epochs=1).fit(IRIS).net_.module_  # one step
    online = [*objective.encoder.parameters(), *objective.projector.parameters()]
    before = list(start.target.parameters())
    assert any(not torch.equal(o, s) for o, s in zip(online, before, strict=True))
    for target, o, s in zip(objective.target.parameters(), online, before, strict=True):
        torch.testing.assert_close(target, 0.9 * s + 0.1 * o, rtol=0, atol=1e-6)


def test_simsiam_collapses_without_its_stopped_gradient(monkeypatch):
    settings = {"loss": "simsiam", "max_epochs": 60, "lr": 0.01, "random_state": 0, "precision": "float32"}
    sound = SiamesePretrainer(**settings, on_collapse="raise").fit(IRIS)
    assert sound.history_[-1]["effective_rank"] > 2

    def flowing(p_a, p_b, z_a, z_b):
        similarity = torch.nn.functional.cosine_similarity
        return -(similarity(p_a, z_b).mean() + similarity(p_b, z_a).mean()) / 2

    monkeypatch.setattr(siamese, "simsiam_loss", flowing)
    with pytest.warns(ConvergenceWarning, match="SiamesePretrainer has collapsed.*vicreg"):
        collapsed = SiamesePretrainer(**settings).fit(IRIS)
    assert collapsed.history_[-1]["train_loss"] < -0.99  # it looks like perfect agreement
    assert collapsed.history_[-1]["effective_rank"] < sound.history_[-1]["effective_rank"] / 2
    assert collapsed.history_[-1]["spread"] < sound.history_[-1]["spread"] / 5
    with pytest.raises(ValueError, match="has collapsed"):
        SiamesePretrainer(**settings, on_collapse="raise").fit(IRIS)


@pytest.mark.parametrize("loss", ["byol", "simsiam", "barlow_twins", "vicreg"])
def test_images_too(loss):
    history = (
        SiamesePretrainer(loss=loss, max_epochs=8, random_state=0).fit(DIGITS.reshape(-1, 8, 8, 1)).history_
    )
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    assert history[-1]["spread"] > 0.3


def test_turns_of_square_images():
    a = torch.arange(2 * 3 * 4 * 4.0).reshape(2, 3, 4, 4)
    images, turns = rotate_views(a, -a)
    assert turns.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    for k in range(4):
        source = (a, -a)[k % 2].numpy()
        expected = np.rot90(source, k, axes=(2, 3))
        assert (images[2 * k : 2 * k + 2].numpy() == expected).all()


def test_images_that_are_not_square_are_turned_by_halves():
    a = torch.arange(2 * 1 * 3 * 5.0).reshape(2, 1, 3, 5)
    images, turns = rotate_views(a, -a)
    assert turns.tolist() == [0, 0, 1, 1]
    assert torch.equal(images[:2], a)
    assert torch.equal(images[2:], -a.flip(2, 3))
    est = RotationPretrainer(max_epochs=2, random_state=0).fit(DIGITS.reshape(-1, 8, 8, 1)[:, :6])
    assert est.net_.module_.classifier.out_features == 2


def test_turns_are_told_right():
    history = RotationPretrainer(max_epochs=10, random_state=0).fit(DIGITS.reshape(-1, 8, 8, 1)).history_
    assert history[-1]["train_accuracy"] > max(0.5, history[0]["train_accuracy"])


@pytest.mark.parametrize(
    "X, modality, words",
    [
        (np.ones((100, 784)), "auto", r"needs images.*table of shape \(100, 784\).*shape=\(28, 28\)"),
        (np.ones((5, 10)), "auto", r"shape=\(height, width\)"),
        (np.ones((5, 8, 8)), "auto", r"Image\(\)"),
        (np.ones((5, 10)), Image(shape=(2, 4)), "expecting images"),
    ],
)
def test_rotation_takes_images_alone(X, modality, words):
    with pytest.raises(ValueError, match=words):
        RotationPretrainer(modality=modality, max_epochs=1).fit(X)
