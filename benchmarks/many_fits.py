"""Memory, threads and open files of one process over many fits in a row.

Each estimator is fitted, used, cloned and pickled, over and over. Before the first turn that counts, two others warm
up what libraries keep. The report has the memory of the process (resident), its threads and its open files after the
first, the middle and the last turn, and what a turn added in the second half, where memory that is kept shows as a
slope and what allocators keep does not.

    python benchmarks/many_fits.py --fits 50
"""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from report import arguments, write
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from sklearn_ssl import (
    AutoregressivePretrainer,
    ContrastivePretrainer,
    DistillationClassifier,
    FewLabelClassifier,
    FineTuneClassifier,
    GANPretrainer,
    MaskedPretrainer,
    RowSelector,
    SelfOrganizingMap,
    Word2VecPretrainer,
    load,
)
from sklearn_ssl.modalities import Image, Series, Text

WARM_UP = 2
KEPT = 0.1  # MB that each fit may add, in the mean
TABLE, LABELS = load_digits(return_X_y=True)
TABLE, LABELS = TABLE[:200], LABELS[:200]
TEXTS = Text().example_rows()[:100]
WAVES = np.sin(np.arange(30) * np.linspace(0.1, 0.9, 60)[:, None])
TINY = {"n_components": 8, "max_epochs": 1, "random_state": 0}


class State(NamedTuple):
    """What a process holds.

    Attributes
    ----------
    memory : float
        MB that are resident.
    threads, files : int
        Threads of the operating system, and open files.
    """

    memory: float
    threads: int
    files: int


def state() -> State:
    """Return what this process holds, after what nobody refers to has gone."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)  # else what malloc keeps for later looks as if it were held
    lines = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return State(
        int(fields["VmRSS"].split()[0]) / 1024, int(fields["Threads"]), len(os.listdir("/proc/self/fd"))
    )


def turns() -> dict[str, Callable[[], Any]]:
    """Return turns of the report, by name: each fits something new, and uses it."""

    def used(estimator: Any, X: Any, y: Any = None, **more: Any) -> Any:
        fitted = clone(estimator).fit(X, y, **more)
        (fitted.predict if hasattr(fitted, "predict") and y is not None else fitted.transform)(X)
        return pickle.loads(pickle.dumps(fitted))

    def saved() -> Any:
        with tempfile.TemporaryDirectory() as folder:
            used(ContrastivePretrainer(checkpoint=f"{folder}/run", **TINY), TABLE).save(f"{folder}/model")
            return load(f"{folder}/model")

    masked = MaskedPretrainer(**TINY)
    few = FewLabelClassifier(
        pretrainers=[masked], estimators=[("lr", LogisticRegression(max_iter=200), "masked")], cv=2
    )
    return {
        "ContrastivePretrainer, table": lambda: used(ContrastivePretrainer(**TINY), TABLE),
        "ContrastivePretrainer, images": lambda: used(
            ContrastivePretrainer(modality=Image(shape=(8, 8)), **TINY), TABLE
        ),
        "ContrastivePretrainer, saved, loaded, with checkpoint": saved,
        "MaskedPretrainer, texts": lambda: used(MaskedPretrainer(modality=Text(), **TINY), TEXTS),
        "AutoregressivePretrainer, series": lambda: used(
            AutoregressivePretrainer(modality=Series(), **TINY), WAVES
        ),
        "GANPretrainer": lambda: used(GANPretrainer(**TINY), TABLE),
        "FineTuneClassifier": lambda: used(
            FineTuneClassifier(masked, max_epochs=1, random_state=0),
            TABLE[:60],
            LABELS[:60],
            X_unlabeled=TABLE,
        ),
        "DistillationClassifier": lambda: used(
            DistillationClassifier(LogisticRegression(max_iter=200), max_epochs=1, random_state=0),
            TABLE,
            LABELS,
        ),
        "FewLabelClassifier": lambda: used(few, TABLE[:60], LABELS[:60], X_unlabeled=TABLE),
        "RowSelector": lambda: RowSelector(n_rows=5, pretrainer=masked, random_state=0).fit(TABLE),
        "SelfOrganizingMap": lambda: used(
            SelfOrganizingMap(shape=(3, 3), max_epochs=1, random_state=0), TABLE
        ),
        "Word2VecPretrainer": lambda: used(
            Word2VecPretrainer(n_components=4, max_epochs=1, random_state=0), TEXTS
        ),
    }


def watched(turn: Callable[[], Any], n: int, warm_up: int = WARM_UP) -> list[State]:
    """Return what the process holds after each of n turns, the warming up left out."""
    found = []
    for i in range(warm_up + n):
        turn()
        if i >= warm_up:
            found.append(state())
    return found


def growth(found: list[State]) -> float:
    """Return the MB that each turn of the second half added: the slope of a line through them."""
    memory = [one.memory for one in found[len(found) // 2 :]]
    return float(np.polyfit(np.arange(len(memory)), memory, 1)[0])


def is_constant(found: list[State]) -> bool:
    """Return whether threads and files are as many at the end as after the first turn, and memory has no slope."""
    first, last = found[0], found[-1]
    return last.threads <= first.threads and last.files <= first.files and growth(found) <= KEPT


def main() -> None:
    """Fit all, and write the report."""
    parser = arguments(__doc__)
    parser.add_argument("--fits", type=int, default=50)
    n = parser.parse_args().fits
    lines = [
        "| estimator | MB, first | middle | last | MB a fit | threads | open files | constant |",
        "|---|" + "---|" * 7,
    ]
    for name, turn in turns().items():
        found = watched(turn, n)
        first, middle, last = found[0], found[n // 2], found[-1]
        figures = [f"{one.memory:.0f}" for one in (first, middle, last)]
        counts = [f"{a} to {b}" for a, b in zip(first[1:], last[1:], strict=True)]
        row = [name, *figures, f"{growth(found):+.3f}", *counts, "yes" if is_constant(found) else "**no**"]
        lines.append(f"| {' | '.join(row)} |")
        print(lines[-1], file=sys.stderr, flush=True)
    alive = sorted(thread.name for thread in threading.enumerate())
    lines += [
        "",
        f"{n} fits of each, one after another in one process. Python's own threads at the end: {alive}.",
    ]
    write("many_fits", lines)


if __name__ == "__main__":
    main()
