"""How many threads torch uses, and how they wait for one another."""

from __future__ import annotations

import functools
import importlib
import os
import sys

import joblib

SPINS = "1000"  # about as long as falling asleep and waking up takes


def import_torch() -> None:
    """Import torch so that its threads wait patiently, if it is not imported yet.

    After each operation, threads wait for the slowest. GNU OpenMP, which torch uses on Linux, lets them spin for
    milliseconds, which is fast if each has a core of its own. Beside other busy processes the slowest thread may wait
    for a core on which another one spins. Training then takes many times as long as with one thread. So they spin for
    some microseconds and then sleep. OpenMP reads the setting when it is loaded; afterwards the environment is as
    before. It is left alone if users have set it.
    """
    if "torch" in sys.modules or {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys():
        return
    os.environ["GOMP_SPINCOUNT"] = SPINS
    try:
        importlib.import_module("torch")
    finally:
        del os.environ["GOMP_SPINCOUNT"]


@functools.cache
def free_cores() -> int:
    """Return how many cores this process may use: those of its affinity, and no more than its control group allows."""
    return int(joblib.cpu_count())
