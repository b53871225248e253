"""Comparing a view with its table, byte for byte, by a FULL JOIN on the key.

A join on one server is exact and faster than any hash of the rows; what `=` takes for equal
although it is not the same (1.0 and 1.00, -0.0 and 0.0, '1 day' and '24:00') is told apart by what
the type offers for it, or by the record image operator *<>, which compares the stored bytes.
"""

from repot.engine.compare.count import Counts, compare, compared_columns, comparing, counted
from repot.engine.compare.show import duplicate_examples, examples
from repot.engine.compare.sides import HERE, sides
from repot.engine.compare.values import any_differs, differs, is_exact, is_text
from repot.engine.compare.where import Where, between, everywhere, within

__all__ = [
    "HERE",
    "Counts",
    "Where",
    "any_differs",
    "between",
    "compare",
    "compared_columns",
    "comparing",
    "counted",
    "differs",
    "duplicate_examples",
    "everywhere",
    "examples",
    "is_exact",
    "is_text",
    "sides",
    "within",
]
