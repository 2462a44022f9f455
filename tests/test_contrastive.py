"""The loss against plain loops, and the views."""

import numpy as np
import pytest
import torch
from seeds import seeded

from sklearn_ssl.methods._contrastive import nt_xent
from sklearn_ssl.modalities._image_views import change_intensity, crop_and_flip
from sklearn_ssl.modalities.tabular._cells import replace_cells


def nt_xent_by_loops(a, b, temperature):
    """Equation 1 of the SimCLR paper, averaged over both views of all rows."""
    z = np.concatenate([a, b]).astype(float)
    n = len(a)

    def sim(i, k):
        return z[i] @ z[k] / np.linalg.norm(z[i]) / np.linalg.norm(z[k])

    losses = []
    for i in range(2 * n):
        j = (i + n) % (2 * n)
        others = sum(np.exp(sim(i, k) / temperature) for k in range(2 * n) if k != i)
        losses.append(-np.log(np.exp(sim(i, j) / temperature) / others))
    return np.mean(losses)


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_nt_xent_equals_the_paper(n, temperature):
    a, b = np.random.default_rng(0).normal(size=(2, n, 5)).astype(np.float32)
    loss = nt_xent(torch.from_numpy(a), torch.from_numpy(b), temperature)
    assert float(loss) == pytest.approx(nt_xent_by_loops(a, b, temperature), abs=1e-5)


def test_nt_xent_stays_in_float32_under_autocast():
    a, b = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 6, 5)))
    with torch.autocast("cpu", torch.bfloat16):
        loss = nt_xent(a, b, 0.1)
    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx(nt_xent_by_loops(a.numpy(), b.numpy(), 0.1), abs=1e-5)


def test_replaced_cells_come_from_their_own_column():
    x = torch.arange(1000.0).reshape(250, 4) % 4 + torch.arange(250.0)[:, None] * 10
    with seeded(0):
        y, replaced = replace_cells(x, 0.3)
    assert (y % 10 == x % 10).all()  # the last digit is the column
    changed = (y != x).float()
    assert 0.25 < changed.mean() < 0.35
    assert changed.mean(0).min() > 0.2
    rows, donors = torch.div(x, 10, rounding_mode="floor"), torch.div(y, 10, rounding_mode="floor")
    several = [
        len(set(d[d != r].tolist())) > 1 for r, d in zip(rows, donors, strict=True) if (d != r).sum() > 1
    ]
    assert np.mean(several) > 0.9  # each cell has a donor of its own: columns are independent
    assert ((y != x) <= replaced).all()
    assert (replace_cells(x, 0.0)[0] == x).all()
    with seeded(0):
        assert (replace_cells(x, 1.0)[0] != x).float().mean() > 0.98


def test_the_largest_crop_of_square_aspect_is_the_image(monkeypatch):
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(9, 2, 6, 7)).astype(np.float32))
    monkeypatch.setattr("sklearn_ssl.modalities._image_views.ASPECT", 1.0)
    with seeded(0):
        same = crop_and_flip(x, (1.0, 1.0), flip=False)
        flipped = crop_and_flip(x, (1.0, 1.0), flip=True)
    assert torch.allclose(same, x, atol=1e-5)
    mirrored = [torch.allclose(a, b.flip(-1), atol=1e-5) for a, b in zip(flipped, x, strict=True)]
    as_it_was = [torch.allclose(a, b, atol=1e-5) for a, b in zip(flipped, x, strict=True)]
    assert all(m != s for m, s in zip(mirrored, as_it_was, strict=True))
    assert 0 < sum(mirrored) < 9


def test_crops_are_windows_of_the_image():
    ramp = torch.linspace(0, 1, 28).expand(50, 1, 28, 28).contiguous()
    with seeded(0):
        crops = crop_and_flip(ramp, (0.3, 0.5), flip=False)
    widths = (crops[:, 0, 0, -1] - crops[:, 0, 0, 0]) * 27 / 28 + 1 / 28
    assert (widths > 0.3**0.5 * 0.86 - 0.05).all()
    assert (widths < 0.5**0.5 * 1.16 + 0.05).all()
    assert (crops.diff(dim=3) >= -1e-6).all()
    assert crops.amax() <= 1 and crops.amin() >= 0
    centres = crops.mean(dim=(1, 2, 3))
    assert centres.min() < 0.4 and centres.max() > 0.6  # windows lie anywhere


def test_intensity_changes_keep_the_order_of_grey_values():
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(8, 3, 5, 5)).astype(np.float32))
    with seeded(0):
        y = change_intensity(x, 0.4)
    assert (x.flatten(2).argsort(2) == y.flatten(2).argsort(2)).all()
    assert not torch.allclose(x, y, atol=0.05)
    assert (change_intensity(x, 0.0) == x).all()
