"""`backup`: dumped, restored into a scratch database and counted; only then it is one."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from repot.model.errors import RepotError
from repot.model.finding import Finding, warning
from repot.model.upkeep import Outcome, Work
from repot.stages.backup import backup, check_files
from repot.upkeep.care.settings import Backup

_STAMP = re.compile(r"\d{8}T\d{6}Z(-\d+)?")


def run_backup(work: Work) -> Outcome:
    """Make a tested backup below the folder `into`, then remove those beyond `keep`.

    The earlier ones are looked at first: a file that is not as it was made is a finding. Raises
    RepotError as `repot.stages.backup` does; then nothing was removed.
    """
    wanted = Backup.model_validate(dict(work.settings))
    folder = (work.folder / wanted.into).resolve()
    earlier = _backups(folder)
    sound, findings = _checked(earlier)
    made = backup(
        work.dsn,
        folder,
        schemas=wanted.schemas or None,
        jobs=wanted.jobs,
        progress=work.progress,
        scratch=wanted.scratch,
    )
    # Only sound ones count, and the one that was just made is the first of them.
    beyond = sound[: max(0, len(sound) - (wanted.keep - 1))]
    for old in beyond:
        shutil.rmtree(old)
    rows = sum(made.restored.values())
    return Outcome(
        ok=True,
        summary=f"{rows} rows of {len(made.restored)} tables came back from the dump, "
        f"{made.bytes} bytes in {Path(made.path).name}; {len(beyond)} older ones removed",
        figures={
            "folder": made.path,
            "bytes": made.bytes,
            "tables": len(made.restored),
            "rows": rows,
            "ms": made.ms,
            "earlier": len(earlier),
            "damaged": len(findings),
            "removed": len(beyond),
        },
        findings=findings,
    )


def _backups(folder: Path) -> list[Path]:
    """The folders of backups, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.is_dir() and _STAMP.fullmatch(p.name))


def _checked(earlier: list[Path]) -> tuple[list[Path], tuple[Finding, ...]]:
    sound: list[Path] = []
    findings: list[Finding] = []
    for path in earlier:
        try:
            check_files(path)
        except RepotError as wrong:
            findings.append(
                warning(
                    "backup-damaged",
                    wrong.message,
                    hint=f"{wrong.hint}; it is kept, and does not count",
                    object=path.name,
                )
            )
        else:
            sound.append(path)
    return sound, tuple(findings)
