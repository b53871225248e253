"""What a rule is: it names its condition, its effect, its remedy, and shows a bad and a good
folder.

The tests run both, and the reference of rules is made from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from repot.folder.rules.story import Incident, Place, Story
from repot.model.finding import Finding, Severity

# The texts of a folder's files in order; a pair is a migration and its way back.
Example = tuple[str | tuple[str, str], ...]


@dataclass(frozen=True)
class Hit:
    """A place that a rule means; `message` says what is there, with its names.

    severity: where this place is less grave than the rule's; hint: where its remedy is another.
    """

    place: Place
    message: str
    object: str | None = None
    severity: Severity | None = None
    hint: str | None = None


@dataclass(frozen=True)
class Rule:
    """One rule over the texts of a folder; no database is needed.

    bad, good: `bad` is what the rule finds, `good` is the same change as it should be written.
    fails: PostgreSQL itself refuses the bad one when the folder is run on an empty database.
    lasting: it is wrong as long as it is there, not only while the file runs.
    """

    id: str
    severity: Severity
    condition: str
    effect: str
    remedy: str
    bad: Example
    good: Example
    find: Callable[[Story], Iterable[Hit]]
    fails: bool = False
    lasting: bool = False

    def findings(self, story: Story) -> Iterator[Finding]:
        """All places of the folder that the rule means."""
        for hit in self.find(story):
            yield Finding(
                code=self.id,
                severity=hit.severity or self.severity,
                message=hit.message,
                hint=hit.hint or self.remedy,
                file=hit.place.file,
                line=hit.place.line,
                object=hit.object,
            )


def doubtful(incident: Incident) -> Severity | None:
    """A warning where it may be well after all; None leaves the rule's own severity."""
    return None if incident.certain else Severity.WARNING
