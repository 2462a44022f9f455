"""Compute digests of all results, bit for bit, to compare before and after a change that must not change them.

Run ``python benchmarks/bits.py --out before.json`` in one checkout and ``--out after.json`` in the other, then
``python benchmarks/bits.py --compare before.json after.json``. Everything runs in float32 with one thread. The cases
come from ``tests/methods.py`` of the checkout that contains the script.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from methods import CASES, KINDS, METHODS  # of this checkout

from sklearn_ssl import (
    AutoregressivePretrainer,
    ContrastivePretrainer,
    MaskedPretrainer,
    SegmentOrderPretrainer,
    SelfOrganizingMap,
    SiamesePretrainer,
    VAEPretrainer,
    Word2VecPretrainer,
)
from sklearn_ssl.modalities import Image, Tabular, Text

IRIS, FLOWERS = load_iris().data, load_iris(as_frame=True).data
MIXED = FLOWERS.assign(kind=np.array(["a", "b", "c"])[load_iris().target])
MIXED.iloc[::7, 0] = np.nan
FEW = {"max_epochs": 2, "batch_size": 64, "precision": "float32", "random_state": 0}


def digest(value):
    """Return a hash of arrays, numbers and strings, however nested."""
    if isinstance(value, dict):
        value = sorted(value.items())
    if isinstance(value, (list, tuple)):
        return hashlib.sha256("".join(map(digest, value)).encode()).hexdigest()[:16]
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return digest([str(cell) for cell in value.ravel().tolist()])
        return hashlib.sha256(np.ascontiguousarray(value).tobytes() + str(value.dtype).encode()).hexdigest()[
            :16
        ]
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def outcome(estimator, X, **fit_params):
    """Fit, and return digests of everything the fitted estimator returns."""
    estimator.fit(X, **fit_params)
    Z = estimator.transform(X)
    found = {"features": Z}
    for name in ("score", "transform_views"):
        if hasattr(estimator, name):
            found[name] = getattr(estimator, name)(X)
    if hasattr(estimator, "history_"):
        found["history"] = [dict(row) for row in estimator.history_]
    if hasattr(estimator, "inverse_transform"):
        found["inverse_transform"] = estimator.inverse_transform(Z[:20])
    if isinstance(estimator, AutoregressivePretrainer):
        prompt = "the" if estimator.modality_.is_discrete else X[1]
        found["sample"] = estimator.sample(prompt, 3, random_state=1)
    elif hasattr(estimator, "sample"):
        found["sample"] = estimator.sample(5, random_state=1)
    if hasattr(estimator, "partial_fit"):
        found["partial_fit"] = estimator.partial_fit(X).transform(X)
    return {name: digest(value) for name, value in found.items()}


def cases():
    """Yield a name, an unfitted estimator, X and further arguments of fit."""
    for method, kind in CASES:
        case = KINDS[kind]
        base = clone(METHODS[method].estimator).set_params(**FEW)
        yield f"{method} / {kind}", base.set_params(modality=case.modality), case.X, {}
        yield f"{method} / {kind} / stopping", clone(base).set_params(early_stopping=True), case.X, {}
    texts, digits = KINDS["text"].X, load_digits().data[:200]
    for target in ("value", "bin"):
        masked = MaskedPretrainer(target=target, mask_weight=1.0, **FEW)
        yield f"masked {target}, mask_weight / frame", masked, MIXED, {}
    yield "masked, mask_weight / text", MaskedPretrainer(mask_weight=1.0, **FEW), texts, {}
    yield "masked, visible / text", MaskedPretrainer(visible_weight=0.5, **FEW), texts, {}
    tokens = {
        "char": Text(analyzer="char", ngram_range=(2, 3)),
        "k-mers": Text(analyzer="char", ngram_range=(3, 3), min_df=1),
        "char_wb": Text(analyzer="char_wb", ngram_range=(2, 2)),
        "subword": Text(analyzer="subword", max_features=200),
        "long": Text(max_length=None),
        "few": Text(max_features=40, lowercase=False, token_pattern=r"\w+"),
    }
    for name, modality in tokens.items():
        yield f"masked / {name}", MaskedPretrainer(modality=modality, **FEW), texts, {}
        yield f"contrastive / {name}", ContrastivePretrainer(modality=modality, **FEW), texts, {}
    for name in ("k-mers", "subword", "long"):
        yield f"segment order / {name}", SegmentOrderPretrainer(modality=tokens[name], **FEW), texts, {}
        yield f"autoregressive / {name}", AutoregressivePretrainer(modality=tokens[name], **FEW), texts, {}
    for name in ("convnet", "bag"):
        yield f"contrastive {name} / text", ContrastivePretrainer(encoder=name, **FEW), texts, {}
    yield "masked convnet / text", MaskedPretrainer(encoder="convnet", **FEW), texts, {}
    yield "autoregressive convnet / text", AutoregressivePretrainer(encoder="convnet", **FEW), texts, {}
    yield "contrastive / frame, pool", ContrastivePretrainer(**FEW), MIXED[:80], {"X_unlabeled": MIXED[80:]}
    yield "contrastive / texts, pool", ContrastivePretrainer(**FEW), texts[:60], {"X_unlabeled": texts[60:]}
    yield "contrastive / array, pool", ContrastivePretrainer(**FEW), IRIS[:80], {"X_unlabeled": IRIS[80:]}
    yield "siamese / sparse", SiamesePretrainer(**FEW), sp.csr_array(digits), {}
    yield "vae / list", VAEPretrainer(modality=Tabular(categorical_features=[0]), **FEW), IRIS.tolist(), {}
    yield "contrastive / flat images", ContrastivePretrainer(modality=Image(shape=(8, 8)), **FEW), digits, {}
    yield "masked / images", MaskedPretrainer(mask_weight=0.5, **FEW), digits.reshape(-1, 1, 8, 8), {}
    yield "SOM", SelfOrganizingMap(random_state=0), IRIS, {}
    yield "SOM, random", SelfOrganizingMap(init="random", topology="hexagonal", random_state=0), IRIS, {}
    for name in ("few", "k-mers", "subword"):
        words = Word2VecPretrainer(n_components=8, max_epochs=2, random_state=0, modality=tokens[name])
        yield f"word2vec / {name}", words, texts, {}
    yield "word2vec", Word2VecPretrainer(n_components=8, max_epochs=2, random_state=0), texts, {}


def compare(before, after):
    """Print the differences, and return their number."""
    old, new = (json.loads(Path(path).read_text(encoding="utf-8")) for path in (before, after))
    wrong = sorted(old.keys() ^ new.keys())
    for name in old.keys() & new.keys():
        wrong += [f"{name}: {part}" for part in old[name] if old[name][part] != new[name].get(part)]
    n = sum(map(len, old.values()))
    print("\n".join(wrong) or f"{len(old)} cases, {n} digests: all the same")
    return len(wrong)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", default="bits.json", metavar="FILE", help="where to write (default: bits.json)"
    )
    parser.add_argument(
        "--compare", nargs=2, metavar="FILE", help="two files to compare; nothing is computed"
    )
    options = parser.parse_args()
    if options.compare:
        sys.exit(bool(compare(*options.compare)))
    torch.set_num_threads(1)
    found = {name: outcome(estimator, X, **rest) for name, estimator, X, rest in cases()}
    Path(options.out).write_text(json.dumps(found, indent=1), encoding="utf-8")
    print(f"{len(found)} cases, in {options.out}")
