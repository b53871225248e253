"""The base of all of Repot's values: frozen, strict about unknown fields, written as JSON."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """An immutable value; `model_dump_json` and `model_validate_json` carry it over the wire."""

    model_config = ConfigDict(frozen=True, extra="forbid")
