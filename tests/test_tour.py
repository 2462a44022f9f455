"""python -m sklearn_ssl"""

import argparse
import re
import subprocess
import sys

import pytest
from sklearn.datasets import load_digits

from sklearn_ssl import ContrastivePretrainer
from sklearn_ssl.__main__ import DIGITS, METHODS, TRANSFER, main, search, told, transferred


@pytest.fixture
def one_epoch(monkeypatch):
    monkeypatch.setattr("sklearn_ssl.__main__.SEARCH_EPOCHS", 1)


def test_tour_shows_ssl_ahead(tmp_path):
    picture = tmp_path / "curve.png"
    quick = ["--draws", "1", "--labels", "10", "--epochs", "10", "--out", str(picture)]
    command = [sys.executable, "-W", "error", "-m", "sklearn_ssl", *quick]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "ContrastivePretrainer [" in done.stderr  # the progress bar
    assert picture.read_bytes().startswith(b"\x89PNG")
    rows = {}
    for line in done.stdout.splitlines():
        for kind in ("raw pixels", "PCA", "untrained encoder", "SSL: contrastive"):
            if line.startswith(kind):
                rows[kind] = [float(cell.rstrip("*")) for cell in line.removeprefix(kind).split()]
    assert all(len(cells) == 3 for cells in rows.values())
    for kind in ("PCA", "untrained encoder"):
        assert all(ours > other for ours, other in zip(rows["SSL: contrastive"], rows[kind], strict=True))
    assert "best of 4: clf__C=" in done.stdout
    best, raw = re.search(r"same 100 labels: ([\d.]+) %, raw pixels ([\d.]+) %", done.stdout).groups()
    assert float(best) > float(raw)
    lines = done.stderr.splitlines()
    assert "\r" not in done.stderr and len(lines) < 40  # it is no terminal


@pytest.mark.slow
def test_every_method_is_on_the_tour(tmp_path, capsys, one_epoch):
    quick = ["--draws", "1", "--labels", "5", "--epochs", "1", "--out", str(tmp_path / "all.png")]
    main([*quick, "--methods", *METHODS])
    told = capsys.readouterr().out
    assert all(f"SSL: {name} " in told for name in METHODS)


def test_classifiers_of_the_tour_learn():
    X, y = load_digits(return_X_y=True)
    ssl = ContrastivePretrainer(modality=DIGITS, max_epochs=1, random_state=0).fit(X[:256])
    options = argparse.Namespace(transfer=TRANSFER, epochs=2, seed=0)
    made = transferred(options, ssl, (X[:100], y[:100]), X[100:400])
    lines = [told(name, clf, X[400:], y[400:]) for name, clf in made.items()]
    found = [
        float(re.match(rf"{name}: ([\d.]+) %", line)[1]) for name, line in zip(TRANSFER, lines, strict=True)
    ]
    assert found[0] > 70 and found[0] > found[1]
    assert made["zero-shot"][-1].seen_classes_.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_transfer_is_on_the_tour_which_goes_on_without_matplotlib(monkeypatch, tmp_path, capsys, one_epoch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    quick = ["--draws", "1", "--labels", "5", "--epochs", "1", "--out", str(tmp_path / "none.png")]
    main([*quick, "--methods", "masked", "som", "zero-shot"])
    out = capsys.readouterr().out
    assert "SSL: masked " in out and "SSL: som " in out
    assert "zero-shot: " in out.split("From the features of masked")[1]
    assert "sklearn-ssl[plots]" in out and not (tmp_path / "none.png").exists()


@pytest.mark.parametrize("name", METHODS)
def test_every_method_can_be_searched(name, one_epoch):
    X, y = load_digits(return_X_y=True)
    found = search(name, 0, X[:50], y[:50], X[:100])
    assert len(found.cv_results_["params"]) == 4
    assert f"ssl__{next(iter(METHODS[name][1]))}" in found.best_params_


def test_help_explains(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("--methods", "--labels", "--out", "label-efficiency"))


@pytest.mark.parametrize(
    "args", [["--methods", "magic"], ["--methods", "som", "fine-tuned"], ["--labels", "0"], ["--draws", "0"]]
)
def test_bad_options_exit_with_2(args, capsys):
    with pytest.raises(SystemExit) as end:
        main(args)
    assert end.value.code == 2
    assert "error: " in capsys.readouterr().err
