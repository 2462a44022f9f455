"""Tables that are larger than memory: peak memory, rows per second, and what mixing by blocks costs in accuracy.

A folder of Parquet files is written for the purpose, and deleted after. One epoch and a transform to Parquet run in a
process of their own, whose peak memory is read from /proc (on Linux). It includes files that are mapped. The same runs
on a tenth of the rows in memory.

Then tables of a size that fits into memory are sorted by class, which is the worst order for mixing by blocks. The
same pretrainer learns from a folder of these, a few blocks at a time, and from a DataFrame, whose rows are shuffled as
a whole. Logistic regression on a few labels compares the features.

    python benchmarks/larger_than_memory.py --gb 1
    python benchmarks/larger_than_memory.py --gb 20 --folder /data
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from report import arguments, write
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from speed import memory_mb
from tqdm.auto import tqdm

from sklearn_ssl import ContrastivePretrainer
from sklearn_ssl.files import ParquetTable

COLUMNS = 256  # float64: 2 kB a row
GROUP = 2048  # rows in a row group
GROUPS = 32  # in a file
FEATURES = 32
LABELS = 10  # per class
MIXED = 14  # blocks of the tables whose accuracies are compared, about as many as of the large one


def write_table(folder: Path, n: int) -> None:
    """Write n rows of correlated numbers; every sixteenth column holds categories, and every other one has holes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True)
    mixing = np.random.default_rng(0).normal(size=(16, COLUMNS)) / 4
    writer, n_files = None, 0
    for i, start in enumerate(range(0, n, GROUP)):
        rng = np.random.default_rng(i)
        m = min(GROUP, n - start)
        X = rng.normal(size=(m, 16)) @ mixing + 0.5 * rng.normal(size=(m, COLUMNS))
        X[:, 1::16][rng.random((m, COLUMNS // 16)) < 0.1] = np.nan
        columns = [
            pa.array(np.array(list("abcdefgh"))[np.digitize(x, [-1.5, -1, -0.5, 0, 0.5, 1, 1.5])])
            if j % 16 == 0
            else pa.array(x)
            for j, x in enumerate(np.ascontiguousarray(X.T))
        ]
        table = pa.table(columns, names=[f"c{j}" for j in range(COLUMNS)])
        if i % GROUPS == 0:
            if writer:
                writer.close()
            writer = pq.ParquetWriter(folder / f"{n_files:05d}.parquet", table.schema, use_dictionary=False)
            n_files += 1
        writer.write_table(table)
    writer.close()


def one_run(source: str, in_memory: bool) -> dict[str, float]:
    """Train for one epoch and transform; return seconds and megabytes."""
    table = ParquetTable(source)
    X = table.whole() if in_memory else table
    before = memory_mb("VmHWM")
    out = f"{source.rstrip('/')}-features"
    started = time.perf_counter()
    ssl = ContrastivePretrainer(max_epochs=1, n_components=FEATURES, random_state=0).fit(X)
    fitted = time.perf_counter()
    ssl.transform(X, out=out)
    done = time.perf_counter()
    shutil.rmtree(out)
    n = len(X)
    return {
        "rows": n,
        "fit": n / (fitted - started),
        "transform": n / (done - fitted),
        "both": n / (done - started),
        "before": before,
        "peak": memory_mb("VmHWM"),
    }


def in_a_process(source: Path, in_memory: bool) -> dict[str, float]:
    """Return the result of `one_run` in a new process."""
    command = [sys.executable, __file__, "--run", str(source), *(["--in-memory"] if in_memory else [])]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(run.stdout.splitlines()[-1])


def accuracies(folder: Path, seed: int, n: int = 20_000, epochs: int = 5) -> tuple[float, float, float]:
    """Return the accuracy on few labels of features from blocks and from memory, and of raw columns."""
    X, y = make_classification(
        2 * n, 32, n_informative=12, n_redundant=8, n_classes=4, class_sep=1.2, random_state=seed
    )
    train, test = np.arange(n), np.arange(n, 2 * n)
    train = train[np.argsort(y[train], kind="stable")]  # one class after the other
    frame = pd.DataFrame(X[train], columns=[f"c{j}" for j in range(32)])
    frame.to_parquet(folder / f"{seed}.parquet", row_group_size=500)
    # a prepared row takes half of what one in the file does, and the buffer has room for three that are read
    blocks = ParquetTable(folder / f"{seed}.parquet", buffer_bytes=(3 + MIXED // 2) * 500 * 32 * 8)
    assert not blocks.is_small and blocks.n_mixed(32 * 4) == MIXED
    rng = np.random.default_rng(seed)
    few = np.concatenate([rng.choice(np.flatnonzero(y[:n] == c), LABELS, replace=False) for c in range(4)])
    test_frame, few_frame = (pd.DataFrame(X[rows], columns=frame.columns) for rows in (test, few))
    found = []
    for rows in (blocks, frame):
        ssl = ContrastivePretrainer(max_epochs=epochs, random_state=seed).fit(rows)
        clf = LogisticRegression(max_iter=2000).fit(ssl.transform(few_frame), y[few])
        found.append(clf.score(ssl.transform(test_frame), y[test]))
    mean, std = X[:n].mean(0), X[:n].std(0)
    raw = LogisticRegression(max_iter=2000).fit((X[few] - mean) / std, y[few])
    return found[0], found[1], raw.score((X[test] - mean) / std, y[test])


def report(runs: list[dict[str, float]], found: list[tuple[float, float, float]]) -> list[str]:
    """Return the lines of the report."""
    lines = [
        "| rows from | rows | GB of Parquet | rows/s: fit | transform | both | peak memory, MB | before fit, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        speeds = " | ".join(f"{run[name]:,.0f}" for name in ("fit", "transform", "both", "peak", "before"))
        lines.append(f"| {run['from']} | {run['rows']:,} | {run['gb']:.2f} | {speeds} |")
    memory, disk = runs
    lines += [
        "",
        f"Rows per second from disk, as a share of those from memory: {disk['both'] / memory['both']:.2f}.",
    ]
    if found:
        blocks, whole, raw = 100 * np.array(found).T
        gap = blocks - whole
        error = gap.std(ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else np.nan
        lines += [
            "",
            f"Accuracy with {LABELS} labels per class, mean of {len(gap)} tables that are sorted by class: rows mixed "
            f"by blocks {blocks.mean():.1f}, all rows shuffled {whole.mean():.1f}, difference {gap.mean():+.1f} ± "
            f"{error:.1f} (standard error); raw columns {raw.mean():.1f}.",
        ]
    return lines


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--gb", type=float, default=1.0, help="size of the table, as float64 in memory")
    parser.add_argument("--folder", default=None, help="where to write it; by default a temporary folder")
    parser.add_argument(
        "--draws", type=int, default=5, help="tables whose accuracies are compared; 0 for none"
    )
    parser.add_argument("--out", default="larger_than_memory", help="name of the report")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--in-memory", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        print(json.dumps(one_run(args.run, args.in_memory)))
        return
    folder = Path(tempfile.mkdtemp(dir=args.folder))
    try:
        n = max(10 * GROUP, int(args.gb * 1e9 / (8 * COLUMNS)))
        runs = []
        for name, rows, in_memory in (("memory", n // 10, True), ("disk", n, False)):
            source = folder / name
            write_table(source, rows)
            size = sum(file.stat().st_size for file in source.glob("*.parquet"))
            runs.append({"from": name, "gb": size / 1e9, **in_a_process(source, in_memory)})
            print(runs[-1], flush=True)
            shutil.rmtree(source)
        found = [accuracies(folder, seed) for seed in tqdm(range(args.draws), disable=None)]
    finally:
        shutil.rmtree(folder)
    write(args.out, report(runs, found))


if __name__ == "__main__":
    main()
