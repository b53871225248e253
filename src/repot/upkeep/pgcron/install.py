"""The declared tasks as jobs of pg_cron: made, renewed, and taken out."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from psycopg import sql

from repot.model.base import Value
from repot.model.errors import Refused
from repot.model.finding import Finding, info, warning
from repot.model.names import fitted
from repot.model.upkeep import Task, Upkeep
from repot.postgres.connect import Connection
from repot.upkeep.builtins import builtins, in_database
from repot.upkeep.clock import Clock, ServerClock
from repot.upkeep.pgcron.agree import disagreements
from repot.upkeep.pgcron.find import Cron, pg_cron
from repot.upkeep.pgcron.times import job_schedule
from repot.upkeep.registering import ensure, register
from repot.upkeep.session import session

_OVERTIME = "(timeouts)"  # no task can have this name
_PROJECT_BYTES = 32  # of a job's name


class Job(Value):
    """A job of pg_cron. `schedule` is in pg_cron's zone."""

    name: str
    schedule: str
    command: str
    database: str


class Installed(Value):
    """What was done, or would be (`dry_run`)."""

    home: str  # the database that pg_cron lives in
    made: tuple[Job, ...] = ()  # new or changed
    kept: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    dry_run: bool = False


def install(
    dsn: str,
    upkeep: Upkeep,
    *,
    dry_run: bool = False,
    home: str | None = None,
    clock: Clock | None = None,
) -> Installed:
    """One job for each enabled task that the database can run; jobs of this project that are no
    longer declared are taken out. May be repeated. home: the database that pg_cron lives in.

    Raises Refused `no-pg-cron`, `pg-cron-no-rights`, `upkeep-zones-differ`.
    """
    clock = clock or ServerClock()
    with session(dsn) as conn, pg_cron(dsn, conn, home) as cron:
        clock.look(conn)
        now = clock.now()
        tasks = [task for task in upkeep.tasks if task.enabled and in_database(task)]
        wanted = {job.name: job for job in _jobs(upkeep, tasks, cron, now)}
        there, off = _existing(cron, upkeep.project)
        changed = tuple(job for job in wanted.values() if there.get(job.name) != job)
        gone = tuple(sorted(set(there) - set(wanted)))
        if not dry_run:
            ensure(conn)
            _agree(conn, upkeep, tasks, now)
            register(conn, upkeep, now)
            _write(cron, changed, gone)
    kept = tuple(sorted(set(wanted) - {job.name for job in changed}))
    return Installed(
        home=cron.home,
        made=changed,
        kept=kept,
        removed=gone,
        findings=(*_switched_off(off & set(wanted)), *_remarks(upkeep)),
        dry_run=dry_run,
    )


def remove(
    dsn: str, upkeep: Upkeep, *, dry_run: bool = False, home: str | None = None
) -> Installed:
    """Take out all jobs of this project; tasks and history stay in the database.

    Raises Refused `no-pg-cron`, `pg-cron-no-rights`.
    """
    with session(dsn) as conn, pg_cron(dsn, conn, home) as cron:
        gone = tuple(sorted(_existing(cron, upkeep.project)[0]))
        if not dry_run:
            _write(cron, (), gone)
    return Installed(home=cron.home, removed=gone, dry_run=dry_run)


def _jobs(upkeep: Upkeep, tasks: list[Task], cron: Cron, now: datetime) -> list[Job]:
    jobs = [
        Job(
            name=_name(upkeep.project, task.name),
            schedule=job_schedule(task.cron, upkeep.time_zone, now, cron.time_zone),
            command=_call(cron.conn, "call repot_upkeep.run({})", task.name),
            database=cron.database,
        )
        for task in tasks
    ]
    if any(task.timeout for task in tasks):
        jobs.append(
            Job(
                name=_name(upkeep.project, _OVERTIME),
                schedule="* * * * *",
                command=_call(cron.conn, "select repot_upkeep.end_overtime({})", upkeep.project),
                database=cron.database,
            )
        )
    return jobs


def _name(project: str, task: str) -> str:
    """At most 63 bytes, as pg_cron keeps no more; a long name is cut and made unique."""
    return fitted(_prefix(project) + task)


def _prefix(project: str) -> str:
    if len(project.encode()) > _PROJECT_BYTES:
        start = project.encode()[: _PROJECT_BYTES - 9].decode(errors="ignore")
        project = f"{start}_{sha256(project.encode()).hexdigest()[:8]}"
    return f"repot:{project}:"


def _call(conn: Connection, statement: str, word: str) -> str:
    return sql.SQL(statement).format(sql.Literal(word)).as_string(conn)


def _existing(cron: Cron, project: str) -> tuple[dict[str, Job], set[str]]:
    """The jobs of this project, by name, and those of them that somebody has switched off.

    pg_cron shows a role its own jobs, and knows them by name across databases. Raises Refused
    `pg-cron-name-taken`.
    """
    rows = cron.conn.execute(
        "select jobname::text, schedule, command, database, active from cron.job"
        " where starts_with(jobname::text, %s) and username = current_user order by jobname",
        (_prefix(project),),
    ).fetchall()
    jobs = [
        (Job(name=str(name), schedule=str(at), command=str(command), database=str(database)), on)
        for name, at, command, database, on in rows
        # `repot:p:x:task` is of the project `p:x`, not of `p`: task names have no colon.
        if ":" not in str(name)[len(_prefix(project)) :]
    ]
    taken = [job for job, _ in jobs if job.database != cron.database]
    if taken:
        raise Refused(
            "pg-cron-name-taken",
            f"pg_cron has jobs of a project named {project} for another database, and knows a job "
            "by its name",
            evidence="\n".join(f"{job.name}: in {job.database}" for job in taken),
            hint='another name for this one: project = "…" in upkeep.toml',
        )
    return {job.name: job for job, _ in jobs}, {job.name for job, on in jobs if not on}


def _write(cron: Cron, jobs: tuple[Job, ...], gone: tuple[str, ...]) -> None:
    """All of it, or nothing."""
    with cron.conn.transaction():
        for job in jobs:
            values = (job.name, job.schedule, job.command)
            if cron.is_elsewhere:
                cron.conn.execute(
                    "select cron.schedule_in_database(%s, %s, %s, %s)", (*values, job.database)
                )
            else:
                cron.conn.execute("select cron.schedule(%s, %s, %s)", values)
        for name in gone:
            cron.conn.execute(
                "select cron.unschedule(jobid) from cron.job where jobname::text = %s"
                " and username = current_user",
                (name,),
            )


def _switched_off(names: set[str]) -> list[Finding]:
    return [
        warning(
            "pg-cron-job-off",
            f"the job {name} is switched off in pg_cron",
            hint="if nobody meant it: select cron.alter_job(jobid, active => true)",
            object=name,
        )
        for name in sorted(names)
    ]


def _agree(conn: Connection, upkeep: Upkeep, tasks: list[Task], now: datetime) -> None:
    found = disagreements(conn, upkeep, tasks, now)
    if found:
        raise Refused(
            "upkeep-zones-differ",
            f"the server and this machine differ on when {upkeep.time_zone} changes its clocks",
            evidence="\n".join(found),
            hint="one of the two has an old time zone database (tzdata): bring it up to date",
        )


def _remarks(upkeep: Upkeep) -> list[Finding]:
    found = []
    for task in upkeep.tasks:
        if not task.enabled:
            found.append(info("upkeep-disabled", f"{task.name} is not enabled", object=task.name))
        elif not in_database(task):
            why = builtins()[task.care].instead if task.care else "it is a program"
            found.append(
                warning(
                    "upkeep-not-in-database",
                    f"{task.name} ({task.what}): pg_cron cannot run it: {why}",
                    hint="run beside it: repot upkeep run --daemon, or by the machine's cron "
                    "repot upkeep run; what pg_cron has run is not run again",
                    object=task.name,
                )
            )
    return found
