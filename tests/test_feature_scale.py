"""Features of tables are on a scale that suits a linear classifier."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from torch import nn

import sklearn_ssl
from sklearn_ssl import AutoencoderPretrainer, GANPretrainer, MaskedPretrainer, VAEPretrainer
from sklearn_ssl.encoders import MLP


def test_features_have_a_scale_that_suits_a_linear_classifier():
    X = load_iris().data
    est = MaskedPretrainer(max_epochs=0, random_state=0).fit(X)
    Z = est.transform(X)
    assert Z.var(axis=0).sum() == pytest.approx(4 * 4, rel=0.02)
    assert np.concatenate(est.transform_views(X)).var() < 0.02
    np.testing.assert_allclose(
        est._feature_scale * est.encoder_.eval()(batch_of(est, X)).detach(), Z, rtol=1e-4
    )
    narrow = MaskedPretrainer(n_components=8, max_epochs=0, random_state=0).fit(X)
    assert narrow.transform(X).var(axis=0).sum() == pytest.approx(8, rel=0.02)
    frame = pd.DataFrame({"a": X[:, 0], "b": list("vwxyz") * 30})
    wide = MaskedPretrainer(max_epochs=0, random_state=0).fit(frame)
    assert wide.transform(frame).var(axis=0).sum() == pytest.approx(4 * 2, rel=0.02)


def batch_of(est, X):
    return est.modality_.validate(X)[np.arange(len(X))]


def test_only_networks_of_ours_on_tables_have_that_scale():
    X = load_iris().data
    module = nn.Sequential(nn.Linear(4, 99), nn.BatchNorm1d(99, affine=False))
    own = MaskedPretrainer(encoder=module, max_epochs=0, random_state=0).fit(X)
    reused = MaskedPretrainer(encoder=MLP(4), max_epochs=0, random_state=0).fit(X)
    assert own._feature_scale == 1 and reused._feature_scale == pytest.approx(np.sqrt(16 / 1536))
    for cls in (VAEPretrainer, GANPretrainer):  # their features are compared with draws from the prior
        assert cls(max_epochs=0, random_state=0).fit(X)._feature_scale == 1


def test_features_are_decoded_on_their_scale():
    X = load_iris().data
    ae = AutoencoderPretrainer(max_epochs=30, random_state=0).fit(X)
    assert ae._feature_scale < 1
    assert ((ae.inverse_transform(ae.transform(X)) - X) ** 2).mean() < 0.1 * X.var(axis=0).mean()


def test_what_was_saved_before_keeps_its_scale(tmp_path):
    X = load_iris().data
    est = MaskedPretrainer(max_epochs=0, random_state=0).fit(X)
    Z = est.transform(X)
    est.save(tmp_path)
    np.testing.assert_array_equal(sklearn_ssl.load(tmp_path).transform(X), Z)
    del est.modality_.total_variance_
    assert est.transform(X).std() == pytest.approx(1, abs=0.01)
    est.save(tmp_path)
    assert sklearn_ssl.load(tmp_path).transform(X).std() == pytest.approx(1, abs=0.01)
    est.modality_.total_variance_ = float("inf")
    est.save(tmp_path)
    with pytest.raises(ValueError, match="total_variance_"):
        sklearn_ssl.load(tmp_path)
