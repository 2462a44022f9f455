"""The benchmarks run, resume, and report what they measured."""

import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import anomalies
import audio
import cross_dataset
import distillation
import enhancement
import few_labels
import few_labels_regression
import forecasts
import gpu
import label_free
import language_model
import linear_probe
import long_sound
import mixed_tables
import numpy as np
import pandas as pd
import peers
import pytest
import samples
import scale
import series
import speed
import texts
import zero_shot
from label_efficiency import CLASSIFIERS, FEATURES, RbfSVC, compare, last, plot, report
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from speed import draw, time_case

from sklearn_ssl import ContrastivePretrainer, MaskedPretrainer
from sklearn_ssl.modalities import Image
from sklearn_ssl.model_selection import draw_labels


def words(n):
    return [f"the {a} sees the {b}" for a in ("cat", "dog") for b in "abcdefghij"][:n]


FEW = {kind: FEATURES[kind] for kind in ("raw", "untrained")}
FAST = {name: CLASSIFIERS[name] for name in ("LR", "extra trees")}


def test_label_efficiency_measures_resumes_and_reports(tmp_path):
    path = tmp_path / "few.csv"
    first = compare(path, ["breast_cancer"], FEW, FAST, labels=[5], draws=2)
    assert len(first) == 2 * 2 * 2
    assert first.accuracy.between(50, 100).all()
    lines = path.read_text().splitlines()
    again = compare(path, ["breast_cancer"], FEW, FAST, labels=[5], draws=2)
    assert path.read_text().splitlines() == lines  # nothing was left to do
    assert again.accuracy.tolist() == first.accuracy.tolist()
    path.write_text("\n".join(lines[:-1]) + "\n")  # the last row is missing: its job is done again
    assert len(compare(path, ["breast_cancer"], FEW, FAST, labels=[5], draws=2)) == len(first)
    other = compare(path, ["breast_cancer"], FEW, {"SVC": CLASSIFIERS["SVC"]}, labels=[5], draws=1)
    assert set(other.classifier) == {"SVC"} and len(other) == 2
    more = compare(path, ["breast_cancer"], FEW, FAST, labels=[5, 10], draws=2)
    assert len(more) == 2 * len(first)

    text = "\n".join(report(more))
    part = more[more.labels == 5].pivot_table(
        index="draw", columns=["features", "classifier"], values="accuracy"
    )
    gain = part["untrained", "LR"] - part["raw", "LR"]
    assert f"- untrained, LR: {gain.mean():+.1f} ± {gain.std(ddof=1) / np.sqrt(2):.1f} over raw LR" in text
    plot(more, tmp_path / "few.png")
    assert (tmp_path / "few.png").read_bytes().startswith(b"\x89PNG")


def test_training_lasts_as_long_as_asked():
    epochs = [last(minutes, FEATURES["contrastive"])(0, "digits").max_epochs for minutes in (1e-9, 1e6)]
    assert epochs[0] == 1
    assert epochs[1] > 1000
    assert last(1, FEATURES["untrained"])(0, "digits").max_epochs == 0
    assert isinstance(last(1, FEATURES["raw"])(0, "digits"), FunctionTransformer)


def test_svc_by_matrix_products_is_svc():
    X, y = load_digits(return_X_y=True)
    for C in (1, 10):
        ours, theirs = RbfSVC(C).fit(X[:200], y[:200]), SVC(C=C).fit(X[:200], y[:200])
        assert (ours.predict(X[200:]) == theirs.predict(X[200:])).mean() > 0.999


@pytest.mark.parametrize("shape", [(6,), (8, 8)])
def test_speed_compares_with_a_bare_loop(shape, monkeypatch):
    monkeypatch.setattr("speed.CASES", {"few": (60, shape, "auto", 1)})
    assert draw(60, shape).shape == (60, *shape)
    lines = list(time_case("few", rounds=1))
    assert [line.split("|")[2].strip() for line in lines] == ["float32", "auto"]


def test_gpu_compares_with_a_bare_loop_and_the_peak(monkeypatch):
    cases = {
        name: (clone(estimator).set_params(batch_size=8), {"documents": words}.get(draw.__name__, draw), 20)
        for name, (estimator, draw, _) in list(gpu.CASES.items())[1:]
    }
    monkeypatch.setattr("gpu.CASES", cases)
    found = list(gpu.lines("cpu", rows=None, rounds=1, size=64, epochs=2))
    for name, line in zip(cases, found, strict=True):
        _, case, rows, _, ours, bare, ratio, share, _, _ = line.split("|")
        assert (case.strip(), rows.strip()) == (name, "20")
        assert float(ratio) > 0 and float(share.strip(" %")) > 0
        # of numbers that are rounded
        assert float(bare.replace(",", "")) / float(ours.replace(",", "")) == pytest.approx(
            float(ratio), rel=0.05
        )


def test_linear_probe_gives_accuracy_and_rebuilt_error_and_resumes(tmp_path):
    kinds = ["raw", "PCA-64", "untrained VAE"]
    path = tmp_path / "probe.csv"
    found = linear_probe.measure(path, "digits", kinds, seeds=1)
    assert found.features.tolist() == kinds
    found = linear_probe.measure(path, "digits", kinds, seeds=2)
    assert found.features.tolist() == [*kinds, "untrained VAE"]
    assert linear_probe.measure(path, "digits", kinds[:2], seeds=1).features.tolist() == kinds[:2]
    error = found.groupby("features").rebuilt_error.mean()
    assert error["PCA-64"] < 1e-9  # 64 components of 64 pixels
    assert np.isnan(error["raw"]) and error["untrained VAE"] > 10
    accuracy = found.accuracy[1]
    assert 90 < accuracy < 100
    assert f"| PCA-64 | {accuracy:.1f} | 1 | 0 |" in "\n".join(linear_probe.report("digits", found))


def test_scores_without_labels_are_ranked(monkeypatch):
    make, grid = label_free.METHODS["contrastive"]
    monkeypatch.setitem(label_free.METHODS, "contrastive", (make, grid[:3]))
    found = label_free.measure("contrastive", ["breast_cancer"], draws=2, max_epochs=1)
    assert len(found) == 3
    assert found[list(label_free.SCORES)].notna().all(axis=None)
    found["accuracy"] += [0, 1, 2]  # no ties
    found["RankMe"], found["alignment"] = found.accuracy, -found.accuracy
    lines = list(label_free.report(found, "contrastive"))
    ranks = next(line for line in lines if line.startswith("| breast_cancer")).split("|")
    assert ranks[2].strip() == "+1.00" and ranks[4].strip() == "-1.00"
    chosen = [line for line in lines if line.startswith("| breast_cancer")][1].split("|")
    assert chosen[2].strip() == f"{found.accuracy.max():.1f}"
    assert chosen[4].strip() == f"{found.accuracy.min():.1f}"


def test_mixed_tables_are_compared_with_one_hot_and_boosted_trees(monkeypatch):
    frame, y = load_iris(return_X_y=True, as_frame=True)
    frame = frame.assign(wide=np.where(frame.iloc[:, 1] > 3, "yes", "no")).astype({"wide": "category"})
    frame.iloc[::7, 0] = np.nan
    monkeypatch.setattr(mixed_tables, "mixed", lambda name: (frame, y.to_numpy()))
    found = mixed_tables.measure(["iris"], ["untrained"], [5], draws=2)
    assert found.groupby("estimator").score.mean().min() > 0.7 and len(found) == 4 * 2
    wide = 100 * found.pivot_table(index="run", columns="estimator", values="score")
    gain = (wide["untrained, LR"] - wide[mixed_tables.BASE]).mean()
    assert f"- untrained, LR: {gain:+.1f} over one-hot, LR" in "\n".join(mixed_tables.report(found))


def test_enhancement_tells_error_before_and_after(tmp_path):
    picture = tmp_path / "clean.png"
    lines = list(enhancement.measure("digits", 10, picture))
    rows = [[float(cell.split()[0]) for cell in line.split("|")[1:5]] for line in lines[3:6]]
    assert [row[0] for row in rows] == list(enhancement.STRENGTHS)
    assert all(before > after for _, before, after, _ in rows[1:])
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_samples_are_judged_and_drawn(tmp_path):
    picture = tmp_path / "samples.png"
    lines = list(samples.measure(1, 25, picture, max_epochs=1))
    assert [line.split("|")[1].strip() for line in lines[3:7]] == [
        "real, held out",
        "VAE, seed 0",
        "VAE, beta=2, seed 0",
        "GAN, seed 0",
    ]
    for line in lines[3:7]:
        assert sum(map(int, line.split("|")[-2].split())) == 25
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("table, size, copy", [("numbers", 51.2, 25.6), ("mixed", 33.0, 20.0)])
def test_fit_and_transform_take_little_more_than_their_arrays(table, size, copy):
    """In a process of its own, whose peak is not that of other tests."""
    script = Path(speed.__file__)
    command = [sys.executable, str(script), "--child", "100000", "8", table]
    sizes = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert (sizes["X"], sizes["copy"], sizes["output"]) == pytest.approx((size, copy, 3.2), rel=1e-3)
    assert -10 < sizes["both"] < 150


def test_n_grams_are_interpolated():
    sequences = [np.array(ids) for ids in ([3, 6, 7, 4], [3, 6, 6, 4], [3, 7, 4])]
    model = language_model.NGrams(sequences, 8)
    parts = model.parts([np.array([3, 6, 4])])
    # uniform; frequency of 6 and of 4 among eight followers; of 6 after 3, and of 4 after 6
    np.testing.assert_allclose(parts, [[1 / 8, 3 / 8, 2 / 3], [1 / 8, 3 / 8, 1 / 3]])
    weights = language_model.mixture(model.parts(sequences))
    assert weights.sum() == pytest.approx(1)
    assert weights[2] > 0.5  # the training texts themselves follow the bigram
    expected = -np.mean([np.log2(row @ [0.2, 0.3, 0.5]) for row in parts])
    assert language_model.bits(parts, np.array([0.2, 0.3, 0.5])) == pytest.approx(expected)


def test_anomalies_are_ranked_against_a_forest_and_resumed(tmp_path):
    path, tasks = tmp_path / "some.csv", list(anomalies.TASKS)
    table, images = tasks[0], tasks[-1]
    train, test, is_usual = anomalies.rows_of(table, 0)
    assert len(train) == 179 and is_usual.sum() == 178 and len(test) == 178 + 212
    assert len(anomalies.rows_of(images, 0)[0]) == 899
    assert not anomalies.takes("rotation", table) and anomalies.takes("rotation", images)
    found = anomalies.measure(path, [table], [anomalies.FOREST, "SOM", "rotation"], seeds=2)
    assert len(found) == 4 and found.auc.between(0.9, 1).all()
    found.assign(auc=[0.5, 0.75, 0.5, 0.75]).to_csv(path, index=False)
    again = anomalies.measure(path, [table], [anomalies.FOREST, "SOM"], seeds=2)
    assert again.auc.tolist() == [0.5, 0.75, 0.5, 0.75]  # nothing was left to do
    lines = list(anomalies.report(again))
    assert f"| {table} | 50.0 | 75.0 |" in lines
    assert lines[-1] == "- SOM: +25.0 over the forest, better in 1 of 1 tasks."


def test_report_on_texts_compares_the_best_with_the_best_rival():
    rows = [
        {"estimator": name, "labels": 5, "run": run, "score": score + run / 100, "corpus": "splice"}
        for name, score in [
            ("TF-IDF words", 0.4),
            ("LDA", 0.3),
            ("untrained", 0.9),
            ("masked", 0.6),
            ("order", 0.5),
        ]
        for run in range(3)
    ]
    text = "\n".join(texts.report(pd.DataFrame(rows)))
    assert "- splice: masked +20.0 over TF-IDF words (95 % interval of the runs +20.0 to +20.0)." in text


def test_distillation_tells_what_is_kept(monkeypatch):
    X, y = load_iris(return_X_y=True)
    parts = (X[::2], X[1::2], y[::2], y[1::2])
    monkeypatch.setattr(distillation, "split", lambda name, draw: parts)
    monkeypatch.setattr(
        distillation, "ExtraTreesClassifier", lambda n, random_state: ExtraTreesClassifier(3, random_state=0)
    )
    found = distillation.measure("iris", ["extra trees", "vote"], [5], 1, n_rows=500, max_epochs=2)
    assert found.teacher.min() > 80 and (found["times faster"] > 0).all()
    found["student"] = found.teacher / 2
    lines = list(distillation.report(found))
    assert [line.split("|")[2].strip() for line in lines[2:]] == ["extra trees", "vote"]
    assert all("| 50.0 % |" in line for line in lines[2:])
    assert len(distillation.some_rows(y, 0, 0)) == 75


def test_zero_shot_tells_seen_and_unseen(monkeypatch):
    kinds = np.repeat(list(zero_shot.KINDS), 30)
    columns = np.array([zero_shot.KINDS[kind] for kind in kinds], float)
    columns += np.random.default_rng(0).normal(size=columns.shape) / 3
    setting = (kinds, {"attributes": zero_shot.KINDS}, {"raw": columns})
    monkeypatch.setattr(zero_shot, "problem", lambda name, max_epochs, columns: setting)
    found = zero_shot.measure("toy", pairs=2)
    assert len(found) == 2 * 3
    best = found.groupby("model")["among unseen"].mean()
    assert best["ESZSL, attributes"] > 70 and best["nearest attributes"] > 70
    plain, auto = (found[found.model == f"ESZSL, attributes{end}"] for end in (", no penalty", ""))
    assert (plain.seen > 90).all() and plain.unseen.mean() < auto.unseen.mean()
    assert "| toy | raw | nearest attributes |" in "\n".join(zero_shot.report(found))


def test_cross_dataset_compares_with_the_same_network_from_scratch(monkeypatch):
    X, y = load_digits(n_class=2, return_X_y=True)
    ssl = ContrastivePretrainer(modality=Image(shape=(8, 8)), max_epochs=0, random_state=0).fit(X)
    problem = (X[:200], y[:200], X[200:], y[200:], ssl)
    monkeypatch.setattr(cross_dataset, "problem", lambda name, args: problem)
    monkeypatch.setattr(cross_dataset, "gradients", lambda rows: rows)
    found = pd.DataFrame(cross_dataset.measure("toy", SimpleNamespace(labels=[8], draws=1, steps=1)))
    assert len(found) == 5 and found.accuracy.between(0, 100).all()
    assert found.set_index("model").accuracy["pixels, LR"] > 80
    found["accuracy"] = [10.0, 20.0, 30.0, 42.0, 45.5]
    text = "\n".join(cross_dataset.report(found))
    assert "- fine-tuned, over from scratch: +15.5 with 8 labels (1 draws)." in text


@pytest.mark.parametrize("name, n_classes", [("digits", 10)])
def test_descriptions_cover_the_classes(name, n_classes):
    y, described, features = zero_shot.problem(name, max_epochs=0)
    assert all(set(np.unique(y)) == set(kind) for kind in described.values())
    assert len(set(y)) == n_classes and all(len(Z) == len(y) for Z in features.values())
    assert set(zero_shot.KINDS) == set(zero_shot.SENTENCES)


def test_few_labels_reports_gains_over_the_best_raw_classifier():
    jobs = [("of each class", 5, [*few_labels.rivals(0), *few_labels.ours([None], 0)])]
    jobs += [(kind, 2, [few_labels.BASE, "raw, extra trees"]) for kind in few_labels.WAYS]
    rows = [
        {"data": table, "draw": number, "rows": kind, "labels": n, "model": name, "seconds": 1.0}
        | {"accuracy": 80.0 + (name == few_labels.BASE) + (kind == few_labels.OURS), "log loss": 0.5}
        for table in ("a", "b")
        for number in range(2)
        for kind, n, names in jobs
        for name in names
    ]
    text = "\n".join(few_labels.report(pd.DataFrame(rows)))
    assert f"- FewLabelClassifier over {few_labels.WITHOUT}: +1.0 ± 0.0 over 2 tables" in text
    assert "Ahead of the best raw classifier of each table, in hindsight, on 2 of 2." in text
    assert "RowSelector rows, FewLabelClassifier over random rows, raw, extra trees: +2.0" in text
    model = DummyClassifier().fit([[0], [0]], [0, 1])
    found = few_labels.scores(model, np.zeros((4, 1)), np.array([0, 0, 0, 1]))
    assert found == {"accuracy": 75.0, "log loss": pytest.approx(np.log(2))}


def test_numbers_from_few_labels_are_compared(monkeypatch, tmp_path):
    frame, y = load_diabetes(return_X_y=True, as_frame=True)
    monkeypatch.setattr("few_labels_regression.regression", lambda name: (frame[:150], np.asarray(y[:150])))
    for cls in (ContrastivePretrainer, MaskedPretrainer):
        monkeypatch.setattr(cls, "_epoch_budget", 20)
    chosen = {
        name: few_labels_regression.models(0, [None])[name] for name in ("raw, ridge", "raw, extra trees")
    }
    monkeypatch.setattr("few_labels_regression.models", lambda *args: chosen)
    for _ in range(2):  # the second time all is known
        found = few_labels_regression.measure(tmp_path / "r.csv", ["toy"], [30], 1, 100)
        assert len(found) == 2 and found.R2.between(0, 100).all()
    names = ["raw, ridge", few_labels_regression.FROZEN, few_labels_regression.TUNED]
    names += [few_labels_regression.WITHOUT, few_labels_regression.BASE]
    rows = [
        {"data": table, "draw": 0, "labels": 30, "model": name, "R2": 10.0 * i - 5}
        for table in ("a", "b")
        for i, name in enumerate(names)
    ]
    text = "\n".join(few_labels_regression.report(pd.DataFrame(rows)))
    assert "FewLabelRegressor over raw, ridge (the best in the mean): +35.0 ± 0.0 over 2 tables" in text
    assert "Ahead of the best raw regressor of each table, in hindsight, on 2 of 2." in text


def test_features_of_other_packages_get_the_same_labels(monkeypatch):
    iris = load_iris()
    half = np.arange(0, 150, 2)
    parts = iris.data[half], iris.data[half + 1], iris.target[half], iris.target[half + 1]
    ssl = FrozenEstimator(ContrastivePretrainer(max_epochs=1, random_state=0).fit(parts[0]))
    monkeypatch.setattr("few_labels.parts_of", lambda *args: parts)
    monkeypatch.setattr("few_labels.pretrained", lambda *args: [ssl])
    monkeypatch.setattr("few_labels.of_others", lambda draw, n, n_columns: {few_labels.TABNET: PCA(2)})
    wanted = {("of each class", 5): [few_labels.FROZEN, few_labels.SUBTAB, few_labels.TABNET]}
    rows = list(few_labels.one_draw("iris", 0, wanted, 100, None, peers=True))
    assert [row["model"] for row in rows] == [few_labels.FROZEN, few_labels.SUBTAB, few_labels.TABNET]
    assert np.isnan(rows[1]["accuracy"])
    few = draw_labels(parts[2], 5, 0)
    scaler = StandardScaler().fit(parts[0])
    clf = make_pipeline(
        scaler, PCA(2).fit(scaler.transform(parts[0])), StandardScaler(), LogisticRegression()
    )
    clf[2:].fit(clf[:2].transform(parts[0][few]), parts[2][few])
    assert rows[2]["accuracy"] == pytest.approx(100 * clf.score(parts[1], parts[3]))


def test_sounds_are_compared_on_the_same_draws(monkeypatch):
    rng = np.random.default_rng(0)
    names = np.array([c + v for v in "aeiou" for c in "bdfgkl"] + ["word", "ae"])
    of = np.array(["es", "ru"] * 16)
    waves = [np.sin(np.arange(2000) * (0.1 + 0.3 * (x == "es"))) + 0.1 * rng.normal(size=2000) for x in of]
    monkeypatch.setattr("audio.letters", lambda languages, rate: (waves, of, names))
    monkeypatch.setattr(
        "audio.pretrainers", lambda rate: {"noise": FunctionTransformer(lambda X: np.ones((len(X), 1)))}
    )
    found = pd.concat(
        audio.measure("letters", ["es", "ru"], ["log-mel statistics", "noise"], labels=[2], draws=3)
    )
    assert len(found) == 2 * 2 * 3
    mean = found.groupby(["features", "task"]).accuracy.mean()
    assert mean["log-mel statistics", "language"] > 95
    assert mean["noise", "language"] == 50
    assert mean["noise", "vowel"] == 20
    lines = list(audio.report(found))
    assert any(line.startswith("| noise | 50.0 | 20.0 |") for line in lines)
    assert any(line.startswith("- language, 2 labels: noise -") for line in lines)


def test_hours_of_sound_are_measured(monkeypatch):
    monkeypatch.setattr("long_sound.CLIP", 4000)
    monkeypatch.setattr("long_sound.SECONDS", 0.25)
    lines = list(long_sound.report([0.0]))
    cells = next(line for line in reversed(lines) if line.startswith("|")).strip("| ")
    row = [float(cell) for cell in cells.split("|")]
    assert len(row) == 5
    assert min(row[3:]) > 0


def test_peers_that_are_not_installed_are_left_out(monkeypatch):
    calls = []
    fits = [lambda X, epochs, name=name: calls.append((name, epochs)) for name in ("theirs", "ours")]
    monkeypatch.setattr("peers.PEERS", {"here": ("json", *fits), "away": ("no_such_package", *fits)})
    (row,) = peers.measure(["here", "away"], n=512, epochs=3, rounds=2)
    assert row["peer"] == "here" and "times as fast" in row
    # each once to warm up; then in turn, with one epoch to be subtracted
    assert calls == [("theirs", 1), ("ours", 1)] + 2 * [
        ("theirs", 1),
        ("theirs", 4),
        ("ours", 1),
        ("ours", 4),
    ]


def test_sizes_see_as_many_rows(monkeypatch):
    calls = []
    monkeypatch.setattr("scale.seconds", lambda run: calls.append(run()) or 2.0)
    found = scale.of_sizes([50, 200], seen=400, rounds=2)
    fits = [(len(ssl.history_), ssl.n_features_in_) for ssl in calls]
    assert fits == [(8, scale.COLUMNS), (2, scale.COLUMNS)] * 2
    assert list(found["epochs"]) == ["8", "2"] and list(found["rows/s"]) == ["200", "200"]
    monkeypatch.setattr("scale.MODULES", ["json"])
    (line,) = scale.of_imports(rounds=1)
    assert line.startswith("`import json` takes ")


def test_forecasts_are_divided_by_the_error_of_last_week(monkeypatch):
    steps = np.arange(600)
    x = np.sin(steps * np.pi / 6) + 0.01 * steps + 0.1 * np.sin(steps**2)
    monkeypatch.setattr("forecasts.SERIES", {"waves": ("", "", 12, 24)})
    monkeypatch.setattr("forecasts.read", lambda name: x)
    quick = forecasts.AutoregressivePretrainer(max_epochs=1)
    monkeypatch.setattr("forecasts.AutoregressivePretrainer", lambda **params: quick.set_params(**params))
    lines = list(forecasts.report(["waves"]))
    assert "| last week | 1.000 |" in lines
    errors = {line.split(" | ")[0][2:]: line.split()[-2] for line in lines if line.startswith("| ")}
    assert {"last day", "ridge on lags", "boosted trees on lags", "AutoregressivePretrainer"} < set(errors)
    found = {name: error for name, error, _ in forecasts.forecasts(x, 480, 12, 24)}
    assert np.abs(found["ridge on lags"] - x[480:].reshape(-1, 12)).mean() < 0.15


def test_features_of_series_are_computed_once_for_all_labels(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 1, 12)), np.repeat(["a", "b"], 20)
    X[y == "b"] += 4
    monkeypatch.setattr("series.load", lambda name: (X[::2], y[::2], X[1::2], y[1::2]))
    asked = []
    of = series.features.__wrapped__
    count = lru_cache(lambda *key: asked.append(key) or of(*key))
    monkeypatch.setattr("series.features", count)
    path = tmp_path / "series.csv"
    found = series.measure(path, ["GunPoint"], ["raw", "untrained"], [1, 5], 2)
    assert len(found) == 2 * 2 * 2 and len(asked) == 2
    assert found[found.labels == 5].accuracy.min() > 90
    series.measure(path, ["GunPoint"], ["raw", "untrained"], [1, 5], 2)
    assert len(asked) == 2
    assert sum(line.startswith("| untrained |") for line in series.report(found)) == 4
