"""Checks the documentation against the program: the CLI reference is its own --help, every finding
and error code is explained, no relative link is broken.

Usage: python scripts/check_docs.py [--write]   (--write renews docs/reference/cli.md)
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLI = ROOT / "docs/reference/cli.md"
CODES = ROOT / "docs/reference/findings.md"
VERBS = "init audit backup plan copy verify cutover rollback cleanup report status run demo".split()
WIDTH = "96"


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
        "Made from the program's own `--help` (`python scripts/check_docs.py --write`); CI checks it.",
        "",
        "```text",
        help_of(),
        "```",
    ]
    for verb in VERBS:
        parts += ["", f"## repot {verb}", "", "```text", help_of(verb), "```"]
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


def unexplained_codes() -> list[str]:
    """Codes of findings and errors (first argument of their makers) that no line explains."""
    maker = re.compile(
        r"\b(?:error|warning|info|RepotError|Refused|UsageError|OutcomeUnknown|EmbeddedError)\(\s*"
        r'"([a-z][a-z0-9]*(?:-[a-z0-9]+)+)"'
    )
    explained = set(re.findall(r"`([a-z0-9-]+)`", CODES.read_text(encoding="utf-8")))
    used: dict[str, str] = {}
    for file in sorted((ROOT / "src").rglob("*.py")):
        for code in maker.findall(file.read_text(encoding="utf-8")):
            used.setdefault(code, str(file.relative_to(ROOT)))
    return [
        f"docs/reference/findings.md does not explain `{code}` ({file})"
        for code, file in sorted(used.items())
        if code not in explained
    ]


def main() -> None:
    if "--write" in sys.argv:
        CLI.parent.mkdir(parents=True, exist_ok=True)
        CLI.write_text(cli_reference(), encoding="utf-8")
    problems = broken_links() + unexplained_codes()
    if not CLI.exists() or CLI.read_text(encoding="utf-8") != cli_reference():
        problems.append(
            "docs/reference/cli.md is not the program's --help: run scripts/check_docs.py --write"
        )
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(1)
    print("docs: the CLI reference is current, every code is explained, no link is broken")


if __name__ == "__main__":
    main()
