"""Every warning points at the user's own line, through pipelines and searches too."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from sklearn_ssl import ContrastivePretrainer, LabeledOnly, MaskedPretrainer, Word2VecPretrainer
from sklearn_ssl.modalities import Image, Tabular, Text
from sklearn_ssl.model_selection import SemiSupervisedKFold, cross_val_predict_labeled, label_efficiency
from sklearn_ssl.warning import gathered_warnings, quietly, warn, warn_once

X, y = load_iris(return_X_y=True)
HOLES = np.where(np.arange(150)[:, None] == 3, np.nan, X)
FAST = {"max_epochs": 1, "n_components": 4, "random_state": 0}
FRAME = pd.DataFrame(X, columns=list("abcd"))
BLANKS = [f"kind {label}" if label else "" for label in y]
PIXELS = np.random.default_rng(0).integers(0, 256, (30, 8, 8))
GENES = ["".join(np.random.default_rng(i).choice(list("ACGT"), 40)) for i in range(30)]
NOTES = pd.DataFrame({"n": np.arange(30.0), "note": [f"a note with number {i} in it" for i in range(30)]})
ZONES = pd.DataFrame({"n": np.arange(40.0), "zone": [*["a", "b"] * 19, "b", "rare"]})


def fitted():
    return ContrastivePretrainer(**FAST).fit(X)


class Numb(Callback):
    """Makes a network forget all."""

    def on_batch_end(self, net, **kwargs):
        with torch.no_grad():
            for tensor in net.module_.state_dict().values():
                tensor.zero_()


def collapsed():
    return ContrastivePretrainer(**FAST, callbacks=[Numb()])


CALLS = {
    "transform": lambda: fitted().transform(HOLES),
    "fit_transform": lambda: collapsed().fit_transform(X),
    "score": lambda: fitted().score(HOLES),
    "partial_fit": lambda: fitted().partial_fit(HOLES),
    "fit": lambda: collapsed().fit(X),
    "pipeline": lambda: make_pipeline(collapsed(), LogisticRegression()).fit(X, y),
    "pipeline, predict": lambda: make_pipeline(fitted(), LogisticRegression()).fit(X, y).predict(HOLES),
    "search": lambda: cross_val_score(make_pipeline(collapsed(), LogisticRegression()), X, y, cv=2),
    "modality": lambda: Tabular().fit(X).validate(HOLES),
    "set_output": lambda: fitted().set_output(transform="pandas").transform(HOLES),
    "texts in a frame": lambda: ContrastivePretrainer(**FAST).fit(NOTES),
    "blank label": lambda: LabeledOnly(LogisticRegression(max_iter=500)).fit(X, BLANKS),
    "blank label, folds": lambda: list(SemiSupervisedKFold(2).split(X, BLANKS)),
    "blank label, label_efficiency": lambda: label_efficiency(
        {"LR": LogisticRegression(max_iter=500)}, X, BLANKS, budgets=[2], cv=1
    ),
    "blank label, search": lambda: cross_val_score(
        make_pipeline(LabeledOnly(LogisticRegression(max_iter=500))), X, BLANKS, cv=2
    ),
    "minus one and below": lambda: LabeledOnly(LogisticRegression(max_iter=500)).fit(X, y - 2),
    "minus one and below, folds": lambda: list(SemiSupervisedKFold(2).split(X, y - 2)),
    "columns of another type": lambda: (
        ContrastivePretrainer(**FAST).fit(ZONES).transform(ZONES.assign(zone=1))
    ),
    "unknown categories": lambda: Tabular().fit(ZONES).validate(ZONES.assign(zone="c")),
    "columns without a value": lambda: cross_val_score(
        make_pipeline(ContrastivePretrainer(**FAST), LogisticRegression()),
        ZONES.assign(note=None),
        [0, 1] * 20,
        cv=2,
    ),
    "columns that look like numbers": lambda: ContrastivePretrainer(**FAST).fit(
        FRAME.assign(odd=[f"{i}.5" for i in range(150)])
    ),
    "columns": lambda: ContrastivePretrainer(
        encoder=ContrastivePretrainer(**FAST).fit(FRAME).encoder_, max_epochs=0
    ).fit(FRAME.rename(columns={"d": "e"})),
    "texts that are not split": lambda: MaskedPretrainer(**FAST).fit(GENES),
    "words that are not split": lambda: Word2VecPretrainer(n_components=2, max_epochs=1).fit(GENES),
    "unknown texts": lambda: Text(min_df=1).fit(["a b c", "a c"]).validate(["d e", "e f", "f g", "g h"]),
    "unknown words": lambda: (
        Word2VecPretrainer(n_components=2, max_epochs=1)
        .fit(["a b c"] * 9)
        .transform(["d e", "e f", "f g", "g h"])
    ),
    "long texts": lambda: make_pipeline(ContrastivePretrainer(**FAST, encoder="bag")).fit(
        ["a b c d " * 200] * 6
    ),
    "range of images": lambda: (
        ContrastivePretrainer(**FAST, modality=Image()).fit(PIXELS).transform(PIXELS / 255)
    ),
    "tokens": lambda: MaskedPretrainer(
        encoder=MaskedPretrainer(**FAST, modality=Text(min_df=1)).fit(["a b c d"] * 9).encoder_,
        modality=Text(min_df=1),
        max_epochs=0,
    ).fit(["a b c e"] * 9),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_warnings_point_at_the_users_line(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert caught
    assert {Path(warning.filename).name for warning in caught} == {"test_warnings.py"}


def messages(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert {Path(warning.filename).name for warning in caught} <= {"test_warnings.py"}
    return [str(warning.message) for warning in caught]


SPLITS = {
    "label_efficiency": lambda model, data, n_jobs: label_efficiency(
        {"one": model, "two": make_pipeline(model)}, data, y > 0, budgets=[2], cv=3, n_jobs=n_jobs
    ),
    "cross_val_predict_labeled": lambda model, data, n_jobs: cross_val_predict_labeled(
        model, data, y > 0, cv=3, n_jobs=n_jobs
    ),
}


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("run", SPLITS.values(), ids=SPLITS.keys())
def test_what_each_split_has_to_say_is_told_once(run, n_jobs):
    model = make_pipeline(ContrastivePretrainer(**FAST), LogisticRegression())
    data = FRAME.assign(odd=[f"{i}.5" for i in range(150)], who=[f"person {i}" for i in range(150)])
    (said,) = messages(lambda: run(model, data, n_jobs))
    assert "'odd' looks like numbers" in said and "'who' looks like identifiers" in said


def test_of_warnings_about_the_same_the_first_is_told():
    told = set()
    with gathered_warnings() as found:
        warn("3 of 10 rows are long.", about="long")
        warn("4 of 12 rows are long.", about="long")
        warn("Column 'x1' is odd.")
        warn("Column 'x2' is odd.")
        warn("Column 'x2' is odd.")
    expected = ["3 of 10 rows are long.", "Column 'x1' is odd.", "Column 'x2' is odd."]
    assert messages(lambda: warn_once(found, told)) == expected
    assert messages(lambda: warn_once(found, told)) == []


def test_holes_of_each_column_are_told():
    rows, names = np.arange(150), ["x1", "x2", "x3"]
    tests = [np.arange(start, start + 50, 10) for start in (0, 50, 100)]
    holes = pd.DataFrame(X, columns=[*names, "x4"])
    for name, test in zip(names, tests, strict=True):
        holes.loc[test, name] = np.nan
    train = rows[rows % 10 != 0]
    model = make_pipeline(ContrastivePretrainer(**FAST), LogisticRegression())
    splits = [(train, test) for test in tests]
    said = messages(lambda: cross_val_predict_labeled(model, holes, y, cv=splits))
    assert [one[:14] for one in said] == [f"Columns [{name!r}]" for name in names]


def test_what_was_gathered_is_told_before_an_error():
    def fails():
        warn("The third column is odd.")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"), pytest.warns(UserWarning, match="third column"):
        quietly(fails)
