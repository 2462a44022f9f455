"""A tour on the handwritten digits that come with scikit-learn: ``python -m sklearn_ssl``."""

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
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC
from tqdm.auto import tqdm

from . import (
    AutoencoderPretrainer,
    ContrastivePretrainer,
    GANPretrainer,
    MaskedPretrainer,
    RotationPretrainer,
    SelfOrganizingMap,
    SiamesePretrainer,
    VAEPretrainer,
    __version__,
)
from .modalities import Image

# each with what the search tries
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
DIGITS = Image(shape=(8, 8), horizontal_flip=False)  # a mirrored 2 is no 2

Features = dict[str, tuple[np.ndarray, np.ndarray]]
Scores = dict[tuple[str, str, int], list[float]]


def classifiers(seed: int) -> dict[str, object]:
    """Return the classifiers that every kind of features goes to."""
    return {
        "SVC": SVC(),
        "forest": RandomForestClassifier(n_jobs=2, random_state=seed),
        "MLP": MLPClassifier(max_iter=300, random_state=seed),
    }


def draw_labels(y: np.ndarray, n_per_class: int, seed: int) -> np.ndarray:
    """Return `n_per_class` random rows of each class."""
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [rng.choice(np.flatnonzero(y == c), n_per_class, replace=False) for c in np.unique(y)]
    )


def label_efficiency(
    features: Features, y: np.ndarray, y_test: np.ndarray, budgets: Sequence[int], draws: int
) -> Scores:
    """Score every classifier on every kind of features, all on the same draws of labels."""
    scores: Scores = {}
    for budget in tqdm(budgets, desc="numbers of labels", leave=False):
        for seed in tqdm(range(draws), desc=f"{budget} labels per class, draws", leave=False):
            rows = draw_labels(y, budget, seed)
            for kind, (Z, Z_test) in features.items():
                for name, classifier in classifiers(seed).items():
                    accuracy = clone(classifier).fit(Z[rows], y[rows]).score(Z_test, y_test)
                    scores.setdefault((kind, name, budget), []).append(100 * accuracy)
    return scores


def table(scores: Scores, budgets: Sequence[int]) -> Iterator[str]:
    """Yield the lines of a table of mean accuracies; the best of each column has a star."""
    kinds = list(dict.fromkeys(kind for kind, _, _ in scores))
    names = list(dict.fromkeys(name for _, name, _ in scores))
    columns = [(name, budget) for budget in budgets for name in names]
    width = max(map(len, kinds)) + 2
    group = 8 * len(names) - 2
    yield (" " * width + "  ".join(f"{f'{b} labels per class':^{group}}" for b in budgets)).rstrip()
    yield " " * width + "  ".join(f"{name:>6}" for name, _ in columns)
    for kind in kinds:
        cells = []
        for name, budget in columns:
            means = {other: np.mean(scores[other, name, budget]) for other in kinds}
            star = "*" if means[kind] == max(means.values()) else " "
            cells.append(f"{means[kind]:>5.1f}{star}")
        yield (f"{kind:<{width}}" + "  ".join(cells)).rstrip()


def plot(scores: Scores, budgets: Sequence[int], path: str) -> None:
    """Draw accuracy against the number of labels, one panel a classifier."""
    from matplotlib.figure import Figure

    kinds = list(dict.fromkeys(kind for kind, _, _ in scores))
    names = list(dict.fromkeys(name for _, name, _ in scores))
    figure = Figure(figsize=(4 * len(names), 3.8), layout="constrained")
    for ax, name in zip(figure.subplots(1, len(names), sharey=True, squeeze=False)[0], names, strict=True):
        for kind in kinds:
            runs = np.array([scores[kind, name, budget] for budget in budgets])
            error = runs.std(axis=1, ddof=1) / np.sqrt(runs.shape[1]) if runs.shape[1] > 1 else None
            ax.errorbar(budgets, runs.mean(axis=1), error, marker="o", capsize=3, label=kind)
        ax.set(title=name, xlabel="labels per class", xscale="log")
        ax.set_xticks(budgets, [str(budget) for budget in budgets])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    figure.axes[0].set_ylabel("accuracy on held-out digits, % (± standard error)")
    figure.axes[-1].legend(loc="lower right")
    figure.savefig(path, dpi=120)


def new_estimator(name: str, **settings: Any) -> Any:
    """Return a new estimator with those of the settings that it knows."""
    estimator = clone(METHODS[name][0])
    known = estimator.get_params(deep=False)
    return estimator.set_params(**{key: value for key, value in settings.items() if key in known})


def search(name: str, seed: int, X: np.ndarray, y: np.ndarray, pool: np.ndarray) -> GridSearchCV:
    """Search over pretrainer and classifier at once; the cache pretrains once for all classifiers."""
    estimator = new_estimator(name, modality=DIGITS, random_state=seed, max_epochs=5)
    extra = {"ssl__X_unlabeled": pool} if "X_unlabeled" in signature(estimator.fit).parameters else {}
    grid = {f"ssl__{key}": values for key, values in METHODS[name][1].items()}
    with tempfile.TemporaryDirectory() as cache:
        pipe = Pipeline([("ssl", estimator), ("clf", SVC())], memory=cache)
        return GridSearchCV(pipe, grid | {"clf__C": [1, 10]}, cv=2).fit(X, y, **extra)


def parse(args: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m sklearn_ssl",
        description="A tour of about a minute on the 1,797 handwritten digits that come with "
        "scikit-learn. It pretrains on images without labels, compares the features with raw pixels, PCA "
        "and an untrained encoder under three classifiers and several numbers of labels, searches over "
        "pretrainer and classifier with GridSearchCV, and draws the label-efficiency curve.",
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=list(METHODS),
        default=["contrastive"],
        metavar="NAME",
        help=f"pretraining methods to compare, of: {', '.join(METHODS)} (default: contrastive)",
    )
    parser.add_argument(
        "--labels",
        nargs="+",
        type=int,
        default=[5, 10, 50],
        metavar="N",
        help="numbers of labels per class (default: 5 10 50)",
    )
    parser.add_argument("--draws", type=int, default=5, help="random draws of the labels (default: 5)")
    parser.add_argument("--epochs", type=int, default=60, help="passes over the images (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="random_state of everything (default: 0)")
    parser.add_argument(
        "--out",
        default="label_efficiency.png",
        metavar="FILE",
        help="picture to write (default: label_efficiency.png; needs matplotlib)",
    )
    options = parser.parse_args(args)
    if min(options.labels) < 1 or max(options.labels) > 100:
        parser.error("--labels must be between 1 and 100 per class")
    if options.draws < 1 or options.epochs < 0:
        parser.error("--draws must be at least 1 and --epochs at least 0")
    return options


def main(args: Sequence[str] | None = None) -> None:
    """Run the tour."""
    options = parse(args)
    start = time.perf_counter()
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=options.seed)
    print(f"sklearn_ssl {__version__}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"Digits: {len(X)} images of 8 x 8 pixels to learn from, {len(X_test)} held out.\n")

    print("1. Pretrain, without labels", flush=True)
    baselines = {
        "raw pixels": make_pipeline(MinMaxScaler()),
        "PCA": make_pipeline(MinMaxScaler(), PCA(32, random_state=options.seed)),
    }
    features: Features = {
        name: (steps.fit_transform(X), steps.transform(X_test)) for name, steps in baselines.items()
    }
    shared = {"modality": DIGITS, "random_state": options.seed}
    untrained = ContrastivePretrainer(**shared, max_epochs=0).fit(X)
    features["untrained encoder"] = (untrained.transform(X), untrained.transform(X_test))
    for name in options.methods:
        ssl = new_estimator(name, **shared, max_epochs=options.epochs, verbose=1).fit(X)
        features[f"SSL: {name}"] = (ssl.transform(X), ssl.transform(X_test))
        losses = [row["train_loss"] for row in getattr(ssl, "history_", [])]
        progress = f"loss {losses[0]:.3f} -> {losses[-1]:.3f}, " if losses else ""
        print(f"{name}: {progress}{features[f'SSL: {name}'][0].shape[1]} features")

    print(f"\n2. Accuracy in % on the held-out digits, mean of {options.draws} draws of the labels")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # MLPClassifier's 300 iterations may end early
        scores = label_efficiency(features, y, y_test, options.labels, options.draws)
    print("\n".join(table(scores, options.labels)))

    budget = max(5, min(options.labels))
    print(f"\n3. GridSearchCV over pretrainer and classifier, {budget} labels per class, after 5 epochs only")
    rows = draw_labels(y, budget, options.seed)
    found = search(options.methods[0], options.seed, X[rows], y[rows], pool=X)
    settings = ", ".join(f"{key}={value}" for key, value in found.best_params_.items())
    print(f"best of {len(found.cv_results_['params'])}: {settings}")
    print(
        f"accuracy: {found.best_score_:.3f} in cross-validation, {found.score(X_test, y_test):.3f} held out"
    )

    try:
        plot(scores, options.labels, options.out)
    except ImportError:
        print(
            "\nNo picture: install matplotlib with pip install 'sklearn-ssl[plots]', or pip install matplotlib"
        )
    else:
        print(f"\n4. The label-efficiency curve is in {options.out}")
    print(f"Done in {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main()
