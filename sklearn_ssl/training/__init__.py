"""Training without any SSL: batches, the skorch net, seeds, devices, portable weights."""

from ..naming import publish
from ._batch_norm import calibrate, with_batch_statistics
from ._blockwise import BlockStore
from ._callbacks import check_callbacks, prints_a_log, without_fitted
from ._checkpoint import PortableModule, load_weights, weights_of
from ._collapse import CollapseMonitor, collapse_of, effective_rank, is_collapsed, spread
from ._device import dtype_name, resolve_device, resolve_precision
from ._features import outputs_of
from ._forecast import reporters
from ._hold_out import hold_out
from ._loader import (
    Batch,
    BatchLoader,
    LabeledStore,
    Rows,
    Selection,
    Store,
    auto_epochs,
    fixed_order,
    lengths_of,
    move,
    n_rows,
    take,
)
from ._net import ObjectiveNet
from ._optimizer import EagerAdamW
from ._probe import output_width
from ._progress import Progress, progress_bar
from ._resident import resident
from ._resume import Keeper, is_fitted_name, restore, state_of
from ._saved import Allowance, check_finite, check_weights
from ._seed import RandomStream, draw_one, draw_seed, in_float32
from ._seen import SeenLoss
from ._settings import exactly, n_threads
from ._shared import agreed, all_rows, all_sum, first_row, with_others
from ._step import Step, Targets, as_step, mean_loss, weighted_mean
from ._time import TimeLimit
from ._world import ALONE, World, is_first, join, launched

__all__ = [
    "ALONE",
    "Allowance",
    "Batch",
    "BatchLoader",
    "BlockStore",
    "CollapseMonitor",
    "EagerAdamW",
    "Keeper",
    "LabeledStore",
    "ObjectiveNet",
    "PortableModule",
    "RandomStream",
    "Rows",
    "SeenLoss",
    "Selection",
    "Step",
    "Store",
    "Targets",
    "TimeLimit",
    "World",
    "agreed",
    "all_rows",
    "all_sum",
    "as_step",
    "auto_epochs",
    "calibrate",
    "check_callbacks",
    "check_finite",
    "check_weights",
    "collapse_of",
    "draw_one",
    "draw_seed",
    "dtype_name",
    "effective_rank",
    "exactly",
    "first_row",
    "fixed_order",
    "hold_out",
    "in_float32",
    "is_collapsed",
    "is_first",
    "is_fitted_name",
    "join",
    "launched",
    "lengths_of",
    "load_weights",
    "mean_loss",
    "move",
    "n_rows",
    "n_threads",
    "output_width",
    "outputs_of",
    "prints_a_log",
    "progress_bar",
    "reporters",
    "resolve_device",
    "resolve_precision",
    "restore",
    "spread",
    "state_of",
    "take",
    "weighted_mean",
    "weights_of",
    "with_batch_statistics",
    "with_others",
    "without_fitted",
]

publish(__name__)
