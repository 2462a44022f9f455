"""What the reports of all benchmarks share."""

from __future__ import annotations

import argparse
import csv
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import sklearn
import torch

import sklearn_ssl

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"


def commit(root: Path, package: Path) -> str:
    """Return the short hash of the commit that is measured.

    ``+changes`` follows it where files differ from the commit. It is ``unknown`` where `root` is not the top of a
    git repository, or `package` is not the one in it: then another code is measured.
    """
    git = ["git", "--no-optional-locks", "-C", str(root)]

    def answer(*arguments: str) -> str:
        run = subprocess.run([*git, *arguments], capture_output=True, check=True, text=True)
        return run.stdout.strip()

    try:
        top = Path(answer("rev-parse", "--show-toplevel"))
        if not (top.samefile(root) and package.samefile(root / "sklearn_ssl")):
            return "unknown"
        # the results are what a benchmark writes itself
        changes = answer("status", "--porcelain", "--", ".", ":(exclude)benchmarks/results")
        return answer("rev-parse", "--short", "HEAD") + "+changes" * bool(changes)
    except (OSError, subprocess.CalledProcessError):  # no git, no repository, no commit
        return "unknown"


# at the start: by the end of a long benchmark the files may be others
COMMIT = commit(ROOT, Path(sklearn_ssl.__file__).parent)


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser that shows the docstring of a script as its help."""
    return argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)


@contextmanager
def kept_rows(
    path: Path, columns: list[str], n_keys: int
) -> Iterator[tuple[set[tuple[Any, ...]], Callable[[dict[str, Any]], None]]]:
    """Yield what a CSV file holds already, so that a benchmark goes on from there, and what adds a row to it.

    Parameters
    ----------
    path : Path
        The file is made if it is not there.
    columns : list of str
    n_keys : int
        The first columns say what was measured: the set holds a tuple of them for each row.
    """
    if not path.exists():
        path.write_text(",".join(columns) + "\n")
    done = set(pd.read_csv(path)[columns[:n_keys]].itertuples(index=False, name=None))
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, columns)

        def add(row: dict[str, Any]) -> None:
            writer.writerow(row)
            file.flush()

        yield done, add


def write(name: str, lines: Iterable[str]) -> None:
    """Print a report, and write it to ``results/NAME.md``, headed by the command and the machine it ran on."""
    text = "\n".join([command(), "", machine(), "", *lines])
    (RESULTS / f"{name}.md").write_text(text + "\n" * (not text.endswith("\n")))
    print(text)


def machine() -> str:
    """Return a line that describes the machine: GPU, processor, cores, threads of torch, versions, commit."""
    card = f"{torch.cuda.get_device_name()}, " if torch.cuda.is_available() else ""
    return (
        f"{card}{processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, Python "
        f"{platform.python_version()}, sklearn_ssl {sklearn_ssl.__version__}, commit {COMMIT}, "
        f"scikit-learn {sklearn.__version__}, torch {torch.__version__}"
    )


def command() -> str:
    """Return the command line, as Markdown."""
    script = Path(sys.argv[0]).resolve()
    return f"`{shlex.join(['python', f'{script.parent.name}/{script.name}', *sys.argv[1:]])}`"


def processor() -> str:
    """Return the name of the processor, or its architecture if the system does not tell the name."""
    try:
        with open("/proc/cpuinfo") as lines:
            names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.machine()
