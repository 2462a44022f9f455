"""Training on a GPU: rows per second, the share of the card's peak, and a bare loop beside it.

Three cases: SimCLR on Fashion-MNIST, SCARF on a million rows of 64 columns, and a masked model of texts. The bare loop
trains a copy of the same network by the same loss, in the same precision. Its batches lie on the device before it
begins, so that what it leaves out is what we add: rows that are prepared, copied and drawn, and losses that are kept.
Both sides alternate in one run, and medians are compared. The peak is that of a large product of matrices in the same
precision, measured here; a step's arithmetic is what torch counts in its products and convolutions.

    python benchmarks/gpu.py
    python benchmarks/gpu.py --rounds 2 --epochs 3
    python benchmarks/gpu.py --device cpu --rows 500 --size 512 --rounds 1
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from datasets import fashion_mnist, texts
from report import arguments, write
from skorch.callbacks import Callback
from torch.utils.flop_counter import FlopCounterMode

from sklearn_ssl import ContrastivePretrainer, MaskedPretrainer
from sklearn_ssl.modalities import Image, Tabular, Text
from sklearn_ssl.training import BatchLoader, as_step, move, n_rows

N_BATCHES = 50  # that the bare loop has on the device, and goes through again and again


class Clock(Callback):
    """Measures the time of training, without what comes before and after."""

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Start."""
        wait(net.device)
        Clock.start = time.perf_counter()

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Stop."""
        wait(net.device)
        Clock.seconds = time.perf_counter() - Clock.start


def wait(device: str | torch.device) -> None:
    """Wait until the device has done all that it was asked for."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def pictures(n: int) -> np.ndarray:
    """Return n images of Fashion-MNIST."""
    return fashion_mnist("train")[0][:n].reshape(-1, 28, 28)


def table(n: int) -> np.ndarray:
    """Return n rows of 64 columns, which depend on 16 numbers."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(16, 64)).astype(np.float32)
    return rng.normal(size=(n, 16)).astype(np.float32) @ mixing + rng.normal(size=(n, 64)).astype(np.float32)


def documents(n: int) -> list[str]:
    """Return n e-mails, or all there are."""
    return texts("spam")[0][:n]


# name: (estimator, rows, how many of them)
CASES: dict[str, tuple[Any, Callable[[int], Any], int]] = {
    "SimCLR on Fashion-MNIST": (ContrastivePretrainer(modality=Image(), batch_size=1024), pictures, 60_000),
    "SCARF on 64 columns": (ContrastivePretrainer(modality=Tabular(), batch_size=4096), table, 1_000_000),
    "masked model of texts": (
        MaskedPretrainer(modality=Text(max_length=128), batch_size=256),
        documents,
        20_000,
    ),
}


def peak(device: torch.device, dtype: torch.dtype, size: int) -> float:
    """Return the operations per second of a product of two matrices of `size` rows and columns, at best."""
    a = torch.randn(size, size, device=device).to(dtype)
    best = 0.0
    for _ in range(10):
        wait(device)
        start = time.perf_counter()
        for _ in range(4):
            a @ a
        wait(device)
        best = max(best, 4 * 2 * size**3 / (time.perf_counter() - start))
    return best


class Bare:
    """The same training as a plain loop.

    Parameters
    ----------
    estimator : Pretrainer
        Fitted with ``max_epochs=0``.
    X : rows
    """

    def __init__(self, estimator: Any, X: Any):
        net = estimator.net_
        self.device, self.precision = torch.device(net.device), net.precision
        store = estimator.modality_.validate(X)
        loader = BatchLoader(store, net.batch_size, shuffle=True)
        self.batches = [move(store[index], self.device) for index in loader.indices()[:N_BATCHES]]
        self.n_steps = len(loader)
        self.objective = copy.deepcopy(net.module_).train()
        self.optimizer = torch.optim.AdamW(self.objective.parameters(), lr=1e-3)

    def step(self, batch: Any) -> None:
        """Train on a batch."""
        mixed = self.precision != torch.float32
        with torch.autocast(self.device.type, self.precision, enabled=mixed):
            loss = as_step(self.objective(batch)).loss
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.objective.after_step()

    def seconds(self, epochs: int) -> float:
        """Return the seconds of some epochs."""
        wait(self.device)
        start = time.perf_counter()
        for i in range(epochs * self.n_steps):
            self.step(self.batches[i % len(self.batches)])
        wait(self.device)
        return time.perf_counter() - start

    def operations(self) -> float:
        """Return the operations per row."""
        batch = self.batches[0]
        with FlopCounterMode(display=False) as counter:
            self.step(batch)
        return counter.get_total_flops() / n_rows(batch)


def lines(device: str, rows: int | None, rounds: int, size: int, epochs: int) -> Iterator[str]:
    """Yield the lines of the report."""
    for name, (estimator, draw, most) in CASES.items():
        X = draw(min(most, rows or most))
        n = len(X)
        ssl = copy.deepcopy(estimator).set_params(device=device, max_epochs=0, random_state=0)
        bare = Bare(ssl.fit(X), X)
        best = peak(bare.device, bare.precision, size)
        ssl.set_params(max_epochs=epochs, callbacks=[Clock()])
        ours, theirs = [], []
        for _ in range(rounds + 1):
            ssl.fit(X)
            ours.append(Clock.seconds)
            theirs.append(bare.seconds(epochs))
        # the first round warms up
        a, b = statistics.median(ours[1:]) / epochs, statistics.median(theirs[1:]) / epochs
        share = bare.operations() * n / a / best
        speeds = f"{n / a:,.0f} | {n / b:,.0f} | {a / b:.2f} | {share:.1%} | {best / 1e12:.2f}"
        line = f"| {name} | {n:,} | {ssl.precision_} | {speeds} |"
        print(line, flush=True)  # a run that is broken off shows what it has
        yield line


def main() -> None:
    """Measure, and write a Markdown report."""
    parser = arguments(__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rows", type=int, help="of each case, at most")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=5, help="of a fit")
    parser.add_argument("--size", type=int, default=8192, help="of the matrices that show the peak")
    parser.add_argument("--out", default="gpu", metavar="NAME", help="name of the report")
    args = parser.parse_args()
    head = "| case | rows | precision | rows/s | rows/s, bare loop | time / bare loop | share of peak | peak, TFLOP/s |"
    write(
        args.out,
        [
            f"On `{args.device}`.",
            "",
            head,
            "|---" * 8 + "|",
            *lines(args.device, args.rows, args.rounds, args.size, args.epochs),
        ],
    )


if __name__ == "__main__":
    main()
