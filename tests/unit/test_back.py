"""Ways back, derived from moves: without a database."""

from __future__ import annotations

from typing import Any

from repot.model.catalog import Catalog, Table
from repot.model.names import Name
from repot.model.plan import Derivation, Registry
from repot.model.project import MoveSetting, RegistryKind, RegistrySetting, SqlFile
from repot.moves.analysis import analyse
from repot.moves.back import DerivedBack, derive_back
from support.described import catalog, column, table

PERSON = table("person", ["id", "name:text", "code:character varying(9)", "age:smallint", "old"])
EVENT = table("event", ["id:bigint", "person_id", "at:date"])
KEYS = Registry(
    name="event_key",
    setting=RegistrySetting(kind=RegistryKind.UUID, key=("id",)),
    table=Name(schema_="repot_registry", name="event_key"),
    view=Name(schema_="repot_registry_sql", name="event_key"),
    key_types=("bigint",),
    sql=SqlFile(path="registry/event_key.sql", text=""),
)
PEOPLE = KEYS.model_copy(
    update={
        "name": "person_key",
        "setting": RegistrySetting(kind=RegistryKind.UUID, key=("kind", "id")),
        "table": Name(schema_="repot_registry", name="person_key"),
    }
)
REGISTRIES = [
    table("event_key", ["id:bigint", "value:uuid"], schema="repot_registry"),
    table("person_key", ["kind:text", "id", "value:uuid"], ["kind", "id"], "repot_registry"),
]


def move(sql: str, made: Table, key: tuple[str, ...] = ("id",), **setting: Any) -> Derivation:
    columns = tuple(c.name for c in made.columns)
    analysis = analyse(
        sql,
        tables={t.name: t for t in (PERSON, EVENT, *REGISTRIES)},
        key=key,
        columns=columns,
        setting=MoveSetting(**setting),
        file=f"moves/{made.name.name}.sql",
        default_schema="public",
    )
    assert not analysis.findings
    return Derivation(
        name=made.name.name,
        table=made.name,
        user_view=made.name.within("repot_sql"),
        view=made.name.within("repot_view"),
        columns=columns,
        key=key,
        scope=analysis.scope,
        outputs=analysis.outputs,
        uses=analysis.uses,
        sql=SqlFile(path="", text=sql),
    )


def back(source: Table, *moves: tuple[Derivation, Table]) -> DerivedBack:
    return derive_back(
        source,
        [m for m, _ in moves],
        [KEYS, PEOPLE],
        Catalog(tables=(PERSON, EVENT)),
        catalog(*(t for _, t in moves)),
    )


def v2(name: str, *columns: str, primary: tuple[str, ...] = ("id",)) -> Table:
    return table(name, columns, primary, "v2")


def left_out(derived: DerivedBack) -> dict[str, str]:
    return {entry.column: entry.why for entry in derived.left_out}


def test_copies_come_back_and_the_rest_stays() -> None:
    made = v2("people", "id", "label:text", "code:text", "age:integer")
    derived = back(
        PERSON, (move("SELECT p.id, p.name, p.code, p.age FROM public.person p", made), made)
    )
    assert derived.sql == (
        "SELECT repot_v2.id AS id, repot_v2.label AS name, repot_v2.code AS code,"
        " repot_v2.age::smallint AS age FROM people repot_v2"
    )
    assert left_out(derived) == {"old": "people has no copy of it"}


def test_a_copy_of_another_type_does_not_come_back() -> None:
    made = v2("people", "id", "name:jsonb")
    derived = back(PERSON, (move("SELECT p.id, p.name FROM public.person p", made), made))
    assert derived.sql == "SELECT repot_v2.id AS id FROM people repot_v2"
    assert left_out(derived)["name"] == "people.name is jsonb, it is text"


def test_names_are_quoted_where_they_must_be() -> None:
    made = v2('Çà "t', "id", "select:text")
    derived = back(PERSON, (move("SELECT p.id, p.name FROM public.person p", made), made))
    assert derived.sql == (
        'SELECT repot_v2.id AS id, repot_v2."select" AS name FROM "Çà ""t" repot_v2'
    )


def test_why_there_is_none() -> None:
    made = v2("people", "id", "n:bigint")
    heap = table("heap", ["x"], [])
    assert back(heap).why == "it has no primary key"
    assert back(PERSON).why == "no move is driven by it"
    union = move(
        "SELECT p.id, p.old FROM public.person p UNION ALL SELECT e.id, e.person_id"
        " FROM public.event e",
        made,
    )
    assert back(PERSON, (union, made)).why == "people is made of 2 sources (UNION ALL)"
    merged = move("SELECT p.old AS id, count(*) AS n FROM public.person p GROUP BY p.old", made)
    assert back(PERSON, (merged, made)).why == "people makes one row of several of its rows"
    other = move("SELECT p.old AS id, p.id AS n FROM public.person p", made)
    assert (
        back(PERSON, (other, made)).why == "its primary key cannot be read from the key of people"
    )
    split = v2("parts", "id", "n:bigint", primary=("id", "n"))
    parts = move(
        "SELECT p.id, g.n FROM public.person p, LATERAL generate_series(1, 2) g(n)",
        split,
        ("id", "n"),
    )
    assert "cannot be read" in back(PERSON, (parts, split)).why


def test_a_column_that_v1_needs_must_come_back() -> None:
    made = v2("people", "id")
    found = move("SELECT p.id FROM public.person p", made)
    needing = PERSON.model_copy(update={"columns": (*PERSON.columns, column("must!:text"))})
    derived = back(needing, (found, made))
    assert derived.sql is None
    assert derived.why == "must must not be NULL, and people has no copy of it"
    helped = PERSON.model_copy(update={"columns": (*PERSON.columns, column("may=:text"))})
    assert back(helped, (found, made)).sql is not None


def test_a_key_made_by_a_registry_leads_back() -> None:
    made = v2("events", "id:uuid", "at:date")
    found = move(
        "SELECT k.value AS id, e.at FROM public.event e"
        " JOIN repot_registry.event_key k ON k.id = e.id",
        made,
    )
    assert back(EVENT, (found, made)).sql == (
        "SELECT repot_registry_1.repot_link_1 AS id, repot_v2.at AS at FROM events repot_v2"
        " JOIN (SELECT repot_1.value AS id, repot_1.id AS repot_link_1"
        " FROM repot_registry.event_key repot_1) repot_registry_1"
        " ON repot_registry_1.id = repot_v2.id"
    )


def test_a_key_that_v1_itself_is_asked_for_does_not_lead_back() -> None:
    """After the cutover V1 is what is brought up to date: it cannot say which row is which."""
    made = v2("events", "id:uuid", "at:date")
    found = move(
        "SELECT k.value AS id, e.at FROM public.event e"
        " JOIN repot_registry.event_key k ON k.id = e.id",
        made,
    )
    use = found.uses[0]
    assert use.link is not None
    asking = use.link.model_copy(
        update={"locate": "SELECT e.key AS id, e.id AS repot_link_1 FROM public.event e"}
    )
    changed = use.model_copy(update={"link": asking})
    changed_move = found.model_copy(update={"uses": (changed, *found.uses[1:])})
    assert "cannot be read" in back(EVENT, (changed_move, made)).why


def test_a_value_of_a_registry_is_read_back() -> None:
    made = v2("events", "id:bigint", "owner:uuid")
    found = move(
        "SELECT e.id, k.value FROM public.event e LEFT JOIN repot_registry.person_key k"
        " ON k.kind = 'person'::text AND k.id = e.person_id",
        made,
    )
    derived = back(EVENT, (found, made))
    assert derived.sql == (
        "SELECT repot_v2.id AS id, repot_registry_1.id AS person_id FROM events repot_v2"
        " LEFT JOIN (SELECT repot_known.kind AS kind, repot_known.id AS id,"
        " repot_known.value AS value FROM repot_registry.person_key repot_known"
        " WHERE repot_known.kind = 'person'::text) repot_registry_1"
        " ON repot_registry_1.value = repot_v2.owner"
    ).replace("repot_known.kind AS kind, ", "")
    assert list(left_out(derived)) == ["at"]


def test_two_tables_made_of_one_come_back_together() -> None:
    people = v2("people", "id", "name:text", "age:smallint")
    codes = v2("codes", "person_id", "code:text", primary=("person_id",))
    main = move("SELECT p.id, p.name, p.age FROM public.person p", people)
    more = move("SELECT p.id, p.code FROM public.person p", codes, ("person_id",))
    derived = back(PERSON, (more, codes), (main, people))
    assert derived.sql == (
        "SELECT repot_v2.id AS id, repot_v2.name AS name, repot_v2_1.code AS code,"
        " repot_v2.age AS age FROM people repot_v2"
        " LEFT JOIN codes repot_v2_1 ON repot_v2_1.person_id = repot_v2.id"
    )
    assert list(left_out(derived)) == ["old"]
    strict = [c.model_copy(update={"not_null": True, "default": "1"}) for c in PERSON.columns]
    never_null = PERSON.model_copy(update={"columns": tuple(strict)})
    derived = back(never_null, (more, codes), (main, people))
    assert derived.sql is not None
    assert "codes" not in derived.sql  # a row that is missing there would be a NULL here
