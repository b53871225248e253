"""Scheduled care of a database: tasks, when they are due, and what became of them."""
