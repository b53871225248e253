"""Names of database objects, and how they are shown."""

from __future__ import annotations

import json
import re
from hashlib import sha256

from repot.model.base import Value

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")
MAX_BYTES = 63  # NAMEDATALEN - 1: PostgreSQL cuts longer names in silence


def quoted(identifier: str) -> str:
    """The identifier as a person would write it, quoted only where it must be; for display only."""
    if _PLAIN.match(identifier):
        return identifier
    return '"' + identifier.replace('"', '""') + '"'


def toml(text: str) -> str:
    """The text as a TOML string, for settings that a hint tells the user to write."""
    return json.dumps(text, ensure_ascii=False)


def fitted(text: str) -> str:
    """`text` if it fits into a name, else cut and made unique by a digest of the whole."""
    if len(text.encode()) <= MAX_BYTES:
        return text
    digest = sha256(text.encode()).hexdigest()[:8]
    return text.encode()[: MAX_BYTES - 9].decode(errors="ignore") + "_" + digest


class Name(Value):
    """A schema-qualified name; `str()` is for people, `postgres.sql.ident` for statements."""

    schema_: str
    name: str

    def __str__(self) -> str:
        return f"{quoted(self.schema_)}.{quoted(self.name)}"

    def __hash__(self) -> int:
        return hash((self.schema_, self.name))

    def within(self, schema: str) -> Name:
        """The same name in another schema."""
        return Name(schema_=schema, name=self.name)


def name(schema: str, relation: str) -> Name:
    """Short for `Name(schema_=…, name=…)`."""
    return Name(schema_=schema, name=relation)
