"""The self-organizing map against MiniSom: time, quantization error, topographic error.

All maps get the same standardised columns and the same grid, and start on the plane of the first two principal
components. Ours has its default settings. MiniSom's ``train_batch`` gets several numbers of passes over the rows and
several widths (sigma) of its neighbourhood. All maps alternate in one run, and medians are compared.

    python benchmarks/som.py --datasets penbased
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from datasets import load
from report import arguments, write
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from sklearn_ssl import SelfOrganizingMap

SETTINGS = [(1, 1.0), (10, 1.0), (10, 2.0), (10, 3.0)]  # passes, sigma; 1.0 is MiniSom's default


def compare(dataset: str, topology: str, sides: tuple[int, int], rounds: int) -> Iterator[str]:
    """Yield a line of the report for each map."""
    from minisom import MiniSom

    X = StandardScaler().fit_transform(load(dataset)[0])

    def theirs(passes: int, sigma: float) -> Any:
        som = MiniSom(*sides, X.shape[1], sigma=sigma, topology=topology, random_seed=0)
        som.pca_weights_init(X)
        som.train_batch(X, passes * len(X))
        return som

    def ours() -> Any:
        return SelfOrganizingMap(shape=sides, topology=topology).fit(X)

    makers: dict[str, Callable[[], Any]] = {
        f"MiniSom, {passes} passes, sigma {sigma:g}": partial(theirs, passes, sigma)
        for passes, sigma in SETTINGS
    }
    makers["SelfOrganizingMap"] = ours
    seconds: dict[str, list[float]] = {name: [] for name in makers}
    maps = {}
    for repeat in tqdm(range(rounds + 1), desc=f"{dataset}, {topology}"):
        for name, make in makers.items():
            start = time.perf_counter()
            maps[name] = make()
            if repeat:  # the first round warms up
                seconds[name].append(time.perf_counter() - start)
    ours_median = statistics.median(seconds["SelfOrganizingMap"])
    for name, som in maps.items():
        median = statistics.median(seconds[name])
        errors = f"{som.quantization_error(X):.4f} | {som.topographic_error(X):.4f}"
        times = f"{median:.3f} | {median / ours_median:.1f}"
        yield f"| {dataset} {X.shape} | {topology} | {name} | {times} | {errors} |"


def main() -> None:
    """Measure, print and write ``results/som.md``."""
    parser = arguments(__doc__)
    parser.add_argument("--datasets", nargs="+", default=["penbased"], metavar="NAME")
    parser.add_argument("--shape", nargs=2, type=int, default=[10, 10])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", default="som", metavar="NAME", help="name of the file in benchmarks/results")
    args = parser.parse_args()
    shape = (args.shape[0], args.shape[1])
    lines = ["| data | grid | | seconds | times ours | quantization error | topographic error |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for dataset in args.datasets:
        for topology in ("rectangular", "hexagonal"):
            lines += compare(dataset, topology, shape, args.rounds)
    write(args.out, lines)


if __name__ == "__main__":
    main()
