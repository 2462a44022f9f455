"""The code of README.md, of CONTRIBUTING.md and of the guide runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def blocks(name, language):
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


# needs packages that nothing else needs, and a cluster: see test_recipes_run and test_dask.py
ELSEWHERE = ["docs/guide/recipes.md", "docs/guide/beyond_one_machine.md"]
GUIDE = [
    path.relative_to(ROOT).as_posix()
    for path in sorted((ROOT / "docs/guide").glob("*.md"))
    if "```python" in path.read_text(encoding="utf-8") and path.relative_to(ROOT).as_posix() not in ELSEWHERE
]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("**/*.md"))


def test_every_page_with_code_is_run():
    """What the build copies is run where it is written, and the start page has the code of README.md."""
    with_code = {name for name in PAGES if blocks(name, "python")} - {"docs/project/contributing.md"}
    assert with_code == {*GUIDE, "docs/index.md", *ELSEWHERE}
    assert blocks("docs/index.md", "python") == blocks("README.md", "python")


@pytest.mark.parametrize("name", GUIDE)
def test_code_of_the_guide_runs(name, tmp_path, monkeypatch):
    """In this process: a new one would import torch for each page. Warnings are errors here, too."""
    monkeypatch.chdir(tmp_path)
    page = {"__name__": "guide"}
    for code in blocks(name, "python"):
        exec(compile(code, name, "exec"), page)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_code_runs(name, tmp_path):
    code = "".join(blocks(name, "python"))
    assert code
    script = tmp_path / "script.py"  # a main module: what it defines can be pickled
    script.write_text(code, encoding="utf-8")
    subprocess.run([sys.executable, "-W", "error", script.name], cwd=tmp_path, check=True)


@pytest.mark.slow  # they need packages that nothing else here needs: the extra "recipes"
@pytest.mark.parametrize("code", blocks("docs/guide/recipes.md", "python"), ids=lambda code: code.split()[1])
def test_recipes_run(code, tmp_path):
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


@pytest.mark.parametrize(
    "example, most, what",
    [(0, 60, "check_pretrainer("), (1, 100, "(Sequences)"), (2, 50, "(ClassifierMixin, NetworkEstimator)")],
)
def test_examples_of_how_to_add_are_short(example, most, what):
    code = blocks("CONTRIBUTING.md", "python")[example]
    assert what in code
    assert len(code.splitlines()) < most


def test_readme_has_two_set_up_commands():
    commands = [line for block in blocks("README.md", "bash") for line in block.splitlines()]
    assert len(commands) == 2
    assert commands[0].endswith("&& python -m sklearn_ssl")
    assert commands[1].endswith("&& python -m pytest -n auto --dist worksteal")
