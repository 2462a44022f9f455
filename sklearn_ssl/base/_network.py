"""The engine: what every estimator with a trained network needs, whatever the network is trained for."""

from __future__ import annotations

import copy
import os
from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import StrOptions
from skorch.helper import predefined_split
from torch import nn

from ..files import head_of
from ..modalities import Modality, choose_modality, count, real
from ..training import (
    Batch,
    LabeledStore,
    ObjectiveNet,
    RandomStream,
    Store,
    World,
    auto_epochs,
    calibrate,
    check_callbacks,
    draw_seed,
    hold_out,
    load_weights,
    move,
    output_width,
    resolve_device,
    resolve_precision,
    weights_of,
)
from ..warning import warn
from ._checkpoint import Checkpoint, check_same_everywhere, checkpoint_of, entropy_of
from ._columns import check_columns, check_same, forget_fitted, has_other_columns, set_fitted
from ._docs import merged_constraints, with_shared_sections
from ._hooks import HookedNetwork
from ._objective import Objective
from ._processes import processes_of
from ._rows import learn_rows, rows_of, store_of
from ._trainer import trainer


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkEstimator(HookedNetwork, ABC):
    """Train a network on rows.

    A subclass is a keyword-only dataclass. It writes ``_objective``, calls ``_fit`` in its ``fit``, and returns results
    by ``_ready`` and ``_apply``. The parameters below are added to its docstring.

    Parameters
    ----------
    max_epochs : int or "auto", default="auto"
        Passes over the rows. 0 leaves the encoder untrained: the honest baseline. ``"auto"`` is
        ``5000 / sqrt(n)``: 500 passes over 100 rows, 50 over 10,000, 5 over a million. For texts, n counts tokens.
    max_time : float or None, default=None
        Seconds after which a training ends, with the batch at hand. What was learned is kept; ``history_``
        has the whole epochs. The preparation of X is not counted.
    batch_size : int or "auto", default="auto"
        Rows per step, in training (of all processes, if torchrun has started several) and ``transform``.
        ``"auto"``: 256, fewer large images (64 at least), 32 texts or sounds, 32 to 256 series.
    lr : float, default=1e-3
        Learning rate of AdamW.
    early_stopping : bool, default=False
        Set `validation_fraction` of the rows aside, stop when their loss has not improved for
        `n_iter_no_change` epochs, and restore the best weights.
    validation_fraction : float, default=0.1
        Share of the rows set aside; at least two rows. Only used with `early_stopping`.
    n_iter_no_change : int, default=10
        Epochs to wait for an improvement. Only used with `early_stopping`.
    device : str, default="auto"
        Where to train: ``"cpu"``, ``"cuda"`` (the current one) or ``"cuda:1"``. ``"auto"`` is CUDA if there, else CPU.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Precision of the network in training; losses and ``transform`` always use float32. ``"auto"`` takes
        bfloat16 if the processor has instructions for it. ``precision_`` holds the choice.
    callbacks : list of skorch callbacks or None, default=None
        Called during training; ``net_`` is the skorch net that they receive.
    checkpoint : str, Path or None, default=None
        A folder, to which the state of training is written after each epoch. If ``fit`` is killed, the same
        ``fit`` goes on from the last epoch, and ends with the same bits as if it had not been (on a CPU, with the
        same versions and number of threads). After a training that was completed, it returns the result at once. Other
        data or parameters are refused, except `verbose`, `callbacks`, `max_time`, `on_collapse` and `n_jobs`: delete
        the folder, or pass another, to train anew. A clone, such as a search makes, has a file of its own in the
        folder for its data and parameters, and is never refused. With ``random_state=None`` the folder keeps a
        seed. ``partial_fit`` ignores it, and ``save`` leaves it out.
    warm_start : bool, default=False
        If True, ``fit`` continues from the weights of the last fit. The scaling, the network and the
        parameters its objective was built from (`modality`, `encoder`, `n_components` and those of the
        pretext task) stay as in the first fit; the other parameters may change. If a DataFrame has other
        columns than the last one, only the encoder is kept, as if it were passed as `encoder`.
    random_state : int, RandomState instance or None, default=None
        Controls all randomness. The same int gives the same bits on the same machine with the same
        number of threads. Another number of threads rounds sums differently, and training amplifies that:
        features are as good, but not the same. The global generators of torch and numpy are left alone.
    verbose : int, default=0
        If 1 or more, show a progress bar, and say after the first steps what time and memory to expect.

    Attributes
    ----------
    encoder_ : nn.Module
        The trained encoder, on `device`, in evaluation mode.
    modality_ : Modality
        The fitted modality.
    net_ : skorch.NeuralNet
        The trainer; ``net_.module_`` is the objective.
    history_ : list of dict
        One dict per epoch: ``epoch``, ``train_loss``, and with `early_stopping` ``valid_loss``.
        ``pandas.DataFrame(est.history_)`` is the learning curve.
    n_unfinished_ : int
        Number of epochs that Ctrl-C or `max_time` broke off. They are not in ``history_``.
    encoder_width_ : int
        Width of the output of `encoder_`.
    precision_ : str
        ``"float32"`` or ``"bfloat16"``.
    threads_ : int
        Number of threads in training: ``torch.get_num_threads()``, but no more than there are cores.
    n_features_in_ : int
        Number of columns seen in ``fit``. Only set if X has two dimensions.
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Names of the columns. Only set if all of them are strings.
    """

    # Fields with init=False are not parameters. A subclass that declares one again makes it a parameter, at this
    # place in its signature; a dataclass would otherwise list the parameters of its bases first.
    modality: str | Modality = field(init=False, default="auto")
    encoder: str | nn.Module = field(init=False, default="auto")
    n_components: int | None = field(init=False, default=None)
    max_epochs: int | str = "auto"
    max_time: float | None = None
    batch_size: int | str = "auto"
    lr: float = 1e-3
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    device: str = "auto"
    precision: str = "auto"
    callbacks: Sequence[Any] | None = None
    checkpoint: str | os.PathLike[str] | None = None
    on_collapse: str = field(init=False, default="ignore")
    warm_start: bool = False
    random_state: int | np.random.RandomState | None = None
    verbose: int = 0

    _epoch_budget: ClassVar[int] = 5000  # of max_epochs="auto"
    _betas: ClassVar[tuple[float, float]] = (0.9, 0.999)  # AdamW's
    _trains_together: ClassVar[bool] = False  # in the processes that torchrun starts
    _compares_views: ClassVar[bool] = False  # whether the loss is of how alike views of a row are
    _causal: ClassVar[bool] = False  # whether a named encoder must not look ahead
    _modalities: ClassVar[tuple[type[Modality], ...]] = (Modality,)  # that the estimator accepts

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "max_epochs": [count(0), StrOptions({"auto"})],
        "max_time": [real(0, closed="neither"), None],
        "batch_size": [count(2), StrOptions({"auto"})],
        "lr": [real(0, closed="neither")],
        "early_stopping": ["boolean"],
        "validation_fraction": [real(0, 1, closed="neither")],
        "n_iter_no_change": [count(1)],
        "device": [str, torch.device],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "callbacks": [list, tuple, None],
        "checkpoint": [str, os.PathLike, None],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._parameter_constraints = merged_constraints(cls)
        parent = next(base for base in cls.__mro__[1:] if issubclass(base, NetworkEstimator))
        ranks = tuple(NetworkEstimator.__annotations__) if parent is NetworkEstimator else ()
        cls.__doc__ = with_shared_sections(cls.__doc__, parent.__doc__, ranks)

    def _fit(
        self,
        X: Any,
        pool: Any = None,
        *,
        targets: Batch | None = None,
        learned: dict[str, Any] | None = None,
        max_epochs: int | str | None = None,
        go_on: bool = False,
        origin: nn.Module | None = None,
        keeps: bool = True,
    ) -> Self:
        """Train from scratch or continue; a failure leaves the estimator unchanged or unfitted.

        Parameters
        ----------
        X, pool : raw rows
            The network is trained on both.
        targets : Tensor or NamedTuple of tensors, one for each row of X and of `pool`, optional
        learned : dict of fitted attributes that the objective needs, such as ``classes_``, optional
        max_epochs : int or "auto", in place of the parameter, optional
        go_on : whether to continue with the network of the last fit, if there is one
        origin : nn.Module, optional
            Whose weights training begins with, if it is not `encoder`.
        keeps : whether `checkpoint` counts
        """
        # all checks come first: a refused input must not change a fitted estimator
        self._validate_params()
        check_callbacks(self.callbacks, self.early_stopping)
        world = processes_of(self)
        device = resolve_device(self.device)
        first = not (go_on and hasattr(self, "net_"))
        # a frame with other columns needs a new first layer; the rest of the encoder is kept
        start = self.encoder_ if not first and max_epochs is None and has_other_columns(self, X) else None
        first = first or start is not None
        if not first:
            check_columns(self, X)
            check_same(self, learned or {}, "Begin again, with warm_start=False.")
        with world.left_by_errors():
            rows = rows_of(X, pool, self.modality, targets is not None)
            # X is checked, and texts are split, here and only here; from now on rows come from the store
            modality, store = self._begin(rows) if first else (self.modality_, store_of(self.modality_, rows))
            data = store if targets is None else LabeledStore(store, targets)
            train, valid = hold_out(data, self.early_stopping * self.validation_fraction, self.random_state)
        wanted = self.max_epochs if max_epochs is None else max_epochs
        epochs = auto_epochs(train, self._epoch_budget) if isinstance(wanted, str) else int(wanted)
        begins = (start if origin is None else origin) if first else self.net_.module_
        own = not first or hasattr(self, "_is_clone")
        check_same_everywhere(world, self, modality, data, device, epochs, begins)
        keeper = checkpoint_of(self, modality, data, device, epochs, begins, own, world) if keeps else None
        entropy = entropy_of(self) if keeps else self.random_state
        if first:
            self._reset(modality, X, learned)
        # the number of epochs so far enters the seed: a fit that continues must not repeat the first views
        seed = world.same(draw_seed(entropy, 0 if first else self._n_begun))
        stream = RandomStream(seed, device)
        net = stream.run(self._first_net, store, device, start) if first else self._next_net(device)
        net.train_split = None if valid is None else predefined_split(valid)
        complaint = self._train(net, train, epochs, stream, first, keeper, world)
        world.same_weights(net.module_)
        if complaint:
            warn(complaint, ConvergenceWarning)
        return self

    def _train(
        self,
        net: ObjectiveNet,
        store: Store,
        epochs: int,
        stream: RandomStream,
        first: bool,
        keeper: Checkpoint | None,
        world: World,
    ) -> str:
        """Train a network and keep it; return the text of a warning, if any."""
        before = None if first else {k: v.clone() for k, v in weights_of(net.module_).items()}
        # a network that was trained before, and is not now, keeps its own statistics
        calibration = store if first and (epochs or not self._is_pretrained()) else None
        kept, complaint = self._follow(net), ""
        try:
            if epochs:
                net.train(store, epochs, stream, keeper, world)
                complaint = self._verdict(net, store)
        except KeyboardInterrupt:
            # users who stop a long training want what it has learned so far
            self._finish(net, calibration, stream)
            raise
        except Exception:  # whatever it is, features of a diverged network look like any others
            if before is None:
                self._reset()
            else:
                load_weights(net.module_, before)
                self.__dict__.update(kept)
                del self.net_.history[len(self.history_) :]  # the two nets share it
            raise
        self._finish(net, calibration, stream)
        return complaint

    def _begin(self, rows: Any) -> tuple[Modality, Store]:
        """Hook: return the fitted modality, and raw rows as a store; by default a new one is fitted to them."""
        modality = choose_modality(self.modality, head_of(rows), self._modalities, type(self).__name__)
        modality.configure_for(self.encoder)
        return modality, learn_rows(modality, rows)

    def _reset(
        self, modality: Modality | None = None, X: Any = None, learned: dict[str, Any] | None = None
    ) -> None:
        """Remove all fitted attributes, then set the modality and the columns of X, if given."""
        forget_fitted(self)
        if modality is not None:
            self.modality_ = modality
            check_columns(self, X, reset=True)
            set_fitted(self, learned or {})

    def _first_net(self, store: Store, device: torch.device, start: nn.Module | None) -> ObjectiveNet:
        try:
            encoder = self._build_encoder(start).to(device)
            # a trial on three rows shows what is wrong with a network before any training
            batch = move(store[np.arange(3) % len(store)], device)
            self.encoder_width_ = output_width(encoder, batch, resolve_precision(self.precision, device))
            set_fitted(self, self._from_width(self.encoder_width_))
            return self._net(self._objective(self.modality_, encoder, self.encoder_width_), device, [])
        except BaseException:
            self._reset()
            raise

    def _next_net(self, device: torch.device) -> ObjectiveNet:
        """Wrap the network in a new trainer, since settings may have changed, and keep the optimizer's state.

        Without Adam's moving averages the first steps would be as large as at the start of training.
        """
        memory = self.net_.memory()  # before callbacks, which the two nets share, are set up again
        return self._net(self.net_.module_, device, []).remember(memory).follow(self.net_, self.history_)

    def _build_encoder(self, start: nn.Module | None = None) -> nn.Module:
        """Hook: return a new encoder for ``modality_``, by default that of the parameters, or a copy of `start`."""
        encoder = self.encoder if start is None else start
        try:
            if isinstance(encoder, nn.Module):
                return self.modality_.adapt_encoder(copy.deepcopy(encoder).float())
            if encoder == "auto":
                encoder = self.modality_.auto_encoder(self._compares_views)
            return self.modality_.encoder(encoder, self._feature_width(), self._causal)
        except (RuntimeError, TypeError) as error:
            raise ValueError(
                f"The encoder could not be built: {str(error).splitlines()[0]} Lower n_components if memory is "
                "short; pass a module that copy.deepcopy can copy."
            ) from error

    def _net(self, objective: Objective, device: torch.device, history: list[dict[str, Any]]) -> ObjectiveNet:
        """Wrap `objective` in a trainer with the current callbacks and settings."""
        net = trainer(self, objective, device, self._watchers(), self._param_groups(objective), self._betas)
        net.store_of_ = self._store  # for callbacks that hold raw rows
        return net.start(history)

    def _finish(self, net: ObjectiveNet, calibration: Store | None, stream: RandomStream) -> None:
        """Make the estimator usable, however training ended."""
        net.module_.eval()
        net.release()
        self._follow(net)
        self.n_unfinished_ = getattr(self, "n_unfinished_", 0) + (len(net.history) > len(self.history_))
        if calibration is not None:
            rows = max(256, self._rows_per_batch)
            calibrate(self.encoder_, calibration, rows, net.device, stream)

    @property
    def _n_begun(self) -> int:
        """The number of epochs so far, those that were broken off included."""
        return len(self.history_) + getattr(self, "n_unfinished_", 0)
