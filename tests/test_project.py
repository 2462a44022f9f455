"""What is said in two places of the project agrees: version, oldest versions, Pythons, licence."""

import importlib.metadata
import importlib.resources
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import report
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import sklearn_ssl

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS = [path for path in sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")) if path.stem != "config"]


def read_text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def requirements():
    """Return all that pyproject.toml asks for, but for the extras of the project itself."""
    lines = sum(PROJECT["optional-dependencies"].values(), PROJECT["dependencies"])
    return [r for r in map(Requirement, lines) if canonicalize_name(r.name) != PROJECT["name"]]


def pins(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    names = [canonicalize_name(r.name) for r in found]
    assert len(set(names)) == len(names)
    versions = []
    for requirement in found:
        (pin,) = requirement.specifier
        assert pin.operator == "=="
        versions.append(Version(pin.version))
    return dict(zip(names, versions, strict=True))


def test_version_is_written_once():
    assert importlib.metadata.version(PROJECT["name"]) == sklearn_ssl.__version__
    assert "version" not in PROJECT and PROJECT["dynamic"] == ["version"]
    assert PYPROJECT["tool"]["hatch"]["version"] == {"path": "sklearn_ssl/version.py"}
    code = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("sklearn_ssl/**/*.py"))
    assert len(re.findall("^__version__ =", code, flags=re.MULTILINE)) == 1


def test_annotations_are_for_users_too():
    assert importlib.resources.files("sklearn_ssl").joinpath("py.typed").is_file()


def test_oldest_versions_are_the_lower_bounds():
    oldest = pins("constraints-oldest.txt")
    bounds = {}
    for requirement in requirements():
        (bound,) = requirement.specifier
        assert bound.operator == ">=", f"{requirement} is no lower bound"
        name = canonicalize_name(requirement.name)
        assert bounds.setdefault(name, Version(bound.version)) == Version(bound.version), (
            f"two bounds for {name}"
        )
    assert len(bounds) > 10
    assert {name: oldest.get(name) for name in bounds} == bounds


def test_known_versions_are_allowed():
    known = pins("constraints.txt")
    for requirement in requirements():
        name = canonicalize_name(requirement.name)
        assert name in known, f"constraints.txt lacks {name}"
        assert requirement.specifier.contains(known[name]), requirement


def test_pythons_are_those_that_are_tested():
    classifiers = [
        re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", c) for c in PROJECT["classifiers"]
    ]
    pythons = [match[1] for match in classifiers if match]
    jobs = read(ROOT / ".github/workflows/ci.yml")["jobs"]
    assert jobs["ci"]["strategy"]["matrix"]["python"] == pythons
    assert PROJECT["requires-python"] == f">={pythons[0]}"
    (setup,) = [s for s in jobs["oldest"]["steps"] if s.get("uses", "").startswith("actions/setup-python")]
    assert setup["with"]["python-version"] == pythons[0]


def test_workflows_run_the_tests():
    runs = {path.stem: [] for path in WORKFLOWS}
    for path in WORKFLOWS:
        for job in read(path)["jobs"].values():
            runs[path.stem].append([step["run"] for step in job["steps"] if "run" in step])
    ci, oldest = runs["ci"]
    assert ci == [".ci/run"] and (ROOT / ".ci/run").is_file()
    assert "-c constraints-oldest.txt" in oldest[0] and "pytest" in oldest[-1]
    site, links = runs["site"]
    command = re.search(r"^python -m sphinx (.*) docs docs/_build$", read_text("CONTRIBUTING.md"), re.M)[1]
    assert "[docs]" in site[0] and f"{command} $EXAMPLES docs" in site[1]
    assert links[0] == site[0] and "-b linkcheck" in links[1]
    (nightly,) = runs["nightly"]
    assert "pytest" in nightly[-1] and not any("constraints" in run for run in nightly)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_is_bounded(path):
    workflow = read(path)
    assert workflow[True]  # what starts it: YAML takes the key "on" for a truth value
    assert workflow["permissions"] == {"contents": "read"}
    assert "concurrency" in workflow
    for name, job in workflow["jobs"].items():
        assert 0 < job["timeout-minutes"] <= 90, name
        assert job["steps"], name
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step), step


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_form_asks(path):
    form = read(path)
    assert form["name"] and form["description"]
    asked = [field for field in form["body"] if field["type"] != "markdown"]
    ids = [field["id"] for field in asked]
    assert len(set(ids)) == len(ids)
    assert all(field["attributes"]["label"] for field in asked)
    assert any(field.get("validations", {}).get("required") for field in asked)


def test_bug_report_asks_for_versions():
    text = (ROOT / ".github/ISSUE_TEMPLATE/bug_report.yml").read_text(encoding="utf-8")
    assert "sklearn.show_versions()" in text
    assert all(f"{name}.__version__" in text for name in ("torch", "skorch", "sklearn_ssl"))


def test_citation_agrees_with_the_project():
    citation = read(ROOT / "CITATION.cff")
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software"
    assert citation["message"] and citation["title"]
    assert all(author["name"] for author in citation["authors"])
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] == PROJECT["urls"]["Source"]
    assert citation["keywords"] == PROJECT["keywords"]
    assert not {"version", "date-released"} & set(citation)  # a second place to forget


def git(folder, *arguments):
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    run = subprocess.run(["git", "-C", folder, *who, *arguments], capture_output=True, check=True, text=True)
    return run.stdout.strip()


def test_reports_name_the_commit(tmp_path, monkeypatch):
    package, results = tmp_path / "sklearn_ssl", tmp_path / "benchmarks/results"
    package.mkdir()
    results.mkdir(parents=True)
    code = package / "__init__.py"
    code.write_text("a = 1\n")
    assert report.commit(tmp_path, package) == "unknown"  # no repository
    git(tmp_path, "init")
    assert report.commit(tmp_path, package) == "unknown"  # no commit
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    head = git(tmp_path, "rev-parse", "--short", "HEAD")
    assert report.commit(tmp_path, package) == head
    (results / "speed.md").write_text("what a benchmark writes is no change\n")
    assert report.commit(tmp_path, package) == head
    assert report.commit(tmp_path / "benchmarks", package) == "unknown"  # a folder in another's repository
    assert report.commit(tmp_path, results) == "unknown"  # the package is from somewhere else
    code.write_text("a = 2\n")
    assert report.commit(tmp_path, package) == f"{head}+changes"
    code.write_text("a = 1\n")
    (tmp_path / "benchmarks/new.py").write_text("a script that nobody else has\n")
    assert report.commit(tmp_path, package) == f"{head}+changes"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert report.commit(tmp_path, package) == "unknown"  # no git


def test_a_written_report_names_the_commit(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(report, "COMMIT", "1234abc+changes")
    report.write("some", ["| a |"])
    text = (tmp_path / "some.md").read_text()
    assert f"sklearn_ssl {sklearn_ssl.__version__}, commit 1234abc+changes, scikit-learn" in text
    assert text.endswith("\n\n| a |\n") and capsys.readouterr().out == text


def test_all_benchmarks_write_by_the_same_function():
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py")}
    # some scripts print, and write no report
    scripts = {
        path: text
        for path, text in texts.items()
        if '__name__ == "__main__"' in text and re.search(r"[Rr]eport|results/|\.md\b", text)
    }
    assert len(scripts) >= 11
    for path, text in scripts.items():
        assert re.search(r"^from report import .*\bwrite\b", text, flags=re.MULTILINE), path
        assert not re.search(r"\.md\b.*write_text|write_text.*\.md\b", text), path


def test_no_script_hides_a_package():
    """Folders of scripts and tests come first on the path of the tests: ``import distributed`` would find them."""
    packages = {name.replace("-", "_") for name in pins("constraints.txt")}
    scripts = {path.stem for folder in ("benchmarks", "tests") for path in (ROOT / folder).glob("*.py")}
    assert scripts and not scripts & packages
