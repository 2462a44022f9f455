"""Digits sampled from generative models: whether they look real, and whether all ten classes occur.

A VAE and a GAN learn from the digits that come with scikit-learn, with default settings. A second VAE has twice the
weight on its prior. Classifiers trained on real, labelled digits judge the samples: which digit each is, and how
confident they are, compared with real digits that they have not seen. Writes a figure. Look at it: numbers alone can
mislead.

    python benchmarks/samples.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from report import RESULTS, arguments, write
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_ssl import GANPretrainer, VAEPretrainer
from sklearn_ssl.modalities import Image

JUDGES = {"LR": LogisticRegression(max_iter=2000), "MLP": MLPClassifier(max_iter=500, random_state=0)}

MODELS: dict[str, tuple[Any, dict[str, Any]]] = {
    "VAE": (VAEPretrainer, {}),
    "VAE, beta=2": (VAEPretrainer, {"beta": 2.0}),
    "GAN": (GANPretrainer, {}),
}


def measure(seeds: int, n: int, path: Path, **settings: Any) -> Iterator[str]:
    """Yield the lines of a report, and draw the samples of the first seed."""
    from matplotlib.figure import Figure

    X, y = load_digits(return_X_y=True)
    X, X_test, y, _ = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
    judges = {name: make_pipeline(MinMaxScaler(clip=True), judge).fit(X, y) for name, judge in JUDGES.items()}
    drawn = {"real, held out": X_test[:n]}
    for seed in range(seeds):
        for name, (cls, own) in MODELS.items():
            model = cls(modality=Image(shape=(8, 8)), random_state=seed, **own, **settings).fit(X)
            drawn[f"{name}, seed {seed}"] = model.sample(n)
    yield f"{n} digits each. The mean of the largest probability, and how many of each class.\n"
    yield "| digits | " + " | ".join(f"sure, {name}" for name in judges) + " | classes 0 to 9, by the last |"
    yield "|---|" + "---|" * (len(judges) + 1)
    for name, images in drawn.items():
        chances = [judge.predict_proba(images) for judge in judges.values()]
        counts = np.bincount(chances[-1].argmax(1), minlength=10)
        sure = " | ".join(f"{chance.max(1).mean():.2f}" for chance in chances)
        yield f"| {name} | {sure} | {' '.join(map(str, counts))} |"
    yield ""
    shown = list(drawn.items())[: 1 + len(MODELS)]
    figure = Figure(figsize=(4 * len(shown), 4.3), layout="constrained")
    for ax, (name, images) in zip(figure.subplots(1, len(shown)), shown, strict=True):
        side = int(np.sqrt(len(images)))
        tiles = images[: side**2].reshape(side, side, 8, 8)
        tiles = np.pad(tiles, [(0, 0), (0, 0), (1, 1), (1, 1)])
        ax.imshow(tiles.transpose(0, 2, 1, 3).reshape(10 * side, 10 * side), cmap="gray_r", vmin=0, vmax=16)
        ax.set(title=name, xticks=[], yticks=[])
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure, then write a Markdown report and a figure."""
    parser = arguments(__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("-n", type=int, default=100, help="digits to sample from each model")
    parser.add_argument(
        "--out", default="samples", metavar="NAME", help="name of the files in benchmarks/results"
    )
    args = parser.parse_args()
    lines = measure(args.seeds, args.n, RESULTS / f"{args.out}.png", verbose=1)
    write(args.out, lines)


if __name__ == "__main__":
    main()
