"""How much features learned without labels help when labels are few.

In each draw a fifth of the rows is held out, the pretrainer learns from the other rows without their
labels, and classifiers learn from a few labelled ones, on features standardised over all training rows.
All kinds of features share the split and the labels of a draw, so that differences are paired. Rows are
appended to a CSV file as they come, and a second run goes on where the first was stopped.

    python benchmarks/label_efficiency.py --datasets satimage vowel --labels 5 --draws 10
"""

from __future__ import annotations

import argparse
import csv
import platform
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn
import torch
from datasets import load
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from tqdm.auto import tqdm

from sklearn_ssl import ContrastivePretrainer, __version__

FIVE = ["satimage", "vowel", "vehicle", "penbased", "spambase"]
COLUMNS = ["dataset", "labels", "draw", "features", "classifier", "accuracy", "fit_seconds"]
REFERENCE = ("raw", "LR")

FEATURES: dict[str, Callable[[int], object]] = {
    "raw": lambda seed: FunctionTransformer(),
    "PCA": lambda seed: make_pipeline(StandardScaler(), PCA(0.95, svd_solver="full")),
    "untrained": lambda seed: ContrastivePretrainer(max_epochs=0, random_state=seed),
    "contrastive": lambda seed: ContrastivePretrainer(random_state=seed),
}
CLASSIFIERS: dict[str, Callable[[int], object]] = {
    "LR": lambda seed: LogisticRegression(max_iter=2000),
    "SVC": lambda seed: SVC(),
    "forest": lambda seed: RandomForestClassifier(200, random_state=seed, n_jobs=2),
    "extra trees": lambda seed: ExtraTreesClassifier(200, random_state=seed, n_jobs=2),
}


def few_labels(y: np.ndarray, n_per_class: int, seed: int) -> np.ndarray:
    """Return `n_per_class` random rows of each class."""
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(np.flatnonzero(y == c))[:n_per_class] for c in np.unique(y)]
    return np.concatenate(rows)


def run(dataset: str, kind: str, labels: list[int], draw: int) -> Iterator[dict]:
    """Yield a row for each classifier and number of labels, with the features of one draw."""
    X, y = load(dataset)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=draw)
    start = time.perf_counter()
    features = FEATURES[kind](draw).fit(X)
    seconds = time.perf_counter() - start
    Z = features.transform(X)
    scaler = StandardScaler().fit(Z)
    Z, Z_test = scaler.transform(Z), scaler.transform(features.transform(X_test))
    for budget in labels:
        rows = few_labels(y, budget, draw)
        for name, make in CLASSIFIERS.items():
            accuracy = 100 * clone(make(draw)).fit(Z[rows], y[rows]).score(Z_test, y_test)
            yield dict(zip(COLUMNS, (dataset, budget, draw, kind, name, accuracy, seconds), strict=True))


def measure(args: argparse.Namespace, path: Path) -> pd.DataFrame:
    """Measure what the CSV file lacks, and return all of it."""
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n")
    done = set(pd.read_csv(path).groupby(["dataset", "features", "draw", "labels"]).groups)
    jobs = [(d, f, s) for d in args.datasets for s in range(args.draws) for f in args.features]
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        for dataset, kind, draw in tqdm(jobs, unit="fit"):
            labels = [n for n in args.labels if (dataset, kind, draw, n) not in done]
            if labels:
                writer.writerows(list(run(dataset, kind, labels, draw)))
                file.flush()
    table = pd.read_csv(path)
    wanted = (
        table.dataset.isin(args.datasets) & table.features.isin(args.features) & (table.draw < args.draws)
    )
    return table[wanted & table.labels.isin(args.labels)]


def report(table: pd.DataFrame) -> Iterator[str]:
    """Yield a Markdown table for each number of labels, with paired differences to raw columns under LR."""
    for budget, part in table.groupby("labels"):
        wide = part.pivot_table(
            index=["dataset", "draw"], columns=["features", "classifier"], values="accuracy"
        )
        means = wide.groupby("dataset").mean()
        yield f"## {budget} labels per class\n"
        yield "| features | classifier | " + " | ".join(means.index) + " | mean | gain over raw LR |"
        yield "|---|---|" + "---|" * (len(means) + 2)
        for kind, name in wide.columns:
            cells = " | ".join(f"{value:.1f}" for value in means[kind, name])
            gain = (wide[kind, name] - wide[REFERENCE]).groupby("draw").mean()
            error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else float("nan")
            mean = f"{means[kind, name].mean():.1f} | {gain.mean():+.1f} ± {error:.1f}"
            yield f"| {kind} | {name} | {cells} | {mean} |"
        yield ""
    seconds = table.groupby(["features", "dataset"]).fit_seconds.mean().unstack()
    yield "Seconds to fit the features, mean over draws:\n"
    yield "| features | " + " | ".join(seconds.columns) + " |"
    yield "|---|" + "---|" * len(seconds.columns)
    for kind, row in seconds.iterrows():
        yield f"| {kind} | " + " | ".join(f"{value:.1f}" for value in row) + " |"


def plot(table: pd.DataFrame, path: Path) -> None:
    """Draw the accuracy of every kind of features under LR and extra trees, a group of bars a dataset."""
    from matplotlib.figure import Figure

    names = ["LR", "extra trees"]
    figure = Figure(figsize=(max(8, 1.2 * table.dataset.nunique()), 7), layout="constrained")
    budget = table.labels.min()
    for ax, name in zip(figure.subplots(len(names), 1, sharex=True), names, strict=True):
        part = table[(table.labels == budget) & (table.classifier == name)]
        groups = part.groupby(["dataset", "features"]).accuracy
        errors = groups.sem().unstack()
        groups.mean().unstack().plot.bar(ax=ax, yerr=errors, rot=30, legend=name == "LR", capsize=2)
        ax.set(title=f"{name}, {budget} labels per class", ylabel="accuracy, % (± standard error)", xlabel="")
    figure.savefig(path, dpi=110)


def machine() -> str:
    """Return a line on what this ran on."""
    return (
        f"{platform.machine()}, {torch.get_num_threads()} threads, Python {platform.python_version()}, "
        f"sklearn_ssl {__version__}, scikit-learn {sklearn.__version__}, torch {torch.__version__}"
    )


def main() -> None:
    """Measure, then write the CSV, a Markdown report and a picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--datasets", nargs="+", default=FIVE, metavar="NAME")
    parser.add_argument("--features", nargs="+", default=list(FEATURES), choices=FEATURES, metavar="KIND")
    parser.add_argument("--labels", nargs="+", type=int, default=[5], metavar="N", help="labels per class")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "tables")
    args = parser.parse_args()
    if not {"raw"} <= set(args.features):
        parser.error("--features needs raw, which the others are compared to")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        table = measure(args, args.out.with_suffix(".csv"))
    command = f"python benchmarks/label_efficiency.py --datasets {' '.join(args.datasets)}"
    command += f" --labels {' '.join(map(str, args.labels))} --draws {args.draws} --out {args.out.name}"
    text = "\n".join([f"`{command}`", "", machine(), "", *report(table)])
    args.out.with_suffix(".md").write_text(text + "\n")
    print(text)
    plot(table, args.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
