"""Kill a process again and again while it saves over a model; the folder must hold one of the two, whole.

``python benchmarks/kills.py --kills 1000``. A child saves two models in turn, as fast as it can; it is killed at
random moments, and the folder is loaded.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris

from sklearn_ssl import ContrastivePretrainer, load

X = load_iris().data
CHILD = """
import sys
from sklearn_ssl import load
models = [load(folder) for folder in sys.argv[2:]]
print("ready", flush=True)
while True:
    for model in models:
        model.save(sys.argv[1])
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000, help="how often (default: 1000)")
    options = parser.parse_args()
    random.seed(0)
    found = {"first": 0, "second": 0, "mixed": 0, "refused": 0}
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / name for name in ("a", "b")]
        models = [
            ContrastivePretrainer(n_components=4, max_epochs=1, lr=lr, random_state=0).fit(scale * X)
            for lr, scale in ((1e-3, 1), (1e-2, 5))
        ]
        expected = [model.transform(X) for model in models]
        for model, place in zip(models, places, strict=True):
            model.save(place)
        target = Path(folder) / "model"
        models[0].save(target)
        for _ in range(options.kills):
            child = subprocess.Popen([sys.executable, "-c", CHILD, target, *places], stdout=subprocess.PIPE)
            child.stdout.readline()
            time.sleep(random.uniform(0, 0.05))
            child.kill()
            child.wait()
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
