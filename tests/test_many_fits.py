"""Fits in a row leave no thread and no open file behind; memory is measured by benchmarks/many_fits.py."""

import sys

import many_fits
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")


def test_fits_leave_no_thread_and_no_file():
    turn = many_fits.turns()["ContrastivePretrainer, saved, loaded, with checkpoint"]
    first, last = many_fits.watched(turn, 2, warm_up=1)
    assert (last.threads, last.files) == (first.threads, first.files)


def test_what_is_kept_is_seen(tmp_path):
    kept = []
    found = many_fits.watched(lambda: kept.append((tmp_path / "x").open("w")), 3, warm_up=0)
    assert found[-1].files == found[0].files + 2 and not many_fits.is_constant(found)
    for file in kept:
        file.close()
    states = [many_fits.State(100 + size, 2, 6) for size in (50, 0, 0, 1, 2, 3)]
    assert many_fits.growth(states) == pytest.approx(1) and not many_fits.is_constant(states)
    assert many_fits.is_constant(states[:3])
