"""Change the files of saved models in a thousand ways, and load them.

``python benchmarks/mutated_files.py`` changes models of tables, images and texts at random: files that are cut off,
flipped, swapped, links, pipes and devices; weights of other types and shapes, or not finite; descriptions with other
values, deep lists, paths and names of code. Each must be refused by a ValueError, a TypeError or an OSError of ours, in
under a second and 300 MB, or give the features of the model that was saved. No code of the folder may run, and no file
outside of it may be opened.

``--forged`` leaves out the digests, as one would who wants to deceive. Then a folder may also hold another model, if
that one can be used.
"""

from __future__ import annotations

import collections
import functools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import safetensors.torch
import torch
from report import arguments, write
from sklearn.datasets import load_digits, load_iris

import sklearn_ssl as S
from sklearn_ssl.modalities import Image, Tabular, Text

CONFIG, TENSORS = "config.json", "model.safetensors"
STATUS = Path("/proc/self/status")
SECONDS, MEGABYTES = 1.0, 300
TEXTS = [
    "the cat sat on the mat",
    "a dog sat by the door",
    "cats and dogs, and a door",
    "the mat is by the door",
] * 5
VALUES: list[Any] = [
    *(None, True, -1, 0, 1, 7, 2**31, 2**70, 300_000, 10**9, 0.5, float("inf"), float("nan")),
    *(
        "",
        "x",
        "auto",
        "/etc/passwd",
        "../outside",
        "os.system",
        "__class__",
        "{",
        "cuda:99",
        "subword",
        "char",
    ),
    *(
        [],
        {},
        [[]],
        {"array": "nope"},
        {"array": [1]},
        {"array": None},
        {"tuple": 5},
        {"tuple": []},
        {"dict": []},
    ),
    *({"strings": [1]}, {"strings": ["a"] * 9 + ["a" * 10**5], "objects": False}, {"module": "os.system"}),
    {"strings": ["a"] * 20_000 + ["a" * 20_000], "objects": False},
    {"modality": "os.system", "params": {"dict": {}}, "fitted": {"dict": {}}},
    {"estimator": "subprocess.Popen", "params": {"dict": {"args": "ls"}}},
    {"estimator": "sklearn_ssl.ContrastivePretrainer", "params": {"dict": {"lr": "x"}}},
]
NAMES = [
    "transform",
    "__class__",
    "_private_",
    "net_",
    "encoder_",
    "cells",
    "cluster_centers_",
    "n_bins",
    "save",
]
TYPES = (torch.bool, torch.int8, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float64)

Change = Callable[[Path, random.Random, Path], None]


@functools.cache
def models() -> dict[str, tuple[Any, Any]]:
    """Return fitted estimators, by name, with the rows that they were fitted to."""
    frame = pd.DataFrame(load_iris().data, columns=list("abcd"))
    frame = frame.assign(kind=np.array(["x", "y", "z"])[load_iris().target])
    frame.loc[::9, "a"] = np.nan
    images, few = load_digits().images[:60], {"max_epochs": 0, "random_state": 0}
    plain = {
        "contrastive, table": (S.ContrastivePretrainer(n_components=4, **few), frame),
        "masked, table": (S.MaskedPretrainer(n_components=4, target="bin", **few), frame),
        "VAE, array": (S.VAEPretrainer(n_components=4, **few), load_iris().data),
        "contrastive, images": (S.ContrastivePretrainer(modality=Image(), n_components=4, **few), images),
        "autoencoder, images": (S.AutoencoderPretrainer(modality=Image(), n_components=4, **few), images),
        "masked, words": (S.MaskedPretrainer(n_components=4, encoder="convnet", **few), TEXTS),
        "contrastive, subwords": (
            S.ContrastivePretrainer(
                modality=Text(analyzer="subword", max_features=30), encoder="bag", n_components=4, **few
            ),
            TEXTS,
        ),
        "SOM": (S.SelfOrganizingMap(shape=(2, 3), max_epochs=2), frame[list("bcd")]),
        "word2vec": (S.Word2VecPretrainer(n_components=4, max_epochs=1, random_state=0), TEXTS),
        "categories by position": (
            S.AutoencoderPretrainer(modality=Tabular(categorical_features=[0]), n_components=4, **few),
            np.round(load_iris().data),
        ),
    }
    return {name: (estimator.fit(X), X) for name, (estimator, X) in plain.items()}


def nodes(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place in a description: a list or dict, and an index or key."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from nodes(value[key])


def edited(edit: Callable[[dict[str, Any], random.Random], Any]) -> Change:
    """Return a change of a description; `edit` changes it in place, or returns the text to write."""

    def change(folder: Path, rng: random.Random, other: Path) -> None:
        config = json.loads((folder / CONFIG).read_text())
        text = edit(config, rng)
        (folder / CONFIG).write_text(text if isinstance(text, str) else json.dumps(config))

    return change


def weighed(edit: Callable[[dict[str, torch.Tensor], str, random.Random], Any]) -> Change:
    """Return a change of one of the arrays, which keeps the file as it is otherwise."""

    def change(folder: Path, rng: random.Random, other: Path) -> None:
        with safetensors.torch.safe_open(folder / TENSORS, framework="pt") as file:
            metadata = file.metadata()
        tensors = safetensors.torch.load_file(folder / TENSORS)
        edit(tensors, rng.choice(sorted(tensors)), rng)
        safetensors.torch.save_file(tensors, folder / TENSORS, metadata=metadata)

    return change


def rewritten(edit: Callable[[bytes, random.Random, bytes], bytes]) -> Change:
    """Return a change of the bytes of one of the files, given those of the same file of another model."""

    def change(folder: Path, rng: random.Random, other: Path) -> None:
        name = rng.choice([CONFIG, TENSORS])
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(edit(content, rng, (other / name).read_bytes()))

    return change


def replaced(make: Callable[[Path, Path], Any]) -> Change:
    """Return a change that puts something else in the place of a file: `make(place, outside)`."""

    def change(folder: Path, rng: random.Random, other: Path) -> None:
        name = rng.choice([CONFIG, TENSORS])
        outside = other.parent / f"outside_{name}"
        shutil.copy(folder / name, outside)
        (folder / name).unlink()
        make(folder / name, outside)

    return change


def flip(content: bytes, rng: random.Random, other: bytes) -> bytes:
    """Return the bytes with a few bits flipped."""
    array = bytearray(content)
    for _ in range(rng.choice([1, 1, 3, 20])):
        array[rng.randrange(len(array))] ^= 1 << rng.randrange(8)
    return bytes(array)


def flip_header(folder: Path, rng: random.Random, other: Path) -> None:
    """Flip a bit where the weights are described."""
    content = bytearray((folder / TENSORS).read_bytes())
    content[rng.randrange(8 + int.from_bytes(content[:8], "little"))] ^= 1 << rng.randrange(8)
    (folder / TENSORS).write_bytes(content)


def huge_header(folder: Path, rng: random.Random, other: Path) -> None:
    """Say that the header, or an array, is as long as can be."""
    content = (folder / TENSORS).read_bytes()
    if rng.random() < 0.5:
        (folder / TENSORS).write_bytes(rng.choice([2**63, 2**40, 2**27]).to_bytes(8, "little") + content[8:])
        return
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    entry = header[rng.choice(sorted(header.keys() - {"__metadata__"}))]
    entry["shape"] = rng.choice([[2**40], [300_000, 300_000], [10**9]])
    if rng.random() < 0.5:
        entry["data_offsets"] = [0, 2**42]
    text = json.dumps(header).encode()
    (folder / TENSORS).write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])


def set_value(config: dict[str, Any], rng: random.Random) -> None:
    """Put another value anywhere in a description."""
    place, key = rng.choice(list(nodes(config)))
    place[key] = rng.choice(VALUES)


def set_part(config: dict[str, Any], rng: random.Random) -> None:
    """Put another value in the place of a parameter or a fitted attribute."""
    sections = [config["params"], config["fitted"]]
    sections += (
        [] if config["modality"] is None else [config["modality"]["params"], config["modality"]["fitted"]]
    )
    section = rng.choice(sections)["dict"]
    section[rng.choice(sorted(section))] = rng.choice(VALUES)


def widen(config: dict[str, Any], rng: random.Random) -> None:
    """Ask for a network of another size."""
    large = rng.choice([5, 300_000, 10**9, 2**31 - 1])
    for section in (config["params"]["dict"], config["fitted"]["dict"]):
        for name in ("n_components", "n_components_", "encoder_width_"):
            if name in section and rng.random() < 0.7:
                section[name] = large


def lose(config: dict[str, Any], rng: random.Random) -> None:
    """Remove an entry."""
    place, key = rng.choice(list(nodes(config)))
    del place[key]


def exchange(config: dict[str, Any], rng: random.Random) -> None:
    """Exchange two entries."""
    (a, i), (b, j) = rng.sample(list(nodes(config)), 2)
    a[i], b[j] = json.loads(json.dumps(b[j])), json.loads(json.dumps(a[i]))


def add(config: dict[str, Any], rng: random.Random) -> None:
    """Add an attribute or a parameter that is none."""
    sections = [config, config["params"]["dict"], config["fitted"]["dict"]]
    if config["modality"] is not None:
        sections += [config["modality"]["fitted"]["dict"], config["modality"]["params"]["dict"]]
    rng.choice(sections)[rng.choice(NAMES)] = rng.choice(VALUES)


def deepen(config: dict[str, Any], rng: random.Random) -> str:
    """Put lists in lists in lists."""
    place, key = rng.choice(list(nodes(config)))
    place[key], depth = "@@", rng.choice([50, 600, 5000, 200_000])
    inner = ("[" * depth, "]" * depth) if rng.random() < 0.5 else ('{"tuple":[' * depth, "]}" * depth)
    return json.dumps(config).replace('"@@"', "".join(inner))


def set_number(tensors: dict[str, torch.Tensor], name: str, rng: random.Random) -> None:
    """Put one strange number into an array."""
    tensor = tensors[name]
    if tensor.numel():
        strange = [-1, 2**30] if not tensor.is_floating_point() else [float("nan"), float("inf"), -1e30, 1e30]
        value = (
            tensor.new_tensor(rng.choice(strange)) if tensor.dtype != torch.bool else ~tensor.reshape(-1)[0]
        )
        tensor.reshape(-1)[rng.randrange(tensor.numel())] = value


def set_type(tensors: dict[str, torch.Tensor], name: str, rng: random.Random) -> None:
    """Store an array, or all of the weights, as another type."""
    names = [name] if rng.random() < 0.7 else [k for k in tensors if k.startswith("objective.")] or [name]
    wanted = rng.choice([kind for kind in TYPES if kind != tensors[names[0]].dtype])
    tensors.update({k: tensors[k].to(wanted) for k in names})


def set_shape(tensors: dict[str, torch.Tensor], name: str, rng: random.Random) -> None:
    """Give an array another shape."""
    tensor = tensors[name]
    shapes = [
        tensor[None],
        tensor.reshape(-1, 1),
        tensor.reshape(-1)[:0],
        torch.cat([tensor.reshape(-1)] * 2),
    ]
    shapes += [tensor[:-1].clone(), torch.cat([tensor, tensor])] if tensor.ndim else []
    tensors[name] = rng.choice(shapes).contiguous()


def rename(tensors: dict[str, torch.Tensor], name: str, rng: random.Random) -> None:
    """Call an array otherwise, leave it out, or add others."""
    how = rng.randrange(3)
    if how == 2:
        tensors.update({f"objective.more.{i}": torch.zeros(3) for i in range(100)})
        return
    tensor = tensors.pop(name)
    if how:
        tensors[rng.choice(["", "x", name + "_", "objective.encoder.weight", "../../outside"])] = tensor


def swap_values(tensors: dict[str, torch.Tensor], name: str, rng: random.Random) -> None:
    """Exchange two arrays."""
    other = rng.choice(sorted(tensors))
    tensors[name], tensors[other] = tensors[other].clone(), tensors[name].clone()


def pipe_beside(folder: Path, rng: random.Random, other: Path) -> None:
    """Put a pipe, or a link, where a save that is broken off leaves a file."""
    place = folder / f"{CONFIG}.new"
    if rng.random() < 0.5:
        os.mkfifo(place)
    else:
        place.symlink_to("/etc/passwd")


CHANGES: dict[str, Change] = {
    "cut off": rewritten(lambda content, rng, other: content[: rng.randrange(len(content))]),
    "bits flipped": rewritten(flip),
    "bits of the header flipped": flip_header,
    "bytes inserted or appended": rewritten(
        lambda content, rng, other: (
            (i := rng.randrange(len(content))) and content[:i] + rng.randbytes(9) + content[i:]
        )
    ),
    "file of another model": rewritten(lambda content, rng, other: other),
    "huge header or shape": huge_header,
    "link to a file outside": replaced(lambda place, outside: place.symlink_to(outside)),
    "link to /etc/passwd": replaced(lambda place, outside: place.symlink_to("/etc/passwd")),
    "link to /dev/zero": replaced(lambda place, outside: place.symlink_to("/dev/zero")),
    "link to itself": replaced(lambda place, outside: place.symlink_to(place)),
    "pipe": replaced(lambda place, outside: os.mkfifo(place)),
    "folder": replaced(lambda place, outside: place.mkdir()),
    "no file": replaced(lambda place, outside: None),
    "pipe or link beside": pipe_beside,
    "any value of the description": edited(set_value),
    "parameter or attribute": edited(set_part),
    "size of the network": edited(widen),
    "entry left out": edited(lose),
    "entries exchanged": edited(exchange),
    "entry added": edited(add),
    "lists in lists": edited(deepen),
    "NaN, infinite or other number": weighed(set_number),
    "another type of array": weighed(set_type),
    "another shape of array": weighed(set_shape),
    "array renamed, missing or added": weighed(rename),
    "arrays exchanged": weighed(swap_values),
}


class Watch:
    """Notes files that are opened outside of a folder, and code that is run, while it is on."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.seen: list[str] = []
        sys.addaudithook(self.note)

    def note(self, event: str, args: Any) -> None:
        """Called by Python at each event."""
        if self.folder is None:
            return
        if event == "open" and isinstance(args[0], (str, bytes, os.PathLike)):
            place = os.path.realpath(os.fsdecode(args[0]))
            if not place.startswith(f"{self.folder}{os.sep}"):
                self.seen.append(f"opened {place}")
        elif event in (
            "compile",
            "exec",
            "import",
            "os.system",
            "os.exec",
            "subprocess.Popen",
            "pickle.find_class",
        ):
            self.seen.append(f"{event} {args!r:.80}")


def memory(name: str) -> float:
    """Return in MB what this process has (``"VmRSS"``), or its most since `forget_peak` (``"VmHWM"``); 0 elsewhere."""
    status = STATUS.read_text() if STATUS.exists() else f"{name} 0"
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(name)) / 1024


def forget_peak() -> None:
    """Let the most memory be counted from now on."""
    if STATUS.exists():
        STATUS.with_name("clear_refs").write_text("5")


def is_ours(error: BaseException) -> bool:
    """Return whether an error was raised by code of ours, or by scikit-learn's check of parameters."""
    frame = traceback.extract_tb(error.__traceback__)[-1].filename
    return "sklearn_ssl" in Path(frame).parts or frame.endswith("_param_validation.py")


def outcome(folder: Path, X: Any, Z: np.ndarray, watch: Watch) -> tuple[str, str]:
    """Load a folder, and return what came of it, and what was said."""
    watch.seen, watch.folder = [], folder
    try:
        loaded = S.load(folder)
    except (ValueError, TypeError, OSError) as error:
        watch.folder = None
        what = "refused" if is_ours(error) else "foreign error"
        return what, f"{type(error).__name__}: {error}"
    except BaseException as error:
        watch.folder = None
        return "foreign error", f"{type(error).__name__}: {error}"
    try:
        got = np.asarray(loaded.transform(X))
    except BaseException as error:
        return "fails in transform", f"{type(error).__name__}: {error}"
    finally:
        watch.folder = None
    if got.shape == Z.shape and np.array_equal(got, Z):
        return "same features", ""
    return "another model", f"features {got.shape}, saved {Z.shape}"


def forge(folder: Path) -> None:
    """Leave out the digests, where the description can still be read."""
    try:
        config = json.loads((folder / CONFIG).read_text())
        del config["digests"]
        (folder / CONFIG).write_text(json.dumps(config))
    except Exception:  # it is no description any more
        return


def attack(n: int, seed: int, forged: bool, place: Path) -> Iterator[tuple[str, str, str, str, float, float]]:
    """Yield the change, the model, what came of it, what was said, the seconds and the MB, for `n` changes.

    Parameters
    ----------
    n, seed : int
    forged : bool
        Whether digests are left out.
    place : Path
        An empty folder.
    """
    place, rng, watch = place.resolve(), random.Random(seed), Watch()
    fitted, expected = models(), {}
    for i, (name, (estimator, X)) in enumerate(fitted.items()):
        estimator.save(place / f"saved_{i}")
        expected[name] = np.asarray(
            S.load(place / f"saved_{i}").transform(X)
        )  # also imports what loading needs
    for turn in range(n):
        kind = list(CHANGES)[turn % len(CHANGES)]
        i, j = rng.sample(range(len(fitted)), 2)
        name = list(fitted)[i]
        folder = place / "changed"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(place / f"saved_{i}", folder)
        CHANGES[kind](folder, rng, place / f"saved_{j}")
        if forged and not any(path.is_symlink() or path.is_fifo() for path in folder.iterdir()):
            forge(folder)
        signal.alarm(60)  # a load that waits for a pipe would wait for ever
        before = memory("VmRSS")
        forget_peak()
        start = time.perf_counter()
        what, said = outcome(folder, fitted[name][1], expected[name], watch)
        seconds = time.perf_counter() - start
        signal.alarm(0)
        if watch.seen:
            what, said = "touched what it must not", f"{watch.seen[:3]}, {what}: {said}"
        yield kind, name, what, said, seconds, memory("VmHWM") - before


def is_good(what: str, forged: bool, seconds: float, megabytes: float) -> bool:
    """Return whether what came of a change is as it must be."""
    if what == "refused":
        return seconds < SECONDS and megabytes < MEGABYTES
    return what == "same features" or (forged and what == "another model")


def main() -> int:
    """Run the attack and write its report; return the number of failures."""
    parser = arguments(__doc__)
    parser.add_argument("--changes", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--forged", action="store_true", help="leave out the digests")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    most: dict[str, list[float]] = collections.defaultdict(lambda: [0.0, 0.0])
    bad = []
    with tempfile.TemporaryDirectory() as place:
        run = attack(options.changes, options.seed, options.forged, Path(place))
        for kind, name, what, said, seconds, megabytes in run:
            counts[kind][what] += 1
            most[kind] = [max(pair) for pair in zip(most[kind], (seconds, megabytes), strict=True)]
            if not is_good(what, options.forged, seconds, megabytes):
                bad.append(f"- {kind}, {name}: {what} in {seconds:.2f} s, {megabytes:.0f} MB. {said:.300}")
    columns = [
        "refused",
        "same features",
        *sorted({w for c in counts.values() for w in c} - {"refused", "same features"}),
    ]
    lines = [f"| change | {' | '.join(columns)} | slowest, s | most, MB |", "|---" * (len(columns) + 3) + "|"]
    for kind, count in counts.items():
        figures = " | ".join(str(count[column]) for column in columns)
        lines.append(f"| {kind} | {figures} | {most[kind][0]:.2f} | {most[kind][1]:.0f} |")
    totals = " | ".join(str(sum(count[column] for count in counts.values())) for column in columns)
    worst = [max(pair) for pair in zip(*most.values(), strict=True)]
    lines += [f"| all | {totals} | {worst[0]:.2f} | {worst[1]:.0f} |", "", f"Failures: {len(bad)}", *bad]
    write("mutated_files_forged" if options.forged else "mutated_files", lines)
    return len(bad)


if __name__ == "__main__":
    sys.exit(bool(main()))
