"""Folders and programs for servers."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from repot.embedded import (
    Binaries,
    list_binaries,
)
from repot.embedded.binaries import WHEEL


@pytest.fixture
def short() -> Iterator[Path]:
    """An empty folder with a short path that every account can enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="repot-test-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def wheel() -> Binaries:
    found = [b for b in list_binaries() if b.source == WHEEL]
    if not found:
        pytest.skip("no wheel here")
    return found[0]


@pytest.fixture
def system() -> Binaries:
    found = [b for b in list_binaries() if b.source == "system"]
    if not found:
        pytest.skip("no PostgreSQL of the system here")
    return found[0]


@pytest.fixture
def closed(wheel: Binaries, tmp_path: Path) -> Path:
    """A copy of the wheel's programs in a folder that only this account can enter."""
    tmp_path.chmod(0o700)
    package = wheel.folder.parents[1]
    shutil.copytree(package / "pginstall", tmp_path / package.name / "pginstall")
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, tmp_path / libraries.name)
    return tmp_path / package.name / "pginstall" / "bin"
