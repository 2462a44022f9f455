import os

# as many tests at once as there are cores (pytest -n auto), so one thread each; before torch is imported
os.environ.setdefault("OMP_NUM_THREADS", "1")
# before scikit-learn is imported: without it, scikit-learn skips its array API check
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import matplotlib

matplotlib.use("Agg")
