"""What every method is made of: the objective, the estimator around it, and the modality it asks."""

from __future__ import annotations

import copy
import inspect
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data
from skorch.callbacks import Callback, EarlyStopping
from skorch.helper import predefined_split
from skorch.history import History
from torch import Tensor, nn

from .modalities import Modality, Tabular, infer_modality
from .modalities._base import stack_rows
from .training import (
    Batch,
    BatchLoader,
    PortableModule,
    PretextNet,
    Progress,
    Selection,
    Store,
    draw_seed,
    move,
    n_rows,
    resolve_device,
    resolve_precision,
    seeded,
)

__all__ = ["Modality", "Objective", "Pretrainer"]

SCORE_SEED = 0
CALIBRATION_ROWS = 8192
DEFAULT_EFFORT = 5000


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
        Further scalars of the last step; their epoch means go into ``history_``.
    """

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder
        self.logs: dict[str, Tensor] = {}

    @abstractmethod
    def forward(self, x: Batch) -> Tensor:
        """Return the loss of a batch, a scalar tensor."""

    def features(self, x: Batch) -> Tensor:
        """Return what ``transform`` gives for a batch, ``(n, n_components)``."""
        return self.encoder(x)

    def after_step(self) -> None:
        """Do what must follow an optimizer step, such as moving a target encoder."""


@dataclass(kw_only=True, eq=False, repr=False)
class Pretrainer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC):
    """Learn features from unlabeled rows.

    A subclass is a keyword-only dataclass that writes one method, ``_objective``. Its docstring has the
    parameters of its own; those below are added to it.

    Parameters
    ----------
    modality : "auto" or Modality, default="auto"
        What the data is, for example ``Image(shape=(28, 28))``. ``"auto"`` takes two-dimensional
        numbers, DataFrames and sparse matrices for tables, and four-dimensional arrays for images.
    encoder : str or nn.Module, default="auto"
        The network from a batch to features. A name picks one of the modality's. A module must give
        floats of shape ``(n, d)``; it is copied, and its weights are where training starts. It
        receives floats ``(n, n_columns)`` for tables and ``(n, c, h, w)`` for images, both scaled.
    n_components : int or None, default=None
        Width of the features. None takes the default of the named encoder or the width of a module.
    max_epochs : int or "auto", default="auto"
        Passes over the rows. 0 gives the untrained encoder, the honest baseline. ``"auto"`` is
        ``5000 / sqrt(n)``: 500 passes over 100 rows, 50 over 10,000, 5 over a million.
    batch_size : int, default=256
        Rows in a step.
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
    warm_start : bool, default=False
        Let ``fit`` continue from the weights of the last fit. The scaling, the network and the
        objective stay those of the first fit; `max_epochs`, `batch_size` and `lr` may change.
    random_state : int, RandomState instance or None, default=None
        Decides everything that is random. The same int gives the same bits on the same machine.
        The global generators of torch and numpy are neither used nor changed.
    verbose : int, default=0
        1 draws a progress bar.

    Attributes
    ----------
    encoder_ : nn.Module
        The trained encoder, on `device`, in evaluation mode.
    modality_ : Modality
        The fitted modality.
    net_ : skorch.NeuralNet
        The trainer; ``net_.module_`` is the objective.
    history_ : list of dict
        One dict per epoch: ``epoch``, ``train_loss`` and, with `early_stopping`, ``valid_loss``.
        ``pandas.DataFrame(est.history_)`` is the learning curve.
    n_components_ : int
        Width of the features.
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
    batch_size: int = 256
    lr: float = 1e-3
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    device: str = "auto"
    precision: str = "auto"
    callbacks: Sequence[Any] | None = None
    warm_start: bool = False
    random_state: int | np.random.RandomState | None = None
    verbose: int = 0

    # metadata routing hands X_unlabeled to fit without a call of set_fit_request
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"X_unlabeled": True}

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "modality": [StrOptions({"auto"}), Modality],
        "encoder": [str, nn.Module],
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "max_epochs": [Interval(Integral, 0, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 2, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "device": [str, torch.device],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "callbacks": [list, tuple, None],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        constraints: dict[str, list[Any]] = {}
        for base in reversed(cls.__mro__):
            constraints |= vars(base).get("_parameter_constraints", {})
        cls._parameter_constraints = constraints
        cls.__doc__ = _with_shared_sections(cls.__doc__)

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
        first = not (self.warm_start and hasattr(self, "net_"))
        return self._fit(X, X_unlabeled, first, self.max_epochs)

    def partial_fit(self, X: Any, y: Any = None) -> Pretrainer:
        """Train one epoch on X; the first call fits the modality as well.

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
        objective, store = self._ready(X)
        out = np.empty((len(store), self.n_components_), dtype=np.float32)
        start = 0
        with torch.inference_mode():
            for batch, _ in BatchLoader(store, self.batch_size):
                features = objective.features(move(batch, self.net_.device))
                out[start : start + len(features)] = features.float().cpu().numpy()
                start += len(features)
        return out

    def score(self, X: Any, y: Any = None) -> float:
        """Return minus the pretext loss on X, with views drawn from a fixed seed.

        Higher is better, so that a search with ``y=None`` works. Scores can be compared only between
        settings that leave the loss itself alone: the temperature and the batch size do not, nor does
        a rate of corruption. Choose those by the accuracy of a classifier on the features.

        Parameters
        ----------
        X : like the X of fit, of at least 2 rows
        y : ignored

        Returns
        -------
        float
        """
        objective, store = self._ready(X)
        if len(store) < 2:
            raise ValueError("score needs at least 2 rows of X; it has 1. Pass a larger sample.")
        total = 0.0
        with torch.inference_mode(), seeded(SCORE_SEED, self.net_.device):
            for batch, _ in BatchLoader(store, self.batch_size):
                loss = objective(move(batch, self.net_.device))
                total += float(loss) * n_rows(batch)
        return -total / len(store)

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator to the folder `path`, as safetensors and JSON, without pickle.

        Parameters
        ----------
        path : str or Path
            A folder; it is made if it is not there.

        See Also
        --------
        sklearn_ssl.load : Read it back.
        """
        from .persistence import save

        save(self, path)

    def _fit(self, X: Any, pool: Any, first: bool, max_epochs: int | str) -> Pretrainer:
        self._validate_params()
        _check_callbacks(self.callbacks)
        device = resolve_device(self.device)
        self._check_columns(X, reset=first)
        rows = X if pool is None else stack_rows(X, pool)
        if first:
            modality = infer_modality(rows) if isinstance(self.modality, str) else clone(self.modality)
            self.modality_ = modality.fit(rows)
        store = self.modality_.validate(rows)
        train, valid = self._split(store)
        done = 0 if first else len(self.history_)
        with seeded(draw_seed(self.random_state, done), device):
            if first:
                encoder = self._new_encoder()
                self.n_components_ = self._probe(encoder, store[np.arange(2)])
                self.net_ = self._net(self._objective(self.modality_, encoder), device, [])
            net = self.net_
            net.set_params(batch_size=self.batch_size, lr=self.lr)
            net.train_split = None if valid is None else predefined_split(valid)
            epochs = auto_epochs(len(train)) if isinstance(max_epochs, str) else int(max_epochs)
            try:
                if epochs:
                    net.train(train, epochs)
            except KeyboardInterrupt:
                self._finish(train)
                raise
            except Exception:
                del self.net_  # no features from a network that went astray
                raise
            self._finish(train)
        return self

    def _split(self, store: Store) -> tuple[Store, Store | None]:
        """Set rows aside for early stopping, by a seed of their own: weights do not depend on it."""
        if not self.early_stopping:
            return store, None
        n = len(store)
        n_valid = max(2, round(self.validation_fraction * n))
        if n - n_valid < 2:
            raise ValueError(
                f"early_stopping=True leaves {max(0, n - n_valid)} of {n} rows to train on. Give more "
                "rows, lower validation_fraction, or set early_stopping=False."
            )
        seed = self.random_state if isinstance(self.random_state, Integral) else 0
        order = np.random.default_rng(int(seed)).permutation(n)
        return Selection(store, order[n_valid:]), Selection(store, order[:n_valid])

    def _new_encoder(self) -> nn.Module:
        if isinstance(self.encoder, nn.Module):
            return copy.deepcopy(self.encoder)
        return self.modality_.encoder(self.encoder, self.n_components)

    def _restore(self, modality: Modality, weights: dict[str, Tensor]) -> None:
        """Build the network anew and give it saved weights; other fitted attributes are there."""
        self.modality_ = modality
        objective = self._objective(modality, self._new_encoder())
        try:
            objective.load_state_dict(weights)
        except RuntimeError as error:
            raise ValueError(f"The saved weights do not fit the encoder: {error}") from error
        self.net_ = self._net(objective, self._device_or_cpu(), self.history_)

    def _probe(self, encoder: nn.Module, batch: Batch) -> int:
        """Return the width of what `encoder` makes of a batch of two rows."""
        encoder.eval()
        shapes = tuple(batch.shape) if isinstance(batch, Tensor) else [tuple(b.shape) for b in batch]
        name = f"encoder={type(encoder).__name__}"
        try:
            with torch.no_grad():
                out = encoder(batch)
        except Exception as error:  # whatever a user's network raises is told in our words
            raise ValueError(
                f"{name} fails on a batch of shape {shapes}: {str(error).splitlines()[0]}. It receives "
                f"what {type(self.modality_).__name__} gives; fit its first layer to that."
            ) from error
        if not isinstance(out, Tensor) or out.ndim != 2 or len(out) != 2 or not out.is_floating_point():
            got = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
            raise ValueError(
                f"{name} must return floats of shape (n, d); for a batch of shape {shapes} it returned "
                f"{got}. Append nn.Flatten() or a pooling layer."
            )
        width = out.shape[1]
        if self.n_components not in (None, width):
            raise ValueError(
                f"n_components={self.n_components}, and {name} returns {width} features. Leave "
                "n_components=None, or change the width of the module."
            )
        return width

    def _net(self, objective: Objective, device: torch.device, history: list[dict]) -> PretextNet:
        precision = resolve_precision(self.precision, device)
        self.precision_ = str(precision).removeprefix("torch.")
        callbacks = list(self.callbacks or [])
        if self.early_stopping:
            callbacks.append(EarlyStopping(patience=self.n_iter_no_change, load_best=True))
        if self.verbose:
            callbacks.append(Progress(f"{type(self).__name__} [{device}, {self.precision_}]"))
        net = PretextNet(
            objective.to(memory_format=torch.channels_last),  # type: ignore[call-overload]  # torch's stub
            precision=precision,
            optimizer=torch.optim.AdamW,
            optimizer__fused=device.type in ("cpu", "cuda"),
            lr=self.lr,
            batch_size=self.batch_size,
            device=str(device),
            train_split=None,
            callbacks=callbacks,
            verbose=0,
        ).initialize()
        net.history = History([{**row, "batches": []} for row in history])
        net.module_.eval()
        self.encoder_ = net.module_.encoder
        self.history_ = history
        return net

    def _finish(self, store: Store) -> None:
        """Leave the estimator ready for use, whatever ended the training."""
        rows = [row for row in self.net_.history if "train_loss" in row]
        self.history_ = [{k: v for k, v in row.items() if _is_scalar(k, v)} for row in rows]
        self._calibrate(store)
        self.net_.module_.eval()
        self.net_.optimizer_.zero_grad(set_to_none=True)

    @torch.no_grad()
    def _calibrate(self, store: Store) -> None:
        """Set the statistics of batch norm to those of rows as transform gets them.

        In training they were a moving average over corrupted views; without training they are not
        set at all, which would be unfair to the untrained baseline.
        """
        norms = [m for m in self.encoder_.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        momenta = [norm.momentum for norm in norms]
        if not norms:
            return
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # torch's word for a plain average
            norm.train()
        rows = torch.randperm(len(store)).numpy()[:CALIBRATION_ROWS]  # rows may be sorted by class
        for batch, _ in BatchLoader(Selection(store, rows), max(256, self.batch_size)):
            self.encoder_(move(batch, self.net_.device))
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum

    def _ready(self, X: Any) -> tuple[Objective, Store]:
        check_is_fitted(self, "net_")
        self._check_columns(X, reset=False)
        return self.net_.module_, self.modality_.validate(X)

    def _check_columns(self, X: Any, reset: bool) -> None:
        """Set or check feature_names_in_, and n_features_in_ where X has two dimensions."""
        two_d = getattr(X, "ndim", None) == 2 or hasattr(X, "columns")
        validate_data(self, X, reset=reset, skip_check_array=True, ensure_2d=two_d)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if isinstance(self.encoder, nn.Module):
            state["encoder"] = PortableModule.pack(self.encoder)
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
            self.net_ = self._net(objective.unpack(), self._device_or_cpu(), self.history_)

    def _device_or_cpu(self) -> torch.device:
        """Return the device to load a trained estimator to, on a machine that may lack the wanted one."""
        try:
            return resolve_device(self.device)
        except ValueError:
            return torch.device("cpu")

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = isinstance(self.modality, (str, Tabular))
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def auto_epochs(n: int) -> int:
    """Return the passes over `n` rows that ``max_epochs="auto"`` stands for.

    Few rows are seen often, many rows seldom: 500 times for 100 rows, 5 times for a million.
    """
    return math.ceil(DEFAULT_EFFORT / math.sqrt(n))


def _is_scalar(name: str, value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and not name.endswith("_batch_count")


def _check_callbacks(callbacks: Sequence[Any] | None) -> None:
    for entry in callbacks or ():
        callback = entry[1] if isinstance(entry, tuple) and len(entry) == 2 else entry
        is_class = inspect.isclass(callback) and issubclass(callback, Callback)
        if not isinstance(callback, Callback) and not is_class:
            raise TypeError(
                f"callbacks must be a list of skorch callbacks, or of (name, callback); got {entry!r}. "
                "Derive from skorch.callbacks.Callback."
            )


def _with_shared_sections(doc: str | None) -> str | None:
    """Add Pretrainer's parameters and attributes to a subclass's docstring, behind its own."""
    if doc is None or Pretrainer.__doc__ is None:
        return doc
    intro, own = _sections(doc)
    _, shared = _sections(Pretrainer.__doc__)
    merged = {title: own.pop(title, "") + shared[title] for title in ("Parameters", "Attributes")}
    parts = [f"{title}\n{'-' * len(title)}\n{text}" for title, text in (merged | own).items()]
    return "\n".join([intro, *parts])


def _sections(doc: str) -> tuple[str, dict[str, str]]:
    """Split a numpydoc docstring into its head and its sections by title."""
    intro, *rest = re.split(r"^(\w[\w ]*)\n-+\n", inspect.cleandoc(doc) + "\n", flags=re.MULTILINE)
    return intro, {title: text.strip() + "\n" for title, text in zip(rest[::2], rest[1::2], strict=True)}
