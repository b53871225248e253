"""The swap: what would break, and the exchange of two sides under one name in one transaction.

`preflight` says beforehand what a swap would break or change. `open_switch` looks at both sides under
locks that let everybody go on, `Switch.stop_writers` locks, `Switch.to_v2` and `Switch.to_v1` swap.
`in_one_transaction` runs all that until the locks are had, and settles a lost COMMIT.
"""
