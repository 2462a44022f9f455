"""The engine room: batches, the skorch net, seeds, devices, checkpoints. No SSL in here."""

from ._batch_norm import batch_statistics, calibrate
from ._callbacks import check_callbacks, without_fitted
from ._checkpoint import PortableModule, load_weights, weights_of
from ._collapse import CollapseMonitor, collapse_of, effective_rank
from ._device import resolve_device, resolve_precision
from ._features import features_of
from ._loader import Batch, BatchLoader, Rows, Selection, Store, lengths_of, move, n_rows
from ._net import PretextNet, Progress
from ._probe import output_width
from ._seed import draw_seed, seeded

__all__ = [
    "Batch",
    "BatchLoader",
    "CollapseMonitor",
    "PortableModule",
    "PretextNet",
    "Progress",
    "Rows",
    "Selection",
    "Store",
    "batch_statistics",
    "calibrate",
    "check_callbacks",
    "collapse_of",
    "draw_seed",
    "effective_rank",
    "features_of",
    "lengths_of",
    "load_weights",
    "move",
    "n_rows",
    "output_width",
    "resolve_device",
    "resolve_precision",
    "seeded",
    "weights_of",
    "without_fitted",
]
