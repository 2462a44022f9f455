"""The cost of training on texts: against loops written by hand, against gensim, and in memory over many epochs.

The bare loop trains the same network with the same batches and steps, in the same precision, and does nothing else. It
computes the logits of the whole vocabulary by ``F.linear`` and ``F.cross_entropy``. Both sides alternate in one run and
medians are compared, so that a busy machine slows both. Memory is the peak of a separate process.

    python benchmarks/speed_texts.py
"""

from __future__ import annotations

import copy
import json
import re
import statistics
import subprocess
import sys
import time
from typing import Any

import torch
import torch.nn.functional as F
from datasets import texts
from gensim.models import Word2Vec
from report import arguments, write
from skorch.callbacks import Callback
from speed import memory_mb
from torch import nn

from sklearn_ssl import AutoregressivePretrainer, MaskedPretrainer, Word2VecPretrainer
from sklearn_ssl.modalities import Text
from sklearn_ssl.training import BatchLoader

TEXT = Text(max_length=128)
METHODS: dict[str, Any] = {
    "masked": MaskedPretrainer(modality=TEXT, random_state=0, mask_rate=0.15),
    "next token": AutoregressivePretrainer(modality=TEXT, random_state=0),
}


class Clock(Callback):
    """Measures the time of training, without what comes before and after."""

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Start."""
        Clock.start = time.perf_counter()

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Stop."""
        Clock.seconds = time.perf_counter() - Clock.start


def bare_loop(estimator: Any, X: list[str], epochs: int, precision: torch.dtype) -> float:
    """Return the seconds of the same training in a plain loop; `estimator` is fitted with ``max_epochs=0``."""
    text, store = estimator.modality_, estimator.modality_.validate(X)
    objective = copy.deepcopy(estimator.net_.module_)
    encoder, decoder = objective.encoder.train(), objective.decoder.train()
    weights: list[nn.Parameter] = list(objective.parameters())
    optimizer = torch.optim.AdamW(weights, lr=1e-3, fused=True)
    start = time.perf_counter()
    for _ in range(epochs):
        for x, _ in BatchLoader(store, estimator.modality_.batch_size, shuffle=True):
            with torch.autocast("cpu", precision, enabled=precision != torch.float32):
                if isinstance(estimator, MaskedPretrainer):
                    holes, hidden = text.mask(x, 0.15)
                    h, target = encoder.tokens(holes)[hidden], x.ids[hidden]
                else:
                    follows = x.present()[:, 1:]
                    h, target = encoder.tokens(x)[:, :-1][follows], x.ids[:, 1:][follows]
                logits = F.linear(decoder.layer(h), decoder.weight, decoder.bias)
                loss = F.cross_entropy(logits.float(), target)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return time.perf_counter() - start


def training(X: list[str], repeats: int) -> list[str]:
    """Return a table of tokens per second."""
    lines = ["| method | precision | tokens/s | bare loop | ratio |", "|---|---|---|---|---|"]
    for name, estimator in METHODS.items():
        for precision in ("float32", "bfloat16"):
            estimator.set_params(precision=precision, callbacks=[Clock()])
            untrained = copy.deepcopy(estimator.set_params(max_epochs=0).fit(X))
            n = int(untrained.modality_.validate(X).lengths.sum())
            estimator.set_params(max_epochs=1)
            ours, theirs = [], []
            for _ in range(repeats):
                estimator.fit(X)
                ours.append(n / Clock.seconds)
                theirs.append(n / bare_loop(untrained, X, 1, getattr(torch, precision)))
            a, b = statistics.median(ours), statistics.median(theirs)
            lines.append(f"| {name} | {precision} | {a:,.0f} | {b:,.0f} | {a / b:.2f} |")
    return lines


def word_vectors(X: list[str], repeats: int) -> list[str]:
    """Return a table of the seconds from texts to vectors."""
    options: dict[str, Any] = {"window": 5, "negative": 5}
    ours, theirs = [], []
    for _ in range(repeats):
        start = time.perf_counter()
        Word2VecPretrainer(n_components=100, max_epochs=5, random_state=0, **options).fit(X)
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        words = [re.findall(r"\w+|[^\w\s]", x.lower()) for x in X]
        Word2Vec(words, vector_size=100, sg=1, epochs=5, min_count=2, workers=1, seed=0, **options)
        theirs.append(time.perf_counter() - start)
    a, b = statistics.median(ours), statistics.median(theirs)
    return [
        "| | seconds | ratio |",
        "|---|---|---|",
        f"| gensim, called directly | {b:.1f} | |",
        f"| Word2VecPretrainer | {a:.1f} | {a / b:.2f} |",
    ]


def peak(method: str, epochs: int) -> float:
    """Return the peak memory in MB of a process that trains for some epochs."""
    command = [sys.executable, __file__, "--peak-of", method, str(epochs)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Measure, then write a Markdown report."""
    parser = arguments(__doc__)
    parser.add_argument("--texts", type=int, default=800, metavar="N", help="e-mails to train networks on")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peak-of", nargs=2, metavar=("METHOD", "EPOCHS"), help="for internal use")
    args = parser.parse_args()
    X, _ = texts("spam")
    if args.peak_of:
        METHODS[args.peak_of[0]].set_params(max_epochs=int(args.peak_of[1])).fit(X[:60])
        print(memory_mb("VmHWM"))
        return
    lines = [f"Training on {args.texts} e-mails, up to 128 tokens of each, median of {args.repeats}:", ""]
    lines += training(X[: args.texts], args.repeats)
    lines += ["", "Word vectors of 500 e-mails, from texts to vectors, five epochs, one thread:", ""]
    lines += word_vectors(X[:500], args.repeats)
    lines += [
        "",
        "Peak memory of a process that trains on 60 e-mails, MB:",
        "",
        "| method | 2 epochs | 20 epochs |",
    ]
    lines += ["|---|---|---|"]
    lines += [f"| {name} | {peak(name, 2):.0f} | {peak(name, 20):.0f} |" for name in METHODS]
    write("speed_texts", lines)


if __name__ == "__main__":
    main()
