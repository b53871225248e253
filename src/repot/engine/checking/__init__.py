"""What must be true after a migration, looked at in the catalogs and tried out in the database."""

from repot.engine.checking.place import Place, find_place
from repot.engine.checking.run import run_checks

__all__ = ["Place", "find_place", "run_checks"]
