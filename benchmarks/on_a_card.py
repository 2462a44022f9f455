"""Every method on every kind of rows on a real CUDA device, beside what tests with a stand-in for one can show.

For each pair of the tests' tables, twelve rows are fitted twice in each precision. The report says

- how often the batches of training made the host wait, and at which lines;
- by how much the features of two equal fits differ;
- by how much the features of the saved network differ in a process that sees no CUDA device.

Differences are the largest of all features, in standard deviations. Features that hardly vary among twelve rows magnify
rounding.

    python benchmarks/on_a_card.py
    python benchmarks/on_a_card.py --device cpu --only "masked tabular"
"""

from __future__ import annotations

import collections
import os
import subprocess
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from report import ROOT, arguments, write
from skorch.callbacks import Callback

import sklearn_ssl
from sklearn_ssl import load

sys.path.insert(0, str(ROOT / "tests"))

from test_fake_cuda import EVERYTHING, new

PACKAGE = str(Path(sklearn_ssl.__file__).parent) + os.sep
PRECISIONS = ("float32", "bfloat16")
ON_CPU = "import sys; from on_a_card import features; features(*sys.argv[1:])"


class Waits(Callback):
    """Counts what torch warns of, from the first batch of a pass to its last, by lines of the package."""

    def __init__(self) -> None:
        self.found: collections.Counter[str] = collections.Counter()
        self.pending: list[str] = []

    def note(self, message: Any, *args: Any, **kwargs: Any) -> None:
        """Take the place of ``warnings.showwarning``."""
        if "synchroniz" in str(message):
            self.pending.append(line_of_the_package())

    def on_batch_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget what came before the first batch."""
        if self.fresh:
            self.pending.clear()
        self.fresh = False

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Wait for the first batch."""
        self.fresh = True

    def on_batch_end(self, net: Any, **kwargs: Any) -> None:
        """Keep what came since the batch before."""
        self.found.update(self.pending)
        self.pending.clear()


def line_of_the_package() -> str:
    """Return the innermost line of sklearn_ssl that runs."""
    frame = sys._getframe(1)
    while frame.f_back is not None and not frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename.removeprefix(PACKAGE)}:{frame.f_lineno}"


def features(folder: str, name: str, out: str) -> None:
    """Write the features of a saved network to a file."""
    np.save(out, load(folder).transform(EVERYTHING[name][2]))


def elsewhere(folder: Path, name: str) -> np.ndarray:
    """Return the features of a saved network in a process that sees no CUDA device."""
    out = folder.with_suffix(".npy")
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": paths}
    subprocess.run([sys.executable, "-W", "ignore", "-c", ON_CPU, folder, name, out], check=True, env=hidden)
    return np.load(out)


def distance(A: np.ndarray, B: np.ndarray) -> float:
    """Return the largest difference, in standard deviations of all features."""
    return float(np.abs(A - B).max() / A.std())


def row_of(name: str, device: str, folder: Path) -> str:
    """Return the line of a pair."""
    estimator, modality, X = EVERYTHING[name]
    waits, cells = Waits(), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for precision in PRECISIONS:
            params: dict[str, Any] = {"device": device, "precision": precision, "max_epochs": 2}
            est = new(estimator, modality, **params).fit(X)
            Z = est.transform(X)
            est.save(folder / precision)
            again = new(estimator, modality, **params).fit(X).transform(X)
            cells += [f"{distance(Z, again):.0e}", f"{distance(Z, elsewhere(folder / precision, name)):.0e}"]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = waits.note
        if device != "cpu":
            torch.cuda.set_sync_debug_mode("warn")
        try:
            new(estimator, modality, device=device, callbacks=[waits]).fit(X)
        finally:
            if device != "cpu":
                torch.cuda.set_sync_debug_mode("default")
    found = ", ".join(f"{line} ({n})" for line, n in waits.found.items())
    return " | ".join(["", name, *cells, found or "none", ""]).strip()


def main() -> None:
    """Fit all pairs and write ``results/on_a_card.md``."""
    parser = arguments(__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--only", nargs="+", choices=[*EVERYTHING], default=[*EVERYTHING], metavar="NAME")
    args = parser.parse_args()
    names = [f"{what}, {precision}" for precision in PRECISIONS for what in ("repeated", "on a CPU")]
    head = ["pair", *names, "waits"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name in args.only:
        with tempfile.TemporaryDirectory() as folder:
            try:
                lines.append(row_of(name, args.device, Path(folder)))
            except Exception:
                lines.append(f"| {name} | failed: {traceback.format_exc().splitlines()[-1]} |")
        print(lines[-1], flush=True)
    write("on_a_card", [f"On `{args.device}`.", "", *lines])


if __name__ == "__main__":
    main()
