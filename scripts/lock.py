"""Renew the lock: requirements.lock (hashes, for pip) and the same pins for uv in pyproject.toml.

One resolution, two readers: `make` installs from requirements.lock with --require-hashes, and
`uv run` reads the pins as constraints, so both run the same versions on every machine.
Usage: python3 scripts/lock.py [--check]
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
PYPROJECT = ROOT / "pyproject.toml"
BEGIN, END = "# --- pins (scripts/lock.py) ---\n", "# --- end of pins ---\n"


def compile_lock() -> None:
    uv = shutil.which("uv")
    if uv is None:
        sys.exit("lock: uv is not on the PATH; `pip install uv` gives it")
    command = [uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate"]
    command += ["--upgrade", "--group", "dev", "pyproject.toml", "-o", str(LOCK)]
    subprocess.run(command, cwd=ROOT, check=True)


def pins() -> list[str]:
    """Each locked requirement with its environment marker, without its hashes."""
    found = re.findall(
        r"^([A-Za-z0-9._-]+==[^\s\\;]+(?: ; [^\\\n]+?)?)\s*\\?$", LOCK.read_text(), re.M
    )
    return [pin.strip() for pin in found]


def with_pins(text: str) -> str:
    quoted = "".join(f'  "{pin}",\n' for pin in pins())
    block = f"{BEGIN}[tool.uv]\nconstraint-dependencies = [\n{quoted}]\n{END}"
    if BEGIN in text:
        head, rest = text.split(BEGIN)
        return head + block + rest.split(END)[1]
    return text.rstrip("\n") + "\n\n" + block


def main() -> None:
    text = PYPROJECT.read_text()
    if "--check" in sys.argv:
        if with_pins(text) != text:
            sys.exit("lock: pyproject.toml has other pins than requirements.lock; run `make lock`")
        return
    compile_lock()
    PYPROJECT.write_text(with_pins(text))
    print(f"locked {len(pins())} packages")


if __name__ == "__main__":
    main()
