"""Mixins of estimators that map features back to rows: ``inverse_transform`` and ``sample``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_array, gen_batches
from sklearn.utils._param_validation import validate_parameter_constraints
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from ..base import Objective
from ..modalities import ValueDecoder, is_count
from ..training import Batch, draw_seed, seeded


class DecodingObjective(Objective):
    """A pretext task that can decode features into a batch; a subclass sets `decoder`."""

    decoder: ValueDecoder

    def decode(self, z: Tensor) -> Batch:
        """Map features ``(n, n_components)`` to a batch as the encoder sees it."""
        return self.decoder.values(self.decoder(z))


class DecoderMixin:
    """``inverse_transform``, for an estimator whose objective is a `DecodingObjective`."""

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Map features back to rows.

        Parameters
        ----------
        X : array of shape (n, n_components_)
            Features, as ``transform`` gives them.

        Returns
        -------
        ndarray of shape (n, ...), float64
            Rows in the units and, for images, in the layout of the X passed to ``fit``. Columns of zeros
            and ones hold the probability of a one.

        Raises
        ------
        ValueError
            If X does not have `n_components_` columns.
        """
        check_is_fitted(self)
        width = self.n_components_  # type: ignore[attr-defined]  # set by Pretrainer
        features = check_array(X, dtype=np.float32, input_name="X", estimator=self)
        if features.shape[1] != width:
            raise ValueError(
                f"inverse_transform takes features of width {width}, as transform gives them; X has shape "
                f"{features.shape}."
            )
        slices = gen_batches(len(features), self.net_.batch_size)  # type: ignore[attr-defined]  # likewise
        return _decode(self, (torch.tensor(features[part]) for part in slices))


class SamplerMixin(DecoderMixin):
    """``sample``, for an estimator whose features have a standard normal prior."""

    def sample(
        self, n_samples: int = 1, random_state: int | np.random.RandomState | None = None
    ) -> np.ndarray:
        """Draw new rows, by decoding draws from the standard normal prior.

        Numbers are the decoder's output without noise, so they vary somewhat less than those of X.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.
        random_state : int, RandomState instance or None, default=None
            If None, the `random_state` of the estimator.

        Returns
        -------
        ndarray of shape (n_samples, ...), float64
            Rows like those of the X passed to ``fit``. Columns of zeros and ones hold the probability of a one.

        Raises
        ------
        ValueError
            If `n_samples` is less than 1, or `random_state` is invalid.
        """
        check_is_fitted(self)
        given = {"random_state": random_state}
        validate_parameter_constraints({"random_state": ["random_state"]}, given, caller_name="sample")
        if not is_count(n_samples, 1):
            raise ValueError(f"n_samples={n_samples!r} must be an integer of at least 1.")
        own: Any = self
        entropy = own.random_state if random_state is None else random_state
        with seeded(draw_seed(entropy)):
            z = torch.randn(int(n_samples), own.n_components_)
        return _decode(self, z.split(own.net_.batch_size))


def _decode(estimator: Any, features: Iterable[Tensor]) -> np.ndarray:
    net, modality = estimator.net_, estimator.modality_
    with torch.no_grad():
        return np.concatenate([modality.restore(net.module_.decode(z.to(net.device))) for z in features])
