"""The canonical text of a design specification, and its hash: the same that the database computes.

Two writings of one value give one text, as `canonical_json` and `spec_hash` do in SQL:

* keys in the order of their code points, each once (of a key that comes twice, the last counts);
* no white space;
* strings with those escapes that JSON demands and no others: quotation mark and backslash after a
  backslash; b, f, n, r, t; other control characters as u00xx in lower case. All other characters
  stay as they are, not normalised;
* numbers as plain decimals with all their digits: no exponent, no plus, no zero that says nothing,
  no minus before 0. 1, 1.0 and 1e0 are ``1``.

RFC 8785 is the model. This differs in two things: numbers of 1e21 and more, or under 1e-6, have no
exponent, for those of jsonb are exact where JavaScript's are not; and keys are ordered by code
point, not by UTF-16 unit.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

_INTEGER_DIGITS = 131072  # of a jsonb number, before the point
_FRACTION_DIGITS = 16383  # and behind it


def canonical_json(value: Any) -> str:
    """The one text of a value made of None, bool, int, float, Decimal, str, list, tuple and dict.

    Raises ValueError for what jsonb does not hold (NaN, infinities, numbers out of its range, the
    character U+0000, half surrogate pairs), TypeError for other types and for keys that are no
    text.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case int() | float() | Decimal():
            return _number(Decimal(repr(value)) if isinstance(value, float) else Decimal(value))
        case list() | tuple():
            return "[" + ",".join(canonical_json(item) for item in value) + "]"
        case dict():
            for key in value:
                if not isinstance(key, str):
                    raise TypeError(f"a key of JSON is text, not {type(key).__name__}")
            parts = (f"{_text(key)}:{canonical_json(value[key])}" for key in sorted(value))
            return "{" + ",".join(parts) + "}"
    raise TypeError(f"JSON has no {type(value).__name__}")


def spec_hash(value: Any) -> str:
    """SHA-256 of the canonical text in UTF-8, 64 hexadecimal digits. Raises as canonical_json."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def parse(text: str) -> Any:
    """JSON with its numbers exact (Decimal). Raises ValueError."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse)


def _text(value: str) -> str:
    if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError("jsonb holds neither U+0000 nor half of a surrogate pair")
    return json.dumps(value, ensure_ascii=False)


def _number(value: Decimal) -> str:
    """All digits, without rounding: Decimal's own formatting would round to the context's 28."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(f"JSON has no {value}")
    written = "".join(map(str, digits)).lstrip("0")
    kept = written.rstrip("0")
    exponent += len(written) - len(kept)
    if not kept:
        return "0"
    if len(kept) + exponent > _INTEGER_DIGITS or -exponent > _FRACTION_DIGITS:
        raise ValueError("the number has more digits than jsonb holds")
    if exponent >= 0:
        plain = kept + "0" * exponent
    else:
        padded = kept.rjust(1 - exponent, "0")
        plain = f"{padded[:exponent]}.{padded[exponent:]}"
    return "-" + plain if sign else plain


def _refuse(word: str) -> Any:
    raise ValueError(f"JSON has no {word}")
