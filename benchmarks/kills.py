"""Kill a process again and again while it saves over a model; the folder must hold one of the two, whole.

``python benchmarks/kills.py --kills 1000``. A child saves two models in turn, as fast as it can; it is killed at
random moments, and the folder is loaded.
"""

import argparse
import itertools
import multiprocessing
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris

from sklearn_ssl import ContrastivePretrainer, load

X = load_iris().data


def save_for_ever(models: list, target: Path) -> None:
    """Save some models in turn, as fast as can be."""
    for model in itertools.cycle(models):
        model.save(target)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000, help="how often (default: 1000)")
    options = parser.parse_args()
    random.seed(0)
    fork = multiprocessing.get_context("fork")  # a child begins at once, and need not import
    found = {"first": 0, "second": 0, "mixed": 0, "refused": 0}
    with tempfile.TemporaryDirectory() as folder:
        models = [
            ContrastivePretrainer(n_components=4, max_epochs=1, lr=lr, random_state=0).fit(scale * X)
            for lr, scale in ((1e-3, 1), (1e-2, 5))
        ]
        expected = [model.transform(X) for model in models]
        target = Path(folder) / "model"
        models[0].save(target)
        for _ in range(options.kills):
            child = fork.Process(target=save_for_ever, args=(models, target))
            child.start()
            time.sleep(random.uniform(0, 0.1))
            child.kill()
            child.join()
            try:
                loaded = load(target)
            except ValueError as error:
                found["refused"] += 1
                print(error)
                continue
            which = [np.array_equal(loaded.transform(X), Z) for Z in expected]
            right = [same and loaded.lr == model.lr for same, model in zip(which, models, strict=True)]
            found["first" if right[0] else "second" if right[1] else "mixed"] += 1
    print(f"{options.kills} kills:", ", ".join(f"{name} {count}" for name, count in found.items()))
    return found["mixed"] + found["refused"]


if __name__ == "__main__":
    sys.exit(bool(main()))
