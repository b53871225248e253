"""Repot moves a living PostgreSQL database into a new schema."""

__version__ = "0.1.0"
