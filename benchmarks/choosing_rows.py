"""Which row of a cluster to label: the strategies of RowSelector against random rows, on tables for choosing.

None of these tables is in the report of few_labels.py, where the default is judged. Each draw splits a table anew and
pretrains once, on the training rows. The classifier is the same for all: the product of logistic regression on
contrastive features and of extra trees on raw columns, with the labels of the chosen rows. A number of labels counts
so many per class, in total; which classes they are of is left to the choice.

With ``--rounds``, as many rows as there are classes are labelled in each round. Rows that stand for many others are
compared with those among them of which logistic regression on the features is least sure, and with as many rows chosen
at once, which needs no answers in between.

    python benchmarks/choosing_rows.py
    python benchmarks/choosing_rows.py --rounds 5 --out choosing_rows_in_rounds
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
AT_ONCE, ROUNDS, LEAST_SURE = "centres, at once", "centres, in rounds", "least sure of centres, in rounds"


def chosen(way: str, X: np.ndarray, n: int, ssl: FrozenEstimator, seed: int) -> np.ndarray:
    """Return the rows to label."""
    if way == RANDOM:
        return np.random.default_rng(seed).permutation(len(X))[:n]
    return RowSelector(n, pretrainer=ssl, strategy=way, random_state=seed).fit(X).selected_


def chosen_in_rounds(way: str, Z: np.ndarray, y: np.ndarray, n_rounds: int, seed: int) -> np.ndarray:
    """Return the rows to label, from features and from the answers of the rounds before."""
    n_classes, answers = len(np.unique(y)), np.full(len(y), -1)
    if way in (RANDOM, AT_ONCE):
        total = n_classes * n_rounds
        if way == RANDOM:
            return np.random.default_rng(seed).permutation(len(y))[:total]
        return RowSelector(total, pretrainer=None, random_state=seed).fit(Z).selected_
    classifier = LogisticRegression(max_iter=1000) if way == LEAST_SURE else None
    selector = RowSelector(n_classes, pretrainer=None, classifier=classifier, random_state=seed)
    for _ in range(n_rounds):
        rows = selector.fit(Z, answers).selected_
        answers[rows] = y[rows]
    return np.flatnonzero(answers != -1)


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


def measure_rounds(tables: list[str], n_rounds: int, draws: int, repeats: int) -> Iterator[dict[str, object]]:
    """Yield the gain of each way to label in rounds over random rows, with several seeds for each draw."""
    for table in tqdm(tables, unit="table"):
        for draw in range(draws):
            X, X_test, y, y_test = split(table, draw)
            ssl = FrozenEstimator(ContrastivePretrainer(random_state=draw).fit(X))
            Z = ssl.transform(X)
            found = {
                way: np.mean(
                    [
                        accuracy(
                            (X, X_test, y, y_test), chosen_in_rounds(way, Z, y, n_rounds, seed), ssl, seed
                        )
                        for seed in range(repeats)
                    ]
                )
                for way in (RANDOM, AT_ONCE, ROUNDS, LEAST_SURE)
            }
            for way in (AT_ONCE, ROUNDS, LEAST_SURE):
                yield {"table": table, "labels": n_rounds, "way": way, "gain": found[way] - found[RANDOM]}


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
    parser.add_argument("--rounds", type=int, default=0, help="label in so many rounds")
    parser.add_argument("--out", default="choosing_rows", metavar="NAME", help="name of the report")
    args = parser.parse_args()
    found = (
        measure_rounds(args.tables, args.rounds, args.draws, args.repeats)
        if args.rounds
        else measure(args.tables, args.labels, args.draws, args.repeats)
    )
    write(args.out, report(pd.DataFrame(found)))


if __name__ == "__main__":
    main()
