"""The user's callbacks: checked before training, pickled without their state."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import Any

from skorch.callbacks import Callback


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


def check_callbacks(callbacks: Sequence[Any] | None) -> None:
    for entry in callbacks or ():
        callback = entry[1] if isinstance(entry, tuple) and len(entry) == 2 else entry
        is_class = inspect.isclass(callback) and issubclass(callback, Callback)
        if not isinstance(callback, Callback) and not is_class:
            raise TypeError(
                f"callbacks must be a list of skorch callbacks, or of (name, callback); got {entry!r}. "
                "Derive from skorch.callbacks.Callback."
            )
