"""Compiling registries and moves: views, keys, types, links."""

from __future__ import annotations

from psycopg import sql

from repot.model.finding import Finding, error
from repot.model.names import Name
from repot.model.plan import Derivation, Registry, Role, Use
from repot.model.project import MoveSetting, RegistryKind, SqlFile
from repot.model.schemas import REGISTRY, REGISTRY_SQL, SQL, VIEW
from repot.moves.analysis import analyse
from repot.moves.fit import check_columns, choose_key
from repot.moves.install import (
    asked,
    create_forward_view,
    create_registry_table,
    create_trace_views,
    create_view,
    move_path,
    named,
)
from repot.moves.statements import calls as calls_in
from repot.moves.statements import check_select, parse, volatile_call
from repot.moves.workshop import Workshop, view_columns, view_definition


def compile_registry(shop: Workshop, name: str) -> Registry | None:
    """The registry's source view and its (empty) table; None where a finding says why not."""
    project = shop.project
    setting, file = project.registry[name], project.registries.get(name)
    if file is None:
        shop.findings.append(
            error(
                "registry-without-select",
                f"registry {name} has no registry/{name}.sql",
                file="repot.toml",
                object=name,
                hint="write the SELECT that gives its keys",
            )
        )
        return None
    if not _selectable(shop, file):
        return None
    schema = project.source.schema_
    if shop.source.get(Name(schema_=schema, name=name)):
        shop.findings.append(
            error(
                "registry-name-taken",
                f"V1 has a table {name} too: moves could not tell the two apart",
                file="repot.toml",
                object=name,
                hint="give the registry another name",
            )
        )
        return None
    view = Name(schema_=REGISTRY_SQL, name=name)
    with shop.attempt(file, _head(shop, view)) as done:
        create_view(shop.conn, view, file, (schema,))
    if not done:
        return None
    given = view_columns(shop.conn, view)
    wanted = [*setting.key, *setting.order]
    if setting.kind is RegistryKind.SLUG:
        wanted.append(setting.text or "")
    missing = [c for c in wanted if c not in given]
    if missing:
        shop.findings.append(
            error(
                "registry-column-missing",
                f"registry {name} names {', '.join(c or '(text)' for c in missing)}, "
                "which its SELECT does not give",
                file=file.path,
                line=1,
                object=name,
                hint=f"columns given: {', '.join(given)}",
            )
        )
        return None
    types = tuple(given[c].type for c in setting.key)
    create_registry_table(shop.conn, name, setting, types)
    analysis = analyse(
        view_definition(shop.conn, view),
        tables=shop.tables(),
        key=setting.key,
        columns=tuple(given),
        setting=MoveSetting(),
        file=file.path,
        default_schema=schema,
    )
    shop.findings.extend(analysis.findings)
    registry = Registry(
        name=name,
        setting=setting,
        table=Name(schema_=REGISTRY, name=name),
        view=view,
        key_types=types,
        scope=analysis.scope or setting.key,
        uses=named(analysis.uses, f"registry.{name}"),
        sql=file,
    )
    with shop.attempt(file):
        create_trace_views(shop.conn, registry.uses)
    return registry


def compile_move(shop: Workshop, name: str) -> Derivation | None:
    """The move's views and what is known of them; None where a finding says why not."""
    project, file = shop.project, shop.project.moves[name]
    schema = project.source.schema_
    table = shop.target.get(Name(schema_=project.target.schema_, name=name))
    if table is None and shop.target.tables:  # without any, target.sql itself is what is wrong
        shop.findings.append(
            error(
                "unknown-target-table",
                f"target.sql makes no table {name}",
                file=file.path,
                line=1,
                object=name,
                hint="a move is named after its table: "
                + ", ".join(t.name.name for t in shop.target.in_schema(project.target.schema_)),
            )
        )
        return None
    if not _selectable(shop, file):
        return None
    user_view = Name(schema_=SQL, name=name)
    with shop.attempt(file, _head(shop, user_view)) as done:
        create_view(shop.conn, user_view, file, move_path(schema))
    if not done or table is None:
        return None
    setting = project.move.get(name, MoveSetting())
    given = view_columns(shop.conn, user_view)
    findings, defaulted = check_columns(file, given, table)
    key, more = choose_key(file, setting, given, table, f"move.{name}")
    shop.findings += [*findings, *more]
    if any(f.severity == "error" for f in (*findings, *more)):
        return None
    analysis = analyse(
        view_definition(shop.conn, user_view),
        tables=shop.tables(),
        key=key,
        columns=tuple(given),
        setting=setting,
        file=file.path,
        default_schema=schema,
    )
    shop.findings.extend(analysis.findings)
    outputs = tuple(o.model_copy(update={"type": given[o.name].type}) for o in analysis.outputs)
    move = Derivation(
        name=name,
        table=table.name,
        user_view=user_view,
        view=Name(schema_=VIEW, name=name),
        columns=tuple(c.name for c in table.columns if c.name in given),
        defaulted=defaulted,
        key=key,
        scope=analysis.scope or key,
        outputs=outputs,
        uses=named(_driven(analysis.uses), f"move.{name}"),
        sql=file,
    )
    move = asked(move, table, "move")
    with shop.attempt(file) as done:
        create_forward_view(shop.conn, move, table)
        create_trace_views(shop.conn, move.uses)
    return move if done else None


def _driven(uses: tuple[Use, ...]) -> tuple[Use, ...]:
    """A registry gives values and drives nothing: its arm is driven by the table that joins it."""
    result = list(uses)
    for arm in {use.arm for use in uses}:
        rest = [n for n, u in enumerate(uses) if u.arm == arm and u.source.schema_ != REGISTRY]
        if any(uses[n].role is Role.DRIVING for n in rest):
            continue
        first = next((n for n in rest if uses[n].role is Role.JOINED and uses[n].pairs), None)
        if first is not None:
            result[first] = uses[first].model_copy(update={"role": Role.DRIVING})
    return tuple(result)


def _selectable(shop: Workshop, file: SqlFile) -> bool:
    findings = check_select(file)
    if not findings:
        findings = _volatile(shop, file)
    shop.findings.extend(findings)
    return not any(f.severity == "error" for f in findings)


def _volatile(shop: Workshop, file: SqlFile) -> list[Finding]:
    """Calls of functions that PostgreSQL knows as volatile."""
    statements, _ = parse(file)
    calls = [call for s in statements for call in calls_in(s.node)]
    names = sorted({name.split(".")[-1] for name, _ in calls})
    rows = shop.conn.execute(
        "select proname from pg_catalog.pg_proc where proname = any(%s)"
        " group by proname having bool_and(provolatile = 'v')",
        (names,),
    ).fetchall()
    volatile = {str(r[0]) for r in rows}
    return [volatile_call(file, n, at) for n, at in calls if n.split(".")[-1] in volatile]


def _head(shop: Workshop, view: Name) -> int:
    """How much text precedes the user's in CREATE VIEW, in characters."""
    head = sql.SQL("create view {} as\n").format(sql.Identifier(view.schema_, view.name))
    return len(head.as_string(shop.conn))
