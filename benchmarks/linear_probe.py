"""Linear probes: how well a linear classifier does on features, given all labels.

Each method learns from the training images without labels, with default settings. Then logistic regression learns
from the features and all labels, with C chosen on a fifth of the training images. Methods run with several seeds on
one split. Rows are appended to a CSV file as they come, and a second run continues where the first stopped. Where a
method can reconstruct images, the squared error on held-out images is reported too. One autoencoder has as many
components as PCA, so that the two can be compared.

    python benchmarks/linear_probe.py --seeds 3
"""

from __future__ import annotations

import csv
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from datasets import IMAGES, load
from label_efficiency import FEATURES, ONE_SCALE, Make, method
from report import RESULTS, arguments, write
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from sklearn_ssl import AutoencoderPretrainer
from sklearn_ssl.methods import DecoderMixin

WIDTH = 64
STRENGTHS = (0.001, 0.01, 0.1, 1.0)
KINDS: dict[str, Make] = {
    "raw": FEATURES["raw"],
    f"PCA-{WIDTH}": lambda seed, dataset: PCA(WIDTH, random_state=seed),
    "HOG": FEATURES["HOG"],
    "LDA": FEATURES["LDA"],
    "SOM": FEATURES["SOM"],
    "untrained": FEATURES["untrained"],
    "contrastive": FEATURES["contrastive"],
    "masked": FEATURES["masked"],
    "autoencoder": FEATURES["autoencoder"],
    f"autoencoder-{WIDTH}": method(AutoencoderPretrainer, n_components=WIDTH, noise=0.0),
    "VAE": FEATURES["VAE"],
    "untrained VAE": FEATURES["untrained VAE"],
    "GAN": FEATURES["GAN"],
    "rotation": FEATURES["rotation"],
    "BYOL": FEATURES["BYOL"],
    "VICReg": FEATURES["VICReg"],
}
COLUMNS = ["dataset", "features", "seed", "accuracy", "seconds", "rebuilt_error"]
ALIKE = {"raw", f"PCA-{WIDTH}", "HOG", "LDA", "SOM"}  # whatever the seed


def probe(Z: np.ndarray, Z_test: np.ndarray, y: np.ndarray, y_test: np.ndarray, one_scale: bool) -> float:
    """Return the accuracy in % of logistic regression, with C chosen on a fifth of the training rows."""
    scaler = StandardScaler(with_std=not one_scale).fit(Z)
    scale = Z.std() if one_scale else 1.0
    Z, Z_test = scaler.transform(Z) / scale, scaler.transform(Z_test) / scale
    A, B, a, b = train_test_split(Z, y, test_size=0.2, stratify=y, random_state=0)
    models = [LogisticRegression(C=C, max_iter=500) for C in STRENGTHS]
    best = max(models, key=lambda model: model.fit(A, a).score(B, b))
    return 100 * best.fit(Z, y).score(Z_test, y_test)


def measure(path: Path, dataset: str, kinds: list[str], seeds: int) -> pd.DataFrame:
    """Measure what is missing in the CSV file `path`, and return a row for each kind of features and seed."""
    X, y = load(dataset)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n")
    done = set(pd.read_csv(path)[["dataset", "features", "seed"]].itertuples(index=False, name=None))
    jobs = [(kind, seed) for kind in kinds for seed in range(1 if kind in ALIKE else seeds)]
    for kind, seed in tqdm([job for job in jobs if (dataset, *job) not in done]):
        features = KINDS[kind](seed, dataset)
        start = time.perf_counter()
        Z = features.fit(X).transform(X)
        seconds = time.perf_counter() - start
        Z_test = features.transform(X_test)
        accuracy = probe(Z, Z_test, y, y_test, kind in ONE_SCALE or kind.startswith("PCA"))
        with path.open("a", newline="") as file:
            error = rebuilt_error(features, Z_test, X_test)
            row = [dataset, kind, seed, round(accuracy, 2), round(seconds, 1), round(error, 1)]
            csv.writer(file).writerow(row)
    found = pd.read_csv(path)
    return found[(found.dataset == dataset) & found.features.isin(kinds) & (found.seed < seeds)]


def rebuilt_error(features: Any, Z: np.ndarray, X: np.ndarray) -> float:
    """Return the squared error of images reconstructed from features, or NaN if that is not possible."""
    if not isinstance(features, (PCA, DecoderMixin)):
        return np.nan
    return float(((features.inverse_transform(Z) - X) ** 2).mean())


def report(dataset: str, found: pd.DataFrame) -> Iterator[str]:
    """Yield Markdown."""
    h, w = IMAGES[dataset]
    yield f"## {dataset}: images of {h} x {w}, four fifths to learn from, all labels\n"
    yield "| features | accuracy, % | seeds | squared error, rebuilt | seconds |"
    yield "|---|---|---|---|---|"
    for kind, runs in found.groupby("features", sort=False):
        spread = f" ± {runs.accuracy.sem():.1f}" if len(runs) > 1 else ""
        error = runs.rebuilt_error.mean()
        rebuilt = "" if np.isnan(error) else f"{error:.0f}"
        yield (
            f"| {kind} | {runs.accuracy.mean():.1f}{spread} | {len(runs)} | {rebuilt} | {runs.seconds.mean():.0f} |"
        )
    yield ""


def main() -> None:
    """Measure, then write a Markdown report."""
    parser = arguments(__doc__)
    parser.add_argument("--dataset", default="mnist5k", choices=list(IMAGES))
    parser.add_argument("--features", nargs="+", default=list(KINDS), choices=KINDS, metavar="KIND")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--out", default="linear_probe", metavar="NAME", help="name of the files in benchmarks/results"
    )
    args = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = measure(RESULTS / f"{args.out}.csv", args.dataset, args.features, args.seeds)
    write(args.out, report(args.dataset, found))


if __name__ == "__main__":
    main()
