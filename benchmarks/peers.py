"""The time of training against other packages: the same rows, batches and hidden layers.

Both sides alternate in one run, and medians are compared, so that a busy machine slows both. Precision is float32 on
all sides. Packages come with their loaders, which is much of the difference.

- ts3l trains by PyTorch Lightning; logging and checkpoints are off. Ours gets its network. Its loader takes one row
  after the other, in the same process; worker processes would have to be started in each epoch. The loss of its SCARF
  expands all pairs of embeddings, which would take most of the time, so one product of matrices stands in for it.
- TabNet's network is its own, so that line compares what users would run, not the same arithmetic.
- lightly's SimCLR has its transform, projector and loss, a loop as in its examples, and two processes that draw views.
  The encoder is ours on both sides. Its views change colours in more ways than ours do.

gensim and MiniSom are compared in ``speed_texts.py`` and ``som.py``. Each peer is measured if it can be imported. They
pin old versions of what this project needs, so install them without what they ask for:

    pip install pytorch-lightning torchmetrics torchvision hydra-core lightly-utils
    pip install --no-deps ts3l pytorch-tabnet lightly
    python benchmarks/peers.py
"""

from __future__ import annotations

import importlib.util
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from label_efficiency import markdown
from others import TabNet, Ts3l
from report import arguments, write
from speed import draw
from torch import Tensor, nn
from tqdm.auto import tqdm

from sklearn_ssl import ContrastivePretrainer, MaskedPretrainer
from sklearn_ssl.modalities import Image

BATCH, WIDTH, COLUMNS = 256, 256, 64
IMAGES = (32, 32, 3)
Fit = Callable[[np.ndarray, int], Any]


def backbone() -> nn.Sequential:
    """Return the network that ts3l has: three hidden layers, and one more for the features."""
    layers: list[nn.Module] = []
    for n_in in (COLUMNS, WIDTH, WIDTH):
        layers += [nn.Linear(n_in, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(WIDTH, WIDTH))


def ours(cls: type, **params: Any) -> Fit:
    """Return a fit of one of our pretrainers of tables, with the network of ts3l."""

    def fit(X: np.ndarray, epochs: int) -> None:
        encoder = backbone()
        settings = {"batch_size": BATCH, "max_epochs": epochs, "precision": "float32", "random_state": 0}
        cls(encoder=encoder, **settings, **params).fit(X)

    return fit


def on_images(X: np.ndarray, epochs: int) -> None:
    """Fit our SimCLR on images."""
    settings = {"batch_size": BATCH, "max_epochs": epochs, "precision": "float32", "random_state": 0}
    ContrastivePretrainer(modality=Image(), **settings).fit(X)


def of_ts3l(method: str) -> Fit:
    """Return a fit of one of ts3l's pretrainers, with three hidden layers."""
    return lambda X, epochs: Ts3l(method, epochs, BATCH).fit(X)


def of_tabnet(X: np.ndarray, epochs: int) -> None:
    """Pretrain TabNet by the values of masked cells."""
    TabNet(epochs, batch_size=BATCH).fit(X)


def of_lightly(X: np.ndarray, epochs: int) -> None:
    """Fit SimCLR as in lightly's examples."""
    from lightly.loss import NTXentLoss
    from lightly.models.modules import SimCLRProjectionHead
    from lightly.transforms import SimCLRTransform
    from PIL import Image as Picture
    from torch.utils.data import DataLoader, Dataset

    transform = SimCLRTransform(input_size=IMAGES[0], gaussian_blur=0.0)  # as for CIFAR-10

    class Views(Dataset):
        def __len__(self) -> int:
            return len(X)

        def __getitem__(self, i: int) -> list[Tensor]:
            return transform(Picture.fromarray(X[i]))

    modality = Image().fit(X)
    encoder = modality.encoder("auto", None)
    with torch.no_grad():
        width = encoder.eval()(modality.validate(X[:2])[np.arange(2)]).shape[1]
    model = nn.Sequential(encoder, SimCLRProjectionHead(width, 256, 128)).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    loss_of = NTXentLoss(temperature=0.5)
    batches = DataLoader(Views(), BATCH, shuffle=True, drop_last=True, num_workers=2, persistent_workers=True)
    for _ in range(epochs):
        for a, b in batches:
            loss = loss_of(model(a), model(b))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


# name: (package, its fit, ours)
PEERS: dict[str, tuple[str, Fit, Fit]] = {
    "SCARF of ts3l": ("ts3l", of_ts3l("SCARF"), ours(ContrastivePretrainer)),
    "VIME of ts3l": ("ts3l", of_ts3l("VIME"), ours(MaskedPretrainer, mask_weight=1.0)),
    "DAE of ts3l": ("ts3l", of_ts3l("DAE"), ours(MaskedPretrainer, mask_weight=1.0)),
    "binning of ts3l": ("ts3l", of_ts3l("TabularBinning"), ours(MaskedPretrainer, target="bin")),
    "TabNet": ("pytorch_tabnet", of_tabnet, ours(MaskedPretrainer)),
    "SimCLR of lightly": ("lightly", of_lightly, on_images),
}


def images(n: int) -> np.ndarray:
    """Return smooth pictures in colour."""
    return np.moveaxis(draw(n * IMAGES[2], IMAGES[:2]).reshape(n, IMAGES[2], *IMAGES[:2]), 1, -1)


def seconds(fit: Fit, X: np.ndarray, epochs: int) -> float:
    """Return the time of training alone: that of some epochs, less that of one."""
    started = time.perf_counter()
    fit(X, 1)
    one = time.perf_counter()
    fit(X, 1 + epochs)
    return time.perf_counter() - one - (one - started)


def measure(names: list[str], n: int, epochs: int, rounds: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each peer that is installed."""
    for name in tqdm(names, unit="peer"):
        package, theirs, own = PEERS[name]
        # an image costs some twenty times as much as a row of a table
        X = images(n // 10) if package == "lightly" else draw(n, (COLUMNS,)).astype(np.float32)
        steps = epochs * (len(X) // BATCH)
        if importlib.util.find_spec(package) is None:
            continue
        for fit in (theirs, own):
            fit(X, 1)  # what libraries do once
        pairs = [(seconds(theirs, X, epochs), seconds(own, X, epochs)) for _ in range(rounds)]
        yield {
            "peer": name,
            "s per 1,000 steps": 1000 * statistics.median(a for a, _ in pairs) / steps,
            "ours": 1000 * statistics.median(b for _, b in pairs) / steps,
            "times as fast": statistics.median(a / b for a, b in pairs),
        }


def main() -> None:
    """Measure, and write a Markdown report."""
    parser = arguments(__doc__)
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", default="peers", metavar="NAME", help="name of the report")
    args = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pd.DataFrame(measure(args.peers, args.rows, args.epochs, args.rounds))
    if found.empty:
        raise SystemExit("None of the peers is installed. See --help.")
    write(args.out, markdown(found.set_index("peer")))


if __name__ == "__main__":
    main()
