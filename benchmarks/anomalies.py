"""Anomalies found by ``score_samples``, against an isolation forest.

Every pretrainer, with its defaults, is fitted to half of the usual rows. The other half and the anomalies are ranked
by ``score_samples``, without labels; the area under the ROC curve says how often a usual row ranks above an anomaly.
Rows and seeds are the same for all. Measured jobs are kept in ``results/NAME.csv`` and not repeated.

    python benchmarks/anomalies.py --seeds 3
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from datasets import load
from report import RESULTS, arguments, write
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from tqdm.auto import tqdm

from sklearn_ssl import (
    AutoencoderPretrainer,
    ContrastivePretrainer,
    GANPretrainer,
    MaskedPretrainer,
    RotationPretrainer,
    SelfOrganizingMap,
    SiamesePretrainer,
    VAEPretrainer,
)
from sklearn_ssl.modalities import Image

FOREST = "isolation forest"
METHODS: dict[str, Any] = {
    FOREST: IsolationForest,
    "contrastive": ContrastivePretrainer,
    "siamese": SiamesePretrainer,
    "rotation": RotationPretrainer,
    "masked": MaskedPretrainer,
    "autoencoder": AutoencoderPretrainer,
    "VAE": VAEPretrainer,
    "GAN": GANPretrainer,
    "SOM": SelfOrganizingMap,
}
DIGITS = Image(shape=(8, 8), horizontal_flip=False)
# name: dataset, its usual classes (None for all), whether rows are images
TASKS: dict[str, tuple[str, tuple[int, ...] | None, bool]] = {
    "breast_cancer: malignant": ("breast_cancer", (1,), False),
    "penbased: other digits than 8": ("penbased", (8,), False),
    "satimage: other soils than 0": ("satimage", (0,), False),
    "digits as a table: others than 8": ("digits", (8,), False),
    "digits as images: others than 8": ("digits", (8,), True),
    "digits as images: others than 3": ("digits", (3,), True),
    "digits as images: noise": ("digits", None, True),
}
MOST = 1000  # anomalies


def rows_of(task: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return usual rows to train on, rows to rank, and which of these are usual."""
    name, usual, _ = TASKS[task]
    X, y = load(name)
    X = X.astype(float)
    rng = np.random.default_rng(seed)
    inside = np.ones(len(X), dtype=bool) if usual is None else np.isin(y, usual)
    order = rng.permutation(np.flatnonzero(inside))
    train, test = np.array_split(order, 2)
    if usual is None:  # noise as bright as the rows
        odd = rng.uniform(X.min(), X.max(), (len(test), X.shape[1]))
    else:
        odd = X[rng.permutation(np.flatnonzero(~inside))[:MOST]]
    return X[train], np.concatenate([X[test], odd]), np.repeat([1, 0], [len(test), len(odd)])


def takes(method: str, task: str) -> bool:
    """Return whether a method takes the rows of a task: rotations need images."""
    return method != "rotation" or TASKS[task][2]


def auc(task: str, method: str, seed: int) -> float:
    """Return the area under the ROC curve of one fit."""
    train, test, is_usual = rows_of(task, seed)
    estimator = METHODS[method]()
    settings = {"random_state": seed, "modality": DIGITS if TASKS[task][2] else "auto"}
    known = estimator.get_params(deep=False)
    estimator.set_params(**{key: value for key, value in settings.items() if key in known})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the report says what came of it
        return float(roc_auc_score(is_usual, estimator.fit(train).score_samples(test)))


def measure(path: Path, tasks: Iterable[str], methods: Iterable[str], seeds: int) -> pd.DataFrame:
    """Measure what `path` lacks, add it there, and return all that was asked for."""
    jobs = [(t, m, s) for s in range(seeds) for t in tasks for m in methods if takes(m, t)]
    found = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=["task", "method", "seed", "auc"])
    done = set(found[["task", "method", "seed"]].itertuples(index=False, name=None))
    for job in tqdm([job for job in jobs if job not in done], unit="fit"):
        row = pd.DataFrame([[*job, auc(*job)]], columns=found.columns)
        found = row if found.empty else pd.concat([found, row], ignore_index=True)
        found.to_csv(path, index=False)
    asked = pd.MultiIndex.from_tuples(jobs, names=["task", "method", "seed"])
    return found.set_index(["task", "method", "seed"]).loc[asked].reset_index()


def report(found: pd.DataFrame) -> Iterable[str]:
    """Yield a table of mean areas, and each method's mean difference from the forest."""
    mean = 100 * found.pivot_table(index="task", columns="method", values="auc")
    names = [name for name in METHODS if name in mean]
    seeds = found.groupby(["task", "method"]).size().min()
    yield f"Area under the ROC curve in %, mean over {seeds} or more seeds."
    yield ""
    yield "| task | " + " | ".join(names) + " |"
    yield "|---" * (len(names) + 1) + "|"
    for task in [task for task in TASKS if task in mean.index]:
        cells = ["" if np.isnan(mean.loc[task, name]) else f"{mean.loc[task, name]:.1f}" for name in names]
        yield f"| {task} | " + " | ".join(cells) + " |"
    yield ""
    for name in names[1:]:
        gain = (mean[name] - mean[FOREST]).dropna()
        yield f"- {name}: {gain.mean():+.1f} over the forest, better in {(gain > 0).sum()} of {len(gain)} tasks."


def main() -> None:
    """Measure, print and write ``results/anomalies.md``."""
    parser = arguments(__doc__)
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=list(TASKS), metavar="TASK")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", default="anomalies", metavar="NAME", help="name of the files in results")
    args = parser.parse_args()
    found = measure(RESULTS / f"{args.out}.csv", args.tasks, args.methods, args.seeds)
    write(args.out, report(found))


if __name__ == "__main__":
    main()
