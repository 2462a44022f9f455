"""The chooser: three questions, and the pipeline that our figures recommend, from `_chooser.json`."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SLOTS = (
    "<!-- the chooser: _chooser.py writes it from _chooser.json -->",
    "<!-- the table of the chooser -->",
)


def read() -> dict[str, Any]:
    """Return the questions and the rules."""
    return json.loads((HERE / "_chooser.json").read_text(encoding="utf-8"))


def widget(chooser: dict[str, Any]) -> str:
    """Return the questions as a form, and the rules as data for `_static/chooser.js`."""
    parts = ['<div id="chooser" hidden>']
    for name, question in chooser["questions"].items():
        parts.append(f'<fieldset><legend>{escape(question["title"])}</legend><div class="answers">')
        for i, (value, text) in enumerate(question["answers"].items()):
            checked = " checked" if i == 0 else ""
            box = f'<input type="radio" name="{name}" value="{value}"{checked}>'
            parts.append(f"<label>{box}<span>{escape(text)}</span></label>")
        parts.append("</div></fieldset>")
    rules = json.dumps(chooser["rules"]).replace("</", "<\\/")
    parts.append('<div class="answer" aria-live="polite"></div></div>')
    parts.append(f'<script type="application/json" id="chooser-rules">{rules}</script>')
    parts.append('<script src="_static/chooser.js" defer></script>')
    return "```{raw} html\n" + "\n".join(parts) + "\n```"


def table(chooser: dict[str, Any]) -> str:
    """Return all rules as a table, for readers without JavaScript and for the search."""
    answers = {name: question["answers"] for name, question in chooser["questions"].items()}

    def said(rule: dict[str, Any], name: str) -> str:
        found = [text for value, text in answers[name].items() if value in rule[name]]
        return "any" if len(found) == len(answers[name]) else ", ".join(found)

    lines = [
        "| rows | labels for each class | time | begin with | the rival | figures |",
        "|---|---|---|---|---|---|",
    ]
    for rule in chooser["rules"]:
        reports = ", ".join(f"[{name}](reports/{name}.md)" for name in rule["reports"]) or "none"
        cells = (*(said(rule, name) for name in answers), rule["title"], rule["rival"], reports)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def filled(page: str) -> str:
    """Return the page of the chooser with its form and its table."""
    chooser = read()
    for slot, text in zip(SLOTS, (widget(chooser), table(chooser)), strict=True):
        page = page.replace(slot, text)
    return page
