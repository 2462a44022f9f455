"""Training in several processes: who takes part, and whether all were given the same."""

from __future__ import annotations

from typing import Any

from ..training import ALONE, World, join, launched


def processes_of(estimator: Any) -> World:
    """Return the processes that train an estimator together: those that torchrun has started, or this one alone.

    Raises
    ------
    ValueError
        If the estimator is none that trains in several processes, or a clone, as searches make them.
    ImportError
        If Accelerate is not installed.
    """
    n, name = launched(), type(estimator).__name__
    if n == 1:
        return ALONE
    if not estimator._trains_together:
        raise ValueError(
            f"{name} trains in one process, and {n} were started together. Fit a pretrainer in several processes, save "
            "it, and go on in a script that is started without torchrun."
        )
    if hasattr(estimator, "_is_clone"):
        raise ValueError(
            f"This {name} is a clone, as searches, cross-validation and ensembles make them, and {n} processes were "
            "started together. They train one pretrainer at a time. Search in a script that is started without "
            "torchrun, with n_jobs, and pass its best parameters to a new pretrainer here."
        )
    return join(estimator.device)


def refuse_differences(world: World, description: dict[str, Any], differences: Any) -> None:
    """Raise a ValueError in all processes if any was given other parameters or data than the first.

    Parameters
    ----------
    world : World
    description : dict
        What this process was given.
    differences : callable
        Returns the differences between two descriptions, in words.
    """
    first, *others = world.all_of(description)
    for rank, other in enumerate(others, start=1):
        found = differences(other, first)
        if found:
            raise ValueError(
                f"The processes were given different things. In process {rank}, compared with process 0, "
                f"{'; '.join(found)}. All of them run the same script on the same X: give what is random in it a seed."
            )
