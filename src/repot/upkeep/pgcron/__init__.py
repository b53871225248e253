"""pg_cron: tasks as jobs of the database itself."""

from repot.upkeep.pgcron.install import Installed, install, remove

__all__ = ["Installed", "install", "remove"]
