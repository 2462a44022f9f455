"""What few-label estimators combine, and what its members say of labels that they have not seen."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV

from ..base import seeded_clone
from ._diffusion import LabelDiffusion
from ._pool import pool_keyword
from ._targets import UNLABELED
from ._views import AS_IS, RAW, take

N_TREES = 200
PENALTIES = np.logspace(-3, 4, 15)  # of which ridge regression takes the best by leave-one-out errors
Member = tuple[str, Any, str]
"""A name, a classifier, and what it sees."""


def default_classifiers(views: Sequence[str], texts: bool) -> list[Member]:
    """Return names, classifiers and what each sees.

    Parameters
    ----------
    views : sequence of str
        What can be seen: "raw", if rows have columns, and the names of pretrainers.
    texts : bool
        Whether rows are texts, whose columns are too many for trees.
    """
    logistic = LogisticRegression(max_iter=1000)
    trees = ExtraTreesClassifier(N_TREES)
    found: list[Member] = []
    for i, view in enumerate(view for view in views if view not in (RAW, AS_IS)):
        found.append((f"logistic regression on {view}", logistic, view))
        if not i:
            found.append((f"extra trees on {view}", trees, view))
            found.append((f"diffusion on {view}", LabelDiffusion(), view))
    if RAW in views:
        # counts of words have a length of 1, on which the default penalty leaves all classes nearly as likely
        of_columns = LogisticRegression(C=10.0, max_iter=1000) if texts else logistic
        found.append((f"logistic regression on {RAW}", of_columns, RAW))
        if not texts:
            found.append((f"extra trees on {RAW}", trees, RAW))
    return found


def default_regressors(views: Sequence[str], texts: bool) -> list[Member]:
    """Return names, regressors and what each sees, for the same `views` and `texts`."""
    seen = [*(view for view in views if view not in (RAW, AS_IS)), *([RAW] if RAW in views else [])]
    found: list[Member] = [(f"ridge regression on {view}", RidgeCV(PENALTIES), view) for view in seen]
    if RAW in views and not texts:
        found.append((f"extra trees on {RAW}", ExtraTreesRegressor(N_TREES), RAW))
    return found


def checked_members(
    members: Sequence[Any], views: list[str], seed: int, check: Callable[[str, Any], None]
) -> list[Member]:
    """Return the estimators to fit, with seeds in place of a `random_state` of None.

    Parameters
    ----------
    members : sequence of (name, estimator, view)
    views : list of str
        What can be seen.
    seed : int
    check : callable
        Takes a name and an estimator, and raises an error if it cannot be a member.

    Raises
    ------
    ValueError, TypeError
        If an entry is no such tuple, or its view is unknown.
    """
    if not len(members):
        raise ValueError(
            "There is nothing to combine: pass estimators, or pretrainers if rows have no columns of their own."
        )
    found = []
    for member in members:
        if not (isinstance(member, (list, tuple)) and len(member) == 3 and isinstance(member[0], str)):
            raise TypeError(
                f"estimators must be a list of (name, estimator, view), and has {member!r:.80}. An example: "
                "[('forest', RandomForestClassifier(), 'raw')]."
            )
        name, template, view = member
        check(name, template)
        if view not in views:
            raise ValueError(
                f"{name!r} of estimators is to see {view!r}, and there is only: {', '.join(views)}."
            )
        found.append((name, seeded_clone(template, seed), view))
    return found


def fitted_and_left_out(
    template: Any,
    Z: Any,
    pool: Any,
    targets: np.ndarray,
    splits: list[tuple[np.ndarray, np.ndarray]],
    said: Callable[[Any, Any], np.ndarray],
    said_of_one: Callable[[Any, int], np.ndarray],
) -> tuple[Any, np.ndarray]:
    """Return an estimator fitted to all labels, and what it says of rows that it did not learn from.

    Parameters
    ----------
    template : estimator
    Z, pool : what it sees of n labelled rows, and of those without a label or None
    targets : ndarray of shape (n,)
        Class numbers, or numbers.
    splits : list of (train, test)
    said : callable
        Maps a fitted estimator and rows to what it says of them.
    said_of_one : callable
        Maps a target and a number of rows to what is said if no other target is known.

    Returns
    -------
    model : estimator
    found : ndarray of shape (n_test, ...)
        In the order of the splits.
    """
    fit = {} if pool is None else {pool_keyword(template): pool}
    found = [said_of_one(targets[0], 0)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for train, test in splits:
            known = np.unique(targets[train])
            if len(known) < 2:  # from which nothing can be learned, and most estimators refuse it
                found.append(said_of_one(known[0], len(test)))
                continue
            model = clone(template).fit(take(Z, train), targets[train], **fit)
            found.append(said(model, take(Z, test)))
        return clone(template).fit(Z, targets, **fit), np.concatenate(found)


def diffused_and_left_out(
    template: LabelDiffusion,
    Z: Any,
    pool: Any,
    codes: np.ndarray,
    splits: list[tuple[np.ndarray, np.ndarray]],
) -> tuple[Any, np.ndarray]:
    """Do so with labels that spread over one graph; rows that are left out stay in it, without their label."""
    classes = np.arange(int(codes.max()) + 1)
    model = clone(template)
    n = model.begin(Z, pool)
    all_codes = np.r_[codes, np.full(n - len(codes), UNLABELED)]
    found = [np.empty((0, len(classes)))]
    for _, test in splits:
        partial = all_codes.copy()
        partial[test] = UNLABELED
        model.spread(classes, partial)
        found.append(model.label_distributions_[test])
    model.spread(classes, all_codes)
    return model.end(), np.concatenate(found)
