"""What extensions bring, used before CREATE EXTENSION."""

from __future__ import annotations

from collections.abc import Iterator

from repot.folder.rules import tree
from repot.folder.rules.rule import Hit, Rule
from repot.folder.rules.story import Step, Story
from repot.model.finding import Severity
from repot.model.folder import Layout

_BROUGHT: dict[str, tuple[str, str, str]] = {
    # extension: types, functions, operator classes
    "uuid-ossp": ("", "uuid_generate_v1 uuid_generate_v1mc uuid_generate_v3 uuid_generate_v4 "
                  "uuid_generate_v5 uuid_nil uuid_ns_dns uuid_ns_url", ""),
    "pgcrypto": ("", "gen_random_bytes crypt gen_salt digest hmac pgp_sym_encrypt "
                 "pgp_sym_decrypt pgp_pub_encrypt pgp_pub_decrypt armor dearmor", ""),
    "citext": ("citext", "", "citext_ops"),
    "hstore": ("hstore", "hstore hstore_to_json hstore_to_jsonb akeys avals skeys svals",
               "gin_hstore_ops gist_hstore_ops"),
    "pg_trgm": ("", "similarity word_similarity strict_word_similarity show_trgm set_limit",
                "gin_trgm_ops gist_trgm_ops"),
    "unaccent": ("", "unaccent", ""),
    "ltree": ("ltree lquery ltxtquery", "subltree subpath nlevel text2ltree ltree2text lca",
              "gist_ltree_ops"),
    "cube": ("cube", "cube_distance cube_dim", ""),
    "earthdistance": ("earth", "ll_to_earth earth_distance earth_box gc_to_sec sec_to_gc", ""),
    "fuzzystrmatch": ("", "levenshtein levenshtein_less_equal soundex metaphone dmetaphone "
                      "daitch_mokotoff", ""),
    "vector": ("vector halfvec sparsevec", "cosine_distance l2_distance inner_product l1_distance",
               "vector_cosine_ops vector_l2_ops vector_ip_ops vector_l1_ops halfvec_cosine_ops"),
    "postgis": ("geometry geography box2d box3d", "st_makepoint st_setsrid st_distance st_dwithin "
                "st_geomfromtext st_geogfromtext st_contains st_intersects st_within st_point "
                "st_buffer st_area st_length st_transform st_asgeojson st_geomfromgeojson", ""),
    "tablefunc": ("", "crosstab connectby normal_rand", ""),
    "intarray": ("query_int", "idx sort_asc sort_desc uniq icount", "gin__int_ops gist__int_ops"),
    "isn": ("ean13 isbn isbn13 issn issn13 ismn upc", "", ""),
    "seg": ("seg", "", ""),
    "pg_uuidv7": ("", "uuid_generate_v7", ""),
    "dblink": ("", "dblink dblink_exec dblink_connect", ""),
    "moddatetime": ("", "moddatetime", ""),
    "pgjwt": ("", "sign verify url_encode url_decode", ""),
    "pg_cron": ("", "cron.schedule cron.unschedule", ""),
    "pg_net": ("", "net.http_post net.http_get", ""),
}  # fmt: skip
_TYPES, _FUNCTIONS, _CLASSES = (
    {name: extension for extension, brought in _BROUGHT.items() for name in brought[n].split()}
    for n in range(3)
)
# Supabase's platform has these in every project, in the schema `extensions`.
_SUPABASE = {"uuid-ossp", "pgcrypto", "pg_graphql", "pg_stat_statements", "supabase_vault"}
# Some bring another along when they are created with CASCADE, or contain another's names.
_COMMON_WORDS = {"sign", "verify", "idx", "normal_rand", "earth", "cube", "seg", "url_encode"}


def _missing(story: Story) -> Iterator[Hit]:
    layout = story.book.folder.layout
    have = set(_SUPABASE) if layout is Layout.SUPABASE else set()
    severity = Severity.ERROR if layout is Layout.PRISMA else Severity.WARNING
    own = {key[1] for key in (*story.end.functions, *story.end.type_names, *story.end.names)}
    for step in story.steps:
        if step.kind == "create_extension_stmt":
            have.add(step.node.extname)
        if step.kind == "do_stmt":
            have |= {e for e in _BROUGHT if e in step.statement.text}
        said: set[str] = set()
        for extension, name in _uses(step):
            if extension not in have | said and name not in own:
                said.add(extension)
                quoted = f'"{extension}"' if "-" in extension else extension
                yield Hit(
                    step.place,
                    f"{name} is the extension {extension}'s, which no file before this creates",
                    extension,
                    severity,
                    f"CREATE EXTENSION IF NOT EXISTS {quoted}; in this file or an earlier one",
                )


def _uses(step: Step) -> Iterator[tuple[str, str]]:
    for nodes, brought in (
        ((t.names for t in step.types), _TYPES),
        ((c.funcname for c in step.calls), _FUNCTIONS),
        (step.classes, _CLASSES),
    ):
        for names in nodes:
            schema, plain = tree.dotted(names)
            full = f"{schema}.{plain}"
            found = brought.get(full) or brought.get(plain)
            if found and plain not in _COMMON_WORDS and schema != "pg_catalog":
                yield found, full if full in brought else plain
    if step.kind == "create_trig_stmt":
        name = tree.dotted(step.node.funcname)[1]
        if name in _FUNCTIONS:
            yield _FUNCTIONS[name], name


RULES = (
    Rule(
        id="extension-missing",
        severity=Severity.ERROR,
        condition="A type, function or operator class of a well-known extension is used, and "
        "neither this file nor an earlier one creates the extension. (An error in Prisma's "
        "layout, whose shadow database starts empty; elsewhere a warning, because the platform "
        "may have it. What Supabase has in every project is not asked for in its layout.)",
        effect="The file fails where the database does not have the extension: the type or "
        "function does not exist.",
        remedy="CREATE EXTENSION IF NOT EXISTS … in this file or an earlier one",
        bad=("CREATE TABLE a (id int PRIMARY KEY, mail citext NOT NULL);",),
        good=(
            "CREATE EXTENSION IF NOT EXISTS citext;\n"
            "CREATE TABLE a (id int PRIMARY KEY, mail citext NOT NULL);",
        ),
        find=_missing,
        fails=True,
    ),
)
