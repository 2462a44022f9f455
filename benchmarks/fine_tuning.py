"""Fine-tuning against frozen features, a network from scratch, and classifiers on raw columns.

``images`` pretrains once on the training images of Fashion-MNIST and draws labels. On the same draws it compares
logistic regression on frozen features, the same network from scratch by labels alone (the better of two learning
rates, in hindsight), the same with the pool, and fine-tuning. ``tables`` splits each table anew in each draw (a fifth
is held out), pretrains on the training rows, and compares with classifiers on raw columns. Fine-tuning gets the
training rows without a label as its pool. Log loss is in nats.

    python benchmarks/fine_tuning.py images --draws 10 --minutes 15
    python benchmarks/fine_tuning.py tables --draws 10

A quick look:

    python benchmarks/fine_tuning.py images --labels 10 --draws 1 --rows 5000 --minutes 1
    python benchmarks/fine_tuning.py tables --tables vehicle vowel --draws 3 --epochs 20
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
from datasets import split
from label_efficiency import markdown
from report import RESULTS, arguments, write
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from sklearn_ssl import ContrastivePretrainer, DistillationClassifier, FineTuneClassifier, load
from sklearn_ssl.modalities import Image
from sklearn_ssl.model_selection import draw_labels

TABLES = ["satimage", "vowel", "vehicle", "penbased", "spambase"]
BASE = "frozen, LR"


def rivals() -> dict[str, Any]:
    """Return classifiers on raw columns. Boosted trees may have small leaves, or few labels would not split."""
    return {
        "raw, LR": make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
        "raw, extra trees": ExtraTreesClassifier(200, random_state=0),
        "raw, boosted trees": HistGradientBoostingClassifier(min_samples_leaf=2, random_state=0),
        "raw, MLP": make_pipeline(StandardScaler(), MLPClassifier(max_iter=2000, random_state=0)),
    }


def tuned(ssl: Any, images: bool) -> dict[str, tuple[Any, bool]]:
    """Return classifiers with the network of a pretrainer, and whether each gets the pool."""
    frozen = FrozenEstimator(ssl)
    scratch = {"transfer": "structure", "tune": "all", "random_state": 0}
    found = {
        BASE: (make_pipeline(frozen, LogisticRegression(max_iter=2000)), False),
        "frozen, taught head": (FineTuneClassifier(ssl, tune="head", random_state=0), True),
        "structure": (FineTuneClassifier(ssl, transfer="structure", random_state=0), True),
        "fine-tuned": (FineTuneClassifier(ssl, random_state=0), True),
        "fine-tuned, no pool": (FineTuneClassifier(ssl, random_state=0), False),
    }
    if images:
        teacher = FineTuneClassifier(ssl, random_state=0)
        found |= {"distilled": (DistillationClassifier(teacher, random_state=0), True)}
        found |= {
            f"scratch, lr={lr:g}": (FineTuneClassifier(ssl, lr=lr, **scratch), False) for lr in (3e-4, 3e-3)
        }
    return found


def measure(
    X: np.ndarray,
    y: np.ndarray,
    test: tuple[np.ndarray, np.ndarray],
    labels: list[int],
    draw: int,
    models: dict[str, tuple[Any, bool]],
) -> Iterator[dict[str, Any]]:
    """Yield accuracy and log loss for each number of labels and each model."""
    for budget in labels:
        few = draw_labels(y, budget, draw)
        pool = np.setdiff1d(np.arange(len(y)), few)
        for name, (model, takes_pool) in models.items():
            fit = {"X_unlabeled": X[pool]} if takes_pool else {}
            started = time.monotonic()
            fitted = clone(model).fit(X[few], y[few], **fit)
            P = fitted.predict_proba(test[0])
            yield {
                "labels": budget,
                "draw": draw,
                "model": name,
                "accuracy": 100 * (fitted.classes_[P.argmax(axis=1)] == test[1]).mean(),
                "log loss": log_loss(test[1], P, labels=fitted.classes_),
                "tuned": getattr(fitted, "tuned_", ""),
                "seconds": time.monotonic() - started,
            }


def on_images(args: argparse.Namespace) -> pd.DataFrame:
    """Pretrain once, then draw labels."""
    X, X_test, y, y_test = split("fashion_mnist", 0)
    X, y = X[: args.rows], y[: args.rows]
    if args.pretrained and Path(args.pretrained).exists():
        ssl = load(args.pretrained)
    else:
        minutes = {"max_epochs": 1000, "max_time": 60 * args.minutes, "verbose": 1}
        ssl = ContrastivePretrainer(modality=Image(shape=(28, 28)), random_state=0, **minutes).fit(X)
        if args.pretrained:
            ssl.save(args.pretrained)
    found = []
    for draw in tqdm(range(args.draws), unit="draw"):
        for row in measure(X, y, (X_test, y_test), args.labels, draw, tuned(ssl, True)):
            tqdm.write(str(row))
            found.append(row)
    return pd.DataFrame(found).assign(data="fashion_mnist")


def on_tables(args: argparse.Namespace) -> pd.DataFrame:
    """Split, pretrain and draw labels anew in each draw."""
    parts = []
    for table in tqdm(args.tables, unit="table"):
        for draw in range(args.draws):
            X, X_test, y, y_test = split(table, draw)
            epochs = "auto" if args.epochs is None else args.epochs
            ssl = ContrastivePretrainer(max_epochs=epochs, random_state=draw).fit(X)
            models = {name: (model, False) for name, model in rivals().items()} | tuned(ssl, False)
            part = pd.DataFrame(measure(X, y, (X_test, y_test), args.labels, draw, models))
            parts.append(part.assign(data=table))
    return pd.concat(parts)


def report(found: pd.DataFrame) -> Iterator[str]:
    """Yield Markdown: accuracy and log loss, and paired gains over frozen features."""
    for budget, part in found.groupby("labels"):
        yield f"## {budget} labels per class\n"
        for figure in ("accuracy", "log loss"):
            wide = part.pivot_table(index=["data", "draw"], columns="model", values=figure, sort=False)
            each = wide.groupby("data", sort=False).mean()
            yield f"{figure.capitalize()}, mean over draws:\n"
            shown = pd.concat([each, each.mean().to_frame("mean").T])
            yield from markdown(shown.map("{:.1f}".format if figure == "accuracy" else "{:.3f}".format))
            for name in wide.columns.drop(BASE):
                gain = (wide[name] - wide[BASE]).groupby("draw").mean()
                error = f" ± {gain.sem():.2f}" if len(gain) > 1 else ""
                yield f"- {name}: {gain.mean():+.2f}{error} over {BASE} ({len(gain)} draws)."
            yield ""
        chosen = part[part.tuned != ""].groupby("model", sort=False).tuned
        shares = "; ".join(f"{name} {(v == 'all').mean():.0%}" for name, v in chosen)
        yield f"The encoder was trained: {shares}.\n"


def main() -> None:
    """Measure, then write a CSV file and a Markdown report."""
    parser = arguments(__doc__)
    parser.add_argument("what", choices=["images", "tables"])
    parser.add_argument("--labels", nargs="+", type=int, metavar="N", help="labels per class")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--rows", type=int, default=60_000, help="training images")
    parser.add_argument("--minutes", type=float, default=15, help="of pretraining on images")
    parser.add_argument("--pretrained", metavar="FOLDER", help="of images: load it, or save it there")
    parser.add_argument("--tables", nargs="+", default=TABLES, metavar="NAME")
    parser.add_argument("--epochs", type=int, help="of pretraining on tables; by default the estimator's own")
    parser.add_argument("--out", metavar="NAME", help="name of the files in benchmarks/results")
    args = parser.parse_args()
    args.labels = args.labels or ([10, 100] if args.what == "images" else [5, 20])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        found = (on_images if args.what == "images" else on_tables)(args)
    name = args.out or f"fine_tuning_{args.what}"
    found.round(4).to_csv(RESULTS / f"{name}.csv", index=False)
    write(name, report(found))


if __name__ == "__main__":
    main()
