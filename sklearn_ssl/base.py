"""What every method is made of: the objective, the estimator around it, and the modality it asks."""

from __future__ import annotations

import copy
import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data
from skorch.callbacks import EarlyStopping
from skorch.helper import predefined_split
from skorch.history import History
from torch import Tensor, nn

from ._docs import with_shared_sections
from .modalities import Modality, Tabular, Text, check_kind, infer_modality
from .modalities._base import check_frame, is_frame, stack_rows
from .persistence import SaveMixin
from .training import (
    Batch,
    BatchLoader,
    CollapseMonitor,
    PortableModule,
    PretextNet,
    Progress,
    Selection,
    Store,
    batch_statistics,
    calibrate,
    check_callbacks,
    collapse_of,
    draw_seed,
    features_of,
    lengths_of,
    load_weights,
    move,
    n_rows,
    output_width,
    resolve_device,
    resolve_precision,
    seeded,
    weights_of,
    without_fitted,
)

__all__ = ["Modality", "Objective", "Pretrainer"]

SCORE_SEED = 0
VIEW_BATCH = 256
CALIBRATION_ROWS = 8192


class Objective(nn.Module, ABC):
    """A pretext task: a scalar loss over a batch of unlabeled rows.

    Parameters
    ----------
    encoder : nn.Module
        Maps a batch to features ``(n, n_components)``. Projectors, predictors and decoders are the
        objective's own.

    Attributes
    ----------
    logs : dict of str to Tensor
        Further scalars of a step, which ``forward`` sets anew; their epoch means go into ``history_``.
    count : Tensor or None
        How many things the loss of the last batch is a mean over, if not its rows; ``forward`` sets it. Means
        over batches weigh them by it.
    """

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder
        self.logs: dict[str, Tensor] = {}
        self.count: Tensor | None = None

    @abstractmethod
    def forward(self, x: Batch) -> Tensor:
        """Return the loss of a batch, a scalar tensor."""

    def features(self, x: Batch) -> Tensor:
        """Return what ``transform`` gives for a batch, ``(n, n_components)``."""
        return self.encoder(x)

    def embedding(self, x: Batch) -> Tensor:
        """Return what must not collapse for a batch, ``(n, d)``: what the loss compares, if not features."""
        return self.features(x)

    def after_step(self) -> None:
        """Do what must follow an optimizer step, such as moving a target encoder."""


@dataclass(kw_only=True, eq=False, repr=False)
class Pretrainer(SaveMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC):
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
    max_epochs : int or "auto", default="auto"
        Passes over the rows. 0 gives the untrained encoder, the honest baseline. ``"auto"`` is
        ``5000 / sqrt(n)``: 500 passes over 100 rows, 50 over 10,000, 5 over a million; of texts, n are
        the tokens.
    batch_size : int or "auto", default="auto"
        Rows in a step, in training and in ``transform``. ``"auto"`` is 256, and 32 for texts.
    lr : float, default=1e-3
        Learning rate of AdamW.
    early_stopping : bool, default=False
        Set `validation_fraction` of the rows aside, stop when their loss has not improved for
        `n_iter_no_change` epochs, and keep the best weights.
    validation_fraction : float, default=0.1
        Share of the rows set aside, at least two rows. Used with `early_stopping` only.
    n_iter_no_change : int, default=10
        Epochs to wait for an improvement. Used with `early_stopping` only.
    device : str, default="auto"
        Where to train: ``"cpu"``, ``"cuda"``, ... ``"auto"`` is CUDA where there is one.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Of the network in training; losses and ``transform`` always compute in float32. ``"auto"`` is
        bfloat16 where the processor has instructions for it. ``precision_`` says what was chosen.
    callbacks : list of skorch callbacks or None, default=None
        Called while training; ``net_`` is the skorch net that they get.
    on_collapse : {"warn", "raise", "ignore"}, default="warn"
        What to do if training made the embeddings of all rows nearly the same, so that they tell nothing:
        a ``ConvergenceWarning``, or a ``ValueError``, so that a search drops the setting.
    warm_start : bool, default=False
        Let ``fit`` continue from the weights of the last fit. The scaling, the network and what its
        objective was built from (`modality`, `encoder`, `n_components` and the parameters of the
        pretext task) stay those of the first fit; the other parameters may change. On a DataFrame with
        other columns than the last, only the encoder is kept, as if it were passed as `encoder`.
    random_state : int, RandomState instance or None, default=None
        Decides everything that is random. The same int gives the same bits on the same machine with
        the same number of threads. With another number sums are rounded otherwise, which training
        amplifies: features are as good, not the same.
        The global generators of torch and numpy are neither used nor changed.
    verbose : int, default=0
        1 or more draws a progress bar.

    Attributes
    ----------
    encoder_ : nn.Module
        The trained encoder, on `device`, in evaluation mode. What it gives is what ``transform`` gives,
        but for `VAEPretrainer`, which adds a layer.
    modality_ : Modality
        The fitted modality.
    net_ : skorch.NeuralNet
        The trainer; ``net_.module_`` is the objective.
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
    precision_ : str
        ``"float32"`` or ``"bfloat16"``.
    n_features_in_ : int
        Number of columns seen in fit; only where X has two dimensions.
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Names of the columns; only where all of them are strings.
    """

    modality: str | Modality = "auto"
    encoder: str | nn.Module = "auto"
    n_components: int | None = None
    max_epochs: int | str = "auto"
    batch_size: int | str = "auto"
    lr: float = 1e-3
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    device: str = "auto"
    precision: str = "auto"
    callbacks: Sequence[Any] | None = None
    on_collapse: str = "warn"
    warm_start: bool = False
    random_state: int | np.random.RandomState | None = None
    verbose: int = 0

    _effort: ClassVar[int] = 5000  # of max_epochs="auto"
    _betas: ClassVar[tuple[float, float]] = (0.9, 0.999)  # AdamW's
    _default_width: ClassVar[int | None] = None  # what n_components=None asks of a named encoder
    _own_layer: ClassVar[bool] = False  # whether the objective brings features to n_components itself
    _causal: ClassVar[bool] = False  # whether a named encoder may look back only
    _compares_rows: ClassVar[bool] = True  # whether the loss of a single row makes no sense
    _takes: ClassVar[tuple[type[Modality], ...]] = (Modality,)
    _against_collapse: ClassVar[str] = "Lower lr."

    # metadata routing hands X_unlabeled to fit without a call of set_fit_request
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"X_unlabeled": True}

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "modality": "no_validation",  # _new_modality has better words for it
        "encoder": [str, nn.Module],
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "max_epochs": [Interval(Integral, 0, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 2, None, closed="left"), StrOptions({"auto"})],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "device": [str, torch.device],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "callbacks": [list, tuple, None],
        "on_collapse": [StrOptions({"warn", "raise", "ignore"})],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        constraints: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            constraints |= vars(base).get("_parameter_constraints", {})
        cls._parameter_constraints = constraints
        cls.__doc__ = with_shared_sections(cls.__doc__, Pretrainer.__doc__)

    @abstractmethod
    def _objective(self, modality: Modality, encoder: nn.Module) -> Objective:
        """Build the pretext task; ``self.n_components_`` is the width of the encoder's output."""

    def fit(self, X: Any, y: Any = None, X_unlabeled: Any = None) -> Pretrainer:
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
        first, start = not (self.warm_start and hasattr(self, "net_")), None
        if not first and self._has_other_columns(X):
            first, start = True, self.encoder_
        return self._fit(X, X_unlabeled, first, self.max_epochs, start)

    def partial_fit(self, X: Any, y: Any = None) -> Pretrainer:
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
        return self._fit(X, None, not hasattr(self, "net_"), 1)

    def transform(self, X: Any) -> np.ndarray:
        """Return the features of X.

        Parameters
        ----------
        X : like the X of fit, of shape (n, ...)

        Returns
        -------
        ndarray of shape (n, n_components_), float32
        """
        _, store = self._ready(X)
        return features_of(self.net_, store, (len(store), self.n_components_), self._rows_per_batch)

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
        _, store = self._ready(X)
        n = len(store)
        if n < 2:
            raise ValueError("transform_views needs at least 2 rows of X; it has 1. Pass a larger sample.")
        # in batches of one size, at random: rows may be sorted, and views may borrow from others of a batch
        order = np.random.default_rng(SCORE_SEED).permutation(n)
        pair = []
        for side in (0, 1):

            def view(batch: Batch, side: int = side) -> Batch:
                return self.modality_.views(batch)[side]

            with seeded(SCORE_SEED, self.net_.device):  # both times the same two views
                Z = features_of(self.net_, Selection(store, order), (n, self.n_components_), VIEW_BATCH, view)
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
                loss = objective(move(batch, self.net_.device))
                count = n_rows(batch) if objective.count is None else float(objective.count)
                total, size = total + float(loss) * count, size + count
        objective.logs, objective.count = {}, None
        if not size:
            raise ValueError("There is nothing in X that could be predicted. Pass longer rows.")
        return -total / size

    def _fit(
        self, X: Any, pool: Any, first: bool, max_epochs: int | str, start: nn.Module | None = None
    ) -> Pretrainer:
        """Train, from the start or on; a failure leaves the estimator as it was, or unfitted.

        `start` is an encoder to begin with in place of the parameter.
        """
        self._validate_params()
        check_callbacks(self.callbacks)
        device = resolve_device(self.device)
        if not first:
            self._check_columns(X)
        rows = X if pool is None else stack_rows(X, pool)
        modality = self._new_modality(rows) if first else self.modality_
        store = modality.validate(rows)
        train, valid = self._split(store)
        if first:
            self._reset(modality, X)
        history = [] if first else self.history_
        with seeded(draw_seed(self.random_state, len(history)), device):
            net = self._first_net(store, device, start) if first else self._next_net(device)
            net.train_split = None if valid is None else predefined_split(valid)
            auto = isinstance(max_epochs, str)
            lengths = lengths_of(train)
            amount = len(train) if lengths is None else int(lengths.sum())
            epochs = auto_epochs(amount, self._effort) if auto else int(max_epochs)
            before = None if first else {k: v.clone() for k, v in weights_of(net.module_).items()}
            # the statistics of a module of the user's own stay as they are if it is not trained
            calibration = train if first and (epochs or isinstance(self.encoder, str)) else None
            collapse = ""
            try:
                if epochs:
                    collapse = self._train(net, train, epochs)
            except KeyboardInterrupt:
                self._finish(net, calibration)
                raise
            except Exception:  # whatever went wrong, the estimator must not stay half trained
                if before is None:
                    self._reset()  # no features from a network that went astray
                else:
                    load_weights(net.module_, before)
                raise
            self._finish(net, calibration)
        if collapse:
            warnings.warn(collapse, ConvergenceWarning, stacklevel=3)
        return self

    def _train(self, net: PretextNet, store: Store, epochs: int) -> str:
        """Train, and return what to warn of; raise it if that is wanted."""
        net.train(store, epochs)
        figures = "" if self.on_collapse == "ignore" else collapse_of(net, store)
        if not figures:
            return ""
        text = (
            f"{type(self).__name__} has collapsed: the embeddings of all rows are nearly the same ({figures}). "
            f"{self._against_collapse}"
        )
        if self.on_collapse == "raise":
            raise ValueError(text)
        return text

    def _new_modality(self, rows: Any) -> Modality:
        if isinstance(self.modality, Modality):
            modality = clone(self.modality)
        elif isinstance(self.modality, str) and self.modality == "auto":
            modality = infer_modality(rows)
        else:
            hint = " It is the class: add ()." if isinstance(self.modality, type) else ""
            raise TypeError(
                f"modality={self.modality!r} must be 'auto' or a modality, such as Tabular(), Text() or "
                f"Image(shape=(28, 28)) from sklearn_ssl.modalities.{hint}"
            )
        check_kind(modality, self._takes, type(self).__name__, rows)
        modality.suit(self.encoder)
        return modality.fit(rows)

    def _reset(self, modality: Modality | None = None, X: Any = None) -> None:
        """Forget what was fitted; then begin again with a modality and the columns of X, if given."""
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("_")]:
            delattr(self, name)
        if modality is not None:
            self.modality_ = modality
            self._check_columns(X, reset=True)

    def _split(self, store: Store) -> tuple[Store, Store | None]:
        """Set rows aside for early stopping, by a seed of their own: weights do not depend on it."""
        n = len(store)
        if n < 2:
            raise ValueError(
                "Training needs at least 2 rows of X; it has 1. Collect rows and pass them at once."
            )
        if not self.early_stopping:
            return store, None
        n_valid = max(2, round(self.validation_fraction * n))
        if n - n_valid < 2:
            raise ValueError(
                f"early_stopping=True leaves {max(0, n - n_valid)} of {n} rows to train on. Give more "
                "rows, lower validation_fraction, or set early_stopping=False."
            )
        seed = self.random_state if isinstance(self.random_state, Integral) else 0
        order = np.random.default_rng(int(seed)).permutation(n)
        return Selection(store, order[n_valid:]), Selection(store, order[:n_valid])

    def _first_net(self, store: Store, device: torch.device, start: nn.Module | None) -> PretextNet:
        try:
            encoder = self._new_encoder(start).to(device)
            batch = move(store[np.arange(3) % len(store)], device)
            width = output_width(encoder, batch, resolve_precision(self.precision, device))
            self.n_components_, self.encoder_width_ = width, width
            if self._own_layer:
                self.n_components_ = self.n_components or self._default_width or width
            elif self.n_components not in (None, width):
                raise ValueError(
                    f"n_components={self.n_components}, and the encoder returns {width} features. "
                    "Leave n_components=None, or change the width of the module."
                )
            return self._net(self._objective(self.modality_, encoder), device, [])
        except BaseException:
            self._reset()
            raise

    def _next_net(self, device: torch.device) -> PretextNet:
        """Put a new trainer around the network that is there, and let the optimizer remember."""
        net = self._net(self.net_.module_, device, self.history_)
        memory = copy.deepcopy(self.net_.optimizer_.state_dict()["state"])
        net.optimizer_.load_state_dict({**net.optimizer_.state_dict(), "state": memory})
        return net

    def _new_encoder(self, start: nn.Module | None = None) -> nn.Module:
        encoder = self.encoder if start is None else start
        try:
            if isinstance(encoder, nn.Module):
                return self.modality_.adapt(copy.deepcopy(encoder))
            width = None if self._own_layer else self.n_components or self._default_width
            return self.modality_.encoder(encoder, width, self._causal)
        except (RuntimeError, TypeError) as error:
            raise ValueError(
                f"The encoder could not be built: {str(error).splitlines()[0]} Lower n_components if memory is "
                "short; pass a module that copy.deepcopy can copy."
            ) from error

    def _net(self, objective: Objective, device: torch.device, history: list[dict]) -> PretextNet:
        """Put a trainer around `objective`, with the callbacks and settings of now."""
        precision = resolve_precision(self.precision, device)
        callbacks = [CollapseMonitor(), *(self.callbacks or [])]
        if self.early_stopping:
            callbacks.append(EarlyStopping(patience=self.n_iter_no_change, load_best=True))
        if self.verbose:
            callbacks.append(Progress(f"{type(self).__name__} [{device}, {_dtype_name(precision)}]"))
        net = PretextNet(
            objective,
            precision=precision,
            optimizer=torch.optim.AdamW,
            optimizer__fused=device.type in ("cpu", "cuda"),
            optimizer__betas=self._betas,
            lr=self.lr,
            batch_size=self._rows_per_batch,
            device=str(device),
            train_split=None,
            callbacks=callbacks,
            verbose=0,
        ).initialize()
        for group in net.optimizer_.param_groups:
            group["initial_lr"] = self.lr  # what a schedule that goes on starts from
        net.store_of_, net.n_components_ = self._store, self.n_components_  # for callbacks that have raw rows
        net.history = History([{**row, "batches": []} for row in history])
        net.module_.eval()
        return net

    def _finish(self, net: PretextNet, calibration: Store | None) -> None:
        """Leave the estimator ready for use, whatever ended the training."""
        net.train_split = None  # it holds the rows set aside
        net.optimizer_.zero_grad(set_to_none=True)
        rows = [row for row in net.history if "train_loss" in row]
        self._adopt(net, [{k: v for k, v in row.items() if _is_scalar(k, v)} for row in rows])
        self.precision_ = _dtype_name(net.precision)
        if calibration is not None:
            # at random: rows may be sorted by class
            sample = torch.randperm(len(calibration)).numpy()[:CALIBRATION_ROWS]
            batches = BatchLoader(Selection(calibration, sample), max(256, self._rows_per_batch))
            calibrate(self.encoder_, batches, net.device)
        net.module_.eval()

    def _adopt(self, net: PretextNet, history: list[dict]) -> None:
        self.net_, self.encoder_, self.history_ = net, net.module_.encoder, history

    def _ready(self, X: Any) -> tuple[Objective, Store]:
        check_is_fitted(self, "net_")
        return self.net_.module_, self._store(X)

    def _store(self, X: Any) -> Store:
        self._check_columns(X)
        return self.modality_.validate(X)

    def _restore(self, modality: Modality, weights: dict[str, Tensor]) -> None:
        """Build the network anew and give it saved weights; other fitted attributes are there."""
        self.modality_ = modality
        objective = self._objective(modality, self._new_encoder())
        try:
            load_weights(objective, weights)
        except (RuntimeError, AttributeError) as error:
            raise ValueError(f"The saved weights do not fit the encoder: {error}") from error
        self._adopt(self._net(objective, self._device_or_cpu(), self.history_), self.history_)

    def _has_other_columns(self, X: Any) -> bool:
        """Return whether X is a frame with columns that the last fit did not see, or without some it saw."""
        names = getattr(self, "feature_names_in_", None)
        return names is not None and is_frame(X) and set(X.columns) != set(names)

    def _check_columns(self, X: Any, reset: bool = False) -> None:
        check_columns(self, X, reset)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if isinstance(self.encoder, nn.Module):
            state["encoder"] = PortableModule.pack(self.encoder)
        if self.callbacks is not None:
            state["callbacks"] = [without_fitted(entry) for entry in self.callbacks]
        if "net_" in state:
            state["net_"] = PortableModule.pack(state["net_"].module_)
            del state["encoder_"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        objective = state.pop("net_", None)
        if isinstance(state["encoder"], PortableModule):
            state["encoder"] = state["encoder"].unpack()
        super().__setstate__(state)
        if objective is not None:
            self._adopt(self._net(objective.unpack(), self._device_or_cpu(), self.history_), self.history_)

    def _device_or_cpu(self) -> torch.device:
        """Return the device to load a trained estimator to, on a machine that may lack the wanted one."""
        try:
            return resolve_device(self.device)
        except ValueError:
            return torch.device("cpu")

    @property
    def _rows_per_batch(self) -> int:
        return self.modality_.batch_size if isinstance(self.batch_size, str) else self.batch_size

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        auto = isinstance(self.modality, str)
        tabular = issubclass(Tabular, self._takes) if auto else isinstance(self.modality, Tabular)
        tags.input_tags.sparse = tags.input_tags.allow_nan = tags.input_tags.categorical = tabular
        tags.input_tags.two_d_array = tabular or getattr(self.modality, "shape", None) is not None
        text = issubclass(Text, self._takes) if auto else isinstance(self.modality, Text)
        tags.input_tags.string = text and not tabular  # it is about strings in tables, too
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def check_columns(estimator: BaseEstimator, X: Any, reset: bool = False) -> None:
    """Set or check feature_names_in_, and n_features_in_ where X has two dimensions."""
    if is_frame(X):
        check_frame(X)
    nested = isinstance(X, (list, tuple)) and len(X) > 0 and isinstance(X[0], (list, tuple))
    two_d = getattr(X, "ndim", None) == 2 or is_frame(X) or nested
    validate_data(estimator, X, reset=reset, skip_check_array=True, ensure_2d=two_d)


def auto_epochs(n: int, effort: int) -> int:
    """Return the passes over `n` rows that ``max_epochs="auto"`` stands for, by default 5000 / sqrt(n).

    Few rows are seen often, many rows seldom: 500 times for 100 rows, 5 times for a million.
    """
    return math.ceil(effort / math.sqrt(n))


def _is_scalar(name: str, value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and not name.endswith("_batch_count")


def _dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
