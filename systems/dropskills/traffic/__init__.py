"""A load that behaves like the application; see traffic.py beside this folder."""

from .ledger import Ledger
from .load import Traffic

# Loaded for the operations that they put on the list.
from . import lists, people, shop  # isort: skip

__all__ = ["Ledger", "Traffic", "lists", "people", "shop"]
