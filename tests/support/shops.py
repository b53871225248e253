"""The small project of `support.shop` at later stages: a database each, to be copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

from repot.embedded import EmbeddedServer
from repot.engine.session import Session
from repot.model.results import Verdict
from repot.stages.cutover import cutover
from support.pipeline import started
from support.shop import FOLDER, make_v1
from support.swapping import now_proven, whole_backup

Proven = tuple[Session, Verdict]
_COPIED, _PROVEN, _CUT_OVER = (f"shop_{stage}" for stage in ("copied", "proven", "cut_over"))


class Shops:
    """Made when first asked for; `drop` removes them. Nobody may write there, or stay connected."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server
        self._made: list[str] = []

    @cached_property
    def copied(self) -> Session:
        dsn = self._database(_COPIED)
        make_v1(dsn)
        return started(dsn, FOLDER)

    @cached_property
    def proven(self) -> Proven:
        session, verdict = now_proven(replace(self.copied, dsn=self._database(_PROVEN, _COPIED)))
        assert verdict.passed, verdict.reasons
        return session, verdict

    @cached_property
    def cut_over(self) -> Session:
        session, verdict = self.proven
        session = replace(session, dsn=self._database(_CUT_OVER, _PROVEN))
        return session.at(cutover(session, verdict, whole_backup())[0])

    def drop(self) -> None:
        for name in self._made:
            self._server.drop_database(name)

    def _database(self, name: str, template: str | None = None) -> str:
        self._made.append(name)
        return self._server.create_database(name, template)


class OwnShops:
    """Copies of them, for one test."""

    def __init__(self, shops: Shops, make_database: Callable[..., str]) -> None:
        self._shops, self._make = shops, make_database

    def copied(self) -> Session:
        """Built and copied."""
        return replace(self._shops.copied, dsn=self._make(_COPIED))

    def proven(self) -> Proven:
        """And proven."""
        session, verdict = self._shops.proven
        return replace(session, dsn=self._make(_PROVEN)), verdict

    def cut_over(self) -> Session:
        """And cut over."""
        return replace(self._shops.cut_over, dsn=self._make(_CUT_OVER))
