"""The swap: what would break, and the exchange of two sides under one name in one transaction.

`preflight` says beforehand what a swap would break or change. `switch.open_switch` looks at both
sides under locks that let everybody go on; its `Switch` then stops the writers and swaps.
`attempts.in_one_transaction` runs all that until the locks are had, and settles a lost COMMIT.
"""

from repot.engine.swap.preflight import preflight

__all__ = ["preflight"]
