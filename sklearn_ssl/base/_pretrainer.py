"""The estimator around every pretext task: fit, transform, score."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from skorch.callbacks import Callback
from torch import nn

from ..modalities import Modality
from ..training import (
    Batch,
    BatchLoader,
    CollapseMonitor,
    ObjectiveNet,
    Selection,
    Store,
    as_step,
    batch_statistics,
    collapse_of,
    move,
    n_rows,
    outputs_of,
    seeded,
)
from ._network import NetworkEstimator

SCORE_SEED = 0  # the same views in every call: scores that can be compared
VIEW_BATCH = 256


@dataclass(kw_only=True, eq=False, repr=False)
class Pretrainer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetworkEstimator, ABC):
    """Learn features from unlabeled rows.

    A subclass is a keyword-only dataclass that writes one method, ``_objective``. Its docstring has the
    parameters of its own; those below are added to it.

    Parameters
    ----------
    modality : "auto" or Modality, default="auto"
        What the data is, for example ``Image(shape=(28, 28))``. ``"auto"`` takes two-dimensional
        numbers, DataFrames and sparse matrices for tables, four-dimensional arrays for images, and a list,
        array or Series of str for texts.
    encoder : str or nn.Module, default="auto"
        The network from a batch to features. A name picks one of the modality's. A module must give
        floats of shape ``(n, d)``; it is copied, and its weights are where training starts. It
        receives floats ``(n, width)`` for tables, the scaled numbers, then indicators of holes and
        categories one-hot, ``(n, c, h, w)`` for images, and :class:`~sklearn_ssl.encoders.Tokens`, padded
        ids with lengths, for texts, where it may be a model of sentence-transformers or transformers.
        The ``encoder_`` of a pretrainer that was fitted to a DataFrame can start one on a DataFrame with
        other columns: those it knows by name keep their weights, new ones start fresh, and a warning says
        which.
    n_components : int or None, default=None
        Width of the features. None takes the default of the named encoder (1,536 for tables, 6,144
        for images of 28 x 28 pixels, 1,024 for texts) or the width of a module. For texts a number puts
        a linear layer on top, which tasks at single tokens (masked and next tokens) do not train: a random
        projection.
    on_collapse : {"warn", "raise", "ignore"}, default="warn"
        What to do if training made the embeddings of all rows nearly the same, so that they tell nothing:
        a ``ConvergenceWarning``, or a ``ValueError``, so that a search drops the setting.

    Attributes
    ----------
    encoder_ : nn.Module
        The trained encoder, on `device`, in evaluation mode. What it gives is what ``transform`` gives,
        but for `VAEPretrainer`, which adds a layer.
    history_ : list of dict
        One dict per epoch: ``epoch``, ``train_loss``, with `early_stopping` ``valid_loss``, and what tells a
        collapse: ``effective_rank``, how many directions the embeddings of up to 128 rows fill, and
        ``spread``, how much the rows differ (1: all directions, 0: one point). Embeddings are what the
        loss compares: projections, or the features themselves.
        ``pandas.DataFrame(est.history_)`` is the learning curve.
    n_components_ : int
        Width of the features.
    encoder_width_ : int
        Width of what `encoder_` gives; the same, but for `VAEPretrainer`.
    """

    modality: str | Modality = "auto"
    encoder: str | nn.Module = "auto"
    n_components: int | None = None
    on_collapse: str = "warn"

    _default_width: ClassVar[int | None] = None  # what n_components=None asks of a named encoder
    _projects_features: ClassVar[bool] = False  # whether the objective brings features to n_components itself
    _compares_rows: ClassVar[bool] = True  # whether the loss of a single row makes no sense
    _collapse_advice: ClassVar[str] = "Lower lr."

    # metadata routing hands X_unlabeled to fit without a call of set_fit_request
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"X_unlabeled": True}

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "modality": "no_validation",  # choose_modality has better words for it
        "encoder": [str, nn.Module],
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "on_collapse": [StrOptions({"warn", "raise", "ignore"})],
    }

    def fit(self, X: Any, y: Any = None, X_unlabeled: Any = None) -> Self:
        """Fit the modality and train the encoder on X, and on X_unlabeled if given.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix of shape (n, d), or what `modality` takes
        y : ignored
            Present for pipelines; permuting it changes nothing.
        X_unlabeled : like X, optional
            Further rows, without labels. They belong to the training data of the modality and of the
            encoder, y belongs to X alone.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or X is not what it should be.
        KeyboardInterrupt
            On Ctrl-C, after training has ended in good order: the estimator is usable.
        """
        return self._fit(X, X_unlabeled, go_on=self.warm_start)

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Train one epoch on X; the first call fits the modality as well.

        The scaling, and which columns hold zeros and ones only, stay those of the first call, so let it
        see a fair sample of the data.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix of shape (n, d), or what `modality` takes
        y : ignored

        Returns
        -------
        self
        """
        return self._fit(X, max_epochs=1, go_on=True)

    def transform(self, X: Any) -> np.ndarray:
        """Return the features of X.

        Parameters
        ----------
        X : like the X of fit, of shape (n, ...)

        Returns
        -------
        ndarray of shape (n, n_components_), float32
        """
        objective, store = self._ready(X)
        return self._apply(objective.features, store, self.n_components_)

    def transform_views(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the features of two random views of X, drawn from a fixed seed.

        Parameters
        ----------
        X : like the X of fit, of shape (n, ...), at least 2 rows

        Returns
        -------
        A, B : ndarray of shape (n, n_components_), float32
            Features of one and of the other view; row i of both is of row i of X.
        """
        objective, store = self._ready(X)
        n = len(store)
        if n < 2:
            raise ValueError("transform_views needs at least 2 rows of X; it has 1. Pass a larger sample.")
        # in batches of one size, at random: rows may be sorted, and views may borrow from others of a batch
        order = np.random.default_rng(SCORE_SEED).permutation(n)
        pair = []
        for side in (0, 1):

            def of_view(x: Batch, side: int = side) -> torch.Tensor:
                return objective.features(self.modality_.views(x)[side])

            with seeded(SCORE_SEED, self.net_.device):  # both times the same two views
                shuffled = Selection(store, order)
                Z = outputs_of(of_view, shuffled, self.n_components_, VIEW_BATCH, self.net_.device)
            pair.append(Z[np.argsort(order)])
        return pair[0], pair[1]

    def score(self, X: Any, y: Any = None) -> float:
        """Return minus the pretext loss on X, with views drawn from a fixed seed.

        Higher is better, so that a search with ``y=None`` works. Scores can be compared only between
        settings that leave the loss itself alone: the temperature and the batch size do not, nor does
        a rate of corruption, or what a token of a text is. Choose those by the accuracy of a classifier on
        the features.

        Parameters
        ----------
        X : like the X of fit, of at least 2 rows
        y : ignored

        Returns
        -------
        float
        """
        objective, store = self._ready(X)
        if len(store) < 2 and self._compares_rows:
            raise ValueError("score needs at least 2 rows of X; it has 1. Pass a larger sample.")
        total = size = 0.0
        with torch.no_grad(), batch_statistics(objective), seeded(SCORE_SEED, self.net_.device):
            for batch, _ in BatchLoader(store, self._rows_per_batch, shuffle=True):  # X may be sorted
                step = as_step(objective(move(batch, self.net_.device)))
                weight = n_rows(batch) if step.weight is None else float(step.weight)
                total, size = total + float(step.loss) * weight, size + weight
        if not size:
            raise ValueError("There is nothing in X that could be predicted. Pass longer rows.")
        return -total / size

    def _feature_width(self) -> int | None:
        return None if self._projects_features else self.n_components or self._default_width

    def _from_width(self, width: int) -> dict[str, Any]:
        if self._projects_features:
            return {"n_components_": self.n_components or self._default_width or width}
        if self.n_components in (None, width):
            return {"n_components_": width}
        raise ValueError(
            f"n_components={self.n_components}, and the encoder returns {width} features. "
            "Leave n_components=None, or change the width of the module."
        )

    def _watchers(self) -> list[Callback]:
        return [CollapseMonitor()]

    def _verdict(self, net: ObjectiveNet, store: Store) -> str:
        figures = "" if self.on_collapse == "ignore" else collapse_of(net, store)
        if not figures:
            return ""
        text = (
            f"{type(self).__name__} has collapsed: the embeddings of all rows are nearly the same ({figures}). "
            f"{self._collapse_advice}"
        )
        if self.on_collapse == "raise":
            raise ValueError(text)
        return text

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
