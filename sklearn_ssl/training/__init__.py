"""Training without any SSL: batches, the skorch net, seeds, devices, portable weights."""

from ..naming import publish
from ._batch_norm import batch_statistics, calibrate
from ._callbacks import check_callbacks, prints_a_log, without_fitted
from ._checkpoint import PortableModule, load_weights, weights_of
from ._collapse import CollapseMonitor, collapse_of, effective_rank, is_collapsed, spread
from ._device import dtype_name, resolve_device, resolve_precision
from ._features import outputs_of
from ._loader import (
    Batch,
    BatchLoader,
    LabeledStore,
    Rows,
    Selection,
    Store,
    auto_epochs,
    hold_out,
    lengths_of,
    move,
    n_rows,
    take,
)
from ._net import ObjectiveNet, Progress
from ._probe import output_width
from ._saved import Allowance, check_finite, check_weights, without_memory
from ._seed import draw_seed, seeded
from ._step import Step, Targets, as_step, weighted_mean

__all__ = [
    "Allowance",
    "Batch",
    "BatchLoader",
    "CollapseMonitor",
    "LabeledStore",
    "ObjectiveNet",
    "PortableModule",
    "Progress",
    "Rows",
    "Selection",
    "Step",
    "Store",
    "Targets",
    "as_step",
    "auto_epochs",
    "batch_statistics",
    "calibrate",
    "check_callbacks",
    "check_finite",
    "check_weights",
    "collapse_of",
    "draw_seed",
    "dtype_name",
    "effective_rank",
    "hold_out",
    "is_collapsed",
    "lengths_of",
    "load_weights",
    "move",
    "n_rows",
    "output_width",
    "outputs_of",
    "prints_a_log",
    "resolve_device",
    "resolve_precision",
    "seeded",
    "spread",
    "take",
    "weighted_mean",
    "weights_of",
    "without_fitted",
    "without_memory",
]

publish(__name__)
