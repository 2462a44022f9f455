"""The site of docs/: its pages, links and chooser, and that what it shows has an example that runs."""

import importlib
import importlib.util
import inspect
import itertools
import re
from pathlib import Path

import pytest

import sklearn_ssl

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
FACES = (
    "callbacks",
    "export",
    "files",
    "inspection",
    "metrics",
    "model_selection",
    "testing",
)  # all of them is for users


def module(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


PAGES, CHOOSER = module("_pages"), module("_chooser")
WRITTEN = sorted(
    path for folder in ("", "api", "guide", "project", "reports") for path in (DOCS / folder).glob("*.md")
)
WRITTEN = [path for path in WRITTEN if path.relative_to(DOCS).as_posix() not in PAGES.COPIED]
EXAMPLES = sorted((DOCS / "examples").glob("*.py"))


def name_of(path):
    return path.relative_to(DOCS).as_posix()


def test_reference_has_all_that_users_import():
    listed = set(PAGES.names().values())
    public = {f"sklearn_ssl.{name}" for name in sklearn_ssl.__all__}
    for face in FACES:
        found = importlib.import_module(f"sklearn_ssl.{face}")
        names = getattr(found, "__all__", None) or [
            name
            for name, value in vars(found).items()
            if getattr(value, "__module__", None) == found.__name__
        ]
        public |= {f"sklearn_ssl.{face}.{name}" for name in names}
    public |= {f"sklearn_ssl.modalities.{kind.__name__}" for kind in sklearn_ssl.modalities.MODALITIES}
    assert public - listed == set(), "docs/api/index.md lacks them"


@pytest.mark.parametrize("full", PAGES.names().values())
def test_public_name_has_an_example(full):
    place, _, name = full.rpartition(".")
    value = getattr(importlib.import_module(place), name)
    blocks = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M | re.S
    )
    # what authors of methods use is shown by the complete examples of CONTRIBUTING.md
    used = re.search(rf"\b{name}\b", "".join(blocks)) is not None
    assert ">>> " in inspect.getdoc(value) or used, f"the help of {full} has no Examples"


def entries(path):
    """Return what the tables of contents of a page list, as paths from docs/."""
    for tree in re.findall(r"^```\{toctree\}\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S):
        for line in tree.splitlines():
            if line and not line.startswith(":"):
                yield (path.parent / f"{line}.md").resolve().relative_to(DOCS).as_posix()


def test_every_page_is_in_a_table_of_contents():
    listed = {entry for path in WRITTEN for entry in entries(path)}
    assert {name_of(path) for path in WRITTEN} - listed == {"index.md"}
    copied = {page for page in PAGES.COPIED if not page.startswith("reports/")}
    assert copied <= listed
    made = {"reports/*.md", "auto_examples/index.md"}  # all reports, and what sphinx-gallery writes
    assert listed == copied | made | {name_of(path) for path in WRITTEN} - {"index.md"}


def anchors(text):
    """Return the anchors of a page as GitHub and MyST make them."""
    heads = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize(
    "path",
    [*ROOT.glob("*.md"), *(ROOT / "benchmarks/results").glob("*.md"), *WRITTEN],
    ids=lambda path: path.name,
)
def test_links_lead_somewhere(path):
    """Those to other sites are only to be addresses: the nightly build asks for them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^()\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            assert re.match(r"https://[\w-]+(\.[\w-]+)+(/|$)|mailto:", target), (
                f"{path.name} leads to {target}"
            )
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"{path.name} leads to {target}"
        if anchor:
            assert anchor in anchors(there.read_text(encoding="utf-8")), f"{path.name} leads to {target}"


@pytest.mark.parametrize("path", WRITTEN, ids=name_of)
def test_links_of_the_site_lead_to_its_pages(path):
    page = name_of(path)
    text = PAGES.relinked(path.read_text(encoding="utf-8"), f"docs/{page}", page)
    for target in re.findall(r"\]\(([^()\s]+)\)", text):
        if re.match(r"[a-z]+:|#", target):
            continue
        there = (path.parent / target.partition("#")[0]).resolve().relative_to(DOCS).as_posix()
        example = re.fullmatch(r"auto_examples/(\w+)\.rst", there)
        known = DOCS / "examples" / f"{example[1]}.py" if example else DOCS / there
        assert there in PAGES.COPIED or known.is_file(), f"{page} leads to {target}"


def test_links_to_other_files_lead_to_the_repository():
    text = "[a](../../benchmarks/texts.py) [b](../../CONTRIBUTING.md#set-up) [c](x.md) [d](../examples/plot_01_x.py)"
    assert PAGES.relinked(text, "docs/guide/page.md", "guide/page.md") == (
        f"[a]({PAGES.REPOSITORY}/blob/main/benchmarks/texts.py) [b](../project/contributing.md#set-up) [c](x.md) "
        "[d](../auto_examples/plot_01_x.rst)"
    )


def test_names_in_pages_lead_to_their_help():
    text = "`LabeledOnly` and `fit`\n```python\n`LabeledOnly`\n```\n[`LabeledOnly`](x.md)"
    ours = "{py:obj}`LabeledOnly <sklearn_ssl.LabeledOnly>`"
    assert PAGES.with_reference(text) == text.replace("`LabeledOnly`", ours, 1)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_a_page(path):
    doc = inspect.cleandoc(compile(path.read_text(encoding="utf-8"), path.name, "exec").co_consts[0])
    title, line, *text = doc.splitlines()
    assert title and set(line) == {"="} and len(line) >= len(title) and any(text)
    assert re.match(r"(plot|slow)_\d\d_", path.name)  # the nightly build alone runs the slow ones


def test_gallery_is_large_enough():
    assert len(EXAMPLES) >= 15


def test_every_answer_of_the_chooser_is_one_rule():
    chooser = CHOOSER.read()
    answers = {name: question["answers"] for name, question in chooser["questions"].items()}
    for chosen in itertools.product(*answers.values()):
        fits = [
            rule["title"]
            for rule in chooser["rules"]
            if all(value in rule[name] for name, value in zip(answers, chosen, strict=True))
        ]
        assert len(fits) == 1, (chosen, fits)
    reports = {Path(page).stem for page in PAGES.COPIED if page.startswith("reports/")}
    for rule in chooser["rules"]:
        assert set(rule["reports"]) <= reports and rule["why"] and rule["rival"]
        assert all(set(rule[name]) <= set(answers[name]) for name in answers)


@pytest.mark.parametrize("rule", CHOOSER.read()["rules"], ids=lambda rule: rule["title"])
def test_pipelines_of_the_chooser_can_be_built(rule):
    made = {}
    exec("\n".join(rule["code"]), made)
    assert callable(made["model"].fit)
    repr(made["model"])


def test_page_of_the_chooser_has_all_rules():
    page = CHOOSER.filled((DOCS / "chooser.md").read_text(encoding="utf-8"))
    assert not any(slot in page for slot in CHOOSER.SLOTS)
    for rule in CHOOSER.read()["rules"]:
        assert page.count(rule["title"]) >= 2  # in the table, and for the script
