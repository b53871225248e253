"""Types, functions, schemas, extensions, triggers, policies, settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from postgast import pg_query_pb2 as pb

from repot.folder.rules import tree
from repot.folder.rules.story.changes.tables import select_into
from repot.folder.rules.story.shapes import Enum, Sort
from repot.folder.rules.story.step import Step
from repot.folder.rules.story.world import DEFAULT, World, show

_INPUTS = {pb.FUNC_PARAM_IN, pb.FUNC_PARAM_INOUT, pb.FUNC_PARAM_VARIADIC, pb.FUNC_PARAM_DEFAULT}


def _new_type(
    world: World, step: Step, name: tree.Key, kind: str, values: tuple[str, ...] = ()
) -> None:
    key = world.target(name)
    if world.make(Sort.TYPE, key, step.place, soft=False):
        number = world.number()
        world.put_type(Enum(number, kind, key, step.place, world.transaction, values))


def create_enum(world: World, step: Step) -> None:
    node = step.node
    _new_type(world, step, tree.dotted(node.type_name), "enum", tree.strings(node.vals))


def create_domain(world: World, step: Step) -> None:
    _new_type(world, step, tree.dotted(step.node.domainname), "domain")


def create_range(world: World, step: Step) -> None:
    _new_type(world, step, tree.dotted(step.node.type_name), "range")


def create_composite(world: World, step: Step) -> None:
    _new_type(world, step, tree.relation(step.node.typevar), "composite")


def define(world: World, step: Step) -> None:
    if step.node.kind == pb.OBJECT_TYPE:
        _new_type(world, step, tree.dotted(step.node.defnames), "base")
    elif step.node.kind == pb.OBJECT_AGGREGATE:
        key = world.target(tree.dotted(step.node.defnames))
        world.make(Sort.FUNCTION, key, step.place, soft=True)
        world.functions[key] = world.functions.get(key, frozenset()) | {"*"}


def alter_enum(world: World, step: Step) -> None:
    node = step.node
    name = tree.dotted(node.type_name)
    world.use(Sort.TYPE, name, step.place)
    type_ = world.adopt_type(name)
    if node.old_val:
        values = tuple(node.new_val if v == node.old_val else v for v in type_.values)
        world.put_type(replace(type_, values=values))
        return
    if node.new_val in type_.values:
        if not node.skip_if_new_val_exists and not world.hidden(type_.key[1]):
            what = f"value {node.new_val} of {show(type_.key)}"
            world.tell("twice", step.place, what, type_.made)
        return
    if type_.transaction != world.transaction:
        world.fresh.append((type_.number, node.new_val, step.place))
    world.put_type(replace(type_, values=(*type_.values, node.new_val)))


def create_function(world: World, step: Step) -> None:
    node = step.node
    key = world.target(tree.dotted(node.funcname))
    parameters = (p.function_parameter for p in node.parameters)
    signature = ",".join(tree.written(p.arg_type) for p in parameters if p.mode in _INPUTS)
    known = world.functions.get(key, frozenset())
    if signature in known:
        if not node.replace and not world.hidden(key[1]):
            world.tell("twice", step.place, f"function {show(key)}({signature})")
        return
    if not known:
        world.make(Sort.FUNCTION, key, step.place, soft=node.replace)
    world.functions[key] = known | {signature}


def create_schema(world: World, step: Step) -> None:
    name = step.node.schemaname
    if world.make(Sort.SCHEMA, ("", name), step.place, step.node.if_not_exists):
        world.schemas[name] = step.place


def create_extension(world: World, step: Step) -> None:
    world.extensions.add(step.node.extname)


def create_trigger(world: World, step: Step) -> None:
    node = step.node
    world.use(Sort.FUNCTION, tree.dotted(node.funcname), step.place)
    _part(world, step, Sort.TRIGGER, tree.relation(node.relation), node.trigname, node.replace)


def create_policy(world: World, step: Step) -> None:
    name = tree.relation(step.node.table)
    _part(world, step, Sort.POLICY, name, step.node.policy_name, soft=False)


def _part(world: World, step: Step, sort: Sort, table: tree.Key, name: str, soft: bool) -> None:
    relation = world.adopt(table)
    known = world.parts.get((sort, relation.number, name))
    if known is not None and not soft and not world.hidden(name):
        world.tell("twice", step.place, f"{sort} {name} of {show(relation.key)}", known)
    world.parts[sort, relation.number, name] = step.place
    world.gone.pop((sort, (f"{relation.number}", name)), None)


def setting(world: World, step: Step) -> None:
    node = step.node
    if node.name == "search_path":
        _path(world, [a.a_const.sval.sval for a in node.args] if node.args else list(DEFAULT))
    elif node.name == "check_function_bodies":
        words = [tree.text(a) or str(a.a_const.boolval.boolval) for a in node.args]
        world.bodies_checked = not words or words[0].lower() not in ("off", "false", "no", "0")


def _path(world: World, names: list[str]) -> None:
    schemas = [part.strip().strip('"') for name in names for part in name.split(",")]
    known = tuple(s for s in schemas if s and s not in ("$user", "pg_catalog"))
    world.path = known


def select(world: World, step: Step) -> None:
    """SELECT … INTO makes a table; set_config('search_path', …) is how pg_dump sets it."""
    select_into(world, step)
    for call in step.calls:
        if tree.dotted(call.funcname)[1] != "set_config" or len(call.args) < 2:
            continue
        if tree.text(call.args[0]) == "search_path":
            _path(world, [tree.text(call.args[1]) or ""])


def block(world: World, step: Step) -> None:
    """DO, CALL: what they do cannot be told from here; what they name is left alone."""
    world.cloud(step.statement.text)


def transaction(world: World, step: Step) -> None:
    if step.node.kind in (pb.TRANS_STMT_COMMIT, pb.TRANS_STMT_ROLLBACK):
        world.begin()


HANDLERS: dict[str, Callable[[World, Step], None]] = {
    "create_enum_stmt": create_enum,
    "create_domain_stmt": create_domain,
    "create_range_stmt": create_range,
    "composite_type_stmt": create_composite,
    "define_stmt": define,
    "alter_enum_stmt": alter_enum,
    "create_function_stmt": create_function,
    "create_schema_stmt": create_schema,
    "create_extension_stmt": create_extension,
    "create_trig_stmt": create_trigger,
    "create_policy_stmt": create_policy,
    "variable_set_stmt": setting,
    "do_stmt": block,
    "call_stmt": block,
    "transaction_stmt": transaction,
    "select_stmt": select,
}
