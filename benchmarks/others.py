"""Pretrainers of other packages as transformers of tables, to compare with.

Settings are those of the packages, but for what is said here. Those of ts3l have three hidden layers of 256, a learning
rate of 0.001, and no dropout. SCARF has the corruption rate and the temperature of its paper, and a loss by one product
of matrices, since that of ts3l expands all pairs of embeddings.

ts3l and pytorch-tabnet pin old versions of what this project needs, so install them without what they ask for:

    pip install pytorch-lightning torchmetrics && pip install --no-deps ts3l pytorch-tabnet
"""

from __future__ import annotations

import importlib
import logging
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from sklearn.base import BaseEstimator, TransformerMixin
from torch import Tensor, nn

# name: (module of the configuration and the rows, collate function, parameters)
METHODS: dict[str, tuple[str, str | None, dict[str, Any]]] = {
    "SCARF": ("scarf_utils", None, {"corruption_rate": 0.6, "tau": 1.0}),
    "VIME": ("vime_utils", None, {}),
    "DAE": ("dae_utils", "DAECollateFN", {"dropout_rate": 0.0}),
    "SubTab": ("subtab_utils", None, {}),
    "TabularBinning": (
        "tabularbinning_utils",
        "TabularBinningFirstPhaseCollateFN",
        {"decoder_dim": 256, "decoder_depth": 1, "dropout_rate": 0.0},
    ),
}


class NTXent(nn.Module):
    """The contrastive loss at a temperature of 1."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the loss of embeddings ``(n, d)`` of two views."""
        z = F.normalize(torch.cat([a, b]), dim=1)
        logits = (z @ z.T).fill_diagonal_(-torch.inf)
        return F.cross_entropy(logits, torch.arange(len(z)).roll(len(a)))


class Ts3l(TransformerMixin, BaseEstimator):
    """A pretrainer of ts3l, which takes standardised columns of numbers.

    SubTab needs eight columns: with fewer it leaves some out, and it fails with three.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    max_epochs : int
    batch_size : int, default=256
    random_state : int, default=0
    """

    def __init__(self, method: str, max_epochs: int, batch_size: int = 256, random_state: int = 0):
        self.method = method
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: Any = None) -> Ts3l:
        """Train on rows."""
        import pytorch_lightning
        from ts3l import pl_modules
        from ts3l.utils import TS3LDataModule
        from ts3l.utils.backbone_utils import MLPBackboneConfig
        from ts3l.utils.embedding_utils import IdentityEmbeddingConfig

        logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
        name, collate, own = METHODS[self.method]
        if self.method in ("VIME", "DAE"):
            own = {**own, "num_continuous": X.shape[1]}
        utils = importlib.import_module(f"ts3l.utils.{name}")
        backbone = {"hidden_dims": 256, "n_hiddens": 3, "output_dim": 256, "dropout_rate": 0.0}
        config = getattr(utils, f"{self.method}Config")(
            task="classification",
            loss_fn="CrossEntropyLoss",
            embedding_config=IdentityEmbeddingConfig(input_dim=X.shape[1]),
            backbone_config=MLPBackboneConfig(input_dim=X.shape[1], **backbone),
            output_dim=2,
            optim_hparams={"lr": 1e-3},
            random_seed=self.random_state,
            **own,
        )
        frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
        takes = {} if self.method in ("DAE", "SubTab") else {"config": config}
        rows = getattr(utils, f"{self.method}Dataset")(
            X=frame, continuous_cols=list(frame), category_cols=[], **takes
        )
        means = {"constant_x_bar": X.mean(0)} if self.method == "TabularBinning" else {}
        joined = getattr(utils, collate)(config, **means) if collate else None
        batch = min(self.batch_size, len(X))
        data = TS3LDataModule(
            rows, rows, batch, train_sampler="random", train_collate_fn=joined, n_jobs=0, drop_last=True
        )
        trainer = pytorch_lightning.Trainer(
            accelerator="cpu",
            max_epochs=self.max_epochs,
            limit_val_batches=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        module = getattr(pl_modules, f"{self.method}Lightning")(config)
        if self.method == "SCARF":
            module.contrastive_loss = NTXent()
        trainer.fit(module, data)
        self.module_ = module
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Return what the head of its second phase is given."""
        self.module_.set_second_phase(freeze_encoder=True)
        model, found = self.module_.eval().model, []
        if self.method == "SubTab":
            model.mask_ratio = 0.0  # or it would go on hiding cells
        head = model.predictor if self.method == "VIME" else model.head
        # a copy, since some heads begin with a ReLU in place
        hook = head.register_forward_pre_hook(lambda module, inputs: found.append(inputs[0].clone()))
        with torch.no_grad():
            model(torch.as_tensor(np.asarray(X), dtype=torch.float32))
        hook.remove()
        return found[0].numpy()


class TabNet(TransformerMixin, BaseEstimator):
    """The pretrainer of pytorch-tabnet, which predicts masked cells of columns of numbers.

    Parameters
    ----------
    max_epochs : int
    width : int, default=8
        Number of features.
    batch_size : int, default=256
    random_state : int, default=0
    """

    def __init__(self, max_epochs: int, width: int = 8, batch_size: int = 256, random_state: int = 0):
        self.max_epochs = max_epochs
        self.width = width
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: Any = None) -> TabNet:
        """Train on rows."""
        from pytorch_tabnet.pretraining import TabNetPretrainer

        batch = min(self.batch_size, len(X))
        self.module_ = TabNetPretrainer(n_d=self.width, n_a=self.width, verbose=0, seed=self.random_state)
        self.module_.fit(
            np.asarray(X, np.float32),
            max_epochs=self.max_epochs,
            batch_size=batch,
            num_workers=0,
            drop_last=True,
        )
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Return the sum of the outputs of the encoder's steps."""
        network = self.module_.network.eval()
        with torch.no_grad():
            steps, _ = network.encoder(network.embedder(torch.as_tensor(np.asarray(X, np.float32))))
        return torch.stack(steps).sum(0).numpy()
