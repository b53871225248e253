"""What Repot talks about, as frozen data: no I/O, no driver, importable from everywhere."""
