"""The promises of every pretrainer: what scikit-learn's ``check_estimator`` does not ask."""

from __future__ import annotations

import copy
import pickle
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback

from ..base import Pretrainer
from ..persistence import load
from ..training import as_step
from ._case import Case, new_case, refused, same_bits
from ._parameters import check_parameters


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
    targets = est._lesson(case.X, go_on=True).get("targets")
    with torch.random.fork_rng():
        output = objective(est.modality_.validate(case.X)[np.arange(32)])
        loss = as_step(output if targets is None else objective.loss(output, targets[:32])).loss
    assert loss.shape == (), f"the loss has shape {tuple(loss.shape)}, not ()"
    assert torch.isfinite(loss), "the loss is not finite"
    loss.backward()
    gradients = [p.grad.abs().sum() for p in objective.encoder.parameters() if p.grad is not None]
    assert sum(map(float, gradients)) > 0, "no gradient reaches the encoder"


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


def check_score_samples(case: Case) -> None:
    """``score_samples`` gives a number for each row, the same alone and beside others, and from call to call."""
    est = case.fit(precision="float32")
    scores = est.score_samples(case.X)
    assert scores.dtype == np.float64, f"score_samples gave {scores.dtype}, not float64"
    assert scores.shape == (case.n,), f"score_samples gave shape {scores.shape} for {case.n} rows"
    assert np.isfinite(scores).all(), "score_samples is not finite"
    assert scores.std() > 0, "score_samples gives all rows the same number"
    assert (est.score_samples(case.X) == scores).all(), "score_samples is another in a second call"
    gap = max(
        np.abs(est.score_samples(case.X[rows]) - scores[rows]).max()
        for rows in (slice(0, 1), slice(60, 62), slice(10, 90))
    )
    assert gap < 1e-4 * np.abs(scores).max(), (
        f"with other rows beside it, a row's number differs by {gap:.2g}"
    )
    if not est._compares_rows:
        assert np.isfinite(est.score(case.X[:1])), "score of one row is not finite"


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
        est.score_samples(case.X[:9])
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
    est.score_samples(case.X[:9])
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


def check_stopping(case: Case) -> None:
    """``early_stopping`` and what belongs to it, ``warm_start`` and ``partial_fit`` do what they say."""
    held = case.fit(early_stopping=True)
    assert {"epoch", "train_loss", "valid_loss"} <= set(held.history_[0]), "history_ lacks valid_loss"
    other = case.fit(early_stopping=True, validation_fraction=0.4)
    assert not same_bits(held, other), "validation_fraction has no effect"
    cold, warm = case.fit(), case.fit(warm_start=True)
    assert same_bits(cold, warm), "warm_start changed the first fit"
    assert len(cold.fit(case.X).history_) == 1, "without warm_start a second fit does not begin anew"
    assert len(warm.fit(case.X).history_) == 2, "with warm_start a second fit does not go on"
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
    """``history_`` has the effective rank and the spread; a collapsed network is reported."""
    row = case.fit().history_[-1]
    assert row["effective_rank"] > 1, f"the effective rank is {row['effective_rank']}"
    assert row["spread"] > 0, "embeddings do not differ"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        case.fit(callbacks=[_Numb()], on_collapse="warn")
        case.fit(callbacks=[_Numb()], on_collapse="ignore")
    reported = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
    assert len(reported) == 1, "on_collapse='warn' must warn once of a collapse, and 'ignore' not at all"
    est = case.new(callbacks=[_Numb()], on_collapse="raise")
    refused("a collapse with on_collapse='raise'", est.fit, case.X)
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
        refused(f"transform of {name}", est.transform, X)
        if name != "too few columns":
            refused(f"fit of {name}", case.new().fit, X)
    refused("fit of one row", case.new().fit, case.X[:1])
    for name, value in {"lr": -1.0, "max_epochs": -1, "on_collapse": "maybe", "modality": "nonsense"}.items():
        refused(f"{name}={value!r}", case.new(**{name: value}).fit, case.X)
    assert joblib.hash(est) == digest, "bad input changed the fitted estimator"


CHECKS: tuple[Callable[[Case], None], ...] = (
    check_gradient,
    check_features,
    check_score_samples,
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
