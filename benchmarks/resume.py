"""Kill a process at random moments of a fit; the same fit must go on from its checkpoint, to the same bits.

``python benchmarks/resume.py`` kills each of six estimators twenty times by SIGKILL, at moments drawn from the time
that a fit takes. Each time a new folder is used, the fit is run again, and its weights, averages of the optimizer,
history and outputs are compared with those of a fit that was not interrupted. No epoch may be lost but the one that was
under way, and no file may be damaged.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from report import arguments, write
from sklearn.datasets import load_digits, load_iris
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from skorch.callbacks import Callback

from sklearn_ssl import (
    ContrastivePretrainer,
    DistillationClassifier,
    FineTuneClassifier,
    GANPretrainer,
    MaskedPretrainer,
    SiamesePretrainer,
)
from sklearn_ssl.modalities import Image
from sklearn_ssl.training import weights_of

X, y = load_iris(return_X_y=True)
DIGITS = load_digits().images[:100]
TEXTS = ["the cat sat on the mat", "a dog sat by the door", "cats and dogs, and a door"] * 20
COMMON: dict[str, Any] = {"max_epochs": 6, "batch_size": 25, "random_state": 0}


class Count(Callback):
    """Write a letter to a file after each epoch: it survives the process."""

    def __init__(self, path: Path):
        self.path = path

    def on_epoch_end(self, net, **kwargs):
        """Write the letter."""
        with self.path.open("a") as file:
            file.write("e")


def fine_tuner(**params: Any) -> FineTuneClassifier:
    """Return a fine-tuner of a pretrainer that is fitted here."""
    start = ContrastivePretrainer(n_components=8, max_epochs=1, random_state=0).fit(X)
    return FineTuneClassifier(FrozenEstimator(start), tune="all", lr=1e-2, **COMMON, **params)


CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "contrastive, table, early stopping": (
        lambda **p: ContrastivePretrainer(n_components=8, early_stopping=True, **COMMON, **p),
        (X,),
    ),
    "BYOL, table": (lambda **p: SiamesePretrainer(n_components=8, **COMMON, **p), (X,)),
    "GAN, images": (lambda **p: GANPretrainer(modality=Image(), n_components=4, **COMMON, **p), (DIGITS,)),
    "masked, texts": (lambda **p: MaskedPretrainer(n_components=8, **COMMON, **p), (TEXTS,)),
    "fine-tuning, table": (fine_tuner, (X, y)),
    "distillation, table": (
        lambda **p: DistillationClassifier(LogisticRegression(max_iter=1000), **COMMON, **p),
        (X, y),
    ),
}


def digest(est: Any, data: tuple[Any, ...]) -> str:
    """Return a digest of all that a fit leaves: weights, averages, history, and outputs."""
    found = hashlib.sha256(repr(est.history_).encode())
    memory = est.net_.memory()
    averages = [value for entry in memory.averages.values() for value in entry.values()]
    for tensor in [*weights_of(est.net_.module_).values(), *averages]:
        found.update(tensor.numpy().tobytes())
    outputs = est.predict_proba if hasattr(est, "predict_proba") else est.transform
    found.update(outputs(data[0]).tobytes())
    return found.hexdigest()


def work(name: str, folder: Path | None, epochs: Path, answer: Path, begun: Any) -> None:
    """Fit in a process of its own, and write the digest of what was learned, or the error."""
    new, data = CASES[name]
    est = new(callbacks=[Count(epochs)], checkpoint=folder)
    begun.set()
    try:
        text = digest(est.fit(*data), data)
    except ValueError as error:
        text = f"{type(error).__name__}: {error}"
    answer.write_text(text)


def run(name: str, folder: Path | None, place: Path, delay: float | None = None) -> tuple[str, int, float]:
    """Fit in a process, which is killed after `delay` seconds, if given; return its answer, epochs and seconds."""
    epochs, answer = place / "epochs", place / "answer"
    epochs.write_text("")
    answer.unlink(missing_ok=True)
    context = multiprocessing.get_context("fork")  # a child begins at once, and need not import
    begun = context.Event()
    child = context.Process(target=work, args=(name, folder, epochs, answer, begun))
    child.start()
    begun.wait()
    start = time.perf_counter()
    child.join(delay)
    child.kill()
    child.join()
    text = answer.read_text() if answer.exists() else ""
    return text, len(epochs.read_text()), time.perf_counter() - start


def row_of(name: str, kills: int, place: Path) -> tuple[list[Any], bool]:
    """Kill an estimator again and again; return a row of the report, and whether all is well."""
    expected, n_epochs, seconds = run(name, None, place)
    same = twice = damaged = 0
    moments = []
    for i in range(kills):
        folder = place / f"{name} {i}"
        first, before, _ = run(name, folder, place, random.uniform(0, 1.2 * seconds))
        halves = len(list(folder.glob("*.new"))) if folder.exists() else 0
        moments.append("done" if first else "writing" if halves else "begun" if before else "first epoch")
        text, after, _ = run(name, folder, place)
        same += text == expected
        damaged += "Error" in text
        twice = max(twice, before + after - n_epochs)
    killed = [moments.count(m) for m in ("first epoch", "begun", "writing", "done")]
    return [name, kills, *killed, same, twice, damaged], same == kills and twice <= 1 and not damaged


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--kills", type=int, default=20, help="how often each is killed (default: 20)")
    options = parser.parse_args()
    random.seed(0)
    lines = [
        "| estimator | kills | in the first epoch | later | while a file was written | after the end | same bits | "
        "epochs done twice, at most | files refused |",
        "|---" + "|---:" * 8 + "|",
    ]
    well = True
    with tempfile.TemporaryDirectory() as place:
        for name in CASES:
            row, good = row_of(name, options.kills, Path(place))
            lines.append(f"| {' | '.join(map(str, row))} |")
            well &= good
            print(lines[-1], file=sys.stderr, flush=True)
    write("resume", lines)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
