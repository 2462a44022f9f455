"""Pretraining in several processes: rows per second, and the losses, against one process with the same global batch.

Each measurement is a run of its own, started by torchrun, in which a process has one thread. Runs with different
numbers of processes alternate, and medians are compared, so that a busy machine slows all. The time is that of the
epochs after the first one. One process with as many threads as there are processes is what a machine does without
torchrun.

    python benchmarks/several_processes.py
    python benchmarks/several_processes.py --processes 1 2 4 8 --rounds 5
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np
from report import arguments, write
from skorch.callbacks import Callback
from speed import draw

from sklearn_ssl import AutoencoderPretrainer, ContrastivePretrainer, MaskedPretrainer
from sklearn_ssl.modalities import Image

WORDS = [f"word{i}" for i in range(500)]


class Clock(Callback):
    """Notes when each epoch ends."""

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Begin."""
        self.ends_: list[float] = []

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Note the time."""
        self.ends_.append(time.perf_counter())


def texts(n: int) -> list[str]:
    """Return texts of 30 words."""
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, 30)) for _ in range(n)]


# name: (pretrainer, rows)
CASES = {
    "contrastive, table of 8,192 x 64, batches of 512": (
        lambda **p: ContrastivePretrainer(batch_size=512, **p),
        lambda: draw(8192, (64,)),
    ),
    "contrastive, 1,024 images of 28 x 28, batches of 256": (
        lambda **p: ContrastivePretrainer(modality=Image(), batch_size=256, **p),
        lambda: draw(1024, (28, 28)),
    ),
    "autoencoder, table of 8,192 x 64, batches of 512": (
        lambda **p: AutoencoderPretrainer(batch_size=512, **p),
        lambda: draw(8192, (64,)),
    ),
    "masked, 1,024 texts of 30 words, batches of 128": (
        lambda **p: MaskedPretrainer(batch_size=128, **p),
        lambda: texts(1024),
    ),
}


def measure(name: str, epochs: int) -> dict[str, Any]:
    """Return rows per second, and the losses of the epochs, of a fit in the processes that torchrun has started."""
    make, rows = CASES[name]
    X, clock = rows(), Clock()
    est = make(max_epochs=epochs, random_state=0, precision="float32", callbacks=[clock]).fit(X)
    seconds = (clock.ends_[-1] - clock.ends_[0]) / (epochs - 1)
    return {"rows per second": len(X) / seconds, "losses": [row["train_loss"] for row in est.history_]}


def torchrun(n: int) -> list[str]:
    """Return the command, up to the script, that starts n processes on this machine."""
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(n)]


def run(name: str, n: int, threads: int, epochs: int) -> dict[str, Any]:
    """Return what `measure` finds in n processes."""
    env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [*torchrun(n), __file__, "--measure", name, "--epochs", str(epochs)],
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def line(name: str, numbers: list[int], rounds: int, epochs: int) -> str:
    """Return a line of the report."""
    plans = [*((n, 1) for n in numbers), (1, max(numbers))]
    speeds: dict[tuple[int, int], list[float]] = {plan: [] for plan in plans}
    losses: dict[tuple[int, int], list[float]] = {}
    for _ in range(rounds):
        for plan in plans:
            found = run(name, *plan, epochs)
            speeds[plan].append(found["rows per second"])
            losses[plan] = found["losses"]
    medians = {plan: statistics.median(values) for plan, values in speeds.items()}
    base = medians[plans[0]]
    cells = [f"{value:,.0f} ({value / base:.2f})" for value in medians.values()]
    gap = max(abs(losses[plan][-1] / losses[plans[0]][-1] - 1) for plan in plans)
    return f"| {name} | {' | '.join(cells)} | {gap:.1%} |"


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--only", nargs="+", choices=CASES, default=[*CASES])
    parser.add_argument("--measure", choices=CASES, help="used by the script itself")
    args = parser.parse_args()
    if args.measure:
        found = measure(args.measure, args.epochs)
        if os.environ["RANK"] == "0":
            print(json.dumps(found))
        return
    heads = [f"{n} process{'es' * (n > 1)}" for n in args.processes] + [
        f"1 process, {max(args.processes)} threads"
    ]
    lines = [
        "Rows per second, and their ratio to those of the first column. Processes draw views of their own, so that "
        "losses agree only about: the last column is the largest relative difference of the last epoch's loss.",
        "",
        f"| case | {' | '.join(heads)} | loss |",
        f"|---|{'---:|' * (len(heads) + 1)}",
        *(line(name, args.processes, args.rounds, args.epochs) for name in args.only),
    ]
    write("several_processes", lines)


if __name__ == "__main__":
    main()
