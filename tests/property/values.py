"""Types of V1's columns, and the few values of each: written as texts, as psql would."""

from __future__ import annotations

import random
import uuid

KEYS = 24  # values a key may have: few, so that writers and tables meet
ALWAYS = 1000  # keys from here on come from sequences

_TEXTS = ("", " ", "a", "A", "a ", "é", "it's", "x\ty", "50 %s {}", 'say "no"', "😀", "NULL", "zz")
PLAIN: dict[str, tuple[str, ...]] = {
    "integer": ("-1", "0", "1", "2", "3", "7", "2147483647"),
    "bigint": ("-5", "0", "1", "2", "9007199254740993"),
    "text": _TEXTS,
    "character varying(20)": _TEXTS,
    "numeric": ("1", "1.0", "1.00", "0", "-2.50", "12345678901234567890.123"),
    "numeric(10,2)": ("1", "2.5", "-3.25", "0"),
    "double precision": ("0", "-0", "1.5", "NaN", "1e-300", "0.1"),
    "boolean": ("true", "false"),
    "date": ("2020-02-29", "1999-12-31", "infinity", "0044-03-15 BC"),
    "timestamp with time zone": (
        "2020-01-01 00:00:00.000001+00",
        "infinity",
        "1970-01-01 00:00+00",
    ),
    "jsonb": ('{"a": 1}', "[]", "null", '"x"', '{"a": [1, {"é": null}]}', "1.0", "1.00"),
    "bytea": ("\\x", "\\x00ff", "\\x5c"),
    "text[]": ("{}", "{a}", "{a,b}", "{b,a,b}", '{"",NULL,"x,y"}', "{é,A,a}"),
    "integer[]": ("{}", "{1}", "{1,2,2}", "{3,NULL}", "{7,1}"),
}
GROUPABLE = ("integer", "bigint", "text", "character varying(20)", "boolean", "date", "uuid")
SUMMABLE = ("integer", "bigint")
TEXTS = ("text", "character varying(20)")
ARRAYS = {"text[]": "text", "integer[]": "integer"}
KEY_TYPES = ("integer", "bigint", "uuid", "text")

WIDER = {
    "integer": ("bigint",),
    "character varying(20)": ("text", "character varying(40)"),
}


def key_domain(kind: str, rng: random.Random) -> tuple[str, ...]:
    """The values of a key of that type."""
    if kind == "uuid":
        return tuple(str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(KEYS))
    if kind in ("text", "character varying(20)"):
        odd = ("", " ", "a", "A", "a ", "é", "it's", "%s")
        return odd + tuple(f"k{n}" for n in range(KEYS - len(odd)))
    return tuple(str(n) for n in range(1, KEYS + 1))
