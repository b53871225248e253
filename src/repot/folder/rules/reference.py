"""The reference of the rules, made from the rules themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repot.folder.rules.rule import Example, Rule

_HEAD = """# Rules of migration folders

Made from the rules themselves (`python scripts/check_docs.py --write`); CI checks it, and the tests
run each pair: lint finds exactly that rule in the bad folder and nothing in the good one. Where it
says *refused by PostgreSQL*, the tests have run the bad files on a real server and seen them fail;
the good ones run.

`repot migrate lint` needs no database for these. What is not SQL at all is in
[findings.md](findings.md). With `--database`, a rule about a file that was applied already is an
information, unless the rule says *lasting*: that stays wrong until a later file mends it.
"""


def reference(rules: Sequence[Rule]) -> str:
    """The page, as Markdown."""
    return "\n".join([_HEAD, *_table(rules), "", *(_section(rule) for rule in rules)])


def _table(rules: Sequence[Rule]) -> Iterator[str]:
    yield "| rule | severity | condition |"
    yield "|---|---|---|"
    for rule in rules:
        condition = rule.condition.replace("|", "\\|")
        yield f"| [`{rule.id}`](#{rule.id}) | {rule.severity.value} | {condition} |"


def _section(rule: Rule) -> str:
    marks = [rule.severity.value]
    marks += ["refused by PostgreSQL"] if rule.fails else []
    marks += ["lasting"] if rule.lasting else []
    return (
        f"## {rule.id}\n\n*{', '.join(marks)}*\n\n{rule.condition}\n\n**Effect:** {rule.effect}\n\n"
        f"**Remedy:** {rule.remedy}.\n\nBad:\n\n{_files(rule.bad)}\n\nGood:\n\n"
        f"{_files(rule.good)}\n"
    )


def _files(example: Example) -> str:
    """The files of a folder in one block, each below its name."""
    parts = []
    for number, text in enumerate(example, 1):
        up, down = (text, None) if isinstance(text, str) else text
        parts.append(f"-- {number}/migration.sql\n{up}")
        if down is not None:
            parts.append(f"-- {number}/down.sql\n{down}")
    return "```sql\n" + "\n\n".join(parts) + "\n```"
