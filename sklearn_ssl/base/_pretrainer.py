"""The estimator around every pretext task: fit, transform, score."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metadata_routing import UNUSED
from skorch.callbacks import Callback
from torch import nn

from ..modalities import Modality, count
from ..training import (
    Batch,
    CollapseMonitor,
    LabeledStore,
    ObjectiveNet,
    RandomStream,
    Selection,
    Store,
    collapse_of,
    fixed_order,
    outputs_of,
)
from ._deployed import Features
from ._network import NetworkEstimator
from ._pieces import write_features
from ._row_losses import mean_loss_of, row_losses_of
from ._steps import steps_of

SCORE_SEED = 0  # the same views in every call, so that scores can be compared
VIEW_BATCH = 256


@dataclass(kw_only=True, eq=False, repr=False)
class Pretrainer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetworkEstimator, ABC):
    """Learn features from unlabeled rows.

    A subclass is a keyword-only dataclass that writes one method, ``_objective``. Its docstring lists its own
    parameters; those below are added to it.

    Parameters
    ----------
    modality : "auto" or Modality, default="auto"
        What the data is, for example ``Image(shape=(28, 28))``. ``"auto"`` takes two-dimensional
        numbers, DataFrames and sparse matrices for tables, four-dimensional arrays for images, a list, array or
        Series of str for texts, and a list of arrays of one dimension, or of two and of several lengths, for series.
    encoder : str or nn.Module, default="auto"
        The network that maps a batch to features. A name selects one of the modality's networks. A module
        must return floats of shape ``(n, d)``; it is copied, and training starts from its weights. Its
        input are floats: ``(n, width)`` for tables (scaled numbers, indicators of missing cells, one-hot
        categories), ``(n, c, h, w)`` for images. For texts it is :class:`~sklearn_ssl.encoders.Tokens`,
        padded ids with lengths, and the module may be a model of sentence-transformers or transformers. For
        series and sound it is :class:`~sklearn_ssl.encoders.Frames`.
        The ``encoder_`` of a pretrainer that was fitted to a DataFrame can be reused on a DataFrame with
        other columns: columns known by name keep their weights, new ones start fresh, and a warning lists
        them.
    n_components : int or None, default=None
        Width of the features. If None, the default of the named encoder (1,536 for tables, 6,144 for
        images of 28 x 28 pixels, 1,024 for texts) or the width of the module. For texts, an int adds a
        linear layer on top. Token-level tasks (masked and next tokens) do not train it: it is a random
        projection.
    on_collapse : {"warn", "raise", "ignore"}, default="warn"
        What to do if training collapsed, that is, if the embeddings of all rows became nearly the same:
        a ``ConvergenceWarning``, or a ``ValueError``, which makes a search drop the setting.

    Attributes
    ----------
    encoder_ : nn.Module
        The trained encoder, on `device`, in evaluation mode. Its output is that of ``transform``, except
        for `VAEPretrainer`, which adds a layer. On tables ``transform`` also multiplies it by a factor.
    history_ : list of dict
        One dict per epoch: ``epoch``, ``train_loss``, with `early_stopping` ``valid_loss`` and, if the loss
        compares rows, ``seen_loss``, that of as many training rows, to compare it with, and two signs of
        collapse: ``effective_rank``, how many directions the embeddings of up to 128 rows fill, and
        ``spread``, how much the rows differ (1: all directions, 0: one point). Embeddings are what the
        loss compares: projections, or the features themselves.
        ``pandas.DataFrame(est.history_)`` is the learning curve.
    n_components_ : int
        Width of the features.
    encoder_width_ : int
        Width of the output of `encoder_`; the same, except for `VAEPretrainer`.
    """

    modality: str | Modality = "auto"
    encoder: str | nn.Module = "auto"
    n_components: int | None = None
    on_collapse: str = "warn"

    _trains_together: ClassVar[bool] = True
    _default_width: ClassVar[int | None] = None  # that n_components=None requests from a named encoder
    _projects_features: ClassVar[bool] = False  # whether the objective itself maps features to n_components
    _compares_rows: ClassVar[bool] = True  # whether the loss needs at least two rows
    _scales_features: ClassVar[bool] = True  # whether features are on the scale of the modality, or their own
    _collapse_advice: ClassVar[str] = "Lower lr."

    # metadata routing passes X_unlabeled to fit without a call of set_fit_request
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"X_unlabeled": True}
    __metadata_request__partial_fit: ClassVar[dict[str, bool]] = {"X_unlabeled": True}
    __metadata_request__transform: ClassVar[dict[str, str]] = {"out": UNUSED}

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "modality": "no_validation",  # choose_modality has better words for it
        "encoder": [str, nn.Module],
        "n_components": [count(1, 2**62), None],  # no memory has room for so many, which fit says
        "on_collapse": [StrOptions({"warn", "raise", "ignore"})],
    }

    def fit(self, X: Any, y: Any = None, X_unlabeled: Any = None) -> Self:
        """Fit the modality and train the encoder on X, and on X_unlabeled if given.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix of shape (n, d), or what `modality` takes
            Tables in Parquet files (:class:`~sklearn_ssl.files.ParquetTable`), large memory maps, and arrays of h5py or
            zarr are read in blocks, and may be larger than memory.
        y : ignored
            Only here for pipelines; permuting it changes nothing.
        X_unlabeled : like X, optional
            Further rows without labels. The modality is fitted and the encoder trained on X and these
            rows together; y belongs to X alone.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or X is invalid.
        KeyboardInterrupt
            On Ctrl-C, after training has been ended cleanly: the estimator is usable.
        """
        lesson = self._lesson(X, X_unlabeled, self.warm_start)
        return self._fit(X, X_unlabeled, go_on=self.warm_start, **lesson)

    def partial_fit(self, X: Any, y: Any = None, X_unlabeled: Any = None) -> Self:
        """Train for one epoch on X, and on X_unlabeled if given; the first call also fits the modality.

        The first call sets the scaling, and which columns count as binary: pass it a representative sample.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix of shape (n, d), or what `modality` takes
        y : ignored
        X_unlabeled : like X, optional
            Further rows without labels.

        Returns
        -------
        self
        """
        lesson = self._lesson(X, X_unlabeled, True)
        return self._fit(X, X_unlabeled, max_epochs=1, go_on=True, keeps=False, **lesson)

    def transform(self, X: Any, out: Any = None) -> Any:
        """Return the features of X.

        A linear classifier can take them as they are. Those of tables all have one variance; in total it is four times
        the number of columns, so that a classifier is regularised about as on standardised columns. Elsewhere, and if
        there are few features, each has variance one.

        Parameters
        ----------
        X : like the X of fit, of shape (n, ...)
        out : str, Path or array of shape (n, n_components_), optional
            Where to write features that may be larger than memory: a folder of Parquet files, a file
            ``name.parquet`` or ``name.npy``, or an array of floats, such as a memory map or a dataset of h5py or
            zarr. Nothing is overwritten but such an array.

        Returns
        -------
        ndarray of shape (n, n_components_), float32
            With `out` what was written: a :class:`~sklearn_ssl.files.ParquetTable`, a memory map, or the array.
        """
        objective, store = self._ready(X)

        def features(rows: Store) -> np.ndarray:
            return self._scaled(self._apply(objective.features, rows, self.n_components_))

        return features(store) if out is None else write_features(self, store, features, out)

    def transform_steps(self, X: Any) -> list[np.ndarray]:
        """Return the features in time: those at the positions of each series, sound or text.

        A position stands for a step, a frame or a token, or for several, where the encoder has a stride.

        Parameters
        ----------
        X : like the X of fit, of n rows

        Returns
        -------
        list of n ndarrays of shape (n_positions_i, d), float32
            They are not pooled, and neither standardised nor of the width of ``transform``.

        Raises
        ------
        TypeError, ValueError
            If rows are no sequences, or the encoder has features of whole rows only.
        """
        objective, store = self._ready(X)
        return steps_of(objective.encoder, self.modality_, store, self._rows_per_batch, self.net_.device)

    def transform_views(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the features of two random views of X, drawn from a fixed seed.

        Parameters
        ----------
        X : like the X of fit, of shape (n, ...), at least 2 rows

        Returns
        -------
        A, B : ndarray of shape (n, n_components_), float32
            Features of the first and of the second view; row i of each belongs to row i of X.
        """
        objective, store = self._ready(X)
        n = len(store)
        if n < 2:
            raise ValueError("transform_views needs at least 2 rows of X; it has 1. Pass a larger sample.")
        # shuffled, in batches of a fixed size: rows may be sorted, and a view may take values from its batch
        order = fixed_order(store, SCORE_SEED)
        pair = []
        for side in (0, 1):
            stream = RandomStream(SCORE_SEED, self.net_.device)  # the same two views both times

            def of_view(x: Batch, side: int = side, stream: RandomStream = stream) -> Any:
                return objective.features(stream.run(self.modality_.views, x)[side])

            Z = outputs_of(of_view, Selection(store, order), self.n_components_, VIEW_BATCH, self.net_.device)
            pair.append(self._scaled(Z[np.argsort(order)]))
        return pair[0], pair[1]

    def score(self, X: Any, y: Any = None) -> float:
        """Return minus the pretext loss on X, with views drawn from a fixed seed.

        Higher is better, so that a search with ``y=None`` works. Scores are comparable only between
        settings that do not change the loss itself. The temperature, the batch size, the corruption rate
        and the kind of tokens do change it: choose those by the accuracy of a classifier on the features.

        Parameters
        ----------
        X : like the X of fit, of at least 2 rows where the loss compares rows (contrastive, siamese)
        y : ignored

        Returns
        -------
        float
        """
        objective, store = self._ready(X)
        if len(store) < 2 and self._compares_rows:
            raise ValueError("score needs at least 2 rows of X; it has 1. Pass a larger sample.")
        targets = self._lesson(X, go_on=True).get("targets")
        store = store if targets is None else LabeledStore(store, targets)
        mean = mean_loss_of(objective, store, self._rows_per_batch, self.net_.device, SCORE_SEED)
        if mean is None:
            raise ValueError("There is nothing in X that could be predicted. Pass longer rows.")
        return -mean

    def score_samples(self, X: Any) -> np.ndarray:
        """Return how usual each row of X is, by what was learned in ``fit``: low values are anomalies.

        A row's number does not depend on the other rows of X. For the autoencoder, the VAE, and the masked and
        autoregressive pretrainers it is minus the loss of the row, with masks and draws from a fixed seed. Elsewhere
        the loss of a row depends on others, or is no sign of an anomaly. The number is then minus the mean square of
        what the encoder returns, which is standardised: how far the row is from the mean, in standard deviations.

        Parameters
        ----------
        X : like the X of fit, of shape (n, ...)

        Returns
        -------
        ndarray of shape (n,), float64
            Comparable between rows, not between estimators. NaN where there is nothing to predict: in an empty text.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn_ssl import AutoencoderPretrainer
        >>> X = load_iris().data
        >>> ae = AutoencoderPretrainer(max_epochs=10, random_state=0).fit(X)
        >>> usual, odd = ae.score_samples([X[0], [9, 1, 9, 0]])
        >>> bool(usual > odd)
        True
        """
        objective, store = self._ready(X)
        return -row_losses_of(objective, store, self._rows_per_batch, self.net_.device)

    def _lesson(self, X: Any, pool: Any = None, go_on: bool = False) -> dict[str, Any]:
        """Hook: return `targets` and `learned` of ``_fit``, if the loss needs more than a batch of rows."""
        return {}

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

    @property
    def _feature_scale(self) -> float:
        """What the encoder's output is multiplied by: a factor that ``fit`` decides."""
        own = self._projects_features or not self._scales_features
        return 1.0 if own else self.modality_.feature_scale(self.encoder_, self.n_components_)

    def _scaled(self, Z: np.ndarray) -> np.ndarray:
        """Return the encoder's output, which nobody else has, as features, ``(n, n_components_)`` float32."""
        if self._feature_scale != 1.0:
            Z *= np.float32(self._feature_scale)  # they may take more room than X
        return Z

    def _deployed(self) -> nn.Module:
        return Features(self._trained(), self._feature_scale)

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
