import os
import sys

# as many tests at once as there are cores (pytest -n auto), so one thread each; before torch is imported
os.environ.setdefault("OMP_NUM_THREADS", "1")
# no GPU where there is one, unless it is asked for: bits are compared, and those of a CPU repeat
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
# before scikit-learn is imported: without it, scikit-learn skips its array API check
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import matplotlib
import pytest

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    """pyplot keeps every figure, and warns of the twenty-first, in whichever test that is."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
