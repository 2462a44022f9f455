"""The whole way from few labels: FewLabelClassifier, with and without features, and which rows to label.

Each draw splits a table anew (a fifth is held out) and pretrains once, on the training rows. All models have the same
labels and default settings. ``--labels`` are drawn at random, as many of each class. ``--chosen`` are as many in total,
on the rows that RowSelector names, on those nearest to k-means centres of the standardised raw columns, and at random.
What is measured is kept in a CSV file, and a command that was broken off goes on from there.

Tables of numbers are the default. Tables with categories and missing cells, images and texts have rivals of their own:
one-hot columns, an SVC on histograms of gradients, and TF-IDF. Images are pretrained for some ``--minutes`` each, by
contrast and by masks; `--rows` bounds how many of a dataset are used for training. ``--peers`` compares features of
ts3l and pytorch-tabnet, as ``others.py`` has them, with ours, each standardised before a logistic regression. All are
trained for as many epochs of as many batches.

    python benchmarks/few_labels.py --draws 3
    python benchmarks/few_labels.py --tables german crx credit_data --labels 5 20 40 --chosen --out few_labels_mixed
    python benchmarks/few_labels.py --tables mnist5k --labels 10 100 --chosen --minutes 5 --out few_labels_images
    python benchmarks/few_labels.py --tables sections spam splice --chosen --out few_labels_texts
    python benchmarks/few_labels.py --peers --chosen --draws 3 --out few_labels_peers

A quick look:

    python benchmarks/few_labels.py --tables wine hayes-roth --labels 5 --chosen 2 --draws 1 --out try
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
from cross_dataset import gradients
from datasets import TEXTS, cifar10, mixed, split, texts
from fine_tuning import rows_of
from label_efficiency import markdown
from mixed_tables import TABLES as MIXED
from mixed_tables import one_hot
from others import TabNet, Ts3l
from report import RESULTS, arguments, kept_rows, write
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from tqdm.auto import tqdm

from sklearn_ssl import (
    ContrastivePretrainer,
    FewLabelClassifier,
    FineTuneClassifier,
    MaskedPretrainer,
    RowSelector,
)
from sklearn_ssl.modalities import Image, Modality, Tabular, Text
from sklearn_ssl.model_selection import draw_labels
from sklearn_ssl.training import auto_epochs

# none of them chose a setting of the classifier
TABLES = [
    *("hayes-roth", "saheart", "bands", "monk-2", "led7digit", "vehicle", "vowel", "titanic", "banana"),
    *("spambase", "satimage", "penbased"),
]
COLUMNS = ["data", "draw", "rows", "labels", "model", "accuracy", "log loss", "seconds"]
RANDOM, OURS, KMEANS = "random", "RowSelector", "k-means on raw columns"
WAYS = (RANDOM, KMEANS, OURS)
BASE, WITHOUT, TUNED = "FewLabelClassifier", "the same without features", "FineTuneClassifier"
FROZEN = "contrastive features, LR"
PEERS = {f"{method} of ts3l, LR": method for method in ("SCARF", "VIME", "SubTab", "TabularBinning")}
TABNET, SUBTAB = "TabNet, LR", "SubTab of ts3l, LR"
SUBTAB_COLUMNS = 8  # it needs so many
SHAPES = {
    "mnist5k": (28, 28),
    "fashion_mnist": (28, 28),
    "cifar10": (32, 32, 3),
}  # of images, in rows of pixels
OF_TEXTS: dict[str, dict[str, Any]] = {"spam": {"max_length": 128}, "splice": {"analyzer": "char"}}
LEAST = 1e-6  # of a probability, for the log loss


def kind_of(name: str) -> str:
    """Return what a dataset is: ``"table"``, ``"mixed"``, ``"image"`` or ``"text"``."""
    kinds = {"text": TEXTS, "image": SHAPES, "mixed": MIXED}
    return next((kind for kind, names in kinds.items() if name in names), "table")


def parts_of(name: str, draw: int, rows: int) -> tuple[Any, Any, np.ndarray, np.ndarray]:
    """Return X, X_test, y, y_test; of those to train on so many at most."""
    kind = kind_of(name)
    if kind in ("mixed", "text"):
        X, y = mixed(name) if kind == "mixed" else texts(name)
        X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=draw)
    elif name == "cifar10":
        (X, y), (X_test, y_test) = cifar10("train"), cifar10("test")
    else:
        X, X_test, y, y_test = split(name, draw)
    some = np.random.default_rng(draw).permutation(len(y))[:rows] if rows < len(y) else np.arange(len(y))
    return rows_of(X, some), X_test, y[some], y_test


def modality_of(name: str) -> Modality:
    """Return the modality of a dataset."""
    kind = kind_of(name)
    if kind == "text":
        return Text(**OF_TEXTS.get(name, {}))
    return Image(shape=SHAPES[name]) if kind == "image" else Tabular()


def rivals(draw: int, name: str = TABLES[0]) -> dict[str, Any]:
    """Return classifiers on raw columns. Boosted trees may have small leaves, or few labels would not split."""
    kind = kind_of(name)
    if kind == "text":
        words = TfidfVectorizer(token_pattern=r"\w+", sublinear_tf=True)
        letters = TfidfVectorizer(
            analyzer="char", ngram_range=(1, 4), sublinear_tf=True, max_features=200_000
        )
        logistic = LogisticRegression(C=10.0, max_iter=2000)
        return {
            f"raw, TF-IDF of {what}, LR": make_pipeline(one, logistic)
            for what, one in (("words", words), ("letters", letters))
        }
    columns = [one_hot()] if kind == "mixed" else []
    scaled = columns or [StandardScaler()]
    found = {
        "raw, LR": make_pipeline(*scaled, LogisticRegression(max_iter=2000)),
        "raw, SVC": make_pipeline(*scaled, SVC()),
        "raw, forest": make_pipeline(*columns, RandomForestClassifier(200, random_state=draw)),
        "raw, extra trees": make_pipeline(*columns, ExtraTreesClassifier(200, random_state=draw)),
        "raw, boosted trees": HistGradientBoostingClassifier(min_samples_leaf=2, random_state=draw),
    }
    if kind == "image":
        of_gradients = make_pipeline(FunctionTransformer(gradients), StandardScaler(), SVC())
        return {"raw, extra trees": found["raw, extra trees"], "raw, HOG, SVC": of_gradients}
    return found


def ours(ssl: list[Any], draw: int, name: str = TABLES[0]) -> dict[str, Any]:
    """Return the classifiers that learn from the pool, with pretrainers that are fitted."""
    found = {
        BASE: FewLabelClassifier(pretrainers=ssl, random_state=draw),
        WITHOUT: FewLabelClassifier(pretrainers=None, modality=modality_of(name), random_state=draw),
        TUNED: FineTuneClassifier(ssl[0], random_state=draw),
    }
    frozen = {FROZEN: make_pipeline(ssl[0], LogisticRegression(max_iter=2000))}
    return found | (frozen if kind_of(name) in ("image", "text") else {})


def of_others(draw: int, n: int, n_columns: int) -> dict[str, Any]:
    """Return the pretrainers of other packages for a table of n rows."""
    # batches as even as ours, since theirs leave out what is left over
    batch = n // -(-n // 256)
    settings: dict[str, Any] = {"max_epochs": auto_epochs(n, 5000), "batch_size": batch, "random_state": draw}
    known: dict[str, Any] = {name: Ts3l(method, **settings) for name, method in PEERS.items()}
    if n_columns < SUBTAB_COLUMNS:
        del known[SUBTAB]
    return known | {TABNET: TabNet(width=64, **settings)}


def beside_others(X: np.ndarray, draw: int, ssl: list[Any]) -> dict[str, Any]:
    """Return logistic regressions on features of other packages, trained on rows of a table, and on ours."""
    scaler = StandardScaler().fit(X)
    found = {FROZEN: ssl[0]}
    for name, embedder in of_others(draw, *X.shape).items():
        found[name] = make_pipeline(scaler, embedder.fit(scaler.transform(X).astype(np.float32)))
    return {
        name: make_pipeline(FrozenEstimator(features), StandardScaler(), LogisticRegression(max_iter=2000))
        for name, features in found.items()
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


def pretrained(name: str, X: Any, draw: int, minutes: float | None) -> list[FrozenEstimator]:
    """Return fitted pretrainers: those that a FewLabelClassifier has by default."""
    known: dict[str, Any] = {"modality": modality_of(name), "random_state": draw}
    if minutes is not None:
        known |= {"max_epochs": 1000, "max_time": 60 * minutes}
    return [FrozenEstimator(cls(**known).fit(X)) for cls in (ContrastivePretrainer, MaskedPretrainer)]


def one_draw(
    name: str,
    draw: int,
    wanted: dict[tuple[str, int], list[str]],
    rows: int,
    minutes: float | None,
    peers: bool = False,
) -> Iterator[dict[str, Any]]:
    """Yield a row for each way to choose rows, number of labels and model that is wanted."""
    X, X_test, y, y_test = parts_of(name, draw, rows)
    ssl = pretrained(name, X, draw, minutes)
    others = beside_others(X, draw, ssl) if peers else {}
    for (kind, labels), models in wanted.items():
        known = rivals(draw, name) | ours(ssl, draw, name) | others
        if kind == "of each class":
            few = draw_labels(y, labels, draw)
        else:
            few = chosen_rows(kind, X, labels * len(np.unique(y)), ssl[0], draw)
        pool = np.setdiff1d(np.arange(len(y)), few)
        for model in models:
            about = {"data": name, "draw": draw, "rows": kind, "labels": labels, "model": model}
            if model not in known:  # it cannot be trained on this table
                yield about | {"accuracy": np.nan, "log loss": np.nan, "seconds": 0.0}
                continue
            started = time.monotonic()
            takes_pool = model in (BASE, WITHOUT, TUNED)
            fit = {"X_unlabeled": rows_of(X, pool)} if takes_pool else {}
            if len(np.unique(y[few])) > 1:
                found = scores(clone(known[model]).fit(rows_of(X, few), y[few], **fit), X_test, y_test)
            else:  # one class, which is all that can be predicted
                found = {"accuracy": 100 * float((y_test == y[few[0]]).mean()), "log loss": np.nan}
            yield about | found | {"seconds": time.monotonic() - started}


def measure(path: Path, args: argparse.Namespace) -> pd.DataFrame:
    """Measure what is missing in the CSV file `path`, and return the rows that are asked for."""
    jobs = {(kind, n): [BASE, "raw, extra trees"] for kind in WAYS for n in args.chosen}
    with kept_rows(path, COLUMNS, 5) as (done, add):
        for draw in range(args.draws):
            for name in tqdm(args.tables, unit="table", desc=f"draw {draw}"):
                models = [*rivals(0, name), *ours([None], 0, name)]
                if args.peers:
                    models = [*rivals(0, name), BASE, FROZEN, *PEERS, TABNET]
                wanted = {("of each class", n): models for n in args.labels} | jobs
                left = {
                    (kind, n): [model for model in models if (name, draw, kind, n, model) not in done]
                    for (kind, n), models in wanted.items()
                }
                left = {job: models for job, models in left.items() if models}
                for row in one_draw(name, draw, left, args.rows, args.minutes, args.peers) if left else ():
                    add(row)
    found = pd.read_csv(path)
    asked = [("of each class", n) for n in args.labels] + [*jobs]
    wanted_rows = [
        tuple(job) in asked for job in found[["rows", "labels"]].itertuples(index=False, name=None)
    ]
    return found[np.array(wanted_rows, dtype=bool) & found.data.isin(args.tables) & (found.draw < args.draws)]


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
            whole = table.columns.difference([SUBTAB])  # that cannot be trained on all tables
            wide[figure] = table.dropna(subset=whole) if figure == "accuracy" else table
            yield f"{figure.capitalize()}, mean over draws:\n"
            each = wide[figure].groupby("data", sort=False).mean()
            yield from markdown(
                pd.concat([each, each.mean(skipna=False).to_frame("mean").T])
                .map(f"{{:.{digits}f}}".format)
                .replace("nan", "")
            )
        table = wide["accuracy"]
        raw = [name for name in table.columns if name.startswith("raw")]
        best = max(raw, key=lambda name: table[name].groupby("data").mean().mean())
        for name in (best, *(one for one in (FROZEN, WITHOUT, TUNED) if one in table.columns)):
            which = " (the best in the mean)" * (name == best)
            yield f"- {BASE} over {name}{which}: {paired(table[BASE] - table[name])}."
        for name in (one for one in (*PEERS, TABNET) if one in table.columns):
            yield f"- {FROZEN}, over {name}: {paired((table[FROZEN] - table[name]).dropna())}."
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
    parser.add_argument("--rows", type=int, default=60_000, help="rows to train on, at most")
    parser.add_argument(
        "--minutes", type=float, help="of each pretraining; by default as many epochs as by default"
    )
    parser.add_argument("--peers", action="store_true", help="beside ts3l and pytorch-tabnet, on tables")
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
