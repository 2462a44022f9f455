"""Several processes train together as one does: the same losses, the same bits in all, one writer, no one hangs."""

import os
import pickle
import re
import socket
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import processes
import pytest
import torch
from processes import CASES, small
from several_processes import torchrun

from sklearn_ssl.training import ALONE, RandomStream, World, join

pytest.importorskip("accelerate")
HERE = Path(processes.__file__).parent
N_STEPS = 3


def environment(rank, size=2):
    """Return what torchrun sets for a process of one machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    names = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size}
    return {
        **{name: str(value) for name, value in names.items()},
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }


def run_two(folder, n_steps):
    """Return what two processes found."""
    path = os.pathsep.join([str(HERE.parent), str(HERE), os.environ.get("PYTHONPATH", "")])
    port = environment(0)["MASTER_PORT"]
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "error", processes.__file__, str(folder), str(n_steps)],
            env={
                **os.environ,
                **environment(rank),
                "MASTER_PORT": port,
                "OMP_NUM_THREADS": "1",
                "PYTHONPATH": path,
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    told = [process.communicate(timeout=600)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], "\n".join(told)
    return [pickle.loads((folder / f"{rank}.pickle").read_bytes()) for rank in (0, 1)]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    return run_two(tmp_path_factory.mktemp("two"), N_STEPS)


@pytest.mark.parametrize("name", CASES)
def test_losses_are_those_of_one_process_and_weights_the_same_in_all(two, name):
    first, second = (found[name] for found in two)
    assert first == second
    alone, _, norm = processes.losses(name, N_STEPS)
    np.testing.assert_allclose(first[0], alone, atol=1e-4, rtol=0)
    assert first[2] == pytest.approx(norm, rel=1e-3)


@pytest.mark.slow
def test_losses_are_those_of_one_process_for_fifty_steps(tmp_path):
    found = run_two(tmp_path, 50)[0]
    for name in CASES:
        np.testing.assert_allclose(
            found[name][0], processes.losses(name, 50)[0], atol=1e-4, rtol=0, err_msg=name
        )


def test_batch_norm_is_that_of_all_rows(two):
    for ours, theirs in zip(two[0]["normalised"], processes.normalised(None), strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-4)


def test_without_a_seed_all_draw_that_of_the_first(two):
    assert two[0]["no seed"] == two[1]["no seed"]


def test_each_draws_its_own_views_and_the_order_stays_that_of_one():
    drawn = []
    for world in (ALONE, World(2, 0), World(2, 1)):
        stream = RandomStream(3)
        views = world.draws(stream, "cpu")
        drawn.append((views.run(torch.rand, 3).tolist(), stream.run(torch.randperm, 9).tolist()))
        assert (views is stream) == (world is ALONE)
    assert drawn[1][0] != drawn[2][0]
    assert drawn[1][1] == drawn[2][1] == RandomStream(3).run(torch.randperm, 9).tolist()


def test_the_first_writes_and_all_go_on_from_its_file(two):
    first, second = two
    assert first["files"] == ["a", "b", "saved"] and second["files"] == []
    assert first["n_resumed"] == second["n_resumed"] == 2
    assert first["whole"] == first["resumed"] == second["whole"] == second["resumed"]
    np.testing.assert_array_equal(first["features"], second["features"])
    assert "batch" in first["log"] and second["log"] == ""


def test_all_stop_after_the_same_batch(two):
    first, second = two
    assert first["stopped"] == second["stopped"] and len(first["stopped"][0]) < 30
    assert first["timed"] == second["timed"] and first["timed"][0] < 300


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("X", "ValueError: .*In process 1, compared with process 0, X has other values"),
        ("rows", "ValueError: .*X has 40 rows, and there 41"),
        ("n_components", "ValueError: .*temperature is 1.1, and there 0.1"),
        ("batch", "ValueError: A batch has 2 rows, .*at least 2"),
        ("clone", "ValueError: This ContrastivePretrainer is a clone"),
        ("fine-tuning", "ValueError: FineTuneClassifier trains in one process"),
        ("device", "ValueError: .*one device, and 2 processes"),
    ],
)
def test_what_cannot_be_trained_together_is_refused_in_all(two, case, words):
    for found in two:
        assert re.search(words, found["refused"][case]), found["refused"][case]


def test_an_error_in_one_process_ends_the_others(two):
    first, second = (found["failure"] for found in two)
    assert second[0] == "OSError: the disk is full"
    for text in (first[0], first[1], second[1]):
        assert text.startswith("RuntimeError: The processes that trained together have lost each other")
    assert max(first[2], second[2]) < 60


SCRIPT = """
import os
import signal
import sys

from processes import X, bits, small
from skorch.callbacks import Callback


class Die(Callback):
    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 3 and os.environ["RANK"] == "1" and "dies" in sys.argv:
            os.kill(os.getpid(), signal.SIGKILL)


est = small(checkpoint="kept", max_epochs=4, callbacks=[Die()]).fit(X)
whole = small(max_epochs=4, callbacks=[Die()]).fit(X)
print("resumed", est.net_.n_resumed, bits(est) == bits(whole), flush=True)
"""


@pytest.mark.slow
def test_a_killed_process_ends_all_and_torchrun_goes_on_from_the_checkpoint(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    path = os.pathsep.join([str(HERE.parent), str(HERE), os.environ.get("PYTHONPATH", "")])
    results = [
        subprocess.run(
            [*torchrun(2), "train.py", how],
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
        )
        for how in ("dies", "goes")
    ]
    assert results[0].returncode != 0 and "resumed" not in results[0].stdout
    assert results[1].returncode == 0, results[1].stderr
    assert results[1].stdout.count("resumed 2 True") == 2


def test_accelerate_is_named_where_it_is_missing():
    with (
        mock.patch.dict(os.environ, environment(0)),
        mock.patch.dict(sys.modules, {"accelerate": None}),
        pytest.raises(ImportError, match=r"pip install 'sklearn-ssl\[distributed\]'"),
    ):
        small().fit(processes.X)
    assert small(max_epochs=0).fit(processes.X).net_.world_ is ALONE


def test_a_worker_of_one_of_the_processes_is_refused():
    child = {**environment(0), "SKLEARN_SSL_PROCESS": "1"}
    with mock.patch.dict(os.environ, child), pytest.raises(ValueError, match="is none of them"):
        join("cpu")
