"""The rows that a network is trained on and applied to: in memory, or read from disk in blocks."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from ..files import Blocks, DiskArray, Survey, on_disk
from ..modalities import Modality, stack_rows
from ..training import BlockStore, Store
from ..warning import gathered_warnings, warn_once


def rows_of(X: Any, pool: Any, modality: Any, has_targets: bool) -> Any:
    """Return the rows to train on: X, or X and a pool; X alone, without targets, may be larger than memory.

    Raises
    ------
    TypeError
        If rows in files are to be stacked, or have targets.
    """
    if pool is None and not has_targets:
        return on_disk(X)
    for rows in (X, pool):
        if isinstance(rows, Blocks):
            raise TypeError(
                f"{rows!r} can only be X of a pretrainer that needs nothing else. Pass rows.whole(), if they fit into "
                "memory, or fit such a pretrainer to them first."
            )
    return X if pool is None else stack_rows(X, pool, modality)


def learn_rows(modality: Modality, rows: Any) -> Store:
    """Fit a modality to rows, and return them as a store."""
    if not isinstance(rows, Blocks):
        return modality.learn(rows)
    if not _is_read_by(modality, rows):
        return modality.learn(rows.whole())
    survey = Survey(rows)
    with gathered_warnings():  # a few rows may lack what others have; learn_blocks warns
        modality.learn(rows.few())
    try:
        modality.learn_blocks(survey)
    except (TypeError, ValueError) as error:
        raise _of_block(error, survey.place) from error
    return _store(modality, rows, lambda: survey.sample, quiet=True)


def store_of(modality: Modality, rows: Any) -> Store:
    """Return rows as a store of a fitted modality."""
    if not isinstance(rows, Blocks):
        return modality.validate(rows)
    if not _is_read_by(modality, rows):
        return modality.validate(rows.whole())
    return _store(modality, rows, rows.few, quiet=False)


def _store(modality: Modality, rows: Blocks, sample: Callable[[], Any], quiet: bool) -> BlockStore:
    """Return a store that checks a block when it is read, and passes on each warning once, or none."""
    told: set[Hashable] = set()

    def checked(some: Any, block: int) -> Store:
        try:
            return modality.validate(some)
        except (TypeError, ValueError) as error:
            raise _of_block(error, rows.name_of(block)) from error

    def read(block: int) -> Store:
        with gathered_warnings() as found:
            store = checked(rows.read(block), block)
        if not quiet:
            warn_once(found, told)
        return store

    def draw() -> Store:
        with gathered_warnings():
            return modality.validate(sample())

    with gathered_warnings():
        head = checked(rows.head, 0)
    # prepared rows may take less than those of the file, or more
    taken = getattr(getattr(head, "rows", None), "nbytes", None)
    n_mixed = rows.n_mixed(rows.row_bytes if taken is None else taken / len(head))
    return BlockStore(rows.starts, read, n_mixed, draw)


def _is_read_by(modality: Modality, rows: Blocks) -> bool:
    """Return whether a modality takes a part of the rows at a time; raise an error if files are no rows of its kind."""
    if not modality.reads_blocks and not isinstance(rows, DiskArray):
        raise TypeError(f"{type(modality).__name__} does not take tables, and X is {rows!r}.")
    return modality.reads_blocks


def _of_block(error: Exception, place: str) -> Exception:
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return kind(f"In {place}: {error}")
