"""How long lint takes on a long folder, beside squawk on the same files in the same run.

Usage: python bench/folder_lint.py [--migrations 500] [--statements 5000] [--seed 1] [--repeat 3]

Makes a folder in Prisma's layout from the seed, in a temporary place, and times both as a person
calls them: a process each. squawk is looked for beside Python and on PATH, or named with
--squawk; without it only ours is timed, and that is said. Ours runs with --no-squawk.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from repot.folder.squawk import program

TYPES = ("TEXT", "INTEGER", "BIGINT", "BOOLEAN", "TIMESTAMP(3)", "JSONB", "UUID", "DECIMAL(12,2)")


def statements(rng: random.Random) -> Iterator[str]:
    """An application's history, without end: tables, columns, indexes, keys, rows, enums."""
    tables: list[tuple[str, list[str]]] = []
    number = 0
    while True:
        number += 1
        kind = rng.choices(range(7), (2, 3, 3, 1, 2, 1, 1))[0]
        if kind == 0 or len(tables) < 3:
            name = f"Table{number}"
            columns = [f"column{number}_{n}" for n in range(rng.randint(3, 9))]
            body = ",\n".join(f'    "{c}" {rng.choice(TYPES)}' for c in columns)
            yield (
                f'-- CreateTable\nCREATE TABLE "{name}" (\n    "id" TEXT NOT NULL,\n{body},\n\n'
                f'    CONSTRAINT "{name}_pkey" PRIMARY KEY ("id")\n);'
            )
            tables.append((name, columns))
            continue
        name, columns = rng.choice(tables)
        column = rng.choice(columns)
        if kind == 1:
            columns.append(f"added{number}")
            yield f'-- AlterTable\nALTER TABLE "{name}" ADD COLUMN "added{number}" TEXT;'
        elif kind == 2:
            yield f'-- CreateIndex\nCREATE INDEX "index{number}" ON "{name}" ("{column}", "id");'
        elif kind == 3:
            other, _ = rng.choice(tables)
            yield (
                f'-- AddForeignKey\nALTER TABLE "{name}" ADD COLUMN "key{number}" TEXT;\n'
                f'ALTER TABLE "{name}" ADD CONSTRAINT "fkey{number}" FOREIGN KEY ("key{number}") '
                f'REFERENCES "{other}" ("id") ON DELETE SET NULL ON UPDATE CASCADE;'
            )
        elif kind == 4:
            yield (
                f'UPDATE "{name}" SET "{column}" = NULL WHERE "id" IN (SELECT t."id" FROM '
                f'"{rng.choice(tables)[0]}" t WHERE t."id" > \'m{number}\');'
            )
        elif kind == 5:
            yield f"CREATE TYPE \"Enum{number}\" AS ENUM ('A', 'B', 'C');"
        else:
            yield (
                f'CREATE OR REPLACE FUNCTION "touch{number}"() RETURNS trigger LANGUAGE plpgsql '
                "AS $$\nBEGIN\n  NEW.id := NEW.id;\n  RETURN NEW;\nEND $$;"
            )


def make(folder: Path, migrations: int, total: int, seed: int) -> list[Path]:
    """The folder's files in order."""
    source = statements(random.Random(seed))
    files = []
    for number in range(migrations):
        share = total * (number + 1) // migrations - total * number // migrations
        place = folder / f"{stamp(number)}_m{number:04d}"
        place.mkdir(parents=True)
        file = place / "migration.sql"
        file.write_text("\n\n".join(next(source) for _ in range(share)) + "\n", encoding="utf-8")
        files.append(file)
    (folder / "migration_lock.toml").write_text('provider = "postgresql"\n', encoding="utf-8")
    return files


def stamp(number: int) -> str:
    """A timestamp for each number, an hour apart."""
    return (datetime(2020, 1, 1) + timedelta(hours=number)).strftime("%Y%m%d%H%M%S")


def timed(command: list[str], repeat: int) -> tuple[float, str]:
    """The best of several runs, in seconds, and the last line it said."""
    best, said = float("inf"), ""
    for _ in range(repeat):
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        best = min(best, time.perf_counter() - start)
        if done.returncode not in (0, 1):
            sys.exit(f"{command[0]} left with {done.returncode}: {done.stderr[-2000:]}")
        said = (done.stdout.strip() or done.stderr.strip()).splitlines()[-1]
    return best, said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--migrations", type=int, default=500)
    parser.add_argument("--statements", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--squawk", default=str(program() or ""))
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "prisma" / "migrations"
        files = make(folder, wanted.migrations, wanted.statements, wanted.seed)
        size = sum(f.stat().st_size for f in files)
        print(
            f"{wanted.migrations} migrations, {size / 1e6:.1f} MB, seed {wanted.seed}, "
            f"best of {wanted.repeat}"
        )
        ours = [sys.executable, "-m", "repot.cli.main", "migrate", "lint", "--no-squawk"]
        ours.append(str(folder))
        mine, said = timed(ours, wanted.repeat)
        print(f"repot migrate lint  {mine:6.2f} s   {said}")
        if not wanted.squawk:
            print("squawk              not found: not timed (pip install squawk-cli)")
            return
        theirs, said = timed([wanted.squawk, *map(str, files)], wanted.repeat)
        print(f"squawk              {theirs:6.2f} s   {said}")
        print(f"ratio               {mine / theirs:6.2f}")


if __name__ == "__main__":
    main()
