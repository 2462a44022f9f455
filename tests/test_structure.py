"""The house is what CONTRIBUTING.md says of it: layers, borders, sizes, public names."""

import ast
import importlib
import pickle
import statistics
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import sklearn_ssl

PACKAGE = Path(sklearn_ssl.__file__).parent
FILES = {path.relative_to(PACKAGE): ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}
# each may import those above it
LAYERS = [
    ("naming", "warning", "threads", "doc_link", "version"),
    ("training", "encoders", "files"),
    ("modalities",),
    ("persistence",),
    ("base", "metrics"),
    ("methods", "testing"),
    ("few_labels",),
    ("callbacks", "model_selection"),
    ("inspection", "transfer", "export"),
    ("__init__",),
    ("__main__",),
]
FACES = [
    "sklearn_ssl",
    "sklearn_ssl.base",
    "sklearn_ssl.encoders",
    "sklearn_ssl.export",
    "sklearn_ssl.files",
    "sklearn_ssl.inspection",
    "sklearn_ssl.modalities",
    "sklearn_ssl.model_selection",
    "sklearn_ssl.testing",
    "sklearn_ssl.training",
    "sklearn_ssl.transfer",
]


def imports(path):
    """Yield the modules of this package that a file imports, as tuples of names, and the names it takes."""
    for node in ast.walk(FILES[path]):
        if isinstance(node, ast.ImportFrom) and node.level:
            here = path.parent.parts
            start = here[: len(here) - node.level + 1]
            yield (*start, *(node.module.split(".") if node.module else ())), [a.name for a in node.names]


def room(parts):
    return Path(parts[0]).stem if parts else "__init__"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_point_downward(path):
    floor = {name: level for level, names in enumerate(LAYERS) for name in names}
    here = room(path.parts)
    for module, _ in imports(path):
        there = room(module)
        assert there == here or floor[there] < floor[here], f"{path} imports {'.'.join(module)}"


def test_no_file_imports_itself_in_a_circle():
    graph = {}
    for path in FILES:
        found = set()
        for module, names in imports(path):
            inner = {Path(*module, f"{name}.py") for name in names}
            outer = {
                Path(*module, "__init__.py"),
                *(Path(*module[:-1], f"{last}.py") for last in module[-1:]),
            }
            found |= inner & FILES.keys() or outer & FILES.keys()
        graph[path] = found - {Path("__init__.py"), path}
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("path", FILES, ids=str)
def test_no_private_name_crosses_a_border(path):
    """A folder is used through its face; inside it, and from folders within it, files are open to each other."""
    for module, names in imports(path):
        for depth, part in enumerate(module):
            if part.startswith("_"):
                assert path.parts[:depth] == module[:depth], f"{path} imports {'.'.join(module)}"
        private = [name for name in names if name.startswith("_") and not name.startswith("__")]
        assert not private, f"{path} takes {private} from {'.'.join(module)}"


def lines_of_code(node, source):
    """Return the lines of a node without docstrings, comments and blank ones."""
    left_out = set()
    for inner in ast.walk(node):
        if isinstance(inner, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(inner) is not None:
            left_out |= set(range(inner.body[0].lineno, inner.body[0].end_lineno + 1))
    lines = range(node.lineno, node.end_lineno + 1)
    text = {line: source[line - 1].strip() for line in lines if line not in left_out}
    return sum(1 for line in text.values() if line and not line.startswith("#"))


def test_sizes():
    functions = []
    for path, tree in FILES.items():
        source = (PACKAGE / path).read_text("utf-8").splitlines()
        assert len(source) <= 350, path
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                assert lines_of_code(node, source) <= 200, f"{path}: {node.name}"
            elif isinstance(node, ast.FunctionDef):
                functions.append(lines_of_code(node, source))
    assert statistics.median(functions) <= 5
    assert statistics.quantiles(functions, n=10)[-1] <= 17


@pytest.mark.parametrize("face", FACES)
def test_public_names_say_where_they_are_imported_from(face):
    module = importlib.import_module(face)
    for name in module.__all__:
        value = getattr(module, name)
        origin = getattr(value, "__module__", face)
        assert "._" not in origin, f"{face}.{name} says it is of {origin}"
        if isinstance(value, type) and origin.startswith("sklearn_ssl"):
            assert getattr(importlib.import_module(origin), value.__qualname__) is value
            assert pickle.loads(pickle.dumps(value)) is value


def test_base_infer_and_testing_name_no_modality():
    names = {kind.__name__ for kind in sklearn_ssl.modalities.MODALITIES}
    for path, tree in FILES.items():
        if room(path.parts) in ("base", "testing", "training", "encoders"):
            found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & names
            assert not found, f"{path} names {found}"
