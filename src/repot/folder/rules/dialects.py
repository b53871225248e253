"""What the grammar lets pass and PostgreSQL does not know: types and functions of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from repot.folder.rules import tree
from repot.folder.rules.rule import Hit, Rule
from repot.folder.rules.story import Story
from repot.model.finding import Severity

TYPES = {
    "datetime": "timestamptz",
    "datetime2": "timestamptz",
    "smalldatetime": "timestamptz",
    "datetimeoffset": "timestamptz",
    "tinyint": "smallint",
    "mediumint": "integer",
    "long": "bigint",
    "double": "double precision",
    "number": "numeric",
    "smallmoney": "numeric(10, 2)",
    "tinytext": "text",
    "mediumtext": "text",
    "longtext": "text",
    "ntext": "text",
    "clob": "text",
    "nclob": "text",
    "string": "text",
    "varchar2": "varchar",
    "nvarchar2": "varchar",
    "tinyblob": "bytea",
    "blob": "bytea",
    "mediumblob": "bytea",
    "longblob": "bytea",
    "binary": "bytea",
    "varbinary": "bytea",
    "image": "bytea",
    "rowversion": "bytea",
    "uniqueidentifier": "uuid",
    "year": "smallint",
}
FUNCTIONS = {
    "ifnull": "coalesce(a, b)",
    "isnull": "coalesce(a, b), or a IS NULL",
    "nvl": "coalesce(a, b)",
    "if": "CASE WHEN … THEN … ELSE … END",
    "iif": "CASE WHEN … THEN … ELSE … END",
    "getdate": "now()",
    "sysdate": "now()",
    "sysdatetime": "now()",
    "curdate": "current_date",
    "curtime": "current_time",
    "unix_timestamp": "extract(epoch from now())",
    "from_unixtime": "to_timestamp(…)",
    "date_format": "to_char(…)",
    "str_to_date": "to_date(…), to_timestamp(…)",
    "date_add": "a + interval '…'",
    "date_sub": "a - interval '…'",
    "datediff": "a::date - b::date",
    "dateadd": "a + interval '…'",
    "group_concat": "string_agg(a, ',')",
    "listagg": "string_agg(a, ',')",
    "last_insert_id": "INSERT … RETURNING id",
    "scope_identity": "INSERT … RETURNING id",
    "newid": "gen_random_uuid()",
    "rand": "random()",
    "charindex": "strpos(text, part)",
    "instr": "strpos(text, part)",
    "locate": "strpos(text, part)",
    "json_extract": "a -> 'key', jsonb_path_query(…)",
    "json_unquote": "a ->> 'key'",
    "strftime": "to_char(…)",
    "julianday": "extract(julian from …)",
}


def _types(story: Story) -> Iterator[Hit]:
    own = _made(story, "type_names")
    for step in story.steps:
        for name in step.types:
            schema, plain = tree.dotted(name.names)
            if schema is None and plain in TYPES and plain not in own:
                hint = f"write {TYPES[plain]}"
                yield Hit(step.place, f"PostgreSQL has no type {plain}", plain, hint=hint)


def _functions(story: Story) -> Iterator[Hit]:
    own = _made(story, "functions")
    for step in story.steps:
        for call in step.calls:
            schema, plain = tree.dotted(call.funcname)
            if schema is None and plain in FUNCTIONS and plain not in own:
                hint = f"write {FUNCTIONS[plain]}"
                yield Hit(step.place, f"PostgreSQL has no function {plain}", plain, hint=hint)


def _made(story: Story, what: str) -> set[str]:
    """Names that the folder makes itself somewhere, or may have made."""
    made: Mapping[Any, Any] = getattr(story.end, what)
    return {key[1] for key in made} | story.end.opaque | story.end.doubted


RULES = (
    Rule(
        id="type-unknown",
        severity=Severity.ERROR,
        condition="A column, cast or parameter has a type of another database (DATETIME, TINYINT, "
        "LONGTEXT, BLOB, NUMBER …), and the folder creates no type of that name.",
        effect="The file fails: the type does not exist. The grammar takes any name for a type.",
        remedy="write PostgreSQL's own type",
        bad=("CREATE TABLE a (id int PRIMARY KEY, made datetime NOT NULL);",),
        good=("CREATE TABLE a (id int PRIMARY KEY, made timestamptz NOT NULL);",),
        find=_types,
        fails=True,
    ),
    Rule(
        id="function-unknown",
        severity=Severity.ERROR,
        condition="A function of another database is called (IFNULL, GETDATE, GROUP_CONCAT, NVL "
        "…), and the folder creates none of that name.",
        effect="The file fails: the function does not exist.",
        remedy="write PostgreSQL's own function",
        bad=("CREATE TABLE a (id int PRIMARY KEY, made timestamptz DEFAULT getdate());",),
        good=("CREATE TABLE a (id int PRIMARY KEY, made timestamptz DEFAULT now());",),
        find=_functions,
        fails=True,
    ),
)
