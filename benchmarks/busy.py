"""The time of a fit alone, and beside busy processes that share its cores.

After each operation the threads of torch wait for the slowest. Left to itself, GNU OpenMP lets them spin; sklearn_ssl
lets them sleep (``sklearn_ssl/threads.py``). Here both train the same networks, and so does a single thread: alone, and
beside processes that do nothing but count. All are measured in turn, in processes of their own; medians are reported.

    python benchmarks/busy.py
    python benchmarks/busy.py --rounds 1 --busy 2
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys

from report import write

CHILD = """
import json, sys, time
if sys.argv[1] == "spin":
    import torch  # before sklearn_ssl: as OpenMP has it
import numpy as np
from sklearn.datasets import load_digits, load_iris
from sklearn_ssl import ContrastivePretrainer

rows = np.random.default_rng(0).normal(size=(4000, 64))
cases = {"iris": (load_iris().data, 20), "digits": (load_digits().data, 3), "table of 4,000 x 64": (rows, 2)}
ContrastivePretrainer(max_epochs=1, random_state=0).fit(cases["iris"][0])  # libraries set themselves up
times = {}
for name, (X, max_epochs) in cases.items():
    begin = time.perf_counter()
    ContrastivePretrainer(max_epochs=max_epochs, random_state=0).fit(X)
    times[name] = time.perf_counter() - begin
print(json.dumps(times))
"""
WAYS = {"spin": {}, "sleep": {}, "one thread": {"OMP_NUM_THREADS": "1"}}
NAMES = {"spin": "threads spin", "sleep": "threads sleep (sklearn_ssl)", "one thread": "one thread"}


def measure(way: str, busy: int, limit: float) -> dict[str, float]:
    """Return the seconds of each fit; nothing if they took longer than `limit` together."""
    counting = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
    free = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_"))}
    try:
        child = [sys.executable, "-W", "ignore", "-c", CHILD, way]
        run = subprocess.run(
            child, env=free | WAYS[way], timeout=limit, capture_output=True, check=True, text=True
        )
        return dict(json.loads(run.stdout))
    except subprocess.TimeoutExpired:
        return {}
    finally:
        for process in counting:
            process.kill()
            process.wait()


def table(found: dict[tuple[str, int], list[dict[str, float]]], busy: int, limit: float) -> list[str]:
    """Return the rows of the report, as Markdown."""
    lines = [f"| fit | | alone, s | beside {busy} busy processes, s | ratio |", "|---|---|---|---|---|"]
    cases = next(run for runs in found.values() for run in runs if run)
    for case in cases:
        for way, name in NAMES.items():
            alone, beside = (
                [run[case] for run in found[way, n] if run] + [limit] * sum(not run for run in found[way, n])
                for n in (0, busy)
            )
            a, b = statistics.median(alone), statistics.median(beside)
            more = "> " if b == limit else ""
            lines.append(f"| {case} | {name} | {a:.2f} | {more}{b:.2f} | {more}{b / a:.1f} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default: 3)")
    parser.add_argument("--busy", type=int, default=4, help="number of busy processes (default: 4)")
    parser.add_argument("--limit", type=float, default=240, help="seconds after which a run is given up")
    parser.add_argument("--out", default="busy", help="name of the report (default: busy)")
    options = parser.parse_args()
    found: dict[tuple[str, int], list[dict[str, float]]] = {}
    for _ in range(options.rounds):
        for busy in (0, options.busy):
            for way in WAYS:
                found.setdefault((way, busy), []).append(measure(way, busy, options.limit))
                print(way, busy, found[way, busy][-1], flush=True)
    write(options.out, [f"Medians of {options.rounds}.", "", *table(found, options.busy, options.limit)])


if __name__ == "__main__":
    main()
