"""The time of a fit against a loop written by hand, and the memory that a million rows take.

The loop trains the same network in float32 with the same batches, steps, views and loss, and does nothing
else: no validation of X, no scaling, no callbacks, no history. Both sides alternate in one run and medians
are compared, so that a busy machine slows both. Memory is measured in a separate process (read from /proc, on
Linux), less what the process holds after imports and a tiny fit.

    python benchmarks/speed.py
    python benchmarks/speed.py --only time
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from report import write
from sklearn.datasets import make_classification
from torch import Tensor, nn
from tqdm.auto import tqdm

from sklearn_ssl import ContrastivePretrainer
from sklearn_ssl.encoders import MLP
from sklearn_ssl.modalities import Image, Tabular

PLAIN = MLP(64, widths=(256, 256, 256), n_directions=0)
# name: (rows, shape of one, encoder, epochs)
CASES = {
    "table of 20,000 x 64, width 256": (20_000, (64,), PLAIN, 3),
    "table of 2,000 x 64, width 256": (2_000, (64,), PLAIN, 25),
    "table of 20,000 x 64, default encoder": (20_000, (64,), "auto", 2),
    "images of 28 x 28, default encoder": (1_536, (28, 28), "auto", 6),
}
BATCH = 256
PRECISIONS = ["float32", "auto"]


def draw(n: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return `n` rows: a table with correlated columns, or smooth grey images."""
    rng = np.random.default_rng(0)
    if len(shape) == 1:
        return make_classification(n, shape[0], n_informative=shape[0] // 2, random_state=0)[0]
    coarse = torch.from_numpy(rng.uniform(0, 255, size=(n, 1, 7, 7)))
    return F.interpolate(coarse, shape, mode="bilinear")[:, 0].numpy().astype(np.uint8)


def bare_loop(X: Tensor, encoder: nn.Module, width: int, views: nn.Module, epochs: int) -> None:
    """Train by hand in float32, as the reference."""
    projector = nn.Sequential(nn.Linear(width, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Linear(256, 128))
    model = nn.ModuleList([encoder, projector]).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    for _ in range(epochs):
        for index in torch.randperm(len(X)).tensor_split(-(-len(X) // BATCH)):
            a, b = views(X[index])
            z = F.normalize(torch.cat([projector(encoder(a)), projector(encoder(b))]), dim=1)
            similarity = z @ z.T / 0.5
            similarity.fill_diagonal_(-torch.inf)
            loss = F.cross_entropy(similarity, torch.arange(len(z)).roll(len(z) // 2))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def time_case(name: str, rounds: int) -> Iterator[str]:
    """Yield a line of the report for each precision."""
    n, shape, encoder, epochs = CASES[name]
    X = draw(n, shape)
    modality = Tabular() if len(shape) == 1 else Image()
    prepared = modality.fit(X).validate(X)[np.arange(n)]
    network = modality.encoder(encoder, None) if isinstance(encoder, str) else encoder
    with torch.no_grad():
        width = copy.deepcopy(network).eval()(prepared[:2]).shape[1]

    def ours(precision: str) -> None:
        settings = {"modality": modality, "encoder": encoder, "max_epochs": epochs, "batch_size": BATCH}
        ContrastivePretrainer(**settings, precision=precision, random_state=0).fit(X)

    def bare() -> None:
        torch.manual_seed(0)
        bare_loop(prepared, copy.deepcopy(network), width, modality.views, epochs)

    contenders = {"bare": bare, **{p: (lambda p=p: ours(p)) for p in PRECISIONS}}
    seconds: dict[str, list[float]] = {key: [] for key in contenders}
    for repeat in tqdm(range(rounds + 1), desc=name):
        for key, run in contenders.items():
            start = time.perf_counter()
            run()
            if repeat:  # the first round warms up
                seconds[key].append(time.perf_counter() - start)
    base = statistics.median(seconds["bare"])
    for key in PRECISIONS:
        ratios = sorted(ours / bare for ours, bare in zip(seconds[key], seconds["bare"], strict=True))
        median = statistics.median(seconds[key])
        rate = f"{n * epochs / median:,.0f} | {n * epochs / base:,.0f}"
        yield (f"| {name} | {key} | {median / base:.2f} | {ratios[0]:.2f} to {ratios[-1]:.2f} | {rate} |")


def memory_mb(field: str) -> float:
    """Return the memory of this process in MB of 1e6 bytes: ``"VmRSS"`` is held now, ``"VmHWM"`` is the peak.

    getrusage would not do: a child process starts with the peak of its parent.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(field))


def numbers(n: int) -> np.ndarray:
    """Return a table of 64 float64 columns."""
    rng, X = np.random.default_rng(0), np.empty((n, 64))
    for rows in np.array_split(np.arange(n), 100):
        X[rows] = rng.normal(size=(len(rows), 64))
    return X


def mixed(n: int) -> pd.DataFrame:
    """Return a table of 50 columns with missing values: 30 of float64, 10 of a category type, 10 of strings."""
    rng, columns = np.random.default_rng(0), {}
    words = np.array([f"word {i}" for i in range(8)], dtype=object)
    for j in range(50):
        codes = rng.integers(0, 8, n, dtype=np.int8)
        codes[rng.random(n, dtype=np.float32) < 0.05] = -1
        if j < 30:
            columns[f"number {j}"] = np.where(codes < 0, np.nan, rng.normal(size=n))
        elif j < 40:
            columns[f"category {j}"] = pd.Categorical.from_codes(codes, words)
        else:
            columns[f"text {j}"] = pd.Series(np.append(words, None)[codes], dtype=object)
    return pd.DataFrame(columns)


def memory(n: int, n_components: int | None, table: str) -> dict[str, float]:
    """Fit and transform a table of `n` rows in this process; return sizes in MB, and rows per second."""
    make = {"numbers": numbers, "mixed": mixed}[table]
    small = ContrastivePretrainer(max_epochs=1, n_components=n_components)
    small.fit_transform(make(512))
    idle = memory_mb("VmRSS")
    X = make(n)
    held = (X.memory_usage(index=False).sum() if isinstance(X, pd.DataFrame) else X.nbytes) / 1e6
    with contextlib.suppress(OSError):  # if that is allowed, the peak of making X does not count
        Path("/proc/self/clear_refs").write_text("5")
    model = ContrastivePretrainer(max_epochs=1, n_components=n_components)
    start = time.perf_counter()
    model.fit(X)
    trained, fit_peak = time.perf_counter(), memory_mb("VmHWM")
    Z = model.transform(X)
    stop = time.perf_counter()
    copied, out = X.size * 4 / 1e6, Z.nbytes / 1e6
    return {
        "X": held,
        "copy": copied,
        "output": out,
        "fit": fit_peak - idle - held - copied,
        "both": memory_mb("VmHWM") - idle - held - copied - out,
        "fit_rate": n / (trained - start),
        "transform_rate": n / (stop - trained),
    }


def memory_lines(n: int) -> Iterator[str]:
    """Yield the table of memory."""
    yield (
        f"`fit` (one epoch) and `transform` of {n:,} rows, in MB of 1e6 bytes. Numbers: 64 columns of float64. "
        "Mixed: 50 columns with 5 % holes, 30 of float64, 20 of eight categories, half of them texts.\n"
    )
    head = "| table, features | X | float32 copy | output | fit, beyond X and the copy | "
    yield (
        head + "fit and transform, beyond X, the copy and the output | rows/s, an epoch | rows/s, transform |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for table, n_components in itertools.product(("numbers", "mixed"), (None, 64)):
        command = [sys.executable, __file__, "--child", str(n), str(n_components or 0), table]
        child = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        name = f"{table}, default" if n_components is None else f"{table}, n_components={n_components}"
        yield f"| {name} | " + " | ".join(f"{value:,.0f}" for value in child.values()) + " |"


def main() -> None:
    """Measure, print, and write ``results/speed.md``, or ``speed_time.md`` or ``speed_memory.md`` for one half."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table for measuring memory")
    parser.add_argument("--only", choices=["time", "memory"], help="measure one half only")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        n, n_components, table = args.child
        print(json.dumps(memory(int(n), int(n_components) or None, table)))
        return
    lines: list[str] = []
    if args.only != "memory":
        lines += [
            f"`fit` against a bare float32 loop, batches of {BATCH}, medians of {args.rounds} rounds.\n"
        ]
        lines += ["| data | precision | time / bare loop | of single rounds | rows/s | rows/s, bare |"]
        lines += ["|---|---|---|---|---|---|"]
        lines += [line for name in CASES for line in time_case(name, args.rounds)] + [""]
    if args.only != "time":
        lines += memory_lines(args.rows)
    write("speed" if args.only is None else f"speed_{args.only}", lines)


if __name__ == "__main__":
    main()
