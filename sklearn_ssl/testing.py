"""Checks for pretrainers that others write: what scikit-learn's ``check_estimator`` does not ask."""

from __future__ import annotations

import copy
import pickle
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _num_samples
from skorch.callbacks import Callback
from torch import nn

from .base import Pretrainer
from .modalities import Image, Sequences, Tabular, Text
from .persistence import load

__all__ = ["check_pretrainer"]

FAST = {"max_epochs": 2, "batch_size": 64, "random_state": 0, "on_collapse": "ignore"}
SHARED = {
    "n_components": 5,
    "max_epochs": 1,
    "batch_size": 32,
    "lr": 1e-4,
    "early_stopping": True,
    "precision": "bfloat16",
    "random_state": 3,
    "encoder": nn.Sequential(nn.Flatten(), nn.LazyLinear(8)),
}
FOR_SEQUENCES = {"encoder": "convnet"}  # in place of a module that takes numbers
UNSEEN = {
    "verbose",
    "device",
    "callbacks",
    "on_collapse",
    "modality",
}  # no effect on features, or one of its own
STOPPING = {"warm_start", "validation_fraction", "n_iter_no_change"}


@dataclass(frozen=True)
class Case:
    """What is checked: an unfitted estimator, rows for it, and a second value for parameters."""

    estimator: Pretrainer
    X: Any
    other: dict[str, Any]

    @property
    def n(self) -> int:
        """Number of rows."""
        return _num_samples(self.X)

    def new(self, **params: Any) -> Pretrainer:
        """Return a fresh copy that trains quickly; but for its modality, what it shares with others is reset."""
        reset = {f.name: f.default for f in fields(Pretrainer) if f.name != "modality"}
        own = {f.name: f.default for f in fields(self.estimator) if f.name in reset}  # defaults of its own
        return clone(self.estimator).set_params(**{**reset, **own, **FAST, **params})

    def fit(self, **params: Any) -> Pretrainer:
        """Return a fitted one."""
        return self.new(**params).fit(self.X)


def check_pretrainer(estimator: Pretrainer, X: Any = None, *, other: dict[str, Any] | None = None) -> None:
    """Check that an estimator keeps the promises of every pretrainer.

    The same seed gives the same bits, whatever y; every parameter has an effect; global random generators
    and the user's data are left alone; pickle, ``save`` and ``load`` keep the features, in another process
    too; a collapse is noticed; bad input is refused with a ``ValueError`` or ``TypeError``; and more. Run
    scikit-learn's ``check_estimator`` besides.

    Parameters
    ----------
    estimator : Pretrainer
        Unfitted. It is cloned, and trained for an epoch or two at a time.
    X : like the X of fit, optional
        At least 100 rows to train on. By default iris for tables, digits for images, and for texts what
        scikit-learn says of its datasets.
    other : dict of str to object, optional
        For parameters of its own, a second value that must change the features. What is not given is
        found by the parameter's constraints or type. An effect may depend on other parameters of its own,
        of which texts and booleans are tried.

    Raises
    ------
    AssertionError
        If a promise is not kept; it says which.

    Examples
    --------
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.testing import check_pretrainer
    >>> check_pretrainer(ContrastivePretrainer(), other={"temperature": 0.1})
    """
    case = new_case(estimator, X, other)
    for check in CHECKS:
        check(case)


def new_case(estimator: Pretrainer, X: Any = None, other: dict[str, Any] | None = None) -> Case:
    """Return what the single checks take."""
    if not isinstance(estimator, Pretrainer):
        raise TypeError(f"check_pretrainer takes a Pretrainer, got {type(estimator).__name__}.")
    case = Case(estimator, _rows(estimator) if X is None else X, other or {})
    if case.n < 100:
        raise ValueError(f"check_pretrainer needs at least 100 rows of X; it has {case.n}.")
    return case


def _rows(estimator: Pretrainer) -> Any:
    modality = estimator.modality
    shape = getattr(modality, "shape", None)
    if isinstance(modality, Image) and shape not in (None, (8, 8)):
        raise ValueError(f"Pass X: there are no images of shape {shape} here.")
    if isinstance(modality, Tabular) or (isinstance(modality, str) and issubclass(Tabular, estimator._takes)):
        return load_iris().data
    images = load_digits().data[:200]
    if isinstance(modality, Image) or (isinstance(modality, str) and issubclass(Image, estimator._takes)):
        return images if shape else images.reshape(-1, 8, 8, 1)
    if isinstance(modality, Text) or (isinstance(modality, str) and issubclass(Text, estimator._takes)):
        return lines_of_text()
    raise ValueError(f"Pass X: there are no rows for {modality!r} here.")


def lines_of_text() -> list[str]:
    """Return the lines of scikit-learn's descriptions of its datasets."""
    bunches = (load_breast_cancer(), load_diabetes(), load_iris(), load_wine())
    return [line for bunch in bunches for line in bunch.DESCR.splitlines() if len(line.split()) > 3]


def check_features(case: Case) -> None:
    """Features are finite float32 of the promised width, also of few rows, and of one more than a batch."""
    est = case.fit(n_components=7)
    Z = est.transform(case.X)
    assert Z.dtype == np.float32, f"transform gave {Z.dtype}, not float32"
    assert Z.shape == (case.n, 7), f"n_components=7 gave features of shape {Z.shape}"
    assert np.isfinite(Z).all(), "features are not finite"
    assert Z.std() > 0, "features are constant"
    assert len(est.get_feature_names_out()) == 7, "get_feature_names_out does not give n_components names"
    for n in (2, 5, 65):
        est = case.new().fit(case.X[:n])
        for rows in (case.X[:n], case.X[:1]):
            assert np.isfinite(est.transform(rows)).all(), f"fitted to {n} rows, features are not finite"
        assert np.isfinite(est.score(case.X[:n])), f"fitted to {n} rows, score is not finite"


def check_gradient(case: Case) -> None:
    """The loss is a finite scalar, with a gradient into the encoder."""
    est = case.fit(max_epochs=0)
    objective = est.net_.module_.train()
    with torch.random.fork_rng():
        loss = objective(est.modality_.validate(case.X)[np.arange(32)])
    assert loss.shape == (), f"the loss has shape {tuple(loss.shape)}, not ()"
    assert torch.isfinite(loss), "the loss is not finite"
    loss.backward()
    slopes = [p.grad.abs().sum() for p in objective.encoder.parameters() if p.grad is not None]
    assert sum(map(float, slopes)) > 0, "no gradient reaches the encoder"


def check_same_bits(case: Case) -> None:
    """The same seed gives the same bits, whatever y; another seed does not."""
    y = np.arange(case.n) % 3
    first = case.new().fit(case.X, y)
    again = case.new().fit(case.X, np.random.default_rng(0).permutation(y))
    assert same_bits(first, again), "permuting y changed the weights, or the same seed gave others"
    assert first.history_ == again.history_, "the same seed gave another history_"
    assert (first.transform(case.X) == again.transform(case.X)).all(), "the same weights gave other features"
    assert first.score(case.X) == again.score(case.X), "the same weights gave another score"
    assert same_bits(again, first.fit(case.X)), "a second fit of the same object gave other weights"
    assert not same_bits(again, case.fit(random_state=1)), "random_state has no effect"


def check_global_generators(case: Case) -> None:
    """The global generators of torch and numpy are neither used nor changed."""
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()
    try:
        torch.manual_seed(5)
        np.random.seed(5)
        before = torch.get_rng_state(), _numpy_key()
        est = case.fit(random_state=None, early_stopping=True)
        est.transform(case.X)
        est.score(case.X)
        pickle.loads(pickle.dumps(est))
        assert torch.equal(torch.get_rng_state(), before[0]), "torch's global generator was changed"
        assert (_numpy_key() == before[1]).all(), "numpy's global generator was changed"
        other = case.fit(random_state=None, early_stopping=True)
        assert not same_bits(est, other), "random_state=None uses the global seeds"
    finally:
        torch.set_rng_state(torch_state)
        np.random.set_state(numpy_state)


def _numpy_key() -> np.ndarray:
    return np.random.get_state(legacy=False)["state"]["key"].copy()


def check_input_is_not_written_to(case: Case) -> None:
    """A read-only memory map works, warns of nothing, gives the same features, and is left as it is."""
    digest = joblib.hash(case.X)
    case.fit().transform(case.X)
    assert joblib.hash(case.X) == digest, "X was written to"
    if not isinstance(case.X, np.ndarray):
        return  # there are no memory maps of other kinds
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "X.npy"
        np.save(path, np.ascontiguousarray(case.X))
        before = path.read_bytes()
        mapped = np.load(path, mmap_mode="r")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            Z = case.new().fit(mapped).transform(mapped)
        del mapped
        assert path.read_bytes() == before, "X was written to"
    assert (case.fit().transform(case.X) == Z).all(), "a memory map gave other features than an array"


def check_pickle(case: Case) -> None:
    """Pickles and copies give the same features and hash, can train on, and hold no data."""
    est = case.fit()
    Z, digest = est.transform(case.X), joblib.hash(est)
    for other in (pickle.loads(pickle.dumps(est)), copy.deepcopy(est)):
        assert (other.transform(case.X) == Z).all(), "a pickle or copy gave other features"
        assert other.history_ == est.history_, "a pickle or copy has another history_"
        assert joblib.hash(other) == digest, (
            "a pickle or copy has another joblib.hash: memory= would never hit"
        )
        other.partial_fit(case.X)
        assert len(other.history_) == len(est.history_) + 1, "a pickle or copy cannot train on"
    est.score(case.X)
    assert joblib.hash(est) == digest, "training a copy, transform or score changed the estimator"
    size = sum(t.numel() * t.element_size() for t in est.net_.module_.state_dict().values())
    assert len(pickle.dumps(est)) < 1.2 * size + 20_000, "the pickle holds more than weights"


def check_other_processes(case: Case) -> None:
    """Loaded or unpickled in other processes, with fewer threads, features are the same; fitted again too.

    It is fitted with as many threads as here: training makes much of a difference in rounding.
    """
    est = case.fit(precision="float32")
    Z = est.transform(case.X)
    with tempfile.TemporaryDirectory() as folder:
        est.save(folder)
        ways = ("unpickled", "loaded", "refitted")
        found = joblib.Parallel(n_jobs=2)(
            joblib.delayed(_elsewhere)(how, est, folder, case.X, torch.get_num_threads()) for how in ways
        )
    for how, other in zip(ways, found, strict=True):
        gap = np.abs(other - Z).max()
        assert gap < 1e-3 * max(1.0, np.abs(Z).max()), (
            f"{how} in another process, features differ by {gap:.2g}"
        )


def _elsewhere(how: str, estimator: Pretrainer, folder: str, X: Any, n_threads: int) -> np.ndarray:
    if how == "refitted":
        torch.set_num_threads(n_threads)
        return clone(estimator).fit(X).transform(X)
    return (load(folder) if how == "loaded" else estimator).transform(X)


def check_parameters(case: Case) -> None:
    """Every parameter changes the features; one whose search does nothing would be a trap."""
    base = case.fit(precision="float32").transform(case.X)
    sequences = isinstance(case.estimator.modality, Sequences) or issubclass(
        case.estimator._takes[0], Sequences
    )
    for name, value in (SHARED | (FOR_SEQUENCES if sequences else {})).items():
        changed = case.fit(**{"precision": "float32", name: case.other.get(name, value)})
        assert _differ(base, changed.transform(case.X)), f"{name} has no effect"
    for name in own_parameters(case.estimator):
        assert _has_effect(case, name), (
            f"{name} has no effect on the features. If it has one with another value, pass "
            f"other={{{name!r}: value}}."
        )


def own_parameters(estimator: Pretrainer) -> list[str]:
    """Return the names of the parameters that are not those of every pretrainer."""
    shared = set(SHARED) | UNSEEN | STOPPING
    return [name for name in estimator.get_params(deep=False) if name not in shared]


def _has_effect(case: Case, name: str) -> bool:
    settings: list[dict[str, Any]] = [{}]
    for other in own_parameters(case.estimator):
        if other != name and isinstance(getattr(case.estimator, other), (str, bool)):
            settings += [{other: value} for value in _other_values(case, other)]
    for setting in settings:
        Z = _features(case, setting)
        for value in _other_values(case, name):
            changed = _features(case, {**setting, name: value})
            if isinstance(changed, str) and isinstance(value, str) and f"{name}={value!r}" in changed:
                return True  # refused by name, such as a target that images do not have
            if isinstance(Z, np.ndarray) and isinstance(changed, np.ndarray) and _differ(Z, changed):
                return True
    return False


def _features(case: Case, params: dict[str, Any]) -> np.ndarray | str:
    """Return the features with some parameters; what was said if they do not go together, or not with X."""
    try:
        return case.fit(precision="float32", **params).transform(case.X)
    except ValueError as error:
        return str(error)


def _differ(Z: np.ndarray, other: np.ndarray) -> bool:
    return Z.shape != other.shape or not np.array_equal(Z, other)


def _other_values(case: Case, name: str) -> Iterator[Any]:
    """Yield values to try for a parameter: the one given, or some that its constraints or type allow."""
    if name in case.other:
        yield case.other[name]
        return
    value = getattr(case.estimator, name)
    constraints = case.estimator._parameter_constraints.get(name, [])
    for options in [c for c in constraints if isinstance(c, StrOptions)]:
        yield from sorted(options.options - {value})
    intervals = [c for c in constraints if isinstance(c, Interval)]
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, str):  # such as "auto", where a number may stand
        yield from (number for number in (0.5, 1, 2) if any(number in interval for interval in intervals))
    elif isinstance(value, (int, float)):
        candidates = [2 * value, value + 1, value // 2, 0]
        if isinstance(value, float):
            candidates = [2 * value, value / 2, value + 1, 0.0, 0.5, 1.5]
        for candidate in candidates:
            fits = any(candidate in interval for interval in intervals) or not intervals
            if candidate != value and fits:
                yield candidate


def check_stopping(case: Case) -> None:
    """``early_stopping`` and what belongs to it, ``warm_start`` and ``partial_fit`` do what they say."""
    held = case.fit(early_stopping=True)
    assert {"epoch", "train_loss", "valid_loss"} <= set(held.history_[0]), "history_ lacks valid_loss"
    other = case.fit(early_stopping=True, validation_fraction=0.4)
    assert not same_bits(held, other), "validation_fraction has no effect"
    cold, warm = case.fit(), case.fit(warm_start=True)
    assert same_bits(cold, warm), "warm_start changed the first fit"
    assert len(cold.fit(case.X).history_) == 2, "without warm_start a second fit does not begin anew"
    assert len(warm.fit(case.X).history_) == 4, "with warm_start a second fit does not go on"
    partial = case.new()
    assert len(partial.partial_fit(case.X).partial_fit(case.X[:50]).history_) == 2, (
        "partial_fit is not one epoch"
    )
    assert np.isfinite(partial.transform(case.X)).all(), "after partial_fit features are not finite"


class _Numb(Callback):
    """Makes a network forget all, after each step."""

    def on_batch_end(self, net: Any, **kwargs: Any) -> None:
        with torch.no_grad():
            for tensor in net.module_.state_dict().values():
                tensor.zero_()


def check_collapse(case: Case) -> None:
    """``history_`` has the effective rank and the spread; a network that forgot all is told."""
    row = case.fit().history_[-1]
    assert row["effective_rank"] > 1, f"the effective rank is {row['effective_rank']}"
    assert row["spread"] > 0, "embeddings do not differ"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        case.fit(callbacks=[_Numb()], on_collapse="warn")
        case.fit(callbacks=[_Numb()], on_collapse="ignore")
    told = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
    assert len(told) == 1, "on_collapse='warn' must warn once of a collapse, and 'ignore' not at all"
    est = case.new(callbacks=[_Numb()], on_collapse="raise")
    _refused("a collapse with on_collapse='raise'", est.fit, case.X)
    assert not hasattr(est, "net_"), "a collapse with on_collapse='raise' left a fitted estimator"


def check_bad_input(case: Case) -> None:
    """What cannot be right is refused with a ValueError or TypeError, and leaves a fitted estimator alone."""
    est = case.fit()
    digest = joblib.hash(est)
    bad: dict[str, Any] = {"no rows": case.X[:0], "None": None, "a text": "rows", "one number": 3.0}
    if isinstance(case.X, np.ndarray):
        infinite = case.X.astype(float)
        infinite[0] = np.inf
        bad |= {"infinity": infinite, "too few columns": case.X[:, :-1]}
    for name, X in bad.items():
        _refused(f"transform of {name}", est.transform, X)
        if name != "too few columns":
            _refused(f"fit of {name}", case.new().fit, X)
    _refused("fit of one row", case.new().fit, case.X[:1])
    for name, value in {"lr": -1.0, "max_epochs": -1, "on_collapse": "maybe", "modality": "nonsense"}.items():
        _refused(f"{name}={value!r}", case.new(**{name: value}).fit, case.X)
    assert joblib.hash(est) == digest, "bad input changed the fitted estimator"


def _refused(what: str, call: Callable[[Any], Any], X: Any) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as of names that are missing
            call(X)
    except (ValueError, TypeError):
        return
    except Exception as error:  # of whatever class: it is what the check is there to find
        raise AssertionError(
            f"{what} raised {type(error).__name__}: {error}; not ValueError, TypeError"
        ) from error
    raise AssertionError(f"{what} was accepted")


def same_bits(a: Pretrainer, b: Pretrainer) -> bool:
    """Return whether two fitted pretrainers have the same weights, to the bit."""
    pairs = zip(a.net_.module_.state_dict().values(), b.net_.module_.state_dict().values(), strict=True)
    return all(torch.equal(s, t) for s, t in pairs)


CHECKS: tuple[Callable[[Case], None], ...] = (
    check_gradient,
    check_features,
    check_same_bits,
    check_global_generators,
    check_input_is_not_written_to,
    check_pickle,
    check_other_processes,
    check_parameters,
    check_stopping,
    check_collapse,
    check_bad_input,
)
