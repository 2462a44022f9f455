"""Image enhancement: a denoising autoencoder cleans noisy digits that it has not seen.

The autoencoder learns from clean digits, to which it adds noise of its own (`noise=`). Held-out digits get noise
that is clipped to the range of the pixels, and ``inverse_transform`` of ``transform`` cleans them. The rival is PCA,
with the number of components that leaves the least error on the training digits. Writes a figure and a report.

    python benchmarks/enhancement.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from datasets import IMAGES, load
from report import RESULTS, arguments, write
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from sklearn_ssl import AutoencoderPretrainer
from sklearn_ssl.inspection import ReconstructionDisplay
from sklearn_ssl.modalities import Image

STRENGTHS = (0.1, 0.25, 0.5)  # standard deviation of the noise, as a share of the range of the pixels


def spoil(X: np.ndarray, strength: float, seed: int) -> np.ndarray:
    """Add Gaussian noise and clip to the range of X."""
    noise = np.random.default_rng(seed).normal(scale=strength * X.max(), size=X.shape)
    return np.clip(X + noise, X.min(), X.max())


def best_components(X: np.ndarray, noisy: np.ndarray) -> PCA:
    """Return the PCA of X that denoises `noisy` best."""

    def error(pca: PCA) -> float:
        return ((pca.inverse_transform(pca.transform(noisy)) - X) ** 2).mean()

    counts = [n for n in (2, 4, 8, 16, 24, 32, 48, 64, 96, 128) if n <= X.shape[1]]
    return min((PCA(n, random_state=0).fit(X) for n in counts), key=error)


def measure(dataset: str, epochs: int | str, path: Path) -> Iterator[str]:
    """Yield the lines of a report, and draw the digits with the middle strength of noise."""
    X, y = load(dataset)
    X, X_test, _, y_test = train_test_split(X.astype(float), y, test_size=0.3, stratify=y, random_state=0)
    digits = Image(shape=IMAGES[dataset])
    ae = AutoencoderPretrainer(modality=digits, max_epochs=epochs, random_state=0, verbose=1).fit(X)
    yield f"Squared error of {len(X_test)} held-out images of {dataset}; the range of a pixel is {X.max():g}.\n"
    yield "| noise | before | after | by principal components |"
    yield "|---|---|---|---|"
    for strength in STRENGTHS:
        noisy = spoil(X_test, strength, seed=1)
        cleaned = ae.inverse_transform(ae.transform(noisy))
        pca = best_components(X, spoil(X, strength, seed=0))
        linear = pca.inverse_transform(pca.transform(noisy))
        before, after, rival = (((images - X_test) ** 2).mean() for images in (noisy, cleaned, linear))
        yield f"| {strength:g} | {before:.2f} | {after:.2f} | {rival:.2f} ({pca.n_components}) |"
        if strength == STRENGTHS[1]:
            first = np.array([np.flatnonzero(y_test == c)[0] for c in np.unique(y_test)])
            display = ReconstructionDisplay.from_estimator(ae, X_test[first], X_noisy=noisy[first])
            display.figure_.savefig(path, dpi=120)
    yield ""


def main() -> None:
    """Measure, then write a Markdown report and a figure."""
    parser = arguments(__doc__)
    parser.add_argument("--dataset", default="digits", choices=list(IMAGES))
    parser.add_argument("--epochs", default="auto", type=lambda text: text if text == "auto" else int(text))
    parser.add_argument(
        "--out", default="enhancement", metavar="NAME", help="name of the files in benchmarks/results"
    )
    args = parser.parse_args()
    lines = measure(args.dataset, args.epochs, RESULTS / f"{args.out}.png")
    write(args.out, lines)


if __name__ == "__main__":
    main()
