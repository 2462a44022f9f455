"""How well scores without labels rank the settings of a method.

A pretrainer is fitted to the training rows of each table with every setting of a grid. Each score is computed on
held-out rows, without labels. It is compared with the accuracy of logistic regression that learned from five labels
per class, on the same held-out rows, averaged over draws of the labels. The report has Spearman's rank correlation
over the grid, and the accuracy of the setting that each score would have chosen.

    python benchmarks/label_free.py --method contrastive
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from datasets import split
from label_efficiency import markdown
from report import RESULTS, arguments, write
from scipy.stats import spearmanr
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from sklearn_ssl import ContrastivePretrainer, MaskedPretrainer, SiamesePretrainer, metrics
from sklearn_ssl.modalities import Tabular
from sklearn_ssl.model_selection import draw_labels

TABLES = ["vehicle", "vowel", "segment", "wdbc", "texture", "optdigits"]
RATES = (0.1, 0.3, 0.6)
Setting = dict[str, Any]
METHODS: dict[str, tuple[Callable[..., Any], list[Setting]]] = {
    "contrastive": (
        ContrastivePretrainer,
        [
            {"temperature": t, "modality": Tabular(corruption_rate=rate), "max_epochs": epochs}
            for t, rate, epochs in itertools.product((0.1, 0.5, 2.0), RATES, (5, "auto"))
        ],
    ),
    "siamese": (
        SiamesePretrainer,
        [
            {"loss": loss, "modality": Tabular(corruption_rate=rate), "max_epochs": epochs}
            for loss, rate, epochs in itertools.product(
                ("byol", "simsiam", "barlow_twins", "vicreg"), RATES, (5, "auto")
            )
        ],
    ),
    "masked": (
        MaskedPretrainer,
        [
            {"mask_rate": rate, "visible_weight": weight, "max_epochs": epochs}
            for rate, weight, epochs in itertools.product(RATES, (0.0, 0.3, 1.0), (5, "auto"))
        ],
    ),
}
SCORES: dict[str, Callable[[Any, Any], float]] = {
    "RankMe": metrics.rankme_scorer,
    "uniformity": metrics.uniformity_scorer,
    "alignment": metrics.alignment_scorer,
    "neighbour agreement": metrics.neighbor_agreement_scorer,
    "minus the loss": lambda estimator, X: estimator.score(X),
}


def accuracy(Z: np.ndarray, Z_test: np.ndarray, y: np.ndarray, y_test: np.ndarray, draws: int) -> float:
    """Return the mean accuracy in % of logistic regression on five labels per class."""
    scaler = StandardScaler().fit(Z)
    Z, Z_test = scaler.transform(Z), scaler.transform(Z_test)
    found = []
    for draw in range(draws):
        rows = draw_labels(y, 5, draw)
        found.append(LogisticRegression(max_iter=2000).fit(Z[rows], y[rows]).score(Z_test, y_test))
    return 100 * float(np.mean(found))


def measure(method: str, tables: list[str], draws: int, **settings: Any) -> pd.DataFrame:
    """Return a row for each table and setting, with its accuracy and its scores."""
    make, grid = METHODS[method]
    rows = []
    for table, (number, setting) in tqdm([(t, s) for t in tables for s in enumerate(grid)]):
        X, X_test, y, y_test = split(table, 0)
        estimator = make(random_state=0, **{**setting, **settings}).fit(X)
        scores = {name: score(estimator, X_test) for name, score in SCORES.items()}
        value = accuracy(estimator.transform(X), estimator.transform(X_test), y, y_test, draws)
        rows.append({"table": table, "setting": number, "accuracy": value, **scores})
    return pd.DataFrame(rows)


def report(found: pd.DataFrame, method: str) -> Iterator[str]:
    """Yield Markdown: rank correlations, and the accuracy of the setting that each score chooses."""
    yield f"## {method}, {found.setting.nunique()} settings\n"
    yield "Spearman's rank correlation of a score with the accuracy, over the settings (1: the same order):\n"
    groups = found.groupby("table", sort=False)
    ranks = pd.DataFrame(
        {name: {t: spearmanr(g[name], g.accuracy).statistic for t, g in groups} for name in SCORES}
    )
    yield from markdown(with_mean(ranks).map("{:+.2f}".format))
    yield "Accuracy in % with the setting that a score chooses, beside the best and the mean of all settings:\n"
    chosen = {name: {t: g.accuracy[g[name].idxmax()] for t, g in groups} for name in SCORES}
    around = {"best": groups.accuracy.max(), "mean": groups.accuracy.mean()}
    yield from markdown(with_mean(pd.DataFrame(chosen | around)))


def with_mean(frame: pd.DataFrame) -> pd.DataFrame:
    """Append the mean over tables as the last row."""
    return pd.concat([frame, frame.mean().to_frame("mean").T])


def main() -> None:
    """Measure, then write a CSV file and a Markdown report."""
    parser = arguments(__doc__)
    parser.add_argument("--method", default="contrastive", choices=METHODS)
    parser.add_argument("--tables", nargs="+", default=TABLES, metavar="NAME")
    parser.add_argument("--draws", type=int, default=10, help="draws of the labels")
    parser.add_argument("--out", default=None, metavar="NAME", help="name of the files in benchmarks/results")
    args = parser.parse_args()
    out = args.out or f"label_free_{args.method}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = measure(args.method, args.tables, args.draws)
    found.round(4).to_csv(RESULTS / f"{out}.csv", index=False)
    write(out, report(found, args.method))


if __name__ == "__main__":
    main()
