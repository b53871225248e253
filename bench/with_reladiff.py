"""Runs reladiff, in the environment that has it: the question as JSON on stdin, the answer on
stdout. Repot is not imported here."""

from __future__ import annotations

import json
import sys
import time

from reladiff import Algorithm, connect, connect_to_table, diff_tables


def main() -> None:
    asked = json.load(sys.stdin)
    words = dict(word.split("=", 1) for word in asked["dsn"].split())
    database = connect(
        {
            "driver": "postgresql",
            "host": words["host"],
            "port": int(words["port"]),
            "user": words["user"],
            "database": words["dbname"],
        },
        thread_count=asked["threads"],
    )
    differences = 0
    start = time.monotonic()
    for table in asked["tables"]:
        a, b = (
            connect_to_table(
                database, tuple(path), tuple(table["key"]), extra_columns=tuple(table["columns"])
            )
            for path in (table["a"], table["b"])
        )
        found = diff_tables(a, b, algorithm=Algorithm(asked["algorithm"]))
        differences += sum(1 for _ in found)
    json.dump({"seconds": time.monotonic() - start, "differences": differences}, sys.stdout)


if __name__ == "__main__":
    main()
