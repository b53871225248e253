"""Reading a folder: its files, their order, and what is wrong with their names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from repot.folder.reading import order
from repot.folder.reading.layout import PRISMA_FILE, find
from repot.folder.reading.names import is_time, version_of
from repot.model.finding import Finding, error, warning
from repot.model.folder import Layout, Migration, MigrationFolder, Script

_DOWN = ".down.sql"


def read_folder(path: Path) -> tuple[MigrationFolder, tuple[Finding, ...]]:
    """The migrations at `path` (the folder itself or the project it is in), without a database.

    Raises UsageError `no-migrations`, `order-invalid`.
    """
    folder, layout = find(path)
    reader = _prisma if layout is Layout.PRISMA else _files
    findings: list[Finding] = []
    migrations = list(reader(folder, findings))
    findings += _names(migrations, layout)
    declared = order.declared(folder, path)
    by = "names"
    if declared is not None:
        names, by = declared
        migrations, wrong = order.put(migrations, names, by)
        findings += wrong
    result = MigrationFolder(
        path=folder, layout=layout, migrations=tuple(migrations), ordered_by=by
    )
    return result, tuple(findings)


def _prisma(folder: Path, findings: list[Finding]) -> Iterator[Migration]:
    """Every folder below, in the order of names (bytes), as Prisma itself lists them."""
    for entry in sorted((e for e in folder.iterdir() if e.is_dir()), key=lambda e: e.name.encode()):
        file = entry / PRISMA_FILE
        if not file.is_file():
            findings.append(
                error(
                    "migration-file-missing",
                    f"the folder {entry.name} has no {PRISMA_FILE}",
                    file=f"{entry.name}/{PRISMA_FILE}",
                    hint="bring the file back from version control, or remove the empty folder",
                )
            )
            continue
        up = _script(folder, file, findings)
        down = entry / "down.sql"
        yield Migration(
            name=entry.name,
            version=version_of(entry.name),
            up=up,
            down=_script(folder, down, findings) if down.is_file() else None,
        )


def _files(folder: Path, findings: list[Finding]) -> Iterator[Migration]:
    """Every .sql file in the folder; <name>.down.sql beside <name>.sql is its way back."""
    files = sorted(
        (f for f in folder.iterdir() if f.suffix == ".sql" and f.is_file()),
        key=lambda f: f.name.encode(),
    )
    ups = {f.name.removesuffix(".sql"): f for f in files if not f.name.endswith(_DOWN)}
    downs = {f.name.removesuffix(_DOWN): f for f in files if f.name.endswith(_DOWN)}
    for name in sorted(set(downs) - set(ups)):
        findings.append(
            error(
                "migration-file-missing",
                f"{name}{_DOWN} is the way back of a migration that is not here",
                file=f"{name}{_DOWN}",
                hint=f"bring {name}.sql back, or remove the file",
            )
        )
    for name, file in ups.items():
        down = downs.get(name)
        yield Migration(
            name=name,
            version=version_of(name),
            up=_script(folder, file, findings),
            down=_script(folder, down, findings) if down else None,
        )


def _script(folder: Path, file: Path, findings: list[Finding]) -> Script:
    raw = file.read_bytes()
    where = file.relative_to(folder).as_posix()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as wrong:
        line = raw[: wrong.start].count(b"\n") + 1
        text = raw.decode("utf-8", errors="replace")
        findings.append(
            error(
                "not-utf8",
                f"the file is not UTF-8: {wrong.reason}",
                file=where,
                line=line,
                hint="save it as UTF-8 (without a byte-order mark)",
            )
        )
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        findings.append(error("not-text", "the file holds a zero byte", file=where, line=line))
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return Script(file=where, text=text)


def _names(migrations: Sequence[Migration], layout: Layout) -> list[Finding]:
    """Versions that are missing, no time, or given twice."""
    findings = []
    shared: dict[str, list[Migration]] = defaultdict(list)
    timed = any(m.version and is_time(m.version) for m in migrations)
    for m in migrations:
        if m.version is not None:
            shared[m.version].append(m)
        if m.version is None and (timed or layout is not Layout.PLAIN):
            findings.append(
                error(
                    "timestamp-missing",
                    f"{m.name} has no timestamp: it runs where its name sorts, not when it was "
                    "written",
                    file=m.up.file,
                    hint=f"name it YYYYMMDDHHMMSS_{m.name}, or give the order in order.txt",
                )
            )
        elif m.version is not None and timed and not is_time(m.version):
            findings.append(
                warning(
                    "timestamp-odd",
                    f"{m.version} is not a time (YYYYMMDDHHMMSS)",
                    file=m.up.file,
                    hint="the order of names need not be the order of writing",
                )
            )
    for version, same in shared.items():
        for m in same[1:]:
            findings.append(
                error(
                    "timestamp-duplicate",
                    f"{m.name} and {same[0].name} have the same version {version}",
                    file=m.up.file,
                    hint="give the later one a later timestamp, unless it was applied already",
                )
            )
    return findings
