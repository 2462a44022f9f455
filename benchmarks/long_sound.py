"""Hours of sound from a file that is mapped into memory: what a fit holds, and how fast it is.

A file of int16 samples at 16 kHz is written in a temporary folder and removed afterwards: tones that glide, in noise,
of ten seconds each. X is a list of views of it. Spectrograms of more than half a gigabyte are not kept, but computed
for each batch, so that memory does not grow with the hours. Memory is what the process holds besides the file, read
from /proc, on Linux, several times a second, less what it held before.

    python benchmarks/long_sound.py --hours 10
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from label_efficiency import markdown
from pandas import DataFrame
from report import arguments, write

from sklearn_ssl import PredictiveCodingPretrainer
from sklearn_ssl.modalities import Audio

RATE, SECONDS = 16_000, 10
CLIP = RATE * SECONDS


def record(path: Path, n_clips: int) -> list[np.ndarray]:
    """Write so many clips to a file, and return views of it."""
    file = np.memmap(path, np.int16, "w+", shape=(n_clips, CLIP))
    rng, steps = np.random.default_rng(0), np.arange(CLIP) / RATE
    for clip in file:
        start, glide = rng.uniform(100, 2000, 2)
        tone = np.sin(2 * np.pi * (start + glide * steps / SECONDS) * steps)
        clip[:] = 8000 * (tone * np.sin(np.pi * steps * rng.integers(1, 8)) + 0.1 * rng.normal(size=CLIP))
    file.flush()
    return list(np.memmap(path, np.int16, "r", shape=(n_clips, CLIP)))


def held() -> float:
    """Return the memory of this process in MB of 1e6 bytes, without files that are mapped."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024 / 1e6


@contextmanager
def watched() -> Iterator[list[float]]:
    """Measure memory several times a second; the list holds the peak beyond what was held at first."""
    start, peak, done = held(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            peak[0] = max(peak[0], held() - start)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def measure(hours: float) -> dict[str, float]:
    """Fit one epoch and transform; return peaks in MB, and seconds of sound per second."""
    with tempfile.TemporaryDirectory() as folder:
        X = record(Path(folder) / "sound", max(2, round(hours * 3600 / SECONDS)))
        total = len(X) * SECONDS
        ssl = PredictiveCodingPretrainer(modality=Audio(sample_rate=RATE), max_epochs=1, random_state=0)
        ssl.fit(X[:2])  # what libraries allocate once
        with watched() as fit_peak:
            started = time.monotonic()
            ssl.fit(X)
            fitted = time.monotonic()
        with watched() as transform_peak:
            ssl.transform(X)
            done = time.monotonic()
        return {
            "hours": total / 3600,
            "fit, MB": fit_peak[0],
            "transform, MB": transform_peak[0],
            "seconds of sound per second, fit": total / (fitted - started),
            "seconds of sound per second, transform": total / (done - fitted),
        }


def report(hours: list[float]) -> Iterator[str]:
    """Yield Markdown."""
    yield "PredictiveCodingPretrainer, default settings, one epoch:\n"
    yield from markdown(DataFrame([measure(each) for each in hours]).set_index("hours"))


def main() -> None:
    """Measure, and write a Markdown report."""
    parser = arguments(__doc__)
    parser.add_argument("--hours", nargs="+", type=float, default=[1.0, 10.0])
    parser.add_argument("--out", default="long_sound", metavar="NAME", help="name of the report")
    args = parser.parse_args()
    write(args.out, report(args.hours))


if __name__ == "__main__":
    main()
