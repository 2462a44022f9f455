"""Few labels on tables with categories and missing values: features, one-hot columns, boosted trees.

Every pipeline gets the raw table, the same splits and the same labels. Pretrainers learn from all training rows
without labels. Boosted trees may have small leaves: with a handful of labels, the default of
HistGradientBoostingClassifier, 20 rows per leaf, would not split at all.

    python benchmarks/mixed_tables.py
    python benchmarks/mixed_tables.py --tables crx credit_data --features contrastive --draws 3
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import sklearn
from datasets import mixed
from label_efficiency import markdown
from report import RESULTS, arguments, write
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tqdm.auto import tqdm

from sklearn_ssl import ContrastivePretrainer, MaskedPretrainer, SiamesePretrainer
from sklearn_ssl.model_selection import label_efficiency, mean_and_interval

TABLES = [
    "german",
    "crx",
    "mushroom",
    "splice",
    "credit_data",
    "TitanicSurvival",
    "wa_churn",
    "Chile",
    "scat",
]
FEATURES: dict[str, Any] = {
    "untrained": ContrastivePretrainer(max_epochs=0, random_state=0),
    "contrastive": ContrastivePretrainer(random_state=0),
    "BYOL": SiamesePretrainer(random_state=0),
    "masked": MaskedPretrainer(random_state=0),
}
BASE = "one-hot, LR"


def one_hot() -> Any:
    """Return one-hot categories beside standardised numbers; missing values are imputed and indicated."""
    numbers = make_pipeline(SimpleImputer(add_indicator=True, keep_empty_features=True), StandardScaler())
    categories = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=2, sparse_output=False)
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (categories, make_column_selector(dtype_include="category")),
    )


def pipelines(features: list[str]) -> dict[str, Any]:
    """Return the rivals, of which the first is the baseline, and the features under LR."""
    logistic = LogisticRegression(max_iter=2000)
    return {
        BASE: make_pipeline(one_hot(), logistic),
        "one-hot, extra trees": make_pipeline(one_hot(), ExtraTreesClassifier(200, random_state=0)),
        "boosted trees": HistGradientBoostingClassifier(min_samples_leaf=2, random_state=0),
    } | {f"{name}, LR": make_pipeline(FEATURES[name], logistic) for name in features}


def measure(tables: list[str], features: list[str], labels: list[int], draws: int) -> pd.DataFrame:
    """Return a row for each table, pipeline, number of labels and draw."""
    parts = []
    for table in tqdm(tables, unit="table"):
        X, y = mixed(table)
        found = label_efficiency(
            pipelines(features), X, y, budgets=labels, cv=draws, scoring="balanced_accuracy", verbose=1
        )
        parts.append(found.to_frame().assign(table=table))
    return pd.concat(parts)


def report(found: pd.DataFrame) -> Iterator[str]:
    """Yield Markdown: for each number of labels, all tables, their mean, and paired gains over the baseline."""
    names = list(dict.fromkeys(found.estimator))
    for budget, part in found.groupby("labels"):
        yield f"## {budget} labels per class\n"
        yield "Balanced accuracy in %, mean over draws:\n"
        wide = 100 * part.pivot_table(index=["table", "run"], columns="estimator", values="score", sort=False)
        each = wide[names].groupby("table", sort=False).mean()
        yield from markdown(pd.concat([each, each.mean().to_frame("mean").T]))
        for name in names[1:]:
            gain = (wide[name] - wide[BASE]).groupby("run").mean()
            mean, low, high = mean_and_interval(np.asarray(gain))
            over = (each[name] - each[BASE] > 2).sum(), (each[name] - each[BASE] < -2).sum()
            yield (
                f"- {name}: {mean:+.1f} over {BASE} (95 % interval {low:+.1f} to {high:+.1f}); on {over[0]} tables "
                f"more than 2 points better, on {over[1]} more than 2 worse."
            )
        yield ""


def main() -> None:
    """Measure, then write a CSV file and a Markdown report."""
    parser = arguments(__doc__)
    parser.add_argument("--tables", nargs="+", default=TABLES, metavar="NAME")
    parser.add_argument("--features", nargs="+", default=["untrained", "contrastive"], choices=FEATURES)
    parser.add_argument(
        "--labels", nargs="+", type=int, default=[5, 20], metavar="N", help="labels per class"
    )
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument(
        "--out", default="mixed_tables", metavar="NAME", help="name of the files in benchmarks/results"
    )
    args = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        warnings.filterwarnings("ignore", message="Found unknown categories|.*lack values, or hold unknown")
        found = measure(args.tables, args.features, args.labels, args.draws)
    found.round(4).to_csv(RESULTS / f"{args.out}.csv", index=False)
    write(args.out, report(found))


if __name__ == "__main__":
    main()
