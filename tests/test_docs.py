"""The code of README.md and CONTRIBUTING.md runs."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def blocks(name, language):
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_code_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = blocks(name, "python")
    assert code
    namespace = {"__name__": "__main__"}
    for block in code:
        exec(compile(block, name, "exec", dont_inherit=True), namespace)


def test_readme_has_two_set_up_commands():
    commands = [line for block in blocks("README.md", "bash") for line in block.splitlines()]
    assert len(commands) == 2
    assert commands[0].endswith("&& python -m sklearn_ssl")
    assert commands[1].endswith("&& python -m pytest")
