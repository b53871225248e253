"""Makes sure that the server's account can run its programs and enter its folders."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import replace
from pathlib import Path

from repot.embedded.account import Account
from repot.embedded.binaries import SERVER_TOOLS, Binaries
from repot.embedded.errors import EmbeddedError

SOCKET_PATH_BYTES = 103  # the least that any system allows for a socket's path
_LEFT_OUT = shutil.ignore_patterns("include", "*.a", "__pycache__")


def new_home(account: Account) -> Path:
    """A new private folder of the account's, within its reach, its path short enough for sockets.

    Raises EmbeddedError `embedded-unreachable`.
    """
    tried = []
    for base in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm")):
        longest = Path(base).absolute() / "repot-12345678" / ".s.PGSQL.65535"
        if (
            os.access(base, os.W_OK | os.X_OK)
            and len(os.fsencode(longest)) <= SOCKET_PATH_BYTES
            and account.may_enter(longest.parent.parent)
        ):
            home = Path(tempfile.mkdtemp(prefix="repot-", dir=longest.parent.parent))
            try:
                account.take(home)
            except BaseException:
                home.rmdir()
                raise
            return home
        tried.append(base)
    raise EmbeddedError(
        "embedded-unreachable",
        f"no temporary folder can be entered by the account {account}",
        evidence=", ".join(tried),
        hint="set TMPDIR to a folder with a short path that this account can enter",
    )


def runnable(binaries: Binaries, account: Account, base: Path) -> Binaries:
    """The binaries, or a copy of them that the account can run: a virtual environment below /root,
    or made with a strict umask, is closed to it. The copy is kept in `base`, for later servers too.

    Raises EmbeddedError `embedded-unreachable`.
    """
    if not account.switch or _runs(binaries, account):
        return binaries
    if binaries.tree is None:  # part of the system: a copy would not find its files
        raise _closed(binaries, account)
    copied = replace(binaries, folder=_copy(binaries.tree, base) / binaries.folder.name)
    if not _runs(copied, account):
        raise _closed(copied, account)
    return copied


def _runs(binaries: Binaries, account: Account) -> bool:
    try:
        done = account.run([binaries.path("postgres"), "--version"], env=binaries.environment())
    except EmbeddedError:
        return False
    programs = [binaries.path(name) for name in SERVER_TOOLS]
    if done.returncode != 0 or not account.may(programs, "-x"):
        return False
    parts = [binaries.tree / "share", binaries.tree / "lib"] if binaries.tree else []
    return account.may([path for part in parts for path in part.rglob("*") if path.is_file()])


def _closed(binaries: Binaries, account: Account) -> EmbeddedError:
    return EmbeddedError(
        "embedded-unreachable",
        f"the account {account} cannot run PostgreSQL from {binaries.folder}",
        hint="open it and the folders above it to other users (chmod o+rx), set TMPDIR to a folder "
        "that programs may be run from, or run Repot as an ordinary user",
    )


def _copy(tree: Path, base: Path) -> Path:
    """Copies a self-contained installation, once, to where every account can read it."""
    package = tree.parent  # wheels keep their libraries in a folder beside their package
    program = (tree / "bin" / "postgres").stat()
    identity = f"{tree}\0{program.st_mtime_ns}\0{program.st_size}"
    name = f"repot-postgres-{os.geteuid()}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    cache = base / name
    try:
        cache.mkdir(mode=0o755)
    except FileExistsError:
        found = cache.lstat()
        ours = found.st_uid == os.geteuid() and stat.S_ISDIR(found.st_mode)
        if not ours or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise EmbeddedError(
                "embedded-unreachable",
                f"{cache} is to hold a copy of PostgreSQL, but others can write to it",
                hint="remove it",
            ) from None
    cache.chmod(0o755)
    _mirror(tree, cache / package.name / tree.name)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        _mirror(libraries, cache / libraries.name)
    return cache / package.name / tree.name


def _mirror(source: Path, target: Path) -> None:
    """Copies what is missing: others may do the same at the same time, and files of a temporary
    folder may have been swept away."""
    for folder, folders, files in os.walk(source):
        kept = set(folders + files) - _LEFT_OUT(folder, folders + files)
        folders[:] = [name for name in folders if name in kept]
        to = target / Path(folder).relative_to(source)
        to.mkdir(mode=0o755, parents=True, exist_ok=True)
        for made in (to, *to.parents):
            if made == target.parent.parent:
                break
            made.chmod(0o755)
        for name in kept.intersection(files):
            origin, copy = Path(folder) / name, to / name
            size = origin.stat().st_size
            if copy.exists() and copy.stat().st_size == size:
                continue
            part = copy.with_name(f".{name}.{os.getpid()}")
            shutil.copyfile(origin, part)
            part.chmod(0o755 if os.access(origin, os.X_OK) else 0o644)
            part.replace(copy)
