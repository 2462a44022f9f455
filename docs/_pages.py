"""Pages of the site that are written elsewhere in the repository, and links between the two places.

A page in this folder links to other files of the repository by relative paths, so that the links work where the files
are read as they are. On the site, a report of the benchmarks and a guide for contributors are pages of their own, and
any other file outside this folder is a link to the repository.
"""

from __future__ import annotations

import os
import posixpath
import re
import tomllib
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Source"]
# what a page of the site is copied from, by the page
COPIED = {
    "project/contributing.md": "CONTRIBUTING.md",
    "project/releasing.md": "RELEASING.md",
    "project/changelog.md": "CHANGELOG.md",
    "project/conduct.md": "CODE_OF_CONDUCT.md",
    "project/security.md": "SECURITY.md",
    **{
        f"reports/{path.name}": f"benchmarks/results/{path.name}"
        for path in sorted((ROOT / "benchmarks/results").glob("*.md"))
    },
}
LINK = re.compile(r"(\]\()([^()\s]+)(\))")


def relinked(text: str, source: str, page: str) -> str:
    """Return the text of a page with links that work on the site.

    Parameters
    ----------
    text : str
        Markdown, with links relative to `source`.
    source : str
        Path of the file that was written, from the root of the repository.
    page : str
        Path of the page, from this folder.
    """
    pages = {origin: name for name, origin in COPIED.items()}

    def target(link: re.Match[str]) -> str:
        if re.match(r"[a-z]+:|#|/", link[2]):
            return link[0]
        path, _, anchor = link[2].partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        here = posixpath.dirname(page)
        if re.fullmatch(r"docs/examples/\w+\.py", path):
            name = posixpath.basename(path).removesuffix(".py")
            found = posixpath.relpath(f"auto_examples/{name}.rst", here)
        elif path in pages:
            found = posixpath.relpath(pages[path], here)
        elif path == "README.md":
            found = posixpath.relpath("index.md", here)
        elif path.startswith("docs/"):
            found = posixpath.relpath(path.removeprefix("docs/"), here)
        elif path.startswith("benchmarks/results/") and path.endswith(".png"):
            found = posixpath.relpath(f"reports/{posixpath.basename(path)}", here)
        elif (ROOT / path).exists():
            found = f"{REPOSITORY}/blob/main/{path}"
        else:
            return link[0]
        return f"{link[1]}{found}{'#' if anchor else ''}{anchor}{link[3]}"

    return LINK.sub(target, text)


def names() -> dict[str, str]:
    """Return the full name of what the API reference lists, by its own name."""
    full = {}
    for part in re.split(r"currentmodule:: ", (DOCS / "api/index.md").read_text(encoding="utf-8"))[1:]:
        module, _, rest = part.partition("\n")
        full |= {name: f"{module}.{name}" for name in re.findall(r"^   (\w+)$", rest, flags=re.MULTILINE)}
    return full


def with_reference(text: str) -> str:
    """Return a page in which each public name that stands alone as code is a link to its help."""
    known = names()
    fenced = re.split(r"(^`{3,}.*?^`{3,}$|^:{3,}.*?$)", text, flags=re.MULTILINE | re.DOTALL)

    def link(code: re.Match[str]) -> str:
        full = known.get(code[1])
        return f"{{py:obj}}`{code[1]} <{full}>`" if full else code[0]

    for i in range(0, len(fenced), 2):
        fenced[i] = re.sub(r"(?<![\[`}])`(\w+)`(?![\]`])", link, fenced[i])
    return "".join(fenced)


def titled(text: str, page: str) -> str:
    """Return a page with a title, and its sections one level below: reports begin with their command."""
    if text.lstrip().startswith("# "):
        return text
    name = posixpath.basename(page).removesuffix(".md").replace("_", " ")
    return f"# {name[:1].upper()}{name[1:]}\n\n{text}"


def write_copies() -> None:
    """Write the pages that are copies, and the pictures of reports; files that are as they should be stay.

    Copies of reports that are no more are removed: Sphinx would warn that no page leads to them.
    """
    for path in (DOCS / "reports").glob("*.md"):
        if path.name != "index.md" and f"reports/{path.name}" not in COPIED:
            path.unlink()
    for page, origin in COPIED.items():
        text = (ROOT / origin).read_text(encoding="utf-8")
        put(DOCS / page, titled(relinked(text, origin, page), page).encode())
    for picture in (ROOT / "benchmarks/results").glob("*.png"):
        put(DOCS / "reports" / picture.name, picture.read_bytes())


def put(path: Path, content: bytes) -> None:
    """Write a file unless it has that content: a new time would make Sphinx read it again."""
    if not path.is_file() or path.read_bytes() != content:
        os.makedirs(path.parent, exist_ok=True)
        path.write_bytes(content)
