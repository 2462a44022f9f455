"""Features of spoken letters and syllables against pooled statistics of spectra, with few labels.

``letters`` are the sounds of KLettres, which Debian carries as ``klettres-data``: one voice or a few for each language,
of many rates, mono and stereo. There are two tasks: which language it is, which is mostly who speaks and how it was
recorded, and which vowel a syllable ends in, across languages. Defaults were chosen on other languages than the report
is on. ``prompts`` are those of a telephone exchange in five languages, of up to two seconds: which language it is, and
whether it is a digit, a letter, a word that stands for a letter, or something else. They chose nothing.

All features are learned from, or scaled by, all sounds without labels, and end in logistic regression; all get the same
draws of labels, and are judged on all other sounds by balanced accuracy. ``plane`` names networks that convolve over
time and bands, as in BYOL-A, and ``waveforms`` those that see samples.

Needs soundfile, for ``letters``.

    python benchmarks/audio.py
    python benchmarks/audio.py --sounds prompts --out audio_prompts
    python benchmarks/audio.py --languages it lt uk da ml he --features "MFCC 20 statistics" masked --out tuning
    python benchmarks/audio.py --epochs 30 --features "predictive coding" "predictive coding, waveforms" --out short
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy.fft
from datasets import letters, prompts
from label_efficiency import markdown
from report import RESULTS, arguments, write
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import (
    AutoregressivePretrainer,
    ContrastivePretrainer,
    MaskedPretrainer,
    PredictiveCodingPretrainer,
    SiamesePretrainer,
)
from sklearn_ssl.modalities import Audio
from sklearn_ssl.model_selection import mean_and_interval

RATES = {"letters": 16_000, "prompts": 8_000}
LANGUAGES = {
    "letters": ("es", "pt_BR", "ru", "hu", "de", "fr", "cs", "nl", "tn", "ar"),
    "prompts": ("en", "es", "fr", "it", "ru"),
}
LONGEST = 2.0  # seconds of a prompt
RIVALS = ("log-mel statistics", "MFCC 13 statistics", "MFCC 20 statistics")
SYLLABLE = re.compile("[b-df-hj-np-tv-z]{1,2}([aeiou])")


def pretrainers(rate: int) -> dict[str, Any]:
    """Return pretrainers with default settings, by name."""
    shared = {"modality": Audio(sample_rate=rate), "random_state": 0}
    raw = {**shared, "modality": Audio(sample_rate=rate, front_end="waveform")}
    return {
        "untrained": ContrastivePretrainer(**shared, encoder="strided", max_epochs=0),
        "contrastive": ContrastivePretrainer(**shared, encoder="strided"),
        "contrastive, plane": ContrastivePretrainer(**shared, encoder="spectrogram"),
        "BYOL": SiamesePretrainer(**shared, encoder="strided"),
        "BYOL, plane": SiamesePretrainer(**shared, encoder="spectrogram"),
        "VICReg": SiamesePretrainer(**shared, encoder="strided", loss="vicreg"),
        "masked": MaskedPretrainer(**shared),
        "next frames": AutoregressivePretrainer(**shared),
        "predictive coding": PredictiveCodingPretrainer(**shared),
        "untrained, plane": ContrastivePretrainer(**shared, encoder="spectrogram", max_epochs=0),
        "untrained, waveforms": PredictiveCodingPretrainer(**raw, max_epochs=0),
        "predictive coding, waveforms": PredictiveCodingPretrainer(**raw),
    }


def statistics(frames: np.ndarray) -> np.ndarray:
    """Return mean and spread of features in time ``(n_frames, d)``, and of their first differences, ``(4 d,)``."""
    steps = np.diff(frames, axis=0) if len(frames) > 1 else np.zeros_like(frames)
    return np.concatenate([frames.mean(0), frames.std(0), np.abs(steps).mean(0), steps.std(0)])


def pooled(X: list[Any], rate: int, n_coefficients: int | None) -> np.ndarray:
    """Return statistics of log-mel spectra, or of so many cepstral coefficients of them."""
    rows = []
    for frames in Audio(sample_rate=rate).fit(X).spectrograms(X):
        cepstrum = scipy.fft.dct(frames, axis=1, norm="ortho")[:, :n_coefficients]
        rows.append(statistics(frames if n_coefficients is None else cepstrum))
    return np.array(rows)


def features(name: str, X: list[Any], rate: int, epochs: int | None = None) -> np.ndarray:
    """Return features by name, after so many epochs if they are learned."""
    if name in RIVALS:
        number = re.search(r"\d+", name)
        return pooled(X, rate, None if number is None else int(number.group()))
    ssl = pretrainers(rate)[name]
    return ssl.set_params(**{"max_epochs": epochs} if epochs and ssl.max_epochs else {}).fit_transform(X)


def tasks(sounds: str, languages: np.ndarray, names: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the rows of each task, and their classes."""
    if sounds == "prompts":
        return {"language": (np.arange(len(names)), languages), "kind": (np.arange(len(names)), names)}
    found = [SYLLABLE.fullmatch(name) for name in names]
    vowels = np.array([match is not None for match in found])
    return {
        "language": (np.arange(len(names)), languages),
        "vowel": (np.flatnonzero(vowels), np.array([match.group(1) for match in found if match])),
    }


def draw(y: np.ndarray, n_labels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return `n_labels` rows of each class, and the other rows."""
    rng = np.random.default_rng(seed)
    labelled = np.concatenate(
        [rng.choice(np.flatnonzero(y == c), n_labels, replace=False) for c in np.unique(y)]
    )
    return labelled, np.setdiff1d(np.arange(len(y)), labelled)


def measure(
    sounds: str,
    languages: Sequence[str],
    names: list[str],
    labels: list[int],
    draws: int,
    epochs: int | None = None,
) -> Iterator[pd.DataFrame]:
    """Yield a row for each task, number of labels and draw, for one kind of features after the other."""
    rate = RATES[sounds]
    X, of, kinds = letters(languages, rate) if sounds == "letters" else prompts(languages, LONGEST)
    for name in names:
        rows = []
        start = time.process_time()
        Z = features(name, X, rate, epochs)
        seconds = time.process_time() - start
        print(f"{name}: {seconds:.0f} s of processor time", flush=True)
        for task, (index, y) in tasks(sounds, of, kinds).items():
            for n_labels in labels:
                for seed in range(draws):
                    train, test = draw(y, n_labels, seed)
                    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
                    guess = probe.fit(Z[index[train]], y[train]).predict(Z[index[test]])
                    accuracy = 100 * balanced_accuracy_score(y[test], guess)
                    rows.append((name, seconds, task, n_labels, seed, accuracy))
        yield pd.DataFrame(rows, columns=["features", "seconds", "task", "labels", "draw", "accuracy"])


def report(found: pd.DataFrame) -> Iterator[str]:
    """Yield Markdown: accuracy, and the paired difference to the best rival."""
    names = list(dict.fromkeys(found.features))
    wide = found.pivot_table(index="draw", columns=["features", "task", "labels"], values="accuracy")
    mean = wide.mean().unstack(["task", "labels"]).loc[names]
    mean.columns = [f"{task}, {n} labels" for task, n in mean.columns]
    mean["seconds"] = found.groupby("features").seconds.first()
    yield "Balanced accuracy in %, mean over draws of so many labels per class, and seconds of processor time:\n"
    yield from markdown(mean)
    yield ""
    rivals = [name for name in names if name in RIVALS]
    for task, n in dict.fromkeys(zip(found.task, found.labels, strict=True)):
        part = wide.xs((task, n), axis=1, level=("task", "labels"))
        best = part[rivals].mean().idxmax() if rivals else names[0]
        for name in names:
            if name not in rivals and name != best:
                gain, low, high = mean_and_interval(np.asarray(part[name] - part[best]))
                yield (
                    f"- {task}, {n} labels: {name} {gain:+.1f} over {best} (95 % interval of the draws {low:+.1f} to "
                    f"{high:+.1f})."
                )


def main() -> None:
    """Measure, then write a CSV file and a Markdown report."""
    parser = arguments(__doc__)
    choices = [*RIVALS, *pretrainers(RATES["letters"])]
    parser.add_argument("--sounds", choices=[*RATES], default="letters")
    parser.add_argument("--features", nargs="+", default=choices, choices=choices)
    parser.add_argument("--languages", nargs="+", metavar="CODE", help="some of the sounds only")
    parser.add_argument(
        "--labels", nargs="+", type=int, default=[5, 20], metavar="N", help="labels per class"
    )
    parser.add_argument(
        "--epochs", type=int, metavar="N", help="epochs of each method, in place of the default"
    )
    parser.add_argument("--draws", type=int, default=10, help="draws of the labels")
    parser.add_argument(
        "--out", default="audio", metavar="NAME", help="name of the files in benchmarks/results"
    )
    parser.add_argument(
        "--merge", nargs="+", metavar="NAME", help="report on earlier runs, named by their --out"
    )
    args = parser.parse_args()
    if args.merge:
        write(args.out, report(pd.concat([pd.read_csv(RESULTS / f"{name}.csv") for name in args.merge])))
        return
    languages = args.languages or LANGUAGES[args.sounds]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        parts: list[pd.DataFrame] = []
        for part in measure(args.sounds, languages, args.features, args.labels, args.draws, args.epochs):
            parts.append(part)
            found = pd.concat(parts)  # what was measured is kept if the rest is broken off
            found.round(4).to_csv(RESULTS / f"{args.out}.csv", index=False)
    write(args.out, report(found))


if __name__ == "__main__":
    main()
