"""Extensions that the database lacks."""

from __future__ import annotations

from collections.abc import Iterator

from postgast import pg_query_pb2 as pb

from repot.folder.data import changes as ch
from repot.folder.data import trees
from repot.folder.data.rule import DataRule, Hit, Moment
from repot.model.finding import Severity

# What files use of well-known extensions: functions, types, operator classes, index methods.
_FUNCTIONS = {
    **dict.fromkeys(
        ("uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v4", "uuid_generate_v5"),
        "uuid-ossp",
    ),
    **dict.fromkeys(("gen_random_bytes", "digest", "hmac", "crypt", "gen_salt"), "pgcrypto"),
    **dict.fromkeys(("pgp_sym_encrypt", "pgp_sym_decrypt"), "pgcrypto"),
    **dict.fromkeys(("similarity", "word_similarity", "show_trgm"), "pg_trgm"),
    **dict.fromkeys(("st_makepoint", "st_distance", "st_dwithin", "st_setsrid"), "postgis"),
    "unaccent": "unaccent",
    "http_post": "pg_net",
}
_TYPES = {
    "citext": "citext",
    "hstore": "hstore",
    "ltree": "ltree",
    "vector": "vector",
    "halfvec": "vector",
    "geometry": "postgis",
    "geography": "postgis",
}
_CLASSES = {
    "gin_trgm_ops": "pg_trgm",
    "gist_trgm_ops": "pg_trgm",
    "vector_cosine_ops": "vector",
    "vector_l2_ops": "vector",
    "vector_ip_ops": "vector",
}


def _missing(m: Moment) -> Iterator[Hit]:
    node = m.change.node
    if isinstance(m.change, ch.Whole) and m.change.kind == "create_extension_stmt":
        name = node.extname
        if name not in m.world.today.extensions and name not in m.world.extensions:
            yield Hit(
                f"the server has no extension {name}: CREATE EXTENSION cannot find it",
                name,
                hint="install it on the server (its package, or the provider's list of "
                "extensions), or do without it",
            )
        return
    for name, what in sorted(_used(m, node).items()):
        if name in m.world.extensions:
            continue
        if name in m.world.today.extensions:
            yield Hit(
                f"{what} belongs to the extension {name}, which this database does not have",
                name,
                hint=f'CREATE EXTENSION IF NOT EXISTS "{name}" in a file before',
            )
        else:
            yield Hit(
                f"{what} belongs to the extension {name}, which this server does not have at all",
                name,
                hint="install it on the server, or do without it",
            )


def _used(m: Moment, node: object) -> dict[str, str]:
    """Extensions that the statement needs, with the word that says so."""
    found: dict[str, str] = {}
    for name in trees.function_names(node) & set(_FUNCTIONS):
        if not _defined(m, name):
            found.setdefault(_FUNCTIONS[name], f"{name}()")
    for kind in trees.find(node, pb.TypeName):
        word = kind.names[-1].string.sval if kind.names else ""
        if word in _TYPES:
            found.setdefault(_TYPES[word], f"the type {word}")
    for elem in trees.find(node, pb.IndexElem):
        word = elem.opclass[-1].string.sval if elem.opclass else ""
        if word in _CLASSES:
            found.setdefault(_CLASSES[word], f"the operator class {word}")
    return found


def _defined(m: Moment, function: str) -> bool:
    """Whether the database, or a pending file, has a function of that name."""
    return function in m.world.functions or m.world.has_function(function)


RULES = (
    DataRule(
        id="extension-not-there",
        severity=Severity.ERROR,
        condition="CREATE EXTENSION of one that the server does not offer, or a function, type or "
        "operator class of a well-known extension that is not in the database.",
        effect="PostgreSQL refuses the statement, and the file fails.",
        remedy="create the extension in a file before, or install it on the server",
        data="create table t (id int primary key)",
        bad=("create extension no_such_extension;",),
        good=("create extension if not exists plpgsql;",),
        find=_missing,
        refused="0A000",
    ),
)
