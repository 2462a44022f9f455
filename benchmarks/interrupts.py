"""Press Ctrl-C at random moments; what remains must be usable or unfitted, and nothing may stay switched.

``python benchmarks/interrupts.py --interrupts 800``. Each method of each estimator is interrupted in turn, at a moment
drawn from the time that it takes. Then generators and settings of torch must be as before, batch norms as they were,
and the estimator must give the features it had, or finite ones after training, or say that it is not fitted.
"""

import argparse
import functools
import itertools
import pickle
import signal
import time
import warnings
from collections import Counter

import numpy as np
import torch
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from torch.nn.modules.batchnorm import _BatchNorm

from sklearn_ssl import (
    AutoencoderPretrainer,
    ContrastivePretrainer,
    MaskedPretrainer,
    SelfOrganizingMap,
    SiamesePretrainer,
    VAEPretrainer,
)
from sklearn_ssl.modalities import Image

IRIS = load_iris().data
DIGITS = load_digits().images[:100].astype(np.uint8)
TEXTS = ["a b c d", "b c d e f", "c d e f g h"] * 5
COMMON = {"max_epochs": 2, "random_state": 0}
CASES = {
    "contrastive, table": (ContrastivePretrainer(n_components=8, precision="bfloat16", **COMMON), IRIS),
    "siamese, table": (SiamesePretrainer(n_components=8, **COMMON), IRIS),
    "VAE, table": (VAEPretrainer(n_components=2, **COMMON), IRIS),
    "autoencoder, images": (AutoencoderPretrainer(modality=Image(), n_components=8, **COMMON), DIGITS),
    "masked, texts": (MaskedPretrainer(n_components=8, precision="bfloat16", **COMMON), TEXTS),
    "map, table": (SelfOrganizingMap(shape=(4, 4), random_state=0), IRIS),
}
TRAINING = {"fit": lambda est, X: est.fit(X), "partial_fit": lambda est, X: est.partial_fit(X)}
USE = {
    "transform": lambda est, X: est.transform(X),
    "score": lambda est, X: est.score(X),
    "transform_views": lambda est, X: est.transform_views(X),
    "sample": lambda est, X: est.sample(20),
    "score_samples": lambda est, X: est.score_samples(X),
}


def settings() -> list:
    """Return what an interrupt must leave alone."""
    nesting = torch.autocast_increment_nesting()
    torch.autocast_decrement_nesting()
    return [
        torch.is_grad_enabled(),
        torch.is_autocast_enabled("cpu"),
        nesting,
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.get_rng_state().numpy().tobytes(),
        np.random.get_state()[1].tobytes(),
    ]


def interrupted(work, delay: float) -> bool:
    """Return whether Ctrl-C after `delay` seconds ended `work`."""
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, max(delay, 1e-6))
        try:
            work()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        return True
    return False


def complaint(est, X, before: list, features: np.ndarray | None) -> str:
    """Return what is wrong after an interrupt; an empty string if all is well."""
    after = settings()
    if after != before:
        return f"settings {[i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]}"
    try:
        got = est.transform(X)
    except NotFittedError:
        return "" if features is None else "not fitted"
    if features is None:
        if not np.isfinite(got).all():
            return "not finite"
    elif not np.array_equal(got, features):
        return "other features"
    modules = est.net_.module_.modules() if hasattr(est, "net_") else []
    norms = [m for m in modules if isinstance(m, _BatchNorm)]
    return "frozen" if any(m.training or not m.track_running_stats for m in norms) else ""


@functools.cache
def fitted(name: str) -> tuple[bytes, object]:
    """Return a fitted estimator as a pickle, and its rows."""
    est, X = CASES[name]
    return pickle.dumps(est.fit(X)), X


def attack(name: str, method: str, delay: float) -> tuple[bool, str]:
    """Interrupt a method once; return whether it was, and what is wrong."""
    pickled, X = fitted(name)
    est = pickle.loads(pickled)
    features = est.transform(X)
    before = settings()
    work = {**TRAINING, **USE}[method]
    hit = interrupted(lambda: work(est, X), delay)
    wrong = complaint(est, X, before, None if method in TRAINING else features)
    if not wrong and method in TRAINING:
        wrong = complaint(est.partial_fit(X), X, before, None)
    return hit, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--interrupts", type=int, default=800, help="how many (default: 800)")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    pairs = [
        (name, method)
        for name, method in itertools.product(CASES, [*TRAINING, *USE])
        if hasattr(CASES[name][0], method)
    ]
    rng = np.random.default_rng(0)
    times = {}
    for name, method in pairs:
        pickled, X = fitted(name)
        est = pickle.loads(pickled)
        begin = time.perf_counter()
        {**TRAINING, **USE}[method](est, X)
        times[name, method] = time.perf_counter() - begin
    found: Counter[str] = Counter()
    done = 0
    for name, method in itertools.cycle(pairs):
        if done == options.interrupts:
            break
        hit, wrong = attack(name, method, rng.uniform(0, times[name, method]))
        done += hit
        found["hits" if hit else "too late"] += 1
        if wrong:
            found[f"{name}, {method}: {wrong}"] += 1
    print(dict(found))


if __name__ == "__main__":
    main()
