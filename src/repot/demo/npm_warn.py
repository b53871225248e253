"""What once happened: a terminal's remark in a migration, under a plain runner and under Repot."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from repot.demo.equality import compare
from repot.demo.plain import PlainFailure, failed, run_plainly
from repot.demo.result import Chapter
from repot.folder.book import open_book
from repot.folder.deploy import deploy, resolve
from repot.folder.fingerprint import listing
from repot.folder.fix import plan_fixes, write_fixes
from repot.model.errors import Exit
from repot.postgres.connect import connection

# The command's output was sent into the file, and npm's remark to the same place.
NOISE = "npm warn config production Use `--omit=dev` instead.\n"


@dataclass
class Story:
    """`folder`: the right one. `dsn`: a V1 whose first migration is noted as applied. `right`: a
    database in which the right folder was deployed. `work`: for the copy that goes wrong.

    schema: the source schema; migration: the one whose file goes wrong.
    """

    folder: Path
    dsn: str = field(repr=False)
    right: str = field(repr=False)
    work: Path
    schema: str
    migration: str

    def tell(self) -> tuple[Chapter, ...]:
        """All of it, in order; each chapter says whether it went as it must."""
        broken = self._broken()
        return (
            self._diagnosed(broken),
            self._fails(broken),
            self._stuck(broken),
            self._resolved(broken),
            self._fixed(broken),
            self._applied(broken),
        )

    def _broken(self) -> Path:
        broken = self.work / "migrations"
        shutil.copytree(self.folder, broken)
        file = broken / self.migration / "migration.sql"
        file.write_text(NOISE + file.read_text(encoding="utf-8"), encoding="utf-8")
        return broken

    def _diagnosed(self, broken: Path) -> Chapter:
        """Before anything runs, and without a database."""
        found = open_book(broken).findings
        told = [f"{f.file}:{f.line} {f.code}" for f in found]
        return Chapter(
            title="Repot names the line before anything runs",
            ok=told == [f"{self.migration}/migration.sql:1 tool-output"],
            said="; ".join(told),
        )

    def _fails(self, broken: Path) -> Chapter:
        """The plain runner applies what comes before; the file fails, and leaves nothing."""
        names = sorted(p.parent.name for p in self.folder.glob("*/migration.sql"))
        before = names.index(self.migration)
        for name in names[before:]:  # so that the schema just before the file can be looked at
            (broken / name).rename(self.work / name)
        run_plainly(self.dsn, broken)
        with connection(self.dsn) as conn:
            schema = listing(conn)
            for name in names[before:]:
                (self.work / name).rename(broken / name)
            said = _failure(self.dsn, broken)
            clean = listing(conn) == schema
        return Chapter(
            title="a plain runner fails half-way through; the file leaves no trace",
            ok=bool(said) and clean and failed(self.dsn) == [self.migration],
            said=f"{before} applied, then {said}",
        )

    def _stuck(self, broken: Path) -> Chapter:
        """The failed row stands in everybody's way, even when the file has been mended."""
        again = _failure(self.dsn, self.folder)
        refused = deploy(self.dsn, self.folder)
        codes = [f.code for f in refused.findings if f.severity == "error"]
        return Chapter(
            title="nothing more can be deployed, not even the right file",
            ok=bool(again) and refused.refused and "migration-failed" in codes,
            said=f"{again}; Repot: {', '.join(codes)}",
        )

    def _resolved(self, broken: Path) -> Chapter:
        """`resolve --rolled-back`."""
        resolution = resolve(self.dsn, broken, rolled_back=self.migration)
        refused = deploy(self.dsn, broken)
        codes = [f.code for f in refused.findings if f.severity == "error"]
        return Chapter(
            title="it is resolved as rolled back; the file as it is would still not be run",
            ok=resolution.rolled_back == self.migration
            and refused.refused
            and "tool-output" in codes,
            said=", ".join(dict.fromkeys(codes)),
        )

    def _fixed(self, broken: Path) -> Chapter:
        """The cut is shown and made."""
        fixes = plan_fixes(open_book(broken))
        write_fixes(fixes)
        file = f"{self.migration}/migration.sql"
        same = (broken / file).read_bytes() == (self.folder / file).read_bytes()
        return Chapter(
            title="the line is cut out",
            ok=[fix.file for fix in fixes] == [file] and same and not open_book(broken).findings,
            said="; ".join(fix.diff.splitlines()[-3] for fix in fixes) if fixes else "",
        )

    def _applied(self, broken: Path) -> Chapter:
        """And the rest runs; the end is that of a folder which was never broken."""
        done = deploy(self.dsn, broken)
        end = compare(self.dsn, self.right, self.schema)
        return Chapter(
            title="it is applied with those after it; the end is as if nothing had happened",
            ok=done.exit is Exit.DONE and end.equal,
            said=f"{len(done.applied)} applied",
        )


def _failure(dsn: str, folder: Path) -> str:
    """What the plain runner says; empty if it does not fail."""
    try:
        run_plainly(dsn, folder)
    except PlainFailure as failure:
        return f"{failure.name}: {failure}"
    return ""
