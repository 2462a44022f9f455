import os

# before scikit-learn is imported: without it, scikit-learn skips its array API check
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import matplotlib

matplotlib.use("Agg")
