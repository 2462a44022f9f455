"""Numbers from few labels: FewLabelRegressor, with and without features, and regressors on raw columns.

Each draw splits a table anew (a fifth is held out), pretrains once on the training rows, and takes some of them for
labels, at random. All models have the same labels and default settings. Regressors on columns see standardised numbers
and one-hot categories; the Gaussian process has a squared exponential kernel, whose length and noise it learns. What is
measured is kept in a CSV file, and a command that was broken off goes on from there.

    python benchmarks/few_labels_regression.py --draws 3

A quick look:

    python benchmarks/few_labels_regression.py --tables CASchools --labels 30 --draws 1 --out try
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from datasets import NUMBERS_OF_R, regression
from few_labels import paired
from label_efficiency import markdown
from mixed_tables import one_hot
from report import RESULTS, arguments, kept_rows, write
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from sklearn_ssl import ContrastivePretrainer, FewLabelRegressor, FineTuneRegressor, MaskedPretrainer

# none of them chose a setting of the regressor
TABLES = [*NUMBERS_OF_R]
COLUMNS = ["data", "draw", "labels", "model", "R2", "seconds"]
BASE, WITHOUT = "FewLabelRegressor", "the same without features"
FROZEN, TUNED = "contrastive features, ridge", "FineTuneRegressor"
POOLED = (BASE, WITHOUT, TUNED)


def models(draw: int, ssl: list[Any]) -> dict[str, Any]:
    """Return regressors on raw columns, and those with fitted pretrainers."""
    ridge = RidgeCV(np.logspace(-3, 4, 15))
    kernel = ConstantKernel() * RBF(5.0, (0.1, 1e3)) + WhiteKernel(0.1, (1e-4, 10.0))
    process = GaussianProcessRegressor(kernel, random_state=draw)
    return {
        "raw, ridge": make_pipeline(one_hot(), ridge),
        "raw, Gaussian process": TransformedTargetRegressor(
            make_pipeline(one_hot(), process), transformer=StandardScaler()
        ),
        "raw, forest": make_pipeline(one_hot(), RandomForestRegressor(200, random_state=draw)),
        "raw, extra trees": make_pipeline(one_hot(), ExtraTreesRegressor(200, random_state=draw)),
        "raw, boosted trees": HistGradientBoostingRegressor(min_samples_leaf=2, random_state=draw),
        FROZEN: make_pipeline(ssl[0], ridge),
        TUNED: FineTuneRegressor(ssl[0], random_state=draw),
        WITHOUT: FewLabelRegressor(pretrainers=None, random_state=draw),
        BASE: FewLabelRegressor(pretrainers=ssl, random_state=draw),
    }


def one_draw(name: str, draw: int, wanted: list[tuple[int, str]], rows: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each number of labels and model that is wanted."""
    X, y = regression(name)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, random_state=draw)
    X, y = X[:rows], y[:rows]  # in random order
    ssl = [
        FrozenEstimator(cls(random_state=draw).fit(X)) for cls in (ContrastivePretrainer, MaskedPretrainer)
    ]
    known = models(draw, ssl)
    for n, model in wanted:
        started = time.monotonic()
        fit = {"X_unlabeled": X[n:]} if model in POOLED else {}
        score = 100 * clone(known[model]).fit(X[:n], y[:n], **fit).score(X_test, y_test)
        about = {"data": name, "draw": draw, "labels": n, "model": model}
        yield about | {"R2": score, "seconds": time.monotonic() - started}


def measure(path: Path, tables: list[str], labels: list[int], draws: int, rows: int) -> pd.DataFrame:
    """Measure what is missing in the CSV file `path`, and return the rows that are asked for."""
    with kept_rows(path, COLUMNS, 4) as (done, add):
        for draw in range(draws):
            for name in tqdm(tables, unit="table", desc=f"draw {draw}"):
                wanted = [(n, model) for n in labels for model in models(0, [None])]
                left = [(n, model) for n, model in wanted if (name, draw, n, model) not in done]
                for row in one_draw(name, draw, left, rows) if left else ():
                    add(row)
    found = pd.read_csv(path)
    return found[found.data.isin(tables) & found.labels.isin(labels) & (found.draw < draws)]


def report(found: pd.DataFrame) -> Iterator[str]:
    """Yield Markdown: R² for each number of labels, and paired gains."""
    for budget, part in found.groupby("labels"):
        yield f"## {budget} labels\n"
        yield "100 R² of the rows held out, mean over draws; what is below 0 counts as 0:\n"
        wide = part.pivot_table(index=["data", "draw"], columns="model", values="R2", sort=False).clip(
            lower=0
        )
        wide = wide.dropna()
        each = wide.groupby("data", sort=False).mean()
        yield from markdown(pd.concat([each, each.mean().to_frame("mean").T]))
        raw = [name for name in wide if name.startswith("raw")]
        best = max(raw, key=lambda name: each[name].mean())
        for name in (best, WITHOUT, FROZEN, TUNED):
            which = " (the best in the mean)" * (name == best)
            yield f"- {BASE} over {name}{which}: {paired(wide[BASE] - wide[name])}."
        ahead = int((each[BASE] > each[raw].max(axis=1)).sum())
        yield f"- Ahead of the best raw regressor of each table, in hindsight, on {ahead} of {len(each)}.\n"


def main() -> None:
    """Measure, then write a CSV file and a Markdown report."""
    parser = arguments(__doc__)
    parser.add_argument("--tables", nargs="+", default=TABLES, metavar="NAME")
    parser.add_argument("--labels", nargs="+", type=int, default=[10, 30, 100], metavar="N", help="in all")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--rows", type=int, default=3000, help="rows to train on, at most")
    parser.add_argument("--out", default="few_labels_regression", metavar="NAME", help="name of the files")
    args = parser.parse_args()
    with warnings.catch_warnings():
        # of columns that look like something else, and of convergence
        warnings.simplefilter("ignore", UserWarning)
        found = measure(RESULTS / f"{args.out}.csv", args.tables, args.labels, args.draws, args.rows)
    write(args.out, report(found))


if __name__ == "__main__":
    main()
