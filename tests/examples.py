"""The worked examples of CONTRIBUTING.md as modules, so that tests can use what they define."""

import re
import sys
import types
from pathlib import Path

ROOT = Path(__file__).parent.parent


def blocks(name, language):
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def example(marker):
    """Return the example whose code has `marker`, as a module; what it does at its end is left out."""
    (code,) = [block for block in blocks("CONTRIBUTING.md", "python") if marker in block]
    module = types.ModuleType(f"example_{len(code)}")
    sys.modules[module.__name__] = module  # what it defines can be pickled
    exec(code[: code.index("\n\n\nX")], vars(module))
    return module
