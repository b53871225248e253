"""What the analysis of a view gives."""

from __future__ import annotations

from repot.model.base import Value
from repot.model.finding import Finding
from repot.model.names import Name
from repot.model.plan import Output, Use


class Analysis(Value):
    """What a view's text says about its rows and where they come from.

    With a finding of severity ERROR among `findings`, `scope` and `uses` are not to be used.
    """

    arms: int
    key: tuple[str, ...]
    scope: tuple[str, ...]  # of the key, in its order; () where there is none
    outputs: tuple[Output, ...]  # types left ''
    uses: tuple[Use, ...]
    findings: tuple[Finding, ...]
    # functions called that are not PostgreSQL's own: what they read is not among the uses
    functions: tuple[Name, ...] = ()
