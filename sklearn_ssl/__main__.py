"""A tour with the handwritten digits that come with scikit-learn: ``python -m sklearn_ssl``."""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from inspect import signature
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC

from . import (
    AutoencoderPretrainer,
    ContrastivePretrainer,
    DistillationClassifier,
    FineTuneClassifier,
    GANPretrainer,
    MaskedPretrainer,
    RotationPretrainer,
    SelfOrganizingMap,
    SiamesePretrainer,
    VAEPretrainer,
    ZeroShotClassifier,
    __version__,
)
from .inspection import LabelEfficiencyDisplay
from .modalities import Image
from .model_selection import LabelEfficiency, draw_labels, label_efficiency

# each with the grid of the search
METHODS: dict[str, tuple[Any, dict[str, list[Any]]]] = {
    "contrastive": (ContrastivePretrainer(), {"temperature": [0.1, 0.5]}),
    "siamese": (SiamesePretrainer(), {"loss": ["byol", "vicreg"]}),
    "rotation": (RotationPretrainer(), {"lr": [3e-4, 1e-3]}),
    "masked": (MaskedPretrainer(), {"mask_rate": [0.3, 0.6]}),
    "autoencoder": (AutoencoderPretrainer(), {"noise": [0.2, 0.5]}),
    "vae": (VAEPretrainer(), {"beta": [1.0, 2.0]}),
    "gan": (GANPretrainer(), {"penalty": [1.0, 10.0]}),
    "som": (SelfOrganizingMap(), {"shape": [(6, 6), (10, 10)]}),
}
# what is made of the features of the first pretraining method; not pretraining methods themselves
TRANSFER = ("fine-tuned", "distilled", "zero-shot")
# which of the seven segments of a clock's display each digit lights
SEGMENTS = {
    0: "1110111",
    1: "0010010",
    2: "1011101",
    3: "1011011",
    4: "0111010",
    5: "1101011",
    6: "1101111",
    7: "1010010",
    8: "1111111",
    9: "1111011",
}
UNSEEN = 3
SEARCH_EPOCHS = 5
DIGITS = Image(shape=(8, 8), horizontal_flip=False)  # a mirrored 2 is no 2


def classifiers(seed: int) -> dict[str, object]:
    """Return the classifiers that are trained on every kind of features."""
    return {
        "SVC": SVC(),
        "forest": RandomForestClassifier(random_state=seed),
        "MLP": MLPClassifier(max_iter=300, random_state=seed),
    }


def table(found: dict[str, LabelEfficiency]) -> Iterator[str]:
    """Yield the lines of a table of mean accuracies; a star marks the best of each column."""
    names = list(found)
    first = found[names[0]]
    kinds, budgets = first.names, first.budgets
    scores = {
        (kind, name, budget): 100 * found[name].scores[i, b].mean()
        for name in names
        for i, kind in enumerate(kinds)
        for b, budget in enumerate(budgets)
    }
    columns = [(name, budget) for budget in budgets for name in names]
    width = max(map(len, kinds)) + 2
    group = 8 * len(names) - 2
    yield (" " * width + "  ".join(f"{f'{b} labels per class':^{group}}" for b in budgets)).rstrip()
    yield " " * width + "  ".join(f"{name:>6}" for name, _ in columns)
    for kind in kinds:
        cells = []
        for name, budget in columns:
            best = max(scores[other, name, budget] for other in kinds)
            star = "*" if scores[kind, name, budget] == best else " "
            cells.append(f"{scores[kind, name, budget]:>5.1f}{star}")
        yield (f"{kind:<{width}}" + "  ".join(cells)).rstrip()


def plot(found: dict[str, LabelEfficiency], path: str) -> None:
    """Draw accuracy against the number of labels, one panel per classifier."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * len(found), 3.8), layout="constrained")
    panels = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    for ax, (name, one) in zip(panels, found.items(), strict=True):
        LabelEfficiencyDisplay(one).plot(ax=ax)
        ax.set(title=name, xlabel="labels per class", ylabel="")
        if ax is not panels[-1]:
            ax.get_legend().remove()
    panels[0].set_ylabel("accuracy on held-out digits (± standard error)")
    figure.savefig(path, dpi=120)


def compare(
    features: dict[str, Any],
    X: np.ndarray,
    y: np.ndarray,
    X_test: np.ndarray,
    y_test: np.ndarray,
    options: argparse.Namespace,
) -> dict[str, LabelEfficiency]:
    """Score every classifier on all features, which are fitted already, with the same draws of the labels.

    Features are computed once, and stand side by side as columns, of which each pipeline takes its own.
    """
    both, labels = np.concatenate([X, X_test]), np.concatenate([y, y_test])
    blocks = [steps.transform(both) for steps in features.values()]
    ends = np.cumsum([block.shape[1] for block in blocks])
    selected = {
        kind: ColumnTransformer([(kind, "passthrough", slice(end - block.shape[1], end))])
        for kind, block, end in zip(features, blocks, ends, strict=True)
    }
    split = [(np.arange(len(X)), np.arange(len(X), len(both)))]
    settings = {
        "budgets": options.labels,
        "cv": split,
        "n_draws": options.draws,
        "verbose": 1,
        "random_state": options.seed,
    }
    return {
        name: label_efficiency(
            {kind: make_pipeline(columns, classifier) for kind, columns in selected.items()},
            np.hstack(blocks),
            labels,
            **settings,
        )
        for name, classifier in classifiers(options.seed).items()
    }


def new_estimator(name: str, **settings: Any) -> Any:
    """Return a new estimator with those settings that are parameters of it."""
    estimator = clone(METHODS[name][0])
    known = estimator.get_params(deep=False)
    return estimator.set_params(**{key: value for key, value in settings.items() if key in known})


def search(name: str, seed: int, X: np.ndarray, y: np.ndarray, pool: np.ndarray) -> GridSearchCV:
    """Search over pretrainer and classifier together; the cache pretrains once for all classifier settings."""
    estimator = new_estimator(name, modality=DIGITS, random_state=seed, max_epochs=SEARCH_EPOCHS)
    extra = {"ssl__X_unlabeled": pool} if "X_unlabeled" in signature(estimator.fit).parameters else {}
    grid = {f"ssl__{key}": values for key, values in METHODS[name][1].items()}
    with tempfile.TemporaryDirectory() as cache:
        pipe = Pipeline([("ssl", estimator), ("clf", SVC())], memory=cache)
        return GridSearchCV(pipe, grid | {"clf__C": [1, 10]}, cv=2).fit(X, y, **extra)


def transferred(
    options: argparse.Namespace, ssl: Any, few: tuple[np.ndarray, np.ndarray], pool: np.ndarray
) -> dict[str, Any]:
    """Return classifiers that a fitted pretrainer leads to, fitted to few labels and to the pool.

    The zero-shot one sees no label of one digit, and knows it by its segments alone.
    """
    X, y = few
    frozen, extra = FrozenEstimator(ssl), {"X_unlabeled": pool}
    shared = {"max_epochs": max(1, options.epochs // 2), "random_state": options.seed}
    found: dict[str, Any] = {}
    for name in options.transfer:
        if name == "zero-shot":
            codes = {digit: [int(on) for on in code] for digit, code in SEGMENTS.items()}
            seen = y != UNSEEN
            pipe = make_pipeline(
                frozen, PCA(min(32, seen.sum()), random_state=options.seed), ZeroShotClassifier(codes)
            )
            found[name] = pipe.fit(X[seen], y[seen])
        elif name == "fine-tuned":
            found[name] = FineTuneClassifier(ssl, **shared).fit(X, y, **extra)
        else:
            teacher = make_pipeline(frozen, LogisticRegression(max_iter=1000)).fit(X, y)
            student = DistillationClassifier(teacher, modality=DIGITS, **shared)
            found[name] = student.fit(X, y, **extra)
    return found


def told(name: str, clf: Any, X: np.ndarray, y: np.ndarray) -> str:
    """Return a line that says how good a classifier is on held-out digits."""
    if name != "zero-shot":
        return f"{name}: {100 * clf.score(X, y):.1f} % of the held-out digits"
    rows = y == UNSEEN
    return (
        f"{name}: {100 * clf.score(X[rows], y[rows]):.1f} % of the digits {UNSEEN}, of which it saw none, and "
        f"{100 * clf.score(X[~rows], y[~rows]):.1f} % of the others"
    )


def parse(args: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_ssl",
        description="A tour of about a minute with the 1,797 handwritten digits that come with "
        "scikit-learn. It pretrains on the images without labels. It compares the features with raw pixels, "
        "PCA and an untrained encoder, under three classifiers and several numbers of labels. Then it searches "
        "over pretrainer and classifier with GridSearchCV, and draws the label-efficiency curve.",
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=[*METHODS, *TRANSFER],
        default=["contrastive"],
        metavar="NAME",
        help=f"pretraining methods to compare: {', '.join(METHODS)} (default: contrastive); and classifiers to make "
        f"of the first of them: {', '.join(TRANSFER)}",
    )
    parser.add_argument(
        "--labels",
        nargs="+",
        type=int,
        default=[5, 10, 50],
        metavar="N",
        help="numbers of labels per class (default: 5 10 50)",
    )
    parser.add_argument("--draws", type=int, default=3, help="random draws of the labels (default: 3)")
    parser.add_argument("--epochs", type=int, default=40, help="passes over the images (default: 40)")
    parser.add_argument(
        "--seed", type=int, default=0, help="random_state of all estimators and splits (default: 0)"
    )
    parser.add_argument(
        "--out",
        default="label_efficiency.png",
        metavar="FILE",
        help="figure to write (default: label_efficiency.png; needs matplotlib)",
    )
    options = parser.parse_args(args)
    if min(options.labels) < 1 or max(options.labels) > 100:
        parser.error("--labels must be between 1 and 100 per class")
    if options.draws < 1 or options.epochs < 0:
        parser.error("--draws must be at least 1 and --epochs at least 0")
    options.transfer = [name for name in TRANSFER if name in options.methods]
    options.methods = [name for name in options.methods if name in METHODS] or ["contrastive"]
    if "fine-tuned" in options.transfer and options.methods[0] == "som":
        parser.error("fine-tuned needs a network: name another method before som")
    return options


def main(args: Sequence[str] | None = None) -> None:
    """Run the tour."""
    options = parse(args)
    start = time.perf_counter()
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=options.seed)
    print(f"sklearn_ssl {__version__}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"Digits: {len(X)} images of 8 x 8 pixels for training, {len(X_test)} held out.\n")

    print("1. Pretraining, without labels", flush=True)
    baselines = {
        "raw pixels": make_pipeline(MinMaxScaler()),
        "PCA": make_pipeline(MinMaxScaler(), PCA(32, random_state=options.seed)),
    }
    features: dict[str, Any] = {name: steps.fit(X) for name, steps in baselines.items()}
    shared = {"modality": DIGITS, "random_state": options.seed}
    features["untrained encoder"] = ContrastivePretrainer(**shared, max_epochs=0).fit(X)
    for name in options.methods:
        ssl = new_estimator(name, **shared, max_epochs=options.epochs, verbose=1).fit(X)
        features[f"SSL: {name}"] = ssl
        losses = [row["train_loss"] for row in getattr(ssl, "history_", [])]
        progress = f"loss {losses[0]:.3f} -> {losses[-1]:.3f}, " if losses else ""
        print(f"{name}: {progress}{ssl.transform(X[:1]).shape[1]} features")

    print(f"\n2. Accuracy in % on the held-out digits, mean over {options.draws} draws of the labels")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # MLPClassifier's 300 iterations may end early
        found = compare(features, X, y, X_test, y_test, options)
    print("\n".join(table(found)))

    budget = max(5, min(options.labels))
    print(f"\n3. GridSearchCV over pretrainer and classifier, {budget} labels per class")
    print(
        f"To be quick, it trains for {SEARCH_EPOCHS} epochs: compare with raw pixels below, not with the table."
    )
    rows = draw_labels(y, budget, options.seed)
    tuned = search(options.methods[0], options.seed, X[rows], y[rows], pool=X)
    settings = ", ".join(f"{key}={value}" for key, value in tuned.best_params_.items())
    print(f"best of {len(tuned.cv_results_['params'])}: {settings}")
    raw = SVC().fit(X[rows], y[rows])
    best, plain = (100 * model.score(X_test, y_test) for model in (tuned, raw))
    print(f"held out, with the same {len(rows)} labels: {best:.1f} %, raw pixels {plain:.1f} %")
    print(f"in cross-validation, with half of the labels in each fold: {100 * tuned.best_score_:.1f} %")
    if options.transfer:
        first = options.methods[0]
        print(
            f"\nFrom the features of {first}, with the same {len(rows)} labels and the other images as they are:"
        )
        few = (X[rows], y[rows])
        made = transferred(options, features[f"SSL: {first}"], few, np.delete(X, rows, 0))
        print("\n".join(told(name, clf, X_test, y_test) for name, clf in made.items()))

    try:
        plot(found, options.out)
    except ImportError:
        print(
            "\nNo figure: install matplotlib with pip install 'sklearn-ssl[plots]' or pip install matplotlib"
        )
    else:
        print(f"\n4. The label-efficiency curve is in {options.out}")
    print(f"Done in {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main()
