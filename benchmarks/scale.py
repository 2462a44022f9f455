"""The time of training per row, from thousands of rows to ten million, and what is paid once.

Small tables have more epochs, so that all see a million rows in training, and larger ones each row once. The time of a
whole fit counts, with what is learned of columns. Sizes alternate, and medians are compared, so that a busy machine
slows all. Then follow the time of a fit of 150 rows with default settings, that of importing the package beside what
it imports, and a search with two jobs beside one, whose workers are started once.

    python benchmarks/scale.py
    python benchmarks/scale.py --sizes 1000 10000 100000 --rounds 1
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from label_efficiency import markdown
from report import arguments, write
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from tqdm.auto import tqdm

from sklearn_ssl import ContrastivePretrainer

COLUMNS = 16
MODULES = ["torch", "sklearn", "skorch", "sklearn_ssl"]


def table(n: int) -> np.ndarray:
    """Return n rows of 16 float32 columns, which depend on eight numbers."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 8), np.float32) @ rng.standard_normal((8, COLUMNS), np.float32)
    for rows in np.array_split(X, max(1, n // 100_000)):
        rows += rng.standard_normal(rows.shape, np.float32)
    return X


def seconds(run: Callable[[], Any]) -> float:
    """Return the time that a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def of_sizes(sizes: list[int], seen: int, rounds: int) -> pd.DataFrame:
    """Return the time per row that is seen, in microseconds, of tables of some sizes."""
    X = table(max(sizes))
    ContrastivePretrainer(max_epochs=1, random_state=0).fit(X[:1000])  # libraries set themselves up
    found: dict[int, list[float]] = {n: [] for n in sizes}
    plan = [n for _ in range(rounds) for n in sizes]
    for n in tqdm(plan, unit="fit"):
        epochs = max(1, seen // n)
        ssl = ContrastivePretrainer(max_epochs=epochs, random_state=0)
        found[n].append(1e6 * seconds(lambda ssl=ssl, n=n: ssl.fit(X[:n])) / (n * epochs))
    medians = pd.Series({n: statistics.median(times) for n, times in found.items()})
    base = medians[10_000 if 10_000 in medians.index else medians.index[0]]
    rows = {
        f"{n:,}": {
            "epochs": f"{max(1, seen // n):,}",
            "microseconds per row": f"{value:.1f}",
            "rows/s": f"{1e6 / value:,.0f}",
            "time per row, relative": f"{value / base:.2f}",
            "of single rounds": f"{min(found[n]) / base:.2f} to {max(found[n]) / base:.2f}",
        }
        for n, value in medians.items()
    }
    return pd.DataFrame(rows).T.rename_axis("rows")


def of_imports(rounds: int) -> Iterator[str]:
    """Yield the time that a new process takes to import modules, less that of an empty one."""
    found: dict[str, list[float]] = {name: [] for name in ["", *MODULES]}
    for _ in range(rounds + 1):
        for name, times in found.items():
            command = [sys.executable, "-c", f"import {name}" if name else "pass"]
            times.append(seconds(lambda command=command: subprocess.run(command, check=True)))
    empty = statistics.median(found.pop("")[1:])  # the first round fills caches
    for name, times in found.items():
        yield f"`import {name}` takes {statistics.median(times[1:]) - empty:.2f} s."


def of_searches(rounds: int) -> str:
    """Return how many times faster a search with two jobs is than with one."""
    X, y = load_digits(return_X_y=True)
    clf = make_pipeline(
        ContrastivePretrainer(max_epochs=20, random_state=0), LogisticRegression(max_iter=2000)
    )
    grid = {"contrastivepretrainer__temperature": [0.2, 0.5, 1.0, 2.0]}
    times: dict[int, list[float]] = {1: [], 2: []}
    for n_jobs in [1, 2] * rounds:
        search = GridSearchCV(clf, grid, cv=3, n_jobs=n_jobs)
        times[n_jobs].append(seconds(lambda search=search: search.fit(X, y)))
    ratio = statistics.median(a / b for a, b in zip(times[1], times[2], strict=True))
    one, two = (statistics.median(times[n]) for n in (1, 2))
    found = f"A search of four settings in three folds takes {one:.1f} s, and {two:.1f} s with n_jobs=2"
    return f"{found}: {ratio:.2f} times as fast."


def main() -> None:
    """Measure, and write a Markdown report."""
    parser = arguments(__doc__)
    parser.add_argument(
        "--sizes", nargs="+", type=int, default=[1000, 10_000, 100_000, 1_000_000, 10_000_000]
    )
    parser.add_argument(
        "--seen", type=int, default=1_000_000, help="rows that small tables see in a fit, about"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", default="scale", metavar="NAME", help="name of the report")
    args = parser.parse_args()
    lines = [*markdown(of_sizes(args.sizes, args.seen, args.rounds))]
    iris = load_iris().data
    fits = [seconds(lambda: ContrastivePretrainer(random_state=0).fit(iris)) for _ in range(args.rounds)]
    lines += [f"A fit of 150 rows with default settings takes {statistics.median(fits):.2f} s.", ""]
    lines += [*of_imports(args.rounds), "", of_searches(args.rounds)]
    write(args.out, lines)


if __name__ == "__main__":
    main()
