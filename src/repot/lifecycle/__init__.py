"""The one runner: which stage may follow which, and what must have been shown before."""
