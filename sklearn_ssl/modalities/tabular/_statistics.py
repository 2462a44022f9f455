"""What a table learns of its columns, from all rows at once or from one block after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils import gen_batches

from ._categories import Factorized, Value, frequent_values
from ._cells import chunk_of
from ._decoders import edges_of
from ._doubts import warn_of_empty, warn_of_looks
from ._drift import type_of
from ._input import Table, kinds_of
from ._names import names_of
from ._numbers import NumberScale, ScaleTally, orders

VALUES = 200_000  # of all categorical columns together that are counted
FAR = 1e100  # times the magnitude of the sample: squares of such numbers may overflow


class Tally:
    """Counts of the values of a categorical column, in bounded memory.

    Where there are too many values, the rarest are forgotten, and count as rare.

    Parameters
    ----------
    most : int
        Values that are kept at least.
    """

    def __init__(self, most: int = VALUES):
        self.most, self.counts, self.missing, self.forgotten = most, dict[Value, int](), 0, 0

    def add(self, column: Factorized) -> None:
        """Count the values of further rows."""
        there = column.codes[column.codes >= 0]
        self.missing += len(column.codes) - len(there)
        counts = np.bincount(there, minlength=len(column.values)).tolist()
        for value, count in zip(column.values, counts, strict=True):
            if count:
                self.counts[value] = self.counts.get(value, 0) + count
        if len(self.counts) > 2 * self.most:
            total = sum(self.counts.values())
            kept = sorted(self.counts.items(), key=lambda item: -item[1])[: self.most]
            self.counts = dict(kept)
            self.forgotten += total - sum(self.counts.values())

    def categories(self, most: int) -> tuple[tuple[Value, ...], bool]:
        """Return the categories, and whether there are rare values besides; see ``find_categories``."""
        known, rare = frequent_values(self.counts, most)
        # a column without any category, all missing, gets a rare one that no row has
        return known, rare or not known or self.forgotten > 0

    def rare_share(self, categories: Sequence[Value]) -> float:
        """Return the share of the cells whose value would be rare or unknown, were it not for their own row.

        So many are to be expected in other rows, since a value of two rows is rare as soon as one of them is left out.
        """
        known = set(categories)
        rare = sum(n for value, n in self.counts.items() if n <= 2 or value not in known)
        return (rare + self.forgotten) / max(1, sum(self.counts.values()) + self.forgotten)


def set_statistics(table: Any, numbers: NumberScale, tallies: list[Tally], n: int) -> None:
    """Set the fitted attributes of a ``Tabular`` that statistics of n rows decide."""
    found = [tally.categories(table.max_categories) for tally in tallies]
    table.categories_ = tuple(known for known, _ in found)
    table.has_rare_ = np.array([rare for _, rare in found], dtype=bool)
    table.types_ = tuple(type_of(list(tally.counts)) for tally in tallies)
    shares = zip(tallies, table.categories_, strict=True)
    table.rare_ = np.array([tally.rare_share(known) for tally, known in shares], dtype=float)
    table.mean_, table.scale_, table.binary_, holes, table.constant_, table.range_, table.whole_ = numbers
    table.missing_ = np.concatenate([holes, [tally.missing for tally in tallies]]) / n


def tallies_of(columns: list[Factorized]) -> list[Tally]:
    """Return the counts of the values of categorical columns in memory."""
    tallies = [Tally(len(column.values)) for column in columns]
    for tally, column in zip(tallies, columns, strict=True):
        tally.add(column)
    return tallies


def learn_blocks(table: Any, survey: Any) -> None:
    """Replace what a ``Tabular`` has learned from a sample by what a pass over all rows tells.

    Parameters
    ----------
    table : Tabular
        Fitted to a sample.
    survey : Survey
    """
    low, high = np.abs(table.range_)
    order = orders(np.fmax(low, high))
    numbers, tallies = _counted(table, survey, order)
    largest = np.fmax(*np.abs(numbers.limits)) if len(order) else order
    if (largest > FAR * order).any():  # once more, with the magnitudes of all rows
        numbers, tallies = _counted(table, survey, orders(largest))
    set_statistics(table, numbers.result(), tallies, survey.n_rows)
    raw, sample = survey.sample, _taken_apart(table, survey.sample)
    table.edges_ = edges_of(sample.numbers, table._scale, table.n_bins, table.n_features_in_)
    warn_of_empty(raw, table._empty)
    chosen = table._names_categories
    warn_of_looks(raw, names_of(raw, table.categorical_), sample.categories, table.categories_, bool(chosen))


def _counted(table: Any, survey: Any, order: np.ndarray) -> tuple[ScaleTally, list[Tally]]:
    most = max(20 * table.max_categories, VALUES // max(1, len(table.categorical_)))
    numbers, tallies = ScaleTally(order), [Tally(most) for _ in table.categorical_]
    for rows in survey:
        part = _taken_apart(table, rows)
        for some in gen_batches(part.numbers.shape[0], chunk_of(len(order))):
            numbers.add(part.numbers[some])
        for tally, column in zip(tallies, part.categories, strict=True):
            tally.add(column)
    return numbers, tallies


def _taken_apart(table: Any, rows: Any) -> Table:
    """Return checked rows as numbers and categories; no column is ignored because the sample had no value in it."""
    return table._taken_apart(rows, np.flatnonzero([kind == "empty" for kind in kinds_of(rows) or ()]))[1]
