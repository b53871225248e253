"""Files of which one is chosen: `moves/orders@rounding=cents.sql` where repot.toml says
`[choice]` `rounding = "cents"`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from repot.model.project import SqlFile


@dataclass(frozen=True)
class Variant:
    """A file's name, taken apart."""

    name: str
    choice: str
    value: str


@dataclass
class Chosen:
    """The files of one folder that fit the choices; `problems` grow as they are added."""

    choices: Mapping[str, str]
    files: dict[str, SqlFile] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    _plain: set[str] = field(default_factory=set)
    _variants: dict[str, list[tuple[Variant, SqlFile]]] = field(default_factory=dict)

    def add(self, stem: str, file: SqlFile) -> None:
        """A file, by its name without `.sql`."""
        variant = read(stem)
        if variant is None:
            self._plain.add(stem)
            self.files[stem] = file
        else:
            self._variants.setdefault(variant.name, []).append((variant, file))

    def finish(self) -> None:
        """Choose, once all files are added."""
        for name, variants in sorted(self._variants.items()):
            self.problems.extend(self._choose(name, variants))

    def _choose(self, name: str, variants: list[tuple[Variant, SqlFile]]) -> Iterator[str]:
        first = variants[0][1].path
        if name in self._plain:
            yield f"{first}: there is a {name}.sql beside it, which would always be meant"
            return
        names = sorted({v.choice for v, _ in variants})
        self.used.update(names)
        if len(names) > 1:
            yield f"{first}: {name} depends on several choices ({', '.join(names)}): one at most"
            return
        if names[0] not in self.choices:
            yield f"{first}: repot.toml has no {names[0]} in [choice]"
            return
        wanted = self.choices[names[0]]
        fitting = [file for v, file in variants if v.value == wanted]
        if fitting:
            self.files[name] = fitting[0]
        else:
            there = ", ".join(sorted(v.value for v, _ in variants))
            yield f'{first}: no file of {name} for {names[0]} = "{wanted}"; there are: {there}'


def read(stem: str) -> Variant | None:
    """`name@choice=value`, or None for a plain name."""
    name, at, rest = stem.rpartition("@")
    choice, equals, value = rest.partition("=")
    return Variant(name, choice, value) if at and equals and name and choice and value else None
