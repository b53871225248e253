"""Reading access.toml: who calls, and which rows each may reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from repot.model.access import (
    ALL,
    NONE,
    OWN,
    AccessRules,
    Identity,
    Rights,
    TableAccess,
)
from repot.model.errors import UsageError
from repot.project.reading import counted, read_toml

FILE = "access.toml"
_SECTIONS = {"schema", "identity", "default", "table", "old", "functions"}
_WRITES = ("insert", "update", "delete")
_WORDS = ("select", *_WRITES, "truncate")
_RIGHTS = {*_WORDS, "write", "columns", "read"}


def read_access(folder: Path, problems: list[str]) -> AccessRules | None:
    """What access.toml in `folder` declares; None where it is not there or has `problems`."""
    file = folder / FILE
    if not file.is_file():
        return None
    before = len(problems)
    settings = read_toml(file, problems)
    if len(problems) > before:
        return None
    found = [f"{FILE}: {text}" for text in _unknown(settings)]
    if not found:
        reader = _Reader(settings)
        rules = reader.read()
        found = [f"{FILE}: {text}" for text in reader.problems]
        if not found:
            return rules
    problems.extend(found)
    return None


def load_access(folder: Path) -> AccessRules:
    """access.toml in `folder`, without a project.

    Raises UsageError `no-access` where there is none, `access-invalid` with every problem.
    """
    problems: list[str] = []
    rules = read_access(folder, problems)
    if problems:
        raise UsageError(
            "access-invalid",
            f"{FILE} in {folder} cannot be read: {counted(problems)}",
            evidence="\n".join(problems),
            hint="docs/reference/access.md lists every key with an example",
        )
    if rules is None:
        raise UsageError(
            "no-access",
            f"there is no {FILE} in {folder}",
            hint="docs/howto/test-row-level-security.md starts one; --project DIR names another "
            "folder",
        )
    return rules


def _unknown(settings: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(set(settings) - _SECTIONS):
        yield f"unknown section or key: {key}"
    for key in sorted(_SECTIONS & set(settings) - {"schema"}):
        if not isinstance(settings[key], dict):
            yield f"{key} must be sections like [{key}.name]"
    if not settings.get("identity"):
        yield 'it declares nobody: [identity.anon] with role = "anon" is one'


class _Reader:
    """Turns sections into values and collects what is wrong with them."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.problems: list[str] = []
        self.names = list(settings["identity"])

    def read(self) -> AccessRules | None:
        identities = [self._identity(n, v) for n, v in self.settings["identity"].items()]
        default = self._by_identity("default", self.settings.get("default", {}))
        tables = {
            name: self._table(f"table.{name}", section)
            for name, section in self.settings.get("table", {}).items()
        }
        old = {
            name: self._table(f"old.{name}", section, owner_only=True)
            for name, section in self.settings.get("old", {}).items()
        }
        self._own_without_owner(default, tables)
        schema = self.settings.get("schema")
        if schema is not None and not isinstance(schema, str):
            self.problems.append("schema must be a name")
        functions = self._functions()
        if self.problems:
            return None
        return AccessRules(
            schema_=schema,
            identities=tuple(i for i in identities if i is not None),
            default=default,
            tables=tables,
            old=old,
            functions=functions,
        )

    def _identity(self, name: str, section: Any) -> Identity | None:
        place = f"identity.{name}"
        try:
            found = Identity.model_validate({**section, "name": name})
        except (ValidationError, TypeError) as wrong:
            self._invalid(place, wrong)
            return None
        if found.sub is not None and "sub" in found.claims:
            self.problems.append(f"{place}: the claim sub is given twice (sub and claims.sub)")
        if found.claims.get("role", found.role) != found.role:
            self.problems.append(f"{place}: claims.role must be its role, as PostgREST sets it")
        return found

    def _table(self, place: str, section: Any, *, owner_only: bool = False) -> TableAccess:
        if not isinstance(section, dict):
            self.problems.append(f"{place} must be a section: [{place}]")
            return TableAccess()
        parts = dict(section)
        own = {}
        for key in ("owner", "own"):
            own[key] = parts.pop(key, None)
            if own[key] is not None and (not isinstance(own[key], str) or not own[key].strip()):
                self.problems.append(f"{place}.{key} must be a text")
                own[key] = None
        if owner_only and parts:
            self.problems.append(f"{place} takes owner and own alone")
            parts = {}
        return TableAccess(**own, rights=self._by_identity(place, parts))

    def _by_identity(self, place: str, section: Mapping[str, Any]) -> dict[str, Rights]:
        found = {}
        for name, value in section.items():
            if name not in self.names:
                known = ", ".join(self.names)
                self.problems.append(f"{place}.{name}: there is no such identity ({known})")
                continue
            found[name] = self._rights(f"{place}.{name}", value)
        return found

    def _rights(self, place: str, value: Any) -> Rights:
        if isinstance(value, str):
            word = self._word(place, value)
            # "all" is said of those who stand above the policies: TRUNCATE is theirs or not
            words = dict.fromkeys(("select", *_WRITES), word)
            return Rights(**words, truncate=None if word == ALL else NONE)
        if not isinstance(value, dict):
            self.problems.append(f'{place} must be a word or {{ select = "own", … }}')
            return Rights()
        for key in sorted(set(value) - _RIGHTS):
            self.problems.append(f"{place}.{key}: there is no such right")
        words = {w: value["write"] for w in _WRITES if "write" in value}
        words |= {w: value[w] for w in _WORDS if w in value}
        checked = {key: self._word(f"{place}.{key}", word) for key, word in words.items()}
        if checked.get("truncate") not in (None, NONE, ALL):
            self.problems.append(f'{place}.truncate is "{NONE}" or "{ALL}": it asks no row')
        lists = {
            k: self._names(f"{place}.{k}", value[k]) for k in ("columns", "read") if k in value
        }
        return Rights.model_validate({**checked, **lists})

    def _word(self, place: str, word: Any) -> str:
        if not isinstance(word, str) or not word.strip():
            self.problems.append(
                f'{place} must be "{NONE}", "{OWN}", "{ALL}" or a condition in SQL over the row'
            )
            return NONE
        return word.strip()

    def _names(self, place: str, names: Any) -> tuple[str, ...]:
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            self.problems.append(f"{place} must be a list of names")
            return ()
        return tuple(names)

    def _functions(self) -> dict[str, tuple[str, ...] | None] | None:
        if "functions" not in self.settings:
            return None
        found: dict[str, tuple[str, ...] | None] = {}
        for name, value in self.settings["functions"].items():
            if name not in self.names:
                self.problems.append(f"functions.{name}: there is no such identity")
            elif value == ALL:
                found[name] = None
            else:
                found[name] = self._names(f"functions.{name}", value)
        return found

    def _own_without_owner(
        self, default: Mapping[str, Rights], tables: Mapping[str, TableAccess]
    ) -> None:
        for name, table in tables.items():
            if table.owner or table.own:
                continue
            whose = [
                i
                for i in self.names
                if (r := table.rights.get(i) or default.get(i))
                and OWN in (r.select, r.insert, r.update, r.delete)
            ]
            if whose:
                self.problems.append(
                    f'table.{name}: {", ".join(whose)} may reach "own" rows, and nothing says '
                    'whose a row is: owner = "the column", or own = "a condition"'
                )

    def _invalid(self, place: str, wrong: Exception) -> None:
        if isinstance(wrong, ValidationError):
            for one in wrong.errors():
                where = ".".join(str(p) for p in (place, *one["loc"]))
                self.problems.append(f"{where}: {one['msg']}")
        else:
            self.problems.append(f"{place} must be a section: [{place}]")
