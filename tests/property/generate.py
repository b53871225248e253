"""A random project: V1, and the folder that moves it."""

from __future__ import annotations

import json
import random

from property import kept, remade
from property.model import Foreign, Generated, Layout, Move, Table
from property.names import Names, quoted
from property.shapes import Making, of
from property.tables import columns_list, foreign_ddl, random_tables, table_ddl

LAYOUTS = (
    Layout("public", "v2", "old", "tables"),
    Layout("public", "shop_v2", "v1", "schema"),
    Layout('V1 "é" %', "Table", "ПРОШЛОЕ", "tables"),
    Layout("select", "V2 %s", "o'ld", "schema"),
)


def generate(seed: int) -> Generated:
    """The same project for the same seed."""
    rng = random.Random(seed)
    hostility = rng.choice((0.0, 0.3, 0.8))
    tables = random_tables(rng, hostility)
    making = Making(rng, tables, Names(rng, hostility), hostility)
    moves = _moves(making)
    _mirror(making, moves)
    layout = rng.choices(LAYOUTS, (4, 2, 2, 1))[0]
    ddl = f"create schema if not exists {quoted(layout.source)};\n"
    ddl += "".join(table_ddl(layout.source, t) for t in tables)
    for table in tables:
        for key in table.foreign:
            ours, theirs = (quoted(layout.source, n) for n in (table.name, key.parent))
            ddl += foreign_ddl(ours, theirs, key)
    return Generated(seed, layout, tables, moves, ddl, _files(making, layout, moves))


def _moves(making: Making) -> list[Move]:
    """Each table is moved somehow; some into more than one table of V2."""
    moves: list[Move] = []
    waiting = list(making.tables)
    making.rng.shuffle(waiting)
    while waiting:
        table = waiting.pop()
        alike = [t for t in waiting if _key_type(t) and _key_type(t) == _key_type(table)]
        if alike and making.chance(0.4):
            others = making.rng.sample(alike, min(len(alike), making.rng.randint(1, 2)))
            moves.append(remade.unioned(making, [table, *others]))
            waiting = [t for t in waiting if t not in others]
        else:
            moves += _one(making, table)
        alone = moves[-1].kinds == {"grouped"}
        extra = [
            # Rows that are only merged are not accounted for beside a move that drives them.
            remade.unnested(making, table) if making.chance(0.7) and not alone else None,
            remade.grouped(making, table) if making.chance(0.35) else None,
            remade.distinct(making, table) if making.chance(0.12) else None,
        ]
        moves += [m for m in extra if m is not None]
    return moves


def _one(making: Making, table: Table) -> list[Move]:
    kind = making.rng.choices(
        ("plain", "filtered", "joined", "both", "registry", "halves", "grouped"),
        (4, 2, 4, 1, 2, 1.5, 0.7),
    )[0]
    if kind == "grouped":
        found = remade.grouped(making, table, alone=True)
        if found is not None:
            return [found]
    if kind == "halves" and len(table.rest) > 1:
        return kept.halves(making, table)
    kinds = {
        "filtered": ("filtered",),
        "joined": ("joined",),
        "both": ("filtered", "joined"),
        "registry": ("registry", "joined") if making.chance(0.3) else ("registry",),
    }.get(kind, ())
    return [kept.plain(making, table, *kinds)]


def _key_type(table: Table) -> str | None:
    return table.column(table.primary[0]).type if len(table.primary) == 1 else None


def _mirror(making: Making, moves: list[Move]) -> None:
    """V1's foreign keys on V2, where every row that is referred to is there."""
    homes: dict[str, Move] = {}
    for move in moves:
        if move.source is not None:
            homes.setdefault(move.source.name, move)
    for move in moves:
        for key in move.source.foreign if move.source else ():
            home = homes.get(key.parent)
            if home is None or home.filtered or not set(key.columns) <= set(move.copies):
                continue
            if key.parent == move.source.name and home is not move:
                continue
            if not set(key.referenced) <= set(home.copies) or making.chance(0.15):
                continue
            referenced = tuple(home.copies[c] for c in key.referenced)
            pairs = list(zip((move.copies[c] for c in key.columns), referenced, strict=True))
            types = [(_type(move, a), _type(home, b)) for a, b in pairs]
            # Not a unique column beside the key: a row that keeps its value and gets another key is
            # two rows to Repot, of which the old one cannot go while others refer to the value.
            if referenced == home.key and all(a == b for a, b in types):
                ours = tuple(move.copies[c] for c in key.columns)
                move.foreign.append(
                    Foreign(
                        ours, home.name, referenced, key.on_delete, key.on_update, key.deferrable
                    )
                )


def _type(move: Move, column: str) -> str:
    return next(o.type for o in move.outputs if o.name == column)


def _files(making: Making, layout: Layout, moves: list[Move]) -> dict[str, str]:
    toml = f"""name = "generated"
[source]
schema = {json.dumps(layout.source, ensure_ascii=False)}
[target]
schema = {json.dumps(layout.target, ensure_ascii=False)}
retired = {json.dumps(layout.retired, ensure_ascii=False)}
[cutover]
swap = "{layout.swap}"
"""
    files = {}
    for r in making.registries:
        toml += f"[registry.{_toml(r.name)}]\nkind = {_toml(r.kind)}\nkey = {_toml(list(r.key))}\n"
        toml += f"text = {_toml(r.text)}\n" if r.text else ""
        files[f"registry/{r.name}.sql"] = r.select
    files["repot.toml"] = toml
    files["target.sql"] = "".join(map(_target, moves))
    files["target.sql"] += "".join(
        foreign_ddl(quoted(m.name), quoted(k.parent), k) for m in moves for k in m.foreign
    )
    files |= {f"moves/{m.name}.sql": m.text for m in moves}
    files["leave.toml"] = _leave(making, moves)
    return files


def _leave(making: Making, moves: list[Move]) -> str:
    text = ""
    for table, where in making.left_rows:
        text += f"[[rows]]\ntable = {_toml(table)}\nwhere = {_toml(where)}\nreason = 'filtered'\n"
    arms = [arm for m in moves for arm in m.text.split("\nunion all\n")]
    for table in making.tables:
        mine = [arm for arm in arms if f"from {quoted(table.name)} t" in arm]
        for column in table.columns:
            # An entry too many is no finding, one too few would be.
            if not any(of("t", column.name) in arm for arm in mine):
                text += f"[[column]]\ntable = {_toml(table.name)}\n"
                text += f"column = {_toml(column.name)}\nreason = 'not needed'\n"
    return text


def _target(move: Move) -> str:
    lines = []
    for o in move.outputs:
        line = f"{quoted(o.name)} {o.type}" + " not null" * o.not_null
        lines.append(line + " generated by default as identity" * o.identity)
    lines.append(f"primary key ({columns_list(move.key)})")
    lines += [
        f"unique ({columns_list(u.columns)})" + " deferrable initially immediate" * u.deferrable
        for u in move.uniques
    ]
    return f"create table {quoted(move.name)} (\n  " + ",\n  ".join(lines) + ");\n"


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
