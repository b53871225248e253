"""Where a rule over the texts and one over the data mean the same: the data know better."""

from __future__ import annotations

from collections.abc import Iterable

from repot.model.finding import Finding

# A rule of the texts, and the one of the data that says it with figures.
_SAME = {
    "not-null-without-default": {"add-column-without-default"},
    "unique-over-nulls": {"unique-over-null-rows"},
    "set-null-not-null": {"set-null-on-not-null"},
    "extension-missing": {"extension-not-there"},
    "index-repeated": {"index-repeats"},
    "down-deletes-rows": {"down-loses-rows"},
    "down-drops-data": {"down-loses-rows"},
    "down-sets-not-null": {"down-fails"},
}


def told_once(texts: Iterable[Finding], data: Iterable[Finding]) -> list[Finding]:
    """Both, without what the texts say of a place of which the data say it, too."""
    known = list(data)
    said = {(f.file, f.line, f.code) for f in known}
    kept = [
        f
        for f in texts
        if not any((f.file, f.line, code) in said for code in _SAME.get(f.code, ()))
    ]
    return [*kept, *known]
