"""What the database's catalogs say about tables."""

from repot.postgres.catalog.read import read_catalog

__all__ = ["read_catalog"]
