"""All estimators against all of scikit-learn's checks, as a matrix with counts.

Each estimator of the test tables is given every check that scikit-learn yields for any of them, and those that it
defines and does not yield. What comes of it is one of four:

- passed;
- refused: the check feeds what the estimator does not take, such as a table to one of texts, and the error says so;
- not applicable: scikit-learn does not yield the check for estimators of this kind, or skips it, saying why;
- failed.

    python benchmarks/checks.py

``--only`` runs some estimators anew, and takes the others from results/checks.csv.
"""

from __future__ import annotations

import os

# before scikit-learn is imported: without it, scikit-learn skips its check of the array API
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import collections
import functools
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from unittest import SkipTest

import pandas as pd
from report import RESULTS, ROOT, arguments, write
from sklearn.linear_model import LogisticRegression
from sklearn.utils import estimator_checks, get_tags

from sklearn_ssl import LabeledOnly, RotationPretrainer, RowSelector
from sklearn_ssl.modalities import Image, Series

sys.path.insert(0, str(ROOT / "tests"))

import test_estimator_checks as tables

STATES = ("passed", "refused", "not applicable", "failed")
# what the error of a refusal says, and what the check did
REFUSALS = {
    r"(?:Text|Image|Series) takes|(?:Image|images and) got a table": "feeds a table to an estimator of other rows",
    r"has \d+ rows without a label": "labels all rows, and RowSelector chooses among those without a label",
    r"y has -1 and 1 only": "has classes -1 and 1, and -1 means that a row has no label",
}
# checks that ask for as many columns as in fit
OF_COLUMNS = ("check_n_features_in", "check_fit2d_predict1d", "check_transformer_general")
ANY_LENGTH = "series may have any number of steps, and a table is series for them"
NOT_YIELDED = "scikit-learn does not yield it for this kind of estimator"


class Outcome(NamedTuple):
    """What came of a check: one of `STATES`, and the reason if it did not pass."""

    state: str
    reason: str = ""


Matrix = dict[str, dict[str, Outcome]]


def name_of(check: Callable[..., Any]) -> str:
    """Return the name of a check, with what tells it from others of its function."""
    if not isinstance(check, functools.partial):
        return check.__name__
    given = ", ".join(f"{key}={value}" for key, value in check.keywords.items())
    return check.func.__name__ + (f" ({given})" if given else "")


def yielded(estimator: Any) -> dict[str, Callable[..., Any]]:
    """Return the checks that scikit-learn yields for an estimator, by name; each takes a name and an estimator."""
    checks = [check for _, check in estimator_checks.estimator_checks_generator(estimator)]
    return {name_of(check): functools.partial(check.func, **check.keywords) for check in checks}


def outcome(check: Callable[..., Any], estimator: Any) -> Outcome:
    """Run a check on an estimator, and return what came of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check(type(estimator).__name__, estimator)
        except SkipTest as skipped:
            return Outcome("not applicable", str(skipped))
        except Exception as error:
            chain = "".join(traceback.format_exception(error))
            for said, reason in REFUSALS.items():
                if re.search(said, chain):
                    return Outcome("refused", reason)
            series = isinstance(getattr(estimator, "modality", None), Series)
            if series and isinstance(error, AssertionError) and name_of(check).startswith(OF_COLUMNS):
                return Outcome("not applicable", ANY_LENGTH)
            return Outcome("failed", f"{type(error).__name__}: {error}"[:200])
    return Outcome("passed")


def named(estimator: Any) -> str:
    """Return the name of a row of the matrix."""
    given = getattr(estimator, "modality", "auto")
    kind = "" if given == "auto" else f", {type(given).__name__}"
    loss = f" ({estimator.loss})" if type(estimator).__name__ == "SiamesePretrainer" else ""
    return f"{type(estimator).__name__}{loss}{kind}"


def cases() -> list[tuple[Any, list[str]]]:
    """Return all estimators, and the checks that each is given beside those that scikit-learn yields for it."""
    transformers = [*tables.NOT_YIELDED, *tables.WITHOUT_NUMBERS]
    others = [
        *tables.ON_TEXTS,
        RotationPretrainer(max_epochs=1),
        tables.MaskedPretrainer(modality=Image(), max_epochs=1),
        tables.MaskedPretrainer(modality=Series(), max_epochs=1),
    ]
    return [
        *((estimator, tables.NOT_YIELDED) for estimator in tables.ON_TABLES),
        *((estimator, tables.SUPERVISED_TOO) for estimator in tables.SUPERVISED),
        (LabeledOnly(LogisticRegression()), tables.SUPERVISED_TOO),
        (RowSelector(n_rows=2, pretrainer=None, random_state=0), []),
        *((estimator, transformers) for estimator in others),
    ]


def matrix(some: Iterable[tuple[Any, list[str]]], beside: dict[str, Callable[..., Any]]) -> Matrix:
    """Return what came of each check, by estimator and by name.

    Estimators of other rows than tables are given the checks `beside`, too, which scikit-learn does not yield for them.
    """
    found: Matrix = {}
    for estimator, more in some:
        checks = {name: getattr(estimator_checks, name) for name in more} | yielded(estimator)
        if not get_tags(estimator).input_tags.two_d_array:
            checks |= beside
        found[named(estimator)] = {name: outcome(check, estimator) for name, check in checks.items()}
        print(named(estimator), counts(found[named(estimator)].values()), file=sys.stderr, flush=True)
    return found


def filled(found: Matrix) -> Matrix:
    """Return a matrix in which each estimator has all checks."""
    names = sorted({name for row in found.values() for name in row})
    nothing = Outcome("not applicable", NOT_YIELDED)
    return {name: {check: row.get(check, nothing) for check in names} for name, row in found.items()}


def counts(outcomes: Iterable[Outcome]) -> list[int]:
    """Return how many outcomes there are of each of `STATES`."""
    counted = collections.Counter(one.state for one in outcomes)
    return [counted[state] for state in STATES]


def report(found: Matrix) -> list[str]:
    """Return the lines of the report: a table of counts, and the reasons of what did not pass."""
    rows = {name: counts(row.values()) for name, row in found.items()}
    total = [sum(column) for column in zip(*rows.values(), strict=True)]
    lines = [
        f"{len(found)} estimators, {len(next(iter(found.values())))} checks of scikit-learn. Without a name of rows, "
        "an estimator was given tables. [All of it](checks.csv) is a file.",
        "",
        f"| estimator | {' | '.join(STATES)} |",
        "|---|" + "---|" * len(STATES),
        *(f"| {name} | {' | '.join(map(str, row))} |" for name, row in (rows | {"**all**": total}).items()),
        "",
        "Reasons:",
        "",
    ]
    reasons: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
    for row in found.values():
        for check, (state, reason) in row.items():
            if state != "passed":
                reasons[state, reason].append(check)
    for (state, reason), checks in sorted(reasons.items(), key=lambda one: STATES.index(one[0][0])):
        which = f": `{checks[0]}`" if len(set(checks)) == 1 else ""
        lines.append(f"- {state}, {len(checks)} times{which}. {reason}.")
    return lines


def main() -> None:
    """Run all checks, and write the report."""
    parser = arguments(__doc__)
    parser.add_argument("--only", nargs="+", default=[], help="names as in the report")
    only, path = parser.parse_args().only, RESULTS / "checks.csv"
    some = [case for case in cases() if not only or named(case[0]) in only]
    found = matrix(some, yielded(tables.MaskedPretrainer(max_epochs=1)))
    if only:
        before = pd.read_csv(path, keep_default_na=False)
        found = {
            name: found.get(
                name, {check: Outcome(*one) for check, *one in rows.drop(columns="estimator").to_numpy()}
            )
            for name, rows in before.groupby("estimator", sort=False)
        }
    found = filled(found)
    rows = [[name, check, *one] for name, row in found.items() for check, one in row.items()]
    pd.DataFrame(rows, columns=["estimator", "check", "state", "reason"]).to_csv(path, index=False)
    write("checks", report(found))


if __name__ == "__main__":
    main()
