"""Looks for common troubles: what is wrong, the evidence, the next command. Changes nothing."""

from repot.doctor.diagnose import diagnose

__all__ = ["diagnose"]
