"""The user's callbacks: checked before training, pickled without their state."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import Any

from skorch.callbacks import Callback, PrintLog


def without_fitted(entry: Any) -> Any:
    """Return a callback without its state, such as a scheduler that holds the optimizer."""
    if isinstance(entry, tuple):
        return (entry[0], without_fitted(entry[1]))
    if inspect.isclass(entry):
        return entry
    bare = copy.copy(entry)
    for name in [name for name in vars(bare) if name.endswith("_") and not name.startswith("_")]:
        delattr(bare, name)
    return bare


def check_callbacks(callbacks: Sequence[Any] | None, early_stopping: bool) -> None:
    """Refuse what is no callback of skorch, and what watches rows that are not held out."""
    for entry in callbacks or ():
        callback = entry[1] if isinstance(entry, tuple) and len(entry) == 2 else entry
        is_class = inspect.isclass(callback) and issubclass(callback, Callback)
        if not isinstance(callback, Callback) and not is_class:
            raise TypeError(
                f"callbacks must be a list of skorch callbacks, or of (name, callback); got {entry!r}. "
                "Derive from skorch.callbacks.Callback."
            )
        monitor = getattr(callback, "monitor", None)
        if isinstance(monitor, str) and monitor.startswith("valid_") and not early_stopping:
            raise ValueError(
                f"{type(callback).__name__} watches {monitor!r}, and no rows are held out. Pass early_stopping=True, "
                "which sets rows aside, or watch 'train_loss'."
            )


def prints_a_log(callbacks: Sequence[Any]) -> bool:
    """Return whether the user wants the table of skorch's ``PrintLog``, which a silent net does not print."""
    entries = [entry[1] if isinstance(entry, tuple) else entry for entry in callbacks]
    return any(isinstance(entry, PrintLog) or entry is PrintLog for entry in entries)
