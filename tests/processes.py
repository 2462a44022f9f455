"""What two processes run, as torchrun starts them, for test_distributed.py: ``python processes.py folder n_steps``."""

import io
import os
import pickle
import shutil
import sys
import time
from contextlib import ExitStack, contextmanager, redirect_stderr
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from sklearn.base import clone
from sklearn.decomposition import PCA
from skorch.callbacks import Callback
from torch import nn

from sklearn_ssl import (
    AutoencoderPretrainer,
    AutoregressivePretrainer,
    ContrastivePretrainer,
    DistillationPretrainer,
    FineTuneClassifier,
    MaskedPretrainer,
    PredictiveCodingPretrainer,
    SiamesePretrainer,
    VAEPretrainer,
    load,
)
from sklearn_ssl.encoders import TemporalConvNet, TokenConvNet
from sklearn_ssl.methods import _predictive_coding
from sklearn_ssl.modalities import Series, Tabular, Text
from sklearn_ssl.training import all_rows, join, weights_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(41, 6)) @ RNG.normal(size=(6, 6))  # an odd number: the processes have different shares
WALKS = RNG.normal(size=(25, 24)).cumsum(1)
TEXTS = ["the cat sat on the mat", "a dog", "the dog sat", "a cat on a mat and a dog", "and a cat"] * 5
SETTINGS = {"random_state": 0, "precision": "float32", "lr": 3e-4}


def network(n_in, n_out):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Linear(n_in, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, n_out)
        )


def of_tokens(causal):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return TokenConvNet(14, width=16, causal=causal)


def of_steps():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return TemporalConvNet(1, 8, width=16, causal=True)


def on_rows(cls, **params):
    return cls(encoder=network(6, 8), **params), X


def on_texts(cls, causal, **params):
    return cls(encoder=of_tokens(causal), modality=Text(), **params), TEXTS


CASES = {
    "contrastive": lambda: on_rows(ContrastivePretrainer),
    "byol": lambda: on_rows(SiamesePretrainer, loss="byol"),
    "simsiam": lambda: on_rows(SiamesePretrainer, loss="simsiam"),
    "barlow twins": lambda: on_rows(SiamesePretrainer, loss="barlow_twins"),
    "vicreg": lambda: on_rows(SiamesePretrainer, loss="vicreg"),
    "masked": lambda: on_rows(MaskedPretrainer, visible_weight=0.0, mask_weight=0.5),
    "autoencoder": lambda: on_rows(AutoencoderPretrainer),
    "vae": lambda: on_rows(VAEPretrainer, n_components=4),
    "distillation": lambda: on_rows(DistillationPretrainer, teacher=PCA(4).fit(X)),
    "masked texts": lambda: on_texts(MaskedPretrainer, False, mask_weight=0.5),
    "next tokens": lambda: on_texts(AutoregressivePretrainer, True),
    "predictive texts": lambda: on_texts(PredictiveCodingPretrainer, True, n_negatives=8),
    "predictive walks": lambda: (
        PredictiveCodingPretrainer(encoder=of_steps(), modality=Series(), n_negatives=8),
        WALKS,
    ),
}


def drawn(chances, n=1):
    """Return what stands at even places of the distribution, in place of random draws."""
    sums = chances.cumsum(-1)
    places = sums[..., -1:] * (torch.arange(n) + 0.5) / n
    return torch.searchsorted(sums, places.contiguous())


@contextmanager
def without_chance():
    """Let views, masks and draws depend on the rows alone."""

    def hide(table, x, rate):
        hidden = torch.sin(50 * x) > 0.2
        return x.masked_fill(hidden, 0.0), hidden

    def hide_tokens(text, x, rate):
        hidden = (x.ids % 3 == 0) & x.present()
        return x._replace(ids=x.ids.masked_fill(hidden, 1)), hidden

    with ExitStack() as stack:
        for owner, name, value in (
            (Tabular, "views", lambda table, x: (x + 0.3 * torch.sin(9 * x), x + 0.3 * torch.cos(7 * x))),
            (Tabular, "noisy", lambda table, x, noise: x + 0.3 * torch.sin(9 * x)),
            (Tabular, "mask", hide),
            (Text, "mask", hide_tokens),
            (torch, "randn_like", lambda x: torch.sin(9 * x.detach())),
            (_predictive_coding, "_draw", drawn),
            (_predictive_coding, "draw_one", drawn),
        ):
            stack.enter_context(mock.patch.object(owner, name, value))
        yield


def bits(est):
    return {name: value.numpy().tobytes() for name, value in weights_of(est.net_.module_).items()}


class Norms(Callback):
    """Notes the norm of the gradient in each step: Adam would take the same steps with any multiple of it."""

    def on_train_begin(self, net, **kwargs):
        self.norms_ = []

    def on_grad_computed(self, net, named_parameters, **kwargs):
        squares = [p.grad.double().square().sum() for _, p in named_parameters if p.grad is not None]
        self.norms_.append(float(sum(squares) ** 0.5))


def losses(name, n_steps):
    """Return the loss of each step, one step an epoch, the weights after them, and the norm of the first gradient."""
    est, rows = CASES[name]()
    norms = Norms()
    with without_chance():
        est.set_params(**SETTINGS, max_epochs=n_steps, batch_size=64, callbacks=[norms]).fit(rows)
    return [row["train_loss"] for row in est.history_], bits(est), norms.norms_[0]


def small(**params):
    return ContrastivePretrainer(
        encoder=network(6, 8), **{**SETTINGS, "max_epochs": 3, "batch_size": 10, **params}
    )


class Copy(Callback):
    """Copies a folder as it is after some epochs."""

    def __init__(self, folder, to, epochs):
        self.folder, self.to, self.epochs = folder, to, epochs

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == self.epochs + 1:
            shutil.copytree(self.folder, self.to)


class Fail(Callback):
    def on_batch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise OSError("the disk is full")


def message(work):
    try:
        work()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "none"


def normalised(world):
    """Return batch norm of this process's rows, its gradients and running statistics, for two to four axes."""
    out = []
    for shape in ((7, 3), (7, 3, 5), (7, 3, 4, 4)):
        x = torch.sin(torch.arange(float(np.prod(shape)))).view(shape).requires_grad_()
        norm = nn.BatchNorm1d(3) if len(shape) < 4 else nn.BatchNorm2d(3)

        def step(batch, norm=norm):
            y = norm(batch[0])
            (all_rows(y) ** 3 * torch.cos(torch.arange(3.0)).view(1, 3, *[1] * (y.ndim - 2))).sum().backward()
            return y.detach()

        if world is None:
            y = step((x,))
            grads = [p.grad for p in norm.parameters()]
        else:
            y = all_rows_of(world, world.step(step, (x[world.own(np.arange(7))],)))
            for p in (x, *norm.parameters()):
                torch.distributed.all_reduce(p.grad)
            x.grad /= world.size  # each of the processes has the whole loss
            grads = [p.grad / world.size for p in norm.parameters()]
        out.append([t.numpy() for t in (y, x.grad, *grads, norm.running_mean, norm.running_var)])
    return out


def all_rows_of(world, y):
    return torch.cat(world.all_of(y))


def main(folder, n_steps):
    rank = int(os.environ["RANK"])
    mine = folder / f"of {rank}"
    mine.mkdir()
    found = {name: losses(name, n_steps) for name in CASES}
    world = join("cpu")
    found["normalised"] = normalised(world)
    # no seed, and the views of the library
    found["no seed"] = bits(small(random_state=None).fit(X))
    # only the first writes, and all go on from its file
    copy = Copy(mine / "a", mine / "b", 2) if rank == 0 else Callback()
    whole = small(checkpoint=mine / "a", max_epochs=4, callbacks=[("copy", copy)])
    resumed = small(checkpoint=mine / "b", max_epochs=4, callbacks=[("copy", Callback())])
    found["whole"], found["resumed"] = bits(whole.fit(X)), bits(resumed.fit(X))
    found["n_resumed"] = resumed.net_.n_resumed
    whole.save(mine / "saved")
    found["files"] = sorted(path.name for path in mine.iterdir())
    found["features"] = (
        load(folder / "of 0" / "saved", encoder=network(6, 8)).transform(X)
        if rank == 0
        else whole.transform(X)
    )
    with redirect_stderr(io.StringIO()) as log:
        small(verbose=1).fit(X)
    found["log"] = log.getvalue()
    stopped = small(early_stopping=True, n_iter_no_change=1, max_epochs=30, lr=0.1).fit(X)
    found["stopped"] = stopped.history_, bits(stopped)
    # one clock is ahead
    begun = time.monotonic()
    with mock.patch(
        "time.monotonic", lambda: begun + (1000 * rank if torch.rand(1, generator=CLOCK) < 0.02 else 0)
    ):
        timed = small(max_time=500, max_epochs=300).fit(X)
    found["timed"] = len(timed.history_), timed.n_unfinished_, bits(timed)
    other = X.copy()
    other[20] += rank
    found["refused"] = {
        "X": message(lambda: small().fit(other)),
        "rows": message(lambda: small().fit(X[rank:])),
        "n_components": message(lambda: small(n_components=8, temperature=0.1 + rank).fit(X)),
        "batch": message(lambda: small(batch_size=3).fit(X)),
        "clone": message(lambda: clone(small()).fit(X)),
        "fine-tuning": message(lambda: FineTuneClassifier(whole, max_epochs=1).fit(X, np.arange(41) % 2)),
        "device": message(lambda: small(device="cuda:0").fit(X)),
    }
    return found


CLOCK = torch.Generator().manual_seed(1)


def failure(rank):
    """Return what each process says if one of them fails, and what the next fit says."""
    failing = small(callbacks=[("fail", Fail() if rank else Callback())])
    began = time.perf_counter()
    return message(lambda: failing.fit(X)), message(lambda: small().fit(X)), time.perf_counter() - began


if __name__ == "__main__":
    torch.set_num_threads(1)
    where = Path(sys.argv[1])
    result = main(where, int(sys.argv[2]))
    result["failure"] = failure(int(os.environ["RANK"]))
    (where / f"{os.environ['RANK']}.pickle").write_bytes(pickle.dumps(result))
