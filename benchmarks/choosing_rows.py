"""Which row of a cluster to label: the strategies of RowSelector against random rows, on tables for choosing.

None of these tables is in the report of few_labels.py, where the default is judged. Each draw splits a table anew and
pretrains once, on the training rows. The classifier is the same for all: the product of logistic regression on
contrastive features and of extra trees on raw columns, with the labels of the chosen rows. A number of labels counts
so many per class, in total; which classes they are of is left to the choice.

    python benchmarks/choosing_rows.py
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from datasets import split
from label_efficiency import markdown
from report import arguments, write
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from tqdm.auto import tqdm

from sklearn_ssl import ContrastivePretrainer, FewLabelClassifier, RowSelector

TABLES = [
    *(
        "wine",
        "sonar",
        "wdbc",
        "contraceptive",
        "australian",
        "heart",
        "ionosphere",
        "iris",
        "texture",
        "optdigits",
    ),
    *("segment", "new-thyroid1", "phoneme", "twonorm", "bupa"),
]
RANDOM, STRATEGIES = "random", ("centre", "typical")


def chosen(way: str, X: np.ndarray, n: int, ssl: FrozenEstimator, seed: int) -> np.ndarray:
    """Return the rows to label."""
    if way == RANDOM:
        return np.random.default_rng(seed).permutation(len(X))[:n]
    return RowSelector(n, pretrainer=ssl, strategy=way, random_state=seed).fit(X).selected_


def accuracy(
    parts: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    few: np.ndarray,
    ssl: FrozenEstimator,
    seed: int,
) -> float:
    """Return the accuracy in % with the labels of some rows."""
    X, X_test, y, y_test = parts
    if len(np.unique(y[few])) < 2:  # one class, which is all that can be predicted
        return 100 * float((y_test == y[few[0]]).mean())
    members = [
        ("features", LogisticRegression(max_iter=1000), "contrastive"),
        ("trees", ExtraTreesClassifier(100), "raw"),
    ]
    clf = FewLabelClassifier(pretrainers=[ssl], estimators=members, weights="equal", random_state=seed)
    return 100 * float(clf.fit(X[few], y[few]).score(X_test, y_test))


def measure(tables: list[str], labels: list[int], draws: int, repeats: int) -> Iterator[dict[str, object]]:
    """Yield the gain of each strategy over random rows, with several seeds for each draw."""
    for table in tqdm(tables, unit="table"):
        for draw in range(draws):
            parts = split(table, draw)
            ssl = FrozenEstimator(ContrastivePretrainer(random_state=draw).fit(parts[0]))
            for n in labels:
                total = n * len(np.unique(parts[2]))
                found = {
                    way: np.mean(
                        [
                            accuracy(parts, chosen(way, parts[0], total, ssl, seed), ssl, seed)
                            for seed in range(repeats)
                        ]
                    )
                    for way in (RANDOM, *STRATEGIES)
                }
                for way in STRATEGIES:
                    yield {"table": table, "labels": n, "way": way, "gain": found[way] - found[RANDOM]}


def report(found: pd.DataFrame) -> Iterator[str]:
    """Yield Markdown: the mean gain for each number of labels, and that of the worst table."""
    wide = found.pivot_table(index="way", columns="labels", values="gain")
    wide.columns = [f"{n} per class" for n in wide.columns]
    each = found.groupby(["way", "table"]).gain.mean().unstack("way")
    wide["mean"], wide["± over tables"], wide["worst table"] = each.mean(), each.sem(), each.min()
    yield "Points of accuracy over random rows, with as many labels:\n"
    yield from markdown(wide)


def main() -> None:
    """Measure, and write a Markdown report."""
    parser = arguments(__doc__)
    parser.add_argument("--tables", nargs="+", default=TABLES, metavar="NAME")
    parser.add_argument("--labels", nargs="+", type=int, default=[1, 2, 5], metavar="N")
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5, help="seeds of the choice, for each draw")
    parser.add_argument("--out", default="choosing_rows", metavar="NAME", help="name of the report")
    args = parser.parse_args()
    write(args.out, report(pd.DataFrame(measure(args.tables, args.labels, args.draws, args.repeats))))


if __name__ == "__main__":
    main()
