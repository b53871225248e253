"""Checks the documentation against the program: the CLI reference is its own --help, the list of
codes its own texts, the list of rules the rules themselves, and no relative link is broken.

Usage: python scripts/check_docs.py [--write]   (--write renews cli.md, findings.md and rules.md)
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import typer

from repot.cli.migrate import app as migrate
from repot.cli.upkeep import app as upkeep
from repot.folder.rules import RULES
from repot.folder.rules.reference import reference

ROOT = Path(__file__).resolve().parent.parent
CLI = ROOT / "docs/reference/cli.md"
RULES_PAGE = ROOT / "docs/reference/rules.md"
CODES = ROOT / "docs/reference/findings.md"
VERBS = ("init", "audit", "backup", "plan", "copy", "follow", "verify", "cutover", "rollback")
VERBS += ("cleanup", "report", "status", "check", "doctor", "run", "demo", "migrate")
VERBS += ("upkeep",)
WIDTH = "96"
CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+$")
MAKERS = {
    "error": "error",
    "warning": "warning",
    "info": "info",
    "RepotError": "failure",
    "EmbeddedError": "failure",
    "UsageError": "usage",
    "Refused": "refused",
    "OutcomeUnknown": "outcome unknown",
}
# What is not SQL in a file: the line or the pattern stands between the code and the message.
TROUBLES = {"Trouble", "_known"}


def help_of(*words: str) -> str:
    env = {**os.environ, "COLUMNS": WIDTH, "TERMINAL_WIDTH": WIDTH, "NO_COLOR": "1", "TERM": "dumb"}
    env.pop("FORCE_COLOR", None)
    env.pop("GITHUB_ACTIONS", None)
    command = [sys.executable, "-m", "repot.cli.main", *words, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    text = "\n".join(lines).strip("\n")
    return text.replace("python -m repot.cli.main", "repot")


def cli_reference() -> str:
    parts = [
        "# Command line",
        "",
        "Made from the program's own `--help` (`scripts/check_docs.py --write`); CI checks it.",
        "",
        "```text",
        help_of(),
        "```",
    ]
    for verb in VERBS:
        parts += ["", f"## repot {verb}", "", "```text", help_of(verb), "```"]
    for verb in typer.main.get_command(migrate).commands:
        text = help_of("migrate", verb)
        parts += ["", f"## repot migrate {verb}", "", "```text", text, "```"]
    for verb in typer.main.get_command(upkeep).commands:
        text = help_of("upkeep", verb)
        parts += ["", f"## repot upkeep {verb}", "", "```text", text, "```"]
    return "\n".join(parts) + "\n"


def broken_links() -> list[str]:
    found = []
    files = [ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")]
    files += ROOT.glob("systems/**/*.md")
    for file in files:
        text = re.sub(r"```.*?```", "", file.read_text(encoding="utf-8"), flags=re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if "://" in target or target.startswith(("#", "mailto:")):
                continue
            if not (file.parent / target.split("#")[0]).exists():
                found.append(f"{file.relative_to(ROOT)}: broken link {target}")
    return found


def codes_reference() -> str:
    """Every stable code, with the words that the program itself uses for it."""
    rows: dict[str, tuple[str, str, str]] = {}
    for file in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and len(node.args) >= 2):
                continue
            maker = node.func.attr if isinstance(node.func, ast.Attribute) else None
            maker = node.func.id if isinstance(node.func, ast.Name) else maker
            code = node.args[0]
            if maker in TROUBLES and len(node.args) > 3 and isinstance(code, ast.Constant):
                rows.setdefault(
                    str(code.value), ("error", words(node.args[2]), words(node.args[3]))
                )
                continue
            if maker in MAKERS and isinstance(code, ast.Constant) and CODE.match(str(code.value)):
                hint = next((k.value for k in node.keywords if k.arg == "hint"), None)
                rows.setdefault(
                    str(code.value),
                    (MAKERS[maker], words(node.args[1]), words(hint) if hint else ""),
                )
    lines = [
        "# Codes of findings and errors",
        "",
        "Made from the program's own texts (`python scripts/check_docs.py --write`); CI checks it.",
        "Codes are stable: scripts may rely on them. `…` stands for names and figures of the case.",
        "The codes of the audit have a page of their own, [audit.md](audit.md).",
        "",
        "| code | kind | what it says | remedy |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{c}` | {kind} | {what} | {hint} |" for c, (kind, what, hint) in sorted(rows.items())
    ]
    return "\n".join(lines) + "\n"


def words(node: ast.expr) -> str:
    """The text of a string expression, with … for its parts that are not literal."""
    match node:
        case ast.Constant(value=str(text)):
            found = text
        case ast.JoinedStr(values=parts):
            found = "".join(words(p) if isinstance(p, ast.Constant) else "…" for p in parts)
        case ast.BinOp(left=left, right=right):
            found = words(left) + words(right)
        case _:
            found = "…"
    return found.replace("|", "\\|").replace("\n", " ")


def main() -> None:
    made = {CLI: cli_reference(), CODES: codes_reference(), RULES_PAGE: reference(RULES)}
    if "--write" in sys.argv:
        for file, text in made.items():
            file.write_text(text, encoding="utf-8")
    problems = broken_links()
    for file, text in made.items():
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            name = file.relative_to(ROOT)
            problems.append(f"{name} is not what the program says: scripts/check_docs.py --write")
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(1)
    print("docs: the references are the program's own words, and no link is broken")


if __name__ == "__main__":
    main()
