"""Mixins of estimators that map features back to rows: ``inverse_transform`` and ``sample``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from sklearn import get_config
from sklearn.utils import check_array, gen_batches
from sklearn.utils._param_validation import validate_parameter_constraints
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from ..base import Objective
from ..modalities import ValueDecoder, is_count
from ..training import Batch, RandomStream, draw_seed, in_float32


class DecodingObjective(Objective):
    """A pretext task that can decode features into a batch; a subclass sets `decoder`."""

    decoder: ValueDecoder

    def decode(self, z: Tensor) -> Batch:
        """Map features ``(n, n_components)`` to a batch as the encoder sees it."""
        return self.decoder.values(self.decoder(z))


class DecoderMixin:
    """``inverse_transform``, for an estimator whose objective is a `DecodingObjective`."""

    def inverse_transform(self, X: Any) -> Any:
        """Map features back to rows.

        Parameters
        ----------
        X : array of shape (n, n_components_)
            Features, as ``transform`` gives them.

        Returns
        -------
        ndarray of shape (n, ...), float64, or DataFrame
            Rows in the units and, for images, in the layout of the X passed to ``fit``. In an array of numbers,
            columns of zeros and ones hold the probability of a one. Where ``fit`` saw a DataFrame this is one, of
            the same library, with its names and types. There, and in an array of objects, whole numbers are
            whole, and numbers lie within the range that ``fit`` saw. ``set_output`` chooses another container;
            with ``transform="default"`` it is an array.

        Raises
        ------
        ValueError
            If X does not have `n_components_` columns.
        """
        check_is_fitted(self)
        width = self.n_components_  # type: ignore[attr-defined]  # a mixin beside Pretrainer, whose fit sets it
        features = check_array(X, dtype=np.float32, input_name="X", estimator=self)
        if features.shape[1] != width:
            raise ValueError(
                f"inverse_transform takes features of width {width}, as transform gives them; X has shape "
                f"{features.shape}."
            )
        features = features / np.float32(self._feature_scale)  # type: ignore[attr-defined]  # likewise
        slices = gen_batches(len(features), self.net_.batch_size)  # type: ignore[attr-defined]  # likewise
        return _decode(self, (torch.tensor(features[part]) for part in slices))


class SamplerMixin(DecoderMixin):
    """``sample``, for an estimator whose features have a standard normal prior."""

    def sample(self, n_samples: int = 1, random_state: int | np.random.RandomState | None = None) -> Any:
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
        ndarray of shape (n_samples, ...), float64, or DataFrame
            Rows like those of the X passed to ``fit``, in the container that ``inverse_transform`` returns.

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
        z = RandomStream(draw_seed(entropy)).run(torch.randn, int(n_samples), own.n_components_)
        return _decode(self, z.split(own.net_.batch_size))


def _decode(estimator: Any, features: Iterable[Tensor]) -> Any:
    objective, device, modality = estimator._trained(), estimator.net_.device, estimator.modality_

    @torch.no_grad()
    def rows_of(z: Tensor) -> np.ndarray:
        return modality.restore(objective.decode(z.to(device)))

    rows = np.concatenate([in_float32(rows_of, z) for z in features])
    return modality.give_back(rows, _container(estimator))


def _container(estimator: Any) -> str | None:
    """Return the container that ``set_output`` or the configuration asks for; None if neither does."""
    wanted: str | None = getattr(estimator, "_sklearn_output_config", {}).get("transform")
    if wanted is not None:  # set_output(transform="default") asks for arrays
        return wanted
    everywhere: str = get_config()["transform_output"]
    return None if everywhere == "default" else everywhere  # scikit-learn's own default asks for nothing
