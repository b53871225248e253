"""The demo: the story of one system, on a server of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from repot.demo.amethyst import tell as tell_amethyst
from repot.demo.dropskills import tell as tell_dropskills
from repot.demo.personalization import tell as tell_personalization
from repot.demo.result import DemoResult
from repot.demo.stage import RATE, Stage
from repot.demo.systems import find_system
from repot.embedded import EmbeddedServer
from repot.model.progress import Progress

_STORIES: dict[str, Callable[[Stage], DemoResult]] = {
    "dropskills": tell_dropskills,
    "personalization": tell_personalization,
    "amethyst": tell_amethyst,
}


def tell(
    name: str,
    rows: int,
    seed: int,
    progress: Progress,
    report: Path | None = None,
    *,
    writers: int = 2,
    rate: float | None = RATE,
) -> DemoResult:
    """Build V1 with about `rows` rows on a private server and move it, there, back and there again.

    `writers` clients write meanwhile (0: none), `rate` transactions a second together, where the
    system has an application that can. Raises UsageError `unknown-system`, and RepotError where a
    stage fails; the server and its files are gone afterwards.
    """
    system = find_system(name)
    progress.say("— a private PostgreSQL")
    work = Path(tempfile.mkdtemp(prefix="repot-demo-"))
    settings = {"wal_level": "logical", "max_wal_size": "4GB", "shared_buffers": "512MB"}
    try:
        with EmbeddedServer(settings=settings) as server:
            return _STORIES[name](
                Stage(system, server, work, progress, rows, seed, writers, rate, report)
            )
    finally:
        shutil.rmtree(work, ignore_errors=True)
