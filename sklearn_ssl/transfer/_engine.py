"""Fine-tuning on the engine: a start, a head, a decision, and training."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import _check_sample_weight, _num_samples, check_consistent_length
from skorch.callbacks import Callback, LRScheduler
from torch import nn

from ..base import Modality, NetworkEstimator, check_columns, entropy_of, is_fitted
from ..encoders import stages_of
from ..few_labels import require_labels, require_rows
from ..modalities import real, stack_rows
from ..training import BatchLoader, Store, check_callbacks, draw_seed, outputs_of
from ._lesson import Lesson, folds_of, parts_of
from ._objectives import FineTuneObjective
from ._rows import distinct_rows, rows_at
from ._schedule import GradualUnfreezing, WarmupCosine
from ._start import Start, architecture_of, bare, start_of
from ._targets import StratifiedTargets

POOL_ROWS = 20_000  # of the pool, drawn at random: their features are held in memory
STEPS = 20.0  # of max_epochs="auto", times the root of the number of labelled rows
HEAD_WIDTH = 614  # of a head that learns as fast as the encoder; on more features each weight must move less
N_TRIALS = 3  # folds in which training is tried on labels alone
MANY = 2000  # labelled rows of which one fold is enough


class _Prepared(NamedTuple):
    """What the hooks of the engine need during fit."""

    start: Start
    store: Store
    lesson: Lesson


@dataclass(kw_only=True, eq=False, repr=False)
class FineTune(NetworkEstimator, ABC):
    """Train a pretrained network on labels.

    Parameters
    ----------
    pretrainer : Pretrainer or FrozenEstimator
        The network to begin with, of any method and modality. If it is fitted, its weights are the start. If not, a
        clone is fitted first, to X and `X_unlabeled`, with this `checkpoint` if it has none. It is never changed. A
        fitted one is kept by ``clone``, so that cross-validation and searches do not pretrain again. In a list of
        pretrainers to search over, wrap fitted ones in ``FrozenEstimator``. ``save`` writes its settings, not its
        weights: a loaded estimator predicts, and continues with `warm_start`, but to ``fit`` it anew from the same
        start, pass the pretrainer again: ``set_params(pretrainer=...)``. Otherwise one is fitted first.
    tune : {"auto", "head", "all"}, default="auto"
        What is trained. ``"head"``: a linear model on frozen features. ``"all"``: from there on, the encoder too, with
        smaller rates. ``"auto"`` trains the encoder where that pays: if the unlabeled rows have learned labels, or
        if it lowers the loss of labelled rows left out in a cross-validation by more than two standard errors.
        ``tuned_`` holds the choice.
    transfer : {"parameters", "structure"}, default="parameters"
        What is taken over. ``"structure"`` takes the architecture alone, with fresh weights.
    layer_decay : float, default=0.9
        Factor of the learning rate from each stage of the encoder to the one below.
    gradual_unfreezing : bool, default=False
        Begin with the head, and let the stages of the encoder join one by one, from output to input (ULMFiT).
    penalty : {"l2-sp", "l2"}, default="l2-sp"
        The penalty R in ``loss + alpha * R(weights)``: half the squared distance of the weights from those before
        training (L2-SP), or half their squares.
    alpha : float, default=0.01
        Weight of the penalty.
    views : bool, default=True
        Whether each row is learned as it is and in a random view of the modality, or only as it is.
    max_epochs : int or "auto", default="auto"
        Passes over the labelled rows, and those of the pool. ``"auto"`` is about 20 steps of the optimizer times
        the root of the number of labelled rows. With 0 the head alone is fitted.
    lr : float, default=3e-4
        Learning rate of AdamW for the last stage of the encoder. It rises in a tenth of the steps and falls along a
        cosine, unless `callbacks` has an ``LRScheduler``. A head of more than 614 features learns more slowly, in
        proportion.
    early_stopping : bool, default=False
        Set `validation_fraction` of the labelled rows aside, the same share of each class, stop when their loss has
        not improved for `n_iter_no_change` epochs, and restore the best weights. The head was fitted to all.
    warm_start : bool, default=False
        If True, ``fit`` continues from the network of the last fit, and `pretrainer` is not asked again.

    Attributes
    ----------
    tuned_ : str
        ``"head"`` or ``"all"``: what was trained.
    history_ : list of dict
        One dict per epoch of training, or, if only the head was fitted, per iteration of its optimizer: ``epoch``,
        ``train_loss``, and with `early_stopping` ``valid_loss``.

    References
    ----------
    .. [1] J. Howard, S. Ruder. "Universal Language Model Fine-tuning for Text Classification." ACL 2018.
       https://arxiv.org/abs/1801.06146
    .. [2] X. Li, Y. Grandvalet, F. Davoine. "Explicit Inductive Bias for Transfer Learning with Convolutional
       Networks." ICML 2018. https://arxiv.org/abs/1802.01483
    """

    pretrainer: Any = field(kw_only=False)
    tune: str = "auto"
    transfer: str = "parameters"
    layer_decay: float = 0.9
    gradual_unfreezing: bool = False
    penalty: str = "l2-sp"
    alpha: float = 0.01
    views: bool = True
    lr: float = 3e-4

    # metadata routing passes X_unlabeled to fit without a call of set_fit_request
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"X_unlabeled": True}

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "pretrainer": "no_validation",  # `bare` has better words for it
        "tune": [StrOptions({"auto", "head", "all"})],
        "transfer": [StrOptions({"parameters", "structure"})],
        "layer_decay": [real(0, 1, closed="right")],
        "gradual_unfreezing": ["boolean"],
        "penalty": [StrOptions({"l2", "l2-sp"})],
        "alpha": [real(0, closed="left")],
        "views": ["boolean"],
    }

    @abstractmethod
    def _lesson(
        self, Z: np.ndarray, Y: np.ndarray, weight: np.ndarray, pool: np.ndarray | None, rng: Any
    ) -> Lesson:
        """Return the head on features, and the targets of all rows."""

    @abstractmethod
    def _judge(self, outputs: np.ndarray, Y: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
        """Return by what to multiply outputs for unseen rows, and their errors then, ``(n,)``."""

    @abstractmethod
    def _strata(self, Y: np.ndarray) -> np.ndarray:
        """Return a number for each labelled row; folds and rows set aside have a share of each."""

    @abstractmethod
    def _supervised(self, modality: Modality, encoder: nn.Module, head: nn.Linear) -> FineTuneObjective:
        """Build the objective."""

    @abstractmethod
    def _n_outputs(self) -> int:
        """Return the number of outputs of the fitted estimator."""

    def _check(self, X: Any, y: Any, sample_weight: Any) -> np.ndarray:
        """Check all that can be checked before anything is trained; return the weights of rows."""
        self._validate_params()
        require_rows(self, X)
        require_labels(self, y)
        bare(self.pretrainer)
        check_callbacks(self.callbacks, self.early_stopping)
        return _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)

    def _fine_tune(
        self, X: Any, pool: Any, Y: np.ndarray, weight: np.ndarray, learned: dict[str, Any]
    ) -> Self:
        """Fit to targets `Y` of shape ``(n, n_outputs)``."""
        check_consistent_length(X, Y, weight)
        index, weight = distinct_rows(X, Y, weight)
        X, Y = rows_at(X, index), Y[index]
        go_on = self.warm_start and hasattr(self, "net_")
        seed = draw_seed(entropy_of(self), len(self.history_) if go_on else 0)
        rng = np.random.default_rng(seed)
        start = self._start(X, pool, seed, go_on)
        if pool is not None and (m := _num_samples(pool)) > POOL_ROWS:
            pool = rows_at(pool, np.sort(rng.permutation(m)[:POOL_ROWS]))
        store = start.modality.validate(X if pool is None else stack_rows(X, pool, start.modality))
        scale, Z = self._features(start, store)
        lesson = self._lesson(Z[: len(Y)], Y, weight, Z[len(Y) :] if len(Z) > len(Y) else None, rng)
        # the network gives features as they are
        lesson = lesson._replace(head=lesson.head._replace(coef=scale * lesson.head.coef))
        tuned, factor = self._decide(X, Y, weight, start, lesson, rng, go_on)
        used = pool if lesson.uses_pool and tuned == "all" else None
        n = len(store) if used is not None else len(Y)
        targets = self._targets(lesson.targets[:n], weight, self._strata(Y))
        self._prepared = _Prepared(start, store if n == len(store) else start.modality.validate(X), lesson)
        try:
            epochs = self._epochs(len(Y), n) if tuned == "all" else 0
            self._fit(
                X,
                used,
                targets=targets,
                learned=learned,
                max_epochs=epochs,
                go_on=go_on,
                origin=start.encoder,
            )
        except KeyboardInterrupt:
            if hasattr(self, "net_"):
                self.tuned_, self.mixture_ = tuned, np.array(lesson.mixture)
            raise
        finally:
            del self._prepared
        if tuned == "head":
            _set_head(self.net_.module_.head, lesson)
            steps = [{"epoch": i + 1, "train_loss": loss} for i, loss in enumerate(lesson.head.losses)]
            self.history_ = steps
            self.net_.begin_after(steps)
        else:
            _scale(self.net_.module_.head, factor)
        self.tuned_, self.mixture_ = tuned, np.array(lesson.mixture)
        return self

    def _start(self, X: Any, pool: Any, seed: int, go_on: bool) -> Start:
        if go_on:
            check_columns(self, X)
            return Start(self.modality_, self.encoder_)
        given = vars(self).get("_given")
        return given or start_of(self.pretrainer, self.transfer, X, pool, seed, self.checkpoint)

    def _features(self, start: Start, store: Store) -> tuple[float, np.ndarray]:
        """Return the factor of features that the modality wants, and the features times it."""
        device = next((p.device for p in start.encoder.parameters()), "cpu")
        batch = start.modality.batch_size if isinstance(self.batch_size, str) else self.batch_size
        Z = outputs_of(start.encoder, store, None, batch, device)
        scale = start.modality.feature_scale(start.encoder, Z.shape[1])
        return scale, Z * np.float32(scale)

    def _decide(
        self, X: Any, Y: np.ndarray, weight: np.ndarray, start: Start, lesson: Lesson, rng: Any, go_on: bool
    ) -> tuple[str, float]:
        """Return what to train, and by what to multiply the outputs after that."""
        trainable = any(p.requires_grad for p in start.encoder.parameters())
        if self.tune == "head" or not trainable or self.max_epochs == 0:
            return "head", 1.0
        if lesson.uses_pool or go_on or "_given" in vars(self):
            return "all", 1.0
        factor, gain, error = self._tried(X, Y, weight, start, lesson, rng)
        return "all" if self.tune == "all" or gain > 2 * error else "head", factor

    def _tried(
        self, X: Any, Y: np.ndarray, weight: np.ndarray, start: Start, lesson: Lesson, rng: Any
    ) -> tuple[float, float, float]:
        """Train on parts of the labels; return the factor of outputs, the mean gain on the rest, its standard error."""
        folds = folds_of(self._strata(Y), N_TRIALS, rng)
        if (folds >= 0).mean() < 0.5:  # a few classes say little of the others
            return 1.0, 0.0, math.inf
        outputs, seen = np.zeros_like(Y), np.zeros(len(Y), dtype=bool)
        for fold in islice(parts_of(folds), 1 if len(Y) > MANY else None):
            test, rest = map(np.flatnonzero, fold)
            if len(rest) < 2:
                continue
            trial = clone(self).set_params(
                tune="all", warm_start=False, callbacks=None, verbose=0, random_state=int(rng.integers(2**31))
            )
            trial._given = start
            trial._fine_tune(rows_at(X, rest), None, Y[rest], weight[rest], self._learned_of(Y))
            outputs[test], seen[test] = trial._outputs(rows_at(X, test)), True
        if not seen.any():
            return 1.0, 0.0, math.inf
        factor, errors = self._judge(outputs[seen], Y[seen], weight[seen])
        gains, w = lesson.errors[seen] - errors, weight[seen] / weight[seen].sum()
        mean = float((w * gains).sum())
        return factor, mean, float(np.sqrt((w**2 * (gains - mean) ** 2).sum()))

    @abstractmethod
    def _learned_of(self, Y: np.ndarray) -> dict[str, Any]:
        """Return fitted attributes for a trial on targets that are as training needs them."""

    def _targets(self, values: np.ndarray, weight: np.ndarray, strata: np.ndarray) -> StratifiedTargets:
        # labelled rows weigh one in the mean, as rows of the pool do; those are never set aside
        more = len(values) - len(weight)
        return StratifiedTargets(
            torch.from_numpy(values.astype(np.float32)),
            torch.from_numpy(np.r_[weight / weight.mean(), np.ones(more)].astype(np.float32)),
            torch.from_numpy(np.r_[strata, np.full(more, -1)].astype(np.int64)),
        )

    def _epochs(self, n_labeled: int, n: int) -> int:
        if not isinstance(self.max_epochs, str):
            return int(self.max_epochs)
        batch = (
            self._prepared.start.modality.batch_size if isinstance(self.batch_size, str) else self.batch_size
        )
        per_epoch = len(BatchLoader(range(n), batch))
        return max(1, round(STEPS * math.sqrt(n_labeled) / per_epoch))

    def _outputs(self, X: Any) -> np.ndarray:
        """Return the outputs of the network for raw rows, ``(n, n_outputs)``."""
        objective, store = self._ready(X)  # first: it refuses an estimator that is not fitted
        return self._apply(objective, store, self._n_outputs())

    def _begin(self, rows: Any) -> tuple[Modality, Store]:
        return self._prepared.start.modality, self._prepared.store

    def _build_encoder(self, start: nn.Module | None = None) -> nn.Module:
        if "_prepared" in vars(self):
            return copy.deepcopy(self._prepared.start.encoder)
        return architecture_of(self.pretrainer, self.modality_)

    def _is_pretrained(self) -> bool:
        return True

    def _objective(self, modality: Modality, encoder: nn.Module, width: int) -> FineTuneObjective:
        head = nn.Linear(width, self._n_outputs())
        if "_prepared" in vars(self):
            _set_head(head, self._prepared.lesson)
        return self._supervised(modality, encoder, head)

    def _param_groups(self, objective: Any) -> list[dict[str, Any]]:
        head = objective.head
        rate = self.lr * min(1.0, HEAD_WIDTH / head.in_features)
        groups = [{"params": list(head.parameters()), "lr": rate}]
        for depth, stage in enumerate(reversed(stages_of(objective.encoder))):
            groups.append({"params": list(stage.parameters()), "lr": self.lr * self.layer_decay**depth})
        return groups

    def _watchers(self) -> list[Callback]:
        given: Sequence[Any] = self.callbacks or ()
        entries = [entry[1] if isinstance(entry, tuple) else entry for entry in given]
        scheduled = any(isinstance(entry, LRScheduler) or entry is LRScheduler for entry in entries)
        own: list[Callback] = [] if scheduled else [WarmupCosine()]
        return [*own, GradualUnfreezing()] if self.gradual_unfreezing else own

    def __getstate__(self) -> dict[str, Any]:
        # in training, a callback may pickle
        return {k: v for k, v in super().__getstate__().items() if k not in ("_prepared", "_given")}

    def __sklearn_clone__(self) -> Self:
        new = super().__sklearn_clone__()
        if is_fitted(self.pretrainer):
            new.pretrainer = self.pretrainer  # a clone would have to pretrain again
        return new

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(bare(self.pretrainer)).input_tags
        return tags


def _set_head(layer: Any, lesson: Lesson) -> None:
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(lesson.head.coef.T)))
        layer.bias.copy_(torch.from_numpy(np.ascontiguousarray(lesson.head.intercept)))


def _scale(layer: Any, factor: float) -> None:
    with torch.no_grad():
        layer.weight.mul_(factor)
        layer.bias.mul_(factor)
