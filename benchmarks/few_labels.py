"""The whole way from few labels: FewLabelClassifier, with and without features, and which rows to label.

Each draw splits a table anew (a fifth is held out) and pretrains once, on the training rows. All models have the same
labels and default settings. ``--labels`` are drawn at random, as many of each class. ``--chosen`` are as many in total,
on the rows that RowSelector names, on those nearest to k-means centres of the standardised raw columns, and at random.
What is measured is kept in a CSV file, and a command that was broken off goes on from there.

    python benchmarks/few_labels.py --draws 3

A quick look:

    python benchmarks/few_labels.py --tables wine hayes-roth --labels 5 --chosen 2 --draws 1 --out try
"""

from __future__ import annotations

import argparse
import csv
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
from datasets import split
from label_efficiency import markdown
from report import RESULTS, arguments, write
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from tqdm.auto import tqdm

from sklearn_ssl import (
    ContrastivePretrainer,
    FewLabelClassifier,
    FineTuneClassifier,
    MaskedPretrainer,
    RowSelector,
)
from sklearn_ssl.model_selection import draw_labels

# none of them chose a setting of the classifier
TABLES = [
    *("hayes-roth", "saheart", "bands", "monk-2", "led7digit", "vehicle", "vowel", "titanic", "banana"),
    *("spambase", "satimage", "penbased"),
]
COLUMNS = ["data", "draw", "rows", "labels", "model", "accuracy", "log loss", "seconds"]
RANDOM, OURS, KMEANS = "random", "RowSelector", "k-means on raw columns"
WAYS = (RANDOM, KMEANS, OURS)
BASE, WITHOUT, TUNED = "FewLabelClassifier", "the same without features", "FineTuneClassifier"
LEAST = 1e-6  # of a probability, for the log loss


def rivals(draw: int) -> dict[str, Any]:
    """Return classifiers on raw columns. Boosted trees may have small leaves, or few labels would not split."""
    return {
        "raw, LR": make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
        "raw, SVC": make_pipeline(StandardScaler(), SVC()),
        "raw, forest": RandomForestClassifier(200, random_state=draw),
        "raw, extra trees": ExtraTreesClassifier(200, random_state=draw),
        "raw, boosted trees": HistGradientBoostingClassifier(min_samples_leaf=2, random_state=draw),
    }


def ours(ssl: list[Any], draw: int) -> dict[str, Any]:
    """Return the classifiers that learn from the pool, with pretrainers that are fitted."""
    return {
        BASE: FewLabelClassifier(pretrainers=ssl, random_state=draw),
        WITHOUT: FewLabelClassifier(pretrainers=None, random_state=draw),
        TUNED: FineTuneClassifier(ssl[0], random_state=draw),
    }


def scores(model: Any, X_test: np.ndarray, y_test: np.ndarray) -> dict[str, float]:
    """Return the accuracy in %, and the log loss in nats where there are probabilities."""
    accuracy = 100 * float((model.predict(X_test) == y_test).mean())
    if not hasattr(model, "predict_proba") or not np.isin(y_test, model.classes_).all():
        return {"accuracy": accuracy, "log loss": np.nan}
    P = model.predict_proba(X_test)
    own = P[np.arange(len(y_test)), np.searchsorted(model.classes_, y_test)]
    return {"accuracy": accuracy, "log loss": float(-np.log(np.clip(own, LEAST, 1)).mean())}


def chosen_rows(kind: str, X: np.ndarray, n: int, ssl: Any, draw: int) -> np.ndarray:
    """Return the rows to label."""
    if kind == RANDOM:
        return np.random.default_rng(draw).permutation(len(X))[:n]
    if kind == OURS:
        return RowSelector(n, pretrainer=ssl, random_state=draw).fit(X).selected_
    scaled = StandardScaler().fit_transform(X)
    return RowSelector(n, pretrainer=None, strategy="centre", random_state=draw).fit(scaled).selected_


def one_draw(table: str, draw: int, wanted: dict[tuple[str, int], list[str]]) -> Iterator[dict[str, Any]]:
    """Yield a row for each way to choose rows, number of labels and model that is wanted."""
    X, X_test, y, y_test = split(table, draw)
    fitted = [cls(random_state=draw).fit(X) for cls in (ContrastivePretrainer, MaskedPretrainer)]
    ssl = [FrozenEstimator(one) for one in fitted]
    for (kind, labels), names in wanted.items():
        models = rivals(draw) | ours(ssl, draw)
        if kind == "of each class":
            few = draw_labels(y, labels, draw)
        else:
            few = chosen_rows(kind, X, labels * len(np.unique(y)), ssl[0], draw)
        pool = np.setdiff1d(np.arange(len(y)), few)
        for name in names:
            started = time.monotonic()
            fit = {"X_unlabeled": X[pool]} if not name.startswith("raw") else {}
            if len(np.unique(y[few])) > 1:
                found = scores(clone(models[name]).fit(X[few], y[few], **fit), X_test, y_test)
            else:  # one class, which is all that can be predicted
                found = {"accuracy": 100 * float((y_test == y[few[0]]).mean()), "log loss": np.nan}
            about = {"data": table, "draw": draw, "rows": kind, "labels": labels, "model": name}
            yield about | found | {"seconds": time.monotonic() - started}


def measure(path: Path, args: argparse.Namespace) -> pd.DataFrame:
    """Measure what is missing in the CSV file `path`, and return the rows that are asked for."""
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n")
    known = pd.read_csv(path)
    done = set(known[COLUMNS[:5]].itertuples(index=False, name=None))
    jobs = {("of each class", n): [*rivals(0), *ours([None], 0)] for n in args.labels}
    jobs |= {(kind, n): [BASE, "raw, extra trees"] for kind in WAYS for n in args.chosen}
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        for draw in range(args.draws):
            for table in tqdm(args.tables, unit="table", desc=f"draw {draw}"):
                left = {
                    (kind, n): [name for name in names if (table, draw, kind, n, name) not in done]
                    for (kind, n), names in jobs.items()
                }
                left = {job: names for job, names in left.items() if names}
                for row in one_draw(table, draw, left) if left else ():
                    writer.writerow(row)
                    file.flush()
    found = pd.read_csv(path)
    asked = [tuple(job) in jobs for job in found[["rows", "labels"]].itertuples(index=False, name=None)]
    return found[np.array(asked, dtype=bool) & found.data.isin(args.tables) & (found.draw < args.draws)]


def paired(gain: pd.Series) -> str:
    """Return the mean over tables of a paired gain, ± its standard error over tables, and the worst table."""
    each = gain.groupby("data", sort=False).mean()
    error = f" ± {each.sem():.1f}" if len(each) > 1 else ""
    return f"{each.mean():+.1f}{error} over {len(each)} tables (the least {each.min():+.1f}, {each.idxmin()})"


def report(found: pd.DataFrame) -> Iterator[str]:
    """Yield Markdown: accuracy and log loss for each number of labels, and paired gains."""
    for (kind, budget), part in found[found.rows == "of each class"].groupby(["rows", "labels"]):
        yield f"## {budget} labels {kind}, random rows\n"
        wide = {}
        for figure, digits in (("accuracy", 1), ("log loss", 3)):
            table = part.pivot_table(index=["data", "draw"], columns="model", values=figure, sort=False)
            wide[figure] = table.dropna() if figure == "accuracy" else table
            yield f"{figure.capitalize()}, mean over draws:\n"
            each = wide[figure].groupby("data", sort=False).mean()
            yield from markdown(
                pd.concat([each, each.mean().to_frame("mean").T]).map(f"{{:.{digits}f}}".format)
            )
        table = wide["accuracy"]
        raw = [name for name in table.columns if name.startswith("raw")]
        best = max(raw, key=lambda name: table[name].groupby("data").mean().mean())
        for name in (best, WITHOUT, TUNED):
            which = " (the best in the mean)" * (name == best)
            yield f"- {BASE} over {name}{which}: {paired(table[BASE] - table[name])}."
        each = table.groupby("data").mean()
        ahead = int((each[BASE] > each[raw].max(axis=1)).sum())
        yield f"- Ahead of the best raw classifier of each table, in hindsight, on {ahead} of {len(each)}."
        counts = table.groupby("data").size()
        yield f"- Draws of a table: {counts.min()} to {counts.max()}.\n"
    for budget, part in found[found.rows != "of each class"].groupby("labels"):
        yield f"## As many labels as {budget} of each class, on chosen rows\n"
        columns = part.rows + " rows, " + part.model
        wide = part.assign(way=columns).pivot_table(
            index=["data", "draw"], columns="way", values="accuracy", sort=False
        )
        wide = wide.dropna()
        each = wide.groupby("data", sort=False).mean()
        yield "Accuracy, mean over draws:\n"
        yield from markdown(pd.concat([each, each.mean().to_frame("mean").T]))
        base = f"{OURS} rows, {BASE}"
        for name in wide.columns.drop(base):
            yield f"- {base} over {name}: {paired(wide[base] - wide[name])}."
        yield ""


def main() -> None:
    """Measure, then write a CSV file and a Markdown report."""
    parser = arguments(__doc__)
    parser.add_argument("--tables", nargs="+", default=TABLES, metavar="NAME")
    parser.add_argument(
        "--labels", nargs="*", type=int, default=[5, 20], metavar="N", help="labels per class"
    )
    parser.add_argument(
        "--chosen", nargs="*", type=int, default=[1, 2, 5], metavar="N", help="labels, over classes"
    )
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument(
        "--out", default="few_labels", metavar="NAME", help="name of the files in benchmarks/results"
    )
    args = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        found = measure(RESULTS / f"{args.out}.csv", args)
    write(args.out, report(found))


if __name__ == "__main__":
    main()
