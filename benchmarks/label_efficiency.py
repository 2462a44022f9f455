"""How much features learned without labels help when labels are few.

The script takes any datasets, features, classifiers and numbers of labels. Pretrainers learn from the training rows
without their labels. Classifiers learn from a few labelled rows, on the features of this package as they are, and on
others standardised over all training rows.
Principal components, histograms and the latents of a VAE are divided by one scale for all instead, since their
spread says what they are worth.

All kinds of features share the split and the labels of a draw, so that differences are paired. Each draw splits a
table again (a fifth is held out) and pretrains again. A dataset with its own test data is pretrained once, and only
its labels are drawn, so that ± leaves out what another pretraining would change. Rows are appended to a CSV file as
they come, and a second run continues where the first stopped. If the code has changed, delete the rows to measure
again.

    python benchmarks/label_efficiency.py --datasets satimage vowel --labels 5 --draws 10
    python benchmarks/label_efficiency.py --datasets fashion_mnist --labels 10 100 --out fashion

With ``--minutes`` each pretrainer trains for about that long, in place of its default number of epochs.

``compare`` does the same for your own features and classifiers. ``report`` and ``plot`` need the features ``raw`` and
the classifiers ``LR`` and ``extra trees`` among them.
"""

from __future__ import annotations

import csv
import itertools
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
from datasets import IMAGES, OWN_SPLIT, split
from report import RESULTS, arguments, write
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.decomposition import PCA, LatentDirichletAllocation
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from tqdm.auto import tqdm

from sklearn_ssl import (
    AutoencoderPretrainer,
    ContrastivePretrainer,
    GANPretrainer,
    MaskedPretrainer,
    RotationPretrainer,
    SelfOrganizingMap,
    SiamesePretrainer,
    VAEPretrainer,
)
from sklearn_ssl.modalities import Image
from sklearn_ssl.model_selection import label_efficiency

FIVE = ["satimage", "vowel", "vehicle", "penbased", "spambase"]
COLUMNS = ["dataset", "labels", "draw", "features", "classifier", "accuracy", "fit_seconds"]

Make = Callable[[int, str], Any]
"""(random_state, name of the dataset) -> estimator."""


def modality(dataset: str) -> Any:
    """Return the modality of a dataset, with default settings."""
    return Image(shape=IMAGES[dataset]) if dataset in IMAGES else "auto"


def method(cls: Any, **settings: Any) -> Make:
    """Return a function that makes a pretrainer with defaults, except for `settings`."""
    return lambda seed, dataset: cls(modality=modality(dataset), random_state=seed, **settings)


def topics(seed: int, dataset: str) -> Any:
    """Return scikit-learn's LDA on columns scaled to 0 to 1, since it takes no negative numbers."""
    return make_pipeline(MinMaxScaler(clip=True), LatentDirichletAllocation(random_state=seed))


def histograms(seed: int, dataset: str) -> Any:
    """Return histograms of oriented gradients, in cells of 4 pixels and blocks of 2 x 2 cells."""
    from skimage.feature import hog

    def all_rows(X: np.ndarray) -> np.ndarray:
        images = X.reshape(-1, *IMAGES[dataset])
        settings = {"pixels_per_cell": (4, 4), "cells_per_block": (2, 2)}
        return np.stack([hog(image, **settings) for image in images]).astype(np.float32)

    return FunctionTransformer(all_rows)


class RbfSVC(ClassifierMixin, BaseEstimator):
    """``SVC()`` with its kernel computed by matrix products: the same results, faster on thousands of features."""

    def __init__(self, C: float = 1.0):
        self.C = C

    def fit(self, X: np.ndarray, y: np.ndarray) -> RbfSVC:
        """Fit to features ``(n, d)``."""
        self.X_, self.gamma_ = X, 1 / (X.shape[1] * X.var())  # SVC's gamma="scale"
        self.svc_ = SVC(C=self.C, kernel="precomputed").fit(rbf_kernel(X, gamma=self.gamma_), y)
        self.classes_ = self.svc_.classes_
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the classes of features ``(n, d)``."""
        return self.svc_.predict(rbf_kernel(X, self.X_, gamma=self.gamma_))


FEATURES: dict[str, Make] = {
    "raw": lambda seed, dataset: FunctionTransformer(),
    "raw, asinh": lambda seed, dataset: make_pipeline(StandardScaler(), FunctionTransformer(np.arcsinh)),
    "HOG": histograms,
    "PCA": lambda seed, dataset: make_pipeline(StandardScaler(), PCA(0.95, svd_solver="full")),
    "LDA": topics,
    "SOM": lambda seed, dataset: SelfOrganizingMap(),
    "untrained": method(ContrastivePretrainer, max_epochs=0),
    "contrastive": method(ContrastivePretrainer),
    "BYOL": method(SiamesePretrainer, loss="byol"),
    "SimSiam": method(SiamesePretrainer, loss="simsiam"),
    "Barlow Twins": method(SiamesePretrainer, loss="barlow_twins"),
    "VICReg": method(SiamesePretrainer, loss="vicreg"),
    "rotation": method(RotationPretrainer),
    "masked": method(MaskedPretrainer),
    "masked, bins": method(MaskedPretrainer, target="bin"),
    "autoencoder": method(AutoencoderPretrainer),
    "VAE": method(VAEPretrainer),
    "untrained VAE": method(VAEPretrainer, max_epochs=0),
    "GAN": method(GANPretrainer),
    "contrastive, float32": method(ContrastivePretrainer, precision="float32"),
}
AS_THEY_ARE = {  # their scale is one that suits a linear classifier
    *("untrained", "contrastive", "BYOL", "SimSiam", "Barlow Twins", "VICReg", "rotation", "masked"),
    *("masked, bins", "autoencoder", "contrastive, float32"),
}
# standardised, the last components, rare gradients and unused latents would count as much as all others
ONE_SCALE = {"PCA", "HOG", "VAE", "untrained VAE"}
OF_IMAGES = {"HOG", "rotation"}
LEARNED_NOTHING = ("raw", "raw, asinh", "HOG")
NOT_TRAINED = ("PCA", "LDA", "SOM", "untrained", "untrained VAE")
USUAL = ["raw", "raw, asinh", "HOG", "PCA", "untrained", "contrastive"]
CLASSIFIERS: dict[str, Make] = {
    # hundreds of pixels, or thousands of features of them, need more shrinkage than a table
    "LR": lambda seed, dataset: LogisticRegression(C=0.1 if dataset in IMAGES else 1.0, max_iter=2000),
    "SVC": lambda seed, dataset: RbfSVC(),
    "SVC, C=10": lambda seed, dataset: RbfSVC(C=10),
    "forest": lambda seed, dataset: RandomForestClassifier(200, random_state=seed),
    "extra trees": lambda seed, dataset: ExtraTreesClassifier(200, random_state=seed),
    "MLP": lambda seed, dataset: MLPClassifier(max_iter=300, random_state=seed),
}
QUICK = [name for name in CLASSIFIERS if name != "MLP"]


class OneScale(TransformerMixin, BaseEstimator):
    """Centre the columns, and divide all by one standard deviation: the spread of each says what it is worth."""

    def fit(self, Z: np.ndarray, y: Any = None) -> OneScale:
        """Learn the centre and the scale of features ``(n, d)``."""
        self.mean_, self.scale_ = Z.mean(0), Z.std()
        return self

    def transform(self, Z: np.ndarray) -> np.ndarray:
        """Return the features ``(n, d)``, scaled."""
        return (Z - self.mean_) / self.scale_


def last(minutes: float, make: Make) -> Make:
    """Return a function that makes pretrainers that train for `minutes`, judged by the speed on a tenth of the rows."""

    def timed(seed: int, dataset: str) -> Any:
        estimator = make(seed, dataset)
        if getattr(estimator, "max_epochs", 0) == 0:
            return estimator
        X = split(dataset, seed)[0]
        few = clone(estimator).set_params(max_epochs=1, on_collapse="ignore")
        start = time.perf_counter()
        few.fit(X[::10])
        seconds = 10 * (time.perf_counter() - start)
        return estimator.set_params(max_epochs=max(1, int(60 * minutes / seconds)))

    return timed


def run(
    dataset: str, kind: str, make: Make, classifiers: dict[str, Make], draws: dict[int, list[int]]
) -> Iterator[dict]:
    """Yield a row for each classifier, draw and number of labels; all draws share the features.

    `draws` maps a draw to its numbers of labels per class.
    """
    seed = 0 if dataset in OWN_SPLIT else min(draws)
    X, X_test, y, y_test = split(dataset, seed)
    scaler = OneScale() if kind in ONE_SCALE else StandardScaler(copy=False)
    first = make_pipeline(make(seed, dataset), *([] if kind in AS_THEY_ARE else [scaler]))
    pipelines = {
        name: make_pipeline(*first, classifier(min(draws), dataset))
        for name, classifier in classifiers.items()
    }
    found = label_efficiency(
        pipelines,
        np.concatenate([X, X_test]),
        np.concatenate([y, y_test]),
        budgets=sorted(set().union(*draws.values())),
        cv=[(np.arange(len(X)), len(X) + np.arange(len(X_test)))],
        n_draws=max(draws) - min(draws) + 1,
        random_state=min(draws),
    )
    for (i, name), (b, budget), (draw, labels) in itertools.product(
        enumerate(pipelines), enumerate(found.budgets), draws.items()
    ):
        if budget in labels:
            accuracy = 100 * found.scores[i, b, draw - min(draws)]
            values = (dataset, budget, draw, kind, name, accuracy, found.fit_seconds[i, 0])
            yield dict(zip(COLUMNS, values, strict=True))


def compare(
    path: Path,
    datasets: Sequence[str],
    features: dict[str, Make],
    classifiers: dict[str, Make] = CLASSIFIERS,
    labels: Sequence[int] = (5,),
    draws: int = 10,
) -> pd.DataFrame:
    """Measure what is missing in the CSV file `path`, and return the requested rows as a DataFrame."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(",".join(COLUMNS) + "\n")
    keys = ["dataset", "features", "draw", "labels"]
    table = pd.read_csv(path)
    counts = table[table.classifier.isin(classifiers)].groupby(keys).classifier.nunique()
    done = set(counts[counts == len(classifiers)].index)
    jobs = []
    for dataset in datasets:
        together = [range(draws)] if dataset in OWN_SPLIT else [[draw] for draw in range(draws)]
        kinds = [kind for kind in features if kind not in OF_IMAGES or dataset in IMAGES]
        jobs += [(dataset, kind, group) for group in together for kind in kinds]
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        for dataset, kind, group in tqdm(jobs, unit="fit"):
            left = {s: [n for n in labels if (dataset, kind, s, n) not in done] for s in group}
            left = {draw: budgets for draw, budgets in left.items() if budgets}
            if left:
                writer.writerows(list(run(dataset, kind, features[kind], classifiers, left)))
                file.flush()
    table = pd.read_csv(path)
    table = table.drop_duplicates([*keys, "classifier"], keep="last")
    wanted = table.dataset.isin(datasets) & table.features.isin(features) & (table.draw < draws)
    table = table[wanted & table.labels.isin(labels) & table.classifier.isin(classifiers)]
    return table.sort_values("features", key=lambda kinds: kinds.map(list(features).index), kind="stable")


def report(table: pd.DataFrame) -> Iterator[str]:
    """Yield Markdown: for each number of labels, the means and then each dataset."""
    for budget, part in table.groupby("labels"):
        wide = part.pivot_table(
            index=["dataset", "draw"], columns=["features", "classifier"], values="accuracy", sort=False
        )
        yield f"## {budget} labels per class\n"
        yield from means(wide)
        yield from gains(wide)
        yield from each_dataset(wide)
    yield "Seconds to fit the features and to compute them, mean over draws:\n"
    yield from markdown(table.groupby(["dataset", "features"], sort=False).fit_seconds.mean().unstack())


def means(wide: pd.DataFrame) -> Iterator[str]:
    yield "Accuracy in %, mean over datasets and draws:\n"
    yield from markdown(wide.groupby("dataset").mean().mean().unstack(sort=False))


def gains(wide: pd.DataFrame) -> Iterator[str]:
    """Yield paired differences of the means over datasets, with the standard error over draws."""
    wide = wide.dropna(axis="columns")  # some features exist for images only
    kinds = list(dict.fromkeys(wide.columns.get_level_values(0)))
    rivals = [column for column in wide.columns if column[0] in LEARNED_NOTHING]
    best = max(rivals, key=lambda column: wide[column].groupby("dataset").mean().mean())
    for kind in kinds:
        if kind in LEARNED_NOTHING:
            continue
        ours = max(
            [(kind, "LR"), (kind, "extra trees")], key=lambda c: wide[c].groupby("dataset").mean().mean()
        )
        more = "untrained" in kinds and kind not in NOT_TRAINED
        each = (wide[kind, "LR"] - wide["raw", "LR"]).groupby("dataset").mean()
        least = f" (the least {each.min():+.1f}, {each.idxmin()})" if len(each) > 1 else ""
        yield (
            f"- {kind}, LR: {paired(wide[kind, 'LR'] - wide['raw', 'LR'])} over raw LR{least}. {ours[1]}: "
            f"{paired(wide[ours] - wide[best])} over {best[0]} {best[1]} (the best of each, in hindsight)."
            + (
                f" LR: {paired(wide[kind, 'LR'] - wide['untrained', 'LR'])} over untrained LR."
                if more
                else ""
            )
        )
    yield ""


def paired(difference: pd.Series) -> str:
    """Return the mean of a difference over datasets, ± its standard error over draws."""
    draws = difference.groupby("draw").mean()
    error = f"{draws.std(ddof=1) / np.sqrt(len(draws)):.1f}" if len(draws) > 1 else "?"
    return f"{draws.mean():+.1f} ± {error}"


def each_dataset(wide: pd.DataFrame) -> Iterator[str]:
    rows = {}
    kinds = list(dict.fromkeys(wide.columns.get_level_values(0)))
    for dataset, part in wide.groupby("dataset", sort=False):
        shown = [(kind, name) for name in ("LR", "extra trees") for kind in kinds if kind != "raw, asinh"]
        rows[dataset] = {f"{kind} {name}": part[kind, name].mean() for kind, name in shown}
        for kind in kinds:
            if kind not in (*LEARNED_NOTHING, *NOT_TRAINED):
                rows[dataset][f"{kind} - raw, LR"] = paired(part[kind, "LR"] - part["raw", "LR"])
    yield from markdown(pd.DataFrame.from_dict(rows, orient="index"))


def markdown(frame: pd.DataFrame) -> Iterator[str]:
    yield "| | " + " | ".join(map(str, frame.columns)) + " |"
    yield "|---|" + "---|" * len(frame.columns)
    for name, row in frame.iterrows():
        cells = (value if isinstance(value, str) else f"{value:.1f}" for value in row)
        yield f"| {name} | " + " | ".join(cells) + " |"
    yield ""


def plot(table: pd.DataFrame, path: Path) -> None:
    """Draw the accuracy of all features under LR and extra trees, with a group of bars for each dataset."""
    from matplotlib.figure import Figure

    panels = [(budget, name) for budget in sorted(set(table.labels)) for name in ("LR", "extra trees")]
    n_bars = table.dataset.nunique() * table.features.nunique()
    size = (min(24, max(8, 0.2 * n_bars)), 1 + 3 * len(panels))
    figure = Figure(figsize=size, layout="constrained")
    for ax, (budget, name) in zip(figure.subplots(len(panels), 1, sharex=True), panels, strict=True):
        part = table[(table.labels == budget) & (table.classifier == name)]
        groups = part.groupby(["dataset", "features"], sort=False).accuracy
        errors = groups.sem().unstack(sort=False)
        bars = groups.mean().unstack(sort=False)
        colours = "tab20" if bars.shape[1] > 10 else None
        bars.plot.bar(ax=ax, yerr=errors, rot=30, legend=False, capsize=2, width=0.85, colormap=colours)
        bottom = 10 * int(bars.min().min() // 10)
        ax.set(title=f"{name}, {budget} labels per class", xlabel="", ylim=(bottom, 100))
        ax.set_ylabel("accuracy, % (± standard error)")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside right upper", title="features")
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, then write the CSV file, a Markdown report and a figure."""
    parser = arguments(__doc__)
    parser.add_argument("--datasets", nargs="+", default=FIVE, metavar="NAME")
    parser.add_argument("--features", nargs="+", default=USUAL, choices=FEATURES, metavar="KIND")
    parser.add_argument("--labels", nargs="+", type=int, default=[5], metavar="N", help="labels per class")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--classifiers", nargs="+", default=QUICK, choices=CLASSIFIERS, metavar="NAME")
    parser.add_argument("--minutes", type=float, help="minutes of training for each pretrainer")
    parser.add_argument(
        "--out", default="tables", metavar="NAME", help="name of the files in benchmarks/results"
    )
    args = parser.parse_args()
    if "raw" not in args.features:
        parser.error("--features must include raw, which the others are compared with")
    if not {"LR", "extra trees"} <= set(args.classifiers):
        parser.error("--classifiers must include LR and 'extra trees', which the report needs")
    features = {kind: FEATURES[kind] for kind in args.features}
    if args.minutes:
        features = {kind: last(args.minutes, make) for kind, make in features.items()}
    classifiers = {name: CLASSIFIERS[name] for name in args.classifiers}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        path = RESULTS / f"{args.out}.csv"
        table = compare(path, args.datasets, features, classifiers, args.labels, args.draws)
    write(args.out, report(table))
    plot(table, RESULTS / f"{args.out}.png")


if __name__ == "__main__":
    main()
