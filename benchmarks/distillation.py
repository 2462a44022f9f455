"""Distillation of extra trees, and of a vote of ensembles on learned features, into a network of 64 units.

The teacher gets some labels. The student gets the same labels, and what the teacher says of all other training rows.
Each line says what share of its teacher's accuracy the student keeps, and how many times faster it predicts 100,000
rows. Beside it are a student without unlabeled rows, and the same network trained on the labels alone.

    python benchmarks/distillation.py
    python benchmarks/distillation.py --datasets satimage --teachers "extra trees" --draws 1
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from datasets import split
from report import arguments, write
from sklearn.ensemble import ExtraTreesClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from tqdm.auto import tqdm

from sklearn_ssl import ContrastivePretrainer, DistillationClassifier

TEACHERS = ["extra trees", "vote"]
ROWS = 100_000  # to predict


def make_teacher(name: str, pool: np.ndarray, max_epochs: int | str = "auto") -> Any:
    """Return an unfitted teacher; what it needs of features is learned from the pool already."""
    trees = ExtraTreesClassifier(200, random_state=0)
    if name == "extra trees":
        return trees
    ssl = FrozenEstimator(ContrastivePretrainer(max_epochs=max_epochs, random_state=0).fit(pool))
    parts = {
        "raw": trees,
        "trees": make_pipeline(ssl, trees),
        "LR": make_pipeline(ssl, LogisticRegression(C=0.1)),
    }
    return VotingClassifier(list(parts.items()), voting="soft")


def some_rows(y: np.ndarray, labels: int, seed: int) -> np.ndarray:
    """Return the positions of that many rows of each class; with 0, of half of all rows."""
    rng = np.random.default_rng(seed)
    if not labels:
        return rng.permutation(len(y))[: len(y) // 2]
    return np.concatenate([rng.permutation(np.flatnonzero(y == k))[:labels] for k in np.unique(y)])


def seconds(estimator: Any, X: np.ndarray, rounds: int = 3) -> float:
    """Return the median time of a prediction."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        estimator.predict(X)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure(
    dataset: str, names: list[str], labels: list[int], draws: int, n_rows: int = ROWS, **params: Any
) -> pd.DataFrame:
    """Return accuracies in %, and how many times faster the student is, one row per teacher, labels and draw."""
    found = []
    cases = [(name, few, draw) for name in names for few in labels for draw in range(draws)]
    for name, few, draw in tqdm(cases, desc=dataset):
        X, X_test, y, y_test = split(dataset, draw)
        rows = some_rows(y, few, draw)
        pool = np.delete(X, rows, axis=0)
        teacher = make_teacher(name, X, params.get("max_epochs", "auto")).fit(X[rows], y[rows])
        settings = {"random_state": draw, **params}
        student = DistillationClassifier(teacher, **settings).fit(X[rows], y[rows], X_unlabeled=pool)
        alone = DistillationClassifier(teacher, **settings).fit(X[rows], y[rows])
        plain = DistillationClassifier(teacher, hard_weight=1.0, **settings).fit(X[rows], y[rows])
        many = np.resize(X_test, (n_rows, X_test.shape[1]))
        models = {"teacher": teacher, "student": student, "without the pool": alone, "labels alone": plain}
        scores = {kind: 100 * model.score(X_test, y_test) for kind, model in models.items()}
        speed = seconds(teacher, many) / seconds(student, many)
        found.append(
            {"data": dataset, "of": name, "labels": few, "draw": draw, **scores, "times faster": speed}
        )
    return pd.DataFrame(found)


def report(found: pd.DataFrame) -> Iterator[str]:
    """Yield the lines of the report: means over draws."""
    kinds = ["teacher", "student", "without the pool", "labels alone"]
    yield f"| data | teacher | labels | {' | '.join(kinds)} | kept | times faster |"
    yield "|---" * (len(kinds) + 5) + "|"
    for (data, name, few), part in found.groupby(["data", "of", "labels"], sort=False):
        kept = 100 * (part.student / part.teacher).mean()
        amount = f"{few} per class" if few else "half of the rows"
        means = " | ".join(f"{part[kind].mean():.1f}" for kind in kinds)
        yield f"| {data} | {name} | {amount} | {means} | {kept:.1f} % | {part['times faster'].median():.1f} |"


def main() -> None:
    """Measure, print and write ``results/distillation.md``."""
    parser = arguments(__doc__)
    parser.add_argument("--datasets", nargs="+", default=["penbased", "satimage"], metavar="NAME")
    parser.add_argument("--teachers", nargs="+", default=TEACHERS, choices=TEACHERS)
    parser.add_argument(
        "--labels", nargs="+", type=int, default=[20, 0], help="per class; 0 is half of all rows"
    )
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--out", default="distillation", metavar="NAME", help="name of the file in results")
    args = parser.parse_args()
    parts = []
    for name, teacher, few in itertools.product(args.datasets, args.teachers, args.labels):
        parts.append(measure(name, [teacher], [few], args.draws))
        write(args.out, report(pd.concat(parts)))  # a long run that is broken off leaves what it has


if __name__ == "__main__":
    main()
