"""The time of training against other packages for tables: the same rows, batches, steps and hidden layers.

Both sides alternate in one run, and medians are compared, so that a busy machine slows both. ts3l trains by PyTorch
Lightning, with its own loaders in the same process; logging and checkpoints are off. The loss of its SCARF expands all
pairs of embeddings, which would take most of the time, so ours, by one product of matrices, stands in for it: what is
compared is the rest. TabNet's network is its own, so that line compares what users would run, not the same arithmetic.
Precision is float32 on all sides.

Each peer is measured if it can be imported. They pin old versions of what this project needs, so install them without
what they ask for:

    pip install pytorch-lightning torchmetrics && pip install --no-deps ts3l pytorch-tabnet
    python benchmarks/peers.py
"""

from __future__ import annotations

import importlib.util
import logging
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from label_efficiency import markdown
from report import arguments, write
from speed import draw
from torch import Tensor, nn
from tqdm.auto import tqdm

from sklearn_ssl import ContrastivePretrainer, MaskedPretrainer
from sklearn_ssl.encoders import MLP

BATCH, WIDTH, COLUMNS = 256, 256, 64
Fit = Callable[[np.ndarray, int], Any]


def ours(cls: Any) -> Fit:
    """Return a fit of one of our pretrainers with three hidden layers."""

    def fit(X: np.ndarray, epochs: int) -> None:
        encoder = MLP(COLUMNS, widths=(WIDTH,) * 3, n_directions=0)
        cls(encoder=encoder, batch_size=BATCH, max_epochs=epochs, precision="float32", random_state=0).fit(X)

    return fit


class NTXent(nn.Module):
    """The contrastive loss at a temperature of 0.5, by one product of matrices."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the loss of embeddings ``(n, d)`` of two views."""
        z = F.normalize(torch.cat([a, b]), dim=1)
        logits = (z @ z.T / 0.5).fill_diagonal_(-torch.inf)
        return F.cross_entropy(logits, torch.arange(len(z)).roll(len(a)))


def of_ts3l(method: str) -> Fit:
    """Return a fit of one of ts3l's pretrainers with three hidden layers."""

    def fit(X: np.ndarray, epochs: int) -> None:
        import pytorch_lightning
        from ts3l import pl_modules
        from ts3l.utils import TS3LDataModule, scarf_utils, vime_utils
        from ts3l.utils.backbone_utils import MLPBackboneConfig
        from ts3l.utils.embedding_utils import IdentityEmbeddingConfig

        shared = {
            "task": "classification",
            "loss_fn": "CrossEntropyLoss",
            "embedding_config": IdentityEmbeddingConfig(input_dim=COLUMNS),
            "backbone_config": MLPBackboneConfig(
                input_dim=COLUMNS, hidden_dims=WIDTH, n_hiddens=3, output_dim=WIDTH, dropout_rate=0.0
            ),
            "output_dim": 2,
        }
        if method == "SCARF":
            utils, config = scarf_utils, scarf_utils.SCARFConfig(**shared, corruption_rate=0.3, tau=0.5)
        else:
            utils, config = vime_utils, vime_utils.VIMEConfig(**shared, num_continuous=COLUMNS)
        frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
        rows = getattr(utils, f"{method}Dataset")(
            X=frame, config=config, continuous_cols=list(frame), category_cols=[]
        )
        data = TS3LDataModule(rows, rows, BATCH, train_sampler="random", n_jobs=0, drop_last=True)
        trainer = pytorch_lightning.Trainer(
            accelerator="cpu",
            max_epochs=epochs,
            limit_val_batches=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        module = getattr(pl_modules, f"{method}Lightning")(config)
        if method == "SCARF":
            module.contrastive_loss = NTXent()
        trainer.fit(module, data)

    return fit


def of_tabnet(X: np.ndarray, epochs: int) -> None:
    """Pretrain TabNet by the values of masked cells."""
    from pytorch_tabnet.pretraining import TabNetPretrainer

    TabNetPretrainer(verbose=0).fit(X, max_epochs=epochs, batch_size=BATCH, num_workers=0, drop_last=True)


# name: (package, its fit, ours)
PEERS: dict[str, tuple[str, Fit, Fit]] = {
    "SCARF of ts3l": ("ts3l", of_ts3l("SCARF"), ours(ContrastivePretrainer)),
    "VIME of ts3l": ("ts3l", of_ts3l("VIME"), ours(MaskedPretrainer)),
    "TabNet": ("pytorch_tabnet", of_tabnet, ours(MaskedPretrainer)),
}


def seconds(fit: Fit, X: np.ndarray, epochs: int) -> float:
    """Return the time of training alone: that of some epochs, less that of one."""
    started = time.perf_counter()
    fit(X, 1)
    one = time.perf_counter()
    fit(X, 1 + epochs)
    return time.perf_counter() - one - (one - started)


def measure(names: list[str], n: int, epochs: int, rounds: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each peer that is installed."""
    X = draw(n, (COLUMNS,)).astype(np.float32)
    steps = epochs * (n // BATCH)
    for name in tqdm(names, unit="peer"):
        package, theirs, own = PEERS[name]
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
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pd.DataFrame(measure(args.peers, args.rows, args.epochs, args.rounds))
    if found.empty:
        raise SystemExit("None of the peers is installed. See --help.")
    write(args.out, markdown(found.set_index("peer")))


if __name__ == "__main__":
    main()
