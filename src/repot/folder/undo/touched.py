"""Which tables a script that has just run may have taken something from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repot.folder.undo.shapes import Column, Shape


@dataclass(frozen=True)
class Touched:
    """A table as it was, and what stands in its place now (None: nothing).

    pairs: its columns, each with what it became (None: dropped); key: columns by which rows before
    and after can be compared, empty where there are none.
    """

    before: Shape
    after: Shape | None
    pairs: tuple[tuple[Column, Column | None], ...]
    key: tuple[Column, ...]

    @property
    def dropped(self) -> tuple[Column, ...]:
        """Columns that are gone and held something of their own."""
        return tuple(b for b, a in self.pairs if a is None and not b.generated)


def touched(before: Mapping[int, Shape], after: Mapping[int, Shape]) -> tuple[Touched, ...]:
    """The tables that lost themselves, a column, or maybe rows or values; in the order of names.

    What only gained rows, columns or other parts is not among them.
    """
    by_name = {shape.name: shape for shape in after.values() if shape.oid not in before}
    found = []
    for shape in before.values():
        now = after.get(shape.oid)
        same = now is not None
        if now is None:  # perhaps made again under its name
            now = by_name.get(shape.name)
        one = _pair(shape, now, same)
        if one is not None:
            found.append(one)
    return tuple(sorted(found, key=lambda t: (t.before.name.schema_, t.before.name.name)))


def gone(shape: Shape) -> Touched:
    """The table, with nothing in its place."""
    pairs = tuple((c, None) for c in shape.columns)
    return Touched(shape, None, pairs, _key(shape, {c.num for c in shape.columns}))


def _pair(before: Shape, after: Shape | None, same: bool) -> Touched | None:
    if after is None:
        return gone(before)
    pairs = tuple((c, after.column(c.num) if same else after.named(c.name)) for c in before.columns)
    quiet = (
        same
        and after.changed == before.changed
        and after.files == before.files
        and after.members == before.members
        and all(a is not None or b.generated for b, a in pairs)
        and all(a is None or a.type == b.type for b, a in pairs)
    )
    if quiet:
        return None
    stays = {b.num for b, a in pairs if a is not None and a.type == b.type}
    return Touched(before, after, pairs, _key(before, stays))


def _key(shape: Shape, usable: set[int]) -> tuple[Column, ...]:
    for key in shape.keys:
        if set(key) <= usable:
            columns = [shape.column(num) for num in key]
            return tuple(c for c in columns if c is not None)
    return ()
