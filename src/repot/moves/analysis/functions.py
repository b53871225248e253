"""Built-in functions that are more than a value of their row."""

from __future__ import annotations

from google.protobuf.message import Message

from repot.moves.analysis.ast import everything, parts, pb, words


def _names(text: str) -> list[str]:
    return text.split()


AGGREGATES = frozenset(
    _names("""
    any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or count every
    json_agg json_agg_strict json_object_agg json_object_agg_strict
    json_object_agg_unique json_object_agg_unique_strict jsonb_agg jsonb_agg_strict
    jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique
    jsonb_object_agg_unique_strict max min range_agg range_intersect_agg string_agg
    sum xmlagg corr covar_pop covar_samp regr_avgx regr_avgy regr_count
    regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop
    stddev_samp variance var_pop var_samp mode percentile_cont percentile_disc
    grouping
""")
)
SET_RETURNING = frozenset(
    _names("""
    unnest generate_series generate_subscripts json_array_elements
    json_array_elements_text jsonb_array_elements jsonb_array_elements_text
    json_each json_each_text jsonb_each jsonb_each_text json_object_keys
    jsonb_object_keys json_populate_recordset jsonb_populate_recordset
    json_to_recordset jsonb_to_recordset jsonb_path_query jsonb_path_query_tz
    regexp_matches regexp_split_to_table string_to_table ts_stat _pg_expandarray
""")
)
_AGGREGATE_NODES = (pb.JsonArrayAgg, pb.JsonObjectAgg, pb.GroupingFunc)


def called(call: pb.FuncCall) -> str:
    """The function's name where it is a built-in one, else ''."""
    names = words(call.funcname)
    return names[-1] if len(names) == 1 or names[0] == "pg_catalog" else ""


def is_aggregate(message: Message) -> bool:
    """Whether the message itself is a call of a built-in aggregate, or marked as an aggregate."""
    if isinstance(message, _AGGREGATE_NODES):
        return True
    if not isinstance(message, pb.FuncCall) or message.HasField("over"):
        return False
    marked = message.agg_star or message.agg_distinct or message.agg_within_group
    ordered = bool(message.agg_order) or message.HasField("agg_filter")
    return marked or ordered or called(message) in AGGREGATES


def is_set_returning(message: Message) -> bool:
    return isinstance(message, pb.FuncCall) and called(message) in SET_RETURNING


def outside_subqueries(message: Message) -> list[Message]:
    """The message and what it holds, subqueries not looked into (their SubLink is listed)."""
    found: list[Message] = []
    stack: list[Message] = [message]
    while stack:
        top = stack.pop()
        if not isinstance(top, pb.Node):
            found.append(top)
        if isinstance(top, pb.SubLink):
            if top.HasField("testexpr"):
                stack.append(top.testexpr)
            continue
        stack.extend(reversed(list(parts(top))))
    return found


def aggregates(select: pb.SelectStmt) -> bool:
    """Whether the query itself groups: GROUP BY, HAVING, or a built-in aggregate."""
    if select.group_clause or select.HasField("having_clause"):
        return True
    return any(is_aggregate(m) for t in select.target_list for m in outside_subqueries(t))


def windows(select: pb.SelectStmt) -> list[list[pb.Node]]:
    """PARTITION BY of each window function that the query calls in its SELECT or ORDER BY."""
    named = {w.window_def.name: w.window_def for w in select.window_clause}

    def partition(window: pb.WindowDef) -> list[pb.Node]:
        if window.partition_clause:
            return list(window.partition_clause)
        other = named.get(window.refname or window.name)
        return partition(other) if other is not None and other is not window else []

    return [
        partition(m.over)
        for node in [*select.target_list, *select.sort_clause]
        for m in outside_subqueries(node)
        if isinstance(m, pb.FuncCall) and m.HasField("over")
    ]


def of_users(select: pb.SelectStmt) -> tuple[tuple[str, str], ...]:
    """Functions called that are not PostgreSQL's own, as (schema, name): what they read cannot be
    seen in the query. (Under an empty search_path the server prints their schema.)"""
    found = {words(m.funcname) for m in everything(select) if isinstance(m, pb.FuncCall)}
    return tuple(sorted((n[0], n[1]) for n in found if len(n) == 2 and n[0] != "pg_catalog"))
